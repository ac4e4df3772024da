"""One HTTP/1.1 connection: aiohttp's parser in front, answers written in one piece behind.

aiohttp frames and parses; its request and response classes are left out of the path (they cost 25 us a request), and
`Incoming` and `Answer` take their places: the few attributes of them that aiohttp's RequestHandler looks at are named
below. Bodies are read here, with their bounds in size and time.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler, RequestPayloadError

from gateway.bodies import BODY_LIMIT_BYTES, IncompleteBody, RequestEntityTooLarge
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

_SERVER = "Skybus"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})


class RequestTimeout(AwsError):
    code = "RequestTimeout"

    def __init__(self) -> None:
        super().__init__("Your socket connection to the server was not read from or written to within the timeout "
                         "period. Idle connections will be closed.", status=400)


class Incoming:
    """A request whose head has come. Stands where aiohttp expects its BaseRequest."""

    __slots__ = ("_task", "body_bytes", "close", "headers", "message", "method", "payload", "protocol")

    def __init__(self, message: RawRequestMessage, payload: StreamReader, protocol: RequestHandler,
                 _writer: AbstractStreamWriter, task: "asyncio.Task[None]") -> None:
        self.message = message
        self.method = message.method
        self.payload = payload
        self.protocol = protocol
        self.headers = plain_headers(message)
        self.close = message.should_close           # after this answer
        self.body_bytes = 0                         # held in memory for this request
        self._task = task

    def _cancel(self, error: BaseException) -> None:
        """aiohttp: the connection is lost. Wakes whoever waits for the body."""
        if not self.payload.is_eof():
            self.payload.set_exception(error)

    def _finish(self) -> None:
        """aiohttp: the handler has returned."""

    @property
    def peer(self) -> str:
        """The client's address; "" when the connection is gone."""
        transport = self.protocol.transport
        name = transport.get_extra_info("peername") if transport is not None else None
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
        if incoming.headers.get("expect", "").lower() == "100-continue" and incoming.protocol.transport is not None:
            incoming.protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        pieces: list[bytes] = []
        size = 0
        end = time.monotonic() + BODY_LIMIT_S
        try:
            while True:
                async with asyncio.timeout(min(self._idle_limit_s, end - time.monotonic())):
                    piece = await incoming.payload.readany()
                if not piece and incoming.payload.at_eof():
                    return b"".join(pieces)
                size += len(piece)
                if size > self._limit_bytes:
                    raise RequestEntityTooLarge(self._limit_bytes)
                self._hold(incoming, len(piece))
                pieces.append(piece)
        except TimeoutError as error:
            raise RequestTimeout from error
        except (RequestPayloadError, HttpProcessingError) as error:
            raise IncompleteBody from error

    def _hold(self, incoming: Incoming, size: int) -> None:
        if self.held_bytes + size > BUFFERED_LIMIT_BYTES:
            raise ServiceUnavailable("Too many request bodies are in flight.")
        self.held_bytes += size
        incoming.body_bytes += size


class Answer:
    """A whole response. Stands where aiohttp expects its StreamResponse."""

    __slots__ = ("_body", "_headers", "_status", "keep_alive")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._status = status
        self._headers = headers
        self._body = body
        self.keep_alive = False                     # set when it is written

    async def prepare(self, incoming: Incoming) -> None:
        """aiohttp: write the head; here all of it goes."""
        self.keep_alive = not incoming.close
        body = self._body if incoming.method != "HEAD" else b""
        head = _head(self._status, self._headers, incoming, len(self._body))
        transport = _open_transport(incoming)
        if len(body) <= JOIN_LIMIT_BYTES:
            transport.write(head + body)
            return
        transport.write(head)
        transport.write(body)
        await drain(incoming.protocol)

    async def write_eof(self) -> None:
        """aiohttp: write the rest; nothing is left."""


