"""Tags of users, roles, policies, instance profiles and identity providers.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.iam.errors import InvalidInput, LimitExceeded
from actors.iam.paging import Answer, after, page
from actors.iam.state import ROLE, USER, Book, Record

TAGS_LIMIT = 50                               # per entity
_FOLDING = frozenset({USER, ROLE})


def read(tags: Iterable[Mapping[str, str]] | None, kind: str = "") -> dict[str, str]:
    """A request's Tags. Keys are kept as written; those of users and roles are alike in whatever case."""
    made: dict[str, str] = {}
    folded: set[str] = set()
    for tag in tags or ():
        key = _folded(tag["Key"], kind)
        if key in folded:
            more = " Please note that Tag keys are case insensitive." if kind in _FOLDING else ""
            raise InvalidInput(f"Duplicate tag keys found.{more}")
        folded.add(key)
        made[tag["Key"]] = tag["Value"]
    if len(made) > TAGS_LIMIT:
        raise LimitExceeded("The number of tags has reached the maximum limit.")
    return made


def _folded(key: str, kind: str) -> str:
    return key.lower() if kind in _FOLDING else key


def tag(book: Book, record: Record, request: Mapping[str, Any]) -> Answer:
    kind = record["kind"]
    for key, value in read(request["Tags"], kind).items():
        there = next((known for known in record["tags"] if _folded(known, kind) == _folded(key, kind)), key)
        record["tags"].pop(there, None)
        record["tags"][key] = value
    if len(record["tags"]) > TAGS_LIMIT:
        raise LimitExceeded("The number of tags has reached the maximum limit.")
    book.save(record)
    return {}


def untag(book: Book, record: Record, request: Mapping[str, Any]) -> Answer:
    kind = record["kind"]
    gone = {_folded(key, kind) for key in request["TagKeys"]}
    record["tags"] = {key: value for key, value in record["tags"].items() if _folded(key, kind) not in gone}
    book.save(record)
    return {}


def listed(record: Record, request: Mapping[str, Any]) -> Answer:
    start = after(request)
    rows = [(key, {"Key": key, "Value": value}) for key, value in sorted(record["tags"].items()) if key > start]
    return page("Tags", rows, request, lambda shown: shown)
