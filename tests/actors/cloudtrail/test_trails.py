"""Trails: log files in a bucket, digests that the AWS CLI's validator believes, data events for who asked for them."""

import asyncio
import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from actors.cloudtrail.delivery import DELIVERY_WAIT_S
from actors.cloudtrail.digests import DIGEST_WAIT_S
from actors.cloudtrail.service import CloudTrail
from bus.virtual_time import run
from schemas.envelope import Identity
from schemas.errors import AwsError
from tests.actors.cloudtrail.bucket import OPEN, Bucket
from tests.actors.cloudtrail.looking import lookup
from tests.actors.sts.skies import Who, skies
from tests.world import ACCOUNT

ITEM = {"pk": {"S": "a"}}
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
KEY = re.compile(rf"p/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2023/11/14/"
                 rf"{ACCOUNT}_CloudTrail_us-east-1_20231114T22\d\dZ_[A-Z2-7]{{16}}\.json\.gz\Z")


async def call(who: Who, operation: str, **params: Any) -> dict[str, Any]:
    return await who.call("cloudtrail", operation, **params)


async def delivered() -> None:
    """Long enough for what has happened to be in the bucket."""
    await asyncio.sleep(2 * DELIVERY_WAIT_S + 1)


def test_log_files(tmp_path: Path) -> None:
    async def main() -> None:
        bucket = Bucket()
        async with skies(tmp_path, CloudTrail(), bucket) as sky:
            root = sky.root()
            await root.call("iam", "CreateUser", UserName="before")
            made = await call(root, "CreateTrail", Name="main", S3BucketName="logs", S3KeyPrefix="p")
            assert made == {
                "Name": "main", "S3BucketName": "logs", "S3KeyPrefix": "p", "IncludeGlobalServiceEvents": True,
                "IsMultiRegionTrail": False, "TrailARN": ARN, "LogFileValidationEnabled": False,
                "IsOrganizationTrail": False}
            await delivered()
            assert not bucket.objects, "it does not log yet"
            await call(root, "StartLogging", Name=ARN)
            await root.call("iam", "CreateUser", UserName="during")
            await lookup(root, 2, EventName="CreateUser")
            await sky.world.restart()
            await delivered()
            assert all(KEY.match(key) for key in bucket.objects), list(bucket.objects)
            created = [event for event in bucket.events() if event["eventName"] == "CreateUser"]
            assert [event["requestParameters"] for event in created] == [{"userName": "during"}]
            status = await call(root, "GetTrailStatus", Name="main")
            assert status["IsLogging"]
            assert status["LatestDeliveryAttemptSucceeded"] == status["LatestDeliveryAttemptTime"] != ""
            assert "LatestDeliveryError" not in status
            await call(root, "StopLogging", Name="main")
            await lookup(root, 1, EventName="StopLogging")
            await delivered()
            await root.call("iam", "CreateUser", UserName="after")
            await lookup(root, 3, EventName="CreateUser")
            await delivered()
            assert bucket.names().count("CreateUser") == 1
            assert not (await call(root, "GetTrailStatus", Name="main"))["IsLogging"]

    run(main())


# What cannot be put stays where it is, and the status says why, until it can be.
def test_a_bucket_that_refuses(tmp_path: Path) -> None:
    async def main() -> None:
        bucket = Bucket()
        async with skies(tmp_path, CloudTrail(), bucket) as sky:
            root = sky.root()
            await call(root, "CreateTrail", Name="main", S3BucketName="logs")
            bucket.policy = OPEN.replace("cloudtrail", "config")
            await call(root, "StartLogging", Name="main")
            await root.call("iam", "CreateUser", UserName="waits")
            await delivered()
            status = await call(root, "GetTrailStatus", Name="main")
            assert (status["LatestDeliveryError"], status["LatestDeliveryAttemptSucceeded"]) == ("AccessDenied", "")
            bucket.policy = OPEN
            bucket.failing = "SlowDown"
            await delivered()
            assert (await call(root, "GetTrailStatus", Name="main"))["LatestDeliveryError"] == "SlowDown"
            bucket.failing = ""
            await delivered()
            assert "LatestDeliveryError" not in await call(root, "GetTrailStatus", Name="main")
            assert bucket.names().count("CreateUser") == 1

    run(main())


