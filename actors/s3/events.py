"""What happened to an object, as S3 tells it: to whom the bucket's notification configuration names, and on the bus.

`happened` is called in the transaction that does it; a bucket without a configuration costs one look into its record.
An event goes two ways from there, both recorded in the same commit:

    the outbox -> evt.s3.<account>.<ObjectCreated-Put>      for whoever listens on the bus (README.md)
    a queue for each destination -> delivering.py           SQS, SNS, Lambda, EventBridge

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, …/ev-events.html,
and AWS's own messages as LocalStack's snapshots hold them.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.s3 import delivering, notifications
from actors.s3.state import Bucket, Record

S3_ITSELF = "s3.amazonaws.com"            # who it was where nobody asked: a lifecycle
_VERSIONS = {
    "ObjectCreated": "2.1", "ObjectRemoved": "2.1", "ObjectRestore:Post": "2.1", "ObjectRestore:Completed": "2.1",
    "Replication": "2.2",
}
_LATER_VERSION = "2.3"
_SIZED = frozenset({"ObjectCreated", "ObjectRestore", "LifecycleTransition", "Replication"})
_UNSEQUENCED = frozenset({"ObjectAcl", "ObjectTagging", "ObjectRetention"})
_EMPTY_MD5 = hashlib.md5(usedforsecurity=False).hexdigest()
_CUSTOMER_ID_CHARACTERS = 13
_REMEMBERED = 1024

_NOTHING: Mapping[str, Any] = {}


class Happened(NamedTuple):
    """`name` as S3 has it, without "s3:": ObjectCreated:Put. `record`: the version it is about, as it is or was;
    `more`: what this kind of event tells besides, in the S3 form and in EventBridge's."""

    name: str
    key: str
    record: Record
    more: Mapping[str, Any] = _NOTHING
    detail: Mapping[str, Any] = _NOTHING

    @property
    def family(self) -> str:
        return self.name.partition(":")[0]


def happened(transaction: Transaction, bucket: Bucket, event: Happened, context: Context | None = None) -> None:
    """`context`: of the request that did it; None: S3 itself did."""
    if not bucket.record.get(notifications.WATCHED) or f"s3:{event.name}" not in notifications.EVENTS:
        return
    configuration = bucket.configuration(notifications.KIND) or {}
    chosen = notifications.chosen(configuration, f"s3:{event.name}", event.key)
    bridged = notifications.EVENT_BRIDGE in configuration
    if chosen is None and not bridged:
        return
    told = _told(transaction, bucket, event, context)
    if chosen is not None:
        told["s3"]["configurationId"] = chosen.id
        delivering.enqueue(transaction, bucket, chosen.arn, {"Records": [told]})
    transaction.emit(f"s3/{bucket.name}", bucket.owner, event.name.replace(":", "-"), {"Records": [told]})
    if bridged and (entry := _entry(bucket, event, told, context, transaction.now())):
        delivering.enqueue(transaction, bucket, delivering.event_bus(bucket), entry)


def removal(transaction: Transaction, record: Record) -> Record:
    """What is told of a version that goes for good: it is later than all that was told of it."""
    return {**record, "etag": "", "seq": max(int(transaction.now() * 1e9), record["seq"] + 1)}


def _told(transaction: Transaction, bucket: Bucket, event: Happened, context: Context | None) -> dict[str, Any]:
    """One record of the S3 form."""
    version = _VERSIONS.get(event.name) or _VERSIONS.get(event.family, _LATER_VERSION)
    return {
        "eventVersion": version, "eventSource": "aws:s3",
        "awsRegion": bucket.record["region"], "eventTime": moment(transaction.now()),
        "eventName": event.name, "userIdentity": {"principalId": _principal(context)},
        "requestParameters": {"sourceIPAddress": _address(context)},
        "responseElements": dict.fromkeys(("x-amz-request-id", "x-amz-id-2"), _request_id(context)),   # as over HTTP
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket.name, "ownerIdentity": {"principalId": customer_id(bucket.owner)},
                       "arn": f"arn:aws:s3:::{bucket.name}"},
            "object": _object(bucket, event),
        }, **event.more,
    }


