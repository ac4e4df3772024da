"""Streams: what a change tells, where iterators stand, what is kept and for how long.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html and the API's reference; messages
of StreamSpecification as measured on AWS by the public ack-api-quirks notes (DDB-TABLE-050); edges from Scylla's
Alternator (test_streams.py), which runs its tests against AWS.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb.engine.values import INVALID
from actors.dynamodb.streams import RETENTION_S, TRIM_MAX_S, TRIM_MIN_S
from actors.dynamodbstreams.iterators import VALID_S
from tests.actors.dynamodb.caller import EPOCH_S, Caller, open_caller

BOTH = "NEW_AND_OLD_IMAGES"


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store") as caller:
        yield caller


def spec(view: str | None = BOTH, enabled: bool = True) -> dict[str, Any]:
    return {"StreamEnabled": enabled, **({"StreamViewType": view} if view else {})}


def create(dynamodb: Caller, view: str = BOTH, name: str = "table") -> str:
    """A table with a stream; the stream's ARN."""
    arn = dynamodb.create(name, StreamSpecification=spec(view))["TableDescription"]["LatestStreamArn"]
    assert isinstance(arn, str)
    return arn


def put(dynamodb: Caller, name: str, table: str = "table", **attributes: Any) -> None:
    dynamodb.call("PutItem", TableName=table, Item={"pk": {"S": name}, **attributes})


