"""Customization jobs and custom models.

Skybus has no trainer. A job is taken, checked, and Failed with a message that says so: what lists and shows jobs sees
it as AWS would show a job that failed.
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Models
from actors.bedrock.errors import ConflictException, ResourceNotFoundException
from actors.bedrock.paging import page
from actors.bedrock.state import CUSTOM, CUSTOMIZATION_JOB, Book, Record, moment, new_id
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from schemas.errors import ValidationException

NO_TRAINER = ("Skybus has no trainer installed: models cannot be customized here. Import a model that was trained "
              "elsewhere.")
_MISSING = "Could not find the model customization job {}."
_NO_MODEL = "Could not find the custom model {}."
_KEPT = ("hyperParameters", "trainingDataConfig", "outputDataConfig", "vpcConfig", "customizationConfig", "roleArn",
         "clientRequestToken")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        base = foundation.find(models, request["baseModelIdentifier"])
        if base is None:
            raise ValidationException(foundation.INVALID)
        if book.row("name", CUSTOM, request["customModelName"]) is not None:
            raise ConflictException(f"A custom model with the name {request['customModelName']} already exists.")
        identity, now = new_id(), book.now()
        shown = {member: request[member] for member in _KEPT if request.get(member)}
        shown |= {"baseModelArn": foundation.arn(base, book.region), "outputModelName": request["customModelName"],
                  "customizationType": request.get("customizationType") or "FINE_TUNING", "status": "Failed",
                  "failureMessage": NO_TRAINER, "validationDataConfig": request.get("validationDataConfig") or
                  {"validators": []}}
        name = request["jobName"]
        record = book.create(CUSTOMIZATION_JOB, name, shown, f"A job with the name {name} already exists.",
                             identity=identity, arn=book.arn(CUSTOMIZATION_JOB, f"{base.id}/{identity}"), ended=now)
        record["tags"] = tagging.as_map(request.get("jobTags"))
        book.save(record)
        return {"jobArn": record["arn"]}

    return once(book, context, request, made)


def get(book: Book, identifier: str) -> Answer:
    record = book.get(CUSTOMIZATION_JOB, identifier, _MISSING)
    return {**record["shown"], "jobArn": record["arn"], "jobName": record["name"], **_times(record)}


def listed(book: Book, request: Request) -> Answer:
    return page("modelCustomizationJobSummaries", book.rows(CUSTOMIZATION_JOB), request, _summary)


def _summary(record: Record) -> Answer:
    shown = record["shown"]
    return {"jobArn": record["arn"], "jobName": record["name"], "baseModelArn": shown["baseModelArn"],
            "status": shown["status"], "customModelName": shown["outputModelName"],
            "customizationType": shown["customizationType"], **_times(record)}


def _times(record: Record) -> Answer:
    return {"creationTime": moment(record["created"]), "lastModifiedTime": moment(record["ended"]),
            "endTime": moment(record["ended"])}


def stop(book: Book, identifier: str) -> Answer:
    record = book.get(CUSTOMIZATION_JOB, identifier, _MISSING)
    raise ConflictException(
        f"The job {record['name']} cannot be stopped: it has the status {record['shown']['status']}.")


# Custom models: there are none, since no job makes one

def get_model(book: Book, identifier: str) -> Answer:
    raise ResourceNotFoundException(_NO_MODEL.format(identifier))


def list_models(book: Book, request: Request) -> Answer:
    return page("modelSummaries", book.rows(CUSTOM), request, lambda record: record["shown"])


def delete_model(book: Book, identifier: str) -> Answer:
    raise ResourceNotFoundException(_NO_MODEL.format(identifier))
