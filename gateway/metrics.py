"""Counters of one process: requests by service, operation and outcome, their time and bytes.

How processes hand them to whoever answers /_skybus/metrics: bus/metrics.py.
Text: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
"""

from collections.abc import Iterable
from time import process_time

from bus.metrics import Histogram, Sample

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SERIES_LIMIT = 20_000                     # operations times outcomes; far above what one program uses


class Metrics:
    """`outcome` is ok, error (the caller's), fault (ours) or refused (overload)."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.body_bytes_in = 0
        self.body_bytes_out = 0
        self.disconnects = 0
        self._series: dict[tuple[str, str, str], Histogram] = {}

    def record(self, service: str, operation: str, outcome: str, seconds: float) -> None:
        key = (service, operation, outcome)
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= SERIES_LIMIT:
                return
            series = self._series[key] = Histogram(BUCKETS_S)
        series.add(seconds)

    def samples(self) -> list[Sample]:
        found: list[Sample] = [
            ("skybus_cpu_seconds_total", {}, process_time()),
            ("skybus_gateway_in_flight", {}, self.in_flight),
            ("skybus_gateway_body_bytes_total", {"direction": "in"}, self.body_bytes_in),
            ("skybus_gateway_body_bytes_total", {"direction": "out"}, self.body_bytes_out),
            ("skybus_gateway_disconnects_total", {}, self.disconnects),
        ]
        for (service, operation, outcome), series in self._series.items():
            labels = {"service": service, "operation": operation, "outcome": outcome}
            found += series.samples("skybus_request_seconds", labels)
        return found


def render(processes: Iterable[tuple[str, Iterable[Sample]]]) -> str:
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
