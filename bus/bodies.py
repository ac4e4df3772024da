"""Bodies larger than a message, by claim check: the sender keeps the bytes, the receiver pulls them in chunks.

In the message stands a Claim (codec.py): the body's name, size and CRC-32, and the sender's inbox. The receiver asks
that inbox `{"body": name, "offset": n}` and is answered `{"data": bytes}`, at most CHUNK_BYTES, or `{"gone": true}`;
`{"body": name, "done": true}` lets the sender forget it early. The same both ways, over one inbox per sender.
Bodies of objects go as files instead (files.py).
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any
from zlib import crc32

import structlog

from bus.codec import Claim, MalformedEnvelope, pack, unpack
from bus.transport import BusError, Inbox, Message, Overloaded, RequestTimeout, Transport

CHUNK_BYTES = 128 * 1024                  # measured: larger is slower
WINDOW_CHUNKS = 16                        # asked for and not yet there, per body
BODY_LIMIT_BYTES = 64 * 1024 * 1024       # one body
OFFERED_LIMIT_BYTES = 256 * 1024 * 1024   # all bodies one process keeps for its receivers
RECEIVER_LIMIT_BYTES = 128 * 1024 * 1024  # those for one receiver: who never pulls must not use up the others' room
FETCHED_LIMIT_BYTES = 256 * 1024 * 1024   # all bodies one process is pulling
SENDER_LIMIT_BYTES = 128 * 1024 * 1024    # those of one direct publisher: who never sends must not use up the room
HELD_LIMIT_COUNT = 512                    # bodies for one receiver, of one sender, however small
FORGOTTEN_REMEMBERED = 1024               # bodies whose receivers are still told that they are gone
OFFER_IDLE_S = 10.0                       # a body is forgotten when nobody has pulled for so long
PULL_TIMEOUT_S = 2.0                      # for one chunk, then it is asked for again
PULLS_LIMIT = 4                           # times one chunk is asked for

_log = structlog.get_logger()

MayPull = Callable[[str], bool]           # may the answer go to this reply subject?


class BodyError(BusError):
    """The body did not come whole: its sender is gone, or the bytes are not those that were claimed."""


class BodyTooLarge(BodyError):
    """Larger than BODY_LIMIT_BYTES: no message and no claim may carry it."""


class Offer:
    """A body kept for its receiver until closed, done or idle for too long."""

    __slots__ = ("_bodies", "claim", "data", "idle_s", "last_pull", "may_pull", "receiver")

    def __init__(self, bodies: "Bodies", claim: Claim, data: bytes, may_pull: MayPull, receiver: Hashable) -> None:
        self._bodies = bodies
        self.claim = claim
        self.data = data
        self.may_pull = may_pull
        self.receiver = receiver
        self.idle_s = OFFER_IDLE_S
        self.last_pull = 0.0              # loop time

    def close(self) -> None:
        self._bodies._forget(self.claim.body)


class Bodies:
    """What one connection offers and fetches."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._inbox: Inbox | None = None
        self._offers: dict[str, Offer] = {}
        self._forgotten: dict[str, MayPull] = {}
        self._offered = Room(OFFERED_LIMIT_BYTES, RECEIVER_LIMIT_BYTES, "of bodies wait for")
        self._fetched = Room(FETCHED_LIMIT_BYTES, SENDER_LIMIT_BYTES, "of bodies are being pulled from")

    @property
    def offered_bytes(self) -> int:
        return self._offered.bytes

    @property
    def fetched_bytes(self) -> int:
        return self._fetched.bytes

    def offer(
        self, data: bytes, may_pull: MayPull, *, receiver: Hashable = None, idle_s: float = OFFER_IDLE_S,
        id: str = "", deadline_ms: int = 0,  # noqa: A002 - the envelope's word
    ) -> Offer:
        """Keeps `data` to be pulled, until `idle_s` after the last pull; send its claim. BodyTooLarge, Overloaded."""
        if len(data) > BODY_LIMIT_BYTES:
            raise BodyTooLarge(f"{len(data)} bytes; a body has at most {BODY_LIMIT_BYTES}")
        self._offered.take(receiver, len(data))
        if self._inbox is None:
            self._inbox = self._transport.listen(self._on_pull, self._on_failure)
        name = secrets.token_hex(16)
        claim = Claim(name, len(data), crc32(data), self._inbox.subject, id, deadline_ms)
        self._offers[name] = offer = Offer(self, claim, data, may_pull, receiver)
        offer.idle_s = idle_s
        offer.last_pull = self._loop.time()
        self._loop.call_later(idle_s, self._forget_idle, name)
        return offer

    async def fetch(self, claim: Claim, inbox: str, timeout_s: float, sender: Hashable = None) -> bytes:
        """All of a body, checked. `sender`: who is not to be trusted with all the room. BodyError, BodyTooLarge,
        Overloaded, RequestTimeout, and what the transport says."""
        if claim.size > BODY_LIMIT_BYTES:
            raise BodyTooLarge(f"{claim.size} bytes claimed; a body has at most {BODY_LIMIT_BYTES}")
        self._fetched.take(sender, claim.size)
        pulls: deque[tuple[int, asyncio.Future[Message]]] = deque()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._pull_all(claim, inbox, pulls)
        except TimeoutError as error:
            raise RequestTimeout(f"a body of {claim.size} bytes did not come within {timeout_s:.1f} s") from error
        finally:
            self._fetched.give_back(sender, claim.size)
            for _, pull in pulls:
                _abandon(pull)

    def close(self) -> None:
        for name in list(self._offers):
            self._forget(name)
        if self._inbox is not None:
            self._inbox.close()
            self._inbox = None

    async def _pull_all(
        self, claim: Claim, inbox: str, pulls: "deque[tuple[int, asyncio.Future[Message]]]"
    ) -> bytes:
        """In order, WINDOW_CHUNKS ahead; the checksum is taken as the chunks come."""
        chunks: list[bytes] = []
        check = asked = 0
        while asked < claim.size or pulls:
            while asked < claim.size and len(pulls) < WINDOW_CHUNKS:
                pulls.append((asked, self._ask(claim, inbox, asked)))
                asked += CHUNK_BYTES
            chunk = await self._chunk(claim, inbox, *pulls[0])
            pulls.popleft()
            check = crc32(chunk, check)
            chunks.append(chunk)
        if check != claim.crc32:
            raise BodyError("the bytes are not those that were claimed (CRC-32)")
        self._answer(inbox, pack({"body": claim.body, "done": True}))
        return b"".join(chunks)

    def _ask(self, claim: Claim, inbox: str, offset: int) -> "asyncio.Future[Message]":
        return self._transport.request(inbox, pack({"body": claim.body, "offset": offset}), PULL_TIMEOUT_S)

    async def _chunk(self, claim: Claim, inbox: str, offset: int, pull: "asyncio.Future[Message]") -> bytes:
        for _ in range(PULLS_LIMIT - 1):
            try:
                return _data(await pull, min(CHUNK_BYTES, claim.size - offset))
            except RequestTimeout:
                pull = self._ask(claim, inbox, offset)
        return _data(await pull, min(CHUNK_BYTES, claim.size - offset))

    def _on_pull(self, message: Message) -> None:
        try:
            pull = unpack(message.data)
            name, offset = pull["body"], pull.get("offset", 0)
            offer = self._offers.get(name)
        except (MalformedEnvelope, KeyError, TypeError, AttributeError):
            return                        # not a pull: whoever writes here knows no body's name
        if offer is None:
            may_pull = self._forgotten.get(name) if type(name) is str else None
            if may_pull is not None and message.reply and may_pull(message.reply):
                self._answer(message.reply, _GONE)
            return
        if pull.get("done") is True:
            offer.close()
        elif type(offset) is int and 0 <= offset < len(offer.data) and offer.may_pull(message.reply):
            offer.last_pull = self._loop.time()
            self._answer(message.reply, pack({"data": offer.data[offset:offset + CHUNK_BYTES]}))

    def _answer(self, subject: str, data: bytes) -> None:
        """Best effort: what is not answered is asked for again, what is not said to be done is forgotten when idle."""
        try:
            self._transport.publish(subject, data)
        except BusError as error:
            _log.warning("bus_body_message_lost", error=type(error).__name__)

    def _on_failure(self, error: BusError) -> None:
        """Receivers ask again; an answer of ours that found nobody is none of our business."""

    def _forget(self, name: str) -> None:
        offer = self._offers.pop(name, None)
        if offer is None:
            return
        self._offered.give_back(offer.receiver, len(offer.data))
        if len(self._forgotten) >= FORGOTTEN_REMEMBERED:
            del self._forgotten[next(iter(self._forgotten))]
        self._forgotten[name] = offer.may_pull

    def _forget_idle(self, name: str) -> None:
        offer = self._offers.get(name)
        if offer is None:
            return
        due = offer.last_pull + offer.idle_s
        if due <= self._loop.time():
            self._forget(name)
        else:
            self._loop.call_at(due, self._forget_idle, name)


