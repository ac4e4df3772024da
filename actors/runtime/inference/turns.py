"""Turns: who may use an engine now, and who waits. Lower priority numbers first, then whoever came first."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from actors.runtime.inference.protocol import ModelBusy


class Turns:
    """At most `parallel` at a time, at most `waiting_max` waiting. Who is cancelled while waiting leaves no trace."""

    def __init__(self, parallel: int, waiting_max: int) -> None:
        self._free = parallel
        self._waiting_max = waiting_max
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = count()
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def turn(self, priority: int) -> AsyncIterator[None]:
        """ModelBusy at once when too many wait already."""
        await self._enter(priority)
        try:
            yield
        finally:
            self.running -= 1
            self._free += 1
            self._next()

    async def _enter(self, priority: int) -> None:
        if self._free <= 0:
            if self.waiting >= self._waiting_max:
                raise ModelBusy("Too many requests, please wait before trying again.")
            await self._wait(priority)
        else:
            self._free -= 1
        self.running += 1

    async def _wait(self, priority: int) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (priority, next(self._arrivals), mine))
        self.waiting += 1
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():     # our turn came as we left
                self._free += 1
                self._next()
            raise
        finally:
            self.waiting -= 1

    def _next(self) -> None:
        while self._free > 0 and self._queue:
            waiter = heapq.heappop(self._queue)[2]
            if not waiter.done():
                self._free -= 1
                waiter.set_result(None)
