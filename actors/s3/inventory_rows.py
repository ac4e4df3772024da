"""What an inventory tells of a version: its columns, and the lines they make.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html#storage-inventory-contents
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from actors.s3 import acls, state
from actors.s3.objects import STANDARD
from actors.s3.owners import canonical_id
from actors.s3.ownership import acl_of
from actors.s3.state import Bucket, Record

_ENCRYPTIONS = {"AES256": "SSE-S3", "aws:kms": "SSE-KMS", "aws:kms:dsse": "DSSE-KMS"}

Content = Mapping[str, Any]


def columns(configuration: Content) -> list[str]:
    """Their names, as manifests have them."""
    chosen = set(configuration.get("OptionalFields") or ())
    of_versions = ["VersionId", "IsLatest", "IsDeleteMarker"] if _all_versions(configuration) else []
    return ["Bucket", "Key", *of_versions, *(name for name in OPTIONAL if name in chosen)]


def rows(bucket: Bucket, configuration: Content, after: bytes) -> Iterator[tuple[bytes, list[str]]]:
    """(escaped key, its fields) of every version from behind `after` on; the versions of a key follow one another."""
    prefix = (configuration.get("Filter") or {}).get("Prefix") or ""
    chosen = [OPTIONAL[name] for name in columns(configuration) if name in OPTIONAL]
    start = max(after + b"\xff", state.escaped(prefix)) if after else state.escaped(prefix)
    for row, _ in bucket.scan(b"o", start, state.past_text(prefix) if prefix else b""):
        key = state.opened(row[:-2])
        for record, is_latest in _versions(bucket, key, configuration):
            yield row, [bucket.name, quote(key, safe="/-_.*"), *_of_version(record, configuration, is_latest),
                        *("" if record.get("marker") and each is not _modified else each(record) for each in chosen)]


def _all_versions(configuration: Content) -> bool:
    return bool(configuration["IncludedObjectVersions"] == "All")


def _versions(bucket: Bucket, key: str, configuration: Content) -> Iterator[tuple[Record, bool]]:
    current = bucket.current(key)
    if current is not None and (_all_versions(configuration) or not current.get("marker")):
        yield current, True
    if _all_versions(configuration):
        for record in bucket.older(key):
            yield record, False


def _of_version(record: Record, configuration: Content, is_latest: bool) -> list[str]:
    if not _all_versions(configuration):
        return []
    return ["" if record["id"] == state.NULL else record["id"], _told(is_latest), _told(bool(record.get("marker")))]


def line(fields: list[str]) -> str:
    """Every field in quotation marks, as AWS writes them."""
    return ",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n"


def _told(value: bool) -> str:
    return "true" if value else "false"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _modified(record: Record) -> str:
    return _time(record["time"])


def _encryption(record: Record) -> str:
    if "customer" in record:
        return "SSE-C"
    return _ENCRYPTIONS.get(record.get("encryption", {}).get("ServerSideEncryption", ""), "NOT-SSE")


def _bucket_key(record: Record) -> str:
    return "ENABLED" if record.get("encryption", {}).get("BucketKeyEnabled") else "DISABLED"


def _hold(record: Record) -> str:
    return "" if "hold" not in record else "ON" if record["hold"] else "OFF"


def _acl(record: Record) -> str:
    told = acls.told(acl_of(record), record["owner"])["Grants"]
    grants = [{"canonicalId": each["Grantee"].get("ID", ""), "uri": each["Grantee"].get("URI", ""),
               "type": each["Grantee"]["Type"], "permission": each["Permission"]} for each in told]
    return b64encode(json.dumps({"version": "2022-11-10", "status": "AVAILABLE", "grants": grants}).encode()).decode()


def _nothing(_: Record) -> str:
    return ""


# In the order of AWS's columns.
OPTIONAL: dict[str, Callable[[Record], str]] = {
    "Size": lambda record: str(record.get("size", 0)), "LastModifiedDate": _modified,
    "ETag": lambda record: record.get("etag", ""), "StorageClass": lambda record: record.get("class", STANDARD),
    "IsMultipartUploaded": lambda record: _told(bool(record.get("parts"))),
    "ReplicationStatus": lambda record: record.get("replication", ""), "EncryptionStatus": _encryption,
    "ObjectLockRetainUntilDate": lambda record: _time(record["retain"][1]) if record.get("retain") else "",
    "ObjectLockMode": lambda record: record["retain"][0] if record.get("retain") else "",
    "ObjectLockLegalHoldStatus": _hold, "IntelligentTieringAccessTier": _nothing, "BucketKeyStatus": _bucket_key,
    "ChecksumAlgorithm": lambda record: next(iter(record.get("sums", ())), ""), "ObjectAccessControlList": _acl,
    "ObjectOwner": lambda record: canonical_id(record["owner"]), "LifecycleExpirationDate": _nothing,
    "ObjectLockEventHoldStatus": _nothing, "ObjectLockEventHoldDuration": _nothing,
    "IntelligentTieringReferenceDate": _nothing,
}
