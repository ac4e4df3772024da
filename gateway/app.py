"""From a socket to the bus and back: the whole path of a request on one screen (`Gateway._respond`).

Who is this (sigv4), what is meant (route), bytes to params (protocols), the bus, params to bytes. Everything that goes
wrong is told in the service's own words in one place (`Gateway._refuse`). `serve` puts it on a port.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol, cast

import structlog

from bus.bodies import BODY_LIMIT_BYTES, BodyTooLarge
from bus.client import CALL_TIMEOUT_S, Client, aws_error
from bus.codec import Unencodable
from bus.subjects import GATEWAY
from bus.tracing import OK, Span, Tracer, Untraced
from bus.transport import BusError, Transport
from gateway import bearer, bodies, browsers, doors, dynamodb
from gateway import protocols as wire
from gateway.connection import Answer, BodyReader, HttpServer, Incoming, StreamAnswer
from gateway.credentials import DEFAULT_ACCOUNT, Credential, Credentials
from gateway.endpoints import PREFIXES, About, Endpoints
from gateway.metrics import Metrics
from gateway.plain import plain_error
from gateway.refusals import as_error
from gateway.route import Route, Router
from gateway.sigv4 import S3_LIKE, UNSIGNED_PAYLOAD, Claim, Reason, Refusal, read_claim, signing_key, verify
from schemas.envelope import ANONYMOUS, DEFAULT_REGION, Identity, Reply, Request
from schemas.errors import AwsError, InternalFailure, NotImplementedByUs, SerializationException, ServiceUnavailable
from schemas.models import Operation, Service, load

MAX_IN_FLIGHT = 1024                      # requests under way; the next one is answered 503 at once
RETRY_AFTER_S = 1
MODEL_TIMEOUT_S = 3600.0                  # for one answer of a model; AWS ends it after 60 minutes
BACKLOG = 1024                            # connections the kernel holds until they are accepted
DRAIN_LIMIT_S = 5.0                       # what is under way may finish when the gateway closes
BUS_FAILED_PERIOD_S = 1.0                 # between two log lines about it
TEXT_LIMIT_CHARACTERS = 256               # of each value we tell the actor about the caller

log = structlog.get_logger(__name__)


class Bus(Protocol):
    """What the gateway asks of bus.client.Client."""

    async def send(
        self, identity: Identity, service: str, operation: str, request: Request, timeout_s: float
    ) -> Reply: ...

    def stream(
        self, service: str, operation: str, params: dict[str, Any], *, region: str | None = None,
        timeout_s: float = ..., trace: str = "", identity: Identity | None = None,
        source: dict[str, str] | None = None, request_id: str = "",
    ) -> AsyncIterator[Reply]:
        """An async generator, so that it can be closed early."""

    def new_request_id(self) -> str: ...


@dataclass(slots=True)
class Exchange:
    """One request as far as it is understood; what an error needs to be told in the right words."""

    id: str
    incoming: Incoming
    request: wire.HttpRequest
    claim: Claim | None = None
    service: Service | None = None
    operation: Operation | None = None
    protocol: wire.Protocol | None = None


class Gateway:
    """Answers requests. `clock` gives seconds since the epoch."""

    def __init__(
        self, bus: Bus, credentials: Credentials, router: Router, endpoints: Endpoints, metrics: Metrics, *,
        open_mode: bool, region: str = DEFAULT_REGION, max_in_flight: int = MAX_IN_FLIGHT,
        tracer: Tracer | None = None, body_reader: BodyReader | None = None, clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._region = region
        self._credentials = credentials
        self._router = router
        self._endpoints = endpoints
        self._metrics = metrics
        self._open_mode = open_mode
        self._max_in_flight = max_in_flight
        self._tracer = tracer or Untraced()
        self._reader = body_reader or BodyReader()
        self._clock = clock
        self._bus_failures, self._bus_failed_told = 0, 0.0             # since it was last told, and when that was

    async def handle(self, incoming: Incoming) -> Answer | StreamAnswer:
        """aiohttp's handler. Never raises but for the client's going away."""
        path, query = _target(incoming.target)
        headers = incoming.headers
        if path.startswith(PREFIXES) and ("origin" not in headers or self._may_ask(headers["origin"])):
            return await self._endpoints.answer(incoming, path)
        if "origin" in headers and (not self._may_ask(headers["origin"]) or incoming.method == "OPTIONS"):
            return self._to_page(incoming)
        if path == "/" and incoming.method == "GET" and self._asks_health(incoming, query):
            return dynamodb.health(headers.get("host", ""), self._bus.new_request_id())
        exchange = Exchange(self._bus.new_request_id(), incoming, wire.HttpRequest(
            incoming.method, path, query, headers, None))
        metrics = self._metrics
        if metrics.in_flight >= self._max_in_flight:
            return self._overloaded(exchange)
        metrics.in_flight += 1
        started = time.perf_counter()
        answer: Answer | StreamAnswer | None = None
        try:
            try:
                answer = await self._respond(exchange)
            except Exception as error:
                answer = self._refuse(exchange, error)
            return answer
        finally:
            metrics.in_flight -= 1
            self._reader.release(incoming)
            if answer is None:
                metrics.disconnects += 1
            else:
                self._record(exchange, answer, time.perf_counter() - started)

    async def _respond(self, exchange: Exchange) -> Answer | StreamAnswer:
        """The path. AwsError, Refusal, BusError as they come."""
        incoming, request = exchange.incoming, exchange.request
        key = bearer.read_key(request.headers, self._region, any_form=self._open_mode and request.path in doors.PATHS)
        exchange.claim = claim = key.claim if key else read_claim(request.query, request.headers)
        door = doors.find(request.path) if key is not None else None
        if door is not None:                       # whatever is wrong from here on is told in its words
            exchange.service, exchange.protocol = load(door[0]), door[1]
        request.body = body = await self._reader.read(incoming)
        self._metrics.body_bytes_in += len(body)
        if key is not None:
            identity, secret = await self._bear(key), ""
        else:
            identity, secret = await self._identify(claim, request, body)
        if (body and claim is not None and claim.streaming) or "content-encoding" in request.headers:
            request = exchange.request = _decoded(request, claim, secret)
        route = self._router.route(request, claim)
        operation, protocol = route.operation, route.protocol
        exchange.service, exchange.operation, exchange.protocol = route.service, operation, protocol
        self._admit(route, claim)
        if route.service.name in dynamodb.SERVICES:
            dynamodb.check_head(route.request)
        params = protocol.parse(operation, route.request)
        span = self._tracer.start(operation.name, request.headers.get("traceparent", ""), {})
        message = Request(params, exchange.id, route.region, 0, span.traceparent, _source(incoming))
        if operation.event_stream_out:
            return await self._stream(exchange, identity, message, span)
        outcome = "BusError"
        try:
            reply = await self._bus.send(identity, route.service.name, operation.name, message, _timeout_s(operation))
            outcome = OK if reply.error is None else reply.error.code
        finally:
            span.end(outcome)
        if reply.error is not None:
            raise aws_error(reply.error)
        assert reply.ok is not None, "a reply is ok or an error"
        return self._answer(exchange, protocol.serialise(operation, reply.ok, exchange.id))

    async def _identify(self, claim: Claim | None, request: wire.HttpRequest, body: bytes) -> tuple[Identity, str]:
        """Who asks, proven, and the secret that proved it ("" when none did). Refusal."""
        if claim is None:
            return Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS), ""
        credential = await self._credential(claim)
        verify(claim, credential.secret, request.method, request.path, request.query, request.headers, body,
               self._clock())
        return Identity(GATEWAY, credential.account, credential.access_key), credential.secret or ""

    async def _bear(self, key: bearer.ApiKey) -> Identity:
        """Who asks with an API key of Bedrock's. Refusal."""
        try:
            credential = await self._credential(key.claim)
        except Refusal as refusal:
            raise Refusal(Reason.BEARER, bearer.INVALID) from refusal
        bearer.prove(key, credential.secret, self._clock())
        return Identity(GATEWAY, credential.account, credential.access_key)

    async def _credential(self, claim: Claim) -> Credential:
        key = claim.signer.access_key
        credential = self._credentials.known(key) or await self._credentials.find(key)
        if credential is None:
            raise Refusal(Reason.UNKNOWN_KEY)
        if not credential.static:
            credential.check(claim.token, self._clock())
        return credential

    def _admit(self, route: Route, claim: Claim | None) -> None:
        """What only the operation tells: may it be asked unsigned, with an unsigned body, over HTTP/1.1?"""
        operation = route.operation
        if claim is None:
            if operation.traits.get("authtype") != "none" and route.service.name != "s3":
                raise Refusal(Reason.MISSING)
        elif claim.content_hash == UNSIGNED_PAYLOAD and claim.signer.service not in S3_LIKE \
                and not operation.traits.get("unsignedPayload"):
            raise Refusal(Reason.MISMATCH)
        if operation.event_stream_in:               # events in need HTTP/2
            raise NotImplementedByUs(route.service.name, operation.name)
        if route.service.name == "s3" and not (claim is not None and claim.streaming):
            bodies.verify_sums(route.request.body or b"", route.request.headers)

    # Streams of events

    async def _stream(self, exchange: Exchange, identity: Identity, message: Request, span: Span) -> StreamAnswer:
        """The answer once its first event is there: until then an error still has a status of its own."""
        service, operation, protocol = exchange.service, exchange.operation, exchange.protocol
        assert service is not None
        assert operation is not None
        assert protocol is not None
        replies = self._bus.stream(
            service.name, operation.name, message.params, region=message.region, trace=message.trace,
            identity=identity, source=message.source, request_id=exchange.id, timeout_s=_timeout_s(operation),
        )
        try:
            first = await anext(replies, None)
        except BaseException:
            span.end("error")
            raise
        initial = first.ok if first is not None and first.ok is not None else {}
        head = protocol.stream_headers(operation, initial, exchange.id)

        async def frames() -> AsyncIterator[bytes]:
            """An error on the way is the last frame: the status is out already."""
            yield protocol.frame_initial(operation, initial)
            try:
                if first is not None and first.event is not None:
                    yield protocol.frame_event(operation, first.event)
                async for reply in replies:
                    if reply.event is not None:
                        yield protocol.frame_event(operation, reply.event)
            except Exception as error:
                yield protocol.frame_error(operation, self._as_aws_error(exchange, error))

        async def close() -> None:
            self._metrics.in_flight -= 1
            span.end(OK)
            await cast("AsyncGenerator[Reply, None]", replies).aclose()

        self._metrics.in_flight += 1
        return StreamAnswer(head.status, self._dressed(exchange, head.headers), frames(), close)

    # Answers

    def _answer(self, exchange: Exchange, response: wire.HttpResponse) -> Answer:
        if exchange.service is not None and exchange.service.name in dynamodb.SERVICES:
            dynamodb.finish(response, exchange.request.headers)
        self._metrics.body_bytes_out += len(response.body)
        return Answer(response.status, self._dressed(exchange, response.headers), response.body)

    def _dressed(self, exchange: Exchange, headers: dict[str, str]) -> dict[str, str]:
        """The headers every answer carries beside its protocol's own."""
        service = exchange.service
        if service is not None and service.name in ("s3", "s3control"):
            headers["x-amz-request-id"] = headers["x-amz-id-2"] = exchange.id
        elif "x-amzn-RequestId" not in headers:
            headers["x-amzn-RequestId"] = exchange.id
        origin = exchange.request.headers.get("origin")
        if origin is not None:
            headers.update(browsers.cors_headers(origin, self._open_mode))
        return headers

    def _refuse(self, exchange: Exchange, error: Exception) -> Answer:
        """Any error, in the words of the service it concerns; plain where there is none."""
        if isinstance(error, dynamodb.NotJson):
            return self._answer(exchange, error.response())
        known = self._as_aws_error(exchange, error)
        service = exchange.service
        if service is None:
            return self._answer(exchange, plain_error(known, exchange.id))
        try:
            protocol = exchange.protocol or wire.protocol_for(service, exchange.request)
            response = protocol.serialise_error(service, exchange.operation, known, exchange.id)
        except Exception:
            log.exception("error_unserialisable", request_id=exchange.id, service=service.name, code=known.error_code)
            response = plain_error(InternalFailure("", status=500), exchange.id)
        if response.status == 503:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return self._answer(exchange, response)

    def _as_aws_error(self, exchange: Exchange, error: Exception) -> AwsError:
        if exchange.service is None:
            exchange.service = self._router.likely(exchange.request, exchange.claim)
        if isinstance(error, AwsError):
            return error
        if isinstance(error, Refusal):
            return as_error(error, exchange.service)
        if isinstance(error, BodyTooLarge):         # within our own limit, but more than the bus carries
            return bodies.RequestEntityTooLarge(BODY_LIMIT_BYTES)
        if isinstance(error, BusError):
            self._tell_bus_failed(exchange, error)
            return ServiceUnavailable()
        if isinstance(error, Unencodable):
            return SerializationException(str(error), status=400)
        log.error("request_failed", request_id=exchange.id, exc_info=error)
        return InternalFailure("The request processing has failed because of an unknown error, exception or failure.",
                               status=500)

    def _asks_health(self, incoming: Incoming, query: str) -> bool:
        """Nobody in particular asks DynamoDB's host, or one that names no service, for its root."""
        if query or "authorization" in incoming.headers:
            return False
        service = self._router.likely(wire.HttpRequest("GET", "/", "", incoming.headers, None), None)
        return service is None or service.name in dynamodb.SERVICES

    def _tell_bus_failed(self, exchange: Exchange, error: BusError) -> None:
        """One line for all within BUS_FAILED_PERIOD_S: while an actor restarts, every request fails."""
        self._bus_failures += 1
        now = self._clock()
        if now - self._bus_failed_told >= BUS_FAILED_PERIOD_S:
            log.warning("bus_failed", request_id=exchange.id, error=f"{type(error).__name__}: {error}",
                        failures=self._bus_failures)
            self._bus_failures, self._bus_failed_told = 0, now

    def _overloaded(self, exchange: Exchange) -> Answer:
        """503 without reading the body or verifying anything."""
        try:
            exchange.claim = read_claim(exchange.request.query, exchange.request.headers)
        except Refusal:
            exchange.claim = None
        exchange.service = service = self._router.likely(exchange.request, exchange.claim)
        error: AwsError = ServiceUnavailable()
        if service is not None and service.name == "s3":
            error = AwsError("Please reduce your request rate.", code="SlowDown", status=503)
        answer = self._refuse(exchange, error)
        self._metrics.record(service.name if service else "unknown", "unknown", "refused", 0.0)
        return answer

    def _record(self, exchange: Exchange, answer: Answer | StreamAnswer, seconds: float) -> None:
        service, operation = exchange.service, exchange.operation
        status = answer.status
        self._metrics.record(
            service.name if service is not None else "unknown", operation.name if operation is not None else "unknown",
            "ok" if status < 400 else "error" if status < 500 else "fault", seconds,
        )

    # Browsers

    def _may_ask(self, origin: str) -> bool:
        return browsers.may_ask(origin, self._open_mode)

    def _to_page(self, incoming: Incoming) -> Answer:
        """A preflight, or a request from a page that may not ask."""
        if not self._may_ask(incoming.headers["origin"]):
            return Answer(403, {"content-type": "text/plain"}, b"In open mode only pages of this machine may ask.\n")
        return Answer(200, browsers.preflight_headers(incoming.headers, self._open_mode), b"")


