"""Configurations of a bucket with names of their own: analytics, inventory, metrics, intelligent tiering.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAnalyticsConfiguration.html and its neighbours; the
errors of a wrong Id are those of LocalStack's snapshots and checks.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import inventories
from actors.s3.access import bucket_of
from actors.s3.errors import InvalidArgument, MalformedXML, S3Error
from actors.s3.inventories import IdMismatch
from actors.s3.state import Bucket

LIMIT = 1000                              # of one kind in a bucket
PAGE = 100                                # told at once
ID_LIMIT = 64                             # characters
_TIERS = {"ARCHIVE_ACCESS": 90, "DEEP_ARCHIVE_ACCESS": 180}     # days at least
_TIER_DAYS_LIMIT = 730

Request = Mapping[str, Any]
Answer = dict[str, Any]
Content = Mapping[str, Any]


class Named(NamedTuple):
    """`member` of a request holds one; `changed(transaction, bucket, name, content or None)` hears of its changes."""

    member: str
    check: Callable[[Content], None]
    mismatch: type[S3Error] = MalformedXML
    changed: Callable[[Transaction, Bucket, str, Content | None], None] = lambda *_: None


class NoSuchConfiguration(S3Error):
    """Here S3 does not say of which bucket."""

    code, status_code, words = "NoSuchConfiguration", 404, "The specified configuration does not exist."


class TooManyConfigurations(S3Error):
    code = "TooManyConfigurations"
    words = ("You are attempting to create a new configuration but have already reached the "
             f"{LIMIT:,}-configuration limit.")


def get(context: Context, snapshot: Snapshot, request: Request, kind: Named) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    return {kind.member: _found(bucket, request["Id"], kind)}


def _found(bucket: Bucket, name: str, kind: Named) -> Content:
    found: Content | None = bucket.configuration(f"{kind.member}/{name}")
    if found is None:
        raise NoSuchConfiguration
    return found


def put(context: Context, transaction: Transaction, request: Request, kind: Named) -> Answer:
    bucket = bucket_of(context, transaction, request)
    name, content = request["Id"], request[kind.member]
    if not 0 < len(name) <= ID_LIMIT:
        raise InvalidArgument("The configuration's Id is not valid.", "id", name)
    kind.check(content)
    if content.get("Id") != name:
        raise kind.mismatch
    names = _names(bucket, kind)
    if name not in names and len(names) >= LIMIT:
        raise TooManyConfigurations
    bucket.configure(f"{kind.member}/{name}", content)
    kind.changed(transaction, bucket, name, content)
    return {}


def delete(context: Context, transaction: Transaction, request: Request, kind: Named) -> Answer:
    bucket, name = bucket_of(context, transaction, request), request["Id"]
    _found(bucket, name, kind)
    bucket.configure(f"{kind.member}/{name}", None)
    kind.changed(transaction, bucket, name, None)
    return {}


def listed(context: Context, snapshot: Snapshot, request: Request, kind: Named) -> Answer:
    bucket, token = bucket_of(context, snapshot, request), request.get("ContinuationToken")
    names = _names(bucket, kind)
    if token:
        names = [name for name in names if name > _opened(token)]
    told = [_found(bucket, name, kind) for name in names[:PAGE]]
    answer: Answer = {f"{kind.member}List": told} if told else {}
    if token:
        answer["ContinuationToken"] = token
    if len(names) > PAGE:
        answer["NextContinuationToken"] = urlsafe_b64encode(names[PAGE - 1].encode()).decode()
    return {**answer, "IsTruncated": len(names) > PAGE}


def _opened(token: str) -> str:
    try:
        return urlsafe_b64decode(token.encode("ascii")).decode()
    except ValueError as error:
        raise InvalidArgument("The continuation token provided is incorrect", "continuation-token", token) from error


def _names(bucket: Bucket, kind: Named) -> list[str]:
    begins = f"{kind.member}/"
    return [each[len(begins):] for each in bucket.configurations() if each.startswith(begins)]


# Checks. MalformedXML, InvalidArgument.


def _check_filter(content: Content) -> None:
    chosen = content.get("Filter")
    if chosen is not None and len(chosen) != 1:
        raise MalformedXML
    both = (chosen or {}).get("And")
    if both is not None and len(both) + max(len(both.get("Tags") or ()) - 1, 0) < 2:
        raise MalformedXML


def _check_analytics(content: Content) -> None:
    _check_filter(content)
    analysis = content.get("StorageClassAnalysis")
    if analysis is None:
        raise MalformedXML
    export = analysis.get("DataExport")
    if export is None:
        return
    target = (export.get("Destination") or {}).get("S3BucketDestination") or {}
    if export.get("OutputSchemaVersion") != "V_1" or target.get("Format") != "CSV" or not target.get("Bucket"):
        raise MalformedXML


def _check_tiering(content: Content) -> None:
    _check_filter(content)
    tierings = content.get("Tierings") or []
    tiers = [each.get("AccessTier") for each in tierings]
    if content.get("Status") not in ("Enabled", "Disabled") or not tiers or not _TIERS.keys() >= set(tiers) \
            or len(set(tiers)) < len(tiers):
        raise MalformedXML
    for each in tierings:
        least, days = _TIERS[each["AccessTier"]], each.get("Days") or 0
        if not least <= days <= _TIER_DAYS_LIMIT:
            raise InvalidArgument(f"Days for {each['AccessTier']} must be between {least} and {_TIER_DAYS_LIMIT}.",
                                  "Days", days)


ANALYTICS = Named("AnalyticsConfiguration", _check_analytics)
INVENTORY = Named(inventories.MEMBER, inventories.check, IdMismatch, inventories.changed)
METRICS = Named("MetricsConfiguration", _check_filter)
TIERING = Named("IntelligentTieringConfiguration", _check_tiering)
