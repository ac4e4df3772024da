"""What a replica is: its source's version, as another bucket holds it.

It has its source's version id and place among the versions, metadata, tags, and, as far as the rule and the bucket let
it, storage class, owner, ACL and locks. Source:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import contents, encryption, events, state
from actors.s3.access import bucket_name
from actors.s3.contents import Body, Content
from actors.s3.engine.sealing import OurKey
from actors.s3.events import Happened
from actors.s3.ownership import ENFORCED, of_bucket
from actors.s3.replication import KIND, PENDING, REPLICA, rules_for
from actors.s3.state import Bucket, Record
from bus.files import Piece
from schemas.errors import AwsError

CHANGING = ("tags", "acl", "retain", "hold")      # what of a version changes, there and here

Rule = Mapping[str, Any]


class Source(NamedTuple):
    """A version that is to be replicated, as it was read. `content` None: what is kept of it cannot be read; `there`:
    buckets that have it already."""

    bucket: Bucket
    key: str
    record: Record
    role: str
    rules: list[Rule]
    content: Content | None
    parts: list[tuple[int, int, bytes]]
    there: set[str]

    @property
    def is_marker(self) -> bool:
        return bool(self.record.get("marker"))


def destination(rule: Rule) -> str:
    return bucket_name(rule["Destination"]["Bucket"])


def read(view: Snapshot, name: str, item: Mapping[str, Any], ours: OurKey) -> Source | None:
    """None: there is nothing more to replicate."""
    bucket = state.find_bucket(view, name)
    record = None if bucket is None else bucket.version(item["key"], item["id"])
    if bucket is None or record is None or record.get("replication") != PENDING:
        return None
    document = bucket.configuration(KIND) or {"Role": "", "Rules": []}
    rules = rules_for(document, item["key"], record)
    there = {target for target in map(destination, rules) if _has(view, target, item["key"], record)}
    content = record.get("content")
    return Source(bucket, item["key"], record, document["Role"], rules, _loaded(view, record, ours),
                  [] if content is None else contents.parts(view, content), there)


def _has(view: Snapshot, target: str, key: str, record: Record) -> bool:
    bucket = state.find_bucket(view, target)
    return bucket is not None and bucket.version(key, record["id"]) is not None


def _loaded(view: Snapshot, record: Record, ours: OurKey) -> Content | None:
    content = record.get("content")
    if content is not None and "customer" in record:
        return contents.sealed(view, content)
    try:
        return Content(b"", []) if content is None else contents.load(view, content, ours)
    except AwsError:                      # logged where it was found
        return None


def put(transaction: Transaction, source: Source, rule: Rule, files: list[Piece] | None, ours: OurKey) -> str:
    """The replica; why there is none, or "". `files`: its own; None: it was there."""
    target = state.find_bucket(transaction, destination(rule))
    if target is None:
        return "DstBucketNotFound"
    if target.versioning != state.ENABLED:
        return "DstBucketUnversioned"
    if "customer" in source.record and encryption.blocks_customers(target):
        return "DstPutObjectNotPermitted"
    bucket = state.find_bucket(transaction, source.bucket.name)
    now = None if bucket is None else bucket.version(source.key, source.record["id"])
    if now is None:
        return "SourceObjectNotFound"
    record = _described(target, rule, now)
    there = target.version(source.key, record["id"])
    if not target.has_place_for(source.key, record) or (there is None and files is None):
        return "DstVersionConflict"
    if there is not None:
        record = {**there, **dict.fromkeys(CHANGING), **{name: record[name] for name in CHANGING if name in record}}
        record = {name: value for name, value in record.items() if value is not None}
    elif not source.is_marker:
        record["content"] = _copied(transaction, source, now, files or [], ours)
    target.insert(source.key, record)
    if there is None:
        events.happened(transaction, target, Happened(_event(record), source.key, record))
    return ""


def _copied(transaction: Transaction, source: Source, now: Record, files: list[Piece], ours: OurKey) -> bytes:
    """The content of a replica of what the source is now. A customer's key is not ours to open with: the replica opens
    under it too."""
    assert source.content is not None, "who has files has read it"
    if "customer" in now:
        return contents.copy_sealed(transaction, now["content"], files)
    if files:
        return contents.keep_files(transaction, files, ours, source.parts)
    return contents.keep(transaction, Body(source.content.data, None, now["size"], {}), ours)


def _described(target: Bucket, rule: Rule, source: Record) -> Record:
    wanted = rule["Destination"]
    record = {**source, "replication": REPLICA, "replica": True}
    if wanted.get("StorageClass") and not source.get("marker"):
        record["class"] = wanted["StorageClass"]
    if of_bucket(target) == ENFORCED or wanted.get("AccessControlTranslation"):
        record["owner"] = target.owner
        record.pop("acl", None)
    key = (wanted.get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if key and "SSEKMSKeyId" in record.get("encryption", {}):
        record["encryption"] = {**record["encryption"], "SSEKMSKeyId": key}
    if not target.record.get("lock"):
        record.pop("retain", None)
        record.pop("hold", None)
    return record


def _event(record: Record) -> str:
    if record.get("marker"):
        return "ObjectRemoved:DeleteMarkerCreated"
    return "ObjectCreated:CompleteMultipartUpload" if record.get("parts") else "ObjectCreated:Put"


def tell_failed(transaction: Transaction, bucket: Bucket, key: str, record: Record, failed: Mapping[str, str]) -> None:
    """`failed`: why, by destination."""
    operation = "OBJECT_DELETE" if record.get("marker") else "OBJECT_PUT"
    for name, reason in failed.items():
        more = {"replicationEventData": {
            "destinationBucket": f"arn:aws:s3:::{name}", "s3Operation": operation, "failureReason": reason,
            "requestTime": events.moment(record["time"])}}
        events.happened(transaction, bucket, Happened("Replication:OperationFailedReplication", key, record, more))
