"""Exports to and imports from S3, against a stand-in S3 on the bus that keeps objects in memory; and without one.

Layout and formats: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html and
S3DataImport.Format.html.
"""

import asyncio
import gzip
import json
import random
import tempfile
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any, ClassVar

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb.engine.interchange import lines
from actors.dynamodb.service import DynamoDB
from actors.runtime.actor import ServiceActor, operation
from actors.runtime.context import Context
from bus.client import Client
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.world import EPOCH_S, world

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
        return {"ETag": _etag(request["Body"])}

    @operation("GetObject")
    def get_object(self, context: Context, _: Any, request: Any) -> Any:
        self._open(context, request)
        content = self.objects[request["Key"]]
        if request["IfMatch"] != _etag(content):
            raise AwsError("At least one of the pre-conditions you specified did not hold", code="PreconditionFailed")
        first, last = map(int, request["Range"].removeprefix("bytes=").split("-"))
        return {"Body": content[first:last + 1]}

    @operation("ListObjectsV2")
    def list_objects(self, context: Context, _: Any, request: Any) -> Any:
        self._open(context, request)
        keys = [key for key in sorted(self.objects)
                if key.startswith(request["Prefix"]) and key > request.get("StartAfter", "")]
        return {"Contents": [{"Key": key, "Size": len(self.objects[key]), "ETag": _etag(self.objects[key])}
                             for key in keys[:request["MaxKeys"]]]}


def _etag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


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
    monkeypatch.setattr("actors.dynamodb.export_files.FILE_LIMIT_BYTES", 4000)
    monkeypatch.setattr("actors.dynamodb.export_files.CHUNK_ROWS", 16)

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


WINDOW_S = 3                              # instead of AWS's 15 minutes, of which each second is an event of its own
KEYS = st.sampled_from([f"k{n}" for n in range(6)])
WRITES = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 9)), max_size=8)


async def write(client: Client, twin: dict[str, Any], writes: list[tuple[str, int | None]]) -> set[str]:
    """The keys of items that a write touched."""
    touched = set()
    for key, value in writes:
        if value is not None:
            twin[key] = {"pk": {"S": key}, "v": {"N": str(value)}}
            await client.call("dynamodb", "PutItem", {"TableName": "live", "Item": twin[key]})
        else:
            await client.call("dynamodb", "DeleteItem", {"TableName": "live", "Key": {"pk": {"S": key}}})
            if twin.pop(key, None) is None:
                continue
        touched.add(key)
    return touched


# An incremental export tells of each item that was written within the window what it was at its beginning and became at
# its end, whatever was written before, afterwards, and while the export is at work in steps of two rows; of what came
# and went, nothing. Files and manifests as AWS's (S3DataExport.Output, "Incremental export output").
@settings(max_examples=20, deadline=None, print_blob=True)
@given(before=WRITES, within=WRITES, later=WRITES, meanwhile=WRITES, both=st.booleans())
def test_incremental(before: Any, within: Any, later: Any, meanwhile: Any, both: bool) -> None:
    view = "NEW_AND_OLD_IMAGES" if both else "NEW_IMAGE"

    async def main(directory: Path) -> None:
        s3 = S3()
        async with world(directory, [DynamoDB(), s3]) as skies:
            client, twin = skies.client(), dict[str, Any]()
            await fill(client, 0)
            await write(client, twin, before)
            await asyncio.sleep(1)
            begin, was = round(skies.clock(), 6), dict(twin)
            await asyncio.sleep(1)
            touched = await write(client, twin, within)
            await asyncio.sleep(WINDOW_S)
            end, became = round(skies.clock(), 6), dict(twin)
            await asyncio.sleep(1)
            await write(client, twin, later)
            started = (await client.call("dynamodb", "ExportTableToPointInTime", {
                "TableArn": ARN, "S3Bucket": "bucket", "S3Prefix": "here", "ExportType": "INCREMENTAL_EXPORT",
                "IncrementalExportSpecification": {
                    "ExportFromTime": datetime.fromtimestamp(begin, UTC), "ExportViewType": view,
                    "ExportToTime": datetime.fromtimestamp(end, UTC)}}))["ExportDescription"]
            await write(client, twin, meanwhile)
            done = await ended(client, "DescribeExport", ExportArn=started["ExportArn"])
            assert done["ExportStatus"] == "COMPLETED", done
            spec = done["IncrementalExportSpecification"]
            assert (spec["ExportFromTime"].timestamp(), spec["ExportViewType"]) == (begin, view)
            changes = read_changes(s3, done, view)
            assert {key for key in touched if was.get(key) or became.get(key)} == set(changes)
            for key, change in changes.items():
                assert change.get("NewImage") == became.get(key)
                assert change.get("OldImage") == (was.get(key) if both else None)
                assert begin <= int(change["Metadata"]["WriteTimestampMicros"]["N"]) / 10**6 < end

    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr("actors.dynamodb.increments.STEP_ROWS", 2)
        patch.setattr("actors.dynamodb.exports.WINDOW_MIN_S", WINDOW_S)
        run(main(Path(directory)))


