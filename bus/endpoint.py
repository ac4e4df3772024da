"""The answering side of an envelope: what an actor's runtime does with a message that came in, and with its reply.

The inline case is synchronous and costs one branch; a large request is an awaitable, a large reply an offered body.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bus.bodies import BODY_LIMIT_BYTES, Bodies, BodyError
from bus.codec import Claim, MalformedEnvelope, decode_request, encode_claim, encode_reply
from bus.subjects import DIRECT, is_subject, may_reply_to
from bus.transport import Message, RequestTimeout, Transport
from schemas.envelope import INLINE_LIMIT_BYTES, Identity, Reply, Request

FETCH_LIMIT_S = 30.0                      # for a large request whose sender names no deadline


class Endpoint:
    """`clock` gives seconds since the epoch."""

    def __init__(self, transport: Transport, bodies: Bodies, clock: Callable[[], float] = time.time) -> None:
        self._transport = transport
        self.bodies = bodies
        self._clock = clock

    def receive(self, message: Message, identity: Identity) -> Request | Awaitable[Request]:
        """The request, or what brings it (type is not Request). MalformedEnvelope at once; awaited, also BusError.

        `identity` is the subject's. A message whose reply is not an inbox of that identity must not get this far:
        ask subjects.may_reply_to first and drop it.
        """
        envelope = decode_request(message.data)
        if type(envelope) is Request:
            return envelope
        assert isinstance(envelope, Claim)
        if not may_reply_to(identity, envelope.inbox) or not is_subject(envelope.inbox):
            raise MalformedEnvelope("a body's inbox must be its sender's own")
        if envelope.size > BODY_LIMIT_BYTES:           # an answer, not a 503 that asks to be tried again
            raise MalformedEnvelope(f"{envelope.size} bytes claimed; a body has at most {BODY_LIMIT_BYTES}")
        return self._fetch(envelope, identity if identity.door == DIRECT else None)

    def respond(self, message: Message, identity: Identity, reply: Reply) -> None:
        """Answers `message`; silent when it wants none. Unencodable, BodyTooLarge, Overloaded, Disconnected."""
        if not message.reply:
            return
        assert may_reply_to(identity, message.reply), "receive is for messages that may be answered"
        data = encode_reply(reply)
        if len(data) <= INLINE_LIMIT_BYTES:
            self._transport.publish(message.reply, data)
            return
        offer = self.bodies.offer(
            data, lambda inbox: may_reply_to(identity, inbox), receiver=identity, id=reply.id
        )
        claim = offer.claim
        # The broker lets a direct publisher write to this inbox only as a response to the message that names it.
        self._transport.publish(message.reply, encode_claim(claim._replace(inbox="")), claim.inbox)

    async def _fetch(self, claim: Claim, sender: Identity | None) -> Request:
        timeout_s = FETCH_LIMIT_S
        if claim.deadline_ms:
            timeout_s = min(timeout_s, claim.deadline_ms / 1000 - self._clock())
        if timeout_s <= 0:
            raise RequestTimeout("its sender has given up")
        request = decode_request(await self.bodies.fetch(claim, claim.inbox, timeout_s, sender))
        if not isinstance(request, Request):
            raise BodyError("a body that is itself a claim")
        return replace(request, id=request.id or claim.id)
