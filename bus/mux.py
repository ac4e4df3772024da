"""Replies by token: many requests and inboxes over one wildcard subscription, their deadlines swept by one timer.

Knows subjects, futures and the loop's clock, no network: both transports stand on it. Token = a counter in hex after
an unguessable prefix, so nobody else can answer for the one asked.
"""

import asyncio
from collections.abc import Callable
from itertools import count

import structlog

from bus.transport import BusError, Disconnected, Handler, Message, NoResponders, Overloaded, RequestTimeout

SWEEP_INTERVAL_S = 0.05                   # a time-out is late by at most this
FORGET_INTERVAL_S = 1.0                   # cancelled requests are forgotten this often
REQUESTS_LIMIT = 65_536                   # under way at once on one connection
INBOXES_LIMIT = 65_536

_log = structlog.get_logger()

OnFailure = Callable[[BusError], None]


class MuxInbox:
    """One reply subject with its handler, and the subject whose answers it awaits, if they come from one place only.

    `closed` inboxes receive nothing more.
    """

    __slots__ = ("_mux", "asked", "handler", "on_failure", "subject")

    def __init__(self, mux: "ReplyMux", subject: str, handler: Handler, on_failure: OnFailure, asked: str) -> None:
        self._mux = mux
        self.subject = subject
        self.asked = asked
        self.handler = handler
        self.on_failure = on_failure

    def close(self) -> None:
        self._mux.forget(self)

    def fail(self, error: BusError) -> None:
        """A handler that raises is logged, as everywhere."""
        try:
            self.on_failure(error)
        except Exception:
            _log.exception("bus_handler_failed", subject=self.subject)


class ReplyMux:
    """`prefix` ends with a dot; the connection subscribes to `prefix*` and hands everything to `deliver`."""

    def __init__(self, prefix: str, loop: asyncio.AbstractEventLoop) -> None:
        assert prefix.endswith("."), prefix
        self.prefix = prefix
        self._skip = len(prefix)
        self._loop = loop
        self._tokens = count(1)
        self._requests: dict[str, tuple[asyncio.Future[Message], float, str]] = {}
        self._inboxes: dict[str, MuxInbox] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_look = 0.0             # loop time before which no request can be due

    def request(self, send: Callable[[str, bytes, str], None], subject: str, data: bytes,
                timeout_s: float) -> asyncio.Future[Message]:
        """Sends with a fresh reply subject. What `send` raises is raised, and nothing is remembered then."""
        if len(self._requests) >= REQUESTS_LIMIT:
            raise Overloaded(f"{REQUESTS_LIMIT} requests are under way")
        token = f"{next(self._tokens):x}"
        send(subject, data, self.prefix + token)
        loop = self._loop
        future: asyncio.Future[Message] = loop.create_future()
        now = loop.time()
        due = now + timeout_s
        self._requests[token] = (future, due, subject)
        if self._timer is None:
            self._timer = loop.call_later(SWEEP_INTERVAL_S, self._sweep)
            self._next_look = min(due, now + FORGET_INTERVAL_S)
        elif due < self._next_look:
            self._next_look = due
        return future

    def listen(self, handler: Handler, on_failure: OnFailure, asked: str = "") -> MuxInbox:
        if len(self._inboxes) >= INBOXES_LIMIT:
            raise Overloaded(f"{INBOXES_LIMIT} inboxes are open")
        token = f"{next(self._tokens):x}"
        inbox = MuxInbox(self, self.prefix + token, handler, on_failure, asked)
        self._inboxes[token] = inbox
        return inbox

    def forget(self, inbox: MuxInbox) -> None:
        self._inboxes.pop(inbox.subject[self._skip:], None)

    def deliver(self, message: Message) -> None:
        """To whoever waits for it; an answer too late or never asked for is dropped."""
        token = message.subject[self._skip:]
        waiting = self._requests.pop(token, None)
        if waiting is not None:
            future = waiting[0]
            if not future.done():
                future.set_result(message)
            return
        inbox = self._inboxes.get(token)
        if inbox is not None:
            inbox.handler(message)

    def no_responders(self, reply: str) -> None:
        """The broker found nobody for the message that carried this reply subject."""
        token = reply[self._skip:]
        waiting = self._requests.pop(token, None)
        if waiting is not None:
            _fail(waiting[0], NoResponders("nobody answers to that subject"))
            return
        inbox = self._inboxes.get(token)
        if inbox is not None:
            inbox.fail(NoResponders("nobody answers to that subject"))

    def abandon(self, is_lost: Callable[[str], bool], reason: str) -> None:
        """Requests under way to subjects of which `is_lost` is true fail now, and so do the inboxes that await their
        answers."""
        for future, _, subject in self._requests.values():
            if is_lost(subject):
                _fail(future, Disconnected(reason))
        for inbox in list(self._inboxes.values()):
            if inbox.asked and is_lost(inbox.asked):
                inbox.fail(Disconnected(reason))

    def fail_all(self, reason: str) -> None:
        """The connection is gone: every request fails now, every inbox hears of it (and stays open)."""
        requests, self._requests = self._requests, {}
        for future, _, _ in requests.values():
            _fail(future, Disconnected(reason))
        for inbox in list(self._inboxes.values()):
            inbox.fail(Disconnected(reason))

    def close(self) -> None:
        self.fail_all("the connection was closed")
        self._inboxes.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        requests = self._requests
        if not requests:
            self._timer = None
            return
        now = self._loop.time()
        self._timer = self._loop.call_later(SWEEP_INTERVAL_S, self._sweep)
        if now < self._next_look:
            return
        over = [token for token, (future, due, _) in requests.items() if due <= now or future.done()]
        for token in over:
            _fail(requests.pop(token)[0], RequestTimeout("no answer in time"))
        earliest = min((due for _, due, _ in requests.values()), default=now)
        self._next_look = min(earliest, now + FORGET_INTERVAL_S)


def _fail(future: asyncio.Future[Message], error: BusError) -> None:
    if not future.done():
        future.set_exception(error)
