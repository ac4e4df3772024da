"""The two views of a shard: Committed is a Snapshot on an LMDB read transaction, Overlay a Transaction over it.

Not here: when a view is opened and what becomes of a write set (shard.py).
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from actors.runtime.store import keys
from actors.runtime.store.transaction import KEY_LIMIT_BYTES, VALUE_LIMIT_BYTES
from bus.codec import pack

WriteSet = dict[bytes, bytes | None]      # by logical key with its space; None deletes
_ROWS = keys.ROWS
_DIRECT = keys.DIRECT_LIMIT_BYTES
_ABSENT = object()
REMEMBERED_ROWS = 64                      # of one snapshot
REMEMBERED_LIMIT_BYTES = 4096             # a larger row is read each time


class Committed:
    """Snapshot of what is committed. Valid until its LMDB transaction ends."""

    __slots__ = ("_remembered", "_transaction")

    def __init__(self, transaction: keys.LmdbTransaction) -> None:
        self._transaction = transaction
        self._remembered: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.get_raw(_ROWS + key)

    def get_raw(self, key: bytes) -> bytes | None:
        """By logical key with its space. A snapshot never changes, so its first rows are remembered: those that every
        request asks for (its bucket, its table) are among them, and LMDB gives up the GIL with each question."""
        value: Any = self._remembered.get(key, _ABSENT)
        if value is _ABSENT:
            value = keys.get(self._transaction, key)
            if len(self._remembered) < REMEMBERED_ROWS and (value is None or len(value) <= REMEMBERED_LIMIT_BYTES):
                self._remembered[key] = value
        return value  # type: ignore[no-any-return]

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return keys.scan(self._transaction, _ROWS, start, stop, reverse=reverse)

    def scan_raw(
        self, space: bytes, start: bytes, stop: bytes | None, *, reverse: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        return keys.scan(self._transaction, space, start, stop, reverse=reverse)


class Overlay:
    """Transaction: what is committed, under the write sets ahead (`below`, nearest first), under its own.

    The write set is `own`. Its size counts keys and values as given. `end` makes any later use an error.
    """

    __slots__ = ("_base", "_below", "events", "jobs", "now", "own", "size_bytes")

    def __init__(self, base: Committed, below: tuple[Mapping[bytes, bytes | None], ...],
                 clock: Callable[[], float] = time.time) -> None:
        self.now = clock
        self._base = base
        self._below = below
        self.own: WriteSet = {}
        self.size_bytes = 0
        self.events: list[tuple[str, bytes]] | None = None      # (reader, record): sequences come with the batch
        self.jobs: list[tuple[str, bytes]] | None = None        # (name, record)

    @property
    def has_changes(self) -> bool:
        return bool(self.own) or self.events is not None or self.jobs is not None

    def get(self, key: bytes) -> bytes | None:
        return self.get_raw(_ROWS + key)

    def get_raw(self, key: bytes) -> bytes | None:
        """By logical key with its space."""
        value: Any = self.own.get(key, _ABSENT)
        if value is not _ABSENT:
            return value  # type: ignore[no-any-return]
        for writes in self._below:
            value = writes.get(key, _ABSENT)
            if value is not _ABSENT:
                return value  # type: ignore[no-any-return]
        return self._base.get_raw(key)

    def put(self, key: bytes, value: bytes) -> None:
        size = len(value)
        assert isinstance(value, bytes), type(value)
        assert len(key) <= KEY_LIMIT_BYTES, f"key of {len(key)} bytes"
        assert size <= VALUE_LIMIT_BYTES, f"value of {size} bytes"
        self.size_bytes += size + len(key)
        self.own[_ROWS + key] = value

    def delete(self, key: bytes) -> None:
        assert len(key) <= KEY_LIMIT_BYTES, f"key of {len(key)} bytes"
        self.size_bytes += len(key)
        self.own[_ROWS + key] = None

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """What is written after the call does not change what it yields."""
        base = self._base.scan(start, stop, reverse=reverse)
        changed: WriteSet = {}
        low, high = _ROWS + start, _ROWS + stop
        for writes in (*reversed(self._below), self.own):
            for key, value in writes.items():
                if low <= key < high:
                    changed[key] = value
        return _merged(base, changed, reverse) if changed else base

    def emit(self, reader: str, account: str, kind: str, event: dict[str, Any]) -> None:
        record = pack((account, kind, event))
        assert len(record) <= VALUE_LIMIT_BYTES, f"event of {len(record)} bytes"
        if self.events is None:
            self.events = []
        self.events.append((reader, record))

    def start_job(self, name: str, state: dict[str, Any]) -> None:
        if self.jobs is None:
            self.jobs = []
        self.jobs.append((name, pack({"name": name, "state": state})))

    def put_raw(self, key: bytes, value: bytes | None) -> None:
        """By logical key with its space; None deletes. The store's own rows."""
        self.size_bytes += len(key) + (0 if value is None else len(value))
        self.own[key] = value

    def end(self) -> None:
        del self.own, self._base


def _merged(base: Iterator[tuple[bytes, bytes]], changed: WriteSet, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
    """`base` with `changed` (keys with their space) laid over it, in the order of both."""
    waiting = sorted(((key[1:], value) for key, value in changed.items()), reverse=not reverse, key=_first)
    for key, value in base:
        while waiting and (waiting[-1][0] > key if reverse else waiting[-1][0] < key):
            ahead, new = waiting.pop()
            if new is not None:
                yield ahead, new
        if waiting and waiting[-1][0] == key:
            new = waiting.pop()[1]
            if new is not None:
                yield key, new
        else:
            yield key, value
    while waiting:
        ahead, new = waiting.pop()
        if new is not None:
            yield ahead, new


def _first(row: tuple[bytes, Any]) -> bytes:
    return row[0]
