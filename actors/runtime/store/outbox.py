"""Events recorded with what caused them and published afterwards: in order, at least once, never before the commit.

A row is `OUTBOX | reader | 0 | u64 sequence`. A reader's sequences have no gaps. Its position (the last sequence that
was published) and the deletion of what lies behind it are committed together, a little later than the publishing, so
that a burst costs one commit: after a crash the last few events are published again, with the same sequences.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, NamedTuple

from actors.runtime.store import keys
from actors.runtime.store.batch import Batch, Request
from actors.runtime.store.errors import Overloaded
from actors.runtime.store.snapshot import Committed, Overlay
from actors.runtime.store.writer import Loop
from bus.backoff import backoff_s
from bus.codec import unpack

BACKLOG_LIMIT = 1_000_000                 # events of one reader not yet published; then its writers are refused
READER_LIMIT_BYTES = 400                  # of a reader's name: its keys stay direct
CHUNK_LIMIT, CHUNK_LIMIT_BYTES = 256, 1 << 20          # published together
PRUNE_WAIT_S, PRUNE_LIMIT = 0.05, 4096                 # positions are committed this late, rows deleted together
RETRY_WAIT_S, RETRY_WAIT_LIMIT_S = 0.1, 10.0
_SEQUENCE = Struct(">Q")


class Event(NamedTuple):
    """To be published on evt.<service>.<account>.<kind>."""

    reader: str
    sequence: int
    account: str
    kind: str
    event: dict[str, Any]


Publish = Callable[[Sequence[Event], Callable[[BaseException | None], None]], None]


class _Reader:
    """Sequences: `given` the last handed out, `committed`, `published`, `pruned` the last of each."""

    __slots__ = ("attempts", "committed", "given", "name", "prune_due", "pruned", "published", "publishing")

    def __init__(self, name: str, pruned: int, committed: int) -> None:
        assert pruned <= committed
        self.name = name
        self.pruned = self.published = pruned
        self.committed = self.given = committed
        self.publishing = self.prune_due = False
        self.attempts = 0


class Outbox:
    """A shard's outbox. `publish(events, done)` takes events of one reader and calls `done(None or the error)` when
    they are out; until then that reader's next are not given to it. `view` reads what is committed."""

    def __init__(self, loop: Loop, enqueue: Callable[[Request], None], view: Callable[[], Committed],
                 publish: Publish | None) -> None:
        self._loop = loop
        self._enqueue = enqueue
        self._view = view
        self._publish = publish
        self._readers: dict[str, _Reader] = {}
        self._stopped = False

    def backlog(self) -> dict[str, int]:
        """Events not yet published, by reader."""
        found = {reader.name: reader.committed - reader.published for reader in self._readers.values()}
        return {name: count for name, count in found.items() if count}

    def load(self, committed: Committed) -> None:
        """Resumes what the store holds."""
        positions = {key: _SEQUENCE.unpack(value)[0] for key, value in committed.scan_raw(keys.POSITIONS, b"", None)}
        last = dict.fromkeys(positions, 0)
        start = b""
        while (row := next(committed.scan_raw(keys.OUTBOX, start, None), None)) is not None:
            name = row[0][:-_SEQUENCE.size - 1]
            end = keys.after_prefix(name + b"\0")
            key, _ = next(committed.scan_raw(keys.OUTBOX, name + b"\0", end, reverse=True))
            last[name] = _SEQUENCE.unpack_from(key, len(name) + 1)[0]
            start = end
        for key in last:
            pruned = positions.get(key, 0)
            self._readers[key.decode()] = _Reader(key.decode(), pruned, max(last[key], pruned))
        for reader in self._readers.values():
            self._advance(reader)

    def check(self, events: list[tuple[str, bytes]]) -> None:
        """May a transaction's events be recorded? Overloaded when a reader is too far behind."""
        for name, _ in events:
            reader = self._readers.get(name)
            if reader is None:
                assert 0 < len(name.encode()) <= READER_LIMIT_BYTES, name
                assert "\0" not in name, name
                self._readers[name] = _Reader(name, 0, 0)
            elif reader.given - reader.published + len(events) > BACKLOG_LIMIT:
                raise Overloaded(f"Too many events wait for {name}.")

    def record(self, events: list[tuple[str, bytes]], overlay: Overlay, batch: Batch) -> None:
        """Writes a transaction's events, which were checked: cannot fail, so sequences have no gaps."""
        for name, record in events:
            reader = self._readers[name]
            reader.given += 1
            overlay.put_raw(_key(name, reader.given), record)
            batch.readers[name] = reader.given

    def committed(self, readers: dict[str, int]) -> None:
        for name, last in readers.items():
            reader = self._readers[name]
            reader.committed = last
            self._advance(reader)

    def dropped(self) -> None:
        """Nothing that is not committed will be: their sequences are given again."""
        for reader in self._readers.values():
            reader.given = reader.committed

    def stop(self) -> None:
        """No further publishing. What is not published stays; what is leaves, so that a clean end repeats nothing."""
        for reader in self._readers.values():
            if reader.pruned < reader.published:
                self._prune(reader)
        self._stopped = True

    def _advance(self, reader: _Reader) -> None:
        if reader.publishing or self._stopped or self._publish is None or reader.published == reader.committed:
            return
        reader.publishing = True
        self._loop.call_soon(self._publish_chunk, reader)

    def _publish_chunk(self, reader: _Reader) -> None:
        if self._stopped:
            return
        assert self._publish is not None
        try:
            chunk = self._chunk(reader)
            self._publish(chunk, lambda error: self._published(reader, chunk[-1].sequence, error))
        except Exception as error:
            self._published(reader, reader.published, error)

    def _chunk(self, reader: _Reader) -> list[Event]:
        """The next events of a reader, bounded; at least one."""
        chunk: list[Event] = []
        size = 0
        start = _key(reader.name, reader.published + 1)[1:]
        for key, row in self._view().scan_raw(keys.OUTBOX, start, keys.after_prefix(start[:-_SEQUENCE.size])):
            account, kind, event = unpack(row)
            chunk.append(Event(reader.name, _SEQUENCE.unpack(key[-_SEQUENCE.size:])[0], account, kind, event))
            size += len(row)
            if len(chunk) >= CHUNK_LIMIT or size >= CHUNK_LIMIT_BYTES:
                break
        assert chunk[0].sequence == reader.published + 1, (reader.name, chunk[0].sequence, reader.published)
        return chunk

    def _published(self, reader: _Reader, last: int, error: BaseException | None) -> None:
        if error is not None:
            reader.attempts += 1
            wait_s = backoff_s(reader.attempts, RETRY_WAIT_S, RETRY_WAIT_LIMIT_S)
            self._loop.call_exception_handler(
                {"message": f"events for {reader.name} could not be published", "exception": error})
            self._loop.call_later(wait_s, self._publish_chunk, reader)
            return
        reader.attempts = 0
        reader.published = last
        reader.publishing = False
        self._prune_later(reader)
        self._advance(reader)

    def _prune_later(self, reader: _Reader) -> None:
        if not reader.prune_due and reader.pruned < reader.published and not self._stopped:
            reader.prune_due = True
            self._loop.call_later(PRUNE_WAIT_S, self._prune, reader)

    def _prune(self, reader: _Reader) -> None:
        if self._stopped:
            return
        first, last = reader.pruned + 1, min(reader.published, reader.pruned + PRUNE_LIMIT)

        def evaluate(overlay: Overlay) -> None:
            for sequence in range(first, last + 1):
                overlay.put_raw(_key(reader.name, sequence), None)
            overlay.put_raw(keys.POSITIONS + reader.name.encode(), _SEQUENCE.pack(last))

        def done(_: Any, error: BaseException | None) -> None:
            reader.prune_due = False
            if error is None:
                reader.pruned = last
            self._prune_later(reader)

        self._enqueue(Request(evaluate, done, 0))


def _key(reader: str, sequence: int) -> bytes:
    return keys.OUTBOX + reader.encode() + b"\0" + _SEQUENCE.pack(sequence)
