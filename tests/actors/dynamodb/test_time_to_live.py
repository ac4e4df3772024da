"""Time to live: states, messages, what goes and what stays, at what price.

Messages and states as measured on AWS by the public ack-api-quirks notes (DDB-TABLE-143 to 147) and Scylla's Alternator
(test_ttl.py), which runs its tests against AWS; the clock is the store's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb.time_to_live import OLDEST_S, SWEEP_EVERY_S, SWEEP_ITEMS
from tests.actors.dynamodb.caller import EPOCH_S, Caller, open_caller

NOW = int(EPOCH_S)


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store") as caller:
        caller.create("table")
        yield caller


def switch(dynamodb: Caller, enabled: bool, attribute: str = "ttl", table: str = "table") -> dict[str, Any]:
    return dynamodb.call("UpdateTimeToLive", TableName=table,
                         TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute})


def put(dynamodb: Caller, name: str, ttl: Any, table: str = "table") -> None:
    value = ttl if isinstance(ttl, dict) else {"N": str(ttl)}
    dynamodb.call("PutItem", TableName=table, Item={"pk": {"S": name}, "ttl": value})


def names(dynamodb: Caller, table: str = "table") -> set[str]:
    return {item["pk"]["S"] for page in dynamodb.pages("Scan", TableName=table) for item in page["Items"]}


def test_states(dynamodb: Caller) -> None:
    def told() -> Any:
        return dynamodb.call("DescribeTimeToLive", TableName="table")["TimeToLiveDescription"]

    assert told() == {"TimeToLiveStatus": "DISABLED"}
    assert switch(dynamodb, True) == {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"}}
    assert told() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    switch(dynamodb, False)
    assert told() == {"TimeToLiveStatus": "DISABLED"}
    switch(dynamodb, True, "pk")                                # the key itself is accepted


def test_messages(dynamodb: Caller) -> None:
    def refusal(enabled: bool, attribute: str, table: str = "table") -> tuple[str, str]:
        error = dynamodb.error("UpdateTimeToLive", TableName=table,
                               TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute})
        return error.error_code, error.message

    invalid = "ValidationException"
    assert refusal(False, "ttl") == (invalid, "TimeToLive is already disabled")
    switch(dynamodb, True)
    assert refusal(True, "ttl") == (invalid, "TimeToLive is already enabled")
    active = "TimeToLive is active on a different AttributeName: current AttributeName is ttl"
    assert refusal(True, "other") == (invalid, active)
    assert refusal(False, "other") == (invalid, active)
    assert refusal(True, "ttl", "absent") == (
        "ResourceNotFoundException", "Requested resource not found: Table: absent not found")
    assert "length" in refusal(True, "x" * 256)[1]
    error = dynamodb.error("DescribeTimeToLive", TableName="absent")
    assert error.message == "Requested resource not found: Table: absent not found"


# Only a Number, of epoch seconds, past, and by no more than five years; items from before TTL was on too.
def test_what_expires(dynamodb: Caller) -> None:
    goes = {"past": NOW - 1, "fraction": f"{NOW - 2}.5", "old": NOW - OLDEST_S + 60, "exponent": "17e8"}
    stays = {"now+": NOW + 100, "older": NOW - OLDEST_S - 60, "negative": -5, "huge": "1e30", "text": {"S": str(NOW)},
             "set": {"NS": [str(NOW - 1)]}, "zero": 0}
    for name, value in {**goes, **stays}.items():
        put(dynamodb, f"before {name}", value)
    dynamodb.call("PutItem", TableName="table", Item={"pk": {"S": "none"}})
    switch(dynamodb, True)
    for name, value in {**goes, **stays}.items():
        put(dynamodb, f"after {name}", value)
    dynamodb.store.loop.advance(2 * SWEEP_EVERY_S)
    assert names(dynamodb) == {"none", *(f"{when} {name}" for when in ("before", "after") for name in stays)}
    dynamodb.store.loop.advance(100.0)
    assert not {"before now+", "after now+"} & names(dynamodb)


# An update that moves or removes the time counts, at the last moment too.
def test_the_time_may_change(dynamodb: Caller) -> None:
    switch(dynamodb, True)
    for name in ("moved", "removed", "sooner", "gone"):
        put(dynamodb, name, NOW + 10)
    dynamodb.store.loop.advance(9.0)
    for name, expression, value in (("moved", "SET ttl_ = :v", NOW + 50), ("sooner", "SET ttl_ = :v", NOW + 5)):
        dynamodb.call("UpdateItem", TableName="table", Key={"pk": {"S": name}},
                      UpdateExpression=expression.replace("ttl_", "#t"), ExpressionAttributeNames={"#t": "ttl"},
                      ExpressionAttributeValues={":v": {"N": str(value)}})
    dynamodb.call("UpdateItem", TableName="table", Key={"pk": {"S": "removed"}}, UpdateExpression="REMOVE #t",
                  ExpressionAttributeNames={"#t": "ttl"})
    dynamodb.call("DeleteItem", TableName="table", Key={"pk": {"S": "gone"}})
    dynamodb.store.loop.advance(SWEEP_EVERY_S)
    assert names(dynamodb) == {"moved", "removed"}
    dynamodb.store.loop.advance(60.0)
    assert names(dynamodb) == {"removed"}


# Many are removed at once, several tables in turn, indexes and counts with them; then nothing is committed any more.
def test_many_in_several_tables(dynamodb: Caller) -> None:
    for table in ("one", "two"):
        dynamodb.create(table, attributes={"ttl": "N"}, GlobalSecondaryIndexes=[{
            "IndexName": "by-ttl", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "ttl", "KeyType": "HASH"}]}])
        for n in range(3 * SWEEP_ITEMS):
            put(dynamodb, str(n), NOW + 5 + n % 3, table)
        put(dynamodb, "stays", NOW + 10_000, table)
        switch(dynamodb, True, table=table)
    dynamodb.store.loop.advance(9.0)
    for table in ("one", "two"):
        assert names(dynamodb, table) == {"stays"}
        described = dynamodb.call("DescribeTable", TableName=table)["Table"]
        assert described["ItemCount"] == described["GlobalSecondaryIndexes"][0]["ItemCount"] == 1
    commits = dynamodb.store.shard.stats()["commits"]
    dynamodb.store.loop.advance(1000.0)
    assert dynamodb.store.shard.stats()["commits"] == commits


# Turned off, and with the table: every entry goes, the sweep ends; turned on again nothing old is left over.
def test_nothing_is_left_over(dynamodb: Caller) -> None:
    rows = dynamodb.rows()
    dynamodb.create("other")
    for table in ("table", "other"):
        switch(dynamodb, True, table=table)
        for n in range(300):
            put(dynamodb, str(n), NOW + 50, table)
    switch(dynamodb, False)
    dynamodb.call("DeleteTable", TableName="other")
    dynamodb.store.loop.advance(5.0)
    assert dynamodb.store.shard.stats()["jobs"] == 0
    assert dynamodb.rows() == rows + 301                         # the items and their statistics
    switch(dynamodb, True, "other")
    dynamodb.store.loop.advance(100.0)
    assert len(names(dynamodb)) == 300


# A restart while items wait: they expire when they are due.
def test_restart(tmp_path: Path) -> None:
    with open_caller(tmp_path / "store") as dynamodb:
        dynamodb.create("table")
        switch(dynamodb, True)
        put(dynamodb, "a", NOW + 100)
        put(dynamodb, "b", NOW + 10_000)
    with open_caller(tmp_path / "store", EPOCH_S + 200) as dynamodb:
        dynamodb.store.loop.advance(SWEEP_EVERY_S)
        assert names(dynamodb) == {"b"}
