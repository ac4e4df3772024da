"""Transport on nats-py; the only importer of it.

nats-py connects, authenticates, upgrades to TLS, pings and reconnects. Everything done once per message is here and in
wire.py and mux.py: synchronous callbacks, few writes per loop tick, one subscription for all replies. DESIGN.md: why.
"""

import asyncio
import contextlib
import json
import secrets
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from types import ModuleType
from typing import TYPE_CHECKING, Any

import structlog

from bus.mux import ReplyMux
from bus.subjects import is_subject
from bus.transport import BusError, Disconnected, Handler, Inbox, Message, Overloaded, Subscription
from bus.wire import Parser, Wire
from schemas.envelope import INLINE_LIMIT_BYTES


@contextlib.contextmanager
def _standing_in(modules: dict[str, ModuleType | None]) -> Iterator[None]:
    """Those of `modules` not yet imported are what is given, inside; None: "import of … halted" (importlib, 5.3.1)."""
    absent = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]  # None is allowed there
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


# nats-py would import aiohttp for WebSockets (11 MB a process), its JetStream client (50 ms) and importlib.metadata for
# its own version (a tenth of a process's start); `import nats.js` by whoever wants that still works afterwards.
_NOT_NEEDED = {"aiohttp": None, "multidict": None, "importlib.metadata": None, "nats.js": ModuleType("nats.js")}
with _standing_in(_NOT_NEEDED):
    import nats.aio.client
    import nats.aio.transport
    import nats.errors

if TYPE_CHECKING:
    from nats.aio.client import Srv

RECONNECT_WAIT_S = 0.1
PING_INTERVAL_S = 5
PINGS_UNANSWERED_LIMIT = 2                # a silent broker is given up after 15 s
CONNECT_TIMEOUT_S = 2.0                   # of one attempt
OUT_LIMIT_BYTES = 16 * 1024 * 1024        # accepted and not yet with the kernel
MAX_PAYLOAD_MIN_BYTES = INLINE_LIMIT_BYTES + 4096     # of the broker
BURST_PARTS = 3 * 16                      # 16 messages of a tick go out before the tick ends: DESIGN.md
CLOSE_FLUSH_S = 1.0                       # for the broker to confirm the last output

_log = structlog.get_logger()


async def open_connection(
    url: str, user: str, password: str, inbox_prefix: str, name: str, *, wait_s: float = 10.0,
    tls: ssl.SSLContext | None = None, on_refused: Callable[[str], None] | None = None,
) -> "NatsTransport":
    """Connected, or Disconnected after `wait_s` seconds (at once when the broker refuses the credentials).

    `inbox_prefix` ends with a dot (subjects.inbox_prefix). `on_refused` hears the broker's permission violations.
    """
    transport = NatsTransport(inbox_prefix, on_refused)
    await transport._open(url, user, password, name, wait_s, tls)
    return transport


class NatsSubscription:
    __slots__ = ("_transport", "handler", "queue", "sid", "subject")

    def __init__(self, transport: "NatsTransport", sid: bytes, subject: str, queue: str, handler: Handler) -> None:
        self._transport = transport
        self.sid = sid
        self.subject = subject
        self.queue = queue
        self.handler = handler

    def close(self) -> None:
        self._transport._unsubscribe(self)

    def command(self) -> bytes:
        queue = f" {self.queue}" if self.queue else ""
        return f"SUB {self.subject}{queue} ".encode() + self.sid + b"\r\n"


