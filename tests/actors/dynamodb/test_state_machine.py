"""Tables, items, indexes and pages against a twin of a few dicts.

Proves that whatever is written is read back by every way there is (GetItem, Query in both directions and every page
size, Scan in segments, two indexes), that what failed left no trace, and that counts and sizes stay exact. The twin
sorts with Python's own order of text, bytes and Decimal.
"""

import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.dynamodb.engine import values
from tests.actors.dynamodb.caller import open_caller

Item = dict[str, dict[str, Any]]

LONG = "long " * 190                              # 950 bytes: beyond what one LMDB key holds
HASHES = st.sampled_from(["a", "a", "ü", LONG * 2])
SORTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "S": st.builds(lambda text: {"S": text}, st.text("ab\0\x01\x7fü😀", min_size=1, max_size=3)
                   | st.sampled_from([LONG, LONG + "a", LONG + "b", LONG + "a" * 70])),
    "B": st.builds(lambda data: {"B": data}, st.binary(min_size=1, max_size=3)
                   | st.sampled_from([b"\0", b"\0\0", b"\xff\xff", b"\0\xff", b"\xff" * 1024, b"\0" * 1024])),
    "N": st.builds(lambda n: {"N": n}, st.integers(-20, 20).map(str)
                   | st.sampled_from(["0.5", "-0.5", "1e125", "-1e125", "1e-130", "-1e-130", "10", "1.0", "-1.05"])),
}
KEYS: dict[str, Callable[[Any], Any]] = {"S": lambda value: value["S"].encode(), "B": lambda value: value["B"],
                                         "N": lambda value: Decimal(value["N"])}
GROUPS = st.sampled_from(["g", "h"])
OPERATORS = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
             ">=": lambda a, b: a >= b}


def normal(item: Item) -> Item:
    values.admit(item)
    return item


