"""One HTTP/1.1 connection: aiohttp's parser in front, answers written in one piece behind.

aiohttp frames and parses; its request, response and writer objects and its task per request are left out of the path,
which halves what a request costs. Bodies are read here, with their bounds in size and time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Protocol
from uuid import uuid4

from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from gateway.bodies import BODY_LIMIT_BYTES, IncompleteBody, RequestEntityTooLarge
from gateway.intake import BLOCK_BYTES, Intake
from gateway.plain import plain_error
from schemas.checksums import Buffer
from schemas.errors import AwsError, ServiceUnavailable

CONNECTIONS_LIMIT = 4096
LINE_LIMIT_BYTES = 32 * 1024              # of the request line (a presigned URL) and of each header (a session token)
HEADERS_LIMIT_COUNT = 256
HEAD_LIMIT_S = 60.0                       # from the end of one request to the end of the next one's headers
BODY_IDLE_LIMIT_S = 20.0                  # between two pieces of a body; S3's own limit
BODY_LIMIT_S = 600.0                      # for the whole of it
LINGER_LIMIT_S = 5.0                      # for reading on after an answer that did not need the body
WRITE_LIMIT_S = 60.0                      # for a client to take an answer
BUFFERED_LIMIT_BYTES = 512 * 1024 * 1024  # of all request bodies that are held at once
JOIN_LIMIT_BYTES = 64 * 1024              # a smaller answer goes out as one write
DIRECT_LEAST_BYTES = 512 * 1024           # a shorter body has mostly come with its head, or goes the parser's way

_SERVER = "Skybus"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})


class RequestTimeout(AwsError):
    code = "RequestTimeout"

    def __init__(self) -> None:
        super().__init__("Your socket connection to the server was not read from or written to within the timeout "
                         "period. Idle connections will be closed.", status=400)


class Incoming:
    """A request whose head has come."""

    __slots__ = ("awaits_invitation", "body_bytes", "close", "headers", "method", "payload", "protocol", "target",
                 "version")

    def __init__(self, message: RawRequestMessage, payload: StreamReader, protocol: "Connection") -> None:
        self.method = message.method
        self.target: str = message.path             # as sent
        self.version: tuple[int, int] = message.version
        self.headers = plain_headers(message)
        self.payload = payload
        self.protocol = protocol
        self.close: bool = message.should_close     # after this answer
        self.body_bytes = 0                         # held in memory for this request
        self.awaits_invitation = self.headers.get("expect", "").lower() == "100-continue"     # before its body comes

    @property
    def peer(self) -> str:
        """The client's address; "" when the connection is gone."""
        name = self.protocol.peername
        return name[0] if name else ""


def plain_headers(message: RawRequestMessage) -> dict[str, str]:
    """Lower-case names; repeated headers joined by a comma, as RFC 9110 5.2 allows and SigV4 signs them."""
    given = message.headers
    headers = {name.lower(): value for name, value in given.items()}
    if len(headers) != len(given):
        for name in headers:
            headers[name] = ",".join(given.getall(name))
    return headers


class BodyReader:
    """Reads bodies whole, and knows how many bytes all of them hold together."""

    def __init__(self, limit_bytes: int = BODY_LIMIT_BYTES, idle_limit_s: float = BODY_IDLE_LIMIT_S) -> None:
        self.held_bytes = 0
        self._limit_bytes = limit_bytes
        self._idle_limit_s = idle_limit_s

    async def read(self, incoming: Incoming) -> bytes:
        """The body as sent. `release` it afterwards. AwsError: too large, too slow, broken off, or too much held."""
        payload = incoming.payload
        if payload.is_eof() and payload.exception() is None:    # all of it came with the head
            _invite(incoming)
            body: bytes = payload.read_nowait(-1)
            if len(body) > self._limit_bytes:
                incoming.close = True
                raise RequestEntityTooLarge(self._limit_bytes)
            self._hold(incoming, len(body))
            return body
        try:
            return await self._read(incoming)
        except AwsError:
            incoming.close = True                   # what is left of the body is not worth reading
            raise

    def release(self, incoming: Incoming) -> None:
        self.held_bytes -= incoming.body_bytes
        incoming.body_bytes = 0

    async def _read(self, incoming: Incoming) -> bytes:
        stated = incoming.headers.get("content-length", "")
        if stated.isdigit() and int(stated) > self._limit_bytes:
            raise RequestEntityTooLarge(self._limit_bytes)
        pieces: list[bytes] = []
        size = 0
        async for piece in self.pieces(incoming, BODY_LIMIT_S):
            size += len(piece)
            if size > self._limit_bytes:
                raise RequestEntityTooLarge(self._limit_bytes)
            self._hold(incoming, len(piece))
            pieces.append(piece)
        return b"".join(pieces)

    def blocks(self, incoming: Incoming, limit_s: float) -> AsyncGenerator[Buffer, None]:
        """The body, BLOCK_BYTES at a time, within `limit_s`; a block is overwritten once the next but one is asked for.
        To be used under contextlib.aclosing. AwsError: too slow, or broken off."""
        stated = incoming.headers.get("content-length", "")
        if stated.isdigit() and int(stated) >= DIRECT_LEAST_BYTES:
            return self._direct(incoming, int(stated), limit_s)
        return gathered(self.pieces(incoming, limit_s))

    async def _direct(self, incoming: Incoming, size: int, limit_s: float) -> AsyncGenerator[Buffer, None]:
        """Past the parser, but for what it has by now."""
        _invite(incoming)
        end = asyncio.get_running_loop().time() + limit_s
        connection = incoming.protocol
        whole = False
        try:
            came = connection.hold(incoming.payload)
            if came:
                yield came
            async with aclosing(Intake(connection, size - len(came)).blocks(self._idle_limit_s, end)) as blocks:
                async for block in blocks:
                    yield block
            whole = True
        except TimeoutError as error:
            raise RequestTimeout from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise IncompleteBody from error
        finally:
            connection.let_go(incoming.payload, whole=whole)

    async def pieces(self, incoming: Incoming, limit_s: float) -> AsyncIterator[bytes]:
        """The body as it comes, within `limit_s`. AwsError: too slow, or broken off."""
        _invite(incoming)
        end = time.monotonic() + limit_s
        try:
            while True:
                async with asyncio.timeout(min(self._idle_limit_s, end - time.monotonic())):
                    piece = await incoming.payload.readany()
                if not piece and incoming.payload.at_eof():
                    return
                yield piece
        except TimeoutError as error:
            raise RequestTimeout from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise IncompleteBody from error

    def _hold(self, incoming: Incoming, size: int) -> None:
        if self.held_bytes + size > BUFFERED_LIMIT_BYTES:
            raise ServiceUnavailable("Too many request bodies are in flight.")
        self.held_bytes += size
        incoming.body_bytes += size


