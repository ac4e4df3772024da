"""Access logs: what is asked of a bucket comes to be in its target, in AWS's form, if the target lets the log in.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html and …/enable-server-access-logging.html.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.s3 import log_delivery, log_lines
from actors.s3.owners import canonical_id
from actors.s3.service import S3
from actors.s3control.service import S3Control
from bus.virtual_time import run
from schemas.models import load
from tests.actors.sts.skies import Sky, Who, skies
from tests.world import ACCOUNT

SETTLED_S = log_delivery.FLUSH_S + log_delivery.DELIVERY_S + 5
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Sid": "S3ServerAccessLogsPolicy", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::logs/of-box/*",
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::box"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}}]})
FIELD = re.compile(r'\[[^]]*\]|"[^"]*"|\S+')


def enabled(**more: Any) -> dict[str, Any]:
    return {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "of-box/", **more}}


async def put_logging(root: Who, **more: Any) -> None:
    await root.call("s3", "PutBucketLogging", Bucket="box", BucketLoggingStatus=enabled(**more))


async def begun(sky: Sky) -> Who:
    root = sky.root()
    root.source = {"ip": "203.0.113.7", "user_agent": 'my "agent"', "request": "GET /box/k HTTP/1.1",
                   "host": "localhost:4566", "auth_type": "REST-HEADER", "signature_version": "AWS4-HMAC-SHA256"}
    for name in ("box", "logs"):
        await root.call("s3", "CreateBucket", Bucket=name)
    return root


async def logged(sky: Sky, bucket: str = "logs") -> tuple[list[str], list[list[str]]]:
    """The names of log objects, and the fields of their lines."""
    client = sky.world.client()
    names = [each["Key"] for each in (await client.call("s3", "ListObjectsV2", {"Bucket": bucket})).get("Contents", ())]
    bodies = [(await client.call("s3", "GetObject", {"Bucket": bucket, "Key": name}))["Body"] for name in names]
    return names, [FIELD.findall(line) for body in bodies for line in body.decode().splitlines()]


def test_what_is_asked_is_logged(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutObject", Bucket="box", Key="before", Body=b"1")
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=POLICY)
            await put_logging(root)
            alice = await sky.user("alice", {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"})
            await root.call("s3", "PutObject", Bucket="box", Key="a b", Body=b"12345")
            alice.source = {"auth_type": "REST-QUERY-STRING", "signature_version": "AWS"}
            await alice.call("s3", "GetObject", Bucket="box", Key="a b", Range="bytes=1-2")
            await alice.error("s3", "DeleteObject", Bucket="box", Key="a b")
            await root.call("s3", "CopyObject", Bucket="box", Key="copy", CopySource="box/a b")
            await root.call("s3", "DeleteObjects", Bucket="box", Delete={"Objects": [{"Key": "copy"}]})
            await root.call("s3", "ListObjectsV2", Bucket="logs")              # has no log
            await asyncio.sleep(SETTLED_S)
            names, lines = await logged(sky)
            assert len(names) == 1
            assert re.fullmatch(r"of-box/\d{4}(-\d\d){5}-[0-9A-F]{16}", names[0])
            assert [(line[6], line[7], line[9], line[10]) for line in lines] == [
                ("REST.PUT.LOGGING_STATUS", "-", "200", "-"), ("REST.PUT.OBJECT", "a%20b", "200", "-"),
                ("REST.GET.OBJECT", "a%20b", "206", "-"), ("REST.DELETE.OBJECT", "a%20b", "403", "AccessDenied"),
                ("REST.COPY.OBJECT", "copy", "200", "-"), ("REST.COPY.OBJECT_GET", "a%20b", "200", "-"),
                ("REST.POST.MULTI_OBJECT_DELETE", "-", "200", "-"), ("BATCH.DELETE.OBJECT", "copy", "200", "-")]
            assert {len(line) for line in lines} == {26}
            put, got = lines[1], lines[2]
            mine = canonical_id(ACCOUNT)
            assert (put[0], put[1], put[3], put[4]) == (mine, "box", "203.0.113.7", mine)
            assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]", put[2])
            assert (put[8], put[16], put[22]) == ('"GET /box/k HTTP/1.1"', '"my %22agent%22"', "localhost:4566")
            assert (put[11:13], got[11:13]) == (["-", "5"], ["2", "5"])
            assert got[4] == f"arn:aws:iam::{ACCOUNT}:user/alice"
            assert (put[19:22], got[19:22]) == (["SigV4", "-", "AuthHeader"], ["SigV2", "-", "QueryString"])

    run(main())


# The access point's ARN is the field before the last; the line is the bucket's.
def test_through_an_access_point(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3(), S3Control()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=POLICY)
            await put_logging(root)
            made = await root.call("s3control", "CreateAccessPoint", AccountId=ACCOUNT, Name="point", Bucket="box")
            await root.call("s3", "PutObject", Bucket=made["Alias"], Key="k", Body=b"1")
            source = f"{made['AccessPointArn']}/object/k"
            await root.call("s3", "CopyObject", Bucket="box", Key="copy", CopySource=source)
            await asyncio.sleep(SETTLED_S)
            _, lines = await logged(sky)
            assert [(line[1], line[6], line[7], line[24]) for line in lines[1:]] == [
                ("box", "REST.PUT.OBJECT", "k", made["AccessPointArn"]), ("box", "REST.COPY.OBJECT", "copy", "-"),
                ("box", "REST.COPY.OBJECT_GET", "k", made["AccessPointArn"])]

    run(main())


def test_forms_of_names(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=POLICY)
            found = []
            for source in ("EventTime", "DeliveryTime"):
                await put_logging(root, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": source}})
                await asyncio.sleep(SETTLED_S)
                found.append((await logged(sky))[0])
            [event] = found[0]
            [delivery] = set(found[1]) - {event}
            where = rf"of-box/{ACCOUNT}/us-east-1/box/\d{{4}}/\d\d/\d\d"
            assert re.fullmatch(rf"{where}/\d{{4}}-\d\d-\d\d-00-00-00-[0-9A-F]{{16}}", event)
            assert re.fullmatch(rf"{where}/\d{{4}}(-\d\d){{5}}-[0-9A-F]{{16}}", delivery)

    run(main())


def test_by_acl_and_with_grants(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "CreateBucket", Bucket="old-logs", ObjectOwnership="ObjectWriter",
                            ACL="log-delivery-write")
            reader = {"Type": "CanonicalUser", "ID": canonical_id("222222222222")}
            await put_logging(root, TargetBucket="old-logs", TargetGrants=[{"Grantee": reader, "Permission": "READ"}])
            await root.call("s3", "PutObject", Bucket="box", Key="k", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            [name], lines = await logged(sky, "old-logs")
            assert len(lines) == 2
            grants = (await root.call("s3", "GetObjectAcl", Bucket="old-logs", Key=name))["Grants"]
            assert [(each["Grantee"]["ID"], each["Permission"]) for each in grants] == [
                (canonical_id(ACCOUNT), "FULL_CONTROL"), (reader["ID"], "READ")]

    run(main())


def test_a_target_that_lets_nobody_in_any_more(tmp_path: Path) -> None:
    """Lines are dropped and counted; a bucket that logs no more is not asked about."""

    async def main() -> None:
        actor = S3()
        async with skies(tmp_path, actor) as sky:
            root = await begun(sky)
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=POLICY)
            await put_logging(root)
            await root.call("s3", "DeleteBucketPolicy", Bucket="logs")
            await asyncio.sleep(SETTLED_S + log_delivery.ATTEMPTS * log_delivery.RETRY_S + 10)
            assert actor.logger.dropped == 1
            await root.call("s3", "PutBucketLogging", Bucket="box", BucketLoggingStatus={})
            await root.call("s3", "PutObject", Bucket="box", Key="k", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            assert await logged(sky) == ([], [])
            assert await root.call("s3", "GetBucketLogging", Bucket="box") == {}

    run(main())


def test_what_is_written_down_survives(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutBucketPolicy", Bucket="logs", Policy=POLICY)
            await put_logging(root)
            await asyncio.sleep(log_delivery.FLUSH_S + 1)
            await sky.world.restart()
            await root.call("s3", "HeadBucket", Bucket="box")
            await asyncio.sleep(SETTLED_S)
            assert [line[6] for line in (await logged(sky))[1]] == ["REST.PUT.LOGGING_STATUS", "REST.HEAD.BUCKET"]

    run(main())


@pytest.mark.parametrize(("wanted", "code", "words"), [
    ({"TargetBucket": "none-such"}, "InvalidTargetBucketForLogging", "The target bucket for logging does not exist"),
    ({"TargetBucket": "theirs"}, "InvalidTargetBucketForLogging", "The owner for the bucket to be logged and"),
    ({"TargetBucket": "far"}, "CrossLocationLoggingProhibitted", "Cross S3 location logging not allowed."),
    ({"TargetBucket": "paid"}, "InvalidTargetBucketForLogging", "The target bucket for logging must have neither"),
    ({"TargetBucket": "locked"}, "InvalidTargetBucketForLogging", "The target bucket for logging must have neither"),
    ({}, "InvalidTargetBucketForLogging", "You must either provide the necessary permissions"),
    ({"TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "never"}}}, "MalformedXML", ""),
])
def test_refused(tmp_path: Path, wanted: dict[str, Any], code: str, words: str) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await sky.root("222222222222").call("s3", "CreateBucket", Bucket="theirs")
            client = sky.world.client()
            await client.call("s3", "CreateBucket", {"Bucket": "far", "CreateBucketConfiguration": {
                "LocationConstraint": "eu-west-1"}}, region="eu-west-1")
            await root.call("s3", "CreateBucket", Bucket="paid")
            await root.call("s3", "PutBucketRequestPayment", Bucket="paid", RequestPaymentConfiguration={
                "Payer": "Requester"})
            await root.call("s3", "CreateBucket", Bucket="locked", ObjectLockEnabledForBucket=True)
            await root.call("s3", "PutObjectLockConfiguration", Bucket="locked", ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
            error = await root.error("s3", "PutBucketLogging", Bucket="box", BucketLoggingStatus=enabled(**wanted))
            assert error.error_code == code
            assert error.message.startswith(words)

    run(main())


def test_every_operation_has_a_name() -> None:
    """As AWS's examples have them, and none that would break a line."""
    found = {name: log_lines._by_name(name) for name in load("s3").operations}
    assert (found["GetBucketVersioning"], found["PutObjectTagging"], found["GetBucketOwnershipControls"]) == (
        "VERSIONING", "OBJECT_TAGGING", "OWNERSHIP_CONTROLS")
    assert all(re.fullmatch("[A-Z0-9_]+", each) for each in found.values())


@given(st.text())
def test_what_a_sender_says_ends_no_field(text: str) -> None:
    assert FIELD.fullmatch(log_lines._quoted(text))
    assert "\n" not in log_lines._quoted(text)
