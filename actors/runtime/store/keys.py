"""Logical keys of up to KEY_LIMIT_BYTES on LMDB's keys of at most 511 bytes, order kept.

A logical key starts with one byte, its space. Up to DIRECT_LIMIT_BYTES it is LMDB's key as it is. Of a longer one the
first DIRECT_LIMIT_BYTES and a marker make a *pointer* row, the only kind with 511 bytes, whose value is the u64 id of a
continuation; what remains of the key lives under `CONTINUATION | id | rest`, where the same rule holds again. A pointer
sorts after the direct key it extends and before any other, so byte order is kept at every level. Pointers that lead
nowhere are pruned by the deletion that empties them. Why not a hash or an overflow row: DESIGN.md.

Not here: what the keys mean; who may write.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

from actors.runtime.store.transaction import KEY_LIMIT_BYTES

# Spaces: the first byte of every logical key. The numbers are on disk.
ROWS = b"\x01"                            # what services store
CONTINUATION = b"\x02"                    # of long keys; never the space of a logical key
OUTBOX = b"\x03"                          # events not yet published
POSITIONS = b"\x04"                       # of the outbox's readers
JOBS = b"\x05"

LMDB_KEY_LIMIT_BYTES = 511
DIRECT_LIMIT_BYTES = LMDB_KEY_LIMIT_BYTES - 1
_MARKER = b"\x00"                         # its value says nothing: only the length does
_ID = Struct(">Q")
_CONTINUATION_END = b"\x03"
_LIMIT_BYTES = KEY_LIMIT_BYTES + 1        # with the space

LmdbTransaction = Any                     # lmdb has no types
LmdbCursor = Any


def after_prefix(prefix: bytes) -> bytes:
    """The least key above every key that starts with `prefix`: the `stop` of a scan over it."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return b"\xff" * (KEY_LIMIT_BYTES + 1)
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))


def get(transaction: LmdbTransaction, key: bytes) -> bytes | None:
    if len(key) > DIRECT_LIMIT_BYTES:
        path = _path(transaction, key)
        if path is None:
            return None
        key = path[-1]
    value: bytes | None = transaction.get(key)
    return value


def put(transaction: LmdbTransaction, key: bytes, value: bytes) -> None:
    if len(key) > DIRECT_LIMIT_BYTES:
        key = _make_path(transaction, key)
    transaction.put(key, value)


def delete(transaction: LmdbTransaction, key: bytes) -> None:
    """Nothing when it is not there. Prunes the pointers that led only to this key."""
    if len(key) <= DIRECT_LIMIT_BYTES:
        transaction.delete(key)
        return
    path = _path(transaction, key)
    if path is None or not transaction.delete(path[-1]):
        return
    with transaction.cursor() as cursor:
        for pointer in reversed(path[:-1]):
            continuation = CONTINUATION + transaction.get(pointer)
            if cursor.set_range(continuation) and cursor.key().startswith(continuation):
                return
            transaction.delete(pointer)


def _path(transaction: LmdbTransaction, key: bytes) -> list[bytes] | None:
    """LMDB's keys on the way to a long `key`: its pointers, then its own row (which may be missing)."""
    assert DIRECT_LIMIT_BYTES < len(key) <= _LIMIT_BYTES, len(key)
    path = []
    while len(key) > DIRECT_LIMIT_BYTES:
        pointer = key[:DIRECT_LIMIT_BYTES] + _MARKER
        identity = transaction.get(pointer)
        if identity is None:
            return None
        path.append(pointer)
        key = CONTINUATION + identity + key[DIRECT_LIMIT_BYTES:]
    path.append(key)
    return path


