"""What successful requests answer beside the items: old and new values, capacity, metrics, unprocessed rest.

Figures: measured on AWS by the public dynamodb-conformance suite (tier1/*/consumedCapacity, indexConsumedCapacity,
itemCollectionMetrics) and Scylla's Alternator suite (test_returnconsumedcapacity.py).
"""

import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.dynamodb.batches import ANSWER_LIMIT_BYTES
from actors.dynamodb.engine.values import measure
from schemas.errors import ValidationException
from tests.actors.dynamodb.caller import Caller, open_caller

KB = 1024


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with open_caller(tmp_path_factory.mktemp("store")) as caller:
        caller.create("plain")
        caller.create(
            "indexed", "pk", "sk", attributes={"gsiPk": "S", "lsiSk": "S"},
            GlobalSecondaryIndexes=[{
                "IndexName": "gsi", "KeySchema": [{"AttributeName": "gsiPk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["proj"]},
            }],
            LocalSecondaryIndexes=[{
                "IndexName": "lsi", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lsiSk", "KeyType": "RANGE"}],
            }],
        )
        yield caller


def sized(size: int) -> dict[str, Any]:
    """An item of `size` bytes."""
    return {"pk": {"S": "k"}, "fill": {"S": "x" * (size - 7)}}


def units(answer: dict[str, Any]) -> float:
    return float(answer["ConsumedCapacity"]["CapacityUnits"])


def test_units_of_single_items(dynamodb: Caller) -> None:
    def write(operation: str, **members: Any) -> float:
        return units(dynamodb.call(operation, TableName="plain", ReturnConsumedCapacity="TOTAL", **members))

    def read(consistent: bool) -> float:
        return units(dynamodb.call("GetItem", TableName="plain", Key=key, ConsistentRead=consistent,
                                   ProjectionExpression="pk", ReturnConsumedCapacity="TOTAL"))

    key = {"pk": {"S": "k"}}
    assert (read(True), read(False)) == (1, 0.5)
    assert write("PutItem", Item=sized(KB)) == 1
    assert write("PutItem", Item=sized(KB + 1)) == 2
    assert write("PutItem", Item=sized(10)) == 2                 # the larger of what was and what is
    assert write("PutItem", Item=sized(4 * KB)) == 4
    assert (read(True), read(False)) == (1, 0.5)
    assert write("PutItem", Item=sized(4 * KB + 1)) == 5
    assert (read(True), read(False)) == (2, 1)
    assert write("UpdateItem", Key=key, UpdateExpression="REMOVE fill") == 5
    assert write("DeleteItem", Key=key) == 1
    assert write("DeleteItem", Key=key) == 1


def indexed(dynamodb: Caller, operation: str, **members: Any) -> tuple[Any, ...]:
    """(total, table, gsi, lsi) of one write."""
    answer = dynamodb.call(operation, TableName="indexed", ReturnConsumedCapacity="INDEXES", **members)
    told = answer["ConsumedCapacity"]
    return (told["CapacityUnits"], told["Table"]["CapacityUnits"],
            told.get("GlobalSecondaryIndexes", {}).get("gsi", {}).get("CapacityUnits"),
            told.get("LocalSecondaryIndexes", {}).get("lsi", {}).get("CapacityUnits"))


def test_units_of_indexes(dynamodb: Caller) -> None:
    def text(**attributes: str) -> dict[str, Any]:
        return {name: {"S": value} for name, value in attributes.items()}

    def update(expression: str, **values: str) -> tuple[Any, ...]:
        given = {"ExpressionAttributeValues": {f":{name}": {"S": value} for name, value in values.items()}}
        dynamodb.call("PutItem", TableName="indexed", Item=full | text(old="1"))
        return indexed(dynamodb, "UpdateItem", Key=text(pk="ladder", sk="1"), UpdateExpression=expression,
                       **(given if values else {}))

    full = text(pk="ladder", sk="1", gsiPk="g", lsiSk="L1", proj="p")
    assert indexed(dynamodb, "PutItem", Item=text(pk="1", sk="1", gsiPk="g", proj="p")) == (2, 1, 1, None)
    assert indexed(dynamodb, "PutItem", Item=text(pk="2", sk="1", more="o")) == (1, 1, None, None)
    assert indexed(dynamodb, "PutItem", Item=full) == (3, 1, 1, 1)
    assert indexed(dynamodb, "PutItem", Item=full) == (1, 1, None, None)
    assert update("SET unseen = :v", v="x") == (2, 1, None, 1)
    assert update("SET proj = :v", v="p2") == (3, 1, 1, 1)
    assert update("SET gsiPk = :v", v="moved") == (4, 1, 2, 1)
    assert update("REMOVE gsiPk") == (3, 1, 1, 1)
    assert update("SET lsiSk = :v", v="L2") == (3, 1, None, 2)
    dynamodb.call("PutItem", TableName="indexed", Item=full)
    assert indexed(dynamodb, "DeleteItem", Key=text(pk="ladder", sk="1")) == (3, 1, 1, 1)


def test_return_values_of_updates(dynamodb: Caller) -> None:
    def update(returns: str) -> Any:
        dynamodb.call("PutItem", TableName="plain", Item={"pk": {"S": "r"}, "a": {"N": "1"}, "b": {"S": "same"}})
        return dynamodb.call("UpdateItem", TableName="plain", Key={"pk": {"S": "r"}}, ReturnValues=returns,
                             UpdateExpression="SET a = a + :one", ExpressionAttributeValues={":one": {"N": "1"}})

    old = {"pk": {"S": "r"}, "a": {"N": "1"}, "b": {"S": "same"}}
    assert update("NONE") == {}
    assert update("ALL_OLD") == {"Attributes": old}
    assert update("ALL_NEW") == {"Attributes": old | {"a": {"N": "2"}}}
    assert update("UPDATED_OLD") == {"Attributes": {"a": {"N": "1"}}}
    assert update("UPDATED_NEW") == {"Attributes": {"a": {"N": "2"}}}
    # an item that is not there is made, even by an update of nothing; removing from it makes none
    dynamodb.call("UpdateItem", TableName="plain", Key={"pk": {"S": "made"}})
    assert dynamodb.call("GetItem", TableName="plain", Key={"pk": {"S": "made"}}) == {"Item": {"pk": {"S": "made"}}}
    dynamodb.call("UpdateItem", TableName="plain", Key={"pk": {"S": "none"}}, UpdateExpression="REMOVE a")
    assert dynamodb.call("GetItem", TableName="plain", Key={"pk": {"S": "none"}}) == {}


# Old style and new style say the same.
def test_legacy_parameters(dynamodb: Caller) -> None:
    dynamodb.create("legacy", "pk", "sk", "SN")
    for n in range(6):
        dynamodb.call("PutItem", TableName="legacy", Item={
            "pk": {"S": "p"}, "sk": {"N": str(n)}, "odd": {"BOOL": n % 2 == 1}, "x": {"N": "1"}},
            Expected={"pk": {"Exists": False}})
    assert dynamodb.error("PutItem", TableName="legacy", Item={"pk": {"S": "p"}, "sk": {"N": "1"}},
                          Expected={"pk": {"Exists": False}}).error_code == "ConditionalCheckFailedException"
    dynamodb.call("UpdateItem", TableName="legacy", Key={"pk": {"S": "p"}, "sk": {"N": "1"}},
                  AttributeUpdates={"x": {"Action": "ADD", "Value": {"N": "4"}}})
    found = dynamodb.call(
        "Query", TableName="legacy", AttributesToGet=["sk", "x"],
        KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "p"}]},
                       "sk": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "3"}]}},
        QueryFilter={"x": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]}})
    assert (found["Items"], found["ScannedCount"]) == ([{"sk": {"N": "1"}, "x": {"N": "5"}}], 3)
    found = dynamodb.call("Scan", TableName="legacy", ScanFilter={
        "odd": {"ComparisonOperator": "EQ", "AttributeValueList": [{"BOOL": True}]}})
    assert (found["Count"], found["ScannedCount"]) == (3, 6)


