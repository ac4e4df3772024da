"""RestoreObject: an archived object becomes readable, for some days.

The restored copy is the object itself, which never left the disk: a restore takes RESTORE_S here, where AWS takes
minutes to days. The job tells that the copy is there, and that it is gone, and tidies the record up. Source:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
"""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.s3 import archives, events, reading, state
from actors.s3.access import bucket_of
from actors.s3.due import due_at
from actors.s3.errors import (
    InvalidArgument,
    InvalidObjectState,
    MalformedXML,
    NoSelectRestore,
    RestoreAlreadyInProgress,
)
from actors.s3.events import Happened
from actors.s3.objects import STANDARD
from actors.s3.state import Record

RESTORE_JOB = "restore"
# From the request to the copy, by tier: the faster one may overtake a slower one.
RESTORE_S = {"Expedited": 1.0, "Standard": 3.0, "Bulk": 5.0}
ACCEPTED = 202

Request = Mapping[str, Any]
Answer = dict[str, Any]


def restore(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    key, now = request["Key"], context.now
    record = reading.version_of(bucket, key, request.get("VersionId"))
    days, tier = _asked(request.get("RestoreRequest") or {})
    storage_class = record.get("class", STANDARD)
    if storage_class not in archives.ARCHIVED:
        raise InvalidObjectState("Restore is not allowed for the object's current storage class", storage_class)
    if (storage_class, tier) == ("DEEP_ARCHIVE", "Expedited"):
        raise InvalidArgument("Retrieval option is not supported by this storage class")
    standing = archives.standing(record, now)
    if standing is not None and now >= standing["ready"]:
        bucket.update(key, {**record, "restore": {**standing, "until": due_at(now, days)}})
        return {}
    ready = now + RESTORE_S[tier]
    if standing is not None and ready >= standing["ready"]:
        raise RestoreAlreadyInProgress
    restored = {**record, "restore": {"ready": ready, "until": due_at(ready, days), "told": False}}
    bucket.update(key, restored)
    events.happened(transaction, bucket, _happened("Post", key, restored), context)
    transaction.start_job(RESTORE_JOB, {"bucket": bucket.name, "key": key, "id": record["id"], "wake_at": ready})
    return {"StatusCode": ACCEPTED}


def _asked(given: Request) -> tuple[int, str]:
    """Days and tier. MalformedXML, NoSelectRestore."""
    if given.get("Type") or given.get("SelectParameters"):
        raise NoSelectRestore
    days = given.get("Days")
    tier = (given.get("GlacierJobParameters") or {}).get("Tier") or given.get("Tier") or "Standard"
    if type(days) is not int or days < 1 or tier not in RESTORE_S:
        raise MalformedXML
    return days, tier


def step(transaction: Transaction, now: float, job: dict[str, Any]) -> dict[str, Any] | None:
    """The job of one restore: tells that the copy is there, then that it is gone."""
    bucket = state.find_bucket(transaction, job["bucket"])
    record = None if bucket is None else bucket.version(job["key"], job["id"])
    standing = (record or {}).get("restore")
    if bucket is None or record is None or standing is None:
        return None
    if now >= standing["until"]:
        gone = {name: value for name, value in record.items() if name != "restore"}
        bucket.update(job["key"], gone)
        events.happened(transaction, bucket, _happened("Delete", job["key"], gone))
        return None
    if now < standing["ready"]:
        return {**job, "wake_at": standing["ready"]}
    if not standing["told"]:
        bucket.update(job["key"], {**record, "restore": {**standing, "told": True}})
        events.happened(transaction, bucket, _happened("Completed", job["key"], record))
    return {**job, "wake_at": standing["until"]}


def _happened(what: str, key: str, record: Record) -> Happened:
    """With what S3 tells of restores besides. Source: LocalStack's snapshots of AWS."""
    storage_class = record.get("class", STANDARD)
    detail: Record = {"source-storage-class": storage_class}
    if what != "Completed":
        return Happened(f"ObjectRestore:{what}", key, record, detail=detail)
    until = events.moment(record["restore"]["until"])
    more = {"glacierEventData": {"restoreEventData": {
        "lifecycleRestorationExpiryTime": until, "lifecycleRestoreStorageClass": storage_class}}}
    return Happened("ObjectRestore:Completed", key, record, more, {**detail, "restore-expiry-time": until})
