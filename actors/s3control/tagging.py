"""Tags of buckets and access points by ARN: one added or taken away without the others being named.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html and its neighbours; the errors are
AWS's in LocalStack's snapshots. Of the resources these operations know on AWS, only these two are here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import access, points, tags
from actors.s3.errors import AccessDenied, InvalidRequest, InvalidTag, NoSuchBucket, S3Error
from actors.s3.points import Point
from actors.s3.state import Bucket
from actors.s3.tagging import BUCKET_TAGS
from actors.s3control.blocks import account_of

_ARN = "arn:aws:s3:::"
_INVALID = ("This request contains a tag key or value that isn't valid. Valid characters include the following: "
            f"[a-zA-Z+-=._:/]. Tag keys can contain up to {tags.TAG_KEY_LIMIT} characters. Tag values can contain up "
            f"to {tags.TAG_VALUE_LIMIT} characters.")

Request = Mapping[str, Any]
Answer = dict[str, Any]


class NoSuchResource(S3Error):
    code, status_code, words = "NoSuchResource", 404, "The specified resource doesn't exist."


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"Tags": tags.to_set(_tags(_resource(context, snapshot, request)))}


def tag(context: Context, transaction: Transaction, request: Request) -> Answer:
    resource = _resource(context, transaction, request)
    return _set(transaction, resource, {**_tags(resource), **given(request["Tags"])})


def untag(context: Context, transaction: Transaction, request: Request) -> Answer:
    resource = _resource(context, transaction, request)
    kept = {key: value for key, value in _tags(resource).items() if key not in request["TagKeys"]}
    return _set(transaction, resource, kept)


def given(asked: Sequence[Mapping[str, str]] | None) -> tags.Tags:
    """Of a request. InvalidTag, BadRequest."""
    found = {each["Key"]: each["Value"] for each in asked or ()}
    if len(found) < len(asked or ()):
        raise InvalidTag("There are duplicate tag keys in your request. Remove the duplicate tag keys and try again.")
    try:
        return tags.checked(found, tags.BUCKET_TAGS_LIMIT, "New bucket")
    except InvalidTag as error:
        is_reserved = any(key.lower().startswith("aws:") for key in found)
        raise InvalidTag(error.message if is_reserved else _INVALID) from error


def _set(transaction: Transaction, resource: Bucket | Point, found: tags.Tags) -> Answer:
    kept = tags.checked(found, tags.BUCKET_TAGS_LIMIT, "Bucket")
    if isinstance(resource, Bucket):
        resource.configure(BUCKET_TAGS, kept or None)
    else:
        resource.record["tags"] = kept
        resource.save(transaction)
    return {}


def _tags(resource: Bucket | Point) -> Mapping[str, str]:
    if isinstance(resource, Bucket):
        return resource.configuration(BUCKET_TAGS) or {}
    return resource.tags


def _resource(context: Context, view: Snapshot, request: Request) -> Bucket | Point:
    """AccessDenied, InvalidRequest, NoSuchResource, PermanentRedirect."""
    account, arn = account_of(context, request), request["ResourceArn"]
    key = points.key_of_arn(arn)
    if key is not None:
        if key.account != account:
            raise AccessDenied
        point = points.get(view, key)
        if point is None:
            raise NoSuchResource
        return point
    if not arn.startswith(_ARN) or "/" in arn:
        raise InvalidRequest("The specified resource ARN is not valid.")
    try:
        return access.bucket_of(context, view, {"Bucket": arn, "ExpectedBucketOwner": account})
    except NoSuchBucket as error:
        raise NoSuchResource from error
