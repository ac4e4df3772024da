"""Tags of users, roles, policies, instance profiles and identity providers.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.iam.errors import InvalidInput, LimitExceeded
from actors.iam.paging import Answer, after, page
from actors.iam.state import Book, Record

TAGS_LIMIT = 50                               # per entity


def read(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """A request's Tags. Keys are kept as written and are alike in whatever case."""
    made: dict[str, str] = {}
    folded: set[str] = set()
    for tag in tags or ():
        if tag["Key"].lower() in folded:
            raise InvalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        folded.add(tag["Key"].lower())
        made[tag["Key"]] = tag["Value"]
    if len(made) > TAGS_LIMIT:
        raise LimitExceeded("The number of tags has reached the maximum limit.")
    return made


def tag(book: Book, record: Record, request: Mapping[str, Any]) -> Answer:
    for key, value in read(request["Tags"]).items():
        there = next((known for known in record["tags"] if known.lower() == key.lower()), key)
        record["tags"].pop(there, None)
        record["tags"][key] = value
    if len(record["tags"]) > TAGS_LIMIT:
        raise LimitExceeded("The number of tags has reached the maximum limit.")
    book.save(record)
    return {}


def untag(book: Book, record: Record, request: Mapping[str, Any]) -> Answer:
    gone = {key.lower() for key in request["TagKeys"]}
    record["tags"] = {key: value for key, value in record["tags"].items() if key.lower() not in gone}
    book.save(record)
    return {}


def listed(record: Record, request: Mapping[str, Any]) -> Answer:
    start = after(request)
    rows = [(key, {"Key": key, "Value": value}) for key, value in sorted(record["tags"].items()) if key > start]
    return page("Tags", rows, request, lambda shown: shown)
