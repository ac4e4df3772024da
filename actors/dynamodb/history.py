"""What items were before they changed: kept only for tables that ask for it, and while a table is being copied.

    u32 history                          the moment of the last change, or the last moment somebody took
    u32 history | u64 moment             what stood there: u16 length | row's key less its space | record or nothing
    u32 0 | "c" | u32 space | u32 copy   the space is being read by that copy, which needs history past u64 moment

A moment is microseconds since the epoch, and no two changes of a table have the same: its order is the order of
commits. The state at a moment is what stands there now with every later change undone, newest first (copies.py). So a
change costs one row however often it is restored, rows are appended in order, and pruning is a range from the front.
"""

import struct
from collections.abc import Iterator
from typing import Any

from actors.dynamodb import state
from actors.dynamodb.state import catalogue_prefix, past, space_prefix
from actors.runtime.store.transaction import Snapshot, Transaction

MICROSECONDS = 1_000_000

_MOMENT = struct.Struct(">Q")
_LENGTH = struct.Struct(">H")
_SPACE = struct.Struct(">I")
_COPIES = catalogue_prefix("copy")
SPACE_BYTES = _SPACE.size

Change = tuple[int, bytes, bytes | None]  # moment, the row's key less its space, the record before


def remember(transaction: Transaction, prefix: bytes, key: bytes, before: bytes | None) -> None:
    """One change of the row `key`, in the transaction that makes it. `prefix`: the history's."""
    moment = _MOMENT.pack(_next(transaction, prefix))
    transaction.put(prefix, moment)
    row = key[SPACE_BYTES:]
    transaction.put(prefix + moment, _LENGTH.pack(len(row)) + row + (before or b""))


def _next(transaction: Transaction, prefix: bytes) -> int:
    last = transaction.get(prefix)
    now = int(transaction.now() * MICROSECONDS)
    return now if last is None else max(now, _MOMENT.unpack(last)[0] + 1)


def take_moment(transaction: Transaction, space: int) -> int:
    """The moment of this transaction: changes committed before it are not after it, all others are."""
    prefix = space_prefix(space)
    moment = _next(transaction, prefix)
    transaction.put(prefix, _MOMENT.pack(moment))
    return moment


def last_moment(snapshot: Snapshot, space: int) -> int:
    record = snapshot.get(space_prefix(space))
    return 0 if record is None else int(_MOMENT.unpack(record)[0])


def changes(snapshot: Snapshot, space: int, after: int, until: int) -> Iterator[Change]:
    """The changes of after < moment <= until, newest first."""
    prefix = space_prefix(space)
    rows = snapshot.scan(prefix + _MOMENT.pack(after + 1), prefix + _MOMENT.pack(until + 1), reverse=True)
    return map(_change, rows)


def forward(snapshot: Snapshot, space: int, begin: int, end: int) -> Iterator[Change]:
    """The changes of begin <= moment < end, oldest first."""
    prefix = space_prefix(space)
    return map(_change, snapshot.scan(prefix + _MOMENT.pack(begin), prefix + _MOMENT.pack(end)))


def _change(row: tuple[bytes, bytes]) -> Change:
    key, record = row
    end = _LENGTH.size + _LENGTH.unpack_from(record)[0]
    return _MOMENT.unpack(key[SPACE_BYTES:])[0], record[_LENGTH.size:end], record[end:] or None


def oldest(snapshot: Snapshot, space: int, before: int) -> Iterator[bytes]:
    """The keys of changes of moment < before, oldest first."""
    prefix = space_prefix(space)
    for key, _ in snapshot.scan(prefix + _MOMENT.pack(0), prefix + _MOMENT.pack(before)):
        yield key


def mark(transaction: Transaction, space: int, copy: int, moment: int) -> None:
    transaction.put(_copy_key(space, copy), _MOMENT.pack(moment))


def unmark(transaction: Transaction, space: int, copy: int) -> None:
    transaction.delete(_copy_key(space, copy))


def copied_from(snapshot: Snapshot, space: int) -> int | None:
    """The earliest moment a copy under way needs of this space; None when nothing reads it."""
    start = _COPIES + _SPACE.pack(space)
    return min((_MOMENT.unpack(record)[0] for _, record in snapshot.scan(start, past(start))), default=None)


def _copy_key(space: int, copy: int) -> bytes:
    return _COPIES + _SPACE.pack(space) + _SPACE.pack(copy)


def begin(transaction: Transaction, record: dict[str, Any]) -> int:
    """The space of a table's history, which begins now unless there is one. `record` is to be saved."""
    if "history" not in record:
        record["history"] = {"space": state.next_space(transaction)}
    space: int = record["history"]["space"]
    return space


def is_wanted(snapshot: Snapshot, record: dict[str, Any]) -> bool:
    """Does anybody still need the table's history: point-in-time recovery, or a copy under way?"""
    kept = record["history"]
    return "since" in kept or copied_from(snapshot, kept["space"]) is not None
