"""Trails: records under  trail \\0 account \\0 home region \\0 name, made, changed, found and shown.

A record: the trail's settings; `selectors` as PutEventSelectors left them; `logging`, `started`, `stopped`; and how far
its delivery is (delivery.py): `cursor` (the last sequence it took), `windows` ([start, stop or 0] of when it logged, as
long as events of then may still come), `job` (its delivery runs), `last` (attempt, success, error), `digests`.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html and its neighbours.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from actors.cloudtrail import ledger
from actors.cloudtrail.errors import (
    CloudTrailARNInvalid,
    InsufficientSnsTopicPolicy,
    InvalidHomeRegion,
    InvalidParameterCombination,
    InvalidS3BucketName,
    InvalidS3Prefix,
    InvalidTrailName,
    MaximumNumberOfTrailsExceeded,
    NotHere,
    TrailAlreadyExists,
    TrailNotFound,
)
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack

RECORD_VERSION = 1
TRAILS_LIMIT = 5                                   # per region and account
NAME_LIMITS_CHARACTERS = (3, 128)
PREFIX_LIMIT_CHARACTERS = 200
WINDOWS_LIMIT = 100                                # starts and stops within one delivery's wait
DELIVERY_JOB = "deliver_trail"
TRAIL = b"trail\0"
DEFAULT_SELECTORS = [{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [],
                      "ExcludeManagementEventSources": []}]
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_ARN = re.compile(r"arn:aws:cloudtrail:([a-z0-9-]+):(\d{12}):trail/(.+)\Z")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")

Request = Mapping[str, Any]
Answer = dict[str, Any]
Trail = dict[str, Any]


# Records

def key(account: str, region: str, name: str) -> bytes:
    return TRAIL + f"{account}\0{region}\0{name}".encode()


def load(view: Snapshot, account: str, region: str, name: str) -> Trail | None:
    row = view.get(key(account, region, name))
    return None if row is None else cast("Trail", unpack(row))


def save(transaction: Transaction, trail: Trail) -> None:
    transaction.put(key(trail["account"], trail["region"], trail["name"]), pack(trail))


def all_of(view: Snapshot, account: str = "") -> Iterator[Trail]:
    """An account's trails of all regions, in their order; "": everybody's."""
    start = TRAIL + (f"{account}\0".encode() if account else b"")
    for _, row in view.scan(start, start[:-1] + b"\1"):
        yield unpack(row)


def arn(trail: Trail) -> str:
    return arn_of(trail["account"], trail["region"], trail["name"])


def arn_of(account: str, region: str, name: str) -> str:
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


def root_of(trail: Trail) -> str:
    """Where in the bucket its files begin: <prefix>/AWSLogs/<account>/"""
    prefix = f"{trail['prefix'].rstrip('/')}/" if trail["prefix"] else ""
    return f"{prefix}AWSLogs/{trail['account']}/"


def named(context: Context, text: str) -> tuple[str, str, str]:
    """(account, region, name) of a name or an ARN. InvalidTrailName, CloudTrailARNInvalid."""
    if not text.startswith("arn:"):
        check_name(text)
        return context.account, context.region, text
    found = _ARN.match(text)
    if found is None:
        raise CloudTrailARNInvalid(f"Trail ARN {text} is invalid.")
    region, account, name = found.groups()
    return account, region, name


def check_name(name: str) -> None:
    least, most = NAME_LIMITS_CHARACTERS
    if len(name) < least:
        raise InvalidTrailName(f"Trail name too short. Minimum allowed length: {least} characters. Specified name "
                               f"length: {len(name)} characters.")
    if len(name) > most:
        raise InvalidTrailName(f"Trail name too long. Maximum allowed length: {most} characters. Specified name "
                               f"length: {len(name)} characters.")
    if not name[0].isalnum():
        raise InvalidTrailName("Trail name must starts with a letter or number.")
    if not name[-1].isalnum():
        raise InvalidTrailName("Trail name must ends with a letter or number.")
    if not _NAME.match(name):
        raise InvalidTrailName("Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
                               "periods (.), hyphens (-), and underscores (_).")


def get(view: Snapshot, context: Context, text: str) -> Trail:
    """Of the caller's account: by ARN anywhere, by name here, or elsewhere if it is multi-region. TrailNotFound."""
    account, region, name = named(context, text)
    trail = load(view, account, region, name) if account == context.account else None
    if trail is None and not text.startswith("arn:"):
        trail = next((each for each in all_of(view, account) if each["multi"] and each["name"] == name), None)
    if trail is None:
        raise TrailNotFound(text, context.account)
    return trail


