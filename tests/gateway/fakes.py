"""A bus and a transport that live in the test: what was asked is recorded, answers are the test's own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from bus import system
from bus.client import aws_error
from bus.codec import pack, unpack
from bus.transport import BusError, Handler, Message, NoResponders
from schemas.envelope import Identity, Reply, Request


@dataclass
class Asked:
    """One request as it reached the bus."""

    identity: Identity
    service: str
    operation: str
    request: Request


Answerer = Callable[[Asked], Reply | Awaitable[Reply]]


def answer_nothing(asked: Asked) -> Reply:
    return Reply(asked.request.id, ok={})


class FakeBus:
    """Stands for bus.client.Client. `answer` gives each reply, or raises; `events` are every stream's."""

    def __init__(self, answer: Answerer = answer_nothing, events: list[Reply] | None = None) -> None:
        self.answer = answer
        self.events = events or []
        self.asked: list[Asked] = []
        self.arrivals: asyncio.Queue[Asked] = asyncio.Queue()
        self.cancelled = asyncio.Event()
        self.closed_streams = 0
        self._ids = 0

    async def send(self, identity: Identity, service: str, operation: str, request: Request,
                   timeout_s: float) -> Reply:
        asked = Asked(identity, service, operation, request)
        self.asked.append(asked)
        self.arrivals.put_nowait(asked)
        try:
            reply = self.answer(asked)
            return reply if isinstance(reply, Reply) else await reply
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def receive(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float
    ) -> AsyncGenerator[Reply, None]:
        self.asked.append(Asked(identity, service, operation, request))
        try:
            for reply in self.events:
                if reply.error is not None:
                    raise aws_error(reply.error)
                if reply.end:
                    await asyncio.Event().wait()                 # a stream that stays open
                yield reply
        finally:
            self.closed_streams += 1
            self.cancelled.set()

    def new_request_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012x}"


class _Nothing:
    def __init__(self, subject: str, close: Callable[[], None]) -> None:
        self.subject = subject
        self.close = close


class FakeTransport:
    """Stands for a connection to the broker: hands publishes straight to the handlers of the same subject."""

    def __init__(self) -> None:
        self.handlers: dict[str, list[Handler]] = {}
        self.connected = True
        self.buckets: dict[str, dict[str, Any]] = {}          # what S3 tells of each: {"region": …, "document": …}
        self._inboxes = 0

    def publish(self, subject: str, data: bytes, reply: str = "") -> None:
        for handler in list(self.handlers.get(subject, ())):
            handler(Message(subject, reply, data))

    def request(self, subject: str, data: bytes, timeout_s: float) -> "asyncio.Future[Message]":
        found: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if subject == system.subject("files"):                # no service keeps any elsewhere
            found.set_exception(NoResponders())
            return found
        assert subject == system.subject("bucket"), "the gateway asks through its bus"
        answer = self.buckets.get(cast("dict[str, str]", unpack(data))["name"], {})
        found.set_result(Message("", "", pack({"process": "s3", **answer})))
        return found

    def subscribe(self, subject: str, handler: Handler, queue: str = "") -> _Nothing:
        handlers = self.handlers.setdefault(subject, [])
        handlers.append(handler)
        return _Nothing(subject, lambda: handlers.remove(handler))

    def listen(self, handler: Handler, on_failure: Callable[[BusError], None], asked: str = "") -> _Nothing:
        self._inboxes += 1
        return self.subscribe(f"_INBOX.test.{self._inboxes}", handler)

    def abandon(self, is_lost: Callable[[str], bool], reason: str) -> None:
        """Nothing is under way here."""

    async def flush(self) -> None:
        if not self.connected:
            raise BusError("no broker")

    async def close(self) -> None:
        self.connected = False
