"""Transport on NATS. What is done once per connection is nats-py's (link.py); everything done once per message is here
and in wire.py and mux.py: synchronous callbacks, few writes per loop tick, one subscription for all replies. DESIGN.md:
why.
"""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Callable
from itertools import count
from typing import Any

import structlog

from bus.link import Link
from bus.mux import ReplyMux
from bus.subjects import is_subject
from bus.transport import BusError, Disconnected, Handler, Inbox, Message, Overloaded, Subscription
from bus.wire import Wire
from schemas.envelope import INLINE_LIMIT_BYTES

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
        self.handlers: dict[bytes, Handler] = {}
        self._link = Link(self)
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
        self.handlers.clear()
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

    def on_room(self, wire: Wire, room: bool) -> None:
        if wire is self._wire:
            self._room = room
            if room:
                self._flush_out()

    def ping(self, wire: Wire) -> None:
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
        self.handlers[sid] = handler
        return subscription

    def _unsubscribe(self, subscription: NatsSubscription) -> None:
        if self._subscriptions.pop(subscription.sid, None) is None:
            return
        del self.handlers[subscription.sid]
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
            self.connected()
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

    def connected(self) -> None:
        """Subscriptions first, so that whoever publishes next finds them made."""
        if self._closed or not self._link.wire.is_open:
            return
        self._wire = self._link.wire
        self._max_payload = self._link.max_payload
        self._room = True
        self._out = [subscription.command() for subscription in self._subscriptions.values()]
        self._out_bytes = sum(map(len, self._out))
        self._write_out()

    def lost(self, wire: Wire) -> None:
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

    def on_status(self, sid: bytes, subject: str, status: bytes) -> None:
        if status == b"503" and sid == self._replies_sid:
            self._mux.no_responders(subject)

    def on_control(self, line: bytes) -> None:
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
