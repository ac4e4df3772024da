"""Tags of trails. Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AddTags.html"""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.cloudtrail import trails
from actors.cloudtrail.errors import (
    CloudTrailARNInvalid,
    InvalidTagParameter,
    ResourceNotFound,
    ResourceTypeNotSupported,
    TagsLimitExceeded,
    TrailNotFound,
)
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

TAGS_LIMIT = 50

Request = Mapping[str, Any]
Answer = dict[str, Any]


def given(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags of a request; each key once."""
    made: dict[str, str] = {}
    for tag in tags:
        if tag["Key"] in made:
            raise InvalidTagParameter("Tag keys must be unique.")
        made[tag["Key"]] = tag.get("Value") or ""
    if len(made) > TAGS_LIMIT:
        raise TagsLimitExceeded(f"The number of tags exceeds the limit of {TAGS_LIMIT}.")
    return made


def add(transaction: Transaction, context: Context, request: Request) -> Answer:
    trail = _found(transaction, context, request["ResourceId"])
    trail["tags"] |= given(request["TagsList"])
    if len(trail["tags"]) > TAGS_LIMIT:
        raise TagsLimitExceeded(f"The number of tags exceeds the limit of {TAGS_LIMIT}.")
    trails.save(transaction, trail)
    return {}


def remove(transaction: Transaction, context: Context, request: Request) -> Answer:
    trail = _found(transaction, context, request["ResourceId"])
    for tag in request["TagsList"]:
        if tag.get("Value") in (None, trail["tags"].get(tag["Key"])):
            trail["tags"].pop(tag["Key"], None)
    trails.save(transaction, trail)
    return {}


def listed(view: Snapshot, context: Context, request: Request) -> Answer:
    found = []
    for identity in request["ResourceIdList"]:
        trail = _found(view, context, identity)
        tags = [{"Key": key, "Value": value} for key, value in trail["tags"].items()]
        found.append({"ResourceId": identity, "TagsList": tags})
    return {"ResourceTagList": found}


def _found(view: Snapshot, context: Context, identity: str) -> trails.Trail:
    if not identity.startswith("arn:"):
        raise CloudTrailARNInvalid(f"Trail ARN {identity} is invalid.")
    if ":trail/" not in identity:
        raise ResourceTypeNotSupported(f"Skybus has trails only: {identity}")
    try:
        return trails.get(view, context, identity)
    except TrailNotFound as error:
        raise ResourceNotFound(error.message) from error