def _invite(incoming: Incoming) -> None:
    """Tells a client that waits for it that its body is welcome."""
    if incoming.awaits_invitation and incoming.protocol.transport is not None:
        incoming.awaits_invitation = False
        incoming.protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def gathered(pieces: AsyncIterator[bytes]) -> AsyncGenerator[Buffer, None]:
    """Pieces as blocks."""
    block = bytearray()
    async for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            yield block
            block = bytearray()
    if block:
        yield block


class Answer:
    """A whole response."""

    __slots__ = ("_body", "_headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self._headers = headers
        self._body = body

    async def send(self, incoming: Incoming) -> None:
        """ConnectionError when the client has gone."""
        body = self._body if incoming.method != "HEAD" else b""
        head = answer_head(self.status, self._headers, incoming, len(self._body))
        transport = open_transport(incoming.protocol)
        if len(body) <= JOIN_LIMIT_BYTES:
            transport.write(head + body)
            return
        transport.write(head)
        transport.write(body)
        await drain(incoming.protocol)


class StreamAnswer:
    """A response whose pieces come one by one; chunked, or closed at its end for HTTP/1.0."""

    __slots__ = ("_close", "_headers", "_pieces", "status")

    def __init__(self, status: int, headers: Mapping[str, str], pieces: AsyncIterator[bytes],
                 close: Callable[[], Awaitable[None]]) -> None:
        """`close` is awaited once, when the answer is out or nobody is there to read it."""
        self.status = status
        self._headers = headers
        self._pieces = pieces
        self._close = close

    async def send(self, incoming: Incoming) -> None:
        """Returns when the last piece is out. ConnectionError, CancelledError when the client has gone."""
        chunked = incoming.version >= (1, 1)
        incoming.close = incoming.close or not chunked
        headers = {**self._headers, "transfer-encoding": "chunked"} if chunked else self._headers
        connection = incoming.protocol
        try:
            open_transport(connection).write(answer_head(self.status, headers, incoming, None))
            async for piece in self._pieces:
                if piece:
                    open_transport(connection).write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                    await drain(connection)
            if chunked:
                open_transport(connection).write(b"0\r\n\r\n")
        finally:
            await self._close()


async def drain(protocol: BaseProtocol) -> None:
    """Waits while the client is slower than we are. ConnectionResetError after WRITE_LIMIT_S."""
    try:
        async with asyncio.timeout(WRITE_LIMIT_S):
            await protocol._drain_helper()
    except TimeoutError as error:
        if protocol.transport is not None:
            protocol.transport.abort()
        raise ConnectionResetError("the client does not read its answer") from error


def open_transport(connection: BaseProtocol) -> asyncio.Transport:
    transport = connection.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the client has gone")
    return transport


class _Date:
    """The Date header of the current second."""

    second = 0
    text = ""

    @classmethod
    def now(cls) -> str:
        now = int(time.time())
        if now != cls.second:
            cls.second, cls.text = now, formatdate(now, usegmt=True)
        return cls.text


def answer_head(status: int, headers: Mapping[str, str], incoming: Incoming, length: int | None) -> bytes:
    """Status line and headers. A line break in a header's value would be an injection: it is our bug, and refused."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None and status not in _BODILESS and "content-length" not in headers \
            and "Content-Length" not in headers:
        lines.append(f"content-length: {length}")
    if incoming.close:
        lines.append("connection: close")
    elif incoming.version < (1, 1):
        lines.append("connection: keep-alive")
    lines += (f"date: {_Date.now()}", f"server: {_SERVER}", "", "")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
        raise ValueError("the name or the value of a header holds a control character")
    return head.encode("utf-8", "surrogateescape")


class Connection(RequestHandler):
    """aiohttp's connection with a loop of our own.

    aiohttp makes a task, a writer and a context for every request; here the connection's one task awaits the handler
    itself. What aiohttp's framing, flow control, keep-alive timer and shutdown need of the loop is kept: those are the
    underscored names, aiohttp 3.14's.
    """

    __slots__ = ("_handle",)

    def __init__(self, server: "HttpServer", **options: Any) -> None:
        super().__init__(server, **options)
        self._handle = server.handle

    async def start(self) -> None:
        """Answers one request after the other until the connection closes."""
        try:
            while not self._force_close:
                if not self._messages:
                    await self._next_message()
                message, payload = self._messages.popleft()
                if self._parser is not None:
                    self._parser.message_consumed()
                if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                    self._resume_reading_if_drained()
                if not isinstance(message, RawRequestMessage):
                    open_transport(self).write(_not_http())
                    break
                if not await self._exchange(Incoming(message, payload, self)) or self._close:
                    break
                self._restart_keepalive()
        except ConnectionError:
            self.force_close()                      # the client has gone: there is nobody to tell
        finally:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Asked for with every piece of a body that is read; where nothing was paused, nothing waits to be parsed."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def hold(self, payload: StreamReader) -> bytes:
        """What has come of a body; what is still to come stays in the socket until `let_go`."""
        self._pause_reading_for_buffer()
        pieces: list[bytes] = []
        while piece := payload.read_nowait(-1):     # the parser goes on with what it has as room is made
            pieces.append(piece)
        return b"".join(pieces)

    def let_go(self, payload: StreamReader, *, whole: bool) -> None:
        """`whole`: the rest of the body was read elsewhere. Otherwise the connection ends with the answer."""
        if whole and not payload.is_eof():
            payload.feed_eof()
            self._parser = HttpRequestParser(
                self, self._loop, self._read_bufsize, max_line_size=self.max_line_size,
                max_field_size=self.max_field_size, max_headers=self.max_headers,
                payload_exception=RequestPayloadError, auto_decompress=False,
                max_msg_queue_size=self._max_msg_queue_size)
            self._reading_paused = False
        self._resume_reading_for_buffer()

    async def _next_message(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _exchange(self, incoming: Incoming) -> bool:
        """One request and its answer. True when another may follow."""
        self._request_in_progress = True
        try:
            answer = await self._handle(incoming)
            # Its body may come, or its next request (RFC 9110 10.1.1). Where there is no body too: botocore forgets
            # such an answer only with the connection (awsrequest.AWSConnection), and reads the next one wrongly.
            incoming.close = incoming.close or incoming.awaits_invitation
            await answer.send(incoming)
        finally:
            self._request_in_progress = False
            if self._handler_waiter is not None and not self._handler_waiter.done():
                self._handler_waiter.set_result(None)
        payload = incoming.payload
        if not payload.is_eof():
            await self._read_away(payload)
            incoming.close = incoming.close or not payload.is_eof()
        return not incoming.close

    async def _read_away(self, payload: StreamReader) -> None:
        """What is left of a body whose answer did not need it: closing at once could lose the answer (RFC 9112 9.6)."""
        with suppress(TimeoutError, HttpProcessingError, RequestPayloadError):
            async with asyncio.timeout(LINGER_LIMIT_S):
                while not payload.is_eof():
                    await payload.readany()

    def _restart_keepalive(self) -> None:
        self._next_keepalive_close_time = close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(close_time, self._process_keepalive)


def _not_http() -> bytes:
    """For bytes that are no HTTP request: there is no service to speak for."""
    refusal = AwsError("The bytes received are no HTTP request.", code="BadRequest", status=400)
    error = plain_error(refusal, str(uuid4()))
    head = [f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(error.body)}\r\nconnection: close\r\n"]
    head += [f"{name}: {value}\r\n" for name, value in error.headers.items()]
    return "".join(head).encode() + b"\r\n" + error.body


class Sendable(Protocol):
    """An answer of any kind."""

    async def send(self, incoming: Incoming) -> None: ...


Handler = Callable[[Incoming], Awaitable[Sendable]]


async def _unused(request: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError("Connection.start calls the gateway's own handler")


class HttpServer(web.Server):
    """Makes a Connection per client, at most CONNECTIONS_LIMIT of them."""

    def __init__(self, handle: Handler, *, head_limit_s: float = HEAD_LIMIT_S) -> None:
        super().__init__(_unused, handler_cancellation=True)
        self.handle = handle
        self._options: dict[str, Any] = {
            "keepalive_timeout": head_limit_s, "access_log": None, "auto_decompress": False,
            "max_line_size": LINE_LIMIT_BYTES, "max_field_size": LINE_LIMIT_BYTES, "max_headers": HEADERS_LIMIT_COUNT,
        }

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self._connections) > CONNECTIONS_LIMIT:
            transport.abort()
