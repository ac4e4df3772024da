"""Long work in steps: each once, its state committed with it, across failures, restarts and crashes (actor.job)."""

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.store.transaction import Snapshot, Transaction
from tests.actors.runtime.store.faults import FaultyEnvironment
from tests.actors.runtime.store.test_faults import refuse_disk
from tests.store_fixture import Store, open_store


def append(transaction: Transaction, now: float, state: dict[str, Any]) -> dict[str, Any] | None:
    """A step that writes the next number under its job's name: a lost or repeated one would show."""
    key = b"%s/%04d" % (state["name"].encode(), state["next"])
    assert transaction.get(key) is None, "a step was repeated"
    transaction.put(key, b"")
    state["next"] += 1
    return state if state["next"] < state["end"] else None


def start(name: str, end: int) -> Any:
    return lambda transaction: transaction.start_job("append", {"name": name, "next": 0, "end": end})


def written(snapshot: Snapshot) -> list[bytes]:
    return [key for key, _ in snapshot.scan(b"", b"\xff")]


# Steps run until the job ends; several jobs take turns.
def test_jobs_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def step(transaction: Transaction, now: float, state: dict[str, Any]) -> dict[str, Any] | None:
        order.append(state["name"])
        return append(transaction, now, state)

    with open_store(tmp_path, jobs={"append": step}) as store:
        store.transact(lambda transaction: (start("a", 3)(transaction), start("b", 3)(transaction)))
        store.loop.run()
        assert order == ["a", "b"] * 3
        assert store.shard.stats()["jobs"] == 0
        assert len(store.read(written)) == 6


# A job of an aborted transaction never runs.
def test_an_aborted_job_does_not_start(tmp_path: Path) -> None:
    def abort(transaction: Transaction) -> None:
        start("a", 3)(transaction)
        raise LookupError

    with open_store(tmp_path, jobs={"append": append}) as store:
        with pytest.raises(LookupError):
            store.transact(abort)
        store.loop.run()
        assert store.read(written) == []


# Crashes (copies of the files) at any moment, steps that raise: in the end every step was done exactly once.
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.booleans()), min_size=1, max_size=5))
def test_jobs_survive_crashes(tmp_path_factory: Any, lives: list[tuple[int, int, bool]]) -> None:
    directory = tmp_path_factory.mktemp("jobs")
    failing = False
    failures: list[int] = []

    def step(transaction: Transaction, now: float, state: dict[str, Any]) -> dict[str, Any] | None:
        result = append(transaction, now, state)
        if failing:
            raise ConnectionError("injected")
        return result

    def open_life(number: int) -> Store:
        return Store(directory / str(number), jobs={"append": step},
                     on_job_failure=lambda name, identity, attempts, error: failures.append(attempts))

    store = open_life(0)
    expected: list[bytes] = []
    for number, (turns, end, fails) in enumerate(lives):
        failing = False
        store.transact(start(f"job{number}", end))
        expected += [b"job%d/%04d" % (number, step_number) for step_number in range(end)]
        failing = fails
        for _ in range(turns):
            store.loop.step()
        shutil.copytree(directory / str(number), directory / str(number + 1),
                        ignore=shutil.ignore_patterns("lock.mdb"))
        store.close()
        store = open_life(number + 1)
    failing = False
    store.loop.advance(1000.0)
    assert store.read(written) == sorted(expected)
    assert store.shard.stats()["jobs"] == 0
    store.close()


# A step that keeps failing is tried again after growing waits, reported each time, and never lost; others go on.
def test_failing_steps_back_off(tmp_path: Path) -> None:
    reported: list[tuple[str, int, int]] = []
    tried: list[float] = []

    def fail(transaction: Transaction, now: float, state: dict[str, Any]) -> None:
        tried.append(now)
        raise ConnectionError("injected")

    with open_store(tmp_path, jobs={"fail": fail, "append": append},
                    on_job_failure=lambda name, identity, attempts, _: reported.append((name, identity, attempts))
                    ) as store:
        store.transact(lambda transaction: transaction.start_job("fail", {}))
        store.transact(start("a", 5))
        store.loop.advance(300.0)
        assert len(store.read(written)) == 5
        waits = [after - before for before, after in pairwise(tried)]
        assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
        assert max(waits) == pytest.approx(60.0)
        assert reported == [("fail", 1, attempt) for attempt in range(1, len(tried) + 1)]
    with open_store(tmp_path, jobs={"fail": append}) as store:
        assert store.shard.stats()["jobs"] == 1


