"""Tags of buckets by ARN: one added or taken away without the others being named.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_TagResource.html and its neighbours. Of the
resources these operations know on AWS, only buckets are here.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import access, tags
from actors.s3.errors import InvalidRequest
from actors.s3.state import Bucket
from actors.s3.tagging import BUCKET_TAGS
from actors.s3control.blocks import account_of

_ARN = "arn:aws:s3:::"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"Tags": tags.to_set(_tags(_bucket(context, snapshot, request)))}


def tag(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = _bucket(context, transaction, request)
    added = tags.from_set({"TagSet": request["Tags"]}, tags.BUCKET_TAGS_LIMIT, "Bucket")
    return _set(bucket, {**_tags(bucket), **added})


def untag(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = _bucket(context, transaction, request)
    return _set(bucket, {key: value for key, value in _tags(bucket).items() if key not in request["TagKeys"]})


def _set(bucket: Bucket, found: tags.Tags) -> Answer:
    bucket.configure(BUCKET_TAGS, tags.checked(found, tags.BUCKET_TAGS_LIMIT, "Bucket") or None)
    return {}


def _tags(bucket: Bucket) -> tags.Tags:
    found: tags.Tags = bucket.configuration(BUCKET_TAGS) or {}
    return found


def _bucket(context: Context, view: Snapshot, request: Request) -> Bucket:
    """AccessDenied, InvalidRequest, NoSuchBucket, PermanentRedirect."""
    account, arn = account_of(context, request), request["ResourceArn"]
    if not arn.startswith(_ARN) or "/" in arn:
        raise InvalidRequest("The specified resource ARN is not valid.")
    return access.bucket_of(context, view, {"Bucket": arn, "ExpectedBucketOwner": account})