def at_home(transaction: Snapshot, context: Context, text: str) -> Trail:
    """One that may be changed from here. InvalidHomeRegion."""
    trail = get(transaction, context, text)
    if trail["region"] != context.region:
        raise InvalidHomeRegion(f"Home region of trail {trail['name']} is {trail['region']}.")
    return trail


# Operations

def checked(request: Request) -> None:
    """What of CreateTrail and UpdateTrail needs no state; before anyone is asked about the bucket."""
    if request.get("IsMultiRegionTrail") and request.get("IncludeGlobalServiceEvents") is False:
        raise InvalidParameterCombination("Multi-Region trail must include global service events.")
    bucket, prefix = request.get("S3BucketName"), request.get("S3KeyPrefix") or ""
    if bucket is not None and not _BUCKET.match(bucket):
        raise InvalidS3BucketName(f"Bucket name {bucket} is not valid.")
    if len(prefix) > PREFIX_LIMIT_CHARACTERS:
        raise InvalidS3Prefix(f"S3 prefix is longer than maximum length {PREFIX_LIMIT_CHARACTERS}.")
    if request.get("SnsTopicName"):
        raise InsufficientSnsTopicPolicy("SNS Topic does not exist or the topic policy is incorrect!")
    for member, what in (("CloudWatchLogsLogGroupArn", "delivery to CloudWatch Logs"),
                         ("KmsKeyId", "encryption by KMS"), ("IsOrganizationTrail", "organization trails")):
        if request.get(member):
            raise NotHere(f"CloudTrail's {what} ({member})")


def new(context: Context, request: Request, tags: dict[str, str]) -> Trail:
    account, region = context.scope
    return {
        "v": RECORD_VERSION, "account": account, "region": region, "name": request["Name"], "created": context.now,
        "bucket": request["S3BucketName"], "prefix": request.get("S3KeyPrefix") or "",
        "global": request.get("IncludeGlobalServiceEvents", True), "multi": bool(request.get("IsMultiRegionTrail")),
        "validation": bool(request.get("EnableLogFileValidation")), "tags": tags, "selectors": {}, "logging": False,
        "started": 0.0, "stopped": 0.0, "cursor": 0, "windows": [], "job": False, "last": {}, "digests": {},
    }


def create(transaction: Transaction, trail: Trail) -> Answer:
    _check_free(transaction, trail)
    account = trail["account"]
    if load(transaction, account, trail["region"], trail["name"]) is not None:
        raise TrailAlreadyExists(trail["name"], account)
    here = sum(each["region"] == trail["region"] for each in all_of(transaction, account))
    if here >= TRAILS_LIMIT:
        raise MaximumNumberOfTrailsExceeded(account, here)
    save(transaction, trail)
    return _settings(trail)


def _check_free(view: Snapshot, trail: Trail) -> None:
    """A multi-region trail is in every region, and so is its name. TrailAlreadyExists.

    Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-multi-region-trails.html
    """
    for each in all_of(view, trail["account"]):
        if each["name"] == trail["name"] and each["region"] != trail["region"] and (each["multi"] or trail["multi"]):
            raise TrailAlreadyExists(trail["name"], trail["account"])


def changed(view: Snapshot, context: Context, request: Request) -> Trail:
    """As UpdateTrail will leave it."""
    trail = at_home(view, context, request["Name"])
    for member, part in (("S3BucketName", "bucket"), ("S3KeyPrefix", "prefix"), ("IsMultiRegionTrail", "multi"),
                         ("IncludeGlobalServiceEvents", "global"), ("EnableLogFileValidation", "validation")):
        if request.get(member) is not None:
            trail[part] = request[member]
    if trail["multi"] and not trail["global"]:
        raise InvalidParameterCombination("Multi-Region trail must include global service events.")
    _check_free(view, trail)
    if not trail["validation"]:
        trail["digests"] = {}
    return trail


