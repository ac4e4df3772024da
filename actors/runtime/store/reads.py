"""Long reads: generators over one snapshot, driven in slices so that the loop stays free.

Most are short: the first slice runs on the shard's own view, and only a read that outlives it takes that view's LMDB
transaction with it. Bounded in number, in waiting and in age, because an open read transaction keeps freed pages from
being reused.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Protocol

from actors.runtime.store.batch import Done
from actors.runtime.store.errors import Overloaded, StoreUnavailable
from actors.runtime.store.keys import LmdbTransaction
from actors.runtime.store.snapshot import Committed
from actors.runtime.store.transaction import Snapshot
from actors.runtime.store.writer import Loop

READS_OPEN_LIMIT = 64
READS_WAITING_LIMIT = 1024
SLICE_S = 0.002
READ_AGE_LIMIT_S = 30.0

Reading = Callable[[Snapshot], Generator[None, None, Any]]


class Views(Protocol):
    """The shard, as a read sees it."""

    def view(self) -> Committed:
        """What is committed now, shared by all who look between two commits. StoreUnavailable."""

    def take_view(self) -> LmdbTransaction:
        """That view's transaction, whose end is the caller's from now on; the next `view` is a new one."""


class LongRead:
    """A read under way. `done` is called once, on the loop, unless it is cancelled."""

    __slots__ = ("_generator", "_reading", "_transaction", "done", "expires", "finished")

    def __init__(self, reading: Reading, done: Done, expires: float) -> None:
        self._reading = reading
        self._generator: Generator[None, None, Any] | None = None
        self._transaction: LmdbTransaction | None = None
        self.done = done
        self.expires = expires
        self.finished = False

    def cancel(self) -> None:
        """Forgets it: `done` is not called. Nothing when it has ended."""
        self.finished = True
        self.suspend()

    def run(self, views: Views, now: Callable[[], float], until: float) -> bool:
        """One slice. True when it has ended: its outcome was told."""
        try:
            if self._generator is None:
                self._generator = self._reading(views.view())
            while True:
                next(self._generator)
                time = now()
                if time > self.expires:
                    raise StoreUnavailable(f"A read took more than {READ_AGE_LIMIT_S:.0f} s.")
                if time > until:
                    if self._transaction is None:
                        self._transaction = views.take_view()
                    return False
        except StopIteration as end:
            self._finish(end.value, None)
        except Exception as error:
            self._finish(None, error)
        return True

    def suspend(self) -> None:
        """Gives its transaction back; the next slice starts it anew, which a pure reading does not notice."""
        if self._generator is not None:
            self._generator.close()
            self._generator = None
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    def _finish(self, value: Any, error: BaseException | None) -> None:
        self.finished = True
        self.suspend()
        self.done(value, error)


class LongReads:
    """All of a shard's, one slice of one of them per turn of the loop."""

    def __init__(self, loop: Loop, views: Views, now: Callable[[], float]) -> None:
        self._loop = loop
        self._views = views
        self._now = now
        self._open: deque[LongRead] = deque()
        self._waiting: deque[LongRead] = deque()
        self._driving = False

    def __len__(self) -> int:
        return len(self._open) + len(self._waiting)

    def start(self, reading: Reading, done: Done) -> LongRead:
        """Overloaded when READS_WAITING_LIMIT wait already."""
        if len(self._waiting) >= READS_WAITING_LIMIT:
            raise Overloaded("Too many long reads are waiting.")
        read = LongRead(reading, done, self._now() + READ_AGE_LIMIT_S)
        (self._open if len(self._open) < READS_OPEN_LIMIT else self._waiting).append(read)
        if not self._driving:
            self._driving = True
            self._loop.call_soon(self._turn)
        return read

    def suspend(self) -> None:
        """No LMDB transaction is open when it returns; every read goes on by itself."""
        for read in self._open:
            read.suspend()

    def cancel(self) -> None:
        for read in (*self._open, *self._waiting):
            read.cancel()

    def _turn(self) -> None:
        """A slice of time: short reads end many at a time, a long one gives way to the next in line."""
        until = self._now() + SLICE_S
        try:
            while self._open:
                read = self._open.popleft()
                if not read.finished and not self._run(read, until):
                    self._open.append(read)
                elif self._waiting:
                    self._open.append(self._waiting.popleft())
                if self._now() > until:
                    break
        finally:
            self._driving = bool(self._open)
            if self._driving:
                self._loop.call_soon(self._turn)

    def _run(self, read: LongRead, until: float) -> bool:
        try:
            return read.run(self._views, self._now, until)
        except Exception as error:
            self._loop.call_exception_handler({"message": "an answer could not be delivered", "exception": error})
            return True
