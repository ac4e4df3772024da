"""Traces and metrics to an OpenTelemetry collector over OTLP/HTTP. Imported only where one is configured.

https://opentelemetry.io/docs/specs/otlp/#otlphttp; queues, batch sizes and time-outs are the SDK's (OTEL_… variables).
"""

from collections.abc import Callable, Iterable, Mapping
from threading import Lock, Thread

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bus.metrics import Sample
from bus.tracing import OK
from deploy import VERSION

FLUSH_LIMIT_S = 1.0                                       # for the collector, when the process ends

_COUNTERS = ("_total", "_bucket", "_sum", "_count")        # by Prometheus's names, which ours are
_PROPAGATOR = TraceContextTextMapPropagator()


def _resource(process: str) -> Resource:
    return Resource.create({"service.name": "skybus", "service.version": VERSION, "service.instance.id": process})


class OtlpSpan:
    """bus.tracing.Span around the SDK's."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(span))
        self.traceparent = carrier.get("traceparent", "")

    def end(self, outcome: str) -> None:
        self._span.set_attribute("outcome", outcome)
        if outcome != OK:
            self._span.set_status(Status(StatusCode.ERROR, outcome))
        self._span.end()


class OtlpTracer:
    """bus.tracing.Tracer. Spans leave from a thread of the SDK's, in batches; a full queue drops, never waits."""

    def __init__(self, endpoint: str, process: str) -> None:
        self._provider = TracerProvider(resource=_resource(process), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("skybus", VERSION)

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> OtlpSpan:
        context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        return OtlpSpan(self._tracer.start_span(name, context, attributes=attributes))

    def close(self) -> None:
        """Exports what waits. Blocks for FLUSH_LIMIT_S at most."""
        _within_limit(self._provider.shutdown)


class OtlpMetrics:
    """Exports what `read` gives every OTEL_METRIC_EXPORT_INTERVAL, an observable per name; `refresh` finds new ones."""

    def __init__(self, endpoint: str, process: str, read: Callable[[], Iterable[Sample]]) -> None:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics"))
        self._provider = MeterProvider([reader], resource=_resource(process), shutdown_on_exit=False)
        self._meter = self._provider.get_meter("skybus", VERSION)
        self._lock = Lock()               # the exporter's thread reads what the loop's wrote
        self._read = read
        self._samples: dict[str, list[Observation]] = {}
        self._known: set[str] = set()

    def refresh(self) -> None:
        """Takes the values of now; called on the loop, where they belong."""
        samples: dict[str, list[Observation]] = {}
        for name, labels, value in self._read():
            samples.setdefault(name, []).append(Observation(value, dict(labels)))
        with self._lock:
            self._samples = samples
        for name in samples.keys() - self._known:
            self._known.add(name)
            make = (self._meter.create_observable_counter if name.endswith(_COUNTERS)
                    else self._meter.create_observable_gauge)
            make(name, [self._observer(name)])

    def _observer(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            with self._lock:
                return self._samples.get(name, [])

        return observe

    def close(self) -> None:
        """Exports the last values. Blocks for FLUSH_LIMIT_S at most."""
        _within_limit(self._provider.shutdown)


def _within_limit(shutdown: Callable[[], object]) -> None:
    """The SDK retries for up to 30 s, longer than the supervisor's patience: a dead collector must not cost a clean
    end. What has not left by then is lost with the process."""
    thread = Thread(target=shutdown, daemon=True)
    thread.start()
    thread.join(FLUSH_LIMIT_S)
