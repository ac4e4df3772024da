"""UpdateTable: one thing at a time, what it answers at once, throughput and billing of tables and indexes.

Expected: measured on AWS by the public ack-api-quirks notes (DDB-TABLE-051, 058, 064, 128, 134, 152, 164,
165, 174, 382).
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb.engine.values import INVALID
from tests.actors.dynamodb.caller import Caller, open_caller

BY_G: dict[str, Any] = {"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "ALL"}}


def units(read: int, write: int) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}


def index_update(**members: Any) -> dict[str, Any]:
    return {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by-g", **members}}]}


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    """With a table on demand and one that is provisioned, each with an index."""
    with open_caller(tmp_path / "store") as caller:
        keys = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "g")]}
        caller.call("CreateTable", TableName="demand", BillingMode="PAY_PER_REQUEST", GlobalSecondaryIndexes=[BY_G],
                    **keys)
        caller.call("CreateTable", TableName="units", GlobalSecondaryIndexes=[{**BY_G, **units(2, 2)}], **units(10, 10),
                    **keys)
        yield caller


CREATE: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "S"}],
    "GlobalSecondaryIndexUpdates": [{"Create": {
        "IndexName": "new", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}, **units(1, 1)}}]}
CONCERNS: dict[str, dict[str, Any]] = {
    "iops": units(11, 11), "stream": {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
    "protection": {"DeletionProtectionEnabled": True}, "sse": {"SSESpecification": {"Enabled": True}},
    "class": {"TableClass": "STANDARD_INFREQUENT_ACCESS"}, "warm": {"WarmThroughput": {"ReadUnitsPerSecond": 99}},
    "limits": {"OnDemandThroughput": {"MaxReadRequestUnits": 10}}, "index": CREATE,
}
# Of two concerns the first of these is named.
WORDS = {
    frozenset(("warm", "index")): "Create global secondary index cannot be specified when updating WarmThroughput",
    "sse": "Server-Side Encryption modification must be the only operation in the request",
    "protection": "DeletionProtection modification must be the only operation in the request",
    "class": "TableClass modification must be the only operation in the request",
    "warm": "WarmThroughput must be the only operation in the request",
    "limits": "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request",
    frozenset(("iops", "stream")): "You cannot modify stream status while updating table IOPS",
    frozenset(("iops", "index")): "You cannot create or delete index while updating table IOPS",
    frozenset(("stream", "index")): "You cannot create or delete index while changing stream status",
}


# Each alone is taken; no two are, whichever: nothing changes then.
def test_one_thing_at_a_time(dynamodb: Caller) -> None:
    before = dynamodb.call("DescribeTable", TableName="units")
    for pair in combinations(CONCERNS, 2):
        words = next(text for what, text in WORDS.items() if what in pair or what == frozenset(pair))
        error = dynamodb.error("UpdateTable", TableName="units", **CONCERNS[pair[0]], **CONCERNS[pair[1]])
        assert (pair, error.message) == (pair, INVALID + words)
    assert dynamodb.call("DescribeTable", TableName="units") == before
    for name, concern in CONCERNS.items():
        dynamodb.call("UpdateTable", TableName="demand" if name == "limits" else "units", **concern)
        dynamodb.store.loop.advance(5)
    dynamodb.call("UpdateTable", TableName="demand", BillingMode="PAY_PER_REQUEST", **CONCERNS["stream"])


# The answer tells of a change under way; the next look finds it done.
def test_what_is_answered_at_once(dynamodb: Caller) -> None:
    def update(table: str = "units", **members: Any) -> tuple[Any, Any]:
        answer = dynamodb.call("UpdateTable", TableName=table, **members)["TableDescription"]
        dynamodb.store.loop.advance(5)
        return answer, dynamodb.call("DescribeTable", TableName=table)["Table"]

    answer, after = update(**units(12, 9))
    assert (answer["TableStatus"], answer["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("UPDATING", 10)
    throughput = after["ProvisionedThroughput"]
    assert (after["TableStatus"], throughput["ReadCapacityUnits"]) == ("ACTIVE", 12)
    assert (throughput["WriteCapacityUnits"], throughput["NumberOfDecreasesToday"]) == (9, 1)
    assert throughput["LastIncreaseDateTime"] - throughput["LastDecreaseDateTime"] == timedelta(0)
    answer, after = update(**index_update(**units(3, 2)))
    [shown], [index] = answer["GlobalSecondaryIndexes"], after["GlobalSecondaryIndexes"]
    assert (answer["TableStatus"], shown["IndexStatus"], index["IndexStatus"]) == ("ACTIVE", "UPDATING", "ACTIVE")
    assert [each["ProvisionedThroughput"]["ReadCapacityUnits"] for each in (shown, index)] == [2, 3]
    answer, after = update(DeletionProtectionEnabled=False)
    assert answer["TableStatus"] == "ACTIVE"
    answer, after = update(**CREATE)
    made = answer["GlobalSecondaryIndexes"][1]
    assert (answer["TableStatus"], made["IndexStatus"], made["Backfilling"]) == ("UPDATING", "CREATING", False)
    answer, after = update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
    assert [each["IndexStatus"] for each in answer["GlobalSecondaryIndexes"]] == ["DELETING", "ACTIVE"]
    assert [each["AttributeName"] for each in answer["AttributeDefinitions"]] == ["g", "pk", "x"]
    assert [each["IndexName"] for each in after["GlobalSecondaryIndexes"]] == ["new"]
    assert [each["AttributeName"] for each in after["AttributeDefinitions"]] == ["pk", "x"]
    _, after = update("demand", TableClass="STANDARD_INFREQUENT_ACCESS")           # Alternator's test_tableclass.py
    assert after["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert after["TableClassSummary"]["LastUpdateDateTime"] > after["CreationDateTime"]
    answer, after = update("demand", WarmThroughput={"WriteUnitsPerSecond": 5000})
    assert answer["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "UPDATING"}
    assert after["WarmThroughput"] == {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 5000, "Status": "ACTIVE"}


# Both ways between the modes: every index must be given its units, none may keep any.
def test_billing_modes(dynamodb: Caller) -> None:
    dynamodb.call("UpdateTable", TableName="demand", **CONCERNS["limits"])
    dynamodb.call("UpdateTable", TableName="demand", **index_update(OnDemandThroughput={"MaxReadRequestUnits": 5}))
    dynamodb.call("UpdateTable", TableName="demand", BillingMode="PROVISIONED", **units(4, 4),
                  **index_update(**units(3, 3)))
    table = dynamodb.call("DescribeTable", TableName="demand")["Table"]
    assert "OnDemandThroughput" not in {*table, *table["GlobalSecondaryIndexes"][0]}
    assert table["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    assert table["WarmThroughput"]["ReadUnitsPerSecond"] == 12000, "what was warm stays warm"
    dynamodb.call("UpdateTable", TableName="units", BillingMode="PAY_PER_REQUEST")
    table = dynamodb.call("DescribeTable", TableName="units")["Table"]
    for each in (table, table["GlobalSecondaryIndexes"][0]):
        assert each["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
        assert each["WarmThroughput"]["ReadUnitsPerSecond"] == 12000


# A limit that is not named stays, -1 takes one away.
def test_limits_on_demand(dynamodb: Caller) -> None:
    found = []
    for wanted in ({"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5}, {"MaxReadRequestUnits": 20},
                   {"MaxReadRequestUnits": -1}, {"MaxWriteRequestUnits": -1}):
        dynamodb.call("UpdateTable", TableName="demand", OnDemandThroughput=wanted)
        found.append(dynamodb.call("DescribeTable", TableName="demand")["Table"].get("OnDemandThroughput"))
    assert found == [{"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 5},
                     {"MaxReadRequestUnits": 20, "MaxWriteRequestUnits": 5}, {"MaxWriteRequestUnits": 5}, None]


@pytest.mark.parametrize(("table", "members", "message"), [
    ("units", {"BillingMode": "PROVISIONED"},
     INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"),
    ("demand", {"BillingMode": "PROVISIONED", **units(4, 4)},
     INVALID + "ProvisionedThroughput must be specified for index: by-g"),
    ("demand", units(4, 4),
     INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"),
    ("demand", index_update(**units(1, 1)), INVALID + "The only Updates for index: by-g when TableThroughputMode is "
     "PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"),
    ("units", index_update(**units(2, 2)), "The provisioned throughput for the index by-g will not change. The "
     "requested value equals the current value. Current ReadCapacityUnits provisioned for index by-g: 2. Requested "
     "ReadCapacityUnits: 2. Current WriteCapacityUnits provisioned for index by-g: 2. Requested WriteCapacityUnits: 2. "
     "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."),
    ("units", {"OnDemandThroughput": {"MaxReadRequestUnits": 1}}, INVALID + "MaxReadRequestUnits for "
     "OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"),
    ("demand", {"OnDemandThroughput": {"MaxWriteRequestUnits": 0}}, INVALID + "Requested MaxWriteRequestUnits for "
     "OnDemandThroughput for table is outside of valid range"),
    ("demand", {"DeletionProtectionEnabled": True, "GlobalSecondaryIndexUpdates": []},
     INVALID + "List of GlobalSecondaryIndexUpdates is empty"),
    ("demand", CREATE, INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new "
     "when BillingMode is PAY_PER_REQUEST"),
])
def test_refused(dynamodb: Caller, table: str, members: dict[str, Any], message: str) -> None:
    error = dynamodb.error("UpdateTable", TableName=table, **members)
    assert (error.error_code, error.message) == ("ValidationException", message)
