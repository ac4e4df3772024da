"""Where a bucket's access log goes: PutBucketLogging's checks, and the names of log objects.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html; the messages are AWS's,
as moto, LocalStack's snapshots and users report them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.runtime.policy import Caller, Policy, Question, Use, compile_document, decide
from actors.s3 import acls, ownership, state
from actors.s3.errors import InvalidArgument, MalformedXML, S3Error
from actors.s3.locks import DEFAULT
from actors.s3.publicity import POLICY
from actors.s3.state import Bucket
from schemas.envelope import DEFAULT_REGION

KIND = "logging"                          # the kind of configuration it is
LOGGER = "logging.s3.amazonaws.com"
PREFIX_LIMIT_BYTES = 800
SOURCES = ("EventTime", "DeliveryTime")

Content = Mapping[str, Any]


class InvalidTargetBucket(S3Error):
    code = "InvalidTargetBucketForLogging"


class CrossLocationLogging(S3Error):
    code, status_code, words = "CrossLocationLoggingProhibitted", 403, "Cross S3 location logging not allowed. "


def check(bucket: Bucket, content: Content) -> None:
    """MalformedXML, InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted, InvalidArgument."""
    wanted = content.get("LoggingEnabled")
    if wanted is None:
        return
    _check_form(wanted)
    name = wanted["TargetBucket"]
    target = state.find_bucket(bucket.view, name)
    if target is None:
        raise InvalidTargetBucket("The target bucket for logging does not exist", TargetBucket=name)
    if target.owner != bucket.owner:
        raise InvalidTargetBucket("The owner for the bucket to be logged and the target bucket must be the same.",
                                  TargetBucket=name)
    here, there = bucket.record["region"], target.record["region"]
    if here != there:
        told = {"TargetBucketLocation": there, "SourceBucketLocation": here}
        raise CrossLocationLogging(**{name: region for name, region in told.items() if region != DEFAULT_REGION})
    if target.record.get("payer") == "Requester" or target.configuration(DEFAULT) is not None:
        raise InvalidTargetBucket("The target bucket for logging must have neither Requester Pays nor a default "
                                  "retention of Object Lock.", TargetBucket=name)
    if wanted.get("TargetGrants") and ownership.of_bucket(target) == ownership.ENFORCED:
        raise InvalidArgument("Target grants are not supported when the target bucket has BucketOwnerEnforced set for "
                              "object ownership.", "TargetGrants")
    if not (_by_acl(target) or _by_policy(bucket, target, wanted.get("TargetPrefix") or "")):
        raise InvalidTargetBucket(
            "You must either provide the necessary permissions to the logging service using a bucket policy or give "
            "the log-delivery group WRITE and READ_ACP permissions to the target bucket", TargetBucket=name)


def _check_form(wanted: Content) -> None:
    prefix = wanted.get("TargetPrefix")
    if not wanted.get("TargetBucket") or prefix is None:
        raise MalformedXML
    if len(prefix.encode()) > PREFIX_LIMIT_BYTES:
        raise InvalidArgument(f"The target prefix must not exceed {PREFIX_LIMIT_BYTES} bytes.", "TargetPrefix", prefix)
    form = wanted.get("TargetObjectKeyFormat")
    if form is not None:
        partitioned = form.get("PartitionedPrefix")
        if len(form) != 1 or (partitioned is not None and partitioned.get("PartitionDateSource") not in SOURCES):
            raise MalformedXML
    if any(grant.get("Permission") not in acls.PERMISSIONS for grant in wanted.get("TargetGrants") or ()):
        raise MalformedXML


def _by_acl(target: Bucket) -> bool:
    if ownership.of_bucket(target) == ownership.ENFORCED:
        return False
    return acls.delivers_logs(ownership.bucket_acl(target))


def _by_policy(bucket: Bucket, target: Bucket, prefix: str) -> bool:
    text = target.configuration(POLICY)
    if text is None:
        return False
    keys = {"aws:sourcearn": f"arn:aws:s3:::{bucket.name}", "aws:sourceaccount": bucket.owner,
            "aws:securetransport": "true", "aws:principalservicename": LOGGER, "aws:principalisawsservice": "true"}
    question = Question("s3:PutObject", f"arn:aws:s3:::{target.name}/{prefix}log", keys, target.owner)
    policy = Policy("BucketPolicy", compile_document(text, Use.RESOURCE))
    return decide(Caller.service(LOGGER), question, policy).allowed


def key(bucket: Bucket, wanted: Content, event_s: float, delivery_s: float, unique: str) -> str:
    """A log object's name: of records of about `event_s`, put at `delivery_s`."""
    prefix, partitioned = wanted["TargetPrefix"], (wanted.get("TargetObjectKeyFormat") or {}).get("PartitionedPrefix")
    moment = datetime.fromtimestamp(delivery_s, UTC)
    if partitioned is None:
        return f"{prefix}{moment:%Y-%m-%d-%H-%M-%S}-{unique}"
    if partitioned["PartitionDateSource"] == "EventTime":
        moment = datetime.fromtimestamp(event_s, UTC).replace(hour=0, minute=0, second=0)
    return (f"{prefix}{bucket.owner}/{bucket.record['region']}/{bucket.name}/{moment:%Y/%m/%d}/"
            f"{moment:%Y-%m-%d-%H-%M-%S}-{unique}")
