"""A shard is a dict: generated requests, aborts, commits, failed commits, restarts and crashes against a twin.

The answers, replayed in the order they were given, must be exactly what a dict gives: STATE.md's first three points.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actors.runtime.store.errors import StoreUnavailable
from tests.actors.runtime.store.faults import HeldWriter
from tests.actors.runtime.store.test_keys import long_keys
from tests.store_fixture import Store

KEYS = st.one_of(st.binary(max_size=2), st.sampled_from([b"a", b"b" * 600, b"b" * 601, b"b" * 1500]), long_keys())
STEPS = st.lists(st.one_of(
    st.tuples(st.just("put"), KEYS, st.binary(max_size=3)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("scan"), KEYS, KEYS, st.booleans()),
    st.tuples(st.just("abort")),
), min_size=1, max_size=5)


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


class ShardMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.opened = 0
        self.unanswered = 0
        self.rows: dict[bytes, bytes] = {}
        self.open(self.directory / "0")

    def open(self, path: Path) -> None:
        self.path = path
        self.store = Store(path, writer=self._make_writer)

    def _make_writer(self, loop: Any) -> HeldWriter:
        self.writer = HeldWriter(loop)
        return self.writer

    @rule(steps=STEPS)
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
            assert result == expected
            assert (failed is None) == (error is None), error
            assert failed is None or str(error) == failed

        self.unanswered += 1
        self.store.shard.write(lambda transaction: perform(steps, transaction), done)

    @rule()
    def turn(self) -> None:
        self.store.loop.run()

    @precondition(lambda self: self.writer.held is not None)
    @rule()
    def commit(self) -> None:
        self.writer.commit()

    @precondition(lambda self: self.writer.held is not None)
    @rule()
    def fail(self) -> None:
        self.writer.fail()

    @rule(start=KEYS, stop=KEYS, reverse=st.booleans())
    def read(self, start: bytes, stop: bytes, reverse: bool) -> None:
        expected = list(Twin(self.rows).scan(start, stop, reverse=reverse))
        assert self.store.read(lambda snapshot: list(snapshot.scan(start, stop, reverse=reverse))) == expected
        assert self.store.read(lambda snapshot: snapshot.get(start)) == self.rows.get(start)

    def settle(self) -> None:
        self.store.loop.run()
        while self.writer.held is not None:
            self.writer.commit()
            self.store.loop.run()
        assert self.unanswered == 0, "not everything was answered"

    @rule()
    def restart(self) -> None:
        self.settle()
        self.store.close()
        self.open(self.path)

    @rule()
    def crash(self) -> None:
        """The process dies: what it held in memory is gone, what it acknowledged is in a copy of its files."""
        self.opened += 1
        copy = self.directory / str(self.opened)
        shutil.copytree(self.path, copy, ignore=shutil.ignore_patterns("lock.mdb"))
        self.settle_silently()
        self.open(copy)

    def settle_silently(self) -> None:
        rows, self.unanswered = dict(self.rows), self.unanswered
        self.settle()
        self.store.close()
        self.rows = rows

    @invariant()
    def committed_is_the_twin(self) -> None:
        everything = self.store.read(lambda snapshot: list(snapshot.scan(b"", b"\xff" * 9000)))
        assert everything == sorted(self.rows.items())

    def teardown(self) -> None:
        self.settle()
        self.store.close()
        shutil.rmtree(self.directory)


ShardMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestShardMachine = ShardMachine.TestCase
