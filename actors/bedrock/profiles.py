"""Inference profiles: those that stand in the catalogue (SYSTEM_DEFINED) and an account's own (APPLICATION)."""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.bedrock import foundation, tagging
from actors.bedrock.catalogue import Model, Models
from actors.bedrock.errors import ResourceNotFoundException
from actors.bedrock.paging import page
from actors.bedrock.state import PROFILE, Book, Record, moment
from actors.bedrock.tokens import once
from actors.runtime.context import Context
from schemas.errors import ValidationException

APPLICATION, SYSTEM = "APPLICATION", "SYSTEM_DEFINED"
DEFINED_S = 1_724_544_000.0               # 2024-08-25: cross-region inference came

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(book: Book, models: Models, context: Context, request: Request) -> Answer:
    def made() -> Answer:
        source = request["modelSource"]["copyFrom"]
        model = models.find(source)
        if model is None:
            raise ValidationException(foundation.INVALID)
        shown = {"models": [{"modelArn": foundation.arn(model, book.region)}], "status": "ACTIVE", "type": APPLICATION}
        if request.get("description"):
            shown["description"] = request["description"]
        name = request["inferenceProfileName"]
        record = book.create(PROFILE, name, shown, f"Inference profile with name {name} already exists.")
        record["tags"] = tagging.as_map(request.get("tags"))
        book.save(record)
        return {"inferenceProfileArn": record["arn"], "status": "ACTIVE"}

    return once(book, context, request, made)


def get(book: Book, models: Models, identifier: str) -> Answer:
    model = models.profile(identifier.rpartition("/")[2])
    if model is not None and (not identifier.startswith("arn:") or ":inference-profile/" in identifier):
        return _shown(_system(book, identifier.rpartition("/")[2], model))
    return _shown(book.get(PROFILE, identifier, "Inference profile {} not found."))


def listed(book: Book, models: Models, request: Request) -> Answer:
    """SYSTEM_DEFINED unless a type is asked for, as AWS does."""
    kind = request.get("typeEquals") or SYSTEM
    rows = book.rows(PROFILE) if kind == APPLICATION else _all_system(book, models)
    return page("inferenceProfileSummaries", rows, request, _shown)


def delete(book: Book, identifier: str) -> Answer:
    record = book.find(PROFILE, identifier)
    if record is None:
        raise ResourceNotFoundException(f"Inference profile {identifier} not found.")
    book.remove(record)
    return {}


def _all_system(book: Book, models: Models) -> Iterator[Record]:
    for profile, model in models.profiles(book.region):
        yield _system(book, profile, model)


def _system(book: Book, profile: str, model: Model) -> Record:
    shown = {"models": [{"modelArn": foundation.arn(model, book.region)}], "status": "ACTIVE", "type": SYSTEM}
    name = f"{profile.partition('.')[0].upper()} {model.name}"
    return {"id": profile, "name": name, "arn": book.arn("inference-profile", profile), "created": DEFINED_S,
            "shown": shown}


def _shown(record: Record) -> Answer:
    time = moment(record["created"])
    return {"inferenceProfileName": record["name"], "inferenceProfileArn": record["arn"],
            "inferenceProfileId": record["id"], "createdAt": time, "updatedAt": time, **record["shown"]}
