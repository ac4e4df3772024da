"""nats-py's connection with its reading, writing and error handling taken over; the only importer of nats-py.

It connects, authenticates, upgrades to TLS, pings and reconnects. What comes and goes on the socket between is its
owner's (connection.py). DESIGN.md: why.
"""

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from bus.transport import Disconnected, Handler
from bus.wire import Parser, Wire


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

_log = structlog.get_logger()


class Owner(Protocol):
    """Who has a link. `wire` is the socket in question: after a reconnect it is another."""

    @property
    def handlers(self) -> Mapping[bytes, Handler]:
        """By subscription id."""

    def connected(self) -> None:
        """Again."""

    def lost(self, wire: Wire) -> None:
        """At the moment of loss; said more than once."""

    def on_room(self, wire: Wire, room: bool) -> None: ...

    def on_status(self, sid: bytes, subject: str, status: bytes) -> None: ...

    def on_control(self, line: bytes) -> None: ...

    def ping(self, wire: Wire) -> None:
        """To be sent behind what is already accepted: PONGs come in the order of their PINGs."""


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


class Link(nats.aio.client.Client):
    def __init__(self, owner: Owner) -> None:
        super().__init__()
        self._owner = owner
        self._last_error = ""
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.wire = self._new_wire()

    def _new_wire(self) -> Wire:
        return Wire(self._owner.lost, self._owner.on_room)

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
        self._owner.connected()

    async def _connect_to_server(self, s: "Srv") -> None:
        s.last_attempt = time.monotonic()
        self.wire = self._new_wire()
        self._transport = _Socket(self.wire)
        await self._transport.connect(s.uri, 0, self.options["connect_timeout"])

    async def _read_loop(self) -> None:
        parser = Parser(self._owner.handlers, self._owner.on_status, self._owner.on_control)
        await self.wire.consume(parser.feed)
        await self._process_op_err(nats.errors.UnexpectedEOF())

    async def _process_op_err(self, e: Exception) -> None:
        self._owner.lost(self.wire)
        await super()._process_op_err(e)

    async def _flusher(self) -> None:
        """Not needed: NatsTransport writes once per tick."""

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:
        self.wire.write(cmd)

    async def _flush_pending(self, force_flush: bool = False) -> None:
        """Not needed either."""

    async def _send_ping(self, future: "asyncio.Future[Any] | None" = None) -> None:
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        self._owner.ping(self.wire)
