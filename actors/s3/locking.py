"""The operations on object locks: of a bucket, and retention and legal hold of a version. What they mean: locks.py."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import reading, state, versions
from actors.s3.access import bucket_of
from actors.s3.errors import InvalidArgument, InvalidBucketState, MalformedXML, MissingRequestBody, S3Error
from actors.s3.events import Happened
from actors.s3.locks import DEFAULT, MODES, STATES, check_bucket, check_change, checked_until

LONGEST_DAYS, LONGEST_YEARS = 36_500, 100

Request = Mapping[str, Any]
Answer = dict[str, Any]


class ConfigurationNotFound(S3Error):
    code, status_code = "ObjectLockConfigurationNotFoundError", 404
    words = "Object Lock configuration does not exist for this bucket"


class NoSuchObjectLock(S3Error):
    code, status_code = "NoSuchObjectLockConfiguration", 404
    words = "The specified object does not have a ObjectLock configuration"


# Of buckets


def get_configuration(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    if not bucket.record.get("lock"):
        raise ConfigurationNotFound(BucketName=bucket.name)
    retention = bucket.configuration(DEFAULT)
    rule = {} if retention is None else {"Rule": {"DefaultRetention": retention}}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}}


def put_configuration(context: Context, transaction: Transaction, request: Request) -> Answer:
    """What is on stays on: without a rule there is no default any more."""
    bucket = bucket_of(context, transaction, request)
    asked = request.get("ObjectLockConfiguration")
    if asked is None:
        raise MissingRequestBody
    if asked.get("ObjectLockEnabled") != "Enabled":
        raise MalformedXML
    if bucket.versioning != state.ENABLED:
        raise InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    retention = _checked((asked["Rule"] or {}).get("DefaultRetention")) if "Rule" in asked else None
    bucket.record["lock"] = True
    bucket.save()
    bucket.configure(DEFAULT, retention)
    return {}


def _checked(retention: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """MalformedXML, InvalidArgument."""
    if not retention or retention.get("Mode") not in MODES or ("Days" in retention) == ("Years" in retention):
        raise MalformedXML
    unit, longest = ("Days", LONGEST_DAYS) if "Days" in retention else ("Years", LONGEST_YEARS)
    if retention[unit] <= 0:
        raise InvalidArgument("Default retention period must be a positive integer value.", unit, retention[unit])
    if retention[unit] > longest:
        raise InvalidArgument("Default retention period too large.", unit, retention[unit])
    return {"Mode": retention["Mode"], unit: retention[unit]}


# Of versions


def get_retention(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket, record = reading.find_version(context, snapshot, request, "GET")
    check_bucket(bucket)
    if not record.get("retain"):
        raise NoSuchObjectLock
    mode, until = record["retain"]
    return {"Retention": {"Mode": mode, "RetainUntilDate": datetime.fromtimestamp(until, UTC)}}


def put_retention(context: Context, transaction: Transaction, request: Request) -> Answer:
    """Without a mode and a date it ends, where it may. What is asked is looked at before what it is asked of."""
    bucket = bucket_of(context, transaction, request)
    asked, now = request.get("Retention") or {}, transaction.now()
    mode, until = asked.get("Mode"), asked.get("RetainUntilDate")
    if (mode is None) != (until is None) or (mode is not None and mode not in MODES):
        raise MalformedXML
    ends = 0.0 if until is None else checked_until(until, now, "RetainUntilDate")
    record = reading.version_itself(bucket, request, "PUT")
    check_bucket(bucket)
    check_change(record, mode or "", ends, now, bypass=bool(request.get("BypassGovernanceRetention")))
    kept = {name: value for name, value in record.items() if name != "retain"}
    changed = kept if mode is None else {**kept, "retain": [mode, ends]}
    versions.change(transaction, bucket, Happened("ObjectRetention:Put", request["Key"], changed), context)
    return {}


def get_hold(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket, record = reading.find_version(context, snapshot, request, "GET")
    check_bucket(bucket)
    if "hold" not in record:
        raise NoSuchObjectLock
    return {"LegalHold": {"Status": "ON" if record["hold"] else "OFF"}}


def put_hold(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    status = (request.get("LegalHold") or {}).get("Status")
    if status not in STATES:
        raise MalformedXML
    record = reading.version_itself(bucket, request, "PUT")
    check_bucket(bucket)
    event = Happened("ObjectLegalHold:Put", request["Key"], {**record, "hold": status == "ON"})   # AWS tells of none
    versions.change(transaction, bucket, event, context)
    return {}
