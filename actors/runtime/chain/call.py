"""Call: one request under way through the chain. Link: what it passes."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from actors.runtime.actor import Definition, ServiceActor
from actors.runtime.context import Context
from bus.tracing import OK, Span, Tracer
from schemas.envelope import Reply

__all__ = ["OK", "Call", "Link"]


@dataclass(slots=True)
class Call:
    """Made by the host, which then sets nothing: enter() and leave() of the chain do."""

    context: Context
    actor: ServiceActor
    definition: Definition
    request: dict[str, Any]
    request_bytes: int = 0                         # as it came over the bus; 0: unknown
    started: float = field(default_factory=perf_counter)   # seconds on the performance counter
    entered: int = 0                               # links entered and not left
    resource: str = ""                             # ARN, from authorise inwards
    action: str = ""                               # IAM's, from authorise inwards
    span: Span | None = None                       # from trace inwards
    tracer: Tracer | None = None                   # from trace inwards
    commit_span: Span | None = None                # from a write's evaluation until its commit
    result: Any = None
    error: BaseException | None = None
    reply: Reply | None = None                     # from errors outwards
    outcome: str = OK                              # OK or the error's code; from errors outwards

    def evaluated(self) -> None:
        """A write of ours is in its batch, and waits for the commit from now on; called again when that failed."""
        if self.tracer is not None and self.commit_span is None:
            assert self.span is not None
            self.commit_span = self.tracer.start("commit", self.span.traceparent, {})


class Link:
    """`leave` runs for exactly those calls whose `enter` returned, in the reverse order, whatever happened inside.

    What a link does not define costs nothing: the chain leaves it out.
    """

    def enter(self, call: Call) -> None:
        """May raise AwsError, which answers the call."""

    def leave(self, call: Call) -> None:
        """Never raises; the call has its result or its error, and outside of errors its reply."""
