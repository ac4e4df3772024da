"""DynamoDB and its streams as two services of one process, on a simulated bus under a virtual clock."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb.service import DynamoDB
from actors.dynamodbstreams.service import DynamoDBStreams
from actors.runtime.actor import ServiceActor, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from bus.client import Client
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.world import world

TABLE = {
    "TableName": "table", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


async def read(client: Client, place: str) -> tuple[list[str], str]:
    page = await client.call("dynamodbstreams", "GetRecords", {"ShardIterator": place})
    return [each["dynamodb"]["Keys"]["pk"]["S"] for each in page["Records"]], page["NextShardIterator"]


# What was acknowledged can be read at once, and on from the same iterator when the process has died and come back;
# time to live and the iterator's fifteen minutes pass on the virtual clock.
def test_a_reader_outlives_the_process(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [DynamoDB(), DynamoDBStreams()]) as skies:
            client = skies.client()

            async def call(operation: str, **params: Any) -> Any:
                return await client.call("dynamodb", operation, params)

            arn = (await call("CreateTable", **TABLE))["TableDescription"]["LatestStreamArn"]
            await call("UpdateTimeToLive", TableName="table",
                       TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
            described = await client.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})
            (shard,) = described["StreamDescription"]["Shards"]
            place = (await client.call("dynamodbstreams", "GetShardIterator", {
                "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}))["ShardIterator"]
            await call("PutItem", TableName="table", Item={"pk": {"S": "a"}, "ttl": {"N": "1700000100"}})
            assert (await read(client, place))[0] == ["a"]
            await skies.restart()
            names, place = await read(client, place)
            assert names == ["a"]
            await asyncio.sleep(102.0)
            assert (await read(client, place))[0] == ["a"]
            assert "Item" not in await call("GetItem", TableName="table", Key={"pk": {"S": "a"}})
            await asyncio.sleep(900.0)
            with pytest.raises(AwsError, match="ExpiredIteratorException"):
                await read(client, place)

    run(main())


# Whoever shares another's state has no shard of its own, and is nothing without the other.
def test_state_of_another_is_shared(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        class Owner(ServiceActor):
            service, state_of, stateful = "dynamodbstreams", "dynamodb", True

    class Reader(ServiceActor):
        service, state_of = "dynamodbstreams", "dynamodb"

        @query("ListStreams")
        def read(self, context: Context, snapshot: Snapshot, request: dict[str, Any]) -> dict[str, Any]:
            return {}

    async def alone() -> None:
        async with world(tmp_path, [Reader()]):
            raise AssertionError("opened")

    with pytest.raises(AssertionError, match="state needs a shard"):
        run(alone())
