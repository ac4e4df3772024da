"""Tags of whatever has an ARN here."""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.bedrock import state
from actors.bedrock.errors import ResourceNotFoundException, TooManyTagsException
from actors.bedrock.state import Book, Record
from schemas.errors import ValidationException

TAGS_LIMIT = 50
_TAGGED = (state.GUARDRAIL, state.PROFILE, state.PROVISIONED, state.IMPORT_JOB, state.IMPORTED, state.INVOCATION_JOB,
           state.CUSTOMIZATION_JOB, state.CUSTOM, state.ASYNC_INVOKE)

Answer = dict[str, Any]
Tags = Iterable[Mapping[str, str]]


def as_map(tags: Tags | None) -> dict[str, str]:
    """ValidationException for a key given twice, TooManyTagsException."""
    found: dict[str, str] = {}
    for tag in tags or ():
        if tag["key"] in found:
            raise ValidationException(f"Duplicate tag keys found: {tag['key']}")
        found[tag["key"]] = tag["value"]
    return _bounded(found)


def _bounded(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > TAGS_LIMIT:
        raise TooManyTagsException(f"The number of tags exceeds the limit of {TAGS_LIMIT}.")
    return tags


def tag(book: Book, arn: str, tags: Tags) -> Answer:
    record = _tagged(book, arn)
    record["tags"] = _bounded({**record["tags"], **as_map(tags)})
    book.save(record)
    return {}


def untag(book: Book, arn: str, keys: Iterable[str]) -> Answer:
    record = _tagged(book, arn)
    for key in keys:
        record["tags"].pop(key, None)
    book.save(record)
    return {}


def listed(book: Book, arn: str) -> Answer:
    return {"tags": [{"key": key, "value": value} for key, value in _tagged(book, arn)["tags"].items()]}


def _tagged(book: Book, arn: str) -> Record:
    kind = arn.partition("/")[0].rpartition(":")[2]
    record = book.find(kind, arn) if kind in _TAGGED else None
    if record is None:
        raise ResourceNotFoundException(f"Could not find the resource with ARN {arn}.")
    return record