def _object(bucket: Bucket, event: Happened) -> dict[str, Any]:
    record = event.record
    told: dict[str, Any] = {"key": quote_plus(event.key, safe="/-_.*")}
    if event.family in _SIZED:
        told["size"] = record.get("size", 0)
    etag = _EMPTY_MD5 if record.get("marker") else record.get("etag")
    if etag:
        told["eTag"] = etag
    if bucket.versioning:
        told["versionId"] = record["id"]
    if event.family not in _UNSEQUENCED:
        told["sequencer"] = f"{record['seq']:018X}"
    return told


def _principal(context: Context | None) -> str:
    if context is None:
        return S3_ITSELF
    return f"AWS:{context.principal.user_id}" if context.principal.user_id else "Anonymous"


def _address(context: Context | None) -> str:
    return S3_ITSELF if context is None else context.source.get("ip") or "127.0.0.1"


def _request_id(context: Context | None) -> str:
    return "" if context is None else context.request_id


def moment(time_s: float) -> str:
    """As 2024-01-31T10:00:00.123Z."""
    return f"{datetime.fromtimestamp(time_s, UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


@lru_cache(_REMEMBERED)
def customer_id(account: str) -> str:
    """In the form of A3NL1KOZZKEXAMPLE, and always the same."""
    digest = hashlib.sha256(f"customer id of {account}".encode()).digest()
    return f"A{base64.b32encode(digest).decode()[:_CUSTOMER_ID_CHARACTERS]}"


# EventBridge's form

_DETAIL_TYPES = {
    "ObjectCreated": "Object Created", "ObjectRemoved": "Object Deleted", "LifecycleExpiration": "Object Deleted",
    "LifecycleTransition": "Object Storage Class Changed", "ObjectAcl": "Object ACL Updated",
    "ObjectTagging:Put": "Object Tags Added", "ObjectTagging:Delete": "Object Tags Deleted",
    "ObjectRestore:Post": "Object Restore Initiated", "ObjectRestore:Completed": "Object Restore Completed",
    "ObjectRestore:Delete": "Object Restore Expired",
}
_REASONS = {
    "ObjectCreated:Put": "PutObject", "ObjectCreated:Post": "POST Object", "ObjectCreated:Copy": "CopyObject",
    "ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload", "ObjectRemoved": "DeleteObject",
    "LifecycleExpiration": "Lifecycle Expiration",
}


def _entry(
    bucket: Bucket, event: Happened, told: Mapping[str, Any], context: Context | None, now: float
) -> dict[str, Any]:
    """An entry of PutEvents, its Detail not yet text. Nothing of what EventBridge is not told."""
    kind = _DETAIL_TYPES.get(event.name) or _DETAIL_TYPES.get(event.family)
    if kind is None:
        return {}
    left_out = "sequencer" if event.family == "ObjectRestore" else ""
    object_ = {_BRIDGED.get(name, name): value for name, value in told["s3"]["object"].items() if name != left_out}
    object_["key"] = event.key
    detail = {
        "version": "0", "bucket": {"name": bucket.name}, "object": object_,
        "request-id": _request_id(context), "requester": S3_ITSELF if context is None else context.principal.account,
    }
    if context is not None:
        detail["source-ip-address"] = _address(context)
    reason = _REASONS.get(event.name) or _REASONS.get(event.family)
    if reason:
        detail["reason"] = reason
    if kind == "Object Deleted":
        marked = event.name.endswith("DeleteMarkerCreated")
        detail["deletion-type"] = "Delete Marker Created" if marked else "Permanently Deleted"
    return {"Source": "aws.s3", "DetailType": kind, "Resources": [f"arn:aws:s3:::{bucket.name}"],
            "Time": datetime.fromtimestamp(now, UTC), "Detail": {**detail, **event.detail}}


_BRIDGED = {"eTag": "etag", "versionId": "version-id"}
