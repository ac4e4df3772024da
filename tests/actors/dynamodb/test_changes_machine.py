"""Transactions, time to live and streams against a twin of one dict.

Proves that a transaction happens whole or not at all and says why for each action, that what expires goes within the
sweep's period and nothing else does, and that a NEW_AND_OLD_IMAGES stream from TRIM_HORIZON is the table's history:
each change exactly once, none for a write that changed nothing, and replayed it gives the table. Restarts in between.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.dynamodb.engine import values
from actors.dynamodb.time_to_live import OLDEST_S, SWEEP_EVERY_S
from tests.actors.dynamodb.caller import EPOCH_S, open_caller

Item = dict[str, dict[str, Any]]
NAMES = st.sampled_from(["a", "b", "c", "d", "long " * 200])
NUMBERS = st.integers(0, 2)
TABLE = "changes"
KINDS = st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"])
# When an item expires, from now on: never, unreadable, just now, soon, later, long ago, too long ago.
EXPIRIES = st.sampled_from([None, "text", "-1", "1.5", "2", "30", str(-OLDEST_S + 10**6), str(-OLDEST_S - 60)])


def image(item: Item | None) -> list[tuple[str, Any]] | None:
    return None if item is None else sorted(item.items())


class Changes(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.twin: dict[str, Item] = {}
        self.history: list[tuple[str, str, Any, Any, bool]] = []
        self.has_ttl = False
        self.open(EPOCH_S)

    def open(self, now: float) -> None:
        self.opened = open_caller(self.directory / "store", now)
        self.dynamodb = self.opened.__enter__()

    def close(self) -> None:
        self.opened.__exit__(None, None, None)
        assert self.dynamodb.store.loop.reported == []

    def teardown(self) -> None:
        self.close()
        shutil.rmtree(self.directory)

    @initialize(ttl=st.booleans())
    def create(self, ttl: bool) -> None:
        self.dynamodb.create(TABLE, attributes={"n": "N"}, GlobalSecondaryIndexes=[{
            "IndexName": "by-n", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        }], StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        described = self.dynamodb.call("DescribeTable", TableName=TABLE)["Table"]
        self.stream = described["LatestStreamArn"]
        if ttl:
            self.switch_ttl()

    # --- what the twin does

    def set(self, name: str, item: Item | None, is_expiry: bool = False) -> None:
        before = self.twin.pop(name, None)
        if item is not None:
            values.admit(item)
            self.twin[name] = item
        if image(before) != image(item):
            event = "INSERT" if before is None else "REMOVE" if item is None else "MODIFY"
            self.history.append((event, name, image(before), image(item), is_expiry))

    def expire(self) -> None:
        """Of what is due the order is that of time; of the same second any."""
        now = self.dynamodb.store.loop.now
        for name, item in list(self.twin.items()):
            text = item.get("ttl", {}).get("N")
            if self.has_ttl and text is not None and now - OLDEST_S <= float(text) // 1 < now:
                self.set(name, None, is_expiry=True)

    def item(self, name: str, number: int, expiry: str | None) -> Item:
        item: Item = {"pk": {"S": name}, "n": {"N": str(number)}}
        if expiry == "text":
            item["ttl"] = {"S": str(int(EPOCH_S))}
        elif expiry is not None:
            item["ttl"] = {"N": str(self.dynamodb.store.loop.now + float(expiry))}
        return item

    # --- rules

    @rule(name=NAMES, number=NUMBERS, expiry=EXPIRIES)
    def put(self, name: str, number: int, expiry: str | None) -> None:
        item = self.item(name, number, expiry)
        self.dynamodb.call("PutItem", TableName=TABLE, Item=item)
        self.set(name, item)

    @rule(name=NAMES)
    def put_the_same_again(self, name: str) -> None:
        if name in self.twin:
            self.dynamodb.call("PutItem", TableName=TABLE, Item=dict(reversed(list(self.twin[name].items()))))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.dynamodb.call("DeleteItem", TableName=TABLE, Key={"pk": {"S": name}})
        self.set(name, None)

    @rule(data=st.data(), token=st.none() | st.sampled_from(["token-1", "token-2"]))
    def transact(self, data: st.DataObject, token: str | None) -> None:
        names = data.draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
        actions: list[dict[str, Any]] = []
        codes: list[str] = []
        results: dict[str, Item | None] = {}
        for name in names:
            kind = data.draw(KINDS)
            wanted = data.draw(st.none() | NUMBERS) if kind != "ConditionCheck" else data.draw(NUMBERS)
            there = self.twin.get(name)
            action: dict[str, Any] = {"TableName": TABLE}
            if kind == "Put":
                item = self.item(name, data.draw(NUMBERS), data.draw(EXPIRIES))
                action["Item"], results[name] = item, item
            else:
                action["Key"] = {"pk": {"S": name}}
            values_: dict[str, Any] = {}
            if wanted is not None:
                action["ConditionExpression"] = "n = :wanted"
                values_[":wanted"] = {"N": str(wanted)}
            if kind == "Update":
                action["UpdateExpression"] = "SET n = n + :one"
                values_[":one"] = {"N": "1"}
            if values_:
                action["ExpressionAttributeValues"] = values_
            code = "None"
            if wanted is not None and (there is None or there["n"]["N"] != str(wanted)):
                code = "ConditionalCheckFailed"
            elif kind == "Update" and there is None:
                code = "ValidationError"
            elif kind == "Update":
                assert there is not None
                results[name] = {**there, "n": {"N": str(int(there["n"]["N"]) + 1)}}
            elif kind == "Delete":
                results[name] = None
            codes.append(code)
            actions.append({kind: action})
        request: dict[str, Any] = {"TransactItems": actions}
        if token is not None:
            request["ClientRequestToken"] = token = f"{token}-{len(self.history)}-{data.draw(st.integers(0, 2**30))}"
        if set(codes) != {"None"}:
            error = self.dynamodb.error("TransactWriteItems", **request)
            assert error.message == ("Transaction cancelled, please refer cancellation reasons for specific reasons "
                                     f"[{', '.join(codes)}]")
            assert [reason["Code"] for reason in error.fields["CancellationReasons"]] == codes
            return
        self.dynamodb.call("TransactWriteItems", **request)
        if token is not None:
            self.dynamodb.call("TransactWriteItems", **request)          # a retry does nothing
        for name in names:
            if name in results:
                self.set(name, results[name])

    @rule()
    def switch_ttl(self) -> None:
        self.has_ttl = not self.has_ttl
        self.dynamodb.call("UpdateTimeToLive", TableName=TABLE,
                           TimeToLiveSpecification={"Enabled": self.has_ttl, "AttributeName": "ttl"})
        self.dynamodb.store.loop.run()
        self.expire_what_is_gone()

    # In all less than a day: nothing of the stream is trimmed.
    @rule(seconds=st.sampled_from([SWEEP_EVERY_S, 3.0, 40.0, 2000.0]))
    def time_passes(self, seconds: float) -> None:
        self.dynamodb.store.loop.advance(seconds)
        self.dynamodb.store.loop.advance(SWEEP_EVERY_S)
        self.expire()

    @rule()
    def restart(self) -> None:
        now = self.dynamodb.store.loop.now
        self.close()
        self.open(now)
        self.dynamodb.store.loop.run()
        self.expire_what_is_gone()

    # --- what must hold

    @invariant()
    def the_table_is_the_twin(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.expire_what_is_gone()
        found = [item for page in self.dynamodb.pages("Scan", TableName=TABLE) for item in page["Items"]]
        assert {item["pk"]["S"]: image(item) for item in found} == {
            name: image(item) for name, item in self.twin.items()}

    def expire_what_is_gone(self) -> None:
        """The sweep may run at any moment after an item is due: between two rules the twin follows the table."""
        now = self.dynamodb.store.loop.now
        for name, item in list(self.twin.items()):
            text = item.get("ttl", {}).get("N")
            due = self.has_ttl and text is not None and now - OLDEST_S <= float(text) // 1 < now
            if due and "Item" not in self.dynamodb.call("GetItem", TableName=TABLE, Key={"pk": item["pk"]}):
                self.set(name, None, is_expiry=True)

    @invariant()
    def the_stream_is_the_history(self) -> None:
        if not hasattr(self, "stream"):
            return
        (shard,) = self.dynamodb.call("DescribeStream", StreamArn=self.stream)["StreamDescription"]["Shards"]
        iterator = self.dynamodb.call("GetShardIterator", StreamArn=self.stream, ShardId=shard["ShardId"],
                                      ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        told: list[Any] = []
        numbers: list[str] = []
        while records := (page := self.dynamodb.call("GetRecords", ShardIterator=iterator, Limit=3))["Records"]:
            for record in records:
                change = record["dynamodb"]
                told.append((record["eventName"], change["Keys"]["pk"]["S"], image(change.get("OldImage")),
                             image(change.get("NewImage")), "userIdentity" in record))
                numbers.append(change["SequenceNumber"])
            iterator = page["NextShardIterator"]
        assert numbers == sorted(set(numbers))
        assert self.by_name(told) == self.by_name(self.history)
        replayed: dict[str, Any] = {}
        for _, name, old, new, _ in told:
            assert replayed.pop(name, None) == old
            if new is not None:
                replayed[name] = new
        assert replayed == {name: image(item) for name, item in self.twin.items()}

    @staticmethod
    def by_name(history: list[tuple[str, str, Any, Any, bool]]) -> dict[str, list[Any]]:
        """In order for each item: of several that expire together the order is not told."""
        found: dict[str, list[Any]] = {}
        for change in history:
            found.setdefault(change[1], []).append(change)
        return found


Changes.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, print_blob=True)
TestChanges = Changes.TestCase


# The same at length: longer histories, and many more of them.
@pytest.mark.slow
class TestChangesAtLength(Changes.TestCase):  # type: ignore[misc, valid-type]  # a property of Hypothesis's
    settings = settings(parent=Changes.TestCase.settings, max_examples=1000, stateful_step_count=100)
