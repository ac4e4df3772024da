"""From a socket to the bus and back: the whole path of a request on one screen (`Gateway._respond`).

Who is this (sigv4), what is meant (route), bytes to params (protocols), the bus, params to bytes. Everything that goes
wrong is told in the service's own words in one place (`Gateway._refuse`). `serve` puts it on a port.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import structlog

from bus.bodies import BODY_LIMIT_BYTES, BodyTooLarge
from bus.client import CALL_TIMEOUT_S, Client, aws_error
from bus.codec import Unencodable
from bus.files import Piece
from bus.subjects import GATEWAY
from bus.tracing import OK, Span, Tracer, Untraced
from bus.transport import BusError, Transport
from gateway import bearer, bodies, browsers, doors, dynamodb, posts, sigv2, uploads
from gateway import protocols as wire
from gateway.connection import Answer, BodyReader, HttpServer, Incoming, StreamAnswer
from gateway.credentials import DEFAULT_ACCOUNT, Credential, Credentials
from gateway.downloads import FileAnswer
from gateway.endpoints import PREFIXES, About, Endpoints
from gateway.forms import FormDecoder
from gateway.metrics import Metrics
from gateway.plain import plain_error
from gateway.posts import Policy
from gateway.refusals import as_error
from gateway.route import Route, Router
from gateway.sigv4 import S3_LIKE, UNSIGNED_PAYLOAD, Claim, Reason, Refusal, SigningKey, read_claim, signing_key, verify
from gateway.uploads import Uploads
from schemas.envelope import ANONYMOUS, DEFAULT_REGION, Identity, Reply, Request
from schemas.errors import AwsError, InternalFailure, NotImplementedByUs, SerializationException, ServiceUnavailable
from schemas.models import Operation, Service, load

MAX_IN_FLIGHT = 1024                      # requests under way; the next one is answered 503 at once
RETRY_AFTER_S = 1
MODEL_TIMEOUT_S = 3600.0                  # for one answer of a model; AWS ends it after 60 minutes
BACKLOG = 1024                            # connections the kernel holds until they are accepted
FORM_LIMIT_S = 3600.0                     # for the whole of an upload by form, whose size nobody states
DRAIN_LIMIT_S = 5.0                       # what is under way may finish when the gateway closes
BUS_FAILED_PERIOD_S = 1.0                 # between two log lines about it
TEXT_LIMIT_CHARACTERS = 256               # of each value we tell the actor about the caller

log = structlog.get_logger(__name__)


Outgoing = Answer | StreamAnswer | FileAnswer


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
        tracer: Tracer | None = None, body_reader: BodyReader | None = None, state: Path | None = None,
        clock: Callable[[], float] = time.time,
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
        self._uploads = Uploads(state, self._reader)
        self._clock = clock
        self._bus_failures, self._bus_failed_told = 0, 0.0             # since it was last told, and when that was

    async def handle(self, incoming: Incoming) -> Outgoing:
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
        answer: Outgoing | None = None
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

    async def _respond(self, exchange: Exchange) -> Outgoing:
        """The path. AwsError, Refusal, BusError as they come."""
        incoming, request = exchange.incoming, exchange.request
        if posts.is_form(request.method, request.headers) and "authorization" not in request.headers:
            return await self._post(exchange)
        door = doors.find(request.path) if bearer.bears(request.headers) else None
        if door is not None:                       # whatever is wrong from here on is told in its words
            exchange.service, exchange.protocol = load(door[0]), door[1]
        key = bearer.read_key(request.headers, self._region, any_form=self._open_mode and door is not None)
        exchange.claim = claim = key.claim if key else _read_claim(request)
        if key is None and uploads.is_large(request.headers):
            streamed = self._streams(request, claim)
            if streamed is not None:
                return await self._receive(exchange, *streamed)
        request.body = body = await self._reader.read(incoming)
        self._metrics.body_bytes_in += len(body)
        if key is not None:
            identity, secret = await self._bear(key), ""
        else:
            identity, secret = await self._identify(claim, request, body)
        if (body and claim is not None and claim.streaming) or "content-encoding" in request.headers:
            request = exchange.request = _decoded(request, claim, secret)
        route = self._router.route(request, claim)
        self._admit(exchange, route, claim)
        if route.service.name in dynamodb.SERVICES:
            dynamodb.check_head(route.request)
        params = route.protocol.parse(route.operation, route.request)
        return await self._ask(exchange, identity, route, params)

    def _streams(self, request: wire.HttpRequest, claim: Claim | None) -> tuple[Route, Path] | None:
        """The route and the folder of a large body that goes into a file; None: it is read whole."""
        folder = self._uploads.folder("s3")
        if folder is None or not (claim.signer.service in S3_LIKE if claim is not None else request.method == "PUT"):
            return None
        route = self._router.route(request, claim)
        return (route, folder) if route.operation.streams_in and route.service.name == "s3" else None

    async def _receive(self, exchange: Exchange, route: Route, folder: Path) -> Outgoing:
        """The path of a body that passes into a file. Who asks is proven before its first byte is read."""
        claim, request = exchange.claim, exchange.request
        identity, secret = await self._identify(claim, request, None)
        self._admit(exchange, route, claim)
        upload = await self._uploads.receive(exchange.incoming, request.headers, claim, _key(claim, secret), folder)
        try:
            self._metrics.body_bytes_in += upload.size
            headers = upload.headers
            if "content-encoding" in headers:
                headers = _without_chunked(headers)
            params = route.protocol.parse(route.operation, replace(route.request, headers=headers))
            params[route.operation.payload] = upload.reference()
            return await self._ask(exchange, identity, route, params)
        finally:
            await asyncio.to_thread(upload.close)

    async def _post(self, exchange: Exchange) -> Outgoing:
        """A form's upload: its policy proves who asks, and what it may hold. AwsError, Refusal."""
        incoming, request = exchange.incoming, exchange.request
        form = FormDecoder(request.headers["content-type"])
        folder = self._uploads.folder("s3")
        if folder is None:
            raise NotImplementedByUs("s3", "PostObject")
        pieces = self._reader.pieces(incoming, FORM_LIMIT_S)
        first = b""
        async for piece in pieces:
            first = b"".join(form.feed(piece))
            if form.has_fields:
                break
        else:
            form.finish()
        exchange.claim = claim = posts.claim_of(form.fields)
        identity, policy = await self._permitted(claim, form.fields, request)
        put = posts.put_of(self._router.path_style(request, claim).path, form)
        put.headers = {**put.headers, "host": request.headers.get("host", "")}
        route = self._router.route(put, claim)
        self._admit(exchange, route, claim)
        if policy is not None:
            policy.check(form.fields, str(route.protocol.parse(route.operation, put)["Bucket"]))
        upload = await self._uploads.receive_form(incoming, pieces, form, first, policy, put.headers, folder)
        try:
            self._metrics.body_bytes_in += upload.size
            params = route.protocol.parse(route.operation, route.request)
            params[route.operation.payload] = upload.reference()
            result = await self._reply(exchange, identity, route, params)
        finally:
            await asyncio.to_thread(upload.close)
        location = f"http://{request.headers.get('host', '')}{put.path}"
        status, headers, body = posts.answer(form.fields, location, params["Bucket"], params["Key"], result["ETag"])
        return self._answer(exchange, wire.HttpResponse(status, headers, body))

    async def _permitted(
        self, claim: Claim | None, fields: Mapping[str, str], request: wire.HttpRequest
    ) -> tuple[Identity, Policy | None]:
        if claim is None:
            return Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS), None
        credential = await self._credential(claim)
        posts.verify(claim, credential.secret, fields["policy"])
        return Identity(GATEWAY, credential.account, credential.access_key), Policy(fields["policy"], self._clock())

    async def _ask(
        self, exchange: Exchange, identity: Identity, route: Route, params: dict[str, Any]
    ) -> Outgoing:
        """Over the bus and back, as an answer. AwsError, BusError."""
        operation, protocol = route.operation, route.protocol
        if operation.event_stream_out:
            return await self._stream(exchange, identity, *self._message(exchange, route, params))
        result = await self._reply(exchange, identity, route, params)
        body = result.get("Body") if operation.name == "GetObject" else None
        if type(body) is dict:
            return self._files(exchange, route, result, [Piece(*piece) for piece in body["files"]])
        return self._answer(exchange, protocol.serialise(operation, result, exchange.id))

    def _message(self, exchange: Exchange, route: Route, params: dict[str, Any]) -> tuple[Request, Span]:
        span = self._tracer.start(route.operation.name, exchange.request.headers.get("traceparent", ""), {})
        source = _source(exchange.incoming, route.service.name)
        return Request(params, exchange.id, route.region, 0, span.traceparent, source), span

    async def _reply(
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

    def _files(self, exchange: Exchange, route: Route, result: dict[str, Any], pieces: list[Piece]) -> FileAnswer:
        """An answer whose body is in files of this host. OSError when it is not."""
        folder = self._uploads.folder(route.service.name)
        assert folder is not None, "who refers to files has a folder of them"
        head = route.protocol.serialise(route.operation, {**result, "Body": None}, exchange.id)
        answer = FileAnswer(head.status, self._dressed(exchange, head.headers), folder, pieces)
        self._metrics.body_bytes_out += answer.size
        return answer

    async def _identify(
        self, claim: Claim | None, request: wire.HttpRequest, body: bytes | None
    ) -> tuple[Identity, str]:
        """Who asks, proven, and the secret that proved it ("" when none did). `body` None: it is yet to come. Refusal.
        """
        if claim is None:
            return Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS), ""
        credential = await self._credential(claim)
        if claim.signer.scope == sigv2.V2:
            sigv2.verify(claim, credential.secret, request.method, request.path, request.query, request.headers,
                         self._clock())
        else:
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

    def _admit(self, exchange: Exchange, route: Route, claim: Claim | None) -> None:
        """What only the operation tells: may it be asked unsigned, with an unsigned body, over HTTP/1.1?"""
        operation = route.operation
        exchange.service, exchange.operation, exchange.protocol = route.service, operation, route.protocol
        if claim is None:
            if operation.traits.get("authtype") != "none" and route.service.name != "s3":
                raise Refusal(Reason.MISSING)
        elif claim.content_hash == UNSIGNED_PAYLOAD and claim.signer.service not in S3_LIKE \
                and not operation.traits.get("unsignedPayload"):
            raise Refusal(Reason.MISMATCH)
        if operation.event_stream_in:               # events in need HTTP/2
            raise NotImplementedByUs(route.service.name, operation.name)
        if route.service.name == "s3" and not operation.streams_in and not _sums_of_object(operation):
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
            exchange.service = load(bearer.SERVICE) if bearer.is_key(exchange.request.headers) else \
                self._router.likely(exchange.request, exchange.claim)
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
            exchange.claim = _read_claim(exchange.request)
        except Refusal:
            exchange.claim = None
        exchange.service = service = self._router.likely(exchange.request, exchange.claim)
        error: AwsError = ServiceUnavailable()
        if service is not None and service.name == "s3":
            error = AwsError("Please reduce your request rate.", code="SlowDown", status=503)
        answer = self._refuse(exchange, error)
        self._metrics.record(service.name if service else "unknown", "unknown", "refused", 0.0)
        return answer

    def _record(self, exchange: Exchange, answer: Outgoing, seconds: float) -> None:
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


