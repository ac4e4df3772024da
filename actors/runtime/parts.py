"""Parts: how a request that concerns several shards of a service reaches them.

Who coordinates asks every shard the same way, its own included: over the bus, at a slot of that shard's. What a part
answers is as far as its shard goes; putting answers together is the service's affair.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.surroundings import Surroundings, on_behalf, passed_on
from bus.client import CALL_TIMEOUT_S
from bus.subjects import PART
from schemas.envelope import Identity
from schemas.routing import Share, slot_of

Answer = dict[str, Any]


class Parts:
    """The shards of `service`, for one request. A shard is its number."""

    def __init__(self, service: str, surroundings: Surroundings, context: Context) -> None:
        self._service = service
        self._client = surroundings.client
        self._context = context
        self._own = surroundings.share
        self.shards = range(surroundings.share.of)

    def of(self, name: str, account: str = "") -> int:
        """The shard that has the resource of this name or ARN, of the caller's account unless another is said."""
        return self._own.holder(slot_of(account or self._context.account, self._context.region, name)).number

    @property
    def operation(self) -> str:
        return self._context.operation.name

    async def ask(self, shard: int, params: Mapping[str, Any], name: str = "") -> Answer:
        """The request's own operation, or an authorised @part of it, with these parameters, as far as that shard goes;
        in its sender's name. AwsError, BusError."""
        context = self._context
        return await self._call(
            shard, name or context.operation.name, params, identity=passed_on(context.identity),
            source=context.source or None)

    async def step(self, shard: int, name: str, params: Mapping[str, Any], account: str = "") -> Answer:
        """A @part of the service on an account's state (the caller's), by our own door. AwsError, BusError."""
        identity = on_behalf(account or self._context.identity.account, self._context.identity.principal)
        return await self._call(shard, name, params, identity=identity)

    async def _call(self, shard: int, name: str, params: Mapping[str, Any], **who: Any) -> Answer:
        context = self._context
        return await self._client.call(
            self._service, PART + name, dict(params), region=context.region, trace=context.trace,
            at=Share(shard, self._own.of).address, timeout_s=min(CALL_TIMEOUT_S, context.deadline - context.now), **who)

    async def ask_all(self, params: Mapping[str, Any]) -> list[Answer]:
        """Every shard the same; the answers in the order of shards. The first error when there is one."""
        return first_error(await self.ask_each((shard, params) for shard in self.shards))

    async def ask_each(
        self, wanted: Iterable[tuple[int, Mapping[str, Any]]], name: str = ""
    ) -> list[Answer | BaseException]:
        """All at once, and all waited for: each shard's answer, or why there is none."""
        asked = (self.ask(shard, params, name) for shard, params in wanted)
        return await asyncio.gather(*asked, return_exceptions=True)


async def step_at(
    surroundings: Surroundings, service: str, identity: Identity, region: str, shard: int, name: str,
    params: Mapping[str, Any], timeout_s: float,
) -> Answer:
    """A @part, asked by a job, which has no request to coordinate. AwsError, BusError."""
    return await surroundings.client.call(
        service, PART + name, dict(params), identity=identity, region=region, timeout_s=timeout_s,
        at=Share(shard, surroundings.share.of).address)


def merged(
    answers: list[Answer], member: str, more: str, limit: int, key: Callable[[Any], Any], *, reverse: bool = False
) -> tuple[list[Any], bool]:
    """The first `limit` of all parts' `member`, in the order of `key`, and whether there are others: each answer is a
    page of its own, in that order, and has `more` if it is not the last."""
    found = sorted((each for answer in answers for each in answer[member]), key=key, reverse=reverse)
    return found[:limit], len(found) > limit or any(answer.get(more) is not None for answer in answers)


def first_error(outcomes: Iterable[Answer | BaseException]) -> list[Answer]:
    """The answers; raises what is none."""
    answers = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        answers.append(outcome)
    return answers