def _timeout_s(operation: Operation) -> float:
    """How long the bus is given: models may think for long, and their clients say how long they wait."""
    return MODEL_TIMEOUT_S if operation.service.name == "bedrock-runtime" else CALL_TIMEOUT_S


def _target(target: str) -> tuple[str, str]:
    """Raw path and query of a request target, also of its absolute form (RFC 9112 3.2.2); a fragment is dropped."""
    if not target.startswith("/"):
        after_scheme = target.partition("://")[2]
        slash = after_scheme.find("/")
        target = after_scheme[slash:] if slash >= 0 else "/"
    path, _, query = target.partition("?")
    return path, query.partition("#")[0] if "#" in query else query


def _source(incoming: Incoming) -> dict[str, str]:
    agent = incoming.headers.get("user-agent", "")
    return {"ip": incoming.peer, "user_agent": agent[:TEXT_LIMIT_CHARACTERS]}


def _decoded(request: wire.HttpRequest, claim: Claim | None, secret: str) -> wire.HttpRequest:
    """The request with its body out of aws-chunked, or out of gzip where gzip is not the object's own encoding."""
    body = request.body or b""
    headers = dict(request.headers)
    codings = [coding.strip() for coding in headers.pop("content-encoding", "").split(",") if coding.strip()]
    if claim is not None and claim.streaming:
        signer = claim.signer
        key = signing_key(secret, signer.date, signer.region, signer.service) if secret else None
        body = bodies.decode_chunked(body, claim, key, headers)
        codings = [coding for coding in codings if coding.lower() != "aws-chunked"]
    signed_for_s3 = claim is not None and claim.signer.service in S3_LIKE
    looks_like_s3 = claim is None and request.method != "POST"
    if codings and codings[-1].lower() == "gzip" and not (signed_for_s3 or looks_like_s3):
        body = bodies.inflate(body)
        codings.pop()
    if codings:
        headers["content-encoding"] = ",".join(codings)
    return wire.HttpRequest(request.method, request.path, request.query, headers, body)


