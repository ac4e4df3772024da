"""Lifecycles: what is due at a time is done, by rule, and nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.s3 import expiring, state
from actors.s3.lifecycle import LIFECYCLE
from schemas.checksums import md5_text
from tests.actors.s3.caller import Caller, open_caller

DAY_S = 24 * 3600


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket="bucket")
        yield caller


def put_rule(s3: Caller, **rule: Any) -> None:
    s3.call("PutBucketLifecycleConfiguration", Bucket="bucket", LifecycleConfiguration={
        "Rules": [{"Status": "Enabled", "Filter": {}, **rule}]})


def run(s3: Caller, days: float) -> float:
    """One whole run so many days from now; when the next one is due."""
    def begin(transaction: Any) -> Any:
        bucket = state.get_bucket(transaction, "bucket")
        return {"bucket": "bucket", "run": bucket.configuration(LIFECYCLE)["run"]}, transaction.now() + days * DAY_S

    job, now = s3.store.transact(begin)
    while "wake_at" not in job:
        current = job
        job = s3.store.transact(lambda transaction: expiring.step(transaction, now, current))  # noqa: B023 - called here
    assert now < job["wake_at"] <= now + DAY_S
    return float(job["wake_at"])


def keys(s3: Caller) -> list[str]:
    return [each["Key"] for each in s3.call("ListObjectsV2", Bucket="bucket").get("Contents", ())]


def test_objects_expire(s3: Caller) -> None:
    count = expiring.KEYS_OF_STEP * 2 + 3
    for number in range(count):
        s3.call("PutObject", Bucket="bucket", Key=f"log/{number:03}", Body=b"1")
    s3.call("PutObject", Bucket="bucket", Key="log/tagged", Body=b"1", Tagging="keep=yes")
    s3.call("PutObject", Bucket="bucket", Key="other", Body=b"1")
    put_rule(s3, Filter={"Prefix": "log/0"}, Expiration={"Days": 3})
    run(s3, 2)
    assert len(keys(s3)) == count + 2
    run(s3, 4)
    assert keys(s3) == ["log/tagged", "other"]
    put_rule(s3, Filter={"Tag": {"Key": "keep", "Value": "yes"}}, Expiration={"Days": 1})
    run(s3, 3)
    assert keys(s3) == ["other"]


def test_versions(s3: Caller) -> None:
    s3.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3"):
        s3.call("PutObject", Bucket="bucket", Key="k", Body=body)
    put_rule(s3, NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 1})
    run(s3, 3)
    assert len(s3.call("ListObjectVersions", Bucket="bucket")["Versions"]) == 2
    put_rule(s3, Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 10})
    run(s3, 3)
    answer = s3.call("ListObjectVersions", Bucket="bucket")
    assert (len(answer["Versions"]), len(answer["DeleteMarkers"])) == (2, 1)
    run(s3, 20)                                                    # all versions go, and the marker that is left
    assert keys(s3) == []
    answer = s3.call("ListObjectVersions", Bucket="bucket")
    assert not answer.get("Versions")
    assert not answer.get("DeleteMarkers")


def test_locks_hold(s3: Caller) -> None:
    s3.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.call("PutObjectLockConfiguration", Bucket="bucket", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON",
            ContentMD5=md5_text(b"1"))
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"2")
    put_rule(s3, NoncurrentVersionExpiration={"NoncurrentDays": 1})
    run(s3, 5)
    assert len(s3.call("ListObjectVersions", Bucket="bucket")["Versions"]) == 2


def test_transitions_and_uploads(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="k", Body=bytes(expiring.SMALL_BYTES))
    s3.call("CreateMultipartUpload", Bucket="bucket", Key="u")
    put_rule(s3, Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 35, "StorageClass": "GLACIER"}],
             AbortIncompleteMultipartUpload={"DaysAfterInitiation": 34})
    run(s3, 32)
    assert s3.call("HeadObject", Bucket="bucket", Key="k")["StorageClass"] == "STANDARD_IA"
    assert len(s3.call("ListMultipartUploads", Bucket="bucket")["Uploads"]) == 1
    run(s3, 37)
    assert s3.call("HeadObject", Bucket="bucket", Key="k")["StorageClass"] == "GLACIER"
    assert not s3.call("ListMultipartUploads", Bucket="bucket").get("Uploads")


# By https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
@pytest.mark.parametrize(("minimum", "rule", "moved"), [
    ("", {"Filter": {}}, []), ("all_storage_classes_128K", {"Filter": {}}, []),
    ("varies_by_storage_class", {"Filter": {}}, ["old"]), ("", {"Filter": {"ObjectSizeGreaterThan": 0}}, ["ir", "old"]),
    ("", {"Filter": {"And": {"Tags": [{"Key": "a", "Value": "b"}], "ObjectSizeLessThan": 9}}}, ["ir", "old"])])
def test_what_is_too_small_to_move(s3: Caller, minimum: str, rule: dict[str, Any], moved: list[str]) -> None:
    found = []
    for key, storage_class in (("ir", "GLACIER_IR"), ("old", "GLACIER")):
        s3.call("PutObject", Bucket="bucket", Key=key, Body=b"1", Tagging="a=b")
        asked = {"TransitionDefaultMinimumObjectSize": minimum} if minimum else {}
        told = s3.call("PutBucketLifecycleConfiguration", Bucket="bucket", **asked, LifecycleConfiguration={"Rules": [
            {"Status": "Enabled", **rule, "Transitions": [{"Days": 0, "StorageClass": storage_class}]}]})
        assert told["TransitionDefaultMinimumObjectSize"] == minimum or not minimum
        run(s3, 2)
        if s3.call("HeadObject", Bucket="bucket", Key=key).get("StorageClass") == storage_class:
            found.append(key)
    assert found == moved
    assert s3.error("PutBucketLifecycleConfiguration", Bucket="bucket", TransitionDefaultMinimumObjectSize="none",
                    LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]}
                    ) == "InvalidRequest"


# By x-amz-expiration of the API's PutObject, GetObject, HeadObject and CompleteMultipartUpload, and x-amz-abort-date of
# CreateMultipartUpload and ListParts; the store's clock says 12 January 1970, 13:46:40.
EXPIRING: list[tuple[dict[str, Any], str]] = [
    ({"Expiration": {"Days": 1}}, "Wed, 14 Jan 1970"),
    ({"Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)}}, "Tue, 01 Jan 2030"),
    ({"Expiration": {"Days": 1}, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}, "Wed, 14 Jan 1970"),
    ({"Expiration": {"Days": 1}, "Filter": {"Prefix": "x"}}, ""),
    ({"Expiration": {"Days": 1}, "Status": "Disabled"}, ""),
    ({"Expiration": {"ExpiredObjectDeleteMarker": True}}, ""),
    ({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, ""),
]


@pytest.mark.parametrize(("rule", "expected"), EXPIRING)
def test_expiration_is_told(s3: Caller, rule: dict[str, Any], expected: str) -> None:
    s3.call("PutBucketVersioning", Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    old = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1")["VersionId"]
    put_rule(s3, ID="a /rule", **rule)
    answer = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", Tagging="a=b")
    told = f'expiry-date="{expected} 00:00:00 GMT", rule-id="a%20%2Frule"' if expected else None
    assert answer.get("Expiration") == told
    for name in ("GetObject", "HeadObject"):
        assert s3.call(name, Bucket="bucket", Key="k").get("Expiration") == told
        for id_ in (old, answer["VersionId"]):             # nor of the current one by its id: LocalStack's snapshots
            assert "Expiration" not in s3.call(name, Bucket="bucket", Key="k", VersionId=id_)


def test_the_first_rule_to_come_is_told(s3: Caller) -> None:
    rules = [{"Status": "Enabled", "Filter": {}, "ID": name, "Expiration": {"Days": days},
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days}}
             for name, days in (("late", 3), ("soon", 2), ("later", 4))]
    s3.call("PutBucketLifecycleConfiguration", Bucket="bucket", LifecycleConfiguration={"Rules": rules})
    answer = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1")
    assert answer["Expiration"] == 'expiry-date="Thu, 15 Jan 1970 00:00:00 GMT", rule-id="soon"'
    upload = s3.call("CreateMultipartUpload", Bucket="bucket", Key="k")
    listed = s3.call("ListParts", Bucket="bucket", Key="k", UploadId=upload["UploadId"])
    for told in (upload, listed):
        assert (told["AbortDate"], told["AbortRuleId"]) == (datetime(1970, 1, 15, tzinfo=UTC), "soon")
