"""Over the bus and back: a request as a message, its reply, or the replies that its answer streams."""

from collections.abc import AsyncGenerator
from typing import Any, Protocol

from bus.client import CALL_TIMEOUT_S, aws_error
from bus.tracing import OK, Span, Tracer
from gateway.exchange import Exchange
from gateway.route import Route
from gateway.s3 import signatures
from schemas.envelope import Identity, Reply, Request
from schemas.models import Operation

MODEL_TIMEOUT_S = 3600.0                  # for one answer of a model; AWS ends it after 60 minutes
TEXT_LIMIT_CHARACTERS = 256               # of each value we tell the actor about the caller


class Bus(Protocol):
    """What the gateway asks of bus.client.Client."""

    async def send(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float
    ) -> Reply: ...

    def receive(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float
    ) -> AsyncGenerator[Reply, None]: ...

    def new_request_id(self) -> str: ...


class Asking:
    """What is sent in a caller's name."""

    def __init__(self, bus: Bus, tracer: Tracer) -> None:
        self._bus = bus
        self._tracer = tracer

    async def reply(
        self, exchange: Exchange, identity: Identity, route: Route, params: dict[str, Any]
    ) -> dict[str, Any]:
        """The operation's output. AwsError, BusError."""
        message, span = self._message(exchange, route, params)
        outcome = "BusError"
        try:
            reply = await self._bus.send(
                identity, route.service.name, route.operation.name, message, _timeout_s(route.operation))
            outcome = OK if reply.error is None else reply.error.code
        finally:
            span.end(outcome)
        if reply.error is not None:
            raise aws_error(reply.error)
        assert reply.ok is not None, "a reply is ok or an error"
        return reply.ok

    async def stream(
        self, exchange: Exchange, identity: Identity, route: Route, params: dict[str, Any]
    ) -> "Replies":
        """Once the first is there: until then an error still has a status of its own. AwsError, BusError."""
        message, span = self._message(exchange, route, params)
        rest = self._bus.receive(
            identity, route.service.name, route.operation.name, message, _timeout_s(route.operation))
        try:
            first = await anext(rest, None)
        except BaseException:
            span.end("error")
            raise
        return Replies(first, rest, span)

    def _message(self, exchange: Exchange, route: Route, params: dict[str, Any]) -> tuple[Request, Span]:
        span = self._tracer.start(route.operation.name, exchange.request.headers.get("traceparent", ""), {})
        source = _source(exchange, route.service.name)
        if exchange.bearer:
            source["bearer"] = exchange.bearer
        return Request(params, exchange.id, route.region, 0, span.traceparent, source), span


class Replies:
    """Of one request, `first` and the `rest`. `close` them once."""

    def __init__(self, first: Reply | None, rest: AsyncGenerator[Reply, None], span: Span) -> None:
        self.first = first
        self.rest = rest
        self._span = span

    async def close(self) -> None:
        self._span.end(OK)
        await self.rest.aclose()


def _timeout_s(operation: Operation) -> float:
    """How long the bus is given: models may think for long, and their clients say how long they wait."""
    return MODEL_TIMEOUT_S if operation.service.name == "bedrock-runtime" else CALL_TIMEOUT_S


def _source(exchange: Exchange, service: str) -> dict[str, str]:
    """What the actor is told of the sender; S3, whose logs, events and policies tell it, of the request as well."""
    incoming, headers = exchange.incoming, exchange.incoming.headers
    source = {"ip": incoming.peer, "user_agent": headers.get("user-agent", "")[:TEXT_LIMIT_CHARACTERS]}
    if service == "s3":
        source["request"] = f"{incoming.method} {incoming.target[:TEXT_LIMIT_CHARACTERS]} HTTP/1.1"
        source |= signatures.told(exchange.claim)
        source["host"] = headers.get("host", "")[:TEXT_LIMIT_CHARACTERS]
    if "referer" in headers:
        source["referer"] = headers["referer"][:TEXT_LIMIT_CHARACTERS]
    return source
