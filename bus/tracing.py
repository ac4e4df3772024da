"""What a tracer is to us; deploy/telemetry.py has the real one. Without one nothing is measured or imported."""

from collections.abc import Mapping
from typing import Protocol


class Span(Protocol):
    """One timed piece of a trace."""

    traceparent: str                      # W3C, what children name as their parent

    def end(self, outcome: str) -> None:
        """`outcome`: "ok" or an error's code."""


class Tracer(Protocol):
    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> Span:
        """A span under `parent`, a W3C traceparent; "" begins a trace."""


class _NoSpan:
    traceparent = ""

    def end(self, outcome: str) -> None:
        """Nothing was measured."""


class NoTracer:
    """The tracer of a process without telemetry."""

    _span = _NoSpan()

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> Span:
        return self._span
