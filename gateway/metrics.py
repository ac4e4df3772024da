"""Counters of one process: requests by service, operation and outcome, their time and bytes. No dependency.

A sample is (name, labels, value), the form in which processes hand theirs to whoever answers /_skybus/metrics.
Text: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from time import process_time
from typing import Any, NamedTuple

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SERIES_LIMIT = 20_000                     # operations times outcomes; far above what one program uses


class Sample(NamedTuple):
    name: str
    labels: Mapping[str, str]
    value: float


class _Series:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        self.seconds = 0.0


class Metrics:
    """`outcome` is ok, error (the caller's), fault (ours) or refused (overload)."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.body_bytes_in = 0
        self.body_bytes_out = 0
        self.disconnects = 0
        self._series: dict[tuple[str, str, str], _Series] = {}

    def record(self, service: str, operation: str, outcome: str, seconds: float) -> None:
        key = (service, operation, outcome)
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= SERIES_LIMIT:
                return
            series = self._series[key] = _Series()
        series.buckets[bisect_left(BUCKETS_S, seconds)] += 1
        series.seconds += seconds

    def samples(self) -> list[Sample]:
        found = [
            Sample("skybus_cpu_seconds_total", {}, process_time()),
            Sample("skybus_gateway_in_flight", {}, self.in_flight),
            Sample("skybus_gateway_body_bytes_total", {"direction": "in"}, self.body_bytes_in),
            Sample("skybus_gateway_body_bytes_total", {"direction": "out"}, self.body_bytes_out),
            Sample("skybus_gateway_disconnects_total", {}, self.disconnects),
        ]
        for (service, operation, outcome), series in self._series.items():
            labels = {"service": service, "operation": operation, "outcome": outcome}
            found += _histogram("skybus_request_seconds", labels, series)
        return found


def _histogram(name: str, labels: dict[str, str], series: _Series) -> Iterable[Sample]:
    total = 0
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), series.buckets, strict=True):
        total += count
        yield Sample(f"{name}_bucket", {**labels, "le": bound}, total)
    yield Sample(f"{name}_sum", labels, series.seconds)
    yield Sample(f"{name}_count", labels, total)


def render(processes: Iterable[tuple[str, Iterable[tuple[str, Mapping[str, Any], float]]]]) -> str:
    """The samples of several processes, each line labelled with its own, grouped by metric under its type, as
    Prometheus asks: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format"""
    lines: dict[tuple[str, str], list[str]] = {}
    for process, samples in processes:
        for name, labels, value in samples:
            pairs = ",".join(
                [f'{key}="{_escaped(str(text))}"' for key, text in {"process": process, **labels}.items()])
            lines.setdefault(_family(name), []).append(f"{name}{{{pairs}}} {value}\n")
    return "".join([line for name, kind in sorted(lines)
                    for line in (f"# TYPE {name} {kind}\n", *lines[name, kind])])


def _family(name: str) -> tuple[str, str]:
    """The metric a sample belongs to and its type, which the suffix of its name says."""
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), "histogram"
    return name, "counter" if name.endswith("_total") else "gauge"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
