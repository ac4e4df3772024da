"""Tags of roots, units, accounts and policies.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.iam.state import Record
from actors.organizations.errors import ConstraintViolation, InvalidInput, missing
from actors.organizations.state import Tree, page

TAGS_LIMIT = 50

Request = Mapping[str, Any]
Answer = dict[str, Any]


def given(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request; each key once."""
    made: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in made:
            raise InvalidInput("Duplicate tag keys found.", Reason="DUPLICATE_TAG_KEY")
        made[tag["Key"]] = tag["Value"]
    if len(made) > TAGS_LIMIT:
        raise ConstraintViolation("You have exceeded the number of tags.", "MAX_TAG_LIMIT_EXCEEDED")
    return made


def tag(tree: Tree, request: Request) -> Answer:
    kind, record = _found(tree, request["ResourceId"])
    record["tags"] |= given(request["Tags"])
    if len(record["tags"]) > TAGS_LIMIT:
        raise ConstraintViolation("You have exceeded the number of tags.", "MAX_TAG_LIMIT_EXCEEDED")
    tree.book.put(record, kind, record["id"])
    return {}


def untag(tree: Tree, request: Request) -> Answer:
    kind, record = _found(tree, request["ResourceId"])
    record["tags"] = {key: value for key, value in record["tags"].items() if key not in request["TagKeys"]}
    tree.book.put(record, kind, record["id"])
    return {}


def listed(tree: Tree, request: Request) -> Answer:
    _, record = _found(tree, request["ResourceId"])
    rows = [{"Key": key, "Value": value} for key, value in sorted(record["tags"].items())]
    return page("Tags", rows, request, lambda row: row)


def _found(tree: Tree, identity: str) -> tuple[str, Record]:
    kind = "scp" if identity.startswith("p-") else "node"
    record = tree.book.row(kind, identity)
    if record is None:
        raise missing("Target")
    return kind, record
