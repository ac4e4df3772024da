"""Replication configurations: checked as AWS checks them, which versions they are for, and the queue of these.

A version that a rule is for is put PENDING and queued in the commit that puts it; replicating.py makes the copies.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html, …/userguide/replication.html; the
messages are AWS's, as users of terraform and the SDKs report them, and those that scality/cloudserver took over.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from actors.runtime.store.transaction import Transaction
from actors.s3 import queues, replication_options, state
from actors.s3.access import bucket_name
from actors.s3.archives import ARCHIVED, STORAGE_CLASSES
from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML
from actors.s3.keys import LIMIT_BYTES
from actors.s3.queues import Queue
from actors.s3.rules import matches
from actors.s3.state import Bucket, Record

KIND = "replication"                      # the kind of configuration it is
FLAG = "replicates"                       # of a bucket's record: it has one
REPLICATE_JOB = "replicate"
RULES_LIMIT = 1000
ID_LIMIT = 255                            # characters
WAITING_LIMIT = 1_000_000                 # versions of one bucket
PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"
_is_bucket = re.compile("arn:aws[a-z-]*:s3:::[^:/*]+").fullmatch
is_role = re.compile("arn:aws[a-z-]*:iam::[^:,]+:role/[^,]+").fullmatch
_SCHEMA = ("{} for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide "
           "for more information.")

Content = Mapping[str, Any]


# Which versions


def rules_for(document: Content, key: str, record: Record) -> list[Content]:
    """The rules that this version is replicated by: of those to one bucket the one with the highest priority."""
    by_bucket: dict[str, Content] = {}
    for rule in sorted(document["Rules"], key=lambda each: int(each.get("Priority") or 0)):
        if rule["Status"] == "Enabled" and _wants(rule, record) and matches(rule, key, record):
            by_bucket[bucket_name(rule["Destination"]["Bucket"])] = rule
    return list(by_bucket.values())


def _wants(rule: Content, record: Record) -> bool:
    """A replica is no source of others; but what is changed of it may go back."""
    if record.get("replica") and not _says(rule, "ReplicaModifications"):
        return False
    if record.get("marker"):
        return "Filter" not in rule or (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled"
    if record.get("class") in ARCHIVED:
        return False
    is_kms = str(record.get("encryption", {}).get("ServerSideEncryption", "")).startswith("aws:kms")
    return not is_kms or _says(rule, "SseKmsEncryptedObjects")


def _says(rule: Content, criterion: str) -> bool:
    found = (rule.get("SourceSelectionCriteria") or {}).get(criterion) or {}
    return bool(found.get("Status") == "Enabled")


def mark(bucket: Bucket, key: str, record: Record) -> None:
    """A version that is about to be put."""
    if bucket.record.get(FLAG) and bucket.versioning == state.ENABLED \
            and rules_for(bucket.configuration(KIND), key, record):
        record["replication"] = PENDING


def mark_again(bucket: Bucket, key: str, record: Record) -> None:
    """A version that has changed, if it is or has a replica: one that was never replicated is not for having changed.
    """
    if bucket.record.get(FLAG) and record.get("replication") in (COMPLETED, FAILED, REPLICA) \
            and rules_for(bucket.configuration(KIND), key, record):
        record["replication"] = PENDING


def enqueue(transaction: Transaction, bucket: Bucket, key: str, record: Record) -> None:
    if record.get("replication") != PENDING:
        return
    queue = Queue(b"replicate\0" + bucket.name.encode(), REPLICATE_JOB, {"bucket": bucket.name}, WAITING_LIMIT)
    if not queues.push(transaction, queue, {"key": key, "id": record["id"]}):
        record["replication"] = FAILED
        bucket.update(key, record)


# Checked


def check(bucket: Bucket, document: Content) -> None:
    """MalformedXML, InvalidArgument, InvalidRequest."""
    if bucket.versioning != state.ENABLED:
        raise InvalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    rules = document.get("Rules") or []
    if not rules or not document.get("Role"):
        raise MalformedXML
    if len(rules) > RULES_LIMIT:
        raise InvalidRequest(f"The number of replication rules must not exceed the allowed limit of {RULES_LIMIT} "
                             "rules.")
    for rule in rules:
        _check_rule(rule)
    if not is_role(document["Role"]):
        raise InvalidArgument("Invalid Role specified in replication configuration", "Role", document["Role"])
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        raise InvalidArgument("Rule Id must be unique. Found same Id for one or more rules")
    _check_together(rules)
    for rule in rules:
        replication_options.check(rule, _destination(bucket, rule["Destination"]))
    for rule in rules:
        if "Filter" not in rule:
            replication_options.check_elder(rule)


def _check_rule(rule: Content) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled") or not (rule.get("Destination") or {}).get("Bucket") \
            or ("Filter" in rule) == ("Prefix" in rule) or "ExistingObjectReplication" in rule:
        raise MalformedXML                # AWS has taken ExistingObjectReplication out of its schema
    if len(rule.get("ID") or "") > ID_LIMIT:
        raise InvalidArgument("Rule Id must not exceed 255 characters.", "ID", rule["ID"])
    newer = "Filter" in rule
    for member in ("Priority", "DeleteMarkerReplication"):
        if (member in rule) != newer:
            raise InvalidRequest(_SCHEMA.format(
                f"{member} must be specified" if newer else f"{member} cannot be used"))
    chosen = rule.get("Filter") or {}
    if len(chosen) > 1:
        raise MalformedXML
    marker = (rule.get("DeleteMarkerReplication") or {}).get("Status")
    if newer and marker not in ("Enabled", "Disabled"):
        raise MalformedXML
    if marker == "Enabled" and (chosen.get("Tag") or (chosen.get("And") or {}).get("Tags")):
        raise InvalidRequest("Delete marker replication is not supported if any Tag filter is specified. Please refer "
                             "to S3 Developer Guide for more information.")
    if any(len(prefix.encode()) > LIMIT_BYTES for prefix in _prefixes(rule)):
        raise InvalidArgument("Rule prefix cannot be longer than maximum allowed key length of 1024")
    replication_options.check_schema(rule)
    _check_sent(rule["Destination"])


def _prefixes(rule: Content) -> list[str]:
    chosen = rule.get("Filter") or {}
    return [each.get("Prefix") or "" for each in (rule, chosen, chosen.get("And") or {})]


def _check_sent(destination: Content) -> None:
    """What is said of the copies."""
    if not _is_bucket(destination["Bucket"]):
        raise InvalidArgument("Invalid bucket ARN.", "Bucket", destination["Bucket"])
    if destination.get("StorageClass", "STANDARD") not in STORAGE_CLASSES:
        raise MalformedXML
    if destination.get("AccessControlTranslation") and not destination.get("Account"):
        raise InvalidRequest("Destination bucket's account must be specified with AccessControlTranslation.")


def _check_together(rules: list[Content]) -> None:
    if len({"Filter" in rule for rule in rules}) > 1:
        raise MalformedXML                # of one version of the schema, all of them
    if "Filter" in rules[0]:
        priorities = [rule["Priority"] for rule in rules]
        if len(set(priorities)) < len(priorities):
            raise InvalidRequest("Found duplicate priorities across different rules.")
        return
    prefixes = sorted(rule["Prefix"] for rule in rules)
    for one, other in pairwise(prefixes):
        if other.startswith(one):
            raise InvalidRequest(f"Found overlapping prefixes '{one}' and '{other}'")


def _destination(bucket: Bucket, destination: Content) -> Bucket:
    """InvalidRequest."""
    name = bucket_name(destination["Bucket"])
    if name == bucket.name:
        raise InvalidRequest("Destination bucket cannot be the same as the source bucket.")
    found = state.find_bucket(bucket.view, name)
    if found is None:
        raise InvalidRequest("Destination bucket must exist.")
    if found.versioning != state.ENABLED:
        raise InvalidRequest("Destination bucket must have versioning enabled.")
    if bucket.record.get("lock") and not found.record.get("lock"):
        raise InvalidRequest("Destination bucket must have Object Lock enabled, as the source bucket has.")
    return found