def test_item_collection_metrics_only_with_a_local_index(dynamodb: Caller) -> None:
    item = {"pk": {"S": "c"}, "sk": {"S": "1"}}
    told = dynamodb.call("PutItem", TableName="indexed", Item=item, ReturnItemCollectionMetrics="SIZE")
    assert told["ItemCollectionMetrics"] == {"ItemCollectionKey": {"pk": {"S": "c"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    told = dynamodb.call("BatchWriteItem", ReturnItemCollectionMetrics="SIZE", ReturnConsumedCapacity="INDEXES",
                         RequestItems={"indexed": [{"DeleteRequest": {"Key": item}}],
                                       "plain": [{"PutRequest": {"Item": {"pk": {"S": "c"}}}}]})
    assert list(told["ItemCollectionMetrics"]) == ["indexed"]
    assert [(each["TableName"], each["CapacityUnits"]) for each in told["ConsumedCapacity"]] == [
        ("indexed", 1.0), ("plain", 1.0)]
    assert told["UnprocessedItems"] == {}


# An answer of more than 16 MB is cut; the rest comes when asked for again.
def test_a_batch_larger_than_an_answer(dynamodb: Caller) -> None:
    size = 400 * KB
    for n in range(50):
        dynamodb.call("PutItem", TableName="plain", Item={"pk": {"S": f"big-{n:02}"}, "x": {"S": "y" * (size - 9)}})
    wanted = {"plain": {"Keys": [{"pk": {"S": f"big-{n:02}"}} for n in range(50)], "ConsistentRead": True}}
    sizes = []
    for _ in range(2):
        answer = dynamodb.call("BatchGetItem", RequestItems=wanted, ReturnConsumedCapacity="TOTAL")
        sizes.append(len(answer["Responses"]["plain"]))
        assert answer["ConsumedCapacity"] == [{"TableName": "plain", "CapacityUnits": sizes[-1] * 100.0}]
        wanted = answer["UnprocessedKeys"]
    assert sizes == [ANSWER_LIMIT_BYTES // size, 50 - ANSWER_LIMIT_BYTES // size]
    assert wanted == {}


# A local index gives what it does not keep as well, by looking it up; a global one gives what it keeps.
def test_select_on_indexes(dynamodb: Caller) -> None:
    dynamodb.create(
        "selected", "pk", "sk", attributes={"l": "S"},
        LocalSecondaryIndexes=[{"IndexName": "by-l", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}]}])
    keys = {"pk": {"S": "p"}, "sk": {"S": "s"}, "l": {"S": "l"}}
    dynamodb.call("PutItem", TableName="selected", Item=keys | {"more": {"S": "m"}})

    def query(**members: Any) -> Any:
        answer = dynamodb.call("Query", TableName="selected", IndexName="by-l", KeyConditionExpression="pk = :p",
                               ExpressionAttributeValues={":p": {"S": "p"}}, ReturnConsumedCapacity="TOTAL", **members)
        return answer["Items"][0], answer["ConsumedCapacity"]["CapacityUnits"]

    assert query() == (keys, 0.5)
    assert query(Select="ALL_PROJECTED_ATTRIBUTES") == (keys, 0.5)
    assert query(Select="ALL_ATTRIBUTES") == (keys | {"more": {"S": "m"}}, 1.0)
    assert query(ProjectionExpression="more") == ({"more": {"S": "m"}}, 1.0)


# An update measures only what it touches; the sum must be what measuring the whole item gives. TableSizeBytes is exact
# (README.md), so it shows the size an item was recorded with.
@given(st.lists(st.sampled_from([
    "SET a = :v", "SET b = :n, c = :v", "SET n = if_not_exists(n, :n) + :n", "SET m = :m", "SET m.x = :v", "SET l = :l",
    "SET l[0] = :v, l[7] = :n", "SET l = list_append(l, :l)", "ADD n :n", "ADD s :s", "DELETE s :s", "REMOVE a, b, m.x",
    "REMOVE l[0]", "REMOVE m", "SET a = b", "SET a = m",
]), max_size=12), st.text(max_size=20), st.decimals(-1000, 1000, places=2).map(str))
def test_sizes_after_updates(updates: list[str], text: str, figure: str) -> None:
    values: dict[str, Any] = {
        ":v": {"S": text}, ":n": {"N": figure}, ":s": {"SS": list({text, "ü"})}, ":l": {"L": [{"N": figure}]},
        ":m": {"M": {"x": {"S": text}, "y": {"NULL": True}}},
    }
    with TemporaryDirectory() as directory, open_caller(Path(directory)) as dynamodb:
        dynamodb.create("sizes")
        for update in updates:
            used = {name: value for name, value in values.items() if name in update}
            request = {"ExpressionAttributeValues": used} if used else {}
            with contextlib.suppress(ValidationException):           # a path or operand that is not there
                dynamodb.call("UpdateItem", TableName="sizes", Key={"pk": {"S": "k"}}, UpdateExpression=update,
                              **copy.deepcopy(request))
        item = dynamodb.call("GetItem", TableName="sizes", Key={"pk": {"S": "k"}}).get("Item", {})
        described = dynamodb.call("DescribeTable", TableName="sizes")["Table"]
        assert described["TableSizeBytes"] == measure(item)
