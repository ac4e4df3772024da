"""Transactions, streams and time to live with an unmodified boto3; every expectation is AWS's documented behaviour."""

import time
import uuid
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests import servers
from tests.waiting import until


def session() -> Any:
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def table(skybus: servers.Server) -> Any:
    made = session().resource("dynamodb", endpoint_url=skybus.endpoint).create_table(
        TableName=f"Orders-{uuid.uuid4().hex[:8]}", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    made.wait_until_exists()
    return made


@pytest.fixture
def streams(skybus: servers.Server) -> Any:
    return session().client("dynamodbstreams", endpoint_url=skybus.endpoint)


def read(streams: Any, arn: str) -> list[dict[str, Any]]:
    """All there is in a stream, as a consumer reads it: shard by shard, page by page."""
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while records := (page := streams.get_records(ShardIterator=place, Limit=2))["Records"]:
            found += records
            place = page["NextShardIterator"]
    return found


def test_a_transaction_is_all_or_nothing(table: Any) -> None:
    client = table.meta.client
    client.transact_write_items(TransactItems=[
        {"Put": {"TableName": table.name, "Item": {"id": "a", "n": 1}}},
        {"Put": {"TableName": table.name, "Item": {"id": "b", "n": 1}}},
    ])
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(TransactItems=[
            {"Update": {"TableName": table.name, "Key": {"id": "a"}, "UpdateExpression": "SET n = n - :one",
                        "ExpressionAttributeValues": {":one": 1}}},
            {"ConditionCheck": {"TableName": table.name, "Key": {"id": "b"}, "ConditionExpression": "n > :one",
                                "ExpressionAttributeValues": {":one": 1},
                                "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}},
        ])
    assert caught.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]")
    none, failed = caught.value.response["CancellationReasons"]
    assert none == {"Code": "None"}
    assert (failed["Code"], failed["Item"]["id"]) == ("ConditionalCheckFailed", {"S": "b"})
    got = client.transact_get_items(TransactItems=[
        {"Get": {"TableName": table.name, "Key": {"id": name}}} for name in ("a", "b", "c")])["Responses"]
    assert got == [{"Item": {"id": "a", "n": Decimal(1)}}, {"Item": {"id": "b", "n": Decimal(1)}}, {}]


def test_a_token_is_used_once(table: Any) -> None:
    client = table.meta.client
    request = {"ClientRequestToken": str(uuid.uuid4()), "TransactItems": [
        {"Update": {"TableName": table.name, "Key": {"id": "a"}, "UpdateExpression": "ADD n :one",
                    "ExpressionAttributeValues": {":one": 1}}}]}
    for _ in range(3):
        client.transact_write_items(**request)
    assert table.get_item(Key={"id": "a"})["Item"]["n"] == 1
    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.transact_write_items(ClientRequestToken=request["ClientRequestToken"], TransactItems=[
            {"Delete": {"TableName": table.name, "Key": {"id": "a"}}}])


def test_a_stream_tells_every_change(table: Any, streams: Any) -> None:
    table.put_item(Item={"id": "a", "data": b"\0\xff", "n": Decimal("1.5")})
    table.put_item(Item={"id": "a", "data": b"\0\xff", "n": Decimal("1.50")})
    table.update_item(Key={"id": "a"}, UpdateExpression="REMOVE n")
    table.delete_item(Key={"id": "a"})
    arn = table.latest_stream_arn
    assert [each["StreamArn"] for each in streams.list_streams(TableName=table.name)["Streams"]] == [arn]
    found = read(streams, arn)
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert found[1]["dynamodb"]["OldImage"] == {"id": {"S": "a"}, "data": {"B": b"\0\xff"}, "n": {"N": "1.5"}}
    assert found[1]["dynamodb"]["NewImage"] == {"id": {"S": "a"}, "data": {"B": b"\0\xff"}}
    with pytest.raises(ClientError) as caught:
        streams.get_records(ShardIterator="none of ours")
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": "Invalid ShardIterator"}
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_stream(StreamArn=arn + "0")


def test_items_expire(table: Any, streams: Any) -> None:
    client = table.meta.client
    table.put_item(Item={"id": "before", "expires": int(time.time()) - 60})
    client.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
    assert client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    table.put_item(Item={"id": "soon", "expires": int(time.time()) + 1})
    table.put_item(Item={"id": "later", "expires": int(time.time()) + 3600})
    until(lambda: {item["id"] for item in table.scan()["Items"]} == {"later"})
    gone = [record for record in read(streams, table.latest_stream_arn) if record["eventName"] == "REMOVE"]
    assert {record["dynamodb"]["Keys"]["id"]["S"] for record in gone} == {"before", "soon"}
    for record in gone:
        assert record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
