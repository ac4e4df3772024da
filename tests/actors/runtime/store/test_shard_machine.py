"""A shard is a dict: generated requests, aborts, commits, failed commits, restarts and crashes against a twin.

The answers, replayed in the order they were given, must be exactly what a dict gives, as store/shard.py says.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from actors.runtime.store.errors import StoreUnavailable
from tests.actors.runtime.store.faults import MEMORY_DIRECTORY, HeldWriter
from tests.store_fixture import Store

KEYS = st.sampled_from([b"", b"a", b"b" * 510, b"b" * 600, b"b" * 600 + b"c", b"b" * 1500, b"c"])
STEP = st.one_of(
    st.tuples(st.just("put"), KEYS, st.binary(max_size=2)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("scan"), st.just(b""), st.just(b"d"), st.booleans()),
    st.tuples(st.just("scan"), KEYS, KEYS, st.booleans()),
)
STEPS = st.one_of(st.lists(STEP, min_size=1, max_size=4),
                  st.lists(STEP, min_size=1, max_size=3).map(lambda steps: [*steps, ("abort",)]))
REQUESTS = st.lists(STEPS, min_size=1, max_size=3)
EVENT = st.one_of(
    st.tuples(st.just("write"), STEPS),
    st.tuples(st.just("overlap"), REQUESTS, REQUESTS, st.booleans()),
    st.tuples(st.just("overlap"), REQUESTS, REQUESTS, st.booleans()),
    st.tuples(st.just("turn")), st.tuples(st.just("commit")), st.tuples(st.just("fail")),
    st.tuples(st.just("read"), KEYS, KEYS, st.booleans()),
    st.tuples(st.sampled_from(["restart", "crash"])),
)


class Aborted(Exception):
    pass


class Twin:
    """A Transaction on a dict."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.rows = dict(rows)

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.rows[key] = value

    def delete(self, key: bytes) -> None:
        self.rows.pop(key, None)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Any:
        return iter(sorted(((k, v) for k, v in self.rows.items() if start <= k < stop), reverse=reverse))


def perform(steps: Any, transaction: Any) -> list[Any]:
    seen: list[Any] = []
    for name, *arguments in steps:
        if name == "abort":
            raise Aborted(repr(seen))
        if name == "scan":
            start, stop, reverse = arguments
            seen.append(list(transaction.scan(start, stop, reverse=reverse)))
        else:
            seen.append(getattr(transaction, name)(*arguments))
    return seen


class Machine:
    """A shard whose commits happen when told to, and its twin: `rows` is what was acknowledged."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.opened = 0
        self.unanswered = 0
        self.rows: dict[bytes, bytes] = {}
        self.open(directory / "0")

    def open(self, path: Path) -> None:
        self.path = path
        self.store = Store(path, writer=self._make_writer)

    def _make_writer(self, loop: Any) -> HeldWriter:
        self.writer = HeldWriter(loop)
        return self.writer

    def write(self, steps: Any) -> None:
        def done(result: Any, error: BaseException | None) -> None:
            self.unanswered -= 1
            if isinstance(error, StoreUnavailable):
                return
            twin = Twin(self.rows)
            expected: Any
            failed: str | None
            try:
                expected = perform(steps, twin)
            except Aborted as aborted:
                expected, failed = None, str(aborted)
            else:
                failed, self.rows = None, twin.rows
            assert (failed is None) == (error is None), error
            assert result == expected
            assert failed is None or str(error) == failed

        self.unanswered += 1
        self.store.shard.write(lambda transaction: perform(steps, transaction), done)

    def overlap(self, first: list[Any], second: list[Any], fails: bool) -> None:
        """Requests in flight, others evaluated over them, then the first commit ends."""
        for requests in first, second:
            for steps in requests:
                self.write(steps)
            self.turn()
        if fails:
            self.fail()
        else:
            self.commit()

    def turn(self) -> None:
        self.store.loop.run()
        reported = [report["exception"] for report in self.store.loop.reported if "answer" in report["message"]]
        if reported:
            raise reported[0]

    def commit(self) -> None:
        if self.writer.held is not None:
            self.writer.commit()
            self.turn()

    def fail(self) -> None:
        if self.writer.held is not None:
            event("failed")
            self.writer.fail()
            self.turn()

    def read(self, start: bytes, stop: bytes, reverse: bool) -> None:
        expected = list(Twin(self.rows).scan(start, stop, reverse=reverse))
        assert self.store.read(lambda snapshot: list(snapshot.scan(start, stop, reverse=reverse))) == expected
        assert self.store.read(lambda snapshot: snapshot.get(start)) == self.rows.get(start)

    def restart(self) -> None:
        self.settle()
        self.store.close()
        self.open(self.path)

    def crash(self) -> None:
        """The process dies: what it held in memory is gone, what it acknowledged is in its files."""
        self.opened += 1
        copy = self.directory / str(self.opened)
        shutil.copytree(self.path, copy, ignore=shutil.ignore_patterns("lock.mdb"))
        acknowledged = dict(self.rows)
        self.settle()
        self.store.close()
        self.rows = acknowledged
        self.open(copy)

    def settle(self) -> None:
        self.turn()
        while self.writer.held is not None:
            self.commit()
        assert self.unanswered == 0, "not everything was answered"


@settings(max_examples=120, deadline=None)
@given(st.lists(EVENT, min_size=5, max_size=25))
def test_a_shard_is_a_dict(events: list[Any]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY_DIRECTORY) as directory:
        machine = Machine(Path(directory))
        for name, *arguments in events:
            getattr(machine, name)(*arguments)
            machine.read(b"", b"d", False)
        machine.settle()
        machine.read(b"", b"d", True)
        machine.store.close()
