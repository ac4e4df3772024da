"""The sizes of item collections: kept by every write, counted in tables from before, limited.

Behaviour: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections (a collection:
the items of a partition key with what local indexes keep of them); sizes are held against measuring everything anew.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb import item_collections, state
from actors.dynamodb.capacity import collection_metrics
from actors.dynamodb.engine.values import measure
from actors.dynamodb.rows import Written
from actors.dynamodb.service import DynamoDB
from actors.runtime.store.transaction import Snapshot, Transaction
from tests.actors.dynamodb.caller import ACCOUNT, REGION, Caller, open_caller

TABLE = "threads"
SCOPE = (ACCOUNT, REGION)
LIMIT_BYTES = 4000
EXCEEDED = "ItemCollectionSizeLimitExceededException"
INDEXES: list[dict[str, Any]] = [
    {"IndexName": "by-n", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}]},
    {"IndexName": "by-m", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "m", "KeyType": "RANGE"}]},
]


def create(dynamodb: Caller, name: str = TABLE) -> None:
    dynamodb.create(name, "pk", "sk", attributes={"n": "N", "m": "S"}, LocalSecondaryIndexes=INDEXES)


def item(pk: str, sk: str, n: int | None = None, m: str | None = None, size: int = 0) -> dict[str, Any]:
    optional = {"n": n is not None and {"N": str(n)}, "m": m is not None and {"S": m}, "x": size and {"S": "x" * size}}
    return {"pk": {"S": pk}, "sk": {"S": sk}, **{name: value for name, value in optional.items() if value}}


def sizes(dynamodb: Caller, name: str = TABLE) -> dict[str, int]:
    """By partition key, as the table keeps them."""

    def read(snapshot: Snapshot) -> dict[str, int]:
        table = dynamodb.actor.tables.table(snapshot, SCOPE, name)
        assert not table.is_counting
        found = {pk: item_collections.size_at(snapshot, table, table.partition({"pk": {"S": pk}})) for pk in "abc"}
        assert table.collections is not None
        kept = snapshot.scan(table.collections, state.past(table.collections))
        assert sum(1 for _ in kept) == sum(1 for size in found.values() if size), "an empty collection leaves no row"
        return {pk: size for pk, size in found.items() if size}

    return dynamodb.store.read(read)  # type: ignore[no-any-return]


def measured(dynamodb: Caller, name: str = TABLE) -> dict[str, int]:
    """The same by measuring every item and what the indexes show of it."""
    total: Counter[str] = Counter()
    for index in (None, "by-n", "by-m"):
        asked = {} if index is None else {"IndexName": index}
        for page in dynamodb.pages("Scan", TableName=name, **asked):
            for each in page["Items"]:
                total[each["pk"]["S"]] += measure(each)
    return dict(total)


def forget(transaction: Transaction) -> None:
    """Makes the table one of a directory from before sizes were kept."""
    key = state.table_key(*SCOPE, TABLE)
    record = state.unpack_table(transaction.get(key) or b"")
    space = state.space_prefix(record.pop("collections")["space"])
    for row, _ in list(transaction.scan(space, state.past(space))):
        transaction.delete(row)
    transaction.put(key, state.pack_table(record))


@pytest.fixture
def dynamodb(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path / "store", actor=DynamoDB(LIMIT_BYTES)) as caller:
        create(caller)
        yield caller


KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from("12345"))
WRITE = st.tuples(KEYS, st.sampled_from(["put", "put", "update", "delete"]), st.none() | st.integers(0, 99),
                  st.none() | st.sampled_from(["m", "mm"]), st.integers(0, 30))


def write(dynamodb: Caller, one: Any) -> None:
    (pk, sk), kind, n, m, size = one
    key = item(pk, sk)
    if kind == "put":
        dynamodb.call("PutItem", TableName=TABLE, Item=item(pk, sk, n, m, size))
    elif kind == "update":
        dynamodb.call("UpdateItem", TableName=TABLE, Key=key, UpdateExpression="SET x = :x REMOVE n",
                      ExpressionAttributeValues={":x": {"S": "y" * size}})
    else:
        dynamodb.call("DeleteItem", TableName=TABLE, Key=key)


# Whatever is written, in a table with sizes and in one from before, whose rows a job counts two at a time while writes
# go on between its steps: in the end each size is what measuring everything gives.
@settings(max_examples=40, deadline=None, print_blob=True)
@given(before=st.lists(WRITE, max_size=12), rounds=st.lists(st.lists(WRITE, max_size=4), max_size=8), old=st.booleans())
def test_sizes_are_those_of_what_is_there(before: list[Any], rounds: list[list[Any]], old: bool) -> None:
    with tempfile.TemporaryDirectory() as directory, open_caller(Path(directory)) as dynamodb, \
            pytest.MonkeyPatch.context() as patch:
        create(dynamodb)
        for one in before:
            write(dynamodb, one)
        if old:
            step = item_collections.count_step

            def slowly(tables: Any, transaction: Transaction, job: Any) -> Any:
                after = step(tables, transaction, job)
                return after if after is None else {**after, "wake_at": transaction.now() + 1}

            patch.setattr(item_collections, "JOB_STEP_ROWS", 4)
            patch.setattr(item_collections, "count_step", slowly)
            dynamodb.store.transact(forget)
            write(dynamodb, (("a", "1"), "put", 1, "m", 5))
        for writes in rounds:
            for one in writes:
                write(dynamodb, one)
            dynamodb.store.loop.advance(1)
        dynamodb.store.loop.advance(60)
        assert sizes(dynamodb) == measured(dynamodb)
        assert dynamodb.store.loop.reported == []


# A write that makes a collection larger than may be is refused in each operation's own form, and leaves nothing; what
# makes it smaller, and other collections, go on. Wording: the developer guide's Programming.Errors.
def test_the_limit(dynamodb: Caller) -> None:
    for n in range(3):
        dynamodb.call("PutItem", TableName=TABLE, Item=item("a", str(n), size=1000))
    full, before = item("a", "9", size=1200), sizes(dynamodb)
    put = {"Put": {"TableName": TABLE, "Item": full}}
    error = dynamodb.error("PutItem", TableName=TABLE, Item=full)
    assert (error.error_code, error.message) == (EXCEEDED, "Collection size exceeded.")
    assert dynamodb.error("UpdateItem", TableName=TABLE, Key=item("a", "1"), UpdateExpression="SET y = :y",
                          ExpressionAttributeValues={":y": {"S": "y" * 1200}}).error_code == EXCEEDED
    assert dynamodb.error("BatchWriteItem", RequestItems={TABLE: [
        {"PutRequest": {"Item": item("b", "1")}}, {"PutRequest": {"Item": full}}]}).error_code == EXCEEDED
    cancelled = dynamodb.error("TransactWriteItems", TransactItems=[
        {"Put": {"TableName": TABLE, "Item": item("b", "1")}}, put])
    assert cancelled.fields["CancellationReasons"] == [
        {"Code": "None"}, {"Code": "ItemCollectionSizeLimitExceeded", "Message": "Collection size exceeded."}]
    told = dynamodb.call("BatchExecuteStatement", Statements=[
        {"Statement": f"INSERT INTO {TABLE} VALUE {{'pk': 'a', 'sk': '9', 'n': 1, 'x': '{'x' * 1200}'}}"}])
    assert told["Responses"][0]["Error"] == {
        "Code": "ItemCollectionSizeLimitExceeded", "Message": "Collection size exceeded."}
    assert sizes(dynamodb) == measured(dynamodb) == before
    dynamodb.call("PutItem", TableName=TABLE, Item=item("b", "1", size=1200))
    dynamodb.call("DeleteItem", TableName=TABLE, Key=item("a", "0"))
    dynamodb.call("PutItem", TableName=TABLE, Item=full)


# Whole gigabytes around the size: what AWS's example shows of a small one, and of one between two limits.
def test_the_estimate(dynamodb: Caller) -> None:
    told = dynamodb.call("PutItem", TableName=TABLE, Item=item("a", "1", n=1), ReturnItemCollectionMetrics="SIZE")
    assert told["ItemCollectionMetrics"]["SizeEstimateRangeGB"] == [0.0, 1.0]
    table = dynamodb.store.read(lambda snapshot: dynamodb.actor.tables.table(snapshot, SCOPE, TABLE))
    large = Written(1, {}, int(3.5 * item_collections.GB))
    assert collection_metrics(table, item("a", "1"), large) == {
        "ItemCollectionKey": {"pk": {"S": "a"}}, "SizeEstimateRangeGB": [3.0, 4.0]}


# A restored table's sizes are kept from its first row on; a deleted table's go with it.
def test_restored_and_deleted_tables(dynamodb: Caller) -> None:
    for sk in "12345":
        dynamodb.call("PutItem", TableName=TABLE, Item=item("a", sk, n=1, m="m"))
    arn = dynamodb.call("CreateBackup", TableName=TABLE, BackupName="one")["BackupDetails"]["BackupArn"]
    dynamodb.store.loop.advance(10)
    rows = dynamodb.rows()
    dynamodb.call("RestoreTableFromBackup", BackupArn=arn, TargetTableName="again")
    dynamodb.store.loop.advance(10)
    assert sizes(dynamodb, "again") == sizes(dynamodb) == measured(dynamodb)
    dynamodb.call("DeleteTable", TableName="again")
    dynamodb.store.loop.advance(10)
    assert dynamodb.rows() == rows