class Tables(RuleBasedStateMachine):
    """A table with a local index over `l` (N) and a global one over `g`, keys only; its sort key's type is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.opened = open_caller(self.directory / "store")
        self.dynamodb = self.opened.__enter__()
        self.twin: dict[tuple[str, Any], Item] = {}

    @initialize(kind=st.sampled_from("SBN"))
    def create_first(self, kind: str) -> None:
        self.kind = kind
        self.create(kind)

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        shutil.rmtree(self.directory)

    def create(self, kind: str) -> None:
        self.dynamodb.create(
            "the-table", "pk", "sk", "S" + kind, attributes={"l": "N", "g": "S"},
            LocalSecondaryIndexes=[{
                "IndexName": "by-l", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            }],
            GlobalSecondaryIndexes=[{
                "IndexName": "by-g", "Projection": {"ProjectionType": "KEYS_ONLY"},
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            }],
        )
        self.twin = {}

    def item(self, data: st.DataObject) -> tuple[tuple[str, Any], Item]:
        if len(self.twin) > 0 and data.draw(st.booleans()):
            known = data.draw(st.sampled_from(list(self.twin.values())))
            pk, sk = known["pk"]["S"], known["sk"]
        else:
            pk, sk = data.draw(HASHES), data.draw(SORTS[self.kind])
        item: Item = {"pk": {"S": pk}, "sk": dict(sk), "data": {"L": [{"N": "1.50"}, {"M": {"x": {"S": "y" * 100}}}]}}
        if data.draw(st.booleans()):
            item["l"] = {"N": str(data.draw(st.integers(-3, 3)))}
        if data.draw(st.booleans()):
            item["g"] = {"S": data.draw(GROUPS)}
        return (pk, KEYS[self.kind](sk)), item

    @rule(data=st.data(), fresh=st.booleans())
    def put(self, data: st.DataObject, fresh: bool) -> None:
        key, item = self.item(data)
        request: dict[str, Any] = {"TableName": "the-table", "Item": item, "ReturnValues": "ALL_OLD"}
        if fresh:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        before = self.twin.get(key)
        if fresh and before is not None:
            assert self.dynamodb.error("PutItem", **request).error_code == "ConditionalCheckFailedException"
        else:
            assert self.dynamodb.call("PutItem", **request).get("Attributes") == before
            self.twin[key] = normal(item)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key, item = self.item(data)
        answer = self.dynamodb.call("DeleteItem", TableName="the-table", ReturnValues="ALL_OLD",
                                    Key={name: item[name] for name in ("pk", "sk")})
        assert answer.get("Attributes") == self.twin.pop(key, None)

    @rule(data=st.data())
    def update(self, data: st.DataObject) -> None:
        key, item = self.item(data)
        answer = self.dynamodb.call(
            "UpdateItem", TableName="the-table", Key={name: item[name] for name in ("pk", "sk")},
            UpdateExpression="SET g = :g, n = if_not_exists(n, :one) + :one REMOVE l", ReturnValues="ALL_NEW",
            ExpressionAttributeValues={":g": {"S": "h"}, ":one": {"N": "1"}},
        )
        old = self.twin.get(key, {name: item[name] for name in ("pk", "sk")})
        number = int(old.get("n", {"N": "1"})["N"]) + 1
        new = {**old, "g": {"S": "h"}, "n": {"N": str(number)}}
        new.pop("l", None)
        self.twin[key] = normal(new)
        assert answer["Attributes"] == self.twin[key]

    @rule(data=st.data(), count=st.integers(1, 25))
    def batch(self, data: st.DataObject, count: int) -> None:
        writes: list[dict[str, Any]] = []
        changes: dict[tuple[str, Any], Item | None] = {}
        for _ in range(count):
            key, item = self.item(data)
            if key in changes:
                continue
            if data.draw(st.booleans()):
                writes.append({"PutRequest": {"Item": item}})
                changes[key] = item
            else:
                writes.append({"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}})
                changes[key] = None
        self.dynamodb.call("BatchWriteItem", RequestItems={"the-table": writes})
        for key, changed in changes.items():
            if changed is None:
                self.twin.pop(key, None)
            else:
                self.twin[key] = normal(changed)

    @rule(data=st.data())
    def bad_put_leaves_nothing(self, data: st.DataObject) -> None:
        _, item = self.item(data)
        item["g"] = {"N": "1"}
        error = self.dynamodb.error("BatchWriteItem", RequestItems={"the-table": [
            {"PutRequest": {"Item": self.item(data)[1]}}, {"PutRequest": {"Item": item}}]})
        assert error.error_code == "ValidationException"

    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        key, item = self.item(data)
        wanted = {name: item[name] for name in ("pk", "sk")}
        answer = self.dynamodb.call("GetItem", TableName="the-table", Key=wanted)
        assert answer.get("Item") == self.twin.get(key)
        answer = self.dynamodb.call("BatchGetItem", RequestItems={"the-table": {"Keys": [wanted]}})
        assert answer["Responses"]["the-table"] == [item for item in [self.twin.get(key)] if item]

    @rule(data=st.data(), pk=HASHES, reverse=st.booleans(), limit=st.integers(1, 4),
          operator=st.sampled_from([None, *OPERATORS, "BETWEEN", "begins_with"]))
    def query(self, data: st.DataObject, pk: str, reverse: bool, limit: int, operator: str | None) -> None:
        condition, holds, given = self.condition(operator, data)
        if condition is None:
            return
        expected = sorted((sort for hash_, sort in self.twin if hash_ == pk and holds(sort)), reverse=reverse)
        found = [item for page in self.dynamodb.pages(
            "Query", TableName="the-table", Limit=limit, ScanIndexForward=not reverse,
            KeyConditionExpression="pk = :pk" + condition, ExpressionAttributeValues={":pk": {"S": pk}, **given},
        ) for item in page["Items"]]
        assert found == [self.twin[pk, sort] for sort in expected]

    def condition(self, operator: str | None, data: st.DataObject) -> tuple[str | None, Any, dict[str, Any]]:
        if operator is None:
            return "", lambda sort: True, {}
        there = [item["sk"] for item in self.twin.values()]
        choices = st.sampled_from(there) | SORTS[self.kind] if len(there) > 0 else SORTS[self.kind]
        low = data.draw(choices)
        bound = KEYS[self.kind](low)
        if operator == "begins_with":
            if self.kind == "N":
                return None, None, {}
            return " AND begins_with(sk, :a)", lambda sort: sort.startswith(bound), {":a": low}
        if operator == "BETWEEN":
            high = data.draw(SORTS[self.kind])
            top = KEYS[self.kind](high)
            if top < bound:
                low, high, bound, top = high, low, top, bound
            return " AND sk BETWEEN :a AND :b", lambda sort: bound <= sort <= top, {":a": low, ":b": high}
        return f" AND sk {operator} :a", lambda sort: OPERATORS[operator](sort, bound), {":a": low}

    @rule(pk=HASHES, reverse=st.booleans(), limit=st.integers(1, 4))
    def query_local_index(self, pk: str, reverse: bool, limit: int) -> None:
        found = [item for page in self.dynamodb.pages(
            "Query", TableName="the-table", IndexName="by-l", Limit=limit, ScanIndexForward=not reverse,
            KeyConditionExpression="pk = :pk AND l >= :l",
            ExpressionAttributeValues={":pk": {"S": pk}, ":l": {"N": "-1"}},
        ) for item in page["Items"]]
        expected = [item for (hash_, _), item in sorted(self.twin.items())
                    if hash_ == pk and "l" in item and int(item["l"]["N"]) >= -1]
        expected.sort(key=lambda item: int(item["l"]["N"]))
        assert found == (expected[::-1] if reverse else expected)

    @rule(group=GROUPS, limit=st.integers(1, 4))
    def query_global_index(self, group: str, limit: int) -> None:
        found = [item for page in self.dynamodb.pages(
            "Query", TableName="the-table", IndexName="by-g", Limit=limit, KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": group}},
        ) for item in page["Items"]]
        expected = [{name: item[name] for name in ("pk", "sk", "g")} for item in self.twin.values()
                    if item.get("g") == {"S": group}]
        found_keys, keys = ([KEYS[self.kind](item["sk"]) for item in items] for items in (found, expected))
        assert found_keys == sorted(keys)
        assert sorted(map(repr, map(sorted_items, found))) == sorted(map(repr, map(sorted_items, expected)))

    @rule(total=st.integers(1, 5), limit=st.integers(1, 7))
    def scan_in_segments(self, total: int, limit: int) -> None:
        found = [item for segment in range(total) for page in self.dynamodb.pages(
            "Scan", TableName="the-table", Segment=segment, TotalSegments=total, Limit=limit,
        ) for item in page["Items"]]
        assert sorted(map(repr, map(sorted_items, found))) == sorted(
            map(repr, map(sorted_items, self.twin.values())))

    @rule()
    @precondition(lambda self: self.twin)
    def make_anew(self) -> None:
        self.dynamodb.call("DeleteTable", TableName="the-table")
        self.create(self.kind)

    @invariant()
    def counts_are_exact(self) -> None:
        if not hasattr(self, "kind"):
            return
        table = self.dynamodb.call("DescribeTable", TableName="the-table")["Table"]
        assert table["ItemCount"] == len(self.twin)
        assert table["TableSizeBytes"] == sum(map(values.measure, self.twin.values()))
        (index,) = table["GlobalSecondaryIndexes"]
        kept = [{name: item[name] for name in ("pk", "sk", "g")} for item in self.twin.values() if "g" in item]
        assert (index["ItemCount"], index["IndexSizeBytes"]) == (len(kept), sum(map(values.measure, kept)))


def sorted_items(item: Item) -> list[tuple[str, Any]]:
    return sorted(item.items())


Tables.TestCase.settings = settings(max_examples=20, stateful_step_count=40, deadline=None, print_blob=True)
TestTables = Tables.TestCase


# The same at length: longer histories, and many more of them.
@pytest.mark.slow
class TestTablesAtLength(Tables.TestCase):  # type: ignore[misc, valid-type]  # a property of Hypothesis's
    settings = settings(parent=Tables.TestCase.settings, max_examples=1000, stateful_step_count=100)
