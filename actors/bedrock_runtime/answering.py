"""One invocation: the guardrail lets the request in, a model host generates, the guardrail lets the answer out."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime import caching, prompts
from actors.bedrock_runtime.asking import Answer, Ask, CachedPrefix, Event, Usage, plain
from actors.bedrock_runtime.documents import Documents
from actors.bedrock_runtime.generating import Generation
from actors.bedrock_runtime.guarding import Guarding
from actors.runtime.inference.models import Models
from actors.runtime.inference.protocol import EmbedRequest, RerankRequest
from schemas.envelope import Identity


@dataclass(slots=True)
class Invocation:
    """Who answers: a model on its hosts, behind a guardrail or none, for whom and until when (seconds)."""

    models: Models
    model: Model
    identity: Identity
    deadline: float
    documents: Documents
    guarding: Guarding | None = None

    def generate(self, ask: Ask) -> Generation:
        request = prompts.generation(plain(ask))
        return Generation(self.models.generate(self.model.engine, request, self.identity, self.deadline))

    async def count(self, ask: Ask) -> int:
        """Tokens of what is asked."""
        request = prompts.tokenization(plain(ask))
        return (await self.models.count(self.model.engine, request, self.identity, self.deadline)).tokens

    async def prefix(self, ask: Ask) -> CachedPrefix | None:
        """What stands before the last cache point; None where there is none. ValidationException."""
        found = caching.prefix_of(ask)
        if found is None:
            return None
        counts = [await self.count(deepcopy(each)) for each in caching.counted(found[0])]
        return CachedPrefix(counts[0] - sum(counts[1:]), found[1])

    async def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], int]:
        """A vector per text, not normalised, and the tokens of all of them."""
        found = await self.models.embed(
            self.model.engine, EmbedRequest(list(texts), normalize=False), self.identity, self.deadline)
        return found.vectors, sum(found.tokens)

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        request = RerankRequest(query, list(documents))
        return (await self.models.rerank(self.model.engine, request, self.identity, self.deadline)).scores


async def whole(invocation: Invocation, ask: Ask) -> Answer:
    guarding = invocation.guarding
    blocked = None if guarding is None else await guarding.admit(ask)
    if blocked is not None:
        return blocked
    prefix = await invocation.prefix(ask)
    answer = await invocation.generate(ask).whole()
    if prefix is not None:
        answer.usage.mark(prefix)
    return answer if guarding is None else await guarding.release(answer)


class Stream:
    """`events()` once, from messageStart to the last contentBlockStop; then `answer` is whole."""

    def __init__(self, invocation: Invocation, ask: Ask) -> None:
        self._invocation, self._ask = invocation, ask
        self.answer = Answer([], "end_turn", Usage())

    async def events(self) -> AsyncIterator[Event]:
        guarding = self._invocation.guarding
        blocked = None if guarding is None else await guarding.admit(self._ask)
        if blocked is not None:
            self.answer = blocked
            yield {"messageStart": {"role": "assistant"}}
            yield {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": blocked.text}}}
            yield {"contentBlockStop": {"contentBlockIndex": 0}}
            return
        prefix = await self._invocation.prefix(self._ask)
        generation = self._invocation.generate(self._ask)
        self.answer = generation.answer
        async with aclosing(cast("Any", generation.events())) as events:
            released = events if guarding is None else guarding.stream(events, self.answer)
            async with aclosing(cast("Any", released)):
                async for event in released:
                    yield event
        if prefix is not None:
            self.answer.usage.mark(prefix)
