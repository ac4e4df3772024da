"""Tables, items, indexes and pages against a twin of a few dicts.

Proves that whatever is written is read back by every way there is (GetItem, Query in both directions and every page size,
Scan in segments, two indexes), that what failed left no trace, and that counts and sizes stay exact. The twin sorts with
Python's own order of text, bytes and Decimal.
"""

import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.dynamodb.engine import values
from tests.actors.dynamodb.caller import open_caller

Item = dict[str, dict[str, Any]]

LONG = "long " * 190                              # 950 bytes: beyond what one LMDB key holds
HASHES = st.sampled_from(["a", "b", "ü", LONG, LONG * 2])
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
    """One table per type of sort key, each with a local index over `l` (N) and a global one over `g`, keys only."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.opened = open_caller(self.directory / "store")
        self.dynamodb = self.opened.__enter__()
        self.twin: dict[str, dict[tuple[str, Any], Item]] = {}
        for kind in SORTS:
            self.create(kind)

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        shutil.rmtree(self.directory)

    def create(self, kind: str) -> None:
        self.dynamodb.create(
            f"table-{kind}", "pk", "sk", "S" + kind, attributes={"l": "N", "g": "S"},
            LocalSecondaryIndexes=[{
                "IndexName": "by-l", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
            }],
            GlobalSecondaryIndexes=[{
                "IndexName": "by-g", "Projection": {"ProjectionType": "KEYS_ONLY"},
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            }],
        )
        self.twin[kind] = {}

    def item(self, kind: str, data: st.DataObject) -> tuple[tuple[str, Any], Item]:
        pk, sk = data.draw(HASHES), data.draw(SORTS[kind])
        item: Item = {"pk": {"S": pk}, "sk": dict(sk), "data": {"L": [{"N": "1.50"}, {"M": {"x": {"S": "y" * 100}}}]}}
        if data.draw(st.booleans()):
            item["l"] = {"N": str(data.draw(st.integers(-3, 3)))}
        if data.draw(st.booleans()):
            item["g"] = {"S": data.draw(GROUPS)}
        return (pk, KEYS[kind](sk)), item

    @rule(kind=st.sampled_from("SBN"), data=st.data(), fresh=st.booleans())
    def put(self, kind: str, data: st.DataObject, fresh: bool) -> None:
        key, item = self.item(kind, data)
        request: dict[str, Any] = {"TableName": f"table-{kind}", "Item": item, "ReturnValues": "ALL_OLD"}
        if fresh:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        before = self.twin[kind].get(key)
        if fresh and before is not None:
            assert self.dynamodb.error("PutItem", **request).error_code == "ConditionalCheckFailedException"
        else:
            assert self.dynamodb.call("PutItem", **request).get("Attributes") == before
            self.twin[kind][key] = normal(item)

    @rule(kind=st.sampled_from("SBN"), data=st.data())
    def delete(self, kind: str, data: st.DataObject) -> None:
        key, item = self.item(kind, data)
        answer = self.dynamodb.call("DeleteItem", TableName=f"table-{kind}", ReturnValues="ALL_OLD",
                                    Key={name: item[name] for name in ("pk", "sk")})
        assert answer.get("Attributes") == self.twin[kind].pop(key, None)

    @rule(kind=st.sampled_from("SBN"), data=st.data())
    def update(self, kind: str, data: st.DataObject) -> None:
        key, item = self.item(kind, data)
        answer = self.dynamodb.call(
            "UpdateItem", TableName=f"table-{kind}", Key={name: item[name] for name in ("pk", "sk")},
            UpdateExpression="SET g = :g, n = if_not_exists(n, :one) + :one REMOVE l", ReturnValues="ALL_NEW",
            ExpressionAttributeValues={":g": {"S": "h"}, ":one": {"N": "1"}},
        )
        old = self.twin[kind].get(key, {name: item[name] for name in ("pk", "sk")})
        number = int(old.get("n", {"N": "1"})["N"]) + 1
        new = {**old, "g": {"S": "h"}, "n": {"N": str(number)}}
        new.pop("l", None)
        self.twin[kind][key] = normal(new)
        assert answer["Attributes"] == self.twin[kind][key]

    @rule(kind=st.sampled_from("SBN"), data=st.data(), count=st.integers(1, 25))
    def batch(self, kind: str, data: st.DataObject, count: int) -> None:
        writes, changes = [], {}
        for _ in range(count):
            key, item = self.item(kind, data)
            if key in changes:
                continue
            if data.draw(st.booleans()):
                writes.append({"PutRequest": {"Item": item}})
                changes[key] = item
            else:
                writes.append({"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}})
                changes[key] = None
        self.dynamodb.call("BatchWriteItem", RequestItems={f"table-{kind}": writes})
        for key, changed in changes.items():
            if changed is None:
                self.twin[kind].pop(key, None)
            else:
                self.twin[kind][key] = normal(changed)

    @rule(kind=st.sampled_from("SBN"), data=st.data())
    def bad_put_leaves_nothing(self, kind: str, data: st.DataObject) -> None:
        _, item = self.item(kind, data)
        item["g"] = {"N": "1"}
        error = self.dynamodb.error("BatchWriteItem", RequestItems={f"table-{kind}": [
            {"PutRequest": {"Item": self.item(kind, data)[1]}}, {"PutRequest": {"Item": item}}]})
        assert error.error_code == "ValidationException"

    @rule(kind=st.sampled_from("SBN"), data=st.data())
    def get(self, kind: str, data: st.DataObject) -> None:
        key, item = self.item(kind, data)
        wanted = {name: item[name] for name in ("pk", "sk")}
        answer = self.dynamodb.call("GetItem", TableName=f"table-{kind}", Key=wanted)
        assert answer.get("Item") == self.twin[kind].get(key)
        answer = self.dynamodb.call("BatchGetItem", RequestItems={f"table-{kind}": {"Keys": [wanted]}})
        assert answer["Responses"][f"table-{kind}"] == [item for item in [self.twin[kind].get(key)] if item]

    @rule(kind=st.sampled_from("SBN"), data=st.data(), pk=HASHES, reverse=st.booleans(), limit=st.integers(1, 4),
          operator=st.sampled_from([None, *OPERATORS, "BETWEEN", "begins_with"]))
    def query(self, kind: str, data: st.DataObject, pk: str, reverse: bool, limit: int, operator: str | None) -> None:
        condition, holds, given = self.condition(kind, operator, data)
        if condition is None:
            return
        expected = sorted((sort for hash_, sort in self.twin[kind] if hash_ == pk and holds(sort)), reverse=reverse)
        found = [item for page in self.dynamodb.pages(
            "Query", TableName=f"table-{kind}", Limit=limit, ScanIndexForward=not reverse,
            KeyConditionExpression="pk = :pk" + condition, ExpressionAttributeValues={":pk": {"S": pk}, **given},
        ) for item in page["Items"]]
        assert found == [self.twin[kind][pk, sort] for sort in expected]

    def condition(self, kind: str, operator: str | None, data: st.DataObject) -> tuple[str | None, Any, dict[str, Any]]:
        if operator is None:
            return "", lambda sort: True, {}
        low = data.draw(SORTS[kind])
        bound = KEYS[kind](low)
        if operator == "begins_with":
            if kind == "N":
                return None, None, {}
            return " AND begins_with(sk, :a)", lambda sort: sort.startswith(bound), {":a": low}
        if operator == "BETWEEN":
            high = data.draw(SORTS[kind])
            top = KEYS[kind](high)
            if top < bound:
                low, high, bound, top = high, low, top, bound
            return " AND sk BETWEEN :a AND :b", lambda sort: bound <= sort <= top, {":a": low, ":b": high}
        return f" AND sk {operator} :a", lambda sort: OPERATORS[operator](sort, bound), {":a": low}

    @rule(kind=st.sampled_from("SBN"), pk=HASHES, reverse=st.booleans(), limit=st.integers(1, 4))
    def query_local_index(self, kind: str, pk: str, reverse: bool, limit: int) -> None:
        found = [item for page in self.dynamodb.pages(
            "Query", TableName=f"table-{kind}", IndexName="by-l", Limit=limit, ScanIndexForward=not reverse,
            KeyConditionExpression="pk = :pk AND l >= :l",
            ExpressionAttributeValues={":pk": {"S": pk}, ":l": {"N": "-1"}},
        ) for item in page["Items"]]
        expected = [item for (hash_, _), item in sorted(self.twin[kind].items())
                    if hash_ == pk and "l" in item and int(item["l"]["N"]) >= -1]
        expected.sort(key=lambda item: int(item["l"]["N"]))
        assert found == (expected[::-1] if reverse else expected)

    @rule(kind=st.sampled_from("SBN"), group=GROUPS, limit=st.integers(1, 4))
    def query_global_index(self, kind: str, group: str, limit: int) -> None:
        found = [item for page in self.dynamodb.pages(
            "Query", TableName=f"table-{kind}", IndexName="by-g", Limit=limit, KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": group}},
        ) for item in page["Items"]]
        expected = [{name: item[name] for name in ("pk", "sk", "g")} for item in self.twin[kind].values()
                    if item.get("g") == {"S": group}]
        assert [KEYS[kind](item["sk"]) for item in found] == sorted(KEYS[kind](item["sk"]) for item in expected)
        assert sorted(map(repr, map(sorted_items, found))) == sorted(map(repr, map(sorted_items, expected)))

    @rule(kind=st.sampled_from("SBN"), total=st.integers(1, 5), limit=st.integers(1, 7))
    def scan_in_segments(self, kind: str, total: int, limit: int) -> None:
        found = [item for segment in range(total) for page in self.dynamodb.pages(
            "Scan", TableName=f"table-{kind}", Segment=segment, TotalSegments=total, Limit=limit,
        ) for item in page["Items"]]
        assert sorted(map(repr, map(sorted_items, found))) == sorted(
            map(repr, map(sorted_items, self.twin[kind].values())))

    @rule(kind=st.sampled_from("SBN"))
    @precondition(lambda self: any(self.twin.values()))
    def make_anew(self, kind: str) -> None:
        self.dynamodb.call("DeleteTable", TableName=f"table-{kind}")
        self.create(kind)

    @invariant()
    def counts_are_exact(self) -> None:
        for kind, items in self.twin.items():
            table = self.dynamodb.call("DescribeTable", TableName=f"table-{kind}")["Table"]
            assert table["ItemCount"] == len(items)
            assert table["TableSizeBytes"] == sum(map(values.measure, items.values()))
            (index,) = table["GlobalSecondaryIndexes"]
            kept = [{name: item[name] for name in ("pk", "sk", "g")} for item in items.values() if "g" in item]
            assert (index["ItemCount"], index["IndexSizeBytes"]) == (len(kept), sum(map(values.measure, kept)))


def sorted_items(item: Item) -> list[tuple[str, Any]]:
    return sorted(item.items())


Tables.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, print_blob=True)
TestTables = Tables.TestCase