class GatewayServer:
    """A gateway on its port. `close` lets what is under way finish, DRAIN_LIMIT_S at most."""

    def __init__(self, server: asyncio.Server, http: HttpServer, endpoints: Endpoints, metrics: Metrics) -> None:
        self._server = server
        self._http = http
        self._endpoints = endpoints
        self.metrics = metrics

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        self._server.close()
        self._http.pre_shutdown()
        await self._http.shutdown(DRAIN_LIMIT_S)
        self._endpoints.close()


async def serve(
    transport: Transport, credentials: Credentials, services: Collection[str], *, open_mode: bool,
    host: str = "127.0.0.1", port: int = 0, reuse_port: bool = False, region: str = DEFAULT_REGION,
    process: str = "gateway", version: str = "", max_in_flight: int = MAX_IN_FLIGHT, tracer: Tracer | None = None,
    bus: Bus | None = None, body_reader: BodyReader | None = None, head_limit_s: float | None = None,
    clock: Callable[[], float] = time.time,
) -> GatewayServer:
    """Listens; `services` are the names of those that have an actor. `bus` stands for the Client made of `transport`.

    `open_mode` is for loopback only; deploy refuses it elsewhere. OSError when the port is taken.
    """
    metrics = Metrics()
    about = About(process, version, tuple(sorted(services)), open_mode)
    endpoints = Endpoints(transport, about, metrics)
    client = bus or Client(transport, Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS), region=region)
    gateway = Gateway(
        client, credentials, Router(services, region), endpoints, metrics, open_mode=open_mode, region=region,
        max_in_flight=max_in_flight, tracer=tracer, body_reader=body_reader, clock=clock,
    )
    http = HttpServer(gateway.handle) if head_limit_s is None else HttpServer(gateway.handle, head_limit_s=head_limit_s)
    endpoints.start()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(http, host, port, reuse_port=reuse_port or None, backlog=BACKLOG)
    except OSError:
        endpoints.close()
        raise
    return GatewayServer(server, http, endpoints, metrics)