class StreamAnswer:
    """A response whose pieces come one by one; chunked, or closed at its end for HTTP/1.0."""

    __slots__ = ("_headers", "_incoming", "_pieces", "_status", "keep_alive")

    def __init__(self, status: int, headers: Mapping[str, str], pieces: AsyncIterator[bytes]) -> None:
        self._status = status
        self._headers = headers
        self._pieces = pieces
        self._incoming: Incoming | None = None
        self.keep_alive = False

    async def prepare(self, incoming: Incoming) -> None:
        self._incoming = incoming
        chunked = incoming.message.version >= (1, 1)
        incoming.close = incoming.close or not chunked
        self.keep_alive = not incoming.close
        headers = {**self._headers, "transfer-encoding": "chunked"} if chunked else self._headers
        _open_transport(incoming).write(_head(self._status, headers, incoming, None))

    async def write_eof(self) -> None:
        """Returns when the last piece is out; closing the iterator early is what a lost connection does."""
        incoming = self._incoming
        assert incoming is not None, "aiohttp prepares before it writes"
        chunked = incoming.message.version >= (1, 1)
        async for piece in self._pieces:
            if piece:
                _open_transport(incoming).write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await drain(incoming.protocol)
        if chunked:
            _open_transport(incoming).write(b"0\r\n\r\n")


async def drain(protocol: BaseProtocol) -> None:
    """Waits while the client is slower than we are. ConnectionResetError after WRITE_LIMIT_S."""
    try:
        async with asyncio.timeout(WRITE_LIMIT_S):
            await protocol._drain_helper()
    except TimeoutError as error:
        if protocol.transport is not None:
            protocol.transport.abort()
        raise ConnectionResetError("the client does not read its answer") from error


def _open_transport(incoming: Incoming) -> asyncio.Transport:
    transport = incoming.protocol.transport
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


def _head(status: int, headers: Mapping[str, str], incoming: Incoming, length: int | None) -> bytes:
    """Status line and headers. A line break in a header's value would be an injection: it is our bug, and refused."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}"]
    for name, value in headers.items():
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"the value of header {name} holds a control character")
        lines.append(f"{name}: {value}")
    if length is not None and status not in _BODILESS and "content-length" not in headers \
            and "Content-Length" not in headers:
        lines.append(f"content-length: {length}")
    if incoming.close:
        lines.append("connection: close")
    elif incoming.message.version < (1, 1):
        lines.append("connection: keep-alive")
    lines.append(f"date: {_Date.now()}\r\nserver: {_SERVER}\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


class Connection(RequestHandler):
    """aiohttp's, with its own pages replaced by answers of ours."""

    def handle_error(self, request: Any, status: int = 500, exc: BaseException | None = None,
                     message: str | None = None) -> Any:
        """What is not HTTP (status 400) or what escaped the gateway's handler, which would be our bug."""
        if exc is not None and status >= 500:
            self.log_exception("Error handling request", exc_info=exc)
        request.close = True
        text = b"Bad Request\n" if status < 500 else b"Internal Server Error\n"
        return Answer(status, {"content-type": "text/plain"}, text)


class HttpServer(web.Server):
    """Makes a Connection per client, at most CONNECTIONS_LIMIT of them."""

    def __init__(self, handler: Any, *, head_limit_s: float = HEAD_LIMIT_S) -> None:
        super().__init__(
            handler, request_factory=Incoming, handler_cancellation=True,  # type: ignore[arg-type]
        )
        self._options: dict[str, Any] = {
            "keepalive_timeout": head_limit_s, "access_log": None, "auto_decompress": False,
            "lingering_time": LINGER_LIMIT_S, "max_line_size": LINE_LIMIT_BYTES, "max_field_size": LINE_LIMIT_BYTES,
            "max_headers": HEADERS_LIMIT_COUNT,
        }

    def __call__(self) -> RequestHandler:
        return Connection(self, loop=asyncio.get_running_loop(), **self._options)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        if len(self._connections) > CONNECTIONS_LIMIT:
            transport.abort()
