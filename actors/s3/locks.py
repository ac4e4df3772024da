"""Object lock: what keeps a version from being removed, and until when. The operations: locking.py.

A version's record holds `retain` (mode, until) and `hold`. In a bucket with a lock every write makes a version of its
own, so that nothing but the removal of a version can destroy one.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.s3 import checksums
from actors.s3.errors import AccessDenied, InvalidArgument, InvalidRequest
from actors.s3.state import Bucket, Record

DEFAULT = "lock"                          # the kind of configuration a default retention is
GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"
MODES = (GOVERNANCE, COMPLIANCE)
STATES = ("ON", "OFF")                    # of a legal hold
_DAY_S = 24 * 3600
_DAYS_OF_YEAR = 365

Request = Mapping[str, Any]


class Protected(AccessDenied):
    words = "Access Denied because object protected by object lock."


def check_bucket(bucket: Bucket, configuration: str = "Object Lock Configuration") -> None:
    """InvalidRequest of a bucket without a lock; `configuration` is what S3 calls that here."""
    if not bucket.record.get("lock"):
        raise InvalidRequest(f"Bucket is missing {configuration}")


def of_new_object(bucket: Bucket, request: Request, now: float) -> Record:
    """What the headers say of a version that is put, else the bucket's default. InvalidRequest, InvalidArgument."""
    mode, until = request.get("ObjectLockMode"), request.get("ObjectLockRetainUntilDate")
    hold = request.get("ObjectLockLegalHoldStatus")
    if not (mode or until or hold):
        return _by_default(bucket, now)
    record: Record = {}
    if mode or until:
        if not (mode and until):
            raise InvalidArgument(
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                "x-amz-object-lock-retain-until-date" if mode else "x-amz-object-lock-mode")
        if mode not in MODES:
            raise InvalidArgument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
        record["retain"] = [mode, checked_until(until, now)]
    else:
        record |= _by_default(bucket, now)
    if hold:
        if hold not in STATES:
            raise InvalidArgument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)
        record["hold"] = hold == "ON"
    check_bucket(bucket, "ObjectLockConfiguration")
    return record


def check_digest(record: Record, request: Request, what: str) -> None:
    """InvalidRequest of bytes that a lock is to keep, by the headers or by the bucket's default, and that come without
    a digest. `record`: of the object or of the upload; `what`: "Object" or "Part".

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, …/API_UploadPart.html (Content-MD5)."""
    if ("retain" in record or "hold" in record) and "ContentMD5" not in request and not checksums.has_stated(request):
        raise InvalidRequest("Content-MD5 OR x-amz-checksum- HTTP header is required for Put "
                             f"{what} requests with Object Lock parameters")


def checked_until(until: datetime, now: float, name: str = "x-amz-object-lock-retain-until-date") -> float:
    """InvalidArgument of what is past; `name` is what the request calls it."""
    if until.timestamp() <= now:
        raise InvalidArgument("The retain until date must be in the future!", name, until.isoformat())
    return until.timestamp()


def _by_default(bucket: Bucket, now: float) -> Record:
    retention = bucket.configuration(DEFAULT) if bucket.record.get("lock") else None
    if retention is None:
        return {}
    days = retention.get("Days") or retention["Years"] * _DAYS_OF_YEAR
    return {"retain": [retention["Mode"], now + days * _DAY_S]}


def bypass(bucket: Bucket, request: Request) -> bool:
    """Does a deletion pass over governance? InvalidArgument where there is nothing to pass over."""
    asked = request.get("BypassGovernanceRetention")
    if asked is not None and not bucket.record.get("lock"):
        raise InvalidArgument("x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
                              "x-amz-bypass-governance-retention")
    return bool(asked)


def check_removal(record: Record, now: float, *, bypass: bool) -> None:
    """Protected. `bypass`: of governance, which its caller may."""
    if record.get("hold"):
        raise Protected
    retain = record.get("retain")
    if retain is not None and retain[1] > now and not (bypass and retain[0] == GOVERNANCE):
        raise Protected


def check_change(record: Record, mode: str, until: float, now: float, *, bypass: bool) -> None:
    """May this version's retention become that one? Longer always, weaker only by bypass. Protected."""
    retain = record.get("retain")
    if retain is None or retain[1] <= now or (bypass and retain[0] == GOVERNANCE):
        return
    if mode != retain[0] or until < retain[1]:
        raise Protected


def told(record: Record) -> dict[str, Any]:
    """As headers of GetObject and HeadObject."""
    answer: dict[str, Any] = {}
    if record.get("retain"):
        mode, until = record["retain"]
        answer |= {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": datetime.fromtimestamp(until, UTC)}
    if "hold" in record:
        answer["ObjectLockLegalHoldStatus"] = "ON" if record["hold"] else "OFF"
    return answer
