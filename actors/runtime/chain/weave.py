"""Chain: the links in order. weave: the chain every actor gets."""

from collections.abc import Sequence
from typing import Any

import structlog

from actors.runtime.audit.journal import Journal
from actors.runtime.audit.selectors import Interests
from actors.runtime.authorization_messages import AuthorizationMessages
from actors.runtime.chain.audit import Audit
from actors.runtime.chain.authorise import Authorise, Deferred
from actors.runtime.chain.call import Call, Link
from actors.runtime.chain.errors import Errors, fault_of
from actors.runtime.chain.limit import Limit
from actors.runtime.chain.meter import Meter
from actors.runtime.chain.trace import Trace
from actors.runtime.chain.used import Used
from actors.runtime.chain.validate import Validate
from actors.runtime.uses import Uses
from bus.tracing import Tracer, Untraced
from schemas.envelope import Fault, Reply
from schemas.models import Service

log = structlog.get_logger(__name__)


class Chain:
    """enter() before the operation; leave() once, with its result or error, also when enter() raised.

    Where a service has several shards, `coordinator` is for requests that concern several of them, `part` for what
    their coordinator asks the others in their sender's name, `step` for what no model has; each is the chain itself
    until weave says otherwise.
    """

    def __init__(self, links: Sequence[Link]) -> None:
        self.coordinator = self.part = self.step = self
        self._links = len(links)
        # What to run on the way in, and how many links come before it.
        self._enter = tuple(
            (before, link.enter) for before, link in enumerate(links) if type(link).enter is not Link.enter
        )
        # By how many links were entered: what to run on the way back, innermost first.
        self._leave = tuple(
            tuple(link.leave for link in reversed(links[:entered]) if type(link).leave is not Link.leave)
            for entered in range(len(links) + 1)
        )

    def enter(self, call: Call) -> None:
        """Raises what a link raised: then the operation does not run, and leave() is called with that error."""
        entered = 0
        try:
            for entered, enter in self._enter:  # noqa: B007 - the one that raised is asked for below
                enter(call)
            entered = self._links
        finally:
            call.entered = entered

    def leave(self, call: Call, result: Any, error: BaseException | None) -> Reply:
        """The reply. Runs `leave` of the links that were entered, innermost first."""
        call.result, call.error = result, error
        entered, call.entered = call.entered, 0
        for leave in self._leave[entered]:
            try:
                leave(call)
            except Exception:                      # a broken link must cost neither the answer nor the links outside
                log.exception("link_failed", request_id=call.context.request_id, link=leave.__qualname__)
        if call.reply is None:                     # refused before errors was entered
            call.reply = Reply(call.context.request_id, error=self.fault(self._without_answer(call), "", call))
        return call.reply

    @staticmethod
    def _without_answer(call: Call) -> BaseException:
        return call.error or RuntimeError("no link made a reply")

    @staticmethod
    def fault(error: BaseException, request_id: str, call: Call | None = None) -> Fault:
        """Any error as what goes over the bus. Bugs are logged here, once, with their traceback."""
        service: Service | None = call.context.operation.service if call is not None else None
        return fault_of(error, request_id or (call.context.request_id if call is not None else ""), service)


def weave(
    *,
    journal: Journal | None = None,
    interests: Interests | None = None,
    meter: Meter | None = None,
    tracer: Tracer | None = None,
    uses: Uses | None = None,
    enforcing: bool = True,
    messages: AuthorizationMessages | None = None,
    in_flight_limit: int | None = None,
) -> Chain:
    """The chain of a process. What is None, or traces nothing, is left out or takes its default.
    `enforcing` False: who may not is only logged. `messages`: told to those who are denied, where the service does."""
    outer: list[Link] = [] if tracer is None or isinstance(tracer, Untraced) else [Trace(tracer)]
    if journal is not None:
        outer.append(Audit(journal, interests))
    if uses is not None:
        outer.append(Used(uses))
    counted = [*outer, meter or Meter()]
    limit = Limit() if in_flight_limit is None else Limit(in_flight_limit)
    errors, validate = Errors(), Validate()
    authorise = Authorise(enforcing=enforcing, messages=messages)
    chain = Chain([*counted, errors, limit, validate, authorise])
    chain.coordinator = Chain([*counted, errors, limit, validate, Deferred()])
    chain.part = Chain([errors, limit, validate, authorise])          # counted and recorded where it is coordinated
    chain.step = Chain([errors, limit])
    return chain


__all__ = ["Chain", "weave"]