def _read_claim(request: wire.HttpRequest) -> Claim | None:
    """In whichever version it is signed; None: it is not. Refusal."""
    authorization = request.headers.get("authorization")
    if authorization is None and sigv2.is_query(request.query):
        return sigv2.query_claim(request.query)
    if authorization is not None and sigv2.is_header(authorization):
        return sigv2.header_claim(authorization, request.headers)
    return read_claim(request.query, request.headers)


def _target(target: str) -> tuple[str, str]:
    """Raw path and query of a request target, also of its absolute form (RFC 9112 3.2.2); a fragment is dropped."""
    if not target.startswith("/"):
        after_scheme = target.partition("://")[2]
        slash = after_scheme.find("/")
        target = after_scheme[slash:] if slash >= 0 else "/"
    path, _, query = target.partition("?")
    return path, query.partition("#")[0] if "#" in query else query


def _source(incoming: Incoming, service: str) -> dict[str, str]:
    """What the actor is told of the sender; S3, whose logs and events tell it, of the request as well."""
    headers = incoming.headers
    source = {"ip": incoming.peer, "user_agent": headers.get("user-agent", "")[:TEXT_LIMIT_CHARACTERS]}
    if service == "s3":
        source["request"] = f"{incoming.method} {incoming.target[:TEXT_LIMIT_CHARACTERS]} HTTP/1.1"
        source["host"] = headers.get("host", "")[:TEXT_LIMIT_CHARACTERS]
    if "referer" in headers:
        source["referer"] = headers["referer"][:TEXT_LIMIT_CHARACTERS]
    return source


