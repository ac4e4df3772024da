"""Exports to and imports from S3, against a stand-in S3 on the bus that keeps objects in memory; and without one.

Layout and formats: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html and
S3DataImport.Format.html.
"""

import asyncio
import gzip
import json
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb.engine.interchange import lines
from actors.dynamodb.service import DynamoDB
from actors.runtime.actor import ServiceActor, operation
from actors.runtime.context import Context
from bus.client import Client
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.world import world

KEYED = {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
         "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/live"


class S3(ServiceActor):
    """Buckets in memory, of one region. `askers`: by which door and as whom it was asked."""

    service: ClassVar[str] = "s3"

    def __init__(self, region: str = "us-east-1") -> None:
        self.region = region
        self.objects: dict[str, bytes] = {}
        self.askers: set[tuple[str, ...]] = set()

    def _open(self, context: Context, request: Any) -> None:
        self.askers.add(tuple(context.identity))
        if context.region != self.region:
            error = AwsError("another endpoint", code="PermanentRedirect", status=301)
            error.fields = {"Headers": {"x-amz-bucket-region": self.region}}
            raise error
        if request["Bucket"] != "bucket":
            raise AwsError("The specified bucket does not exist", code="NoSuchBucket")

    @operation("PutObject")
    def put_object(self, context: Context, _: Any, request: Any) -> Any:
        self._open(context, request)
        self.objects[request["Key"]] = request["Body"]
        return {"ETag": f'"{md5(request["Body"], usedforsecurity=False).hexdigest()}"'}

    @operation("GetObject")
    def get_object(self, context: Context, _: Any, request: Any) -> Any:
        self._open(context, request)
        return {"Body": self.objects[request["Key"]]}

    @operation("ListObjectsV2")
    def list_objects(self, context: Context, _: Any, request: Any) -> Any:
        self._open(context, request)
        keys = [key for key in sorted(self.objects)
                if key.startswith(request["Prefix"]) and key > request.get("StartAfter", "")]
        return {"Contents": [{"Key": key} for key in keys[:request["MaxKeys"]]]}


async def ended(client: Client, operation_: str, **request: Any) -> dict[str, Any]:
    """The description once it is IN_PROGRESS no more."""
    for _ in range(1000):
        [description] = (await client.call("dynamodb", operation_, request)).values()
        if "IN_PROGRESS" not in (description.get("ExportStatus"), description.get("ImportStatus")):
            return dict(description)
        await asyncio.sleep(0.1)
    raise AssertionError("it does not end")


async def fill(client: Client, count: int) -> dict[str, Any]:
    await client.call("dynamodb", "CreateTable", {"TableName": "live", **KEYED})
    await client.call("dynamodb", "UpdateContinuousBackups", {
        "TableName": "live", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}})
    items = {}
    for n in range(count):
        items[f"k{n}"] = item = {"pk": {"S": f"k{n}"}, "b": {"B": bytes([n % 256])}, "n": {"NS": ["1", "2"]},
                                 "m": {"M": {"x": {"L": [{"B": b"\0"}, {"NULL": True}]}}}}
        await client.call("dynamodb", "PutItem", {"TableName": "live", "Item": item})
    return items


async def scanned(client: Client, table: str) -> dict[str, Any]:
    answer = await client.call("dynamodb", "Scan", {"TableName": table})
    return {item["pk"]["S"]: item for item in answer["Items"]}


# An export of a moment, its files as AWS lays them out, in several data files, with a restart of the actor in the
# middle; importing the data makes the same table.
def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.dynamodb.exports.FILE_LIMIT_BYTES", 4000)
    monkeypatch.setattr("actors.dynamodb.exports.CHUNK_ROWS", 16)

    async def main() -> None:
        s3 = S3("eu-west-1")
        async with world(tmp_path, [DynamoDB(), s3]) as skies:
            client = skies.client()
            items = await fill(client, 300)
            request = {"TableArn": ARN, "S3Bucket": "bucket", "S3Prefix": "here", "ClientToken": "once"}
            started = (await client.call("dynamodb", "ExportTableToPointInTime", request))["ExportDescription"]
            assert started["ExportStatus"] == "IN_PROGRESS"
            again = (await client.call("dynamodb", "ExportTableToPointInTime", request))["ExportDescription"]
            assert again["ExportArn"] == started["ExportArn"]
            await client.call("dynamodb", "DeleteItem", {"TableName": "live", "Key": {"pk": {"S": "k1"}}})
            await skies.restart()
            done = await ended(client, "DescribeExport", ExportArn=started["ExportArn"])
            assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", 300)
            check_layout(s3, started["ExportArn"].rsplit("/", 1)[1], done, items)
            assert s3.askers == {("svc", "000000000000", "test")}
            data = done["ExportManifest"].rsplit("/", 1)[0] + "/data"
            await client.call("dynamodb", "ImportTable", {
                "S3BucketSource": {"S3Bucket": "bucket", "S3KeyPrefix": data},
                "InputFormat": "DYNAMODB_JSON", "InputCompressionType": "GZIP",
                "TableCreationParameters": {"TableName": "again", **KEYED}})
            [summary] = (await client.call("dynamodb", "ListImports", {}))["ImportSummaryList"]
            imported = await ended(client, "DescribeImport", ImportArn=summary["ImportArn"])
            assert (imported["ImportStatus"], imported["ImportedItemCount"]) == ("COMPLETED", 300)
            assert await scanned(client, "again") == items

    run(main())


