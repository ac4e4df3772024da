"""Whose is this bucket, and may this caller have it? The one door to a bucket for every operation.

Until policies and ACLs open it to others, a bucket is its owner's account's alone.
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from actors.s3 import state
from actors.s3.errors import AccessDenied, PermanentRedirect
from actors.s3.state import Bucket

Request = Mapping[str, Any]


def bucket_of(context: Context, view: Snapshot, request: Request) -> Bucket:
    """NoSuchBucket, AccessDenied, PermanentRedirect."""
    bucket = owned(context, view, request["Bucket"], request.get("ExpectedBucketOwner"))
    region = bucket.record["region"]
    if region != context.region:
        raise PermanentRedirect(bucket.name, region)
    return bucket


def owned(context: Context, view: Snapshot, name: str, expected_owner: str | None = None) -> Bucket:
    """The bucket wherever it is. NoSuchBucket, AccessDenied."""
    bucket = state.get_bucket(view, bucket_name(name))
    if bucket.owner != context.account or (expected_owner and expected_owner != bucket.owner):
        raise AccessDenied
    return bucket


def bucket_name(given: str) -> str:
    """Of a name or an ARN."""
    return given.rpartition(":")[2] if given.startswith("arn:") else given
