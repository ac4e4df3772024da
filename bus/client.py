"""call, stream and send: what the gateway, the services and outsiders all use to ask a service.

    client = Client(transport, Identity("bus", "000000000000", "AKIA…"), region="us-east-1")
    table = await client.call("dynamodb", "DescribeTable", {"TableName": "T"})

An AwsError is an answer; a BusError means that no answer could be brought. Nothing is retried here.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import Any

from bus.bodies import Bodies, BodyError
from bus.codec import Claim, MalformedEnvelope, decode_reply, encode_claim, encode_request
from bus.subjects import CANCEL, is_inbox, is_token
from bus.subjects import request as request_subject
from bus.transport import BusError, Message, Overloaded, RequestTimeout, Transport
from schemas.envelope import INLINE_LIMIT_BYTES, Fault, Identity, Reply, Request
from schemas.errors import AwsError
from schemas.routing import slot

CALL_TIMEOUT_S = 55.0                     # below the read timeout of botocore, 60 s: our 503 should come first
EVENT_TIMEOUT_S = 60.0                    # between two events of a stream
STREAM_BUFFER_EVENTS = 1024               # of one stream, not yet taken by its reader
SUBJECTS_LIMIT = 8192                     # remembered subjects; then all are forgotten


class Client:
    """One principal's way to every service, over one transport. `clock` gives seconds since the epoch."""

    def __init__(
        self, transport: Transport, identity: Identity, *, region: str, bodies: Bodies | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._identity = identity
        self._region = region
        self._bodies = bodies or Bodies(transport)
        self._clock = clock
        self._subjects: dict[tuple[Identity, str, str], tuple[str, str]] = {}
        self._id_prefix = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-8000"
        self._ids = count(1)

    async def call(
        self, service: str, operation: str, params: dict[str, Any], *, region: str | None = None,
        timeout_s: float = CALL_TIMEOUT_S, trace: str = "", identity: Identity | None = None,
        source: dict[str, str] | None = None, request_id: str = "", at: str = "",
    ) -> dict[str, Any]:
        """The operation's answer. AwsError, BusError; ValueError for what cannot be sent at all. `at`: the slot it goes
        to, where that is not what the request says."""
        request = self._request(params, region, trace, source, request_id)
        reply = await self.send(identity or self._identity, service, operation, request, timeout_s, at)
        if reply.error is not None:
            raise aws_error(reply.error)
        if reply.ok is None:
            raise BodyError("an answer in events; use stream")
        return reply.ok

    async def send(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float, at: str = ""
    ) -> Reply:
        """The hot path: one request, its reply as it came. Sets a deadline where none is. BusError, ValueError.

        Cancelled, it tells the actor. Makes no task: await it where the answer is needed.
        """
        if not request.deadline_ms:
            request.deadline_ms = int((self._clock() + timeout_s) * 1000)
        data = encode_request(request)
        subject = self._subject(identity, service, operation, request, at)
        try:
            if len(data) > INLINE_LIMIT_BYTES:
                return await self._send_large(subject, data, request, timeout_s)
            message = await self._transport.request(subject, data, timeout_s)
            reply = _decode(message)
            if isinstance(reply, Reply):
                return reply
            return await self._fetch(reply, message, request)
        except asyncio.CancelledError:
            self.cancel(identity, service, request.id)
            raise

    def stream(
        self, service: str, operation: str, params: dict[str, Any], *, region: str | None = None,
        timeout_s: float = EVENT_TIMEOUT_S, identity: Identity | None = None, at: str = "", deadline_ms: int = 0,
    ) -> AsyncGenerator[Reply, None]:
        """A streaming operation's replies, as of `receive`. `deadline_ms` tells the actor when nobody waits any longer;
        `at` as in `call`."""
        request = self._request(params, region)
        request.deadline_ms = deadline_ms
        return self.receive(identity or self._identity, service, operation, request, timeout_s, at)

    async def receive(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float, at: str = ""
    ) -> AsyncGenerator[Reply, None]:
        """One request, its replies as they come: `ok` (the members outside the stream) if any, then `event`s.

        Ends with the stream; AwsError, BusError as they come. `timeout_s` bounds each wait. Closed before its end (or
        overrun: STREAM_BUFFER_EVENTS), it tells the actor, and generation stops: use it under contextlib.aclosing.
        """
        data = encode_request(request)
        subject = self._subject(identity, service, operation, request, at)
        arrivals = _Arrivals()
        inbox = self._transport.listen(arrivals.add, arrivals.fail, subject)
        offer = None
        ended = False
        try:
            if len(data) > INLINE_LIMIT_BYTES:
                offer = self._bodies.offer(data, is_inbox, idle_s=timeout_s, id=request.id)
                data = encode_claim(offer.claim)
            self._transport.publish(subject, data, inbox.subject)
            while not ended:
                message = await arrivals.next(timeout_s)
                reply = _decode(message)
                if not isinstance(reply, Reply):
                    reply = await self._fetch(reply, message, request)
                ended = reply.end or reply.error is not None
                if reply.error is not None:
                    raise aws_error(reply.error)
                if not ended:
                    yield reply
        finally:
            inbox.close()
            if offer is not None:
                offer.close()
            if not ended and not arrivals.failed:
                self.cancel(identity, service, request.id)

    def cancel(self, identity: Identity, service: str, request_id: str) -> None:
        """Tells the actor that nobody waits for this request any more. Best effort: deadlines do the rest."""
        if not is_token(request_id):
            return
        try:
            self._transport.publish(request_subject(identity, service, CANCEL, request_id), b"")
        except BusError:
            return                        # the connection is gone, and the actor will not reach us either

    def new_request_id(self) -> str:
        """In the form of a UUID, unique to this client; its prefix cannot be guessed."""
        return f"{self._id_prefix}-{next(self._ids):012x}"

    def _request(
        self, params: dict[str, Any], region: str | None, trace: str = "", source: dict[str, str] | None = None,
        request_id: str = "",
    ) -> Request:
        return Request(params, request_id or self.new_request_id(), region or self._region, 0, trace, source)

    def _subject(self, identity: Identity, service: str, operation: str, request: Request, at: str = "") -> str:
        key = (identity, service, operation)
        halves = self._subjects.get(key)
        if halves is None:
            for token in (*identity, service, operation):
                if not is_token(token):
                    raise ValueError(f"cannot stand in a subject: {token!r}")
            if len(self._subjects) >= SUBJECTS_LIMIT:
                self._subjects.clear()
            before, after = request_subject(identity, service, "\n", operation).split("\n")
            halves = self._subjects[key] = before, after
        return halves[0] + (at or slot(service, identity.account, request.region, request.params)) + halves[1]

    async def _send_large(self, subject: str, data: bytes, request: Request, timeout_s: float) -> Reply:
        offer = self._bodies.offer(
            data, is_inbox, idle_s=timeout_s, id=request.id, deadline_ms=request.deadline_ms
        )
        try:
            message = await self._transport.request(subject, encode_claim(offer.claim), timeout_s)
        finally:
            offer.close()
        reply = _decode(message)
        return reply if isinstance(reply, Reply) else await self._fetch(reply, message, request)

    async def _fetch(self, claim: Claim, message: Message, request: Request) -> Reply:
        if not is_inbox(message.reply):
            raise BodyError("a large answer names no inbox to pull it from")
        timeout_s = request.deadline_ms / 1000 - self._clock() if request.deadline_ms else EVENT_TIMEOUT_S
        if timeout_s <= 0:
            raise RequestTimeout("no answer in time")
        try:
            reply = decode_reply(await self._bodies.fetch(claim, message.reply, timeout_s))
        except MalformedEnvelope as error:
            raise BodyError(f"a malformed answer: {error}") from error
        if not isinstance(reply, Reply):
            raise BodyError("a body that is itself a claim")
        return reply


class _Arrivals:
    """A stream's messages between the transport and its reader; bounded."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._error: BusError | None = None
        self.failed = False               # nobody is there to be told of a cancel

    def add(self, message: Message) -> None:
        if len(self._messages) >= STREAM_BUFFER_EVENTS:
            self._error = Overloaded(f"{STREAM_BUFFER_EVENTS} events wait for their reader")
        elif self._error is None:
            self._messages.append(message)
        self._awake()

    def fail(self, error: BusError) -> None:
        self._error = self._error or error
        self.failed = True
        self._awake()

    async def next(self, timeout_s: float) -> Message:
        """RequestTimeout after `timeout_s` without one; what came before a failure is still handed out."""
        if not self._messages and self._error is None:
            self._wake = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake
            except TimeoutError as error:
                raise RequestTimeout(f"no event within {timeout_s} s") from error
        if self._messages:
            return self._messages.popleft()
        assert self._error is not None
        raise self._error

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


def aws_error(fault: Fault) -> AwsError:
    """The exception an error reply stands for, of the class every caller catches."""
    error = AwsError(fault.message, code=fault.code, status=fault.status or None)
    error.fields = fault.fields           # not as keywords: their names are the sender's
    return error


def _decode(message: Message) -> Reply | Claim:
    try:
        return decode_reply(message.data)
    except MalformedEnvelope as error:
        raise BodyError(f"a malformed answer: {error}") from error
