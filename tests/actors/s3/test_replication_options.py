"""What a replication rule may say of its copies' keys and times, and what it hears.

Expected: ministack's tests, which captured these on AWS.
"""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.s3 import replication_options as options
from actors.s3.state import Bucket
from schemas.errors import AwsError

TARGET = cast("Bucket", SimpleNamespace(record={"region": "us-east-1"}))
KEY = "arn:aws:kms:us-east-1:111111111111:key/replica"
ON, OFF = {"Status": "Enabled"}, {"Status": "Disabled"}
KMS, CHANGES = {"SseKmsEncryptedObjects": ON}, {"ReplicaModifications": ON}
MINUTE, THRESHOLD = "Invalid time minute value", "Invalid event threshold minute value"
BOTH = "Replication destination must contain both ReplicationTime and Metrics or neither."
NO_THRESHOLD = "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled"
NEEDS_THRESHOLD = "ReplicationMetrics must contain an event threshold"
NEEDS_KEY = "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present."
NEEDS_KMS = "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present."
BAD_KEY, REGION = "Invalid ReplicaKmsKeyID ARN.", "KMS key must be in the same region as the destination bucket."
ELDER = " cannot be used for this version of the replication configuration schema."


def timed(status: dict[str, str] = ON, minutes: int = 15) -> dict[str, Any]:
    return {"ReplicationTime": {**status, "Time": {"Minutes": minutes}}}


def measured(status: dict[str, str] = ON, minutes: int | None = 15) -> dict[str, Any]:
    return {"Metrics": {**status, **({} if minutes is None else {"EventThreshold": {"Minutes": minutes}})}}


def sealed(key: str = KEY) -> dict[str, Any]:
    return {"EncryptionConfiguration": {"ReplicaKmsKeyID": key}}


def rule(destination: dict[str, Any], criteria: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"SourceSelectionCriteria": criteria} if criteria else {}
    return {"Destination": {"Bucket": "arn:aws:s3:::target", **destination}, **told}


@pytest.mark.parametrize(("destination", "criteria"), [
    ({}, None), (measured(minutes=None), None), (measured(OFF, None), None), (timed() | measured(), None),
    (timed(OFF) | measured(minutes=None), None), (timed(OFF) | measured(OFF), None), ({}, CHANGES), (sealed(), KMS),
    (sealed(), {"SseKmsEncryptedObjects": OFF}), (sealed("arn:aws:kms:us-east-1:abc:alias/"), KMS),
])
def test_taken(destination: dict[str, Any], criteria: dict[str, Any] | None) -> None:
    options.check_schema(rule(destination, criteria))
    options.check(rule(destination, criteria), TARGET)


@pytest.mark.parametrize(("destination", "criteria", "message"), [
    *[(timed(minutes=minutes) | measured(), None, MINUTE) for minutes in (-1, 0, 14, 16, 1440)],
    *[(timed() | measured(minutes=minutes), None, THRESHOLD) for minutes in (-1, 0, 14, 16)],
    (timed(minutes=10), None, MINUTE), (timed(OFF, 10) | measured(), None, MINUTE),
    (timed(), None, BOTH), (timed(OFF), None, BOTH), (measured(), None, NO_THRESHOLD),
    (measured(OFF), None, NO_THRESHOLD), (timed(OFF) | measured(minutes=10), None, NO_THRESHOLD),
    (timed(OFF) | measured(OFF, 10), None, THRESHOLD), (timed(OFF) | measured(OFF, None), None, NEEDS_THRESHOLD),
    (timed() | measured(minutes=None), None, NEEDS_THRESHOLD),
    (timed() | measured(OFF), None, "ReplicationTime and ReplicationMetrics should have the same status"),
    ({}, KMS, NEEDS_KEY), (timed(), KMS, NEEDS_KEY), (sealed(), None, NEEDS_KMS), (sealed("x"), CHANGES, NEEDS_KMS),
    (sealed(""), KMS, "ReplicaKmsKeyID cannot be empty."),
    *[(sealed(key) | timed(minutes=10), KMS, BAD_KEY) for key in (
        "replica", "alias/replica", f" {KEY}", KEY.replace("key/", "grant/"), KEY.replace("kms", "KMS"), " ",
        KEY.replace("arn:aws", "arn:"), KEY.replace("/replica", ""))],
    (sealed(KEY.replace("arn:aws:", "arn:aws-cn:")), KMS,
     "KMS key ARN partition must match the destination bucket ARN partition."),
    (sealed(KEY.replace("us-east-1", "us-west-2")) | timed(), KMS, REGION), (sealed(KEY.replace("us-east-1", "")), KMS,
                                                                             REGION),
])
def test_refused(destination: dict[str, Any], criteria: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        options.check(rule(destination, criteria), TARGET)
    assert caught.value.message == message


@pytest.mark.parametrize(("destination", "criteria"), [
    ({"Metrics": {"Status": "On"}}, None), (timed({"Status": "enabled"}), None), ({}, {"ReplicaModifications": {}}),
])
def test_statuses(destination: dict[str, Any], criteria: dict[str, Any] | None) -> None:
    with pytest.raises(AwsError) as caught:
        options.check_schema(rule(destination, criteria))
    assert caught.value.error_code == "MalformedXML"


@pytest.mark.parametrize(("destination", "criteria", "member"), [
    (timed() | measured(), CHANGES, "ReplicaModifications"), (timed() | measured(), None, "ReplicationTime"),
    (measured(minutes=None), None, "Metrics"),
])
def test_elder_rules(destination: dict[str, Any], criteria: dict[str, Any] | None, member: str) -> None:
    with pytest.raises(AwsError) as caught:
        options.check_elder(rule(destination, criteria))
    assert caught.value.message.startswith(member + ELDER)
