"""Inventories: the report tells what is there, all of it and once, in files that its manifest names.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html and the pages below it.
"""

import asyncio
import csv
import gzip
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from actors.s3 import inventories, inventory_reports
from actors.s3.owners import canonical_id
from actors.s3.service import S3
from bus.virtual_time import run
from tests.actors.sts.skies import Sky, Who, skies
from tests.world import ACCOUNT, EPOCH_S

DAY_S = inventories.DAY_S
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-s3-inventory-1
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Sid": "InventoryAndAnalyticsExamplePolicy", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "s3:PutObject", "Resource": ["arn:aws:s3:::reports/*"],
    "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::box"}, "StringEquals": {
        "aws:SourceAccount": ACCOUNT, "s3:x-amz-acl": "bucket-owner-full-control"}}}]})


def inventory(**more: Any) -> dict[str, Any]:
    return {"Id": "all", "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"},
            "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::reports", "Format": "CSV", "Prefix": "p"}},
            **more}


async def put(root: Who, **more: Any) -> None:
    await root.call("s3", "PutBucketInventoryConfiguration", Bucket="box", Id="all",
                    InventoryConfiguration=inventory(**more))


async def begun(sky: Sky) -> Who:
    root = sky.root()
    for name in ("box", "reports"):
        await root.call("s3", "CreateBucket", Bucket=name)
    await root.call("s3", "PutBucketPolicy", Bucket="reports", Policy=POLICY)
    return root


async def reports(sky: Sky) -> list[tuple[dict[str, Any], list[list[str]]]]:
    """(manifest, rows) of each, the oldest first; checksums compared."""
    client = sky.world.client()

    async def get(key: str) -> bytes:
        return bytes((await client.call("s3", "GetObject", {"Bucket": "reports", "Key": key}))["Body"])

    listed = await client.call("s3", "ListObjectsV2", {"Bucket": "reports"})
    found = []
    for name in (each["Key"] for each in listed.get("Contents", ())):
        if not name.endswith("manifest.json"):
            continue
        assert re.fullmatch(r"p/box/all/\d{4}-\d\d-\d\dT00-00Z/manifest.json", name)
        body = await get(name)
        assert await get(name.replace(".json", ".checksum")) == hashlib.md5(body).hexdigest().encode()
        manifest, rows = json.loads(body), []
        for file in manifest["files"]:
            data = await get(file["key"])
            assert (len(data), hashlib.md5(data).hexdigest()) == (file["size"], file["MD5checksum"])
            rows += list(csv.reader(io.StringIO(gzip.decompress(data).decode())))
        found.append((manifest, rows))
    return found


def test_what_a_report_tells(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            etag = (await root.call("s3", "PutObject", Bucket="box", Key='a "b", ä', Body=b"12345"))["ETag"].strip('"')
            await root.call("s3", "PutObject", Bucket="box", Key="z", Body=b"")
            await put(root, OptionalFields=["ETag", "Size", "StorageClass", "EncryptionStatus", "ObjectOwner"])
            await asyncio.sleep(DAY_S)
            [(manifest, rows)] = await reports(sky)
            assert (manifest["sourceBucket"], manifest["destinationBucket"], manifest["fileFormat"]) == (
                "box", "arn:aws:s3:::reports", "CSV")
            assert manifest["fileSchema"] == "Bucket, Key, Size, ETag, StorageClass, EncryptionStatus, ObjectOwner"
            owner = canonical_id(ACCOUNT)
            assert rows == [
                ["box", "a%20%22b%22%2C%20%C3%A4", "5", etag, "STANDARD", "SSE-S3", owner],
                ["box", "z", "0", "d41d8cd98f00b204e9800998ecf8427e", "STANDARD", "SSE-S3", owner]]

    run(main())


def test_all_versions(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutObject", Bucket="box", Key="in/k", Body=b"1")
            await root.call("s3", "PutBucketVersioning", Bucket="box", VersioningConfiguration={"Status": "Enabled"})
            version = (await root.call("s3", "PutObject", Bucket="box", Key="in/k", Body=b"12"))["VersionId"]
            marker = (await root.call("s3", "DeleteObject", Bucket="box", Key="in/k"))["VersionId"]
            await root.call("s3", "PutObject", Bucket="box", Key="out", Body=b"1")
            await put(root, IncludedObjectVersions="All", Filter={"Prefix": "in/"}, OptionalFields=["Size"])
            await asyncio.sleep(DAY_S)
            [(manifest, rows)] = await reports(sky)
            assert manifest["fileSchema"] == "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size"
            assert rows == [
                ["box", "in/k", marker, "true", "true", ""], ["box", "in/k", version, "false", "false", "2"],
                ["box", "in/k", "", "false", "false", "1"]]

    run(main())


def test_many_files_and_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of several files has every key once, also over a restart; the next day there is another."""
    monkeypatch.setattr(inventory_reports, "FILE_ROWS", 7)

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            for number in range(30):
                await root.call("s3", "PutObject", Bucket="box", Key=f"{number:02}", Body=b"")
            await put(root)
            await asyncio.sleep(DAY_S / 2)
            await sky.world.restart()
            await asyncio.sleep(DAY_S)
            for manifest, rows in await reports(sky):
                assert [row[1] for row in rows] == [f"{number:02}" for number in range(30)]
                assert len(manifest["files"]) == 5
            before = len(await reports(sky))
            await root.call("s3", "DeleteBucketInventoryConfiguration", Bucket="box", Id="all")
            await asyncio.sleep(2 * DAY_S)
            assert len(await reports(sky)) == before > 0

    run(main())


def test_a_destination_that_refuses(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            await root.call("s3", "DeleteBucketPolicy", Bucket="reports")
            await put(root)
            await asyncio.sleep(DAY_S)
            assert await reports(sky) == []
            await root.call("s3", "PutBucketPolicy", Bucket="reports", Policy=POLICY)
            await asyncio.sleep(DAY_S)
            assert len(await reports(sky)) == 1

    run(main())


def test_when_reports_are_due() -> None:
    for frequency, longest in (("Daily", 1), ("Weekly", 7)):
        due = inventories.due_after(EPOCH_S, inventory(Schedule={"Frequency": frequency}))
        assert due % DAY_S == 0
        assert 0 < due - EPOCH_S <= longest * DAY_S
        again = inventories.due_after(due, inventory(Schedule={"Frequency": frequency}))
        assert again - due == longest * DAY_S


@pytest.mark.parametrize(("more", "code"), [
    ({"IncludedObjectVersions": "Some"}, "MalformedXML"), ({"Schedule": {"Frequency": "Hourly"}}, "MalformedXML"),
    ({"OptionalFields": ["Colour"]}, "MalformedXML"), ({"Id": "other"}, "IdMismatch"),
    ({"Destination": {"S3BucketDestination": {"Bucket": "reports", "Format": "CSV"}}}, "InvalidS3DestinationBucket"),
])
def test_refused(tmp_path: Path, more: dict[str, Any], code: str) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            error = await root.error("s3", "PutBucketInventoryConfiguration", Bucket="box", Id="all",
                                     InventoryConfiguration=inventory(**more))
            assert error.error_code == code

    run(main())


def test_pages(tmp_path: Path) -> None:
    """Named configurations are told a hundred at a time, and an inventory's job is no such configuration."""

    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            root = await begun(sky)
            for number in range(102):
                await root.call("s3", "PutBucketMetricsConfiguration", Bucket="box", Id=f"{number:03}",
                                MetricsConfiguration={"Id": f"{number:03}"})
            await put(root)
            asked: dict[str, Any] = {"Bucket": "box"}
            first = await root.call("s3", "ListBucketMetricsConfigurations", **asked)
            assert (len(first["MetricsConfigurationList"]), first["IsTruncated"]) == (100, True)
            rest = await root.call("s3", "ListBucketMetricsConfigurations", **asked,
                                   ContinuationToken=first["NextContinuationToken"])
            assert [each["Id"] for each in rest["MetricsConfigurationList"]] == ["100", "101"]
            told = await root.call("s3", "ListBucketInventoryConfigurations", **asked)
            assert told["InventoryConfigurationList"] == [inventory()]

    run(main())
