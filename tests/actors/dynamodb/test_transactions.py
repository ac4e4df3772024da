"""TransactWriteItems and TransactGetItems: messages, reasons, order of checks, tokens, capacity.

Measured on AWS by the public dynamodb-conformance suite (tier2/transactions, tier3/error-messages/transact*,
tier3/validation-ordering/transactions, tier3/limits); where another source stands behind a case, it says so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb import tokens
from actors.dynamodb.engine.values import INVALID, TOO_LARGE
from actors.dynamodb.items import TOO_LARGE_UPDATE
from actors.dynamodb.transactions import EMPTY, SEVERAL, TWICE
from actors.dynamodb.transactions import TOO_LARGE as TRANSACTION_TOO_LARGE
from tests.actors.dynamodb.caller import Caller, open_caller

NOT_VALID = "One or more parameter values are not valid. "
EMPTY_KEY = NOT_VALID + "The AttributeValue for a key attribute cannot contain an empty {} value. Key: pk"
NO_MATCH = "The provided key element does not match the schema"
CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]"
NOT_FOUND = ("ResourceNotFoundException", "Requested resource not found")
FAILED = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store") as caller:
        caller.create("single")
        caller.create("blob", types="B")
        caller.create(
            "pair", "pk", "sk", attributes={"l": "S", "g": "B"},
            LocalSecondaryIndexes=[{
                "IndexName": "local", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            }],
            GlobalSecondaryIndexes=[{
                "IndexName": "global", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            }],
        )
        yield caller


def put(pk: str, table: str = "single", condition: str = "", **attributes: Any) -> dict[str, Any]:
    conditions = {"ConditionExpression": condition} if condition else {}
    return {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, **attributes}, **conditions}}


def update(key: Any, expression: str = "SET a = :v", value: Any = None, table: str = "single") -> dict[str, Any]:
    key = key if isinstance(key, dict) and "pk" in key else {"pk": key}
    return {"Update": {"TableName": table, "Key": key, "UpdateExpression": expression,
                       "ExpressionAttributeValues": {":v": value or {"S": "x"}}}}


def delete(key: Any, table: str = "single") -> dict[str, Any]:
    return {"Delete": {"TableName": table, "Key": {"pk": key}}}


def check(key: Any, condition: str = "attribute_not_exists(pk)", table: str = "single", **more: Any) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": table, "Key": {"pk": key}, "ConditionExpression": condition, **more}}


def get(pk: Any, table: str = "single", **more: Any) -> dict[str, Any]:
    return {"Get": {"TableName": table, "Key": {"pk": pk}, **more}}


def deep(levels: int) -> dict[str, Any]:
    return {"M": {"n": deep(levels - 1)}} if levels else {"S": "leaf"}


ABSENT = put("a", "absent-table")
UNUSED = check({"S": "a"}, ExpressionAttributeValues={":v": {"S": "x"}})
MALFORMED = check({"S": "a"}, "attribute_not_exists(")
UNUSED_MESSAGE = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
SYNTAX = 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "("'
DEEP = put("deep", data=deep(32))
DEEP_MESSAGE = ("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond "
                "supported limit")


# What the whole request is refused for, in the order of the checks.
@pytest.mark.parametrize(("message", "actions"), [
    (EMPTY, [{}]),
    (SEVERAL, [{**put("a"), **delete({"S": "b"})}]),
    (TWICE, [put("a"), delete({"S": "a"})]),
    (TWICE, [put("a"), check({"S": "a"})]),
    (TOO_LARGE, [put("a", p={"S": "x" * 409_600})]),
    ("Transaction payload size cannot exceed 4MB. Payload Size: 4200050",
     [put(str(n), p={"S": "x" * 350_000}) for n in range(12)]),
    ("Transaction payload size cannot exceed 4MB. Payload Size: 4200062",
     [update({"S": str(n)}, "SET p = :v", {"S": "x" * 350_000}) for n in range(12)]),
    (SYNTAX, [ABSENT, MALFORMED]),
    (SYNTAX, [MALFORMED, DEEP]),
    (DEEP_MESSAGE, [DEEP, MALFORMED]),
    (UNUSED_MESSAGE, [ABSENT, UNUSED]),
    (UNUSED_MESSAGE, [UNUSED, ABSENT]),
    (UNUSED_MESSAGE, [put("a"), UNUSED]),
    (EMPTY_KEY.format("string"), [put("")]),
    (EMPTY_KEY.format("string"), [update({"S": ""})]),
    (EMPTY_KEY.format("string"), [delete({"S": ""})]),
    (EMPTY_KEY.format("string"), [check({"S": ""})]),
    (EMPTY_KEY.format("binary"), [{"Put": {"TableName": "blob", "Item": {"pk": {"B": b""}}}}]),
    (EMPTY_KEY.format("binary"), [update({"B": b""}, table="blob")]),
    (NOT_VALID + "A value specified for a secondary index key is not supported. The AttributeValue for a key attribute "
     "cannot contain an empty string value. IndexName: local, IndexKey: l",
     [put("a", "pair", sk={"S": "s"}, l={"S": ""})]),
    (NOT_VALID + "The update expression attempted to update a secondary index key to a value that is not supported. "
     "The AttributeValue for a key attribute cannot contain an empty string value.",
     [update({"pk": {"S": "a"}, "sk": {"S": "s"}}, "SET l = :v", {"S": ""}, "pair")]),
])
def test_refused_whole(dynamodb: Caller, message: str, actions: list[dict[str, Any]]) -> None:
    error = dynamodb.error("TransactWriteItems", TransactItems=actions)
    assert (error.error_code, error.message) == ("ValidationException", message)
    assert dynamodb.call("Scan", TableName="single")["Count"] == 0


# Members first, all of them in one message: token, capacity, metrics, whatever else is wrong.
def test_members_come_first(dynamodb: Caller) -> None:
    fails = "failed to satisfy constraint: Member must"
    token = f"Value '{'x' * 37}' at 'clientRequestToken' {fails} have length less than or equal to 36"
    capacity = f"Value 'BOGUS' at 'returnConsumedCapacity' {fails} satisfy enum value set: [INDEXES, TOTAL, NONE]"
    metrics = f"Value 'BOGUS2' at 'returnItemCollectionMetrics' {fails} satisfy enum value set: [SIZE, NONE]"
    error = dynamodb.error("TransactWriteItems", TransactItems=[ABSENT], ReturnConsumedCapacity="BOGUS",
                           ReturnItemCollectionMetrics="BOGUS2", ClientRequestToken="x" * 37)
    assert error.message == f"3 validation errors detected: {token}; {capacity}; {metrics}"
    error = dynamodb.error("TransactGetItems", TransactItems=[get({"S": "a"})] * 2, ReturnConsumedCapacity="BOGUS")
    assert error.message == f"1 validation error detected: {capacity}"
    for operation in ("TransactWriteItems", "TransactGetItems"):
        assert dynamodb.error(operation, TransactItems=[]).message == (
            "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1")


def test_a_table_that_is_not_there(dynamodb: Caller) -> None:
    error = dynamodb.error("TransactWriteItems", TransactItems=[put("a"), ABSENT])
    assert (error.error_code, error.message) == NOT_FOUND
    error = dynamodb.error("TransactGetItems", TransactItems=[get({"S": "a"}, "absent-table")])
    assert (error.error_code, error.message) == NOT_FOUND


# What one action is at fault for cancels: the reason carries the words the single operation would have.
@pytest.mark.parametrize(("message", "action"), [
    (INVALID + "Type mismatch for key pk expected: S actual: N", {"Put": {"TableName": "single",
                                                                          "Item": {"pk": {"N": "5"}}}}),
    (INVALID + "Type mismatch for key pk expected: S actual: L", {"Put": {"TableName": "single",
                                                                          "Item": {"pk": {"L": [{"S": "x"}]}}}}),
    (INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local",
     put("a", "pair", sk={"S": "s"}, l={"N": "5"})),
    (INVALID + "Type mismatch for Index Key l Expected: S Actual: N IndexName: local",
     update({"pk": {"S": "a"}, "sk": {"S": "s"}}, "SET l = :v", {"N": "5"}, "pair")),
    (NO_MATCH, update({"N": "5"})),
    (NO_MATCH, delete({"N": "5"})),
    (NO_MATCH, check({"L": [{"S": "x"}]})),
    (TOO_LARGE_UPDATE, update({"S": "big"}, "SET p = :v", {"S": "x" * 409_600})),
    (INVALID + "Cannot update attribute pk. This attribute is part of the key",
     update({"S": "a"}, "SET pk = :v")),                                # by analogy: it is the schema that says so
    ("An operand in the update expression has an incorrect data type", update({"S": "there"}, "ADD n :v", {"N": "1"})),
])
def test_cancelled(dynamodb: Caller, message: str, action: dict[str, Any]) -> None:
    dynamodb.call("PutItem", TableName="single", Item={"pk": {"S": "there"}, "n": {"S": "text"}})
    error = dynamodb.error("TransactWriteItems", TransactItems=[put("other"), action])
    assert error.error_code == "TransactionCanceledException"
    assert error.message == CANCELLED.format("None, ValidationError")
    assert error.fields == {"CancellationReasons": [{"Code": "None"}, {"Code": "ValidationError", "Message": message}]}
    assert "Item" not in dynamodb.call("GetItem", TableName="single", Key={"pk": {"S": "other"}})


# What the schema refuses comes first, and only the first of it is told: no condition is asked (test_transact.py of
# Scylla's Alternator suite).
def test_schemas_come_before_conditions(dynamodb: Caller) -> None:
    fails = {"Put": {**put("a")["Put"], "ConditionExpression": "attribute_exists(pk)"}}
    wrong = {"Put": {"TableName": "single", "Item": {"pk": {"N": "5"}}}}
    for actions, told in (
        ([fails, wrong], "None, ValidationError"), ([wrong, wrong, fails], "ValidationError, None, None"),
        ([put("b"), delete({"N": "5"}), wrong], "None, ValidationError, None"),
    ):
        error = dynamodb.error("TransactWriteItems", TransactItems=actions)
        assert (error.error_code, error.message) == ("TransactionCanceledException", CANCELLED.format(told))


# It is what is sent that has a limit, not what goes with it (test_transact.py, too).
def test_more_than_four_megabytes_may_be_deleted(dynamodb: Caller) -> None:
    names = [str(n) for n in range(12)]
    for name in names:
        dynamodb.call("PutItem", TableName="single", Item=put(name, p={"S": "x" * 400_000})["Put"]["Item"])
    dynamodb.call("TransactWriteItems", TransactItems=[delete({"S": name}) for name in names])
    assert dynamodb.call("Scan", TableName="single")["Count"] == 0


# A failed condition tells what stood there only to who asked, and only if something did.
def test_failed_conditions(dynamodb: Caller) -> None:
    there = {"pk": {"S": "there"}, "n": {"N": "1"}}
    dynamodb.call("PutItem", TableName="single", Item=there)
    tells = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    error = dynamodb.error("TransactWriteItems", TransactItems=[
        put("new", condition="attribute_not_exists(pk)"), check({"S": "there"}), check({"S": "none"}, "n = m", **tells),
        {"Put": {**put("there2")["Put"], "ConditionExpression": "attribute_exists(pk)", **tells}},
    ])
    assert error.message == CANCELLED.format("None, " + ", ".join(["ConditionalCheckFailed"] * 3))
    assert error.fields["CancellationReasons"] == [{"Code": "None"}, FAILED, FAILED, FAILED]
    action = put("there", condition="attribute_not_exists(pk)")
    action["Put"] |= tells
    error = dynamodb.error("TransactWriteItems", TransactItems=[action])
    assert error.fields["CancellationReasons"] == [{**FAILED, "Item": there}]


def test_updates_that_leave_nothing_behind(dynamodb: Caller) -> None:
    """A REMOVE of an item that is not there makes none, as UpdateItem's; a condition that fails makes none either."""
    removing = update({"S": "ghost"}, "REMOVE a")
    del removing["Update"]["ExpressionAttributeValues"]
    dynamodb.call("TransactWriteItems", TransactItems=[removing, update({"S": "made"})])
    failing = update({"S": "ghost"})
    failing["Update"]["ConditionExpression"] = "attribute_exists(pk)"
    assert dynamodb.error("TransactWriteItems", TransactItems=[failing]).message == CANCELLED.format(
        "ConditionalCheckFailed")
    assert dynamodb.call("Scan", TableName="single")["Items"] == [{"pk": {"S": "made"}, "a": {"S": "x"}}]