def update(transaction: Transaction, context: Context, request: Request) -> Answer:
    trail = changed(transaction, context, request)
    save(transaction, trail)
    return _settings(trail)


def delete(transaction: Transaction, context: Context, request: Request) -> Answer:
    trail = at_home(transaction, context, request["Name"])
    transaction.delete(key(trail["account"], trail["region"], trail["name"]))
    return {}


def start(transaction: Transaction, context: Context, request: Request) -> Answer:
    trail = at_home(transaction, context, request["Name"])
    if trail["logging"]:
        return {}
    if not trail["job"]:
        trail |= {"job": True, "cursor": ledger.head(transaction).sequence}
        transaction.start_job(DELIVERY_JOB, {part: trail[part] for part in ("account", "region", "name")})
    trail |= {"logging": True, "started": context.now}
    trail["windows"] = [*trail["windows"][1 - WINDOWS_LIMIT:], [context.now, 0.0]]
    save(transaction, trail)
    return {}


def stop(transaction: Transaction, context: Context, request: Request) -> Answer:
    """What came before is still delivered."""
    trail = at_home(transaction, context, request["Name"])
    if trail["logging"]:
        trail |= {"logging": False, "stopped": context.now}
        trail["windows"][-1][1] = context.now
        save(transaction, trail)
    return {}


# How they are shown

def listed(view: Snapshot, context: Context) -> Answer:
    return {"Trails": [{"TrailARN": arn(trail), "Name": trail["name"], "HomeRegion": trail["region"]}
                       for trail in all_of(view, context.account)]}


def described(view: Snapshot, context: Context, request: Request) -> Answer:
    """Trails of this region, and unless told otherwise the multi-region ones of others; unknown names are left out."""
    names, shadows = request.get("trailNameList") or [], request.get("includeShadowTrails")
    if names:
        found = []
        for text in names:
            try:
                found.append(get(view, context, text))
            except TrailNotFound:
                continue
    else:
        found = [trail for trail in all_of(view, context.account)
                 if trail["region"] == context.region or (trail["multi"] and shadows is not False)]
    here = [trail for trail in found if shadows is not False or trail["region"] == context.region]
    return {"trailList": [_shown(trail) for trail in here]}


def got(view: Snapshot, context: Context, request: Request) -> Answer:
    return {"Trail": _shown(get(view, context, request["Name"]))}


def _settings(trail: Trail) -> Answer:
    shown: Answer = {
        "Name": trail["name"], "S3BucketName": trail["bucket"], "IncludeGlobalServiceEvents": trail["global"],
        "IsMultiRegionTrail": trail["multi"], "TrailARN": arn(trail), "LogFileValidationEnabled": trail["validation"],
        "IsOrganizationTrail": False,
    }
    return {**shown, "S3KeyPrefix": trail["prefix"]} if trail["prefix"] else shown


def _shown(trail: Trail) -> Answer:
    return {**_settings(trail), "HomeRegion": trail["region"], "HasInsightSelectors": False,
            "HasCustomEventSelectors": trail["selectors"] not in ({}, {"EventSelectors": DEFAULT_SELECTORS})}


def status(view: Snapshot, context: Context, request: Request) -> Answer:
    text = request["Name"]
    account, region, name = named(context, text)
    try:
        trail = get(view, context, text)
    except TrailNotFound:
        raise TrailNotFound(arn_of(account, region, name), context.account) from None
    last, started, stopped = trail["last"], trail["started"], trail["stopped"]
    shown: Answer = {
        "IsLogging": trail["logging"], "LatestDeliveryAttemptTime": _text(last.get("attempt")),
        "LatestDeliveryAttemptSucceeded": _text(last.get("success")), "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "", "TimeLoggingStarted": _text(started),
        "TimeLoggingStopped": _text(stopped),
    }
    for member, moment in (("StartLoggingTime", started), ("StopLoggingTime", stopped),
                           ("LatestDeliveryTime", last.get("success")),
                           ("LatestDigestDeliveryTime", last.get("digest_success"))):
        if moment:
            shown[member] = datetime.fromtimestamp(moment, UTC)
    for member, part in (("LatestDeliveryError", "error"), ("LatestDigestDeliveryError", "digest_error")):
        if last.get(part):
            shown[member] = last[part]
    return shown


def _text(moment: float | None) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