# A job whose step this program does not know (an older program on newer data) is kept and reported, not dropped.
def test_an_unknown_job_is_kept(tmp_path: Path) -> None:
    with open_store(tmp_path, jobs={"append": lambda transaction, now, state: {**state, "wake_at": now + 5}}) as store:
        store.transact(start("a", 3))
    with open_store(tmp_path) as store:
        assert store.shard.stats()["jobs"] == 1
        assert "no step of that name" in str(store.loop.reported[0]["exception"])
    with open_store(tmp_path, jobs={"append": append}) as store:
        store.loop.advance(10.0)
        assert len(store.read(written)) == 3


# A job may sleep: not before state["wake_at"], also after a restart and from its start.
def test_a_job_may_sleep(tmp_path: Path) -> None:
    ran: list[float] = []

    def sweep(transaction: Transaction, now: float, state: dict[str, Any]) -> dict[str, Any]:
        ran.append(now)
        transaction.put(b"swept", str(now).encode())
        return {"wake_at": now + 60.0}

    with open_store(tmp_path, jobs={"sweep": sweep}) as store:
        began = store.loop.now
        store.transact(lambda transaction: transaction.start_job("sweep", {"wake_at": began + 20_000.0}))
        store.loop.advance(20_150.0)
        assert ran == pytest.approx([began + 20_000, began + 20_060, began + 20_120])
        loop = store.loop
    with open_store(tmp_path, jobs={"sweep": sweep}, loop=loop) as store:
        store.loop.advance(25.0)
        assert len(ran) == 3
        store.loop.advance(10.0)
        assert len(ran) == 4


# A failed commit under a step: it is tried again and done once.
def test_a_step_whose_commit_fails(tmp_path: Path) -> None:
    environment = FaultyEnvironment(tmp_path, map_size_bytes=64 << 20)
    with open_store(tmp_path, jobs={"append": append}, environment=environment) as store:
        store.transact(lambda transaction: transaction.put(b"other", b""))
        store.shard.write(start("a", 5), lambda *_: None)
        for _ in range(3):
            store.loop.step()
        environment.before_apply = refuse_disk
        store.loop.run()
        environment.before_apply = None
        store.loop.advance(100.0)
        assert store.read(written) == [b"a/%04d" % number for number in range(5)] + [b"other"]


# A step that wrote nothing and only names a later time costs no commit, keeps to that time, and is asked again after a
# restart; one that changed its state is recorded though it wrote nothing.
def test_putting_off_costs_no_commit(tmp_path: Path) -> None:
    asked: list[tuple[float, int]] = []

    def step(transaction: Transaction, now: float, state: dict[str, Any]) -> dict[str, Any] | None:
        asked.append((now, state["round"]))
        if len(asked) == 3:
            state["round"] += 1
        state["wake_at"] = now + 7000.0
        return state

    with open_store(tmp_path, jobs={"wait": step}) as store:
        store.transact(lambda transaction: transaction.start_job("wait", {"round": 1}))
        begin = store.loop.now
        commits = store.shard.stats()["commits"]
        store.loop.advance(7000.0)
        assert asked == [(begin, 1), (begin + 7000.0, 1)]
        assert store.shard.stats()["commits"] == commits
        store.loop.advance(7000.0)
        assert store.shard.stats()["commits"] == commits + 1
    with open_store(tmp_path, jobs={"wait": step}) as store:
        store.loop.now = begin + 30_000.0
        store.loop.run()
        assert asked[-1] == (begin + 30_000.0, 2)
