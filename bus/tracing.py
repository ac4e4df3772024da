"""What a trace is to us: spans that begin, carry a W3C traceparent onwards, and end with an outcome.

deploy/otlp.py implements it on OpenTelemetry where an exporter is configured; everywhere else `Untraced` hands a
caller's traceparent through, so that a trace is not torn by us, and costs next to nothing.
Source of the form: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from collections.abc import Mapping
from typing import Protocol

OK = "ok"                                 # the outcome of what went well; any other is an error's code


class Span(Protocol):
    """Work under way. `traceparent` is what the next one down the line is started with; may be ""."""

    @property
    def traceparent(self) -> str: ...

    def end(self, outcome: str) -> None: ...


class Tracer(Protocol):
    """Starts spans. `parent` is a traceparent, or "" (or anything malformed) for a new trace."""

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> Span: ...

    def close(self) -> None:
        """Exports what waits."""


class _Passed:
    """No span: the caller's traceparent, on its way through."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def end(self, outcome: str) -> None:
        """Nothing was begun."""


_NONE = _Passed("")


class Untraced:
    """The tracer of those who export nothing."""

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> Span:
        return _Passed(parent) if parent else _NONE

    def close(self) -> None:
        """Nothing waits."""