def _decoded(request: wire.HttpRequest, claim: Claim | None, secret: str) -> wire.HttpRequest:
    """The request with its body out of aws-chunked, or out of gzip where gzip is not the object's own encoding."""
    body = request.body or b""
    headers = dict(request.headers)
    codings = [coding.strip() for coding in headers.pop("content-encoding", "").split(",") if coding.strip()]
    if claim is not None and claim.streaming:
        body, headers = bodies.decode_chunked(body, claim, _key(claim, secret), headers)
        codings = [coding for coding in codings if coding.lower() != "aws-chunked"]
    signed_for_s3 = claim is not None and claim.signer.service in S3_LIKE
    looks_like_s3 = claim is None and request.method != "POST"
    if codings and codings[-1].lower() == "gzip" and not (signed_for_s3 or looks_like_s3):
        body = bodies.inflate(body)
        codings.pop()
    if codings:
        headers["content-encoding"] = ",".join(codings)
    return wire.HttpRequest(request.method, request.path, request.query, headers, body)


def _key(claim: Claim | None, secret: str) -> SigningKey | None:
    """That of the chunks' signatures; None where nothing is verified."""
    if claim is None or not secret:
        return None
    signer = claim.signer
    return signing_key(secret, signer.date, signer.region, signer.service)


def _sums_of_object(operation: Operation) -> bool:
    """Are its checksum headers members of the request? Then S3 verifies them, of what they are meant for."""
    return operation.input is not None and "ChecksumCRC32" in operation.input.members