def read_changes(s3: S3, done: dict[str, Any], view: str) -> dict[str, Any]:
    summary = json.loads(s3.objects[done["ExportManifest"]])
    assert (summary["exportType"], summary["outputView"], summary["version"]) == (
        "INCREMENTAL_EXPORT", view, "2023-08-01")
    changes: dict[str, Any] = {}
    for line in s3.objects[summary["manifestFilesS3Key"]].splitlines():
        entry = json.loads(line)
        assert entry["dataFileS3Key"].startswith("here/AWSDynamoDB/data/")
        read = [json.loads(each) for each in gzip.decompress(s3.objects[entry["dataFileS3Key"]]).splitlines()]
        assert len(read) == entry["itemCount"]
        changes |= {each["Keys"]["pk"]["S"]: each for each in read}
    assert (len(changes), done["BilledSizeBytes"]) == (done["ItemCount"], 10_000_000)
    return changes


FROM_HERE = {"ExportFromTime": datetime.fromtimestamp(EPOCH_S, UTC)}
SPEC = "IncrementalExportSpecification"


# What is no export, in AWS's words (ack-api-quirks DDB-EXPORT-001 to 005, 008) and order.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"TableArn": "live"}, "ValidationException",
     "One or more parameter values were invalid: tableArn is not a valid ARN"),
    ({"TableArn": ARN + "/index/x"}, "ValidationException", "Invalid Request: Table ARN is invalid."),
    ({"TableArn": ARN + "x"}, "TableNotFoundException", f"Table not found: {ARN}x"),
    ({SPEC: FROM_HERE}, "ValidationException", "Invalid Request: Export Type expected to be Incremental Export when "
     "incremental export specification is provided"),
    ({SPEC: FROM_HERE, "ExportType": "FULL_EXPORT"}, "ValidationException", "Invalid Request: When Export Type is Full "
     "Export , Incremental Export Specification should not be provided"),
    ({"ExportType": "INCREMENTAL_EXPORT"}, "ValidationException", "Invalid Request: Incremental Export Specification "
     "expected when export type is set as Incremental Export"),
    ({"ExportType": "INCREMENTAL_EXPORT", SPEC: {"ExportViewType": "NEW_IMAGE"}}, "ValidationException",
     "Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification"),
    ({"ExportType": "INCREMENTAL_EXPORT", SPEC: FROM_HERE}, "InvalidExportTimeException",
     "Difference between export period from time and export period to time is less than 15 minutes"),
    ({"ExportType": "INCREMENTAL_EXPORT", SPEC: {"ExportFromTime": datetime.fromtimestamp(EPOCH_S - 60, UTC)}},
     "InvalidExportTimeException", "Incremental export period from time cannot be less than the table creation time : "
     "2023-11-14T22:12:20Z"),
    ({"ExportType": "INCREMENTAL_EXPORT",
      SPEC: {**FROM_HERE, "ExportToTime": datetime.fromtimestamp(EPOCH_S + 3600, UTC)}},
     "InvalidExportTimeException", "Incremental export period to time cannot be greater than the current time : "
     "2023-11-14T23:13:20Z"),
    ({"ExportTime": datetime.fromtimestamp(EPOCH_S + 3600, UTC)}, "InvalidExportTimeException",
     "Export Time is invalid"),
    ({"S3SseKmsKeyId": "alias/x"}, "ValidationException",
     "Invalid Request: KMS Key Id is not supported for this encryption type"),
    ({"FilterSpecification": {}}, "ValidationException",
     "Invalid Request: Invalid FilterSpecification: The specification can not be empty"),
]


