"""An event loop whose clock jumps: simulated seconds take as long as the work done in them.

`run(main())` is asyncio.run on such a loop. Between two timers nothing waits: the selector moves the clock instead.
Work on other threads and in other processes takes real time, during which the clock stands: run_in_executor and
subprocess_exec do so by themselves, other threads by `with loop.outside():` around the wait. When nothing can ever
happen again, Deadlock is raised instead of hanging.
"""

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")

OUTSIDE_WAIT_S = 60.0                     # real seconds without a sign from another thread: a deadlock too


class Deadlock(RuntimeError):
    """No timer is set, no thread is at work: what is awaited will never come."""


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.outside = 0                  # waits for other threads under way

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or timeout == 0:
            return ready
        if self.outside:
            ready = super().select(OUTSIDE_WAIT_S)
            if not ready:
                raise Deadlock(f"a thread has been silent for {OUTSIDE_WAIT_S} s")
            return ready
        if timeout is None:
            raise Deadlock("nothing will ever happen")
        self.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and moves only when every task waits for a timer."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """The clock stands: something real is being waited for."""
        self._jumping.outside += 1
        try:
            yield
        finally:
            self._jumping.outside -= 1

    def run_in_executor(self, executor: Any, func: Callable[..., Result], *args: Any) -> "asyncio.Future[Result]":  # type: ignore[override]
        future: asyncio.Future[Result] = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1

        def back(_: object) -> None:
            self._jumping.outside -= 1

        future.add_done_callback(back)
        return future

    async def subprocess_exec(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
        transport, protocol = await super().subprocess_exec(protocol_factory, *args, **kwargs)
        self._jumping.outside += 1
        told = protocol.process_exited

        def exited() -> None:
            self._jumping.outside -= 1
            told()

        protocol.process_exited = exited
        return transport, protocol

    async def shutdown_default_executor(self) -> None:
        with self.outside():
            await super().shutdown_default_executor()


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """asyncio.run in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