def _make_path(transaction: LmdbTransaction, key: bytes) -> bytes:
    """LMDB's key of a long `key`, its pointers created where they are missing."""
    assert DIRECT_LIMIT_BYTES < len(key) <= _LIMIT_BYTES, len(key)
    while len(key) > DIRECT_LIMIT_BYTES:
        pointer = key[:DIRECT_LIMIT_BYTES] + _MARKER
        identity = transaction.get(pointer)
        if identity is None:
            identity = _next_identity(transaction, pointer)
            transaction.put(pointer, identity)
        key = CONTINUATION + identity + key[DIRECT_LIMIT_BYTES:]
    return key


def _next_identity(transaction: LmdbTransaction, pointer: bytes) -> bytes:
    """An id above all in use: those that rows have, and that of the path being made, whose rows are still to come."""
    highest = 0
    with transaction.cursor() as cursor:
        found = cursor.prev() if cursor.set_range(_CONTINUATION_END) else cursor.last()
        if found and cursor.key()[:1] == CONTINUATION:
            highest = _ID.unpack_from(cursor.key(), 1)[0]
    if pointer[:1] == CONTINUATION:
        highest = max(highest, _ID.unpack_from(pointer, 1)[0])
    packed: bytes = _ID.pack(highest + 1)
    return packed


def scan(
    transaction: LmdbTransaction, space: bytes, start: bytes, stop: bytes | None, *, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """Rows of a space with start <= key < stop (None: to its end) in byte order; start, stop, key without the space."""
    walk = _backward if reverse else _forward
    return walk(transaction, space, b"", start, stop)


# A level is the rows under one `prefix` of LMDB's keys (a space, or a continuation), which stand for the logical keys
# `logical | rest`; `start` and `stop` bound that rest (`stop` None: to the level's end). Bounds are compared as LMDB's
# keys; the one pointer that a long bound runs through has that bound's own position.

def _forward(
    transaction: LmdbTransaction, prefix: bytes, logical: bytes, start: bytes, stop: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    skip = len(prefix)
    end = after_prefix(prefix) if stop is None else _position(prefix, stop)
    cursor = transaction.cursor()
    if not cursor.set_range(_position(prefix, start)):
        return
    for key, value in cursor:
        if len(key) < LMDB_KEY_LIMIT_BYTES:
            if key >= end:
                return
            yield logical + key[skip:], value
        else:
            if key > end:
                return
            head = key[skip:-1]
            yield from _forward(transaction, CONTINUATION + value, logical + head, _below(head, start) or b"",
                                _below(head, stop))


def _backward(
    transaction: LmdbTransaction, prefix: bytes, logical: bytes, start: bytes, stop: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    skip = len(prefix)
    first = _position(prefix, start)
    cursor = transaction.cursor()
    if not _seek_before(cursor, after_prefix(prefix) if stop is None else _position(prefix, stop)):
        return
    for key, value in cursor.iterprev():
        if key < first:
            return
        if len(key) < LMDB_KEY_LIMIT_BYTES:
            yield logical + key[skip:], value
        else:
            head = key[skip:-1]
            yield from _backward(transaction, CONTINUATION + value, logical + head, _below(head, start) or b"",
                                 _below(head, stop))


def _position(prefix: bytes, bound: bytes) -> bytes:
    """LMDB's least key that may hold `bound` or what follows it."""
    key = prefix + bound
    return key if len(key) <= DIRECT_LIMIT_BYTES else key[:DIRECT_LIMIT_BYTES] + _MARKER


def _below(head: bytes, bound: bytes | None) -> bytes | None:
    """`bound` as the level under `head` sees it; None where it does not lie there."""
    return bound[len(head):] if bound is not None and len(bound) > len(head) and bound.startswith(head) else None


def _seek_before(cursor: LmdbCursor, end: bytes) -> bool:
    """Stands on the last row before `end`, or on `end` itself where that is the pointer a long bound runs through."""
    if not cursor.set_range(end):
        return bool(cursor.last())
    if len(end) == LMDB_KEY_LIMIT_BYTES and cursor.key() == end:
        return True
    return bool(cursor.prev())