def shard(dynamodb: Caller, arn: str) -> dict[str, Any]:
    (only,) = dynamodb.call("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
    assert isinstance(only, dict)
    return only


def iterator(dynamodb: Caller, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> str:
    answer = dynamodb.call("GetShardIterator", StreamArn=arn, ShardId=shard(dynamodb, arn)["ShardId"],
                           ShardIteratorType=kind, **more)
    assert isinstance(answer["ShardIterator"], str)
    return answer["ShardIterator"]


def records(dynamodb: Caller, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[dict[str, Any]]:
    found = dynamodb.call("GetRecords", ShardIterator=iterator(dynamodb, arn, kind, **more))["Records"]
    assert isinstance(found, list)
    return found


def keys(found: list[dict[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in found]


# What of the images each view type keeps; each event's name.
@pytest.mark.parametrize(("view", "old", "new"), [
    ("KEYS_ONLY", False, False), ("NEW_IMAGE", False, True), ("OLD_IMAGE", True, False), (BOTH, True, True),
])
def test_views(dynamodb: Caller, view: str, old: bool, new: bool) -> None:
    arn = create(dynamodb, view)
    first, second = {"pk": {"S": "a"}, "x": {"N": "1"}}, {"pk": {"S": "a"}, "x": {"SS": ["b", "a"]}}
    for item in (first, first, second, {**second, "x": {"SS": ["a", "b"]}}):
        dynamodb.call("PutItem", TableName="table", Item=dict(item))
    dynamodb.call("UpdateItem", TableName="table", Key={"pk": {"S": "a"}})
    for _ in range(2):
        dynamodb.call("DeleteItem", TableName="table", Key={"pk": {"S": "a"}})
    images: list[tuple[str, Any, Any]] = [("INSERT", None, first), ("MODIFY", first, second),
                                          ("REMOVE", {**second, "x": {"SS": ["a", "b"]}}, None)]
    found = records(dynamodb, arn)
    assert [record["eventName"] for record in found] == [event for event, _, _ in images]
    for record, (_, before, after) in zip(found, images, strict=True):
        change = record["dynamodb"]
        assert change["Keys"] == {"pk": {"S": "a"}}
        assert change.get("NewImage") == (after if new else None)
        wanted = before if old else None
        assert (wanted is None) == ("OldImage" not in change)
        if wanted is not None and "SS" not in wanted["x"]:
            assert change["OldImage"] == wanted
        assert change["StreamViewType"] == view


def test_a_record(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    dynamodb.store.loop.advance(0.75)
    put(dynamodb, "a", x={"S": "yz"})
    (record,) = records(dynamodb, arn)
    assert len(record.pop("eventID")) == 32
    assert record == {
        "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime.fromtimestamp(int(EPOCH_S), UTC), "Keys": {"pk": {"S": "a"}},
            "NewImage": {"pk": {"S": "a"}, "x": {"S": "yz"}}, "SequenceNumber": "100000000000000000001",
            "SizeBytes": 3 + 6, "StreamViewType": BOTH,
        },
    }


# All ways to write leave their changes: batches, transactions, updates; in order for each item.
def test_every_write_is_told(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    dynamodb.call("BatchWriteItem", RequestItems={"table": [{"PutRequest": {"Item": {"pk": {"S": "a"}}}},
                                                            {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]})
    change = {"TableName": "table", "Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET x = :v",
              "ExpressionAttributeValues": {":v": {"N": "1"}}}
    dynamodb.call("TransactWriteItems", TransactItems=[{"Update": change}, {"Put": {"TableName": "table", "Item": {
        "pk": {"S": "c"}}}}])
    dynamodb.error("TransactWriteItems", TransactItems=[
        {"Put": {"TableName": "table", "Item": {"pk": {"S": "d"}}}},
        {"ConditionCheck": {"TableName": "table", "Key": {"pk": {"S": "e"}},
                            "ConditionExpression": "attribute_exists(pk)"}}])
    dynamodb.call("UpdateItem", **{**change, "ExpressionAttributeValues": {":v": {"N": "2"}}})
    found = records(dynamodb, arn)
    assert [(record["eventName"], key) for record, key in zip(found, keys(found), strict=True)] == [
        ("INSERT", "a"), ("MODIFY", "a"), ("INSERT", "c"), ("MODIFY", "a")]


def test_where_iterators_stand(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    start = shard(dynamodb, arn)["SequenceNumberRange"]["StartingSequenceNumber"]
    at_start = iterator(dynamodb, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=start)
    after_start = iterator(dynamodb, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=start)
    latest = iterator(dynamodb, arn, "LATEST")
    for name in "abcde":
        put(dynamodb, name)
        dynamodb.store.loop.advance(10.0)
    for place in (at_start, after_start, latest):
        assert keys(dynamodb.call("GetRecords", ShardIterator=place)["Records"]) == list("abcde")
    third = records(dynamodb, arn)[2]["dynamodb"]["SequenceNumber"]
    assert keys(records(dynamodb, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=third)) == list("cde")
    assert keys(records(dynamodb, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=third)) == list("de")
    assert keys(records(dynamodb, arn, "LATEST")) == []
    for seconds, expected in ((-5, "abcde"), (0, "abcde"), (5, "bcde"), (20, "cde"), (100, "")):
        moment = datetime.fromtimestamp(EPOCH_S + seconds, UTC)
        assert keys(records(dynamodb, arn, "AT_TIMESTAMP", Timestamp=moment)) == list(expected)


def test_pages(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    for n in range(7):
        put(dynamodb, str(n), x={"S": "x" * (400_000 if n < 4 else 1)})
    place = iterator(dynamodb, arn)
    found: list[list[str]] = []
    for limit in (1, 1000, 1000, 2, 1000):
        page = dynamodb.call("GetRecords", ShardIterator=place, Limit=limit)
        found.append(keys(page["Records"]))
        place = page["NextShardIterator"]
    assert found == [["0"], ["1", "2"], ["3", "4", "5", "6"], [], []]
    put(dynamodb, "new")
    assert keys(dynamodb.call("GetRecords", ShardIterator=place)["Records"]) == ["new"]


# --- errors


def test_iterators_expire_and_survive_restarts(tmp_path: Path) -> None:
    with open_caller(tmp_path / "store") as dynamodb:
        arn = create(dynamodb)
        put(dynamodb, "a")
        place = iterator(dynamodb, arn)
    with open_caller(tmp_path / "store", EPOCH_S + VALID_S) as dynamodb:
        assert keys(dynamodb.call("GetRecords", ShardIterator=place)["Records"]) == ["a"]
        put(dynamodb, "b")
        assert keys(dynamodb.call("GetRecords", ShardIterator=place)["Records"]) == ["a", "b"]
        dynamodb.store.loop.advance(1.0)
        assert dynamodb.error("GetRecords", ShardIterator=place).error_code == "ExpiredIteratorException"


def test_iterators_that_are_none(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    place = iterator(dynamodb, arn)
    for wrong in ("x", place[:-4], place.replace("table/table", "table/other"), arn + "|1|", "é" + place):
        error = dynamodb.error("GetRecords", ShardIterator=wrong)
        assert (error.error_code, error.message) == ("ValidationException", "Invalid ShardIterator")
    dynamodb.account = "111122223333"
    error = dynamodb.error("GetRecords", ShardIterator=place)
    assert (error.error_code, error.message) == (
        "ResourceNotFoundException", f"Requested resource not found: Stream: {arn} not found")


def test_requests_refused(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    place = shard(dynamodb, arn)["ShardId"]
    number = "1" + "0" * 20

    def refusal(kind: str, shard_id: str = place, stream: str = arn, **more: Any) -> str:
        return dynamodb.error("GetShardIterator", StreamArn=stream, ShardId=shard_id, ShardIteratorType=kind,
                              **more).error_code

    invalid = "ValidationException"
    assert refusal("AT_SEQUENCE_NUMBER") == refusal("AFTER_SEQUENCE_NUMBER") == refusal("AT_TIMESTAMP") == invalid
    assert refusal("TRIM_HORIZON", SequenceNumber=number) == refusal("LATEST", SequenceNumber=number) == invalid
    assert refusal("AT_SEQUENCE_NUMBER", SequenceNumber="x" * 30) == invalid
    assert refusal("AT_SEQUENCE_NUMBER", SequenceNumber="9" * 30) == invalid
    assert refusal("LATEST", stream="not-a-stream-but-long-enough-to-be-an-arn") == invalid
    assert refusal("bulle") == invalid
    assert refusal("LATEST", "shardId-00000000000000000000-00000000") == "ResourceNotFoundException"
    assert refusal("LATEST", stream=arn + "0") == "ResourceNotFoundException"
    assert dynamodb.error("DescribeStream", StreamArn=arn + "0").error_code == "ResourceNotFoundException"
    for operation, members, limit in (("ListStreams", {}, 101), ("DescribeStream", {"StreamArn": arn}, 101),
                                      ("GetRecords", {"ShardIterator": iterator(dynamodb, arn)}, 1001)):
        for wrong in (0, limit):
            assert dynamodb.error(operation, **members, Limit=wrong).error_code == invalid


@pytest.mark.parametrize(("message", "specification"), [
    ("Table is being created with a stream enabled, UpdateViewType is required", spec(None)),
    ("Table is being created with a stream disabled, UpdateViewType should not be specified", spec(enabled=False)),
])
def test_tables_not_made(dynamodb: Caller, message: str, specification: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=INVALID + message):
        dynamodb.create("table", StreamSpecification=specification)


def test_switching(dynamodb: Caller) -> None:
    def refusal(**members: Any) -> str:
        return dynamodb.error("UpdateTable", TableName="table", **members).message

    dynamodb.create("table", StreamSpecification=spec(None, enabled=False))
    assert refusal(StreamSpecification=spec(None, enabled=False)) == (
        "Table has no stream to disable: TableName: table")
    assert refusal(StreamSpecification=spec(None)) == (
        INVALID + "If stream is being enabled then UpdateViewType is required")
    assert refusal(StreamSpecification=spec(enabled=False)) == (
        INVALID + "If stream is being disabled, then UpdateViewType must not be specified")
    told = dynamodb.call("UpdateTable", TableName="table", StreamSpecification=spec("NEW_IMAGE"))["TableDescription"]
    assert told["StreamSpecification"] == spec("NEW_IMAGE")
    assert told["LatestStreamLabel"] == "2023-11-14T22:13:20.000"
    assert told["LatestStreamArn"] == told["TableArn"] + "/stream/" + told["LatestStreamLabel"]
    for view in ("NEW_IMAGE", BOTH):
        assert refusal(StreamSpecification=spec(view)) == "Table already has an enabled stream: TableName: table"
    put(dynamodb, "a")
    dynamodb.call("UpdateTable", TableName="table", StreamSpecification=spec(None, enabled=False))
    put(dynamodb, "b")
    described = dynamodb.call("DescribeTable", TableName="table")["Table"]
    assert "StreamSpecification" not in described
    assert described["LatestStreamArn"] == told["LatestStreamArn"]
    dynamodb.call("UpdateTable", TableName="table", StreamSpecification=spec(BOTH))
    again = dynamodb.call("DescribeTable", TableName="table")["Table"]["LatestStreamArn"]
    assert again != told["LatestStreamArn"]
    put(dynamodb, "c")
    assert (keys(records(dynamodb, told["LatestStreamArn"])), keys(records(dynamodb, again))) == (["a"], ["c"])
    assert len(dynamodb.call("ListStreams", TableName="table")["Streams"]) == 2


def test_listing(dynamodb: Caller) -> None:
    arns = [create(dynamodb, name=f"table-{n}") for n in range(5)]
    dynamodb.create("without")
    told = dynamodb.call("ListStreams")
    assert [each["StreamArn"] for each in told["Streams"]] == arns
    assert told["Streams"][0] == {"StreamArn": arns[0], "TableName": "table-0", "StreamLabel": arns[0][-23:]}
    assert "LastEvaluatedStreamArn" not in told
    page = dynamodb.call("ListStreams", Limit=2)
    assert page["LastEvaluatedStreamArn"] == arns[1]
    rest = dynamodb.call("ListStreams", ExclusiveStartStreamArn=arns[1], Limit=3)
    assert [each["StreamArn"] for each in rest["Streams"]] == arns[2:]
    assert "LastEvaluatedStreamArn" not in rest
    assert [each["StreamArn"] for each in dynamodb.call("ListStreams", TableName="table-3")["Streams"]] == [arns[3]]
    assert dynamodb.call("ListStreams", TableName="without") == {"Streams": []}
    dynamodb.region = "eu-west-1"
    assert dynamodb.call("ListStreams") == {"Streams": []}


def test_describing(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    told = dynamodb.call("DescribeStream", StreamArn=arn)["StreamDescription"]
    place = told.pop("Shards")[0]["ShardId"]
    assert told == {
        "StreamArn": arn, "StreamLabel": arn[-23:], "StreamStatus": "ENABLED", "StreamViewType": BOTH,
        "CreationRequestDateTime": datetime.fromtimestamp(EPOCH_S, UTC), "TableName": "table",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    assert 28 <= len(place) <= 65

    def shards(**more: Any) -> Any:
        return dynamodb.call("DescribeStream", StreamArn=arn, **more)["StreamDescription"]["Shards"]

    assert shards(ExclusiveStartShardId=place) == []
    assert shards(ExclusiveStartShardId="z" * 30) == []
    assert shards(ShardFilter={"Type": "CHILD_SHARDS", "ShardId": place}) == []
    assert len(shards(Limit=1)) == 1


# --- retention


# After a day changes go, their iterators with them; the stream goes on.
def test_changes_are_kept_for_a_day(dynamodb: Caller) -> None:
    arn = create(dynamodb)
    for n in range(600):
        put(dynamodb, str(n))
    dynamodb.store.loop.advance(1000.0)
    put(dynamodb, "later")
    first = records(dynamodb, arn)[0]["dynamodb"]["SequenceNumber"]
    dynamodb.store.loop.advance(RETENTION_S - 1100.0)
    old = iterator(dynamodb, arn)
    assert len(dynamodb.call("GetRecords", ShardIterator=old)["Records"]) == 601
    dynamodb.store.loop.advance(100.0 + 2 * TRIM_MIN_S)
    assert dynamodb.error("GetRecords", ShardIterator=old).error_code == "TrimmedDataAccessException"
    assert keys(records(dynamodb, arn)) == ["later"]
    place = shard(dynamodb, arn)["ShardId"]
    error = dynamodb.error("GetShardIterator", StreamArn=arn, ShardId=place, ShardIteratorType="AT_SEQUENCE_NUMBER",
                           SequenceNumber=first)
    assert error.error_code == "TrimmedDataAccessException"
    dynamodb.store.loop.advance(RETENTION_S)
    assert records(dynamodb, arn) == []
    put(dynamodb, "0", x={"N": "1"})
    assert keys(records(dynamodb, arn)) == ["0"]


# A stream that was disabled, or whose table is gone, is read to its end for a day; then nothing of it is left.
@pytest.mark.parametrize("deleted", [True, False])
def test_the_end_of_a_stream(tmp_path: Path, deleted: bool) -> None:
    with open_caller(tmp_path / "store") as dynamodb:
        arn = create(dynamodb)
        put(dynamodb, "a")
        dynamodb.store.loop.advance(RETENTION_S / 2)
        put(dynamodb, "b")
        if deleted:
            dynamodb.call("DeleteTable", TableName="table")
        else:
            dynamodb.call("UpdateTable", TableName="table", StreamSpecification=spec(None, enabled=False))
        told = dynamodb.call("DescribeStream", StreamArn=arn)["StreamDescription"]
        assert told["StreamStatus"] == "DISABLED"
        assert told["Shards"][0]["SequenceNumberRange"]["EndingSequenceNumber"] == "100000000000000000002"
        page = dynamodb.call("GetRecords", ShardIterator=iterator(dynamodb, arn), Limit=1)
        page = dynamodb.call("GetRecords", ShardIterator=page["NextShardIterator"])
        assert (keys(page["Records"]), "NextShardIterator" in page) == (["b"], False)
        now = dynamodb.store.loop.now
    with open_caller(tmp_path / "store", now) as dynamodb:
        assert keys(records(dynamodb, arn)) == ["a", "b"]
        dynamodb.store.loop.advance(RETENTION_S - 60.0)
        assert keys(records(dynamodb, arn)) == ["b"]
        dynamodb.store.loop.advance(TRIM_MAX_S + 120.0)
        assert dynamodb.error("DescribeStream", StreamArn=arn).error_code == "ResourceNotFoundException"
        assert dynamodb.call("ListStreams") == {"Streams": []}
        assert dynamodb.store.shard.stats()["jobs"] == 0
        if deleted:
            assert dynamodb.rows() == 1                          # the last space number
