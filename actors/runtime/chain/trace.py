"""Trace: a span around each call, its traceparent in the context for what the operation calls in turn, and a span
inside it from a write's evaluation to its commit.
"""

from actors.runtime.chain.call import Call, Link
from bus.tracing import Tracer


class Trace(Link):
    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def enter(self, call: Call) -> None:
        context = call.context
        operation = context.operation
        call.span = self._tracer.start(
            f"{operation.service.name}.{operation.name}",
            context.trace,
            {
                "rpc.system": "skybus", "rpc.service": operation.service.name, "rpc.method": operation.name,
                "aws.request_id": context.request_id, "cloud.region": context.region,
                "cloud.account.id": context.account,
            },
        )
        call.tracer = self._tracer
        context.trace = call.span.traceparent or context.trace

    def leave(self, call: Call) -> None:
        assert call.span is not None
        if call.commit_span is not None:
            call.commit_span.end(call.outcome)
        call.span.end(call.outcome)