# Data events only for who asks, only of what was asked for; nobody's PutItem is recorded before and after.
@pytest.mark.parametrize("selectors", [
    {"EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": False, "DataResources": [
        {"Type": "AWS::DynamoDB::Table", "Values": [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/music"]}]}]},
    {"AdvancedEventSelectors": [{"Name": "writes", "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::DynamoDB::Table"]},
        {"Field": "readOnly", "Equals": ["false"]}, {"Field": "resources.ARN", "EndsWith": ["/music"]}]}]},
])
def test_data_events(tmp_path: Path, selectors: dict[str, Any]) -> None:
    async def main() -> None:
        bucket = Bucket()
        async with skies(tmp_path, CloudTrail(), bucket) as sky:
            root = sky.root()
            await sky.table("music")
            await sky.table("films")
            await call(root, "CreateTrail", Name="main", S3BucketName="logs")
            await call(root, "PutEventSelectors", TrailName="main", **selectors)
            [(kind, [wanted])] = selectors.items()
            assert (await call(root, "GetEventSelectors", TrailName="main"))[kind][0].items() >= wanted.items()
            await root.call("dynamodb", "PutItem", TableName="music", Item={"pk": {"S": "early"}})
            await call(root, "StartLogging", Name="main")
            await asyncio.sleep(1)
            for table in ("music", "films"):
                await root.call("dynamodb", "PutItem", TableName=table, Item={**ITEM, "secret": {"S": "hush"}})
                await root.call("dynamodb", "GetItem", TableName=table, Key=ITEM)
            await call(root, "StopLogging", Name="main")
            await asyncio.sleep(1)
            await root.call("dynamodb", "PutItem", TableName="music", Item={"pk": {"S": "late"}})
            await delivered()
            [event] = bucket.events()
            assert (event["eventName"], event["requestParameters"], event["eventCategory"]) == (
                "PutItem", {"tableName": "music", "item": ["pk", "secret"]}, "Data")
            assert event["resources"] == [{
                "accountId": ACCOUNT, "type": "AWS::DynamoDB::Table",
                "ARN": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/music"}]
            assert (sky.world.directory / "audit.jsonl").read_text().count('"PutItem"') == 1

    run(main())


# The chain of digests, checked by the AWS CLI's own validator: hashes, signatures, what was before.
def test_digests(tmp_path: Path) -> None:
    async def main() -> None:
        bucket = Bucket()
        async with skies(tmp_path, CloudTrail(), bucket) as sky:
            root = sky.root()
            await call(root, "CreateTrail", Name="main", S3BucketName="logs", EnableLogFileValidation=True)
            await call(root, "StartLogging", Name="main")
            for number in range(3):
                await root.call("iam", "CreateUser", UserName=f"u{number}")
                await asyncio.sleep(DIGEST_WAIT_S)
            await delivered()
            [key] = (await call(root, "ListPublicKeys"))["PublicKeyList"]
            digests = sorted(name for name in bucket.objects if "/CloudTrail-Digest/" in name)
            assert len(digests) >= 2
            logs: dict[str, str] = {}
            before: dict[str, Any] = {}
            for name in digests:
                inside = bucket.inside(name)
                data = json.loads(inside)
                assert (data["digestPublicKeyFingerprint"], data["digestS3Object"]) == (key["Fingerprint"], name)
                assert data["previousDigestS3Object"] == before.get("digestS3Object")
                assert data["previousDigestSignature"] == before.get("_signature")
                if before:
                    previous = bucket.inside(before["digestS3Object"])
                    assert data["previousDigestHashValue"] == sha256(previous).hexdigest()
                    assert data["digestStartTime"] == before["digestEndTime"]
                data["_signature"] = bucket.metadata[name]["signature"]
                validate(key["Value"], name, data, inside)
                with pytest.raises(subprocess.CalledProcessError, match="returned non-zero"):
                    validate(key["Value"], name, data, inside + b" ")
                logs |= {file["s3Object"]: file["hashValue"] for file in data["logFiles"]}
                before = data
            for name, hashed in logs.items():
                assert sha256(bucket.inside(name)).hexdigest() == hashed
            assert sum("/CloudTrail/" in name for name in logs) >= 2
            assert (await call(root, "GetTrailStatus", Name="main"))["LatestDigestDeliveryTime"]

    run(main())


# In a process of its own: the AWS CLI puts its own botocore in the place of ours.
VALIDATOR = """
import json, sys
from base64 import b64decode
from awscli.customizations.cloudtrail.validation import Sha256RSADigestValidator
name, public, data, inside = json.load(sys.stdin)
Sha256RSADigestValidator().validate("logs", name, public, data, b64decode(inside))
"""


def validate(public: bytes, name: str, data: dict[str, Any], inside: bytes) -> None:
    """CalledProcessError where the AWS CLI's validator does not believe the digest."""
    told = json.dumps([name, b64encode(public).decode(), data, b64encode(inside).decode()])
    subprocess.run([sys.executable, "-c", VALIDATOR], input=told, text=True, check=True, capture_output=True)


# Names, homes and settings. Sentences: public captures of CloudTrail's.
def test_refusals(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), Bucket()) as sky:
            root = sky.root()
            for name, message in (
                ("aa", "Trail name too short. Minimum allowed length: 3 characters. "
                       "Specified name length: 2 characters."),
                ("trail!", "Trail name must ends with a letter or number."),
                ("-trail", "Trail name must starts with a letter or number."),
                ("my#trail", "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, "
                             "periods (.), hyphens (-), and underscores (_)."),
            ):
                error = await root.error("cloudtrail", "CreateTrail", Name=name, S3BucketName="logs")
                assert (error.error_code, error.message) == ("InvalidTrailNameException", message)
            for code, operation, params in (
                ("S3BucketDoesNotExistException", "CreateTrail", {"Name": "main", "S3BucketName": "none"}),
                ("InvalidParameterCombinationException", "CreateTrail", {
                    "Name": "main", "S3BucketName": "none", "IsMultiRegionTrail": True,
                    "IncludeGlobalServiceEvents": False}),
                ("InsufficientSnsTopicPolicyException", "CreateTrail", {
                    "Name": "main", "S3BucketName": "logs", "SnsTopicName": "t"}),
                ("NotImplemented", "CreateTrail", {"Name": "main", "S3BucketName": "logs", "KmsKeyId": "k"}),
                ("TrailNotFoundException", "GetTrail", {"Name": "none"}),
                ("CloudTrailARNInvalidException", "GetTrail", {"Name": "arn:aws:s3:::x"}),
            ):
                assert (await root.error("cloudtrail", operation, **params)).error_code == code
            await call(root, "CreateTrail", Name="main", S3BucketName="logs", TagsList=[{"Key": "a", "Value": "b"}])
            more: list[tuple[str, str, dict[str, Any]]] = [
                ("TrailAlreadyExistsException", "CreateTrail", {"Name": "main", "S3BucketName": "logs"}),
                ("InvalidEventSelectorsException", "PutEventSelectors", {"TrailName": "main"}),
                ("InvalidEventSelectorsException", "PutEventSelectors", {"TrailName": "main", "EventSelectors": [
                    {"DataResources": [{"Type": "AWS::X::Y", "Values": ["arn:aws:x"]}]}]}),
                ("InvalidEventSelectorsException", "PutEventSelectors", {
                    "TrailName": "main", "AdvancedEventSelectors": [
                        {"FieldSelectors": [{"Field": "f", "Equals": ["v"]}]}]}),
                ("InsightNotEnabledException", "GetInsightSelectors", {"TrailName": "main"}),
                ("NotImplemented", "PutInsightSelectors", {
                    "TrailName": "main", "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}),
                ("ResourceNotFoundException", "ListTags", {"ResourceIdList": [ARN + "s"]}),
            ]
            for code, operation, params in more:
                assert (await root.error("cloudtrail", operation, **params)).error_code == code, operation
            await call(root, "AddTags", ResourceId=ARN, TagsList=[{"Key": "c", "Value": "d"}])
            await call(root, "RemoveTags", ResourceId=ARN, TagsList=[{"Key": "a"}])
            assert (await call(root, "ListTags", ResourceIdList=[ARN]))["ResourceTagList"] == [
                {"ResourceId": ARN, "TagsList": [{"Key": "c", "Value": "d"}]}]
            assert (await call(root, "ListTrails"))["Trails"] == [
                {"TrailARN": ARN, "Name": "main", "HomeRegion": "us-east-1"}]
            await call(root, "UpdateTrail", Name="main", IsMultiRegionTrail=True)
            abroad = sky.world.client(Identity("gw", ACCOUNT, "test"))
            shown = await abroad.call("cloudtrail", "DescribeTrails", {}, region="eu-west-1")
            assert [trail["Name"] for trail in shown["trailList"]] == ["main"]
            no_shadows = {"includeShadowTrails": False}
            shown = await abroad.call("cloudtrail", "DescribeTrails", no_shadows, region="eu-west-1")
            assert shown["trailList"] == []
            await call(root, "DeleteTrail", Name="main")
            assert (await call(root, "DescribeTrails"))["trailList"] == []

    run(main())


# A trail that has been started again still tells when it stopped; the selectors every trail has are not custom ones;
# how many there may be. Expected: API_GetTrailStatus and API_PutEventSelectors, sentences of ministack's tests.
def test_stops_and_selectors(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), Bucket()) as sky:
            root = sky.root()
            await call(root, "CreateTrail", Name="main", S3BucketName="logs")
            await call(root, "StartLogging", Name="main")
            await call(root, "StopLogging", Name="main")
            stopped = (await call(root, "GetTrailStatus", Name="main"))["StopLoggingTime"]
            await call(root, "StartLogging", Name="main")
            assert (await call(root, "GetTrailStatus", Name="main"))["StopLoggingTime"] == stopped
            for basic, custom in (({"ReadWriteType": "WriteOnly"}, True), ({}, False)):
                await call(root, "PutEventSelectors", TrailName="main", EventSelectors=[basic])
                assert (await call(root, "GetTrail", Name="main"))["Trail"]["HasCustomEventSelectors"] == custom
            too_many = "Specify a valid number of selectors (1 to 5) for your trail"
            both = "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both."
            for selectors, message in (
                ({"EventSelectors": []}, too_many), ({"EventSelectors": [{}] * 6}, too_many),
                ({"AdvancedEventSelectors": []}, "Specify between 1 and 500 selectors for your trail."),
                ({"EventSelectors": [{}], "AdvancedEventSelectors": []}, both),
            ):
                error = await root.error("cloudtrail", "PutEventSelectors", TrailName="main", **selectors)
                assert (error.error_code, error.message) == ("InvalidEventSelectorsException", message)

    run(main())


# A multi-region trail has its name in every region, whichever was there first.
def test_names_of_multi_region_trails(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), Bucket()) as sky:
            root, abroad = sky.root(), sky.world.client(Identity("gw", ACCOUNT, "test"))
            await call(root, "CreateTrail", Name="everywhere", S3BucketName="logs", IsMultiRegionTrail=True)
            await call(root, "CreateTrail", Name="here", S3BucketName="logs")
            named = {"Name": "here", "S3BucketName": "logs"}
            await abroad.call("cloudtrail", "CreateTrail", named, region="eu-west-1")
            with pytest.raises(AwsError, match="everywhere") as caught:
                await abroad.call("cloudtrail", "CreateTrail", {**named, "Name": "everywhere"}, region="eu-west-1")
            assert caught.value.error_code == "TrailAlreadyExistsException"
            error = await root.error("cloudtrail", "UpdateTrail", Name="here", IsMultiRegionTrail=True)
            assert error.error_code == "TrailAlreadyExistsException"

    run(main())
