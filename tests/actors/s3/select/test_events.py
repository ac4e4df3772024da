"""The events that a query is told in: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.s3 import selecting
from actors.s3.selecting import Queries
from schemas.errors import AwsError
from tests.actors.s3.caller import Caller, open_caller

# A worker that is silent until CONT_S have passed, and then tells everything it can.
SILENT = """
import sys, time
from actors.runtime.bounded.worker import write_frame
time.sleep(0.3)
for frame in ({"records": b"1"}, {"progress": [9, 9, 1]}, {"records": b"2"}, {"stats": [9, 9, 2]}):
    write_frame(sys.stdout.buffer, frame)
"""
BROKEN = "import sys; sys.stdin.buffer.read()"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket="bucket")
        caller.call("PutObject", Bucket="bucket", Key="rows", Body=b"a\nb\n")
        yield caller


def events(s3: Caller, **more: Any) -> list[dict[str, Any]]:
    """Of a query for everything."""
    request = {"Bucket": "bucket", "Key": "rows", "Expression": "SELECT * FROM S3Object", "ExpressionType": "SQL",
               "InputSerialization": {"CSV": {}}, "OutputSerialization": {"CSV": {}}, **more}
    asked = s3.store.read(lambda view: selecting.asked(s3.context("SelectObjectContent"), view, request, s3.actor.ours,
                                                       s3.actor.blobs))

    async def gather() -> list[dict[str, Any]]:
        return [event async for event in Queries().run(asked, s3.actor.blobs)]

    return asyncio.run(gather())


def details(*counts: int) -> dict[str, Any]:
    return {"Details": dict(zip(("BytesScanned", "BytesProcessed", "BytesReturned"), counts, strict=True))}


def test_records_stats_end(s3: Caller) -> None:
    told = [{"Records": {"Payload": b"a\nb\n"}}, {"Stats": details(4, 4, 4)}, {"End": {}}]
    assert events(s3) == told
    assert events(s3, RequestProgress={"Enabled": True}) == [told[0], {"Progress": details(4, 4, 4)}, *told[1:]]
    nothing = "SELECT * FROM S3Object s WHERE s._1 = 'x'"
    assert events(s3, Expression=nothing) == [{"Stats": details(4, 4, 0)}, {"End": {}}]


def test_continuation(s3: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "CONT_S", 0.01)
    monkeypatch.setattr(selecting, "_COMMAND", ("-c", SILENT))
    told = events(s3)
    waited = told.index({"Records": {"Payload": b"1"}})
    assert waited > 0
    assert told == [{"Cont": {}}] * waited + [
        {"Records": {"Payload": b"1"}}, {"Progress": details(9, 9, 1)}, {"Records": {"Payload": b"2"}},
        {"Stats": details(9, 9, 2)}, {"End": {}}]


# What ends without a word was ended by its bounds.
def test_a_worker_that_is_gone(s3: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "_COMMAND", ("-c", BROKEN))
    with pytest.raises(AwsError) as caught:
        events(s3)
    assert caught.value.error_code == "ExternalEvalException"
