"""A shard for tests without an event loop: the same LMDB, commits inline, time that moves when told to.

    with open_store(tmp_path) as store:
        store.transact(lambda transaction: transaction.put(b"k", b"v"))
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"v"
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.runtime.store.environment import Durability, Environment
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.store.writer import InlineWriter

TEST_MAP_SIZE_BYTES = 64 << 20


class ManualLoop:
    """What the store uses of an event loop. `now` is seconds; `run` runs what is ready, `advance` lets time pass.

    What the store reports to the exception handler is kept in `reported`. `woken` is called when something is ready,
    for a test that waits elsewhere.
    """

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.reported: list[dict[str, Any]] = []
        self.woken: Callable[[], object] = lambda: None
        self._ready: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._timers: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = itertools.count()

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self._ready.append((callback, arguments))
        self.woken()

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[..., object], *arguments: Any) -> None:
        heapq.heappush(self._timers, (self.now + delay, next(self._order), callback, arguments))

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.reported.append(context)

    def step(self) -> bool:
        """Runs one ready callback. False when there is none."""
        if not self._ready:
            return False
        callback, arguments = self._ready.popleft()
        callback(*arguments)
        return True

    def run(self) -> None:
        while self.step():
            pass

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        self.run()
        while self._timers and self._timers[0][0] <= end:
            self.now, _, callback, arguments = heapq.heappop(self._timers)
            callback(*arguments)
            self.run()
        self.now = end


class Outcome:
    """What a request's `done` was called with."""

    def __init__(self) -> None:
        self.told = False
        self.result: Any = None
        self.error: BaseException | None = None

    def __call__(self, result: Any, error: BaseException | None) -> None:
        assert not self.told, "answered twice"
        self.told, self.result, self.error = True, result, error

    def value(self) -> Any:
        assert self.told, "not answered"
        if self.error is not None:
            raise self.error
        return self.result


class Store:
    """A shard and its loop, driven synchronously."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.loop: ManualLoop = options.pop("loop", None) or ManualLoop()
        environment = options.pop("environment", None) or Environment(
            directory, durability=options.pop("durability", Durability.OS),
            map_size_bytes=options.pop("map_size_bytes", TEST_MAP_SIZE_BYTES))
        options.setdefault("writer", InlineWriter)
        options.setdefault("clock", lambda: self.loop.now)
        self.shard = Shard(environment, self.loop, **options)

    def transact(self, evaluate: Callable[[Transaction], Any]) -> Any:
        """In a batch of its own, committed when this returns. Raises what `evaluate` raised."""
        outcome = Outcome()
        self.shard.write(evaluate, outcome)
        self.loop.run()
        return outcome.value()

    def read(self, evaluate: Callable[[Snapshot], Any]) -> Any:
        return self.shard.read(evaluate)

    def read_long(self, reading: Callable[[Snapshot], Generator[None, None, Any]]) -> Any:
        outcome = Outcome()
        self.shard.read_long(reading, outcome)
        self.loop.run()
        return outcome.value()

    def close(self) -> None:
        stopped: list[bool] = []
        self.shard.stop(lambda: stopped.append(True))
        self.loop.run()
        assert stopped


@contextmanager
def open_store(directory: Path, **options: Any) -> Iterator[Store]:
    """A Store on a directory, which may hold an earlier one's data. Options as Shard's, and `durability`,
    `map_size_bytes`, `environment`, `loop`."""
    store = Store(directory, **options)
    try:
        yield store
    finally:
        store.close()
