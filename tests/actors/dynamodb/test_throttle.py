"""Throttling where it is asked for: a burst of 300 seconds of units, then the rate; each index has its own.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from actors.dynamodb import throttle
from actors.dynamodb.service import DynamoDB
from actors.runtime.surroundings import Settings, Surroundings
from schemas.errors import AwsError
from tests.actors.dynamodb.test_backups import BY_G, Clocked, open_clocked

UNITS: dict[str, Any] = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}
KEYED: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "g")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Clocked]:
    with open_clocked(tmp_path / "store") as caller:
        caller.actor.attach(Surroundings(cast("Any", None), None, Path(), Settings(throttle_provisioned=True)))
        yield caller


def put(dynamodb: Clocked, **more: Any) -> dict[str, Any]:
    item = {"pk": {"S": "a"}, "g": {"S": "x"}, "v": {"S": "v" * 1000}}
    return dynamodb.call("PutItem", TableName="live", Item=item, **more)


def until_refused(dynamodb: Clocked, operation: str, **request: Any) -> tuple[int, str, str]:
    for count in range(2000):
        try:
            dynamodb.call(operation, TableName="live", **request)
        except Exception as error:
            return count, getattr(error, "error_code", ""), getattr(error, "message", "")
    raise AssertionError("never refused")


def test_a_burst_and_then_the_rate(dynamodb: Clocked) -> None:
    dynamodb.call("CreateTable", TableName="live", ProvisionedThroughput=UNITS, **{**KEYED,
        "GlobalSecondaryIndexes": [{**BY_G, "ProvisionedThroughput": {**UNITS, "WriteCapacityUnits": 1000}}]})
    item = {"pk": {"S": "a"}}
    exceeded = "ProvisionedThroughputExceededException"
    assert until_refused(dynamodb, "PutItem", Item=item) == (600, exceeded, throttle.TABLE_EXCEEDED)
    key = {"Key": {"pk": {"S": "a"}}}
    assert until_refused(dynamodb, "GetItem", **key, ConsistentRead=True)[0] == 300
    scan = {"IndexName": "by-g"}
    assert until_refused(dynamodb, "Scan", **scan) == (600, exceeded, throttle.INDEX_EXCEEDED)
    dynamodb.store.loop.advance(2)
    assert until_refused(dynamodb, "DeleteItem", **key)[0] == 4
    dynamodb.store.loop.advance(10_000)
    assert until_refused(dynamodb, "GetItem", **key, ConsistentRead=True)[0] == 300


def test_an_index_holds_its_table_back(dynamodb: Clocked) -> None:
    plenty = {**UNITS, "WriteCapacityUnits": 1000}
    dynamodb.call("CreateTable", TableName="live", ProvisionedThroughput=plenty, **{**KEYED,
        "GlobalSecondaryIndexes": [{**BY_G, "ProvisionedThroughput": {**UNITS, "WriteCapacityUnits": 1}}]})
    def item(number: int) -> dict[str, Any]:
        return {"pk": {"S": "a"}, "g": {"S": "x"}, "n": {"N": str(number)}}

    for number in range(300):
        dynamodb.call("PutItem", TableName="live", Item=item(number))
    assert dynamodb.error("PutItem", TableName="live", Item=item(300)).message == throttle.INDEX_EXCEEDED


def test_on_demand_maximum(dynamodb: Clocked) -> None:
    dynamodb.create("live", OnDemandThroughput={"MaxWriteRequestUnits": 1})
    count, code, message = until_refused(dynamodb, "PutItem", Item={"pk": {"S": "a"}})
    assert (count, code, message) == (300, "ThrottlingException", throttle.ON_DEMAND_EXCEEDED)
    dynamodb.call("GetItem", TableName="live", Key={"pk": {"S": "a"}})


# Statements draw from the same buckets, those of an index's reads included.
def test_statements(dynamodb: Clocked) -> None:
    dynamodb.call("CreateTable", TableName="live", ProvisionedThroughput=UNITS, **{**KEYED,
        "GlobalSecondaryIndexes": [{**BY_G, "ProvisionedThroughput": {**UNITS, "WriteCapacityUnits": 1000}}]})
    exceeded = "ProvisionedThroughputExceededException"

    def until(operation: str, **request: Any) -> tuple[int, str]:
        for count in range(2000):
            try:
                dynamodb.call(operation, **request)
            except AwsError as error:
                return count, error.error_code
        raise AssertionError("never refused")

    put = {"Statement": "UPDATE live SET v = 1 WHERE pk = 'a'"}
    dynamodb.call("ExecuteStatement", Statement="INSERT INTO live VALUE {'pk': 'a', 'g': 'x'}")
    assert until("ExecuteTransaction", TransactStatements=[put]) == (300, exceeded), "each costs two of 599"
    assert dynamodb.error("BatchExecuteStatement", Statements=[put]).message == throttle.TABLE_EXCEEDED
    read = "SELECT * FROM live WHERE pk = 'a'"
    told = dynamodb.call("ExecuteStatement", Statement=read, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    assert told["ConsumedCapacity"] == {"TableName": "live", "CapacityUnits": 1.0}
    assert until("ExecuteStatement", Statement=read, ConsistentRead=True) == (299, exceeded)
    assert until("ExecuteStatement", Statement='SELECT * FROM "live"."by-g"') == (600, exceeded)


# A batch gives back what must wait, and is refused only when everything must.
def test_batches_give_back(dynamodb: Clocked) -> None:
    dynamodb.create("plenty")
    dynamodb.create("live", OnDemandThroughput={"MaxWriteRequestUnits": 1, "MaxReadRequestUnits": 1})
    puts = [{"PutRequest": {"Item": {"pk": {"S": "b"}}}}]
    until_refused(dynamodb, "PutItem", Item={"pk": {"S": "a"}})
    until_refused(dynamodb, "GetItem", Key={"pk": {"S": "a"}})
    for told in ({}, {"ReturnConsumedCapacity": "TOTAL"}):
        answer = dynamodb.call("BatchWriteItem", RequestItems={"live": puts, "plenty": puts}, **told)
        assert answer.pop("UnprocessedItems") == {"live": puts}
        assert [each["TableName"] for each in answer.get("ConsumedCapacity", ())] == ["plenty"] * len(told)
    keys = {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}], "ConsistentRead": True}
    answer = dynamodb.call("BatchGetItem", RequestItems={"live": keys, "plenty": keys})
    assert answer == {"Responses": {"plenty": [{"pk": {"S": "b"}}]}, "UnprocessedKeys": {"live": keys}}
    assert dynamodb.error("BatchGetItem", RequestItems={"live": keys}).error_code == "ThrottlingException"
    assert dynamodb.error("BatchWriteItem", RequestItems={"live": puts}).message == throttle.ON_DEMAND_EXCEEDED
    put_both = [{"Put": {"TableName": name, "Item": {"pk": {"S": "c"}}}} for name in ("plenty", "live")]
    assert dynamodb.error("TransactWriteItems", TransactItems=put_both).error_code == "ThrottlingException"


# What the caller is told is what it asked for, whatever was asked to be charged.
def test_what_is_told(dynamodb: Clocked) -> None:
    dynamodb.create("live", attributes={"g": "S"}, GlobalSecondaryIndexes=[BY_G])
    assert put(dynamodb) == {}
    dynamodb.call("DeleteItem", TableName="live", Key={"pk": {"S": "a"}})
    assert put(dynamodb, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"] == {
        "TableName": "live", "CapacityUnits": 2.0}
    dynamodb.call("DeleteItem", TableName="live", Key={"pk": {"S": "a"}})
    assert put(dynamodb, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]["Table"] == {"CapacityUnits": 1.0}


# Off, which is the default: nothing is woven.
def test_off_by_default() -> None:
    actor = DynamoDB()
    actor.attach(Surroundings(cast("Any", None), None, Path()))
    assert actor.operations is DynamoDB.operations
