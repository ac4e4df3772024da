"""Errors: turns what an operation returned or raised into the reply.

AwsError is an answer and goes out as it is; that the disk refused, or that there is no room for more work of a kind
(bounded/), in the service's own words. BusError is somebody not there: 503, which SDKs retry. Anything else is our bug:
the service's InternalFailure with the request id outside, the traceback in our log, once.
"""

import asyncio

import structlog

from actors.runtime.bounded.process import Full
from actors.runtime.chain.call import Call, Link
from actors.runtime.store.errors import StoreUnavailable
from bus.transport import BusError
from schemas.dialects import Dialect, dialect_of
from schemas.envelope import Fault, Reply
from schemas.errors import AwsError, ServiceUnavailable
from schemas.models import Service

INTERNAL = "The request processing has failed because of an unknown error, exception or failure."
RATE = "Rate exceeded"                             # in the dialect's words of throttling
CANCELLED = "RequestCancelled"                     # nobody reads it: its sender has gone away

log = structlog.get_logger(__name__)
_DEFAULT = Dialect()


class Errors(Link):
    def leave(self, call: Call) -> None:
        if call.error is None:
            call.reply = Reply(call.context.request_id, ok=call.result or {})
            return
        fault = fault_of(call.error, call.context.request_id, call.context.operation.service)
        call.outcome = fault.code
        call.reply = Reply(call.context.request_id, error=fault)


def fault_of(error: BaseException, request_id: str, service: Service | None) -> Fault:
    """`service` gives the codes; without it (an unreadable request) the common ones are used."""
    dialect = dialect_of(service) if service is not None else _DEFAULT
    if isinstance(error, StoreUnavailable):
        return Fault(dialect.failed, error.message, {}, error.status or 0)
    if isinstance(error, AwsError):
        return Fault(error.error_code, error.message, error.fields, error.status or 0)
    if isinstance(error, asyncio.CancelledError):
        return Fault(CANCELLED, "The request was cancelled.", {}, 499)
    if isinstance(error, BusError | TimeoutError):
        log.info("dependency_unavailable", request_id=request_id, reason=type(error).__name__, detail=str(error))
        unavailable = ServiceUnavailable()
        return Fault(unavailable.error_code, unavailable.message, {}, unavailable.status or 0)
    if isinstance(error, Full):
        return Fault(dialect.throttled, RATE, {}, dialect.throttled_status)
    log.error("bug", request_id=request_id, service=service.name if service else "", exc_info=error)
    return Fault(dialect.failed, f"{INTERNAL} Request id: {request_id}", {}, 500)
