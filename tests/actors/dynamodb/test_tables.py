"""Tables: their life, their descriptions, what CreateTable and UpdateTable refuse, the jobs behind them.

Wording: dynalite's validations (createTable, updateTable) and the public dynamodb-conformance suite, which run on AWS.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb import table_changes, update_checks
from actors.dynamodb.engine.values import INVALID
from actors.dynamodb.state import HASH_TOO_LONG, SORT_TOO_LONG
from actors.runtime.actor import JOB_STEP_ROWS
from schemas.errors import AwsError
from tests.actors.dynamodb.caller import Caller, open_caller


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store") as caller:
        yield caller


def schema(*keys: str) -> list[dict[str, str]]:
    """["a HASH", …] -> KeySchema"""
    return [dict(zip(("AttributeName", "KeyType"), key.split(), strict=True)) for key in keys]


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def index(name: str, *keys: str, **projection: Any) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": projection or {"ProjectionType": "ALL"}}


UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
GOOD = {"TableName": "table", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": attributes("a", "b", "c"),
        "KeySchema": schema("a HASH", "b RANGE")}
NO_RANGE = "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: "
         "Member must have length greater than or equal to 3", {"TableName": "ab"}),
        ("1 validation error detected: Value null at 'attributeDefinitions' failed to satisfy constraint: "
         "Member must not be null", {"AttributeDefinitions": None}),
        ("1 validation error detected: Value '[KeySchemaElement(attributeName=a, keyType=HASH), "
         "KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' at "
         "'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2",
         {"KeySchema": schema("a HASH", "b RANGE", "c RANGE")}),
        (INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
         "PAY_PER_REQUEST", {"ProvisionedThroughput": UNITS}),
        (INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
         {"BillingMode": None}),
        ("Given value 1000000000001 for ReadCapacityUnits is out of bounds",
         {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {**UNITS, "ReadCapacityUnits": 10**12 + 1}}),
        ("Invalid KeySchema: Some index key attribute have no definition", {"KeySchema": schema("a HASH", "d RANGE")}),
        ("Invalid KeySchema: Some index key attribute have no definition",
         {"KeySchema": schema("a HASH", "a RANGE"), "AttributeDefinitions": attributes("a")}),
        (INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [d], "
         "AttributeDefinitions: [a, b, c]", {"KeySchema": schema("d HASH")}),
        ("Both the Hash Key and the Range Key element in the KeySchema have the same name",
         {"KeySchema": schema("a HASH", "a RANGE")}),
        ("Invalid KeySchema: The first KeySchemaElement is not a HASH key type", {"KeySchema": schema("a RANGE")}),
        ("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
         {"KeySchema": schema("a HASH", "b HASH")}),
        (INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
         "AttributeDefinitions", {}),
        (INVALID + "List of LocalSecondaryIndexes is empty", {"LocalSecondaryIndexes": []}),
        (INVALID + "List of GlobalSecondaryIndexes is empty", {"GlobalSecondaryIndexes": []}),
        (INVALID + NO_RANGE,
         {"KeySchema": schema("a HASH"), "LocalSecondaryIndexes": [index("one", "a HASH", "b RANGE")]}),
        (INVALID + "Index KeySchema does not have a range key for index: one",
         {"LocalSecondaryIndexes": [index("one", "a HASH")]}),
        (INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: one. "
         "index hash key: c, table hash key: a", {"LocalSecondaryIndexes": [index("one", "c HASH", "b RANGE")]}),
        (INVALID + "Duplicate index name: one",
         {"GlobalSecondaryIndexes": [index("one", "c HASH"), index("one", "b HASH")]}),
        (INVALID + "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
         {"GlobalSecondaryIndexes": [index("one", "c HASH", ProjectionType="KEYS_ONLY", NonKeyAttributes=["x"])]}),
        (INVALID + "Unknown ProjectionType: null",
         {"GlobalSecondaryIndexes": [index("one", "c HASH", NonKeyAttributes=["x"])]}),
        (INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
         {"LocalSecondaryIndexes": [index(f"index-{n}", "a HASH", "c RANGE") for n in range(6)]}),
        (INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
         {"GlobalSecondaryIndexes": [index(f"index-{n}", "c HASH") for n in range(21)]}),
    ],
)
def test_refused_tables(dynamodb: Caller, message: str, changes: dict[str, Any]) -> None:
    request = {member: value for member, value in (GOOD | changes).items() if value is not None}
    error = dynamodb.error("CreateTable", **request)
    assert (error.error_code, error.message) == ("ValidationException", message)
    assert dynamodb.call("ListTables") == {"TableNames": []}


@pytest.mark.parametrize(("operation", "member", "value"), [
    ("UpdateTable", "ReplicaUpdates", [{"Create": {"RegionName": "eu-west-1"}}]),
])
def test_what_is_not_there_yet_says_so(dynamodb: Caller, operation: str, member: str, value: Any) -> None:
    error = dynamodb.error(operation, TableName="table", **{member: value})
    if operation == "CreateTable":
        definitions = {**GOOD, "AttributeDefinitions": attributes("a", "b")}
        error = dynamodb.error(operation, **definitions, **{member: value})
    assert (error.error_code, error.status) == ("NotImplemented", 501)
    assert error.message == f"Skybus does not implement {member} of dynamodb:{operation}."


# CREATING is what CreateTable answers, ACTIVE what any later look finds; DELETING, then nothing.
def test_the_life_of_a_table(dynamodb: Caller) -> None:
    created = dynamodb.create("life", DeletionProtectionEnabled=True)["TableDescription"]
    assert created["TableStatus"] == "CREATING"
    table = dynamodb.call("DescribeTable", TableName="life")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert table["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/life"
    assert dynamodb.call("DescribeTable", TableName=table["TableArn"])["Table"] == table
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    error = dynamodb.error("CreateTable", TableName="life", BillingMode="PAY_PER_REQUEST", KeySchema=schema("x HASH"),
                           AttributeDefinitions=attributes("x"))
    assert (error.error_code, error.message) == ("ResourceInUseException", "Table already exists: life")
    assert "protected against deletion" in dynamodb.error("DeleteTable", TableName="life").message
    dynamodb.call("UpdateTable", TableName="life", DeletionProtectionEnabled=False)
    assert dynamodb.call("DeleteTable", TableName="life")["TableDescription"]["TableStatus"] == "DELETING"
    assert dynamodb.error("DescribeTable", TableName="life").error_code == "ResourceNotFoundException"


# Accounts and regions see their own tables only, and ListTables pages in order of name.
def test_tables_belong_to_an_account_and_a_region(dynamodb: Caller) -> None:
    scopes = (("000000000000", "us-east-1"), ("000000000000", "us-east-2"), ("000000000001", "us-east-1"))
    for account, region in scopes:
        dynamodb.account, dynamodb.region = account, region
        for name in ("tab.c", "tab", "tab-b", "TAB"):
            dynamodb.create(name)
        dynamodb.call("PutItem", TableName="tab", Item={"pk": {"S": account + region}})
    for account, region in scopes:
        dynamodb.account, dynamodb.region = account, region
        assert dynamodb.call("Scan", TableName="tab")["Items"] == [{"pk": {"S": account + region}}]
        found: list[str] = []
        request: dict[str, Any] = {"Limit": 1}
        for _ in range(4):
            page = dynamodb.call("ListTables", **request)
            found += page["TableNames"]
            request["ExclusiveStartTableName"] = page.get("LastEvaluatedTableName")
        assert found == ["TAB", "tab", "tab-b", "tab.c"]
        assert request["ExclusiveStartTableName"] is None
    dynamodb.account = "000000000002"
    assert dynamodb.call("ListTables") == {"TableNames": []}


def test_throughput_and_billing(dynamodb: Caller) -> None:
    dynamodb.call("CreateTable", TableName="units", KeySchema=schema("a HASH"), AttributeDefinitions=attributes("a"),
                  ProvisionedThroughput=UNITS)
    assert "BillingModeSummary" not in dynamodb.call("DescribeTable", TableName="units")["Table"]
    error = dynamodb.error("UpdateTable", TableName="units", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    assert error.message.startswith("The provisioned throughput for the table will not change. The requested value "
                                    "equals the current value. Current ReadCapacityUnits provisioned for the table: 5.")
    dynamodb.call("UpdateTable", TableName="units", ProvisionedThroughput={**UNITS, "ReadCapacityUnits": 20})
    table = dynamodb.call("DescribeTable", TableName="units")["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 20
    assert dynamodb.error("UpdateTable", TableName="units").message.startswith("At least one of ProvisionedThroughput")
    for _ in range(2):
        dynamodb.call("UpdateTable", TableName="units", BillingMode="PAY_PER_REQUEST")
    table = dynamodb.call("DescribeTable", TableName="units")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    dynamodb.call("UpdateTable", TableName="units", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    summary = dynamodb.call("DescribeTable", TableName="units")["Table"]["BillingModeSummary"]
    assert summary == {**table["BillingModeSummary"], "BillingMode": "PROVISIONED"}


def creating(name: str, key: str = "x", kind: str = "S", **more: Any) -> dict[str, Any]:
    return {"AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind}],
            "GlobalSecondaryIndexUpdates": [{"Create": index(name, f"{key} HASH"), **more}]}


ONE_AT_A_TIME = ("LimitExceededException", table_changes.ONE_INDEX)


# Sources: Alternator's test_gsi_updatetable, whose texts are AWS's where it quotes them; ack-api-quirks DDB-TABLE-442.
@pytest.mark.parametrize(
    ("refusal", "changes"),
    [
        (update_checks.NOTHING, {"GlobalSecondaryIndexUpdates": []}),
        (INVALID + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
         "GlobalSecondaryIndexUpdate.Delete must not be null", {"GlobalSecondaryIndexUpdates": [{}]}),
        (INVALID + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
         creating("new", Delete={"IndexName": "new"})),
        (INVALID + "Only one global secondary index update per index is allowed simultaneously. Index: abc",
         {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "abc"}}] * 2}),
        ("Attempting to create an index which already exists", creating("by-x")),
        (INVALID + "AttributeDefinitions is not specified for index: new",
         {**creating("new"), "AttributeDefinitions": None}),
        (INVALID + "Some index key attributes are not defined in AttributeDefinitions. Keys: [x], "
         "AttributeDefinitions: [y]", {**creating("new"), "AttributeDefinitions": attributes("y")}),
        (INVALID + "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
         "defined. Existing schema: Schema:[SchemaElement: key{x:S:HASH}] "
         "New schema: Schema:[SchemaElement: key{x:N:HASH}]", creating("new", kind="N")),
        ("Given value 1000000000001 for ReadCapacityUnits is out of bounds",
         {"TableName": "nowhere", "ProvisionedThroughput": {**UNITS, "ReadCapacityUnits": 10**12 + 1}}),
        (ONE_AT_A_TIME, {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}} for name in ("abc", "abd")]}),
        (ONE_AT_A_TIME, {**creating("new"), "GlobalSecondaryIndexUpdates": [
            *creating("new")["GlobalSecondaryIndexUpdates"], {"Delete": {"IndexName": "by-x"}}]}),
        (("ResourceNotFoundException", "Requested resource not found: Index nonexistent for table live"),
         {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "nonexistent"}}]}),
    ],
)
def test_refused_changes(dynamodb: Caller, refusal: str | tuple[str, str], changes: dict[str, Any]) -> None:
    dynamodb.create("live", attributes={"x": "S"}, GlobalSecondaryIndexes=[index("by-x", "x HASH")])
    request = {member: value for member, value in ({"TableName": "live"} | changes).items() if value is not None}
    error = dynamodb.error("UpdateTable", **request)
    expected = ("ValidationException", refusal) if isinstance(refusal, str) else refusal
    assert (error.error_code, error.message) == expected


# What a new index does not need is ignored.
def test_definitions_of_a_new_index(dynamodb: Caller) -> None:
    dynamodb.create("live")
    change = creating("new")
    change["AttributeDefinitions"].append({"AttributeName": "y", "AttributeType": "S"})
    dynamodb.call("UpdateTable", TableName="live", **change)
    table = dynamodb.call("DescribeTable", TableName="live")["Table"]
    assert [each["AttributeName"] for each in table["AttributeDefinitions"]] == ["pk", "x"]


def fill(dynamodb: Caller, name: str, count: int, **extra: Any) -> None:
    for start in range(0, count, 25):
        dynamodb.call("BatchWriteItem", RequestItems={name: [
            {"PutRequest": {"Item": {"pk": {"S": f"{n}"}, **extra}}} for n in range(start, min(start + 25, count))]})


# A deleted table's rows go away in the background, and a new table of that name never sees them.
def test_rows_of_a_deleted_table_are_cleared(dynamodb: Caller) -> None:
    dynamodb.create("gone", attributes={"g": "S"}, GlobalSecondaryIndexes=[index("by-g", "g HASH")])
    fill(dynamodb, "gone", JOB_STEP_ROWS + 10, g={"S": "x"})
    dynamodb.call("DeleteTable", TableName="gone")
    dynamodb.create("gone")
    assert dynamodb.call("Scan", TableName="gone")["Items"] == []
    dynamodb.store.loop.advance(60)
    dynamodb.call("DeleteTable", TableName="gone")
    dynamodb.store.loop.advance(60)
    assert dynamodb.rows() == 1                                  # the last space number


# What is too long to be an index's key, as a table that had no such index may hold, is not in an index made later; the
# item can be changed and removed all the same, and no such value is taken any more.
@pytest.mark.parametrize(("key", "size", "message"), [
    ("g HASH", 2049, HASH_TOO_LONG), ("s RANGE", 1025, SORT_TOO_LONG)])
def test_values_too_long_for_a_later_index(dynamodb: Caller, key: str, size: int, message: str) -> None:
    dynamodb.create("long")
    name = key[0]
    short = {"g": {"S": "g"}, "s": {"S": "s"}}
    for pk, length in (("fits", size - 1), ("too-long", size), ("as-bytes", size // 2 + 1)):
        text = ("ä" if pk == "as-bytes" else "x") * length
        dynamodb.call("PutItem", TableName="long", Item={"pk": {"S": pk}, **short, name: {"S": text}})
    dynamodb.call("UpdateTable", TableName="long", AttributeDefinitions=attributes("g", "s"),
                  GlobalSecondaryIndexUpdates=[{"Create": index("later", "g HASH", "s RANGE")}])
    dynamodb.store.loop.advance(10)
    assert dynamodb.store.loop.reported == []
    [made] = dynamodb.call("DescribeTable", TableName="long")["Table"]["GlobalSecondaryIndexes"]
    assert (made["IndexStatus"], made["ItemCount"]) == ("ACTIVE", 1)
    item = {"pk": {"S": "too-long"}, **short, name: {"S": "x" * size}}
    assert dynamodb.error("PutItem", TableName="long", Item=item).message == message
    dynamodb.call("UpdateItem", TableName="long", Key={"pk": {"S": "too-long"}}, UpdateExpression="SET elsewhere = :v",
                  ExpressionAttributeValues={":v": {"S": "does not touch it"}})
    dynamodb.call("UpdateItem", TableName="long", Key={"pk": {"S": "too-long"}}, UpdateExpression="SET #n = :v",
                  ExpressionAttributeNames={"#n": name}, ExpressionAttributeValues={":v": {"S": "short"}})
    dynamodb.call("DeleteItem", TableName="long", Key={"pk": {"S": "as-bytes"}})
    assert dynamodb.call("Scan", TableName="long", IndexName="later", Select="COUNT")["Count"] == 2


class WithoutJobs:
    """A transaction that keeps the jobs it is told to start instead of starting them."""

    def __init__(self, transaction: Any) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.get, self.scan = transaction.get, transaction.scan
        self.put, self.delete = transaction.put, transaction.delete
        self.emit, self.now = transaction.emit, transaction.now

    def start_job(self, name: str, state: dict[str, Any]) -> None:
        self.jobs.append(state)


# Between any two steps of filling an index items come, change, move between its partitions and go; meanwhile it cannot
# be read, in the end it holds what a new one would.
@settings(max_examples=10, deadline=None, print_blob=True)
@given(data=st.data())
def test_writes_while_an_index_is_filled(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory, open_caller(Path(directory) / "store") as dynamodb:
        dynamodb.create("live")
        fill(dynamodb, "live", 300, g={"S": "x"})
        twin: dict[str, str | None] = {str(n): "x" for n in range(300)}
        request = {"TableName": "live", "AttributeDefinitions": attributes("g"),
                   "GlobalSecondaryIndexUpdates": [{"Create": index("by-g", "g HASH")}]}

        def update(transaction: Any) -> Any:
            without = WithoutJobs(transaction)
            dynamodb.actor.update_table(dynamodb.context(), without, request)
            return without.jobs[0]

        state = dynamodb.store.transact(update)
        two = {"AttributeDefinitions": attributes("g"), "GlobalSecondaryIndexUpdates": [
            {"Create": index("second", "g HASH")}]}
        assert dynamodb.error("UpdateTable", TableName="live", **two).error_code == "LimitExceededException"
        described = dynamodb.call("DescribeTable", TableName="live")["Table"]["GlobalSecondaryIndexes"][0]
        assert (described["IndexStatus"], described["Backfilling"]) == ("CREATING", True)
        query = {"TableName": "live", "IndexName": "by-g", "KeyConditionExpression": "g = :g"}
        assert dynamodb.error("Query", **query, ExpressionAttributeValues={":g": {"S": "x"}}).message == (
            "Cannot read from backfilling global secondary index: by-g")
        while state is not None:
            for pk in data.draw(st.lists(st.integers(0, 320).map(str), max_size=20)):
                twin[pk] = g = data.draw(st.sampled_from(["x", "y", None, "gone"]))
                if g == "gone":
                    del twin[pk]
                    dynamodb.call("DeleteItem", TableName="live", Key={"pk": {"S": pk}})
                else:
                    dynamodb.call("PutItem", TableName="live", Item={"pk": {"S": pk}} | ({"g": {"S": g}} if g else {}))
            state = dynamodb.store.transact(partial(dynamodb.actor.fill_index, now=0.0, state=state))
        for g in ("x", "y"):
            found = dynamodb.call("Query", **query, ExpressionAttributeValues={":g": {"S": g}})["Items"]
            assert {item["pk"]["S"] for item in found} == {pk for pk, value in twin.items() if value == g}
        described = dynamodb.call("DescribeTable", TableName="live")["Table"]["GlobalSecondaryIndexes"][0]
        assert described["IndexStatus"] == "ACTIVE"
        assert described["ItemCount"] == sum(value is not None for value in twin.values())


# An index made on a live table: from UpdateTable to its removal.
def test_an_index_on_a_live_table(dynamodb: Caller) -> None:
    dynamodb.create("live")
    fill(dynamodb, "live", 300, g={"S": "x"})
    dynamodb.call("PutItem", TableName="live", Item={"pk": {"S": "other type"}, "g": {"N": "1"}})
    dynamodb.call("UpdateTable", TableName="live", AttributeDefinitions=attributes("g"), GlobalSecondaryIndexUpdates=[
        {"Create": index("by-g", "g HASH")}])
    query = {"TableName": "live", "IndexName": "by-g", "KeyConditionExpression": "g = :g", "Select": "COUNT",
             "ExpressionAttributeValues": {":g": {"S": "x"}}}
    for pk, g in (("1", "y"), ("2", None), ("new", "x")):
        item: dict[str, Any] = {"pk": {"S": pk}}
        if g is not None:
            item["g"] = {"S": g}
        dynamodb.call("PutItem", TableName="live", Item=item)
    dynamodb.call("DeleteItem", TableName="live", Key={"pk": {"S": "3"}})
    dynamodb.store.loop.advance(60)
    described = dynamodb.call("DescribeTable", TableName="live")["Table"]["GlobalSecondaryIndexes"][0]
    assert described["IndexStatus"] == "ACTIVE"
    assert dynamodb.call("Query", **query)["Count"] == 298
    assert described["ItemCount"] == 299
    dynamodb.call("UpdateTable", TableName="live", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    assert "GlobalSecondaryIndexes" not in dynamodb.call("DescribeTable", TableName="live")["Table"]
    dynamodb.store.loop.advance(60)
    assert dynamodb.rows() == 301 + 3                            # items; record, statistics, last space number


# Keys of several attributes (November 2025): hash over all of them, order by each in turn.
def test_an_index_of_several_attributes(dynamodb: Caller) -> None:
    dynamodb.create("many", attributes={"h1": "S", "h2": "N", "r1": "S", "r2": "N"}, GlobalSecondaryIndexes=[
        index("wide", "h1 HASH", "h2 HASH", "r1 RANGE", "r2 RANGE")])
    for n in range(12):
        dynamodb.call("PutItem", TableName="many", Item={
            "pk": {"S": str(n)}, "h1": {"S": "h"}, "h2": {"N": str(n % 2)}, "r1": {"S": "ab"[n % 4 // 2]},
            "r2": {"N": str(-n)}})
    dynamodb.call("PutItem", TableName="many", Item={"pk": {"S": "sparse"}, "h1": {"S": "h"}})
    values = {":h": {"S": "h"}, ":zero": {"N": "0"}, ":a": {"S": "a"}, ":low": {"N": "-8"}}
    for text, expected in (("h1 = :h AND h2 = :zero", [8, 4, 0, 10, 6, 2]),
                           ("h1 = :h AND h2 = :zero AND r1 = :a", [8, 4, 0]),
                           ("h1 = :h AND h2 = :zero AND r1 = :a AND r2 > :low", [4, 0])):
        used = {name: value for name, value in values.items() if name in text}
        found = [item["pk"]["S"] for page in dynamodb.pages(
            "Query", TableName="many", IndexName="wide", Limit=2, KeyConditionExpression=text,
            ExpressionAttributeValues=used) for item in page["Items"]]
        assert found == [str(n) for n in expected], text
    assert dynamodb.error("Query", TableName="many", IndexName="wide", KeyConditionExpression="h1 = :h",
                          ExpressionAttributeValues={":h": {"S": "h"}}).message == (
        "HASH key attributes h2 must have equality conditions specified in the query")


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with open_caller(tmp_path / "store") as dynamodb:
        dynamodb.create("kept", attributes={"g": "S"}, GlobalSecondaryIndexes=[index("by-g", "g HASH")])
        fill(dynamodb, "kept", 30, g={"S": "x"})
        before = dynamodb.call("DescribeTable", TableName="kept")
    with open_caller(tmp_path / "store") as dynamodb:
        assert dynamodb.call("DescribeTable", TableName="kept") == before
        assert dynamodb.call("Scan", TableName="kept", IndexName="by-g")["Count"] == 30


# What a failed operation prepared is not in the catalogue, nor in its memory.
def test_an_aborted_table_is_never_seen(dynamodb: Caller) -> None:
    def create_and_fail(transaction: Any) -> None:
        request = {**GOOD, "AttributeDefinitions": attributes("a", "b")}
        dynamodb.actor.create_table(dynamodb.context(), transaction, request)
        dynamodb.actor.put_item(dynamodb.context(), transaction, {
            "TableName": "table", "Item": {"a": {"S": "1"}, "b": {"S": "2"}}})
        raise AwsError("no")

    with pytest.raises(AwsError):
        dynamodb.store.transact(create_and_fail)
    assert dynamodb.error("Scan", TableName="table").error_code == "ResourceNotFoundException"
    assert dynamodb.rows() == 0
