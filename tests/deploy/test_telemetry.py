"""Logs that are bounded and keep secrets; traces and metrics that reach a collector; an SDK that stays out else."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.tracing import Untraced
from deploy.config import Observing
from deploy.telemetry import TEXT_LIMIT, export_metrics, tracer

ROOT = Path(__file__).resolve().parents[2]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"   # the example of the W3C's Trace Context


def logged(code: str, **settings: str) -> list[str]:
    """What a process that configures logs and runs `code` writes to stderr."""
    program = (
        "import logging, structlog\nfrom deploy.config import Observing\nfrom deploy.telemetry import configure_logs\n"
        f"configure_logs(Observing(**{settings!r}), 'actors')\nlog = structlog.get_logger()\n{code}"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=True)
    return done.stderr.splitlines()


def test_an_event_is_one_line_of_json() -> None:
    lines = logged(
        "log.info('item_put', table='T', secret_key='hush', Authorization='hush', body=b'hush', odd='\\ud800')\n"
        "log.debug('quiet')\n"
        f"log.warning('long', text='x' * {TEXT_LIMIT * 2})\n"
        "try:\n 1 / 0\nexcept ZeroDivisionError:\n log.exception('broken')\n"
        "logging.getLogger('nats').error('from %s', 'a library')\n"
    )
    put, long, broken, library = map(json.loads, lines)
    assert (put["event"], put["table"], put["process"], put["level"]) == ("'item_put'", "'T'", "'actors'", "info")
    assert "hush" not in lines[0]
    assert len(long["text"]) <= TEXT_LIMIT + 1
    assert broken["exception"].rstrip().endswith("ZeroDivisionError: division by zero")
    assert (library["text"], library["level"]) == ("from a library", "error")


def test_console_and_level() -> None:
    [line] = logged("log.info('quiet')\nlog.error('loud', table='T')", log_format="console", log_level="warning")
    assert "[error" in line
    assert "loud" in line


# Without an exporter the SDK must not even be imported: it costs 20 MB a process.
def test_no_sdk_without_a_collector() -> None:
    program = ("import sys, deploy.process, deploy.process_actors, deploy.process_gateway\n"
               "print([name for name in sys.modules if name.startswith(('opentelemetry', 'botocore'))])")
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=True)
    assert done.stdout == "[]\n"


@given(st.text())
def test_untraced_hands_through_what_came(parent: str) -> None:
    span = Untraced().start("x", parent, {})
    span.end("ok")
    assert span.traceparent == parent


class Collector(BaseHTTPRequestHandler):
    """Takes what OTLP/HTTP brings; remembers the paths and bodies."""

    received: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name for it
        """Quiet."""


@contextmanager
def collector() -> Iterator[str]:
    Collector.received.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("parent", ["", TRACE, "nonsense"])
def test_spans_reach_the_collector(parent: str) -> None:
    from deploy.otlp import OtlpTracer

    with collector() as endpoint:
        found = tracer(Observing(otlp_endpoint=endpoint), "gateway-1")
        assert isinstance(found, OtlpTracer)
        span = found.start("PutItem", parent, {"service": "dynamodb"})
        assert span.traceparent.split("-")[1] == TRACE.split("-")[1] if parent == TRACE else len(span.traceparent) == 55
        span.end("ConditionalCheckFailedException")
        found.close()
    [(path, body)] = Collector.received
    assert path == "/v1/traces"
    assert b"PutItem" in body
    assert b"ConditionalCheckFailedException" in body
    assert bytes.fromhex(span.traceparent.split("-")[1]) in body


def test_metrics_reach_the_collector() -> None:
    async def main(endpoint: str) -> None:
        samples = [("skybus_requests_total", {"operation": "PutItem"}, 7.0), ("skybus_requests_in_flight", {}, 1.0)]
        stop = export_metrics(Observing(otlp_endpoint=endpoint), "actors", lambda: samples)
        stop()

    with collector() as endpoint:
        asyncio.run(main(endpoint))
    [(path, body)] = Collector.received
    assert path == "/v1/metrics"
    assert b"skybus_requests_total" in body
    assert b"PutItem" in body
