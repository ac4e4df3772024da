"""Item collections: the sizes of the partitions of a table with local indexes, their entries in these indexes included.

    u32 space | hash     bytes
    u32 space            while the rows of an older table are counted: the last one that was, less its space

A size changes in the transaction of the write that changes it; tables without local indexes have none of this. A table
from before sizes were kept gets its space with its next write, and a job counts what stands in it, in the order of the
rows: a write to a row that the job has not reached is left to the job.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html#LSI.ItemCollections
"""

import struct
from typing import Any

from actors.dynamodb import state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.values import Item, measure
from actors.dynamodb.errors import ItemCollectionSizeLimitExceededException
from actors.dynamodb.state import HASH_BYTES, Table
from actors.dynamodb.table_records import record_of, save
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.store.transaction import Snapshot, Transaction

COUNT_JOB = "count_collections"
GB = 1024 ** 3

_SIZE = struct.Struct(">Q")


def follow(
    transaction: Transaction, table: Table, key: bytes, before: bytes | None, after: Item | None, size: int,
    *, is_decided: bool = False,
) -> int:
    """The size of the collection of row `key` once its record `before` is the item `after` of `size` bytes.

    ItemCollectionSizeLimitExceededException, before anything is written, when it grows past the table's limit, unless
    the write `is_decided` already.
    """
    if table.collections is None:
        begin(transaction, table)
        return 0
    was = 0 if before is None else weight(table, state.unpack_item(before), state.item_size(before))
    growth = (0 if after is None else weight(table, after, size)) - was
    known = size_at(transaction, table, key)
    if not growth or not _is_counted(transaction, table, key):
        return known
    if growth > 0 and known + growth > table.collection_limit_bytes and not is_decided:
        raise ItemCollectionSizeLimitExceededException
    _put(transaction, table, key, known + growth)
    return known + growth


def weight(table: Table, item: Item, size: int) -> int:
    """Bytes of an item of `size` bytes, and of what local indexes keep of it."""
    return size + sum(measure(index.view(item)) for index in table.indexes if not index.is_global and index.holds(item))


def size_at(snapshot: Snapshot, table: Table, key: bytes) -> int:
    """Of the collection of the table's row `key`; of one that is not counted yet, what is."""
    record = None if table.collections is None else snapshot.get(_row(table, key))
    return 0 if record is None else int(_SIZE.unpack(record)[0])


def _row(table: Table, key: bytes) -> bytes:
    assert table.collections is not None, table.table_name
    start = len(table.prefix)
    return table.collections + key[start:start + HASH_BYTES]


def _put(transaction: Transaction, table: Table, key: bytes, size: int) -> None:
    assert size >= 0, table.table_name
    if size:
        transaction.put(_row(table, key), _SIZE.pack(size))
    else:
        transaction.delete(_row(table, key))


# --- a table from before sizes were kept


def begin(transaction: Transaction, table: Table) -> None:
    """Gives the table a space for its sizes and starts counting, unless this transaction did."""
    record = record_of(transaction, table)
    if "collections" in record:
        return
    space = state.next_space(transaction)
    record["collections"] = {"space": space, "counting": True}
    save(transaction, record)
    transaction.put(state.space_prefix(space), b"")
    transaction.start_job(COUNT_JOB, {"table": [table.account, table.region, table.table_name], "space": space})


def _is_counted(transaction: Transaction, table: Table, key: bytes) -> bool:
    if not table.is_counting:
        return True
    assert table.collections is not None
    last = transaction.get(table.collections)
    return last is not None and key[len(table.prefix):] <= last


def count_step(tables: Catalogue, transaction: Transaction, job: dict[str, Any]) -> dict[str, Any] | None:
    """Counts some more rows; ends early when the table is gone."""
    account, region, name = job["table"]
    table = tables.find(transaction, (account, region), name)
    if table is None or table.collections != state.space_prefix(job["space"]):
        return None
    start, stop = table.item_range()
    last = transaction.get(table.collections)
    rows = list(bounded(transaction.scan(table.prefix + last + b"\0" if last else start, stop), JOB_STEP_ROWS // 2))
    for key, row in rows:
        more = weight(table, state.unpack_item(row), state.item_size(row))
        _put(transaction, table, key, size_at(transaction, table, key) + more)
    if rows:
        transaction.put(table.collections, rows[-1][0][len(table.prefix):])
        return job
    transaction.delete(table.collections)
    record = record_of(transaction, table)
    del record["collections"]["counting"]
    save(transaction, record)
    return None