def test_a_hundred_actions_over_tables_and_sizes(dynamodb: Caller) -> None:
    actions = [put(str(n), "pair", sk={"S": "s"}) if n % 2 else put(str(n)) for n in range(100)]
    dynamodb.call("TransactWriteItems", TransactItems=actions)
    assert dynamodb.call("Scan", TableName="pair", Select="COUNT")["Count"] == 50
    dynamodb.call("TransactWriteItems", TransactItems=[put(str(n), p={"S": "x" * 350_000}) for n in range(10)])
    message = dynamodb.error("TransactWriteItems", TransactItems=[put(str(n)) for n in range(101)]).message
    assert message.endswith("Member must have length less than or equal to 100")
    size = 409_600 - len("pk" "at" "p")
    dynamodb.call("TransactWriteItems", TransactItems=[put("at", p={"S": "x" * size})])
    dynamodb.call("TransactWriteItems", TransactItems=[update({"S": "at"}, "SET p = :v", {"S": "y" * size})])


# --- tokens: API_TransactWriteItems, ClientRequestToken


def test_a_token_makes_a_retry_a_read(dynamodb: Caller) -> None:
    dynamodb.call("PutItem", TableName="single", Item={"pk": {"S": "a"}, "n": {"N": "0"}})
    request = {"TransactItems": [update({"S": "a"}, "SET n = n + :v", {"N": "1"})], "ClientRequestToken": "token",
               "ReturnConsumedCapacity": "INDEXES"}
    units = {"TableName": "single", "CapacityUnits": 2.0}
    assert dynamodb.call("TransactWriteItems", **request) == {"ConsumedCapacity": [
        {**units, "WriteCapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}}]}
    for _ in range(2):
        assert dynamodb.call("TransactWriteItems", **request) == {"ConsumedCapacity": [
            {**units, "ReadCapacityUnits": 2.0, "Table": {"CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}}]}
    assert dynamodb.call("GetItem", TableName="single", Key={"pk": {"S": "a"}})["Item"]["n"] == {"N": "1"}
    dynamodb.region = "eu-west-1"                               # a token is of one account and region
    assert dynamodb.error("TransactWriteItems", **request).error_code == "ResourceNotFoundException"


def test_a_token_is_of_one_request(dynamodb: Caller) -> None:
    dynamodb.call("TransactWriteItems", TransactItems=[put("a", x={"B": b"1"}, y={"N": "1.0"})],
                  ClientRequestToken="token")
    error = dynamodb.error("TransactWriteItems", TransactItems=[put("a", x={"B": b"2"})], ClientRequestToken="token")
    assert error.error_code == "IdempotentParameterMismatchException"
    same = {"Put": {"Item": {"y": {"N": "1.0"}, "x": {"B": b"1"}, "pk": {"S": "a"}}, "TableName": "single"}}
    dynamodb.call("TransactWriteItems", TransactItems=[same], ClientRequestToken="token")


# A cancelled transaction does not use its token up: nothing of it happened.
def test_a_cancelled_transaction_may_be_tried_again(dynamodb: Caller) -> None:
    request = {"TransactItems": [put("a", condition="attribute_not_exists(pk)")], "ClientRequestToken": "token"}
    dynamodb.call("PutItem", TableName="single", Item={"pk": {"S": "a"}})
    assert dynamodb.error("TransactWriteItems", **request).error_code == "TransactionCanceledException"
    dynamodb.call("DeleteItem", TableName="single", Key={"pk": {"S": "a"}})
    dynamodb.call("TransactWriteItems", **request)
    assert dynamodb.call("Scan", TableName="single")["Count"] == 1


# Ten minutes, across a restart; then forgotten, in the store too, and the job with them.
def test_tokens_are_forgotten(tmp_path: Path) -> None:
    def insert(n: int) -> dict[str, Any]:
        return {"TransactItems": [update({"S": "a"}, "ADD n :v", {"N": "1"})], "ClientRequestToken": f"token-{n}"}

    def count(caller: Caller) -> str:
        return str(caller.call("GetItem", TableName="single", Key={"pk": {"S": "a"}})["Item"]["n"]["N"])

    with open_caller(tmp_path / "store") as caller:
        caller.create("single")
        for n in range(300):
            caller.call("TransactWriteItems", **insert(n))
        now = caller.store.loop.now + tokens.VALID_S - 1
    with open_caller(tmp_path / "store", now) as caller:
        caller.call("TransactWriteItems", **insert(7))
        assert count(caller) == "300"
        caller.store.loop.advance(1.0)
        assert caller.store.read(tokens.known) == 0
        assert caller.store.shard.stats()["jobs"] == 0
        caller.call("TransactWriteItems", **insert(7))
        assert count(caller) == "301"
        assert caller.store.read(tokens.known) == 1


# --- what is told


def test_capacity_and_collections(dynamodb: Caller) -> None:
    answer = dynamodb.call(
        "TransactWriteItems", ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE",
        TransactItems=[put("a"), put("b", "pair", sk={"S": "s"}, l={"S": "l"}), check({"S": "c"})],
    )

    def units(each: float) -> dict[str, float]:
        return {"CapacityUnits": each, "WriteCapacityUnits": each}

    assert answer == {
        "ConsumedCapacity": [
            {"TableName": "single", **units(4.0), "Table": units(4.0)},
            {"TableName": "pair", **units(4.0), "Table": units(2.0), "LocalSecondaryIndexes": {"local": units(2.0)}},
        ],
        "ItemCollectionMetrics": {"pair": [
            {"ItemCollectionKey": {"pk": {"S": "b"}}, "SizeEstimateRangeGB": [0.0, 1.0]}]},
    }


# --- reading


def test_reading(dynamodb: Caller) -> None:
    dynamodb.call("PutItem", TableName="single", Item={"pk": {"S": "a"}, "x": {"S": "1"}, "y": {"S": "2"}})
    dynamodb.call("PutItem", TableName="pair", Item={"pk": {"S": "b"}, "sk": {"S": "s"}})
    pair = {"Get": {"TableName": "pair", "Key": {"pk": {"S": "b"}, "sk": {"S": "s"}}}}
    answer = dynamodb.call("TransactGetItems", ReturnConsumedCapacity="TOTAL", TransactItems=[
        get({"S": "a"}, ProjectionExpression="#x", ExpressionAttributeNames={"#x": "x"}), pair, get({"S": "none"})])
    assert answer["Responses"] == [{"Item": {"x": {"S": "1"}}}, {"Item": {"pk": {"S": "b"}, "sk": {"S": "s"}}}, {}]
    assert answer["ConsumedCapacity"] == [
        {"TableName": "single", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0},
        {"TableName": "pair", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0},
    ]


@pytest.mark.parametrize(("message", "gets"), [
    (TWICE, [get({"S": "a"}), get({"S": "a"})]),
    ('Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"',
     [get({"S": "a"}, "absent-table"), get({"S": "a"}, ProjectionExpression="!!!")]),
    (EMPTY_KEY.format("string"), [get({"S": ""})]),
])
def test_reads_refused(dynamodb: Caller, message: str, gets: list[dict[str, Any]]) -> None:
    error = dynamodb.error("TransactGetItems", TransactItems=gets)
    assert (error.error_code, error.message) == ("ValidationException", message)


def test_reads_cancelled(dynamodb: Caller) -> None:
    empty = {"Get": {"TableName": "single", "Key": {}}}
    error = dynamodb.error("TransactGetItems", TransactItems=[get({"S": "a"}), empty, get({"N": "1"})])
    assert error.message == CANCELLED.format("None, ValidationError, ValidationError")
    wrong = {"Code": "ValidationError", "Message": NO_MATCH}
    assert error.fields["CancellationReasons"] == [{"Code": "None"}, wrong, wrong]


def test_reads_of_more_than_four_megabytes(dynamodb: Caller) -> None:
    dynamodb.call("TransactWriteItems", TransactItems=[put(str(n), p={"S": "x" * 400_000}) for n in range(10)])
    dynamodb.call("PutItem", TableName="single", Item=put("10", p={"S": "x" * 400_000})["Put"]["Item"])
    dynamodb.call("TransactGetItems", TransactItems=[get({"S": str(n)}) for n in range(10)])
    error = dynamodb.error("TransactGetItems", TransactItems=[get({"S": str(n)}) for n in range(11)])
    assert error.message == TRANSACTION_TOO_LARGE
