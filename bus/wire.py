"""NATS's client protocol, the receiving half: bytes of a stream into messages, synchronously, and the socket under it.

Source: https://docs.nats.io/reference/reference-protocols/nats-protocol (MSG, HMSG, PING, PONG, INFO, +OK, -ERR).
Knows nothing of nats-py, which does the handshake through `Wire.readline` before `Wire.consume` takes the stream over.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from typing import cast

import structlog

from bus.transport import Handler, Message

CONTROL_LINE_LIMIT_BYTES = 64 * 1024      # INFO of a large cluster is the longest; the server's own limit is 4 KiB
MESSAGE_LIMIT_BYTES = 64 * 1024 * 1024    # no server allows more (max_payload)
FLOOD_BYTES = 128 * 1024                  # a read of this size or more lets the loop turn once before the next
WRITE_BUFFER_HIGH_BYTES = 1024 * 1024     # above it the sender keeps what it has until the socket has room
CLOSE_WAIT_S = 1.0                        # for the last bytes to leave

_M, _H = b"MH"
_new = tuple.__new__
_log = structlog.get_logger()


class ProtocolError(ValueError):
    """The peer does not speak NATS; the connection cannot go on."""


class Parser:
    """`handlers` maps a subscription's id, as its bytes, to its handler; what it has not, is dropped.

    `on_status(sid, subject, status)` gets messages that carry only a status (503: no responders), `on_control(line)`
    every line that is not a message. A handler that raises is logged and the stream goes on.
    """

    def __init__(self, handlers: Mapping[bytes, Handler], on_status: Callable[[bytes, str, bytes], None],
                 on_control: Callable[[bytes], None]) -> None:
        self._handlers = handlers
        self._on_status = on_status
        self._on_control = on_control
        self._parts: list[bytes] = []     # of a message not yet whole
        self._parts_size = 0
        self._needed = 0                  # bytes before it is worth looking again

    def feed(self, data: bytes) -> None:
        """ProtocolError; then the parser is of no further use."""
        if self._parts:
            self._parts.append(data)
            self._parts_size += len(data)
            if self._parts_size < self._needed:
                return
            data = b"".join(self._parts)
            self._parts.clear()
        rest = self._messages(data)
        if rest < len(data):
            self._parts.append(data[rest:] if rest else data)
            self._parts_size = len(data) - rest

    def _messages(self, data: bytes) -> int:
        """Handles all whole messages; the offset of the first that is not, with `_needed` set."""
        position, size = 0, len(data)
        find, get_handler = data.find, self._handlers.get
        while position < size:
            end = find(b"\r\n", position)
            if end < 0:
                if size - position > CONTROL_LINE_LIMIT_BYTES:
                    raise ProtocolError("control line too long")
                self._needed = 0
                return position
            kind = data[position]
            if kind != _M and kind != _H:
                self._on_control(data[position:end])
                position = end + 2
                continue
            tokens = data[position:end].split(b" ")
            start = end + 2
            stop = start + _length(tokens[-1])
            if stop + 2 > size:
                self._needed = stop + 2 - position
                return position
            position = stop + 2
            if kind == _M:
                self._deliver(tokens, data[start:stop], get_handler)
            else:
                self._deliver_with_headers(tokens, data[start:stop])
        return position

    def _deliver(
        self, tokens: list[bytes], payload: bytes, get_handler: Callable[[bytes], Handler | None]
    ) -> None:
        """MSG subject sid [reply] size."""
        count = len(tokens)
        if count != 4 and count != 5:
            raise ProtocolError("malformed MSG")
        handler = get_handler(tokens[2])
        if handler is None:
            return
        try:
            # tuple's own constructor: half the time of the named tuple's.
            message = _new(Message, (tokens[1].decode(), tokens[3].decode() if count == 5 else "", payload))
        except UnicodeDecodeError:
            _log.warning("bus_subject_not_text", size=len(tokens[1]))
            return
        try:
            handler(message)
        except Exception:
            _log.exception("bus_handler_failed", subject=message.subject)

    def _deliver_with_headers(self, tokens: list[bytes], payload: bytes) -> None:
        """HMSG subject sid [reply] header-size size. Headers are not ours to use; a bare status is NATS's word."""
        count = len(tokens)
        if count != 5 and count != 6:
            raise ProtocolError("malformed HMSG")
        split = _length(tokens[-2])
        if payload.startswith(b"NATS/1.0 ") and split == len(payload):
            self._on_status(tokens[2], tokens[1].decode("utf-8", "replace"), payload[9:12])
            return
        self._deliver([*tokens[:-2], tokens[-1]], payload[split:], self._handlers.get)


def _length(digits: bytes) -> int:
    try:
        length = int(digits)
    except ValueError:
        raise ProtocolError("a size that is no number") from None
    if not 0 <= length <= MESSAGE_LIMIT_BYTES:
        raise ProtocolError("a size out of bounds")
    return length


class Wire(asyncio.Protocol):
    """One socket. Lines first, for the handshake; after `consume` every read goes to the parser as it arrives."""

    def __init__(self, on_lost: Callable[["Wire"], None], on_room: Callable[["Wire", bool], None]) -> None:
        self._on_lost = on_lost           # at the moment of loss, once consumed
        self._on_room = on_room           # False: keep what you have; True: the socket takes more
        self._transport: asyncio.Transport | None = None
        self._feed: Callable[[bytes], None] | None = None
        self._buffer = bytearray()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._reading = True

    async def connect(self, host: str, port: int) -> None:
        """OSError."""
        await asyncio.get_running_loop().create_connection(lambda: self, host, port)

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """OSError, ssl.SSLError. Only between lines of the handshake."""
        assert self._transport is not None
        self._buffer.clear()
        transport = await asyncio.get_running_loop().start_tls(self._transport, self, context, server_hostname=host)
        assert transport is not None
        self.connection_made(transport)

    async def readline(self) -> bytes:
        """One line with its CRLF, or b"" at the end of the stream."""
        while (end := self._buffer.find(b"\n")) < 0:
            if self._closed.is_set() or len(self._buffer) > CONTROL_LINE_LIMIT_BYTES:
                return b""
            self._changed.clear()
            await self._changed.wait()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    async def consume(self, feed: Callable[[bytes], None]) -> None:
        """Hands every byte to `feed` until the stream ends."""
        self._feed = feed
        if self._buffer:
            early = bytes(self._buffer)
            self._buffer.clear()
            self.data_received(early)
        await self._closed.wait()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def wait_closed(self) -> None:
        """Bounded: a peer that takes no bytes is cut off after CLOSE_WAIT_S."""
        if self._transport is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._closed.wait()
        self._transport.abort()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._closed.is_set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)      # uvloop's is none by inheritance
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH_BYTES)

    def data_received(self, data: bytes) -> None:
        if self._feed is None:
            self._buffer += data
            self._changed.set()
            return
        if len(data) >= FLOOD_BYTES and self._reading:
            self._reading = False
            assert self._transport is not None
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._read_on)
        try:
            self._feed(data)
        except ProtocolError as error:
            _log.error("bus_protocol_error", error=str(error))
            assert self._transport is not None
            self._transport.abort()

    def _read_on(self) -> None:
        self._reading = True
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        self._on_room(self, False)

    def resume_writing(self) -> None:
        self._on_room(self, True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()
        self._changed.set()
        if self._feed is not None:
            self._on_lost(self)
