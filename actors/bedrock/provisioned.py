"""Provisioned throughput: a name and an ARN of its own for a model, InService at once.

What AWS sells here, replicas that stay warm, is the model host's affair: a provisioned model is asked like any other.
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Models
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, IMPORTED, PROVISIONED, Book, Record, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from schemas.errors import ValidationException

MONTH_S = 30 * 24 * 3600.0
_COMMITMENTS = {"OneMonth": MONTH_S, "SixMonths": 6 * MONTH_S}
_MISSING = "The provisioned model throughput {} could not be found."
_TAKEN = "A provisioned model throughput with the name {} already exists."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        model, base = _model(book, models, request["modelId"])
        name, units = request["provisionedModelName"], request["modelUnits"]
        shown = {"modelUnits": units, "desiredModelUnits": units, "modelArn": model, "desiredModelArn": model,
                 "foundationModelArn": base, "status": "InService"}
        commitment = request.get("commitmentDuration")
        if commitment:
            shown["commitmentDuration"] = commitment
            shown["commitmentExpirationTime"] = book.now() + _COMMITMENTS[commitment]
        record = book.create(PROVISIONED, name, shown, _TAKEN.format(name), modified=book.now())
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        return {"provisionedModelArn": record["arn"]}

    return once(book, context, request, made)


def _model(book: Book, models: Models, identifier: str) -> tuple[str, str]:
    """The ARNs of the model and of the foundation model it is of. ValidationException."""
    found = foundation.find(models, identifier)
    if found is not None:
        base = foundation.arn(found, book.region)
        return base, base
    for kind in (CUSTOM, IMPORTED):
        record = book.find(kind, identifier)
        if record is not None:
            return record["arn"], record["shown"].get("baseModelArn", record["arn"])
    raise ValidationException(foundation.INVALID)


def get(book: Book, identifier: str) -> Answer:
    return _shown(book.get(PROVISIONED, identifier, _MISSING))


def listed(book: Book, request: Request) -> Answer:
    model = request.get("modelArnEquals")
    rows = (record for record in book.rows(PROVISIONED) if not model or record["shown"]["modelArn"] == model)
    return page("provisionedModelSummaries", rows, request, _shown)


def update(book: Book, models: Models, request: Request) -> Answer:
    record = book.get(PROVISIONED, request["provisionedModelId"], _MISSING)
    name = request.get("desiredProvisionedModelName")
    if name:
        book.rename(record, name, _TAKEN.format(name))
    if request.get("desiredModelId"):
        model, base = _model(book, models, request["desiredModelId"])
        if base != record["shown"]["foundationModelArn"]:
            raise ValidationException("The desired model must have the same base model as the provisioned model.")
        record["shown"] |= {"modelArn": model, "desiredModelArn": model}
    record["modified"] = book.now()
    book.save(record)
    return {}


def delete(book: Book, identifier: str) -> Answer:
    book.remove(book.get(PROVISIONED, identifier, _MISSING))
    return {}


def _shown(record: Record) -> Answer:
    told = {**record["shown"], "provisionedModelName": record["name"], "provisionedModelArn": record["arn"],
            "creationTime": moment(record["created"]), "lastModifiedTime": moment(record["modified"])}
    if "commitmentExpirationTime" in told:
        told["commitmentExpirationTime"] = moment(told["commitmentExpirationTime"])
    return told
