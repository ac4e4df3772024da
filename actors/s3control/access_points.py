"""Access points: made, told, listed, ended. What they are: actors/s3/points.py.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateAccessPoint.html and its neighbours; names:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-restrictions-limitations-naming-rules.html; what is
wrong with which: LocalStack's snapshots of AWS.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import points, state
from actors.s3.errors import InvalidRequest, InvalidURI, NoSuchAccessPoint, S3Error
from actors.s3.points import ALIAS, Key, Point
from actors.s3.publicity import SETTINGS
from actors.s3control import tagging
from actors.s3control.blocks import account_of

LIMIT = 10_000                            # of an account's in a region
PAGE = 1000                               # told at once
_URI_NAME = re.compile("[a-z0-9.-]{3,50}")
_NAME = re.compile("[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ENDPOINTS = {"ipv4": "s3-accesspoint", "fips": "s3-accesspoint-fips", "dualstack": "s3-accesspoint.dualstack",
              "fips_dualstack": "s3-accesspoint-fips.dualstack"}

Request = Mapping[str, Any]
Answer = dict[str, Any]


class AlreadyOwned(S3Error):
    code, status_code = "AccessPointAlreadyOwnedByYou", 409
    words = "Your previous request to create the named accesspoint succeeded and you already own it."


class TooManyAccessPoints(S3Error):
    code, words = "TooManyAccessPoints", "You have attempted to create more access points than allowed."


def create(context: Context, transaction: Transaction, request: Request) -> Answer:
    key = key_of(context, request)
    if not _NAME.fullmatch(key.name) or key.name.endswith(ALIAS):
        raise InvalidRequest("Your Amazon S3 AccessPoint name is invalid")
    if request.get("Scope"):
        raise InvalidRequest("Scope is only supported for access points attached to directory buckets.")
    _check_bucket(context, transaction, request)
    if points.get(transaction, key) is not None:
        raise AlreadyOwned
    if points.count(transaction, key.account, key.region) >= LIMIT:
        raise TooManyAccessPoints
    point = points.add(transaction, key, {
        "bucket": request["Bucket"], "time": transaction.now(), "block": _block(request), "vpc": _vpc(request),
        "bucket_account": request.get("BucketAccountId") or key.account, "tags": tagging.given(request.get("Tags")),
    })
    return {"AccessPointArn": point.arn, "Alias": point.alias}


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    point = found(context, snapshot, request)
    domain = f"{point.key.region}.amazonaws.com"
    return {
        **_told(point), "PublicAccessBlockConfiguration": dict(point.block),
        "CreationDate": datetime.fromtimestamp(int(point.record["time"]), UTC),
        "Endpoints": {kind: f"{word}.{domain}" for kind, word in _ENDPOINTS.items()},
    }


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    points.remove(transaction, found(context, transaction, request))
    return {}


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    account, bucket = account_of(context, request), request.get("Bucket")
    if bucket and state.find_bucket(snapshot, bucket) is None:
        raise InvalidRequest("No access point attached to this bucket")
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    of_bucket = (point for point in points.listed(snapshot, account, context.region, _after(request))
                 if not bucket or point.bucket == bucket)
    page = list(islice(of_bucket, limit + 1))
    answer: Answer = {"AccessPointList": [_told(point) for point in page[:limit]]}
    if len(page) > limit:
        answer["NextToken"] = urlsafe_b64encode(page[limit - 1].key.name.encode()).decode()
    return answer


def found(context: Context, view: Snapshot, request: Request) -> Point:
    """AccessDenied, InvalidURI, NoSuchAccessPoint."""
    key = key_of(context, request)
    point = points.get(view, key)
    if point is None:
        raise NoSuchAccessPoint(key.name)
    return point


def key_of(context: Context, request: Request) -> Key:
    """AccessDenied, InvalidURI."""
    name = request["Name"]
    if not _URI_NAME.fullmatch(name):
        raise InvalidURI(URI=f"accesspoint/{name}")
    return Key(account_of(context, request), context.region, name)


def _told(point: Point) -> Answer:
    answer = {
        "Name": point.key.name, "NetworkOrigin": point.origin, "Bucket": point.bucket, "AccessPointArn": point.arn,
        "Alias": point.alias, "BucketAccountId": point.record["bucket_account"],
    }
    return {**answer, "VpcConfiguration": {"VpcId": point.vpc}} if point.vpc else answer


def _check_bucket(context: Context, view: Snapshot, request: Request) -> None:
    bucket = state.find_bucket(view, request["Bucket"])
    if bucket is None:
        raise InvalidRequest("Amazon S3 AccessPoint can only be created for existing bucket")
    if bucket.record["region"] != context.region:
        raise InvalidRequest("Amazon S3 AccessPoint can only be created for bucket in the same region")
    if bucket.owner != (request.get("BucketAccountId") or request["AccountId"]):
        raise InvalidRequest("BucketAccountId parameter should be same as the AWS Account Id of bucket owner")


def _block(request: Request) -> Mapping[str, bool]:
    """All of it where nothing is said of it."""
    asked = request.get("PublicAccessBlockConfiguration")
    return {name: asked is None or bool(asked.get(name)) for name in SETTINGS}


def _vpc(request: Request) -> str:
    configuration = request.get("VpcConfiguration")
    if configuration is None:
        return ""
    vpc: str = configuration.get("VpcId") or ""
    if not vpc:
        raise InvalidRequest("Request invalid")
    return vpc


def _after(request: Request) -> str:
    token = request.get("NextToken")
    try:
        return urlsafe_b64decode(token.encode("ascii")).decode() if token else ""
    except ValueError as error:
        raise InvalidRequest("Invalid nextToken") from error