def check_layout(s3: S3, export: str, done: dict[str, Any], items: dict[str, Any]) -> None:
    folder = f"here/AWSDynamoDB/{export}"
    assert s3.objects[f"{folder}/_started"] == b""
    summary = json.loads(s3.objects[done["ExportManifest"]])
    assert (summary["itemCount"], summary["s3Bucket"], summary["outputFormat"]) == (300, "bucket", "DYNAMODB_JSON")
    for name in ("manifest-files", "manifest-summary"):
        digest = md5(s3.objects[f"{folder}/{name}.json"], usedforsecurity=False).digest()
        assert s3.objects[f"{folder}/{name}.md5"] == b64encode(digest)
    entries = [json.loads(line) for line in s3.objects[summary["manifestFilesS3Key"]].splitlines()]
    assert len(entries) > 1
    found: dict[str, Any] = {}
    for entry in entries:
        content = s3.objects[entry["dataFileS3Key"]]
        assert entry["md5Checksum"] == b64encode(md5(content, usedforsecurity=False).digest()).decode()
        read = [lines.read_json(line) for line in gzip.decompress(content).splitlines()]
        assert len(read) == entry["itemCount"]
        found |= {item["pk"]["S"]: item for item in read}
    assert found == items


# CSV with a header; rows that are no items of the table are counted, the others arrive.
def test_csv(tmp_path: Path) -> None:
    async def main() -> None:
        s3 = S3()
        s3.objects = {"in/a.csv": b'pk,v\r\na,"1\n2"\r\nb,\r\n,x\r\nc,1,2\r\n', "in/b.csv": b"v,pk\nz,d\n"}
        async with world(tmp_path, [DynamoDB(), s3]) as skies:
            client = skies.client()
            started = (await client.call("dynamodb", "ImportTable", {
                "S3BucketSource": {"S3Bucket": "bucket", "S3KeyPrefix": "in/"}, "InputFormat": "CSV",
                "TableCreationParameters": {"TableName": "live", **KEYED}}))["ImportTableDescription"]
            done = await ended(client, "DescribeImport", ImportArn=started["ImportArn"])
            assert (done["ImportStatus"], done["ProcessedItemCount"], done["ErrorCount"]) == ("FAILED", 5, 2)
            assert done["FailureCode"] == "ItemValidationError"
            assert await scanned(client, "live") == {
                "a": {"pk": {"S": "a"}, "v": {"S": "1\n2"}}, "b": {"pk": {"S": "b"}},
                "d": {"pk": {"S": "d"}, "v": {"S": "z"}}}

    run(main())


# Without S3, and with one that refuses: FAILED, with the reason; a failed import leaves no table.
@pytest.mark.parametrize(("others", "code"), [([], "S3Unavailable"), ([S3()], "S3NoSuchBucket")])
def test_failures(tmp_path: Path, others: list[ServiceActor], code: str) -> None:
    async def main() -> None:
        async with world(tmp_path, [DynamoDB(), *others]) as skies:
            client = skies.client()
            await fill(client, 3)
            started = (await client.call("dynamodb", "ExportTableToPointInTime", {
                "TableArn": ARN, "S3Bucket": "none"}))["ExportDescription"]
            done = await ended(client, "DescribeExport", ExportArn=started["ExportArn"])
            assert (done["ExportStatus"], done["FailureCode"]) == ("FAILED", code)
            assert done["FailureMessage"]
            import_ = (await client.call("dynamodb", "ImportTable", {
                "S3BucketSource": {"S3Bucket": "none"}, "InputFormat": "CSV",
                "TableCreationParameters": {"TableName": "again", **KEYED}}))["ImportTableDescription"]
            done = await ended(client, "DescribeImport", ImportArn=import_["ImportArn"])
            assert (done["ImportStatus"], done["FailureCode"]) == ("FAILED", code)
            assert (await client.call("dynamodb", "ListTables", {}))["TableNames"] == ["live"]

    run(main())


VALUES = st.recursive(
    st.text(max_size=5).map(lambda text: {"S": text}) | st.binary(max_size=5).map(lambda blob: {"B": blob})
    | st.just({"N": "1"}) | st.just({"NULL": True}) | st.just({"BS": [b"a", b"b"]}) | st.just({"SS": ["a"]}),
    lambda inner: st.lists(inner, max_size=3).map(lambda many: {"L": many})
    | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(lambda many: {"M": many}),
)


# What is written as a line reads back the same; whatever else a line holds is Unreadable, never another error.
@settings(max_examples=100, deadline=None, print_blob=True)
@given(item=st.dictionaries(st.text(max_size=4), VALUES, min_size=1, max_size=4), junk=st.binary(max_size=40))
def test_lines(item: dict[str, Any], junk: bytes) -> None:
    line = lines.write_json(item)
    assert line.count(b"\n") == 1
    assert lines.read_json(line) == item
    assert list(lines.read_jsons(line.strip() + line[:-1] + b" " + line)) == [item] * 3
    for broken in (junk, b'{"Item":' + junk, b'{"Item":{"a":{"B":' + junk + b"}}}"):
        try:
            lines.read_json(broken)
        except lines.Unreadable:
            continue
