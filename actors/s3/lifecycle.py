"""Lifecycle configurations: put, checked, told. What they do: expiring.py.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
"""

import secrets
from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3.access import bucket_of
from actors.s3.documents import NotConfigured
from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML

EXPIRE_JOB = "expire"
LIFECYCLE = "lifecycle"                   # the kind of configuration it is: {"rules", "run"}
RULES_LIMIT = 1000
ID_LIMIT = 255                            # characters
_ACTIONS = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", "Transitions",
            "NoncurrentVersionTransitions")
_CLASSES = frozenset({"STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"})

Request = Mapping[str, Any]
Answer = dict[str, Any]


def get(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    found = bucket.configuration(LIFECYCLE)
    if found is None:
        raise NotConfigured("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket.name)
    return {"Rules": found["rules"], "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}


def put(context: Context, transaction: Transaction, request: Request) -> Answer:
    """Begins a run of its own; that of the configuration before it ends (expiring.py)."""
    bucket = bucket_of(context, transaction, request)
    rules = (request.get("LifecycleConfiguration") or {}).get("Rules") or []
    if not 0 < len(rules) <= RULES_LIMIT:
        raise MalformedXML
    kept = [{"ID": secrets.token_hex(16), **check(rule)} for rule in rules]
    if len({rule["ID"] for rule in kept}) < len(kept):
        raise InvalidArgument("Rule ID must be unique. Found same ID for more than one rule")
    run = secrets.token_hex(8)
    bucket.configure(LIFECYCLE, {"rules": kept, "run": run})
    transaction.start_job(EXPIRE_JOB, {"bucket": bucket.name, "run": run})
    return {"TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(LIFECYCLE, None)
    return {}


def check(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rule. MalformedXML, InvalidArgument, InvalidRequest."""
    if rule.get("Status") not in ("Enabled", "Disabled") or ("Filter" in rule) == ("Prefix" in rule):
        raise MalformedXML
    if len(rule.get("ID") or "") > ID_LIMIT:
        raise InvalidArgument(f"ID length should not exceed allowed limit of {ID_LIMIT}")
    if not any(rule.get(action) for action in _ACTIONS):
        raise InvalidRequest("At least one action needs to be specified in a rule.")
    if len(rule.get("Filter") or {}) > 1:
        raise MalformedXML
    _check_expiration(rule.get("Expiration"))
    for name, days in (("NoncurrentVersionExpiration", "NoncurrentDays"),
                       ("AbortIncompleteMultipartUpload", "DaysAfterInitiation")):
        value = (rule.get(name) or {}).get(days)
        if value is not None and value <= 0:
            raise InvalidArgument(f"'{days}' for {name} action must be a positive integer")
    later = rule.get("NoncurrentVersionTransitions") or []
    for transition in (*(rule.get("Transitions") or ()), *later):
        if transition.get("StorageClass") not in _CLASSES:
            raise MalformedXML
        _check_date(transition)
    if any("NoncurrentDays" not in transition for transition in later):
        raise MalformedXML
    return rule


def _check_expiration(expiration: Mapping[str, Any] | None) -> None:
    if expiration is None:
        return
    if len([name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiration]) != 1:
        raise MalformedXML
    if expiration.get("Days", 1) <= 0:
        raise InvalidArgument("'Days' for Expiration action must be a positive integer")
    _check_date(expiration)


def _check_date(action: Mapping[str, Any]) -> None:
    date = action.get("Date")
    if date is not None and (date.hour, date.minute, date.second, date.microsecond) != (0, 0, 0, 0):
        raise InvalidArgument("'Date' must be at midnight GMT")
