"""The one place where items change: the item's row, the table's statistics, the entries in its indexes, the change in
its stream, its place among the items that expire.

Whoever writes an item goes through `replace` or `remove`, so that all of these go with it in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.dynamodb import expiry, history, item_collections, state, streams
from actors.dynamodb.engine.values import Item, measure
from actors.dynamodb.errors import TransactionConflictException
from actors.dynamodb.state import Index, Table
from actors.runtime.store.transaction import Snapshot, Transaction

WRITE_UNIT_BYTES = 1024
NO_INDEX_UNITS: Mapping[str, int] = {}

_LOCKS = state.catalogue_prefix("lock")


@dataclass(slots=True)
class Written:
    """What a write cost: the larger of the item before and after, and write units by name of the index it changed.
    `collection_size`: of its item collection now, where there are such."""

    size: int
    index_units: Mapping[str, int] = field(default_factory=dict)
    collection_size: int = 0


def read(snapshot: Snapshot, key: bytes) -> Item | None:
    record = snapshot.get(key)
    return None if record is None else state.unpack_item(record)


def lock_key(key: bytes) -> bytes:
    return _LOCKS + key


def is_locked(snapshot: Snapshot, table: Table, key: bytes) -> bool:
    """Does a transaction of several shards hold this item (intents.py)?"""
    return table.has_locks and snapshot.get(_LOCKS + key) is not None


def replace(
    transaction: Transaction, table: Table, key: bytes, item: Item, size: int, before: bytes | None,
    *, is_decided: bool = False,
) -> Written:
    """Puts an admitted item of `size` bytes in the place of the record `before` (None: nothing stood there).

    TransactionConflictException, ItemCollectionSizeLimitExceededException: before anything is written. `is_decided`: a
    write that others rely on, whatever the size of its collection.
    """
    if table.has_locks:
        _refuse_locked(transaction, table, key)
    collection_size = 0
    if table.has_collections:
        collection_size = item_collections.follow(
            transaction, table, key, before, item, size, is_decided=is_decided)
    record = state.pack_item(item, size)
    transaction.put(key, record)
    if table.history is not None:
        history.remember(transaction, table.history, key, before)
    size_before = 0 if before is None else state.item_size(before)
    state.count(transaction, table.prefix, before is None, size - size_before)
    units = NO_INDEX_UNITS
    if table.indexes:
        old = None if before is None else state.unpack_item(before)
        units = _reindex(transaction, table, key, old, item)
    if table.stream_prefix is not None:
        streams.note(transaction, table, before, record)
    if table.expiry_prefix is not None:
        expiry.follow(transaction, table, key, before, item)
    return Written(max(size, size_before), units, collection_size)


def remove(
    transaction: Transaction, table: Table, key: bytes, before: bytes | None, *, is_expiry: bool = False
) -> Written:
    """Removes what stands there, if anything does. `is_expiry`: because its time to live is over.
    TransactionConflictException."""
    if table.has_locks:
        _refuse_locked(transaction, table, key)
    if before is None:
        return untouched(transaction, table, key)
    collection_size = 0
    if table.has_collections:
        collection_size = item_collections.follow(transaction, table, key, before, None, 0)
    transaction.delete(key)
    if table.history is not None:
        history.remember(transaction, table.history, key, before)
    size = state.item_size(before)
    state.count(transaction, table.prefix, -1, -size)
    units = NO_INDEX_UNITS
    if table.indexes:
        units = _reindex(transaction, table, key, state.unpack_item(before), None)
    if table.stream_prefix is not None:
        streams.note(transaction, table, before, None, is_expiry=is_expiry)
    if table.expiry_prefix is not None:
        expiry.follow(transaction, table, key, before, None)
    return Written(size, units, collection_size)


def untouched(snapshot: Snapshot, table: Table, key: bytes) -> Written:
    """A write that found nothing and leaves nothing."""
    size = item_collections.size_at(snapshot, table, key) if table.has_collections else 0
    return Written(0, NO_INDEX_UNITS, size)


def _refuse_locked(transaction: Transaction, table: Table, key: bytes) -> None:
    if is_locked(transaction, table, key):
        raise TransactionConflictException


def _reindex(
    transaction: Transaction, table: Table, key: bytes, old: Item | None, new: Item | None
) -> dict[str, int]:
    changes = {index.name: reindex(transaction, index, key, old, new) for index in table.indexes}
    return {name: units for name, units in changes.items() if units}


def reindex(transaction: Transaction, index: Index, key: bytes, old: Item | None, new: Item | None) -> int:
    """Brings one index's entry for the table's row `key` from `old` to `new`; the write units it took.

    None when what the index keeps is the same, two writes when its key changed: measured on AWS by the public
    dynamodb-conformance suite.
    """
    was = index.view(old) if old is not None and index.holds(old) else None
    now = index.view(new) if new is not None and index.holds(new) else None
    if was == now:
        return 0
    units = 0
    held = was is not None
    entry_was = None if was is None else index.entry(was, key)
    entry_now = None if now is None else index.entry(now, key)
    size_was = 0 if was is None else measure(was)
    size_now = 0 if now is None else measure(now)
    if index.is_filling:
        held, size_was = _standing(transaction, entry_was or entry_now)
    if entry_was is not None and entry_was != entry_now:
        transaction.delete(entry_was)
        units += write_units(size_was)
    if entry_now is not None:
        assert now is not None
        transaction.put(entry_now, state.pack_item(now, size_now))
        units += write_units(size_now)
    state.count(transaction, index.prefix, (now is not None) - held, size_now - size_was)
    return units


def _standing(transaction: Transaction, entry: bytes | None) -> tuple[bool, int]:
    """Is the entry there, and its size: an index being filled does not hold every item yet."""
    record = None if entry is None else transaction.get(entry)
    return (False, 0) if record is None else (True, state.item_size(record))


def write_units(size: int) -> int:
    """Write request units for `size` bytes; nothing at all still costs one."""
    return -(-size // WRITE_UNIT_BYTES) or 1