class Room:
    """What may be held at a time: in all, and on behalf of each one who is named."""

    def __init__(self, limit_bytes: int, each_limit_bytes: int, doing: str) -> None:
        self.bytes = 0
        self._limit_bytes = limit_bytes
        self._each_limit_bytes = each_limit_bytes
        self._doing = doing
        self._of: dict[Hashable, tuple[int, int]] = {}    # bytes, bodies

    def take(self, whom: Hashable, size: int) -> None:
        """Overloaded."""
        if self.bytes + size > self._limit_bytes:
            raise Overloaded(f"{self.bytes} bytes {self._doing} everyone")
        if whom is not None:
            held, count = self._of.get(whom, (0, 0))
            if held + size > self._each_limit_bytes or count >= HELD_LIMIT_COUNT:
                raise Overloaded(f"{count} bodies, {held} bytes {self._doing} this one")
            self._of[whom] = held + size, count + 1
        self.bytes += size

    def give_back(self, whom: Hashable, size: int) -> None:
        self.bytes -= size
        if whom is not None:
            held, count = self._of.pop(whom)
            if count > 1:
                self._of[whom] = held - size, count - 1


_GONE = pack({"gone": True})


def _abandon(pull: "asyncio.Future[Message]") -> None:
    """Cancelled, or its error looked at: asyncio complains of errors nobody has seen."""
    if not pull.cancel() and not pull.cancelled():
        pull.exception()


def _data(answer: Message, size: int) -> bytes:
    try:
        members: Any = unpack(answer.data)
    except MalformedEnvelope as error:
        raise BodyError("the answer to a pull is malformed") from error
    if type(members) is not dict or type(members.get("data")) is not bytes:
        raise BodyError("the body's sender no longer has it")
    data: bytes = members["data"]
    if len(data) != size:
        raise BodyError(f"a chunk of {len(data)} bytes instead of {size}")
    return data
