"""Which bucket does a request mean, and is it where the request was sent? The one door to a bucket for every operation.

Whether the caller may have it was decided before, in the chain (permissions.py).
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.principal import Standing
from actors.runtime.store.transaction import Snapshot
from actors.s3 import points, state
from actors.s3.errors import AccessDenied, InvalidBucketOwner, PermanentRedirect
from actors.s3.points import ACCOUNT_DIGITS
from actors.s3.state import Bucket

Request = Mapping[str, Any]


def bucket_of(context: Context, view: Snapshot, request: Request) -> Bucket:
    """InvalidBucketOwnerAWSAccountID, NoSuchBucket, AccessDenied, PermanentRedirect."""
    bucket = named(context, view, request["Bucket"], request.get("ExpectedBucketOwner"))
    if bucket.record.get("payer") == "Requester" and request.get("RequestPayer") != "requester" \
            and context.principal.account != bucket.owner:
        raise AccessDenied
    region = bucket.record["region"]
    if region != context.region:
        raise PermanentRedirect(bucket.name, region)
    return bucket


def named(context: Context, view: Snapshot, name: str, expected_owner: str | None = None) -> Bucket:
    """The bucket wherever it is. InvalidBucketOwnerAWSAccountID, NoSuchBucket, NoSuchAccessPoint, AccessDenied."""
    if expected_owner is not None and not (len(expected_owner) == ACCOUNT_DIGITS and expected_owner.isdecimal()):
        raise InvalidBucketOwner(expected_owner)
    bucket = _entered(context, view, name) if points.may_stand(name) else state.get_bucket(view, name)
    if expected_owner is not None and expected_owner != bucket.owner:
        raise AccessDenied
    return bucket


def _entered(context: Context, view: Snapshot, name: str) -> Bucket:
    """AccessDenied also where the name has come to stand for another since the request was authorised."""
    point = points.find(view, name, context.region)
    if context.authorised_as is not None and context.authorised_as.get(name) != alias_of(point):
        raise AccessDenied("Could not access through this access point")
    bucket = state.get_bucket(view, bucket_name(name) if point is None else point.bucket)
    return bucket if point is None else points.Entered(bucket, point)


def alias_of(point: points.Point | None) -> str:
    """Which no other access point ever has; "": it is a bucket."""
    return "" if point is None else point.alias


def is_anonymous(context: Context) -> bool:
    return context.principal.standing is Standing.ANONYMOUS


def bucket_name(given: str) -> str:
    """Of a name or an ARN."""
    return given.rpartition(":")[2] if given.startswith("arn:") else given
