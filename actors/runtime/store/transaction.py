"""What an operation sees of its shard: a Snapshot to read, a Transaction to write as well.

Keys are bytes of any length up to KEY_LIMIT_BYTES, ordered as bytes; values are bytes up to VALUE_LIMIT_BYTES.
"""

from collections.abc import Iterator
from typing import Any, Protocol

KEY_LIMIT_BYTES = 8 * 1024
VALUE_LIMIT_BYTES = 16 * 1024 * 1024


class Snapshot(Protocol):
    """A consistent view. Valid only during the call it was handed to (for a generator: until it returns)."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Rows with start <= key < stop, in key order (or its reverse), lazily."""


class Transaction(Snapshot, Protocol):
    """A Snapshot overlaid with the write sets ahead of it and its own. Raise, and nothing of it happened."""

    def now(self) -> float:
        """The shard's clock, seconds since the epoch: what is written with its time takes it from here."""

    def put(self, key: bytes, value: bytes) -> None: ...

    def delete(self, key: bytes) -> None:
        """Deleting what is not there is nothing."""

    def emit(self, reader: str, account: str, kind: str, event: dict[str, Any]) -> None:
        """An outbox row for `reader`, published after the commit on evt.<service>.<account>.<kind>, at least once, in
        order. Write one only where someone reads it."""

    def start_job(self, name: str, state: dict[str, Any]) -> None:
        """A job that begins after this transaction commits, and survives crashes (see actor.job)."""
