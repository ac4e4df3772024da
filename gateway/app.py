"""From a socket to the bus and back: the whole path of a request on one screen (`Gateway._respond`).

Who is this (callers), what is meant (route), bytes to params (protocols), the bus (asking), params to bytes (answers).
Large bodies, forms and files are S3's own (s3/door.py). `serve` puts it on a port.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from bus.tracing import Tracer, Untraced
from bus.transport import Transport
from gateway import bearer, codings, doors, dynamodb
from gateway import protocols as wire
from gateway.answers import Answers, Outgoing
from gateway.asking import Asking, Bus
from gateway.callers import Callers, claim_of
from gateway.connection import HEAD_LIMIT_S, Answer, BodyReader, HttpServer, Incoming
from gateway.credentials import Credentials
from gateway.endpoints import PREFIXES, Endpoints
from gateway.exchange import Exchange
from gateway.metrics import Metrics
from gateway.pages import ELSEWHERE, PREFLIGHT, Pages
from gateway.route import FORM, Route, Router
from gateway.s3 import words
from gateway.s3.buckets import Buckets
from gateway.s3.door import S3Door, is_form
from gateway.s3.websites import MARK, Websites
from gateway.settings import Settings
from gateway.sigv4 import Refusal
from gateway.uploads import Uploads, is_large
from schemas.envelope import Identity
from schemas.errors import AwsError, ServiceUnavailable
from schemas.models import load

BACKLOG = 1024                            # connections the kernel holds until they are accepted
DRAIN_LIMIT_S = 5.0                       # what is under way may finish when the gateway closes


class Gateway:
    """Answers requests. `clock` gives seconds since the epoch."""

    def __init__(
        self, transport: Transport, bus: Bus, credentials: Credentials, settings: Settings, *,
        tracer: Tracer | None = None, body_reader: BodyReader | None = None, clock: Callable[[], float] = time.time,
    ) -> None:
        self.metrics = Metrics()
        self.endpoints = Endpoints(transport, settings, self.metrics)
        self._bus = bus
        self._settings = settings
        self._router = router = Router(settings.services, settings.region)
        self._reader = body_reader or BodyReader()
        self._callers = Callers(credentials, clock)
        self._asking = Asking(bus, tracer or Untraced())
        self._answers = Answers(router, self.metrics, clock)
        buckets = Buckets(transport)
        self._pages = Pages(router, buckets, open_mode=settings.open_mode, hosts=settings.hosts)
        uploads = Uploads(transport, settings.state, self._reader, self.metrics)
        self._s3 = S3Door(router, self._callers, self._asking, self._answers, uploads)
        self._websites = Websites(router, buckets, self._asking, self._answers, self._s3)

    async def handle(self, incoming: Incoming) -> Outgoing:
        """aiohttp's handler. Never raises but for the client's going away."""
        path, query = _target(incoming.target)
        headers = incoming.headers
        if path.startswith(PREFIXES):
            return await self.endpoints.answer(incoming, path)
        if path == "/" and incoming.method == "GET" and self._asks_health(incoming, query):
            return dynamodb.health(headers.get("host", ""), self._bus.new_request_id())
        exchange = Exchange(self._bus.new_request_id(), incoming, wire.HttpRequest(
            incoming.method, path, query, headers, None))
        metrics = self.metrics
        if metrics.in_flight >= self._settings.max_in_flight:
            return self._overloaded(exchange)
        metrics.in_flight += 1
        started = time.perf_counter()
        answer: Outgoing | None = None
        try:
            try:
                answer = await self._respond(exchange)
            except Exception as error:
                answer = self._answers.refuse(exchange, error)
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
        request = exchange.request
        if self._settings.open_mode:
            self._pages.check_host(exchange)
        if "origin" in request.headers or request.method == PREFLIGHT:
            answer = await self._pages.meet(exchange)
            if answer is not None:
                return self._answers.answer(exchange, answer)
        if MARK in request.headers.get("host", ""):
            return await self._websites.answer(exchange)
        if request.headers.get("sec-fetch-site") == ELSEWHERE and "origin" not in request.headers:
            self._pages.check_embedded(exchange)
        if is_form(request):
            return await self._s3.post(exchange)
        key = self._bearer_key(exchange) if bearer.bears(request.headers) else None
        try:
            exchange.claim = claim = key.claim if key else claim_of(request)
        except Refusal:
            if FORM in request.headers.get("content-type", "") and not is_large(request.headers):
                request.body = await self._reader.read(exchange.incoming)      # its Action says in whose words
            raise
        large = await self._s3.streams(request, claim) if key is None and is_large(request.headers) else None
        if large is not None:
            return await self._s3.receive(exchange, large)
        request.body = body = await self._reader.read(exchange.incoming)
        self.metrics.body_bytes_in += len(body)
        if key is not None:
            exchange.bearer = key.kind
            identity, secret = await self._callers.bear(key), ""
        else:
            identity, secret = await self._callers.identify(claim, request, body)
        if (body and codings.chunked_form(claim, request.headers)) or "content-encoding" in request.headers \
                or codings.TRAILER in request.headers:
            request = exchange.request = codings.decoded(request, claim, secret)
        route = self._router.route(request, claim)
        exchange.admit(route)
        if route.service.name == "s3":
            words.check_length(route.operation, route.request)
            words.verify_sums(route.operation, route.request)
            words.check_encryption(route.operation, route.request)
        elif route.service.name in dynamodb.SERVICES:
            dynamodb.check_head(route.request, len(body))
        params = route.protocol.parse(route.operation, route.request)
        return await self._ask(exchange, identity, route, params)

    def _bearer_key(self, exchange: Exchange) -> bearer.ApiKey | None:
        """Of a request that bears a token; None: it is no key of ours. Refusal."""
        request = exchange.request
        door = doors.find(request.path)
        if door is not None:                       # whatever is wrong from here on is told in its words
            exchange.service, exchange.protocol = load(door[0]), door[1]
        return bearer.read_key(
            request.headers, self._settings.region, any_form=self._settings.open_mode and door is not None,
            now=self._callers.clock())

    async def _ask(self, exchange: Exchange, identity: Identity, route: Route, params: dict[str, Any]) -> Outgoing:
        """Over the bus and back, as an answer. AwsError, BusError."""
        if route.operation.event_stream_out:
            return self._answers.stream(
                exchange, route, await self._asking.stream(exchange, identity, route, params))
        try:
            result = await self._asking.reply(exchange, identity, route, params)
        except AwsError as error:
            result = await self._s3.follow(exchange, identity, route, params, error)
        if route.operation.name == "GetObject":
            return await self._s3.give(exchange, route, result)
        return self._answers.answer(exchange, route.protocol.serialise(route.operation, result, exchange.id))

    def _asks_health(self, incoming: Incoming, query: str) -> bool:
        """Nobody in particular asks DynamoDB's host, or one that names no service, for its root."""
        if query or "authorization" in incoming.headers or "origin" in incoming.headers:
            return False
        service = self._router.likely(wire.HttpRequest("GET", "/", "", incoming.headers, None), None)
        return service is None or service.name in dynamodb.SERVICES

    def _overloaded(self, exchange: Exchange) -> Answer:
        """503 without reading the body or verifying anything."""
        try:
            exchange.claim = claim_of(exchange.request)
        except Refusal:
            exchange.claim = None
        exchange.service = service = self._router.likely(exchange.request, exchange.claim)
        error: AwsError = ServiceUnavailable()
        if service is not None and service.name == "s3":
            error = words.SlowDown()
        answer = self._answers.refuse(exchange, error)
        self.metrics.record(service.name if service else "unknown", "unknown", "refused", 0.0)
        return answer

    def _record(self, exchange: Exchange, answer: Outgoing, seconds: float) -> None:
        service, operation = exchange.service, exchange.operation
        status = answer.status
        self.metrics.record(
            service.name if service is not None else "unknown", operation.name if operation is not None else "unknown",
            "ok" if status < 400 else "error" if status < 500 else "fault", seconds,
        )


