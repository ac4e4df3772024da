"""An answer whose body is in files of this host, which are decrypted as they pass.

Of a whole file the last bytes are sent only if it is what was stored; otherwise the connection breaks off, so that
nobody takes rot for the object. What was stored before there was encryption the kernel takes from the page cache to
the socket: uvloop has no sendfile, so it is called here, on a duplicate of the socket's descriptor while the transport
has nothing of its own to write. The first file is open, and so locked against its removal (bus/files.py), until all is
sent.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from bus.ciphers import Keystream
from bus.files import CRC, OpenFile, Piece
from gateway.connection import JOIN_LIMIT_BYTES, WRITE_LIMIT_S, Incoming, answer_head, drain, open_transport
from schemas import checksums

SEND_BYTES = 1024 * 1024                  # handed to the kernel at a time; then others are let in
DECRYPT_BYTES = 256 * 1024                # the same, where it must be decrypted
AHEAD_BYTES = 4 * 1024 * 1024             # the kernel is asked to read ahead

log = structlog.get_logger(__name__)


class FileAnswer:
    """`pieces` of files in `folder`. FileNotFoundError when the first is gone."""

    def __init__(self, status: int, headers: Mapping[str, str], folder: Path, pieces: list[Piece]) -> None:
        self.status = status
        self._headers = headers
        self._folder = folder
        self._pieces = pieces
        self._first = OpenFile(folder, pieces[0].name)
        self.size = sum(piece.size for piece in pieces)

    def close(self) -> None:
        self._first.close()

    async def send(self, incoming: Incoming) -> None:
        """ConnectionError when the client has gone; also when a file has, for the length is out already."""
        try:
            head = answer_head(self.status, self._headers, incoming, self.size)
            if self.size <= JOIN_LIMIT_BYTES and len(self._pieces) == 1:
                data = b"".join(_read(self._first.descriptor, self._pieces[0]))
                open_transport(incoming.protocol).write(head + data)
                return
            await self._send_files(incoming, head)
        finally:
            self.close()

    async def _send_files(self, incoming: Incoming, head: bytes) -> None:
        open_transport(incoming.protocol).write(head)
        try:
            for piece in self._pieces:
                file = self._first if piece.name == self._pieces[0].name else OpenFile(self._folder, piece.name)
                try:
                    await (_send_decrypted if piece.key else _send)(incoming, file.descriptor, piece)
                finally:
                    if file is not self._first:
                        file.close()
        except FileNotFoundError as error:
            raise ConnectionResetError("a file of the answer is gone") from error


async def _send_decrypted(incoming: Incoming, file: int, piece: Piece) -> None:
    for data in _read(file, piece):
        open_transport(incoming.protocol).write(data)
        await drain(incoming.protocol)
        await asyncio.sleep(0)


def _read(file: int, piece: Piece) -> Iterator[bytes]:
    """Its bytes, DECRYPT_BYTES at a time. ConnectionResetError in place of the last ones when they are not all there,
    or not what was stored."""
    stream = Keystream(piece.key, piece.offset) if piece.key else None
    crc = checksums.new(CRC) if piece.crc else None
    offset, end = piece.offset, piece.offset + piece.size
    while offset < end:
        data = os.pread(file, min(DECRYPT_BYTES, end - offset), offset)
        if not data:
            raise ConnectionResetError("a file is shorter than its record says")
        offset += len(data)
        if offset < end:
            os.posix_fadvise(file, offset, min(AHEAD_BYTES, end - offset), os.POSIX_FADV_WILLNEED)
        if crc is not None:
            crc.update(data)
            if offset == end and crc.digest() != piece.crc:
                log.error("object_rotten", file=piece.name, reason=f"its {CRC} has changed")
                raise ConnectionResetError("a file is not what was stored")
        yield data if stream is None else stream.apply(data)


async def _send(incoming: Incoming, file: int, piece: Piece) -> None:
    """As it lies on the disk."""
    transport = open_transport(incoming.protocol)
    transport.set_write_buffer_limits(0)           # drain returns when nothing is left
    await drain(incoming.protocol)
    socket = os.dup(transport.get_extra_info("socket").fileno())
    try:
        await _send_file(incoming, socket, file, piece)
    finally:
        os.close(socket)
        transport.set_write_buffer_limits()


async def _send_file(incoming: Incoming, socket: int, file: int, piece: Piece) -> None:
    offset, end = piece.offset, piece.offset + piece.size
    while offset < end:
        open_transport(incoming.protocol)
        try:
            sent = os.sendfile(socket, file, offset, min(SEND_BYTES, end - offset))
        except BlockingIOError:
            await _writable(incoming, socket)
            continue
        if not sent:
            raise ConnectionResetError("a file is shorter than its record says")
        offset += sent
        if offset < end:
            os.posix_fadvise(file, offset, min(AHEAD_BYTES, end - offset), os.POSIX_FADV_WILLNEED)
            await asyncio.sleep(0)


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
