"""Meter: counts requests, bytes, latencies and what is under way; its snapshot is what sys.metrics answers.

Series are per (service, operation, code).
"""

from time import perf_counter

from actors.runtime.chain.call import Call, Link
from bus.metrics import Histogram, Sample

# Upper bounds in seconds: 100 us, where a cached read lies, to a minute, where everything has timed out.
BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SERIES_LIMIT = 8192                                # (service, operation, code); beyond it the code is OVERFLOW
OVERFLOW = "other"


class Series:
    """The numbers of one (service, operation, code)."""

    __slots__ = ("request_bytes", "seconds")

    def __init__(self) -> None:
        self.seconds = Histogram(BUCKETS_S)
        self.request_bytes = 0


class Meter(Link):
    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], Series] = {}
        self._in_flight = 0

    def enter(self, call: Call) -> None:
        self._in_flight += 1

    def leave(self, call: Call) -> None:
        self._in_flight -= 1
        series = self._series.get((call.actor.service, call.definition.name, call.outcome)) or self._new(call)
        series.seconds.add(perf_counter() - call.started)
        series.request_bytes += call.request_bytes

    def _new(self, call: Call) -> Series:
        known = len(self._series) < SERIES_LIMIT
        key = (call.actor.service, call.definition.name, call.outcome if known else OVERFLOW)
        return self._series.setdefault(key, Series())

    def snapshot(self) -> list[Sample]:
        samples: list[Sample] = [("skybus_requests_in_flight", {}, self._in_flight)]
        for (service, operation, code), series in sorted(self._series.items()):
            labels = {"service": service, "operation": operation, "code": code}
            samples += [
                ("skybus_requests_total", labels, series.seconds.count),
                ("skybus_request_bytes_total", labels, series.request_bytes),
                *series.seconds.samples("skybus_request_duration_seconds", labels),
            ]
        return samples
