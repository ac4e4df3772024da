"""Who runs a commit, and where and when its outcome is reported (store/DESIGN.md, Who commits)."""

import threading
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from actors.runtime.store.environment import CommitFailed
from actors.runtime.store.errors import StoreUnavailable
from actors.runtime.store.writer import QUICK_LIMIT_S, AdaptiveWriter, Report, Work
from tests.actors.runtime.store.faults import HeldWriter
from tests.store_fixture import ManualLoop, open_store

ANSWER_LIMIT_S = 30.0
SLOW_S = 100 * QUICK_LIMIT_S


class Loop(ManualLoop):
    """Its turns are whoever asks for the next report, from whichever thread."""

    def __init__(self) -> None:
        super().__init__()
        self._turns: SimpleQueue[tuple[Any, ...]] = SimpleQueue()

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self._turns.put((callback, *arguments))

    call_soon_threadsafe = call_soon

    def turn(self) -> None:
        callback, *arguments = self._turns.get(timeout=ANSWER_LIMIT_S)
        callback(*arguments)


class Commits:
    """Commits that take as long as they are told to, by a clock of their own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.loop = Loop()
        self.writer = AdaptiveWriter(self.loop, lambda: self.now)

    def on_the_loop(self, seconds: float, error: Exception | None = None) -> bool:
        """Did one that takes `seconds` run on the loop? From a thread its outcome comes with a turn of the loop."""
        ran: list[int] = []
        reports: list[BaseException | None] = []

        def work() -> None:
            self.now += seconds
            ran.append(threading.get_ident())
            if error is not None:
                raise error

        self.writer.submit(work, reports.append)
        if not reports:
            self.loop.turn()
            assert ran != [threading.get_ident()]
        assert reports == [error]
        return ran == [threading.get_ident()]


# While the disk is quick, commits run on the loop; one that is slow sends those behind it to the thread, until they
# have been quick for a while.
def test_a_slow_disk_is_waited_for_in_a_thread() -> None:
    commits = Commits()
    assert all(commits.on_the_loop(QUICK_LIMIT_S) for _ in range(100))
    assert commits.on_the_loop(SLOW_S)
    assert not commits.on_the_loop(0.0)
    assert [commits.on_the_loop(0.0) for _ in range(100)][-1]
    commits.writer.close()


# A disk that is slow throughout keeps the loop free, and the single quick commit changes nothing.
def test_a_slow_disk_keeps_the_thread() -> None:
    commits = Commits()
    assert commits.on_the_loop(SLOW_S)
    assert not any(commits.on_the_loop(0.0 if number % 9 == 0 else SLOW_S) for number in range(100))
    commits.writer.close()


# What a commit raises is its outcome, on either way, and its time counts.
@pytest.mark.parametrize("before_s", [0.0, SLOW_S])
def test_an_error_is_reported(before_s: float) -> None:
    commits = Commits()
    commits.on_the_loop(before_s)
    commits.on_the_loop(0.0, OSError("no space"))
    commits.on_the_loop(SLOW_S, OSError("no space"))
    assert not commits.on_the_loop(0.0)
    commits.writer.close()


class ThenInline(HeldWriter):
    """Holds the first commit; those behind it run in submit, and fail if `fails`."""

    fails = False
    held_one = False

    def submit(self, work: Work, report: Report) -> None:
        if not self.held_one:
            self.held_one = True
            super().submit(work, report)
        elif self.fails:
            report(CommitFailed("injected"))
        else:
            work()
            report(None)


# A disk that has become quick: the batch that was evaluated meanwhile is committed while the one before it is being
# settled, and its requests hear of it after those of that one, in the order of their evaluation.
@pytest.mark.parametrize("fails", [False, True])
def test_answers_keep_their_order_where_the_next_commit_ends_first(tmp_path: Path, fails: bool) -> None:
    writer = ThenInline(ManualLoop())
    writer.fails = fails
    heard: list[tuple[int, bool]] = []
    with open_store(tmp_path, writer=lambda _: writer) as store:

        def write(number: int) -> None:
            store.shard.write(methodcaller("emit", f"reader {number % 2}", "0" * 12, "kind", {}),
                              lambda _, error: heard.append((number, isinstance(error, StoreUnavailable))))

        for numbers in ((0, 1), (2, 3)):
            for number in numbers:
                write(number)
            store.loop.run()
        assert not heard
        writer.commit()
        store.loop.run()
        assert heard == [(0, False), (1, False), (2, fails), (3, fails)]
        assert store.shard.stats()["outbox"] == dict.fromkeys(("reader 0", "reader 1"), 1 if fails else 2)
        writer.fails = False
