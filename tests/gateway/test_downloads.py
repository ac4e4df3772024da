"""Answers in files, where a client goes away."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvloop

from bus.files import Piece
from gateway import downloads
from gateway.connection import Incoming


class Endless:
    """A file of zeros, from memory."""

    descriptor: int | None = None

    def read(self, into: memoryview, offset: int) -> int:
        return len(into)

    def close(self) -> None:
        pass


class Protocol(asyncio.Protocol):
    transport: Any

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    async def _drain_helper(self) -> None:
        pass


# Who goes away while a file is sent leaves a transport that has closed: what is told is that, not how it was left.
def test_a_client_that_goes_away() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        _, protocol = await asyncio.get_running_loop().create_connection(Protocol, sock=ours)
        incoming = cast("Incoming", SimpleNamespace(protocol=protocol))
        sending = asyncio.create_task(downloads._send(incoming, Endless(), Piece("name", 0, 1 << 40)))
        await asyncio.to_thread(theirs.recv, 1)
        protocol.transport.abort()
        sending.cancel()
        theirs.close()
        with pytest.raises((asyncio.CancelledError, ConnectionError)):
            await sending

    uvloop.run(main())
