"""bus/wire.py: the parser gives the same messages however the stream is cut, and refuses what is not NATS."""

import asyncio
import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.transport import Handler, Message
from bus.wire import FLOOD_BYTES, Parser, ProtocolError, Wire

NAMES = st.text("abc.$_é", min_size=1, max_size=12)
MESSAGES = st.lists(st.builds(Message, NAMES, st.just("") | NAMES, st.binary(max_size=40)), max_size=8)


class Heard:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.statuses: list[tuple[bytes, str, bytes]] = []
        self.lines: list[bytes] = []
        handlers: dict[bytes, Handler] = {b"7": self.messages.append}
        self.parser = Parser(
            handlers, lambda sid, subject, status: self.statuses.append((sid, subject, status)), self.lines.append
        )


def encoded(message: Message, headers: bytes) -> bytes:
    reply = f" {message.reply}".encode() if message.reply else b""
    subject, data = message.subject.encode(), message.data
    if headers:
        return b"HMSG %s 7%s %d %d\r\n%s%s\r\n" % (
            subject, reply, len(headers), len(headers) + len(data), headers, data)
    return b"MSG %s 7%s %d\r\n%s\r\n" % (subject, reply, len(data), data)


# Source of the forms: NATS client protocol (MSG, HMSG, PING, -ERR). Payloads hold anything, line ends and "MSG" too.
@given(MESSAGES, st.lists(st.integers(0, 400), max_size=12), st.booleans())
def test_any_cut_gives_the_same(messages: list[Message], cuts: list[int], with_headers: bool) -> None:
    heard = Heard()
    headers = b"NATS/1.0\r\nA: b\r\n\r\n" if with_headers else b""
    stream = b"PING\r\n".join(encoded(message, headers) for message in messages) + b"+OK\r\n"
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, stop in pairwise(edges):
        heard.parser.feed(stream[start:stop])
    assert heard.messages == messages
    assert heard.lines == [b"PING"] * (len(messages) - 1) + [b"+OK"]


@given(MESSAGES)
def test_byte_by_byte(messages: list[Message]) -> None:
    heard = Heard()
    for byte in b"".join(encoded(message, b"") for message in messages):
        heard.parser.feed(bytes([byte]))
    assert heard.messages == messages


def test_no_responders_is_a_status_and_strangers_are_dropped() -> None:
    heard = Heard()
    heard.parser.feed(b"HMSG _INBOX.1 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
    heard.parser.feed(b"MSG x 8 1\r\na\r\nHMSG x 8 12 12\r\nNATS/1.0\r\n\r\n\r\n")
    assert heard.statuses == [(b"7", "_INBOX.1", b"503")]
    assert heard.messages == []


# Garbage from the peer: ProtocolError or nothing at all; never another exception, never without bound.
@given(st.lists(st.binary(max_size=60) | st.sampled_from([
    b"MSG", b" 7 ", b"\r\n", b"HMSG a 7 99 3\r\n", b"MSG a 7 -1\r\n", b"MSG a 7 99999999999\r\n", b"MSG a 7 x\r\n",
    b"MSG \xff\xfe 7 1\r\na\r\n", b"HMSG a 7 1 1\r\n",
]), max_size=12))
def test_garbage(parts: list[bytes]) -> None:
    heard = Heard()
    with contextlib.suppress(ProtocolError):
        for part in parts:
            heard.parser.feed(part)


def test_an_endless_line_is_refused() -> None:
    heard = Heard()
    heard.parser.feed(b"M" * 60_000)
    with pytest.raises(ProtocolError, match="too long"):
        heard.parser.feed(b"M" * 10_000)


class Socket(asyncio.Transport):
    """Remembers whether it was asked to stop reading."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.calls.append("limits")

    def is_closing(self) -> bool:
        return "closed" in self.calls

    def close(self) -> None:
        self.calls.append("closed")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


# "A message flood must not starve the loop": after a large read, what is ready on the loop runs before the next read.
def test_a_flood_lets_the_loop_turn() -> None:
    async def main() -> None:
        socket, wire = Socket(), Wire(lambda _: None, lambda _, room: None)
        wire.connection_made(socket)
        consuming = asyncio.ensure_future(wire.consume(lambda _: None))
        await asyncio.sleep(0)
        others: list[int] = []
        wire.data_received(bytes(FLOOD_BYTES))
        asyncio.get_running_loop().call_soon(others.append, len(socket.calls))
        wire.data_received(bytes(10))
        assert socket.calls == ["limits", "pause"]
        await asyncio.sleep(0)
        assert socket.calls == ["limits", "pause", "resume"]
        assert others
        wire.data_received(bytes(FLOOD_BYTES))
        wire.close()
        await asyncio.sleep(0)
        assert socket.calls == ["limits", "pause", "resume", "pause", "closed"]
        wire.connection_lost(None)
        await consuming

    asyncio.run(main())
