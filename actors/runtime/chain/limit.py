"""Limit: bounds what is under way at once, per service, and refuses what nobody waits for any more.

Work that only computes is bounded by IN_FLIGHT_LIMIT; work that waits or streams, which may last minutes, by the
smaller WAITING_LIMIT, so that long answers cannot keep short ones out.
"""

from collections import defaultdict

from actors.runtime.actor import Kind
from actors.runtime.chain.call import Call, Link
from actors.runtime.chain.errors import RATE
from schemas.dialects import dialect_of
from schemas.errors import AwsError, ServiceUnavailable

IN_FLIGHT_LIMIT = 4096                             # requests of one service
WAITING_LIMIT = 1024                               # of these, async and streaming ones
_ASYNC, _STREAM = Kind.ASYNC, Kind.STREAM


class Limit(Link):
    def __init__(self, in_flight_limit: int = IN_FLIGHT_LIMIT, waiting_limit: int = WAITING_LIMIT) -> None:
        assert in_flight_limit > 0
        assert waiting_limit > 0
        self._in_flight_limit = in_flight_limit
        self._waiting_limit = waiting_limit
        self._in_flight: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, int] = defaultdict(int)

    def enter(self, call: Call) -> None:
        context = call.context
        if context.deadline and context.deadline < context.now:
            raise ServiceUnavailable("The request's deadline has passed.")
        kind = call.definition.kind
        if kind is _ASYNC or kind is _STREAM:
            counts, limit = self._waiting, self._waiting_limit
        else:
            counts, limit = self._in_flight, self._in_flight_limit
        count = counts[call.actor.service]
        if count >= limit:
            raise throttled(call)
        counts[call.actor.service] = count + 1

    def leave(self, call: Call) -> None:
        kind = call.definition.kind
        counts = self._waiting if kind is _ASYNC or kind is _STREAM else self._in_flight
        counts[call.actor.service] -= 1


def throttled(call: Call) -> AwsError:
    """Throttling as the service says it: ThrottlingException, SlowDown, RequestLimitExceeded …"""
    dialect = dialect_of(call.context.operation.service)
    return AwsError(RATE, code=dialect.throttled, status=dialect.throttled_status)
