"""Limit: bounds what is under way at once, per service, and refuses what nobody waits for any more.

Work that only computes is bounded by IN_FLIGHT_LIMIT; work that waits or streams, which may last minutes, by the
smaller WAITING_LIMIT, so that long answers cannot keep short ones out.
"""

from collections import defaultdict

from actors.runtime.actor import Kind
from actors.runtime.chain.call import Call
from schemas.dialects import dialect_of
from schemas.errors import AwsError, ServiceUnavailable

IN_FLIGHT_LIMIT = 4096                             # requests of one service
WAITING_LIMIT = 1024                               # of these, async and streaming ones
_WAITING = (Kind.ASYNC, Kind.STREAM)


class Limit:
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
        service = call.actor.service
        if call.definition.kind in _WAITING:
            if self._waiting[service] >= self._waiting_limit:
                raise throttled(call)
            self._waiting[service] += 1
        elif self._in_flight[service] >= self._in_flight_limit:
            raise throttled(call)
        else:
            self._in_flight[service] += 1

    def leave(self, call: Call) -> None:
        counts = self._waiting if call.definition.kind in _WAITING else self._in_flight
        counts[call.actor.service] -= 1
        assert counts[call.actor.service] >= 0


def throttled(call: Call) -> AwsError:
    """Throttling as the service says it: ThrottlingException, SlowDown, RequestLimitExceeded …"""
    dialect = dialect_of(call.context.operation.service)
    return AwsError("Rate exceeded", code=dialect.throttled, status=dialect.throttled_status)
