"""A trail into a bucket of our own S3, which its policy opens to CloudTrail, as AWS's documentation has it."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

from actors.cloudtrail.service import CloudTrail
from actors.s3.service import S3
from bus.virtual_time import run
from schemas.envelope import Identity
from tests.actors.cloudtrail.test_trails import call, delivered
from tests.actors.sts.skies import Sky, skies
from tests.world import ACCOUNT

TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
def policy(trail: str = TRAIL, account: str = ACCOUNT, path: str = "", *, acl: str = "s3:GetBucketAcl") -> str:
    of_trail = {"aws:SourceArn": trail}
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "AWSCloudTrailAclCheck20150319", "Effect": "Allow", "Principal": {
            "Service": "cloudtrail.amazonaws.com"}, "Action": acl, "Resource": "arn:aws:s3:::logs",
         "Condition": {"StringEquals": of_trail}},
        {"Sid": "AWSCloudTrailWrite20150319", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
         "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::logs/{path}AWSLogs/{account}/*",
         "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **of_trail}}}]})


async def admit(sky: Sky, text: str) -> None:
    await sky.root().call("s3", "PutBucketPolicy", Bucket="logs", Policy=text)


# Lets in what is delivered for the trail and the account it names, logs and digests, and nothing else.
def test_the_documented_policy(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), S3()) as sky:
            root = sky.root()
            await root.call("s3", "CreateBucket", Bucket="logs")
            await admit(sky, policy())
            await call(root, "CreateTrail", Name="main", S3BucketName="logs", EnableLogFileValidation=True)
            assert not (await root.call("s3", "ListObjectsV2", Bucket="logs")).get("Contents")
            await call(root, "StartLogging", Name="main")
            for other in (policy(TRAIL.replace("main", "other")), policy(account="111111111111")):
                await admit(sky, other)
                await delivered()
                status = await call(root, "GetTrailStatus", Name="main")
                assert status["LatestDeliveryError"] == "AccessDenied"
                assert "LatestDeliveryTime" not in status
            await admit(sky, policy())
            await asyncio.sleep(3700)
            status = await call(root, "GetTrailStatus", Name="main")
            assert "LatestDeliveryError" not in status
            assert status["LatestDigestDeliveryTime"]
            objects = (await root.call("s3", "ListObjectsV2", Bucket="logs"))["Contents"]
            digests, logs = ([each["Key"] for each in objects if f"/{kind}/" in each["Key"]]
                             for kind in ("CloudTrail-Digest", "CloudTrail"))
            [digest] = digests
            kept = await root.call("s3", "GetObject", Bucket="logs", Key=digest)
            assert set(kept["Metadata"]) == {"signature", "signature-algorithm"}
            listed = json.loads(gzip.decompress(kept["Body"]))["logFiles"]
            assert {each["s3Object"] for each in listed} <= set(logs)
            assert listed

    run(main())


# A trail is neither made nor changed to a bucket whose policy does not let it in: as a whole and in each of its parts.
def test_policies_that_do_not_admit(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), S3()) as sky:
            root = sky.root()
            asked: dict[str, Any] = {"Name": "main", "S3BucketName": "logs"}

            async def says(operation: str, **params: Any) -> tuple[str, str]:
                error = await root.error("cloudtrail", operation, **params)
                return error.error_code, error.message

            insufficient = ("InsufficientS3BucketPolicyException",
                            "Incorrect S3 bucket policy is detected for bucket: logs")
            assert await says("CreateTrail", **asked) == (
                "S3BucketDoesNotExistException", "S3 bucket logs does not exist!")
            await root.call("s3", "CreateBucket", Bucket="logs")
            assert await says("CreateTrail", **asked) == insufficient
            for wrong in (policy(TRAIL.replace("main", "other")), policy(account="111111111111"), policy(path="p/"),
                          policy(acl="s3:GetBucketLocation"), policy().replace("s3:PutObject", "s3:GetObject"),
                          policy().replace("owner-full-control", "owner-read")):
                await admit(sky, wrong)
                assert await says("CreateTrail", **asked) == insufficient, wrong
            await admit(sky, policy(path="p/"))
            await call(root, "CreateTrail", **asked, S3KeyPrefix="p")
            assert await says("UpdateTrail", Name="main", S3KeyPrefix="q") == insufficient
            assert (await says("UpdateTrail", Name="main", S3BucketName="others"))[0] == "S3BucketDoesNotExistException"
            await call(root, "UpdateTrail", Name="main", IsMultiRegionTrail=True)
            await admit(sky, policy(path="q/"))
            await call(root, "UpdateTrail", Name="main", S3KeyPrefix="q")
            assert (await call(root, "GetTrail", Name="main"))["Trail"]["S3KeyPrefix"] == "q"

    run(main())


# A bucket of another region takes a trail's files as well.
def test_a_bucket_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), S3()) as sky:
            root = sky.root()
            s3 = sky.world.client(Identity("gw", ACCOUNT, "test"))
            await s3.call("s3", "CreateBucket", {
                "Bucket": "logs", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}, region="eu-west-1")
            await s3.call("s3", "PutBucketPolicy", {"Bucket": "logs", "Policy": policy()}, region="eu-west-1")
            await call(root, "CreateTrail", Name="main", S3BucketName="logs")
            await call(root, "StartLogging", Name="main")
            await delivered()
            assert (await call(root, "GetTrailStatus", Name="main"))["LatestDeliveryAttemptSucceeded"]
            assert "Contents" in await s3.call("s3", "ListObjectsV2", {"Bucket": "logs"}, region="eu-west-1")

    run(main())
