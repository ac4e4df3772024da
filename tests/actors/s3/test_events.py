"""Events: each write tells of itself once, in order, in AWS's form, on the bus and where the configuration says; what
cannot be brought is given up after a while and holds nothing up. Forms: LocalStack's snapshots of AWS."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.s3 import delivering
from actors.s3.service import S3
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.s3.destinations import EventBuses, Functions, Queues, Topics, listener
from tests.actors.sts.skies import Sky, Who, skies
from tests.world import ACCOUNT

SETTLED_S = 5.0
QUEUE, TOPIC = (f"arn:aws:{service}:us-east-1:{ACCOUNT}:target" for service in ("sqs", "sns"))
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:target"


async def notify(root: Who, bucket: str, **document: Any) -> None:
    await root.call("s3", "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=document)


def queue(*events: str, **more: Any) -> dict[str, Any]:
    return {"QueueConfigurations": [{"Id": "mine", "QueueArn": QUEUE, "Events": list(events), **more}]}


async def begun(sky: Sky, *, versioned: bool = False) -> Who:
    root = sky.root()
    root.source = {"ip": "203.0.113.7"}
    await root.call("s3", "CreateBucket", Bucket="box", ObjectOwnership="ObjectWriter")
    if versioned:
        await root.call("s3", "PutBucketVersioning", Bucket="box", VersioningConfiguration={"Status": "Enabled"})
    return root


def test_the_form(tmp_path: Path) -> None:
    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky, versioned=True)
            heard = listener(sky.world)
            await notify(root, "box", **queue("s3:ObjectCreated:*"))
            [test] = queues.heard
            assert (test["Service"], test["Event"], test["Bucket"]) == ("Amazon S3", "s3:TestEvent", "box")
            put = await root.call("s3", "PutObject", Bucket="box", Key="a b/ä@+.txt", Body=b"12345")
            await asyncio.sleep(SETTLED_S)
            [record] = queues.records
            assert queues.askers[-1] == ("s3.amazonaws.com", {"arn": "arn:aws:s3:::box", "account": ACCOUNT})
            [(subject, message)] = heard
            assert subject == f"evt.s3.{ACCOUNT}.ObjectCreated-Put"
            assert message["event"] == {"Records": [record]}
            told = record["s3"]
            sequencer = told["object"].pop("sequencer")
            assert len(sequencer) == 18
            assert int(sequencer, 16)
            assert told == {
                "s3SchemaVersion": "1.0", "configurationId": "mine",
                "bucket": {"name": "box", "arn": "arn:aws:s3:::box", "ownerIdentity": told["bucket"]["ownerIdentity"]},
                "object": {"key": "a+b/%C3%A4%40%2B.txt", "size": 5, "eTag": put["ETag"].strip('"'),
                           "versionId": put["VersionId"]}}
            assert record["requestParameters"] == {"sourceIPAddress": "203.0.113.7"}
            assert record["userIdentity"] == {"principalId": f"AWS:{ACCOUNT}"}
            assert set(record["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
            assert (record["eventVersion"], record["eventSource"], record["awsRegion"], record["eventName"]) == (
                "2.1", "aws:s3", "us-east-1", "ObjectCreated:Put")
            assert record["eventTime"].endswith("Z")

    run(main())


def test_every_write_once_and_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky, versioned=True)
            await notify(root, "box", **queue("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*",
                                            "s3:ObjectAcl:Put"))
            at: dict[str, Any] = {"Bucket": "box", "Key": "k"}
            first = await root.call("s3", "PutObject", **at, Body=b"1")
            await root.call("s3", "CopyObject", **at, CopySource="box/k", MetadataDirective="REPLACE")
            upload = (await root.call("s3", "CreateMultipartUpload", **at))["UploadId"]
            part = await root.call("s3", "UploadPart", **at, UploadId=upload, PartNumber=1, Body=b"p")
            await root.call("s3", "CompleteMultipartUpload", **at, UploadId=upload, MultipartUpload={
                "Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC64NVME": part["ChecksumCRC64NVME"]}]})
            await root.call("s3", "PutObjectTagging", **at, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
            await root.call("s3", "DeleteObjectTagging", **at)
            await root.call("s3", "PutObjectAcl", **at, ACL="public-read")
            await root.call("s3", "PutObjectAcl", **at, ACL="public-read")            # changes nothing: no event
            await root.call("s3", "DeleteObject", **at)
            await root.call("s3", "DeleteObjects", Bucket="box", Delete={"Objects": [
                {"Key": "k", "VersionId": first["VersionId"]}, {"Key": "none", "VersionId": "null"}]})
            await asyncio.sleep(SETTLED_S)
            assert [each["eventName"] for each in queues.records] == [
                "ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload",
                "ObjectTagging:Put", "ObjectTagging:Delete", "ObjectAcl:Put", "ObjectRemoved:DeleteMarkerCreated",
                "ObjectRemoved:Delete"]
            assert queues.records[-1]["s3"]["object"]["versionId"] == first["VersionId"]
            sequencers = [each["s3"]["object"].get("sequencer") for each in queues.records]
            assert sequencers[3:6] == [None] * 3
            assert sequencers[:3] == sorted(sequencers[:3])

    run(main())


def test_what_nobody_wants_is_not_told(tmp_path: Path) -> None:
    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky)
            heard = listener(sky.world)
            await root.call("s3", "PutObject", Bucket="box", Key="a/x", Body=b"1")
            await notify(root, "box", **queue("s3:ObjectCreated:Put", Filter={"Key": {
                "FilterRules": [{"Name": "prefix", "Value": "a/"}]}}))
            await root.call("s3", "PutObject", Bucket="box", Key="b/x", Body=b"1")
            await root.call("s3", "DeleteObject", Bucket="box", Key="a/x")
            with pytest.raises(AwsError):
                await root.call("s3", "PutObject", Bucket="box", Key="a/y", Body=b"1", IfMatch="no")
            await root.call("s3", "PutObject", Bucket="box", Key="a/y", Body=b"1")
            await notify(root, "box")
            await root.call("s3", "PutObject", Bucket="box", Key="a/z", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            assert [each["s3"]["object"]["key"] for each in queues.records] == ["a/y"]
            assert len(heard) == 1
            assert await root.call("s3", "GetBucketNotificationConfiguration", Bucket="box") == {}

    run(main())


def test_all_kinds_of_destinations(tmp_path: Path) -> None:
    async def main() -> None:
        topics, functions, buses = Topics(), Functions(), EventBuses()
        async with skies(tmp_path, S3(), topics, functions, buses) as sky:
            root = await begun(sky)
            await notify(root, "box", EventBridgeConfiguration={}, TopicConfigurations=[
                {"TopicArn": TOPIC, "Events": ["s3:ObjectCreated:*"]}], LambdaFunctionConfigurations=[
                {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectRemoved:*"]}])
            await root.call("s3", "PutObject", Bucket="box", Key="ä", Body=b"1")
            await root.call("s3", "DeleteObject", Bucket="box", Key="ä")
            await asyncio.sleep(SETTLED_S)
            assert [each["eventName"] for each in topics.records] == ["ObjectCreated:Put"]
            assert [each["eventName"] for each in functions.records] == ["ObjectRemoved:Delete"]
            created, deleted = buses.heard
            assert (created["Source"], created["DetailType"], created["Resources"]) == (
                "aws.s3", "Object Created", ["arn:aws:s3:::box"])
            detail = created["Detail"]
            assert detail["object"].pop("sequencer")
            assert detail.pop("request-id")
            assert detail == {
                "version": "0", "bucket": {"name": "box"}, "reason": "PutObject", "requester": ACCOUNT,
                "source-ip-address": "203.0.113.7",
                "object": {"key": "ä", "size": 1, "etag": "c4ca4238a0b923820dcc509a6f75849b"}}
            assert (deleted["Detail"]["deletion-type"], deleted["Detail"]["reason"]) == (
                "Permanently Deleted", "DeleteObject")

    run(main())


def test_destinations_are_asked_first(tmp_path: Path) -> None:
    """Absent, or forbidden: refused naming all of them, and nothing is kept; unless the request says to skip it."""

    async def main() -> None:
        queues = Queues()
        queues.error = AwsError("no", code="AccessDenied", status=403)
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky)
            document = {**queue("s3:ObjectCreated:Put"), "TopicConfigurations": [
                {"TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}], "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": FUNCTION, "Events": ["s3:ObjectTagging:*"]}]}
            request = {"Bucket": "box", "NotificationConfiguration": document}
            error = await root.error("s3", "PutBucketNotificationConfiguration", **request)
            assert error.error_code == "InvalidArgument"
            assert error.message == "Unable to validate the following destination configurations"
            assert error.fields == {
                "ArgumentName1": TOPIC, "ArgumentValue1": "The destination topic does not exist",
                "ArgumentName2": QUEUE, "ArgumentValue2": "Permissions on the destination queue do not allow S3 to "
                                                          "publish notifications from this bucket",
                "ArgumentName3": f"{FUNCTION}, null",
                "ArgumentValue3": f"Not authorized to invoke function [{FUNCTION}]"}
            assert await root.call("s3", "GetBucketNotificationConfiguration", Bucket="box") == {}
            await root.call("s3", "PutBucketNotificationConfiguration", **request, SkipDestinationValidation=True)
            assert len(await root.call("s3", "GetBucketNotificationConfiguration", Bucket="box")) == 3

    run(main())


def test_an_absent_destination_holds_up_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky)
            document = {**queue("s3:ObjectCreated:*"), "TopicConfigurations": [
                {"TopicArn": TOPIC, "Events": ["s3:ObjectRemoved:*"]}]}
            await root.call("s3", "PutBucketNotificationConfiguration", Bucket="box", SkipDestinationValidation=True,
                            NotificationConfiguration=document)
            before = delivering.dropped["sns"]
            for number in range(delivering.ITEMS_OF_STEP + 2):
                await root.call("s3", "PutObject", Bucket="box", Key=f"{number}", Body=b"1")
                await root.call("s3", "DeleteObject", Bucket="box", Key=f"{number}")
            await asyncio.sleep(SETTLED_S)
            assert len(queues.records) == delivering.ITEMS_OF_STEP + 2
            await asyncio.sleep(600)
            assert delivering.dropped["sns"] == before + delivering.ITEMS_OF_STEP + 2
            shard = sky.world.shards["s3"]
            assert not shard.read(lambda view: list(view.scan(b"q", b"r")) + list(view.scan(b"h", b"i")))

    run(main())


def test_a_destination_that_comes_back(tmp_path: Path) -> None:
    """What failed for a while arrives in order, also over a restart of ours."""

    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky)
            await notify(root, "box", **queue("s3:ObjectCreated:*"))
            queues.error = AwsError("later", code="InternalError", status=500)
            for number in range(5):
                await root.call("s3", "PutObject", Bucket="box", Key=f"{number}", Body=b"1")
            await asyncio.sleep(SETTLED_S)
            await sky.world.restart()
            queues.error = None
            await asyncio.sleep(60)
            assert [each["s3"]["object"]["key"] for each in queues.records] == [f"{number}" for number in range(5)]

    run(main())


def test_what_a_lifecycle_does(tmp_path: Path) -> None:
    async def main() -> None:
        queues = Queues()
        async with skies(tmp_path, S3(), queues) as sky:
            root = await begun(sky)
            await notify(root, "box", **queue("s3:LifecycleExpiration:*", "s3:LifecycleTransition"))
            for key in ("old", "cold"):
                await root.call("s3", "PutObject", Bucket="box", Key=key, Body=b"1")
            await root.call("s3", "PutBucketLifecycleConfiguration", Bucket="box", LifecycleConfiguration={"Rules": [
                {"Status": "Enabled", "Filter": {"Prefix": "old"}, "Expiration": {"Days": 1}},
                {"Status": "Enabled", "Filter": {"And": {"Prefix": "cold", "ObjectSizeLessThan": 2}}, "Transitions": [
                    {"Days": 1, "StorageClass": "GLACIER"}]}]})
            await asyncio.sleep(3 * 24 * 3600)
            moved, expired = queues.records
            assert (expired["eventName"], expired["s3"]["object"]["key"]) == ("LifecycleExpiration:Delete", "old")
            assert (moved["eventName"], moved["eventVersion"]) == ("LifecycleTransition", "2.3")
            assert moved["lifecycleEventData"] == {"transitionEventData": {"destinationStorageClass": "GLACIER"}}
            assert moved["userIdentity"] == {"principalId": "s3.amazonaws.com"}

    run(main())


def test_restores(tmp_path: Path) -> None:
    async def main() -> None:
        queues, buses = Queues(), EventBuses()
        async with skies(tmp_path, S3(), queues, buses) as sky:
            root = await begun(sky)
            await notify(root, "box", **queue("s3:ObjectRestore:*"), EventBridgeConfiguration={})
            await root.call("s3", "PutObject", Bucket="box", Key="k", Body=b"1", StorageClass="GLACIER")
            await root.call("s3", "RestoreObject", Bucket="box", Key="k", RestoreRequest={"Days": 1})
            await asyncio.sleep(4 * 24 * 3600)
            post, completed, gone = queues.records
            assert [each["eventName"] for each in queues.records] == [
                "ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete"]
            assert [each["eventVersion"] for each in queues.records] == ["2.1", "2.1", "2.3"]
            assert "glacierEventData" not in post | gone
            restored = completed["glacierEventData"]["restoreEventData"]
            assert restored["lifecycleRestoreStorageClass"] == "GLACIER"
            _, initiated, done, _ = buses.heard
            assert (initiated["DetailType"], done["DetailType"]) == (
                "Object Restore Initiated", "Object Restore Completed")
            assert initiated["Detail"]["object"] == {"key": "k", "size": 1, "etag": post["s3"]["object"]["eTag"]}
            assert done["Detail"]["restore-expiry-time"] == restored["lifecycleRestorationExpiryTime"]
            assert done["Detail"]["source-storage-class"] == "GLACIER"

    run(main())


def test_a_destination_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3(), Queues()) as sky:
            root = await begun(sky)
            far = {"QueueArn": QUEUE.replace("us-east-1", "eu-west-1"), "Events": ["s3:ObjectCreated:*"]}
            error = await root.error("s3", "PutBucketNotificationConfiguration", Bucket="box",
                                     NotificationConfiguration={"QueueConfigurations": [far]})
            assert error.error_code == "InvalidArgument"
            assert error.message.startswith("The notification destination service region is not valid")

    run(main())


def test_older_forms(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3(), Queues()) as sky:
            root = await begun(sky)
            await root.call("s3", "PutBucketNotification", Bucket="box", NotificationConfiguration={
                "QueueConfiguration": {"Queue": QUEUE, "Event": "s3:ObjectCreated:Put"}})
            [kept] = (await root.call("s3", "GetBucketNotificationConfiguration", Bucket="box"))["QueueConfigurations"]
            assert (kept["QueueArn"], kept["Events"]) == (QUEUE, ["s3:ObjectCreated:Put"])
            told = (await root.call("s3", "GetBucketNotification", Bucket="box"))["QueueConfiguration"]
            assert (told["Queue"], told["Id"]) == (QUEUE, kept["Id"])

    run(main())
