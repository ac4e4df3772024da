"""A trail into a bucket of our own S3, which its policy opens to CloudTrail, as AWS's documentation has it."""

import asyncio
import gzip
import json
from pathlib import Path

from actors.cloudtrail.service import CloudTrail
from actors.s3.service import S3
from bus.virtual_time import run
from tests.actors.cloudtrail.test_trails import call, delivered
from tests.actors.sts.skies import skies
from tests.world import ACCOUNT


# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
def policy(trail: str, account: str = ACCOUNT) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Sid": "AWSCloudTrailWrite", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::logs/AWSLogs/{ACCOUNT}/*",
        "Condition": {"StringEquals": {
            "aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail}", "aws:SourceAccount": account}}}]})


# Lets in what is delivered for the trail and the account it names, logs and digests, and nothing else.
def test_the_documented_policy(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail(), S3()) as sky:
            root = sky.root()
            await root.call("s3", "CreateBucket", Bucket="logs")
            await call(root, "CreateTrail", Name="main", S3BucketName="logs", EnableLogFileValidation=True)
            await call(root, "StartLogging", Name="main")
            await delivered()
            assert (await call(root, "GetTrailStatus", Name="main"))["LatestDeliveryError"] == "AccessDenied"
            for other in (policy("other"), policy("main", "111111111111")):
                await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=other)
                await delivered()
                status = await call(root, "GetTrailStatus", Name="main")
                assert status["LatestDeliveryError"] == "AccessDenied"
                assert "LatestDeliveryTime" not in status
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=policy("main"))
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
