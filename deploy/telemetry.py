"""Logs, and the choice of tracer. structlog is configured here only, once per process, and writes to stderr; the
supervisor puts that into bounded files. A log event is a short name plus fields: never bodies, never secrets.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import structlog

from bus.metrics import Sample
from bus.tracing import Tracer, Untraced
from deploy.config import Observing

METRICS_PERIOD_S = 5.0                    # how old exported values may be
TEXT_LIMIT = 4096                         # characters of one field; of a traceback its end, which says what happened
_SECRET_WORDS = ("secret", "password", "token", "authorization", "signature", "credential")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_QUIET_LIBRARIES = ("asyncio", "nats", "aiohttp", "opentelemetry", "urllib3")   # below warning they are chatter


def configure_logs(settings: Observing, process: str) -> None:
    """For the whole process, standard-library loggers included."""
    level = _LEVELS[settings.log_level]
    processors: list[Any] = [
        _Named(process),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _guard,
    ]
    factory: Any
    if settings.log_format == "json":
        processors.append(structlog.processors.JSONRenderer(serializer=_json))
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=False))
        factory = structlog.PrintLoggerFactory(sys.stderr)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level, handlers=[_Bridge()], force=True)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def tracer(settings: Observing, process: str) -> Tracer:
    """OpenTelemetry's where a collector is configured; its SDK (20 MB) is not imported otherwise."""
    if not settings.otlp_endpoint:
        return Untraced()
    from deploy.otlp import OtlpTracer

    return OtlpTracer(settings.otlp_endpoint, process)


Samples = Callable[[], Iterable[Sample]]


def export_metrics(settings: Observing, process: str, read: Samples) -> Callable[[], None]:
    """Where a collector is configured, exports what `read` gives until the function returned is called."""
    if not settings.otlp_endpoint:
        return lambda: None
    from deploy.otlp import OtlpMetrics

    metrics = OtlpMetrics(settings.otlp_endpoint, process, read)
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def refresh() -> None:
        nonlocal timer
        metrics.refresh()
        timer = loop.call_later(METRICS_PERIOD_S, refresh)

    def stop() -> None:
        assert timer is not None
        timer.cancel()
        metrics.refresh()
        metrics.close()

    refresh()
    return stop


class _Named:
    """Adds which process speaks."""

    def __init__(self, process: str) -> None:
        self.process = process

    def __call__(self, logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("process", self.process)
        return event


def _guard(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The last line of defence: fields named like secrets are masked, long ones cut."""
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRET_WORDS):
            event[name] = "***"
        elif isinstance(value, str) and len(value) > TEXT_LIMIT:
            event[name] = "…" + value[-TEXT_LIMIT:] if name == "exception" else value[:TEXT_LIMIT] + "…"
        elif isinstance(value, bytes):
            event[name] = f"<{len(value)} bytes>"
    return event


def _json(event: dict[str, Any], **_: Any) -> bytes:
    try:
        return orjson.dumps(event, default=_plain)
    except orjson.JSONEncodeError:        # a lone surrogate, an integer beyond 64 bits: show it some way
        return orjson.dumps({name: ascii(value) if name != "level" else value for name, value in event.items()})


def _plain(value: Any) -> str:
    return repr(value)[:TEXT_LIMIT]


class _Bridge(logging.Handler):
    """Standard-library log records (asyncio, nats-py, aiohttp) as events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library_log", logger=record.name, text=record.getMessage(), exc_info=record.exc_info
        )