def _target(target: str) -> tuple[str, str]:
    """Raw path and query of a request target, also of its absolute form (RFC 9112 3.2.2); a fragment is dropped."""
    if not target.startswith("/"):
        after_scheme = target.partition("://")[2]
        slash = after_scheme.find("/")
        target = after_scheme[slash:] if slash >= 0 else "/"
    path, _, query = target.partition("?")
    return path, query.partition("#")[0] if "#" in query else query


class GatewayServer:
    """A gateway on its port. `close` lets what is under way finish, DRAIN_LIMIT_S at most."""

    def __init__(self, server: asyncio.Server, http: HttpServer, endpoints: Endpoints) -> None:
        self._server = server
        self._http = http
        self._endpoints = endpoints

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
    gateway: Gateway, *, host: str = "127.0.0.1", port: int = 0, reuse_port: bool = False,
    head_limit_s: float = HEAD_LIMIT_S,
) -> GatewayServer:
    """Listens. OSError when the port is taken."""
    http = HttpServer(gateway.handle, head_limit_s=head_limit_s)
    gateway.endpoints.start()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(http, host, port, reuse_port=reuse_port or None, backlog=BACKLOG)
    except OSError:
        gateway.endpoints.close()
        raise
    return GatewayServer(server, http, gateway.endpoints)
