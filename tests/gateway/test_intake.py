"""Large bodies, which pass aiohttp by: read straight into buffers while a worker digests and another one writes.

A real socket, a fake bus whose answers look into the file that the request names.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from errno import ENOSPC
from functools import partial
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bus import files
from bus.ciphers import Keystream
from bus.files import IncomingFile
from gateway.connection import DIRECT_LEAST_BYTES, BodyReader
from gateway.intake import BLOCK_BYTES
from schemas import checksums
from schemas.checksums import Buffer
from schemas.envelope import Reply
from tests.gateway.fakes import Asked
from tests.gateway.running import Connection, running

Run = Callable[[Coroutine[Any, Any, None]], None]

LOOPS: list[Run] = [asyncio.run, uvloop.run]
BYTES = os.urandom(3 * BLOCK_BYTES)
SIZES = sorted({size + more for size in (DIRECT_LEAST_BYTES, BLOCK_BYTES, 2 * BLOCK_BYTES) for more in (-1, 0, 1)})


def folder_of(state: str) -> Path:
    folder = Path(state) / "s3" / files.FOLDER
    (folder / files.INCOMING).mkdir(parents=True)
    return folder


def put(key: str, size: int, more: str = "") -> bytes:
    return f"PUT /bucket/{key} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n{more}\r\n".encode()


def stored(folder: Path, asked: Asked) -> Reply:
    """Is what the file holds, decrypted, what its digests say? Its size and MD5 are the ETag."""
    body = files.referred(asked.request.params["Body"])
    encrypted = (folder / files.INCOMING / body.name).read_bytes()
    data = Keystream(body.key).apply(encrypted)
    assert checksums.of(files.CRC, encrypted) == body.crc
    assert checksums.of("CRC64NVME", data) == body.sums["CRC64NVME"]
    assert md5(data).digest() == body.sums["MD5"]
    return Reply(asked.request.id, ok={"ETag": f"{len(data)}-{md5(data).hexdigest()}"})


def etag(data: bytes) -> str:
    return f"{len(data)}-{md5(data).hexdigest()}"


# However the bytes arrive, each request of a connection gets its own body, whole; and a third request follows. On the
# loop of the gateway's process (uvloop) and on asyncio's own.
@settings(max_examples=20)
@given(st.sampled_from(LOOPS), st.lists(st.sampled_from(SIZES), min_size=2, max_size=2),
       st.lists(st.integers(1, 2 * BLOCK_BYTES), max_size=4), st.booleans())
def test_bodies_of_a_connection(loop: Run, sizes: list[int], cuts: list[int], pause: bool) -> None:
    async def main() -> None:
        with TemporaryDirectory() as state:
            folder = folder_of(state)
            async with running(partial(stored, folder), state=Path(state)) as gateway:
                client = await Connection.open(gateway)
                sent = b"".join(put(str(size), size) + BYTES[:size] for size in sizes)
                for piece in _cut(sent, cuts):
                    client.send(piece)
                    await asyncio.sleep(0.001 if pause else 0)
                for size in sizes:
                    answer = await client.response()
                    assert (answer.status, answer.headers["etag"]) == (200, etag(BYTES[:size]))
                client.send(put("after", 20_000, "expect: 100-continue\r\n"))
                assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
                client.send(BYTES[:20_000])
                assert (await client.response()).headers["etag"] == etag(BYTES[:20_000])
                await client.close()
                assert not list((folder / files.INCOMING).iterdir())

    loop(main())


def _cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at:at + size])
        at += size
    return [*pieces, data[at:]]


# S3's own words for a client that stops sending; the connection ends with them, and nothing stays of the body.
@pytest.mark.parametrize("loop", LOOPS)
def test_a_client_that_stops(loop: Run) -> None:
    async def main() -> None:
        with TemporaryDirectory() as state:
            folder = folder_of(state)
            reader = BodyReader(1 << 20, idle_limit_s=0.05)
            async with running(state=Path(state), body_reader=reader) as gateway:
                client = await Connection.open(gateway)
                client.send(put("key", len(BYTES)) + BYTES[:BLOCK_BYTES + 1])
                answer = await client.response()
                assert (answer.status, answer.headers["connection"]) == (400, "close")
                assert b"<Code>RequestTimeout</Code>" in answer.body
                await client.close()
                gone = await Connection.open(gateway)
                gone.send(put("key", len(BYTES)) + BYTES[:BLOCK_BYTES + 1])
                await gone.writer.drain()
                await gone.close()
            assert gateway.bus.asked == []
            assert not list((folder / files.INCOMING).iterdir())

    with capture_logs() as logs:
        loop(main())
    assert logs == []


# A body refused while it comes (the disk is full): what still comes is read away, so that a client which sends all of
# it before it reads gets the answer (RFC 9112, 9.6); the connection ends with it.
@settings(max_examples=20)
@given(st.sampled_from(LOOPS), st.integers(0, len(BYTES) - 1), st.lists(st.integers(1, 2 * BLOCK_BYTES), max_size=4))
def test_a_body_refused_midway(loop: Run, room: int, cuts: list[int]) -> None:
    async def main() -> None:
        with TemporaryDirectory() as state, patch.object(IncomingFile, "write", full_after(room)):
            folder = folder_of(state)
            async with running(state=Path(state)) as gateway:
                client = await Connection.open(gateway)
                for piece in _cut(put("key", len(BYTES)) + BYTES, cuts):
                    client.send(piece)
                    await asyncio.sleep(0)
                await client.writer.drain()
                answer = await client.response()
                assert (answer.status, answer.headers["connection"]) == (500, "close")
                assert b"<Code>InternalError</Code>" in answer.body
                await client.close()
            assert gateway.bus.asked == []
            assert not list((folder / files.INCOMING).iterdir())

    loop(main())


def full_after(room: int) -> Callable[[IncomingFile, Buffer], None]:
    def write(file: IncomingFile, piece: Buffer) -> None:
        nonlocal room
        room -= len(piece)
        if room < 0:
            raise OSError(ENOSPC, "No space left on device")
        plain(file, piece)

    plain = IncomingFile.write
    return write