class NatsTransport:
    """bus.transport.Transport on one connection of nats-py. Made by `open_connection`, inside the loop it serves."""

    def __init__(self, inbox_prefix: str, on_refused: Callable[[str], None] | None) -> None:
        assert inbox_prefix.endswith("."), inbox_prefix
        self._loop = asyncio.get_running_loop()
        self._on_refused = on_refused
        self._mux = ReplyMux(f"{inbox_prefix}{secrets.token_hex(12)}.", self._loop)
        self._sids = count(1)
        self._subscriptions: dict[bytes, NatsSubscription] = {}
        self._handlers: dict[bytes, Handler] = {}
        self._link = _Link(self)
        self._wire: Wire | None = None    # while connected, subscriptions made and all
        self._max_payload = 0
        self._closed = False
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._room = True                 # the socket takes bytes
        self._scheduled = False
        self._control_tasks: set[asyncio.Task[None]] = set()
        self._replies_sid = self._register(f"{self._mux.prefix}*", self._mux.deliver, "").sid

    # -- Transport ---------------------------------------------------------------------------------------------------

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        size = len(data)
        if reply:
            head = f"PUB {subject} {reply} {size}\r\n".encode()
            spaces = 3
        else:
            head = f"PUB {subject} {size}\r\n".encode()
            spaces = 2
        last = len(head) - 1
        # is_subject of both, at a quarter of its cost.
        if (not subject or head.count(b" ") != spaces or b"\t" in head
                or head.find(b"\r") != last - 1 or head.find(b"\n") != last):
            raise ValueError(f"not a subject: {subject!r} or {reply!r}")
        if self._wire is None:
            raise Disconnected("not connected to the broker")
        assert size <= self._max_payload, f"{size} bytes in one message; bus/bodies.py carries what is large"
        if self._out_bytes + size > OUT_LIMIT_BYTES:
            raise Overloaded(f"{self._out_bytes} bytes wait to go out")
        self._out += (head, data, b"\r\n")
        self._out_bytes += last + size + 3
        if self._room:
            if len(self._out) >= BURST_PARTS:
                self._flush_out()
            elif not self._scheduled:
                self._schedule()

    def request(self, subject: str, data: bytes, timeout_s: float) -> "asyncio.Future[Message]":
        return self._mux.request(self.publish, subject, data, timeout_s)

    def subscribe(self, subject: str, handler: Handler, queue: str = "") -> Subscription:
        if self._closed:
            raise Disconnected("the connection is closed")
        if not is_subject(subject) or (queue and not is_subject(queue)):
            raise ValueError(f"not a subject: {subject!r}, or not a queue: {queue!r}")
        subscription = self._register(subject, handler, queue)
        if self._wire is not None:
            self._send(subscription.command())
        return subscription

    def listen(self, handler: Handler, on_failure: Callable[[BusError], None], asked: str = "") -> Inbox:
        return self._mux.listen(handler, on_failure, asked)

    def abandon(self, is_lost: Callable[[str], bool], reason: str) -> None:
        self._mux.abandon(is_lost, reason)

    async def flush(self) -> None:
        """Disconnected when the connection is lost meanwhile."""
        if self._wire is None:
            raise Disconnected("not connected to the broker")
        pong = self._loop.create_future()
        self._link.expect_pong(pong)
        self._send(b"PING\r\n")
        await pong

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._handlers.clear()
        self._subscriptions.clear()
        with contextlib.suppress(Disconnected, TimeoutError):
            async with asyncio.timeout(CLOSE_FLUSH_S):
                await self.flush()
        self._wire = None
        self._mux.close()
        await self._link.close()

    # -- output: what one loop tick publishes goes out together, a burst at a time ------------------------------------

    def _send(self, command: bytes) -> None:
        self._out.append(command)
        self._out_bytes += len(command)
        if not self._scheduled and self._room:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._write_out)

    def _write_out(self) -> None:
        self._scheduled = False
        self._flush_out()

    def _flush_out(self) -> None:
        if self._wire is None or not self._out:
            return
        data = b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        self._wire.write(data)

    def _on_room(self, wire: Wire, room: bool) -> None:
        if wire is self._wire:
            self._room = room
            if room:
                self._flush_out()

    def _ping(self, wire: Wire) -> None:
        """Behind what is already accepted: PONGs come in the order of their PINGs."""
        if wire is self._wire:
            self._send(b"PING\r\n")
        else:
            wire.write(b"PING\r\n")

    # -- subscriptions -----------------------------------------------------------------------------------------------

    def _register(self, subject: str, handler: Handler, queue: str) -> NatsSubscription:
        sid = b"%d" % next(self._sids)
        subscription = NatsSubscription(self, sid, subject, queue, handler)
        self._subscriptions[sid] = subscription
        self._handlers[sid] = handler
        return subscription

    def _unsubscribe(self, subscription: NatsSubscription) -> None:
        if self._subscriptions.pop(subscription.sid, None) is None:
            return
        del self._handlers[subscription.sid]
        if self._wire is not None:
            self._send(b"UNSUB " + subscription.sid + b"\r\n")

    # -- the connection's life ---------------------------------------------------------------------------------------

    async def _open(
        self, url: str, user: str, password: str, name: str, wait_s: float, tls: ssl.SSLContext | None
    ) -> None:
        attempt = self._loop.create_task(self._link.start(url, user, password, name, tls))
        outcomes: set[asyncio.Future[Any]] = {attempt, self._link.refused}
        await asyncio.wait(outcomes, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
        connected = attempt.done() and attempt.exception() is None
        if connected and self._link.max_payload >= MAX_PAYLOAD_MIN_BYTES:
            self._connected()
        if self._wire is not None:
            return
        if connected and self._link.max_payload >= MAX_PAYLOAD_MIN_BYTES:
            reason = f"{url} hung up at once"
        elif connected:
            reason = f"the broker's max_payload of {self._link.max_payload} bytes is below {MAX_PAYLOAD_MIN_BYTES}"
        elif self._link.refused.done():
            reason = self._link.refused.result()
        elif attempt.done():
            reason = f"{url}: {attempt.exception()}"
        else:
            reason = f"no broker at {url} within {wait_s} s"
        attempt.cancel()
        await asyncio.wait({attempt})
        await self._link.close()
        self._closed = True
        raise Disconnected(reason)

    def _connected(self) -> None:
        """Subscriptions first, so that whoever publishes next finds them made."""
        if self._closed or not self._link.wire.is_open:
            return
        self._wire = self._link.wire
        self._max_payload = self._link.max_payload
        self._room = True
        self._out = [subscription.command() for subscription in self._subscriptions.values()]
        self._out_bytes = sum(map(len, self._out))
        self._write_out()

    def _lost(self, wire: Wire) -> None:
        """At the moment of loss: nothing stays buffered, nothing stays under way."""
        if wire is not self._wire:
            return
        self._wire = None
        self._out.clear()
        self._out_bytes = 0
        self._link.fail_pongs()
        self._mux.fail_all("the connection to the broker was lost")
        if not self._closed:
            _log.warning("bus_disconnected")

    def _on_status(self, sid: bytes, subject: str, status: bytes) -> None:
        if status == b"503" and sid == self._replies_sid:
            self._mux.no_responders(subject)

    def _on_control(self, line: bytes) -> None:
        if line.startswith(b"PING"):
            self._link.wire.write(b"PONG\r\n")
        elif line.startswith(b"PONG"):
            self._link.pong()
        elif line.startswith(b"INFO "):
            task = self._loop.create_task(self._link.new_info(line[5:]))
            self._control_tasks.add(task)
            task.add_done_callback(self._control_tasks.discard)
        elif line.startswith(b"-ERR"):
            self._on_error(line[4:].decode("utf-8", "replace").strip().strip("'"))

    def _on_error(self, error: str) -> None:
        """A permission violation leaves the connection open; after any other error the broker closes it."""
        _log.warning("bus_refused", error=error)
        if self._on_refused is not None and error.lower().startswith("permissions violation"):
            self._on_refused(error)


class _Socket(nats.aio.transport.Transport):
    """nats-py's idea of a transport, over a Wire: what the handshake needs."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    async def connect(self, uri: Any, buffer_size: int, connect_timeout: int) -> None:
        async with asyncio.timeout(connect_timeout):
            await self.wire.connect(uri.hostname, uri.port)

    async def connect_tls(
        self, uri: Any, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        async with asyncio.timeout(connect_timeout):
            await self.wire.start_tls(ssl_context, uri if isinstance(uri, str) else uri.hostname)

    def write(self, payload: bytes) -> None:
        self.wire.write(payload)

    def writelines(self, payload: list[bytes]) -> None:
        self.wire.write(b"".join(payload))

    async def read(self, buffer_size: int) -> bytes:
        raise AssertionError("reads go to Wire.consume")

    async def readline(self) -> bytes:
        return await self.wire.readline()

    async def drain(self) -> None:
        """Nothing to do: the socket buffers, NatsTransport bounds."""

    async def wait_closed(self) -> None:
        await self.wire.wait_closed()

    def close(self) -> None:
        self.wire.close()

    def at_eof(self) -> bool:
        return not self.wire.is_open

    def __bool__(self) -> bool:
        return self.wire.is_open


class _Link(nats.aio.client.Client):
    """nats-py's connection with its reading, writing and error handling taken over."""

    def __init__(self, owner: NatsTransport) -> None:
        super().__init__()
        self._owner = owner
        self._last_error = ""
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.wire = self._new_wire()

    def _new_wire(self) -> Wire:
        return Wire(self._owner._lost, self._owner._on_room)

    async def start(self, url: str, user: str, password: str, name: str, tls: ssl.SSLContext | None) -> None:
        options: dict[str, Any] = {
            "user": user,
            "password": password,
            "name": name,
            "error_cb": self._on_error,
            "reconnected_cb": self._on_reconnected,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "reconnect_time_wait": RECONNECT_WAIT_S,
            "max_reconnect_attempts": -1,
            "ping_interval": PING_INTERVAL_S,
            "max_outstanding_pings": PINGS_UNANSWERED_LIMIT,
        }
        if tls is not None:
            options["tls"] = tls
        await self.connect(url, **options)

    def expect_pong(self, pong: "asyncio.Future[Any]") -> None:
        self._pongs.append(pong)

    def pong(self) -> None:
        self._pings_outstanding = 0
        if self._pongs:
            pong = self._pongs.pop(0)
            if not pong.done():
                pong.set_result(None)

    def fail_pongs(self) -> None:
        pongs, self._pongs = self._pongs, []
        for pong in pongs:
            if not pong.done():
                pong.set_exception(Disconnected("the connection to the broker was lost"))
                pong.exception()          # nobody may be waiting: nats-py's own pings

    async def new_info(self, line: bytes) -> None:
        """The cluster has changed; nothing here depends on it, so what cannot be read is only logged."""
        try:
            info = json.loads(line)
        except ValueError:
            _log.warning("bus_info_malformed", size=len(line))
            return
        await self._process_info(info)

    async def _on_error(self, error: Exception) -> None:
        """Every failed attempt to connect comes here, ten a second: one line per kind of failure."""
        text = str(error) or type(error).__name__
        if "authorization violation" in text.lower() and not self.refused.done():
            self.refused.set_result("the broker refused the credentials")
        if text != self._last_error:
            self._last_error = text
            _log.warning("bus_connection_error", error=text)

    async def _on_reconnected(self) -> None:
        self._last_error = ""
        _log.info("bus_reconnected")
        self._owner._connected()

    async def _connect_to_server(self, s: "Srv") -> None:
        s.last_attempt = time.monotonic()
        self.wire = self._new_wire()
        self._transport = _Socket(self.wire)
        await self._transport.connect(s.uri, 0, self.options["connect_timeout"])

    async def _read_loop(self) -> None:
        parser = Parser(self._owner._handlers, self._owner._on_status, self._owner._on_control)
        await self.wire.consume(parser.feed)
        await self._process_op_err(nats.errors.UnexpectedEOF())

    async def _process_op_err(self, e: Exception) -> None:
        self._owner._lost(self.wire)
        await super()._process_op_err(e)

    async def _flusher(self) -> None:
        """Not needed: NatsTransport writes once per tick."""

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:
        self.wire.write(cmd)

    async def _flush_pending(self, force_flush: bool = False) -> None:
        """Not needed either."""

    async def _send_ping(self, future: "asyncio.Future[Any] | None" = None) -> None:
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        self._owner._ping(self.wire)
