"""What goes back: results, streams and errors in the service's own words, with the headers every answer carries.

Whatever goes wrong on the path is told here, in one place (`Answers.refuse`).
"""

from collections.abc import AsyncIterator, Callable

import structlog

from bus.bodies import BODY_LIMIT_BYTES, BodyTooLarge
from bus.codec import Unencodable
from bus.files import Files, Piece
from bus.transport import BusError
from gateway import bearer, bodies, dynamodb
from gateway import protocols as wire
from gateway.asking import Replies
from gateway.connection import Answer, StreamAnswer
from gateway.downloads import FileAnswer
from gateway.exchange import Exchange
from gateway.metrics import Metrics
from gateway.plain import plain_error
from gateway.refusals import as_error
from gateway.route import Route, Router
from gateway.s3 import regions, words
from gateway.sigv4 import Reason, Refusal
from schemas.dialects import dialect_of
from schemas.errors import AwsError, InternalFailure, SerializationException, ServiceUnavailable
from schemas.models import load

RETRY_AFTER_S = 1
BUS_FAILED_PERIOD_S = 1.0                 # between two log lines about it
_BY_CREDENTIALS = frozenset({Reason.UNKNOWN_KEY, Reason.INVALID_TOKEN, Reason.EXPIRED_TOKEN, Reason.MISMATCH})

log = structlog.get_logger(__name__)

Outgoing = Answer | StreamAnswer | FileAnswer


class Answers:
    """`clock` gives seconds since the epoch."""

    def __init__(self, router: Router, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._router = router
        self._metrics = metrics
        self._clock = clock
        self._bus_failures, self._bus_failed_told = 0, 0.0             # since it was last told, and when that was

    def answer(self, exchange: Exchange, response: wire.HttpResponse) -> Answer:
        if exchange.service is not None and exchange.service.name in dynamodb.SERVICES:
            dynamodb.finish(response, exchange.request.headers)
        self._metrics.body_bytes_out += len(response.body)
        return Answer(response.status, self._dressed(exchange, response.headers), response.body)

    async def files(
        self, exchange: Exchange, head: wire.HttpResponse, files: Files, pieces: list[Piece]
    ) -> FileAnswer:
        """OSError when the first file is gone; BusError."""
        first = await files.open(pieces[0].name)
        answer = FileAnswer(head.status, self._dressed(exchange, head.headers), files, pieces, first)
        self._metrics.body_bytes_out += answer.size
        return answer

    def stream(self, exchange: Exchange, route: Route, replies: Replies) -> StreamAnswer:
        """Events, framed as they come."""
        operation, protocol, first = route.operation, route.protocol, replies.first
        initial = first.ok if first is not None and first.ok is not None else {}
        head = protocol.stream_headers(operation, initial, exchange.id)

        async def frames() -> AsyncIterator[bytes]:
            """An error on the way is the last frame: the status is out already."""
            yield protocol.frame_initial(operation, initial)
            try:
                if first is not None and first.event is not None:
                    yield protocol.frame_event(operation, first.event)
                async for reply in replies.rest:
                    if reply.event is not None:
                        yield protocol.frame_event(operation, reply.event)
            except Exception as error:
                yield protocol.frame_error(operation, self._as_aws_error(exchange, error))

        async def close() -> None:
            self._metrics.in_flight -= 1
            await replies.close()

        self._metrics.in_flight += 1
        return StreamAnswer(head.status, self._dressed(exchange, head.headers), frames(), close)

    def _dressed(self, exchange: Exchange, headers: dict[str, str]) -> dict[str, str]:
        """The headers every answer carries beside its protocol's own."""
        service = exchange.service
        if service is not None and service.name in words.SERVICES:
            words.dress(headers, exchange.id)
        elif "x-amzn-RequestId" not in headers:
            headers["x-amzn-RequestId"] = exchange.id
        if exchange.grants:
            headers.update(exchange.grants)
        return headers

    def refuse(self, exchange: Exchange, error: Exception) -> Answer:
        """Any error, in the words of the service it concerns; plain where there is none."""
        if isinstance(error, dynamodb.NotJson):
            return self.answer(exchange, error.response())
        known = self._as_aws_error(exchange, error)
        service = exchange.service
        if service is None:
            return self.answer(exchange, plain_error(known, exchange.id))
        try:
            protocol = exchange.protocol or wire.protocol_for(service, exchange.request)
            response = protocol.serialise_error(service, exchange.operation, known, exchange.id)
        except Exception:
            log.exception("error_unserialisable", request_id=exchange.id, service=service.name, code=known.error_code)
            response = plain_error(InternalFailure("", status=500), exchange.id)
        if response.status == 503:
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return self.answer(exchange, response)

    def _as_aws_error(self, exchange: Exchange, error: Exception) -> AwsError:
        if exchange.service is None:
            exchange.service = load(bearer.SERVICE) if bearer.is_key(exchange.request.headers) else \
                self._router.likely(exchange.request, exchange.claim)
        if isinstance(error, AwsError):
            if error.error_code == regions.ELSEWHERE:
                return regions.told(error, self._router.host(exchange.request), exchange.claim, exchange.request)
            return error
        if isinstance(error, Refusal):
            return self._as_refusal(exchange, error)
        if isinstance(error, BodyTooLarge):         # within our own limit, but more than the bus carries
            return bodies.RequestEntityTooLarge(BODY_LIMIT_BYTES)
        if isinstance(error, BusError):
            self._tell_bus_failed(exchange, error)
            return ServiceUnavailable()
        if isinstance(error, Unencodable):
            return SerializationException(str(error), status=400)
        log.error("request_failed", request_id=exchange.id, exc_info=error)
        return InternalFailure("The request processing has failed because of an unknown error, exception or failure.",
                               code=dialect_of(exchange.service).failed if exchange.service else None, status=500)

    def _as_refusal(self, exchange: Exchange, refusal: Refusal) -> AwsError:
        """S3 reads the path, and for what region it is signed, before it asks whose signature that is."""
        if exchange.service is not None and exchange.service.name == "s3":
            try:
                words.check_path(exchange.request.path)
                if refusal.reason in _BY_CREDENTIALS:
                    regions.check(self._router.host(exchange.request), exchange.claim, exchange.request)
            except AwsError as error:
                return error
        return as_error(refusal, exchange.service)

    def _tell_bus_failed(self, exchange: Exchange, error: BusError) -> None:
        """One line for all within BUS_FAILED_PERIOD_S: while an actor restarts, every request fails."""
        self._bus_failures += 1
        now = self._clock()
        if now - self._bus_failed_told >= BUS_FAILED_PERIOD_S:
            log.warning("bus_failed", request_id=exchange.id, error=f"{type(error).__name__}: {error}",
                        failures=self._bus_failures)
            self._bus_failures, self._bus_failed_told = 0, now