def test_refused_exports(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [DynamoDB()]) as skies:
            client = skies.client()
            await fill(client, 0)
            for members, code, message in REFUSED:
                with pytest.raises(AwsError) as caught:
                    await client.call("dynamodb", "ExportTableToPointInTime", {
                        "TableArn": ARN, "S3Bucket": "bucket", **members})
                assert (caught.value.error_code, caught.value.message) == (code, message)
            for arn, message in (
                (ARN, "Invalid Export ARN"), (ARN + "/import/0", "Invalid Export ARN"),
                (ARN + "/export/0", f"Export not found: Export not found: {ARN}/export/0"),
            ):
                with pytest.raises(AwsError) as caught:
                    await client.call("dynamodb", "DescribeExport", {"ExportArn": arn})
                assert caught.value.message == message
            assert (await client.call("dynamodb", "ListExports", {}))["ExportSummaries"] == []

    run(main())


# A full export of what a FilterSpecification leaves.
def test_filtered(tmp_path: Path) -> None:
    async def main() -> None:
        s3 = S3()
        async with world(tmp_path, [DynamoDB(), s3]) as skies:
            client = skies.client()
            await fill(client, 12)
            started = (await client.call("dynamodb", "ExportTableToPointInTime", {
                "TableArn": ARN, "S3Bucket": "bucket", "FilterSpecification": {
                    "FilterExpression": "begins_with(pk, :k)", "ProjectionExpression": "pk, #m.x[1]",
                    "ExpressionAttributeNames": {"#m": "m"}, "ExpressionAttributeValues": {":k": {"S": "k1"}}},
            }))["ExportDescription"]
            done = await ended(client, "DescribeExport", ExportArn=started["ExportArn"])
            assert done["FilterSpecification"]["FilterExpression"] == "begins_with(pk, :k)"
            [data] = [content for key, content in s3.objects.items() if key.endswith(".json.gz")]
            found = [lines.read_json(line) for line in gzip.decompress(data).splitlines()]
            assert sorted(found, key=lambda item: item["pk"]["S"]) == [
                {"pk": {"S": key}, "m": {"M": {"x": {"L": [{"NULL": True}]}}}} for key in ("k1", "k10", "k11")]

    run(main())


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


# A file of several packed parts that comes in ranges smaller than its parts; one that is cut short is refused, and so
# is one that was changed between two ranges.
@pytest.mark.parametrize(("packing", "pack"), [
    ("NONE", bytes), ("GZIP", gzip.compress), ("ZSTD", zstandard.ZstdCompressor().compress)])
def test_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str, pack: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr("actors.dynamodb.imports.RANGE_BYTES", 50)
    whole = [lines.write_json({"pk": {"S": f"k{n}"}, "x": {"S": random.randbytes(9).hex()}}) for n in range(20)]
    content = b"".join(pack(b"".join(part)) for part in (whole[:12], whole[12:]))

    class Changing(S3):
        @operation("GetObject")
        def get_object(self, context: Context, _: Any, request: Any) -> Any:
            if request["Key"] == "changed/x" and request["Range"].startswith("bytes=50-"):
                self.objects["changed/x"] = b"other"
            return super().get_object(context, _, request)

    async def main() -> None:
        s3 = Changing()
        s3.objects = {"whole/x": content, "whole/y": b"", "cut/x": content[:-20], "changed/x": content}
        async with world(tmp_path, [DynamoDB(), s3]) as skies:
            client, found = skies.client(), {}
            for name in ("whole", "cut", "changed"):
                started = (await client.call("dynamodb", "ImportTable", {
                    "S3BucketSource": {"S3Bucket": "bucket", "S3KeyPrefix": f"{name}/"},
                    "InputFormat": "DYNAMODB_JSON", "InputCompressionType": packing,
                    "TableCreationParameters": {"TableName": name, **KEYED}}))["ImportTableDescription"]
                done = await ended(client, "DescribeImport", ImportArn=started["ImportArn"])
                found[name] = done["ImportStatus"], done.get("FailureCode"), done["ProcessedItemCount"]
            assert found["whole"] == ("COMPLETED", None, 20)
            assert (await client.call("dynamodb", "Scan", {"TableName": "whole", "Select": "COUNT"}))["Count"] == 20
            assert found["cut"][:2] == ("FAILED", "ItemValidationError" if packing == "NONE" else "InvalidInput")
            assert found["changed"][:2] == ("FAILED", "S3PreconditionFailed")

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
