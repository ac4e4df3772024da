"""What a replication rule says of its copies: their key, the time they may take, how that is measured.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html, …/API_SourceSelectionCriteria.html.
Sentences and order are those that ministack's tests captured on AWS, rule for rule.
"""

import re
from collections.abc import Mapping
from typing import Any

from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML
from actors.s3.state import Bucket

REPLICATION_MINUTES = 15                  # all that S3 offers
_STATUSES = ("Enabled", "Disabled")
_key = re.compile("arn:([^:]+):kms:([^:]*):[^:]*:(?:key|alias)/.*", re.DOTALL).fullmatch
_ELDER = "{} cannot be used for this version of the replication configuration schema.{}Please refer to the S3 " \
         "Developer Guide for more information."

Content = Mapping[str, Any]


def check_schema(rule: Content) -> None:
    """MalformedXML."""
    destination, criteria = rule["Destination"], rule.get("SourceSelectionCriteria") or {}
    stated = [*criteria.values(), destination.get("ReplicationTime"), destination.get("Metrics")]
    if any(each is not None and each.get("Status") not in _STATUSES for each in stated):
        raise MalformedXML


def check(rule: Content, target: Bucket) -> None:
    """InvalidArgument, InvalidRequest. `target` is the destination."""
    destination = rule["Destination"]
    _check_key(rule.get("SourceSelectionCriteria") or {}, destination, target)
    _check_time(destination.get("ReplicationTime"), destination.get("Metrics"))


def check_elder(rule: Content) -> None:
    """What rules with a Prefix of their own may not say. InvalidRequest."""
    destination, criteria = rule["Destination"], rule.get("SourceSelectionCriteria") or {}
    if "ReplicaModifications" in criteria:
        raise InvalidRequest(_ELDER.format("ReplicaModifications", " "))
    for member in ("ReplicationTime", "Metrics"):
        if destination.get(member):
            raise InvalidRequest(_ELDER.format(member, ""))


def _check_key(criteria: Content, destination: Content, target: Bucket) -> None:
    chosen = destination.get("EncryptionConfiguration")
    if chosen is None:
        if "SseKmsEncryptedObjects" in criteria:
            raise InvalidRequest("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
        return
    if "SseKmsEncryptedObjects" not in criteria:
        raise InvalidRequest("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
    key = chosen.get("ReplicaKmsKeyID") or ""
    if not key:
        raise InvalidArgument("ReplicaKmsKeyID cannot be empty.", "ReplicaKmsKeyID")
    found = _key(key)
    if found is None:
        raise InvalidArgument("Invalid ReplicaKmsKeyID ARN.", "ReplicaKmsKeyID", key)
    partition, region = found.groups()
    if partition != destination["Bucket"].split(":")[1]:
        raise InvalidRequest("KMS key ARN partition must match the destination bucket ARN partition.")
    if region != target.record["region"]:
        raise InvalidRequest("KMS key must be in the same region as the destination bucket.")


def _check_time(timed: Content | None, measured: Content | None) -> None:
    if timed is not None and (timed.get("Time") or {}).get("Minutes") != REPLICATION_MINUTES:
        raise InvalidArgument("Invalid time minute value", "ReplicationTime")
    if measured is None:
        if timed is not None:
            raise InvalidRequest("Replication destination must contain both ReplicationTime and Metrics or neither.")
        return
    alone = timed is None or (timed["Status"], measured["Status"]) == ("Disabled", "Enabled")
    threshold = measured.get("EventThreshold")
    if threshold is None:
        if not alone:
            raise InvalidArgument("ReplicationMetrics must contain an event threshold", "ReplicationMetrics")
        return
    if timed is None or alone:
        raise InvalidArgument("Metrics cannot contain an event threshold when ReplicationTime is not specified or "
                              "Disabled", "Metrics")
    if threshold.get("Minutes") != REPLICATION_MINUTES:
        raise InvalidArgument("Invalid event threshold minute value", "ReplicationMetrics")
    if timed["Status"] != measured["Status"]:
        raise InvalidArgument("ReplicationTime and ReplicationMetrics should have the same status", "ReplicationTime")
