"""Deployments of custom models: an ARN under which one may be asked on demand, Active at once.

Nothing is loaded for it: that happens when it is asked.
https://docs.aws.amazon.com/bedrock/latest/userguide/deploy-custom-model-on-demand.html
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock import tagging
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, DEPLOYMENT, Book, Record, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context

_MISSING = "The custom model deployment {} could not be found."
_NO_MODEL = "Could not find the custom model {}."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        name = request["modelDeploymentName"]
        model = book.get(CUSTOM, request["modelArn"], _NO_MODEL)
        shown = {"modelArn": model["arn"], "status": "Active"}
        if request.get("description"):
            shown["description"] = request["description"]
        record = book.create(DEPLOYMENT, name, shown, f"A custom model deployment with the name {name} already exists.",
                             modified=book.now())
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        return {"customModelDeploymentArn": record["arn"]}

    return once(book, context, request, made)


def get(book: Book, identifier: str) -> Answer:
    record = book.get(DEPLOYMENT, identifier, _MISSING)
    return {**record["shown"], "modelDeploymentName": record["name"], **_placed(record)}


def listed(book: Book, request: Request) -> Answer:
    model = request.get("modelArnEquals")
    rows = (record for record in book.rows(DEPLOYMENT) if not model or record["shown"]["modelArn"] == model)
    return page("modelDeploymentSummaries", rows, request, lambda record: {
        "modelArn": record["shown"]["modelArn"], "status": record["shown"]["status"],
        "customModelDeploymentName": record["name"], **_placed(record)})


def _placed(record: Record) -> Answer:
    return {"customModelDeploymentArn": record["arn"], "createdAt": moment(record["created"]),
            "lastUpdatedAt": moment(record["modified"])}


def update(book: Book, request: Request) -> Answer:
    """From now on it is another model."""
    record = book.get(DEPLOYMENT, request["customModelDeploymentIdentifier"], _MISSING)
    model = book.get(CUSTOM, request["modelArn"], _NO_MODEL)
    record["shown"] |= {"modelArn": model["arn"],
                        "updateDetails": {"modelArn": model["arn"], "updateStatus": "UpdateCompleted"}}
    record["modified"] = book.now()
    book.save(record)
    return {"customModelDeploymentArn": record["arn"]}


def delete(book: Book, identifier: str) -> Answer:
    book.remove(book.get(DEPLOYMENT, identifier, _MISSING))
    return {}
