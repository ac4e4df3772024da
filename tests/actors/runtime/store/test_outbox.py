"""Events: published in order, at least once, only what committed; the position survives a crash (store/DESIGN.md)."""

import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.store import keys, outbox
from actors.runtime.store.errors import Overloaded
from actors.runtime.store.outbox import Event
from actors.runtime.store.transaction import Transaction
from tests.actors.runtime.store.faults import FaultyEnvironment
from tests.actors.runtime.store.test_faults import refuse_disk
from tests.store_fixture import Outcome, Store, open_store


class Sink:
    """Takes what is published; fails as often as told to."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[Event] = []
        self.failures = failures

    def __call__(self, events: Sequence[Event], done: Callable[[BaseException | None], None]) -> None:
        self.events += events
        if self.failures:
            self.failures -= 1
            done(ConnectionError("injected"))
        else:
            done(None)

    def numbers(self, reader: str) -> list[int]:
        return [event.event["n"] for event in self.events if event.reader == reader]


def emit(reader: str, number: int) -> Callable[[Transaction], None]:
    return lambda transaction: transaction.emit(reader, "000000000000", "Changed", {"n": number})


# What a transaction emits is published once it committed, with sequences that have no gaps; what was aborted never is.
def test_published_after_the_commit_in_order(tmp_path: Path) -> None:
    sink = Sink()

    def abort(transaction: Transaction) -> None:
        emit("stream", 99)(transaction)
        raise LookupError

    with open_store(tmp_path, publish=sink) as store:
        for number in range(3):
            store.transact(emit("stream", number))
            with pytest.raises(LookupError):
                store.transact(abort)
        store.transact(emit("other", 0))
        assert sink.events[0] == Event("stream", 1, "000000000000", "Changed", {"n": 0})
        assert sink.numbers("stream") == [0, 1, 2]
        assert [event.sequence for event in sink.events if event.reader == "stream"] == [1, 2, 3]
        store.loop.advance(1.0)
        assert remaining(store) == 0
    with open_store(tmp_path, publish=sink) as store:
        store.transact(emit("stream", 3))
        assert sink.events[-1].sequence == 4
        assert sink.numbers("stream") == [0, 1, 2, 3]
    with open_store(tmp_path, publish=sink) as store:
        store.loop.advance(1.0)
        assert sink.numbers("stream") == [0, 1, 2, 3], "a clean end repeats nothing"


def remaining(store: Store) -> int:
    return len(list(store.shard.view().scan_raw(keys.OUTBOX, b"", None)))


# More than fits one chunk, several readers whose names are prefixes of each other, a sink that fails now and then and
# crashes (copies of the files) in between: each reader gets its events in order, none missing, repeated only after a
# failure or a crash.
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_at_least_once_across_crashes(tmp_path_factory: Any, data: st.DataObject) -> None:
    directory = tmp_path_factory.mktemp("outbox")
    counts = {"a": 0, "a-": 0, "b" * 300: 0}
    sink = Sink()
    store = Store(directory / "0", publish=sink)
    for crash in range(1, 4):
        for _ in range(data.draw(st.integers(0, 4))):
            reader, count = data.draw(st.tuples(st.sampled_from(sorted(counts)), st.integers(1, 300)))

            def emit_many(transaction: Transaction, reader: str = reader, count: int = count) -> None:
                for number in range(counts[reader], counts[reader] + count):
                    emit(reader, number)(transaction)

            store.transact(emit_many)
            counts[reader] += count
            store.loop.advance(data.draw(st.sampled_from([0.0, 0.05, 10.0])))
            sink.failures = data.draw(st.integers(0, 2))
        shutil.copytree(directory / str(crash - 1), directory / str(crash), ignore=shutil.ignore_patterns("lock.mdb"))
        store.close()
        store = Store(directory / str(crash), publish=sink)
    sink.failures = 0
    store.loop.advance(100.0)
    assert remaining(store) == 0
    assert store.shard.stats()["outbox"] == {}
    store.close()
    for reader, count in counts.items():
        published = sink.numbers(reader)
        assert sorted(set(published)) == list(range(count))
        assert list(dict.fromkeys(published)) == list(range(count)), "first publications are in order"
        assert all(after <= before + 1 for before, after in pairwise(published)), "no gaps"


# A failed commit gives its sequences back.
def test_no_gap_after_a_failed_commit(tmp_path: Path) -> None:
    sink = Sink()
    environment = FaultyEnvironment(tmp_path, map_size_bytes=64 << 20)
    with open_store(tmp_path, publish=sink, environment=environment) as store:
        store.transact(emit("stream", 0))
        environment.before_apply = refuse_disk
        outcome = Outcome()
        store.shard.write(emit("stream", 1), outcome)
        store.loop.run()
        assert outcome.error is not None
        environment.before_apply = None
        store.transact(emit("stream", 2))
        assert [(event.sequence, event.event["n"]) for event in sink.events] == [(1, 0), (2, 2)]


# A reader that takes nothing is bounded: its writers are refused, others go on, and what was recorded is not lost.
def test_a_stuck_reader_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BACKLOG_LIMIT", 10)
    with open_store(tmp_path, publish=lambda events, done: None) as store:
        for number in range(10):
            store.transact(emit("stuck", number))
        with pytest.raises(Overloaded):
            store.transact(emit("stuck", 10))
        store.transact(emit("other", 0))
        assert store.shard.stats()["outbox"] == {"stuck": 10, "other": 1}
    sink = Sink()
    with open_store(tmp_path, publish=sink) as store:
        store.loop.run()
        assert sink.numbers("stuck") == list(range(10))
