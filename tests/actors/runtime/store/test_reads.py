"""Long reads: a snapshot of their own, slices, bounds, cancelling (actor.query's docstring, store/reads.py)."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.store import reads
from actors.runtime.store.environment import READERS_LIMIT, Environment
from actors.runtime.store.errors import Overloaded, StoreUnavailable
from actors.runtime.store.transaction import Snapshot
from tests.actors.runtime.store.test_faults import fill
from tests.store_fixture import Outcome, open_store


class Ticking:
    """A clock that moves a little with each look."""

    def __init__(self, step_s: float) -> None:
        self.now = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


def count(snapshot: Snapshot) -> Generator[None, None, int]:
    found = 0
    for _ in snapshot.scan(b"", b"\xff"):
        found += 1
        yield
    return found


# A read of many slices sees the state of its beginning, while writes between its slices are answered.
def test_a_long_read_is_consistent_and_gives_way(tmp_path: Path) -> None:
    with open_store(tmp_path, elapsed=Ticking(0.001)) as store:
        store.transact(lambda transaction: fill(transaction, 0, 100, b""))
        long, write = Outcome(), Outcome()
        store.shard.read_long(count, long)
        store.loop.step()
        store.shard.write(lambda transaction: transaction.put(b"99999999", b""), write)
        while not write.told:
            assert store.loop.step()
        assert not long.told
        store.loop.run()
        assert long.value() == 100
        assert store.read_long(count) == 101


# Short reads share the view every request looks at (opening one costs more than reading an item); one that outlives its
# slice takes it along, and who looks next gets another.
def test_only_a_read_that_outlives_its_slice_has_a_view_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0
    begin = Environment.begin

    def counting(environment: Environment) -> Any:
        nonlocal opened
        opened += 1
        return begin(environment)

    clock = Ticking(0.0)
    with open_store(tmp_path, elapsed=clock) as store:
        store.transact(lambda transaction: fill(transaction, 0, 10, b""))
        monkeypatch.setattr(Environment, "begin", counting)
        assert [store.read_long(count) for _ in range(20)] == [10] * 20
        assert opened <= 1
        clock.step_s = reads.SLICE_S
        long, write = Outcome(), Outcome()
        store.shard.read_long(count, long)
        store.loop.step()
        before = opened
        store.shard.write(lambda transaction: fill(transaction, 10, 10, b""), write)
        while not write.told:
            assert store.loop.step()
        assert not long.told
        assert store.read(lambda snapshot: len(list(snapshot.scan(b"", b"\xff")))) == 20
        assert opened > before
        store.loop.run()
        assert long.value() == 10


# Errors of a reading are its answer; a reading that ends at once is answered like any other.
def test_outcomes(tmp_path: Path) -> None:
    def fail(snapshot: Snapshot) -> Generator[None, None, None]:
        yield
        raise LookupError("injected")

    def at_once(snapshot: Snapshot) -> Generator[None, None, bytes | None]:
        return snapshot.get(b"k")
        yield

    with open_store(tmp_path) as store:
        with pytest.raises(LookupError):
            store.read_long(fail)
        assert store.read_long(at_once) is None
        assert store.shard.stats()["long_reads"] == 0


# More than LMDB has slots for: the rest waits, and beyond the bound is refused; cancelled ones are forgotten and make
# room.
def test_bounds_and_cancel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "READS_WAITING_LIMIT", 100)
    assert reads.READS_OPEN_LIMIT < READERS_LIMIT
    stop = False

    def endless(snapshot: Snapshot) -> Generator[None, None, str]:
        while not stop:
            yield
        return "ended"

    with open_store(tmp_path, elapsed=Ticking(0.00001)) as store:
        outcomes = [Outcome() for _ in range(reads.READS_OPEN_LIMIT + 100)]
        handles = [store.shard.read_long(endless, outcome) for outcome in outcomes]
        with pytest.raises(Overloaded):
            store.shard.read_long(endless, Outcome())
        for _ in range(200):
            store.loop.step()
        assert store.shard.stats()["readers"] <= reads.READS_OPEN_LIMIT + 1
        for handle in handles[:80]:
            handle.cancel()
        stop = True
        store.loop.run()
        assert not any(outcome.told for outcome in outcomes[:80])
        assert all(outcome.value() == "ended" for outcome in outcomes[80:])


# A read that never ends would keep every page freed since: it is ended.
def test_age_is_bounded(tmp_path: Path) -> None:
    def endless(snapshot: Snapshot) -> Generator[None, None, None]:
        while True:
            yield

    with open_store(tmp_path, elapsed=Ticking(0.5)) as store, pytest.raises(StoreUnavailable):
        store.read_long(endless)


# An answer that raises is reported, and does not keep the others from theirs.
def test_a_failing_answer_is_reported(tmp_path: Path) -> None:
    def refuse(result: Any, error: BaseException | None) -> None:
        raise ConnectionError("injected")

    with open_store(tmp_path) as store:
        other, written = Outcome(), Outcome()
        store.shard.read_long(count, refuse)
        store.shard.read_long(count, other)
        store.shard.write(lambda transaction: None, refuse)
        store.shard.write(lambda transaction: 1, written)
        store.loop.run()
        assert other.value() == 0
        assert written.value() == 1
        assert [report["message"] for report in store.loop.reported] == ["an answer could not be delivered"] * 2
