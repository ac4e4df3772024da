"""Every condition on a sort key, in both directions, in pages of every size: the same rows as a sorted list gives.

Also: pages of 1 MB before the filter, and a Query's cost in rows touched, which is what makes it an index.
"""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.store.transaction import Snapshot
from tests.actors.dynamodb.caller import Caller, open_caller

LONG = "x" * 900

# type -> (what a client sends, what Python sorts by)
CONTENTS: dict[str, st.SearchStrategy[tuple[Any, Any]]] = {
    "S": (st.text("a\0\x01ü😀", min_size=1, max_size=2) | st.sampled_from([LONG, LONG + "a", LONG + "b" * 60])
          ).map(lambda text: (text, text.encode())),
    "B": (st.binary(min_size=1, max_size=2) | st.sampled_from([b"\0", b"\0\0", b"\0\xff", b"\xff\xff", b"\0" * 1024])
          ).map(lambda data: (data, data)),
    "N": (st.integers(-3, 3).map(str) | st.sampled_from(["-1e125", "-1.05", "-1e-130", "1e-130", "0.10", "1e125"])
          ).map(lambda text: (text, Decimal(text))),
}
CONDITIONS = {
    "pk = :p": lambda k, a, b: True,
    "pk = :p AND sk = :a": lambda k, a, b: k == a,
    "pk = :p AND sk < :a": lambda k, a, b: k < a,
    "pk = :p AND sk <= :a": lambda k, a, b: k <= a,
    "pk = :p AND sk > :a": lambda k, a, b: k > a,
    "pk = :p AND :a <= sk": lambda k, a, b: k >= a,
    "pk = :p AND sk BETWEEN :a AND :b": lambda k, a, b: a <= k <= b,
    "pk = :p AND begins_with(sk, :a)": lambda k, a, b: k.startswith(a),
}


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[Caller]:
    with tempfile.TemporaryDirectory() as directory, open_caller(Path(directory) / "store") as caller:
        yield caller


@pytest.mark.parametrize("kind", CONTENTS)
@settings(max_examples=20, deadline=None, print_blob=True)
@given(data=st.data())
def test_conditions_on_the_sort_key(kind: str, data: st.DataObject) -> None:
    sorts = dict(data.draw(st.lists(CONTENTS[kind], min_size=1, max_size=12)))
    stored = sorted(set(sorts.values()))
    any_content = st.sampled_from(sorted(sorts.items(), key=lambda each: each[1])) | CONTENTS[kind]
    low, high = sorted((data.draw(any_content), data.draw(any_content)), key=lambda each: each[1])
    with tempfile.TemporaryDirectory() as directory, open_caller(Path(directory) / "store") as dynamodb:
        dynamodb.create("table", "pk", "sk", "S" + kind)
        for partition in ("p", "q"):
            for content in sorts:
                dynamodb.call("PutItem", TableName="table", Item={"pk": {"S": partition}, "sk": {kind: content}})
        for text, holds in CONDITIONS.items():
            if "begins_with" in text and kind == "N":
                continue
            given_values = {":p": {"S": "p"}, ":a": {kind: low[0]}, ":b": {kind: high[0]}}
            used = {name: value for name, value in given_values.items() if name in text}
            expected = [sort for sort in stored if holds(sort, low[1], high[1])]
            for forward in (True, False):
                limit = data.draw(st.integers(1, 5))
                found = [item["sk"][kind] for page in dynamodb.pages(
                    "Query", TableName="table", KeyConditionExpression=text, ExpressionAttributeValues=used,
                    ScanIndexForward=forward, Limit=limit) for item in page["Items"]]
                keys = [content.encode() if kind == "S" else Decimal(content) if kind == "N" else content
                        for content in found]
                assert keys == (expected if forward else expected[::-1]), (text, forward, limit)


# Pages end at 1 MB of what was read, whatever the filter let through; Count and ScannedCount tell both
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html).
def test_pages_of_one_megabyte_before_the_filter(dynamodb: Caller) -> None:
    dynamodb.create("pages", "pk", "sk", "SN")
    for number in range(30):
        dynamodb.call("PutItem", TableName="pages", Item={
            "pk": {"S": "p"}, "sk": {"N": str(number)}, "odd": {"BOOL": number % 2 == 1}, "fill": {"S": "x" * 100_000}})
    for operation, members in (("Scan", {}), ("Query", {"KeyConditionExpression": "pk = :p"})):
        values: dict[str, Any] = {":odd": {"BOOL": True}}
        if operation == "Query":
            values[":p"] = {"S": "p"}
        pages = list(dynamodb.pages(operation, TableName="pages", FilterExpression="odd = :odd", **members,
                                    ExpressionAttributeValues=values, ReturnConsumedCapacity="TOTAL"))
        assert [(page["ScannedCount"], page["Count"]) for page in pages] == [(11, 5), (11, 6), (8, 4)]
        assert sum(page["ConsumedCapacity"]["CapacityUnits"] for page in pages) == pytest.approx(30 * 100_025 / 8192, 0.01)
        counted = list(dynamodb.pages(operation, TableName="pages", Select="COUNT", **members,
                                      **({"ExpressionAttributeValues": {":p": {"S": "p"}}} if members else {})))
        assert [(page["Count"], "Items" in page) for page in counted] == [(11, False), (11, False), (8, False)]


class Touched:
    """A Snapshot that counts the rows it hands out."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rows = 0

    def get(self, key: bytes) -> bytes | None:
        self.rows += 1
        return self.snapshot.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        for row in self.snapshot.scan(start, stop, reverse=reverse):
            self.rows += 1
            yield row


# Ten items cost ten rows and the table's, in a partition of a hundred or of ten thousand, at its start, middle and end.
def test_a_query_touches_what_it_returns(dynamodb: Caller) -> None:
    dynamodb.create("large", "pk", "sk", "SN")
    for pk, count in (("few", 100), ("many", 10_000)):
        for start in range(0, count, 25):
            dynamodb.call("BatchWriteItem", RequestItems={"large": [
                {"PutRequest": {"Item": {"pk": {"S": pk}, "sk": {"N": str(number)}}}}
                for number in range(start, start + 25)]})

    def touched(pk: str, first: int, forward: bool) -> int:
        request = {"TableName": "large", "Limit": 10, "ScanIndexForward": forward,
                   "KeyConditionExpression": "pk = :p AND sk >= :n",
                   "ExpressionAttributeValues": {":p": {"S": pk}, ":n": {"N": str(first)}}}

        def reading(snapshot: Snapshot) -> Any:
            counting = Touched(snapshot)
            answer = yield from dynamodb.actor.query(dynamodb.context(), counting, request)
            assert answer["Count"] == 10
            return counting.rows

        return int(dynamodb.store.read_long(reading))

    rows = {touched(pk, first, forward) for pk, count in (("few", 100), ("many", 10_000))
            for first in (0, count // 2, count - 10) for forward in (True, False)}
    assert rows == {11}
