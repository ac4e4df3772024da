"""Who runs a commit: a thread of its own, or the caller's at once (tests and simulations)."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

Work = Callable[[], None]
Report = Callable[[BaseException | None], None]


class Loop(Protocol):
    """What the store needs of an event loop. asyncio's and uvloop's are it."""

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_soon_threadsafe(self, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_later(self, delay: float, callback: Callable[..., object], *arguments: Any) -> Any: ...

    def call_exception_handler(self, context: dict[str, Any]) -> None: ...


class Writer(Protocol):
    def submit(self, work: Work, report: Report) -> None:
        """Runs `work`; then `report(None or what it raised)` on the loop. One at a time."""

    def close(self) -> None:
        """After the last report."""


class InlineWriter:
    """Runs in submit, reports on the loop's next turn."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def submit(self, work: Work, report: Report) -> None:
        self._loop.call_soon(report, _outcome(work))

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


def _outcome(work: Work) -> BaseException | None:
    try:
        work()
    except BaseException as error:
        return error
    return None
