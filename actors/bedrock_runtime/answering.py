"""One invocation: the guardrail lets the request in, a host generates, the guardrail lets the answer out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime.asking import Answer, Ask, Event, Usage, plain
from actors.bedrock_runtime.generating import Generation
from actors.bedrock_runtime.guarding import Guarding
from actors.bedrock_runtime.hosts import Hosts


@dataclass(slots=True)
class Invocation:
    """Who answers: a model on its hosts, behind a guardrail or none."""

    hosts: Hosts
    model: Model
    guarding: Guarding | None = None


async def whole(invocation: Invocation, ask: Ask) -> Answer:
    guarding = invocation.guarding
    blocked = None if guarding is None else await guarding.admit(ask)
    if blocked is not None:
        return blocked
    answer = await Generation(invocation.hosts, invocation.model, plain(ask)).whole()
    return answer if guarding is None else await guarding.release(answer)


class Stream:
    """`events()` once, from messageStart to the last contentBlockStop; then `answer` is whole."""

    def __init__(self, invocation: Invocation, ask: Ask) -> None:
        self._invocation, self._ask = invocation, ask
        self.answer = Answer([], "end_turn", Usage())
        self.input_tokens = 0             # from the first event on

    async def events(self) -> AsyncIterator[Event]:
        guarding = self._invocation.guarding
        blocked = None if guarding is None else await guarding.admit(self._ask)
        if blocked is not None:
            self.answer = blocked
            yield {"messageStart": {"role": "assistant"}}
            yield {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": blocked.text}}}
            yield {"contentBlockStop": {"contentBlockIndex": 0}}
            return
        generation = Generation(self._invocation.hosts, self._invocation.model, plain(self._ask))
        self.answer = generation.answer
        async with aclosing(cast("Any", generation.events())) as events:
            released = events if guarding is None else guarding.stream(events, self.answer)
            async with aclosing(cast("Any", released)):
                async for event in released:
                    self.input_tokens = generation.input_tokens
                    yield event
