"""An answer whose body is in files, which are decrypted as they pass.

Of a whole file the last bytes are sent only if it is what was stored; otherwise the connection breaks off, so that
nobody takes rot for the object. What was stored before there was encryption the kernel takes from the page cache to
the socket, where the files are on this host. Both use a duplicate of the socket's descriptor, while the transport has
nothing of its own to write. The first file is open, and so locked against its removal (bus/files.py), until all is
sent.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping

import structlog

from bus.ciphers import Keystream, room
from bus.files import CRC, Files, Piece, Source
from bus.transport import BusError
from gateway.connection import JOIN_LIMIT_BYTES, WRITE_LIMIT_S, Incoming, answer_head, drain, open_transport
from schemas import checksums
from schemas.checksums import Buffer

BLOCK_BYTES = 1024 * 1024                 # read and decrypted at a time
STEP_BYTES = 32 * 1024 * 1024             # sent by a thread before another download has its turn

_SENT = object()

log = structlog.get_logger(__name__)


class FileAnswer:
    """`pieces` of `files`, of which the first is open."""

    def __init__(
        self, status: int, headers: Mapping[str, str], files: Files, pieces: list[Piece], first: Source
    ) -> None:
        self.status = status
        self._headers = headers
        self._files = files
        self._pieces = pieces
        self._first = first
        self.size = sum(piece.size for piece in pieces)

    def close(self) -> None:
        self._first.close()

    async def send(self, incoming: Incoming) -> None:
        """ConnectionError when the client has gone; also when a file has, for the length is out already."""
        try:
            head = answer_head(self.status, self._headers, incoming, self.size)
            if self.size <= JOIN_LIMIT_BYTES and len(self._pieces) == 1 and self._first.descriptor is not None:
                data = b"".join(map(bytes, _read(self._first, self._pieces[0])))
                open_transport(incoming.protocol).write(head + data)
                return
            await self._send_files(incoming, head)
        finally:
            self.close()

    async def _send_files(self, incoming: Incoming, head: bytes) -> None:
        open_transport(incoming.protocol).write(head)
        try:
            for piece in self._pieces:
                file = self._first if piece.name == self._pieces[0].name else await self._files.open(piece.name)
                try:
                    await _send(incoming, file, piece)
                finally:
                    if file is not self._first:
                        file.close()
        except (FileNotFoundError, BusError) as error:
            raise ConnectionResetError("a file of the answer is gone") from error


async def _send(incoming: Incoming, file: Source, piece: Piece) -> None:
    """Threads send as long as the client takes it: handing each block over to the loop would cost half of the speed."""
    transport, loop = open_transport(incoming.protocol), asyncio.get_running_loop()
    transport.set_write_buffer_limits(0)           # drain returns when nothing is left
    await drain(incoming.protocol)
    socket = os.dup(transport.get_extra_info("socket").fileno())
    by_kernel = not piece.key and file.descriptor is not None
    steps = _plain(socket, file, piece) if by_kernel else _decrypted(socket, file, piece)
    try:
        while True:
            open_transport(incoming.protocol)
            step = loop.run_in_executor(None, next, steps, _SENT)
            try:
                if await asyncio.shield(step) is _SENT:
                    return
            finally:
                await asyncio.wait([step])         # it uses descriptors that are closed next
                step.exception()                   # nobody else asks for it where this task has been cancelled
            await _writable(incoming, socket)
    finally:
        os.close(socket)
        if not transport.is_closing():
            transport.set_write_buffer_limits()


def _decrypted(socket: int, file: Source, piece: Piece) -> Iterator[None]:
    """Yields when the client has to read on first, and after STEP_BYTES, so that others have a turn."""
    left = STEP_BYTES
    for block in _read(file, piece):
        rest = memoryview(block)
        while rest:
            try:
                sent = os.write(socket, rest)
            except BlockingIOError:
                sent, left = 0, 0
            rest, left = rest[sent:], left - sent
            if left <= 0:
                yield
                left = STEP_BYTES


def _plain(socket: int, file: Source, piece: Piece) -> Iterator[None]:
    """The same of what lies unencrypted, by the kernel alone."""
    assert file.descriptor is not None
    offset, end = piece.offset, piece.offset + piece.size
    while offset < end:
        try:
            sent = os.sendfile(socket, file.descriptor, offset, min(STEP_BYTES, end - offset))
        except BlockingIOError:
            yield
            continue
        if not sent:
            raise ConnectionResetError("a file is shorter than its record says")
        offset += sent
        yield


def _read(file: Source, piece: Piece) -> Iterator[Buffer]:
    """Its bytes, BLOCK_BYTES at a time, each in place of the one before. ConnectionResetError in place of the last ones
    when they are not all there, or not what was stored."""
    stream = Keystream(piece.key, piece.offset) if piece.key else None
    crc = checksums.new(CRC) if piece.crc else None
    offset, end = piece.offset, piece.offset + piece.size
    size = min(BLOCK_BYTES, piece.size)
    read, decrypted = memoryview(bytearray(size)), room(size)
    while offset < end:
        data = read[:file.read(read[:end - offset], offset)]
        if not data:
            raise ConnectionResetError("a file is shorter than its record says")
        offset += len(data)
        if crc is not None:
            crc.update(data)
            if offset == end and crc.digest() != piece.crc:
                log.error("object_rotten", file=piece.name, reason=f"its {CRC} has changed")
                raise ConnectionResetError("a file is not what was stored")
        yield data if stream is None else stream.apply_into(data, decrypted)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


async def _writable(incoming: Incoming, socket: int) -> None:
    """Waits until the client has read on. ConnectionResetError after WRITE_LIMIT_S."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(socket, _wake, ready)
    try:
        async with asyncio.timeout(WRITE_LIMIT_S):
            await ready
    except TimeoutError as error:
        open_transport(incoming.protocol).abort()
        raise ConnectionResetError("the client does not read its answer") from error
    finally:
        loop.remove_writer(socket)
