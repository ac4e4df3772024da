"""bus/remote_files.py: a folder that is reached over a real broker is as good as one that is there."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import remote_files
from bus.bodies import CHUNK_BYTES
from bus.codec import pack, unpack
from bus.connection import NatsTransport, open_connection
from bus.files import INCOMING, in_use, path_of
from bus.remote_files import FileServer, RemoteFiles, find
from bus.system import SystemAnswers
from bus.transport import BusError, Overloaded
from tests.nats_server import NatsServer, running

SERVICE = "s3"
BYTES = os.urandom(3 * CHUNK_BYTES)


@pytest.fixture(scope="module")
def broker() -> Iterator[NatsServer]:
    with running() as server:
        yield server


class Place:
    """A folder, who serves it, and a gateway elsewhere."""

    def __init__(self, folder: Path, near: NatsTransport, transport: NatsTransport, files: RemoteFiles) -> None:
        self.folder, self.near, self.transport, self.files = folder, near, transport, files

    def incoming(self) -> list[Path]:
        return list((self.folder / INCOMING).iterdir())

    def settle(self, data: bytes) -> str:
        """A file of the service's own."""
        name = secrets.token_hex(16)
        path = path_of(self.folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return name

    async def ask(self, question: object) -> object:
        """As the gateway asks, but anything."""
        data = question if isinstance(question, bytes) else pack(question)
        return unpack((await self.transport.request(self.files._inbox, data, 2.0)).data)

    async def until(self, test: Callable[[], bool]) -> None:
        """What a message without an answer does has been done: one with an answer has come back behind it."""
        while not test():
            await self.ask({"held": ""})


def at(broker: NatsServer, scenario: Callable[[Place], Awaitable[None]]) -> None:
    async def main() -> None:
        with TemporaryDirectory() as folder:
            (Path(folder) / INCOMING).mkdir()
            near, far = [await open_connection(broker.url, "", "", f"_INBOX.{name}.", name) for name in ("near", "far")]
            server = FileServer(near, {SERVICE: Path(folder)})
            answers = SystemAnswers(near, "near", server.answers())
            await near.flush()
            files = await find(far, SERVICE)
            assert files is not None
            try:
                await scenario(Place(Path(folder), near, far, files))
            finally:
                answers.close()
                server.close()
                await far.close()
                await near.close()

    asyncio.run(main())


# Whatever the pieces are, the file holds them in order, is locked while it is written, and goes when nobody took it.
@settings(max_examples=15)
@given(cuts=st.lists(st.integers(0, len(BYTES)), max_size=4))
def test_receiving(broker: NatsServer, cuts: list[int]) -> None:
    async def scenario(place: Place) -> None:
        sink = await place.files.receive()
        ends = [*sorted(cuts), len(BYTES)]
        for begin, end in zip([0, *ends], ends, strict=False):
            await asyncio.to_thread(sink.write, memoryview(BYTES)[begin:end])
        [path] = place.incoming()
        assert (path.name, path.read_bytes(), in_use(path)) == (sink.name, BYTES, True)
        sink.close()
        await place.until(lambda: not place.incoming())

    at(broker, scenario)


@settings(max_examples=15)
@given(offset=st.integers(0, len(BYTES) + 1), size=st.integers(1, len(BYTES)))
def test_reading(broker: NatsServer, offset: int, size: int) -> None:
    async def scenario(place: Place) -> None:
        name = place.settle(BYTES)
        source = await place.files.open(name)
        into = memoryview(bytearray(size))
        count = await asyncio.to_thread(source.read, into, offset)
        assert bytes(into[:count]) == BYTES[offset:offset + size]
        assert in_use(path_of(place.folder, name))
        source.close()
        await place.until(lambda: not in_use(path_of(place.folder, name)))

    at(broker, scenario)


def test_what_is_not_there(broker: NatsServer) -> None:
    async def scenario(place: Place) -> None:
        for name in ("f" * 32, "../../etc/passwd", ""):
            with pytest.raises(FileNotFoundError):
                await place.files.open(name)
        source = await place.files.open(place.settle(b"here"))
        source.close()
        with pytest.raises(FileNotFoundError):
            await asyncio.to_thread(source.read, memoryview(bytearray(1)), 0)
        assert await find(place.transport, "dynamodb") is None

    at(broker, scenario)


@pytest.mark.parametrize("question", [
    {}, {"receive": "ec2"}, {"receive": []}, {"open": SERVICE}, {"open": SERVICE, "file": 7},
    {"held": "?", "offset": 0, "size": 1}, {"held": [], "offset": 0},
])
def test_what_nobody_understands(broker: NatsServer, question: object) -> None:
    async def scenario(place: Place) -> None:
        answer = await place.ask(question)
        assert isinstance(answer, dict)
        assert answer.keys() <= {"gone", "error"}
        assert answer
        assert place.incoming() == []

    at(broker, scenario)


@pytest.mark.parametrize("members", [
    {}, {"offset": -1, "size": 1}, {"offset": 0, "size": 0}, {"offset": 0, "size": CHUNK_BYTES + 1}, {"offset": "0"},
])
def test_what_nobody_reads(broker: NatsServer, members: dict[str, object]) -> None:
    async def scenario(place: Place) -> None:
        held = await place.ask({"open": SERVICE, "file": place.settle(b"here")})
        assert isinstance(held, dict)
        answer = await place.ask({**held, **members})
        assert isinstance(answer, dict)
        assert answer.keys() == {"error"}

    at(broker, scenario)


# As many as may be are held, and not one more until one is let go.
def test_too_many(broker: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "HELD_LIMIT_COUNT", 2)

    async def scenario(place: Place) -> None:
        sinks = [await place.files.receive() for _ in range(2)]
        with pytest.raises(Overloaded):
            await place.files.receive()
        sinks[0].close()
        await place.until(lambda: len(place.incoming()) == 1)
        await place.files.receive()

    at(broker, scenario)


# Who held it has died: its file goes, and its lock with it.
def test_idle(broker: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_files, "IDLE_LIMIT_S", 0.01)

    async def scenario(place: Place) -> None:
        await place.files.receive()
        await place.until(lambda: not place.incoming())

    at(broker, scenario)


# The service's process has gone: the gateway hears it at once, and knows that it has to look anew.
def test_who_serves_has_gone(broker: NatsServer) -> None:
    async def scenario(place: Place) -> None:
        sink = await place.files.receive()
        await place.near.close()
        with pytest.raises(BusError):
            await asyncio.to_thread(sink.write, memoryview(b"lost"))
        assert place.files.lost

    at(broker, scenario)
