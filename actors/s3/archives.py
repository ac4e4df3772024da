"""Storage classes. Archived objects are told of, not read, until a copy has been restored for some days (restoring.py).

Whether one is readable follows from its record and the time alone. Sources:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html, …/archived-objects.html; the messages
are those users report.
"""

from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from actors.s3.errors import InvalidObjectState
from actors.s3.state import Record

ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
STORAGE_CLASSES = ARCHIVED | {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}

Answer = dict[str, Any]


def told(record: Record, now: float) -> Answer:
    """Restore, as GetObject and HeadObject tell it."""
    restore = standing(record, now)
    if restore is None:
        return {}
    if now < restore["ready"]:
        return {"Restore": 'ongoing-request="true"'}
    return {"Restore": f'ongoing-request="false", expiry-date="{formatdate(restore["until"], usegmt=True)}"'}


def told_in_list(record: Record, now: float) -> Answer:
    """RestoreStatus, as listings tell it to who asks."""
    restore = standing(record, now)
    if restore is None:
        return {}
    if now < restore["ready"]:
        return {"RestoreStatus": {"IsRestoreInProgress": True}}
    until = datetime.fromtimestamp(restore["until"], UTC)
    return {"RestoreStatus": {"IsRestoreInProgress": False, "RestoreExpiryDate": until}}


def check_readable(record: Record, now: float) -> None:
    """InvalidObjectState."""
    if not _is_readable(record, now):
        raise InvalidObjectState("The operation is not valid for the object's storage class", record["class"])


def check_copyable(record: Record, now: float) -> None:
    """InvalidObjectState."""
    if not _is_readable(record, now):
        raise InvalidObjectState("Operation is not valid for the source object's storage class", record["class"])


def _is_readable(record: Record, now: float) -> bool:
    if record.get("class") not in ARCHIVED:
        return True
    restore = standing(record, now)
    return restore is not None and now >= restore["ready"]


def standing(record: Record, now: float) -> Record | None:
    """The restore that is under way or has not expired."""
    found: Record | None = record.get("restore")
    return found if found is not None and now < found["until"] else None
