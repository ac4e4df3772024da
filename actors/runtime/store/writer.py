"""Who runs a commit: a thread of its own, the caller at once, or one or the other as the disk goes (DESIGN.md)."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

Work = Callable[[], None]
Report = Callable[[BaseException | None], None]

QUICK_LIMIT_S = 0.005                     # of a commit: what everything else on the loop may have to wait for it
_REMEMBERED = 8                           # commits, of which the latest counts for one in eight


class Loop(Protocol):
    """What the store needs of an event loop. asyncio's and uvloop's are it."""

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_later(self, delay: float, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None: ...


class Writer(Protocol):
    def submit(self, work: Work, report: Report) -> None:
        """Runs `work`; then `report(None or what it raised)` on the loop, maybe before it returns. One at a time."""

    def close(self) -> None:
        """After the last report."""


class InlineWriter:
    """Runs and reports in submit: what has come meanwhile is not read before the answers are on their way."""

    def __init__(self, _loop: Loop) -> None:
        """As every writer, of a loop."""

    def submit(self, work: Work, report: Report) -> None:
        report(_outcome(work))

    def close(self) -> None:
        pass


class ThreadWriter:
    """Runs in a thread, which holds the GIL only between LMDB's calls."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._queue: SimpleQueue[tuple[Work, Report] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work, report: Report) -> None:
        self._queue.put((work, report))

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, report = item
            self._loop.call_soon_threadsafe(report, _outcome(work))


class AdaptiveWriter:
    """In submit while the commits of late were quick; in a thread, which costs two wake-ups, while the disk is slow."""

    def __init__(self, loop: Loop, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._inline = InlineWriter(loop)
        self._thread = ThreadWriter(loop)
        self._usual_s = 0.0               # that a commit takes

    def submit(self, work: Work, report: Report) -> None:
        writer = self._inline if self._usual_s <= QUICK_LIMIT_S else self._thread
        writer.submit(lambda: self._timed(work), report)

    def close(self) -> None:
        self._thread.close()

    def _timed(self, work: Work) -> None:
        began = self._clock()
        try:
            work()
        finally:
            self._usual_s += (self._clock() - began - self._usual_s) / _REMEMBERED


def _outcome(work: Work) -> BaseException | None:
    try:
        work()
    except BaseException as error:
        return error
    return None
