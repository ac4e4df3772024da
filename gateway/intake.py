"""The body of a request straight from the socket into two buffers, past aiohttp's parser and streams.

Those copy every byte four times and allocate room for each copy; here the kernel writes where a worker reads. It is for
bodies of a stated length: what belongs to the next request stays in the kernel.
"""

import asyncio
from collections.abc import AsyncGenerator

from aiohttp.base_protocol import BaseProtocol

BLOCK_BYTES = 512 * 1024                  # handed on at a time


class Intake(asyncio.BufferedProtocol):
    """Takes `left` bytes from a connection whose reading is paused, and leaves it so."""

    def __init__(self, connection: BaseProtocol, left: int) -> None:
        self.left = left
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._buffers = [memoryview(bytearray(min(BLOCK_BYTES, left))) for _ in range(2)]
        self._room = self._buffers[0][:0]           # of the block under way, what is not filled
        self._arrived = 0.0                         # when the last bytes did
        self._full: asyncio.Future[None] | None = None

    async def blocks(self, idle_limit_s: float, end: float) -> AsyncGenerator[memoryview, None]:
        """Each is overwritten once the next but one is asked for. To be used under contextlib.aclosing: what comes next
        is the connection's again. TimeoutError after `idle_limit_s` without a byte, and at `end` (loop time)."""
        transport = self._connection.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        transport.set_protocol(self)
        try:
            while self.left:
                block = self._buffers[0][:self.left]
                self._buffers.reverse()
                await self._fill(transport, block, idle_limit_s, end)
                self.left -= len(block)
                yield block
        finally:
            if self._connection.transport is not None:
                transport.set_protocol(self._connection)

    async def _fill(self, transport: asyncio.Transport, block: memoryview, idle_limit_s: float, end: float) -> None:
        self._room = block
        self._arrived = self._loop.time()
        transport.resume_reading()
        try:
            while self._room:
                self._full = self._loop.create_future()
                try:
                    async with asyncio.timeout_at(min(self._arrived + idle_limit_s, end)):
                        await self._full
                except TimeoutError:
                    if self._loop.time() >= min(self._arrived + idle_limit_s, end):
                        raise
        finally:
            transport.pause_reading()

    # asyncio's side

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        self._room = self._room[nbytes:]
        self._arrived = self._loop.time()
        if not self._room and self._full is not None and not self._full.done():
            assert self._connection.transport is not None
            self._connection.transport.pause_reading()
            self._full.set_result(None)

    def eof_received(self) -> None:
        self._connection.eof_received()

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends the connection's task as well."""
        self._connection.connection_lost(exc)
        if self._full is not None and not self._full.done():
            self._full.set_exception(ConnectionResetError("the client has gone"))