def _without_chunked(headers: Mapping[str, str]) -> dict[str, str]:
    """aws-chunked is how a body travels, not what the object is encoded in."""
    codings = [coding.strip() for coding in headers["content-encoding"].split(",")]
    left = ",".join([coding for coding in codings if coding and coding.lower() != "aws-chunked"])
    others = {name: value for name, value in headers.items() if name != "content-encoding"}
    return {**others, "content-encoding": left} if left else others


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
    state: Path | None = None, clock: Callable[[], float] = time.time,
) -> GatewayServer:
    """Listens; `services` are the names of those that have an actor. `bus` stands for the Client made of `transport`.
    `state`: where the services of this host keep their directories; None: bodies travel in their envelopes.

    `open_mode` is for loopback only; deploy refuses it elsewhere. OSError when the port is taken.
    """
    metrics = Metrics()
    about = About(process, version, tuple(sorted(services)), open_mode)
    endpoints = Endpoints(transport, about, metrics)
    client = bus or Client(transport, Identity(GATEWAY, DEFAULT_ACCOUNT, ANONYMOUS), region=region)
    gateway = Gateway(
        client, credentials, Router(services, region), endpoints, metrics, open_mode=open_mode, region=region,
        max_in_flight=max_in_flight, tracer=tracer, body_reader=body_reader, state=state, clock=clock,
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
