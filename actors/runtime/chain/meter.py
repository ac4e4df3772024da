"""Meter: counts requests, bytes, latencies and what is under way; its snapshot is what sys.metrics answers.

Series are per (service, operation, code). Names and units are Prometheus's: seconds, bytes, `_total` for counters,
histograms with cumulative `le` buckets.
"""

from bisect import bisect_left
from time import perf_counter

from actors.runtime.actor import Sample
from actors.runtime.chain.call import Call, Link

# Upper bounds in seconds: 100 us, where a cached read lies, to a minute, where everything has timed out.
BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
SERIES_LIMIT = 8192                                # (service, operation, code); beyond it the code is OVERFLOW
OVERFLOW = "other"


class Series:
    """The numbers of one (service, operation, code)."""

    __slots__ = ("buckets", "count", "request_bytes", "response_bytes", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.request_bytes = 0
        self.response_bytes = 0
        self.buckets = [0] * (len(BUCKETS_S) + 1)


class Meter(Link):
    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], Series] = {}
        self._in_flight = 0

    def enter(self, call: Call) -> None:
        self._in_flight += 1

    def leave(self, call: Call) -> None:
        self._in_flight -= 1
        series = self._series.get((call.actor.service, call.definition.name, call.outcome)) or self._new(call)
        seconds = perf_counter() - call.started
        series.count += 1
        series.seconds += seconds
        series.request_bytes += call.request_bytes
        series.buckets[bisect_left(BUCKETS_S, seconds)] += 1

    def answered(self, call: Call, size_bytes: int) -> None:
        """The reply's size, known only when it is encoded; once per message of a stream."""
        series = self._series.get((call.actor.service, call.definition.name, call.outcome)) or self._new(call)
        series.response_bytes += size_bytes

    def _new(self, call: Call) -> Series:
        known = len(self._series) < SERIES_LIMIT
        key = (call.actor.service, call.definition.name, call.outcome if known else OVERFLOW)
        return self._series.setdefault(key, Series())

    def snapshot(self) -> list[Sample]:
        """(name, labels, value) of everything, as Prometheus's text format wants it."""
        samples: list[Sample] = [("skybus_requests_in_flight", {}, self._in_flight)]
        for (service, operation, code), series in sorted(self._series.items()):
            labels = {"service": service, "operation": operation, "code": code}
            samples += [
                ("skybus_requests_total", labels, series.count),
                ("skybus_request_bytes_total", labels, series.request_bytes),
                ("skybus_response_bytes_total", labels, series.response_bytes),
            ]
            samples += _histogram(labels, series)
        return samples


def _histogram(labels: dict[str, str], series: Series) -> list[Sample]:
    samples: list[Sample] = []
    so_far = 0
    for bound, count in zip((*BUCKETS_S, None), series.buckets, strict=True):
        so_far += count
        le = "+Inf" if bound is None else f"{bound:g}"
        samples.append(("skybus_request_duration_seconds_bucket", {**labels, "le": le}, so_far))
    samples.append(("skybus_request_duration_seconds_sum", labels, series.seconds))
    samples.append(("skybus_request_duration_seconds_count", labels, series.count))
    return samples
