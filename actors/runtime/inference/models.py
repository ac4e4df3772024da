"""Models: how a service asks a model. It says which and what; where that runs is the fleet's affair.

Every method takes the asker's identity, under which the request travels, and the deadline (seconds since the epoch; 0:
none). Raises the errors of protocol.py, and only those.
"""

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

from actors.runtime.inference.catalogue import Catalogue, Entry
from actors.runtime.inference.fleet import Fleet
from actors.runtime.inference.host import ANSWER_LIMIT_S, SERVICE
from actors.runtime.inference.protocol import (
    Description,
    Embeddings,
    EmbedRequest,
    Event,
    GenerateRequest,
    ModelBusy,
    ModelFailed,
    ModelTooSlow,
    Ranking,
    RerankRequest,
    TokenCount,
    TokenizeRequest,
    event_from_map,
    to_map,
)
from bus import subjects
from bus.client import Client
from bus.transport import BusError, NoResponders, Overloaded, RequestTimeout
from schemas.envelope import Identity

ATTEMPTS = 3                              # at finding a host that is there; each starts one if none is


class Models:
    """`client` and `fleet` share one transport. `clock`: seconds since the epoch."""

    def __init__(
        self, client: Client, catalogue: Catalogue, fleet: Fleet, clock: Callable[[], float] = time.time
    ) -> None:
        self.catalogue = catalogue
        self.fleet = fleet
        self.client = client
        self._clock = clock

    def warm(self) -> None:
        """Loads what the catalogue wants kept loaded."""
        for entry in self.catalogue:
            if entry.min_replicas:
                self.fleet.keep(entry, entry.min_replicas)

    def resolve(self, model: str) -> Entry:
        """The catalogue's entry of an id, an inference profile's id or an ARN of either. UnknownModel."""
        return self.catalogue.resolve(model)

    async def generate(
        self, model: str, request: GenerateRequest, identity: Identity, deadline: float = 0.0
    ) -> AsyncGenerator[Event, None]:
        """Events as they come, Finish last. To be used under contextlib.aclosing: left early, generation stops."""
        entry, params = self.resolve(model), to_map(request)
        for last in _attempts():
            with self._errors():
                replica = await self.fleet.take(entry)
                try:
                    async with aclosing(self.client.stream(
                        SERVICE, "Generate", params, identity=_through(identity), at=replica.host,
                        timeout_s=ANSWER_LIMIT_S, deadline_ms=int(deadline * 1000),
                    )) as replies:
                        async for reply in replies:
                            assert reply.event is not None, "a model host streams events alone"
                            yield event_from_map(reply.event)
                    return
                except NoResponders:                   # nobody heard it: nothing was begun
                    self.fleet.give_up(replica, "nobody answers")
                    if last:
                        raise
                finally:
                    self.fleet.give_back(replica)

    async def embed(self, model: str, request: EmbedRequest, identity: Identity, deadline: float = 0.0) -> Embeddings:
        return Embeddings(**await self._ask(model, "Embed", to_map(request), identity, deadline))

    async def rerank(self, model: str, request: RerankRequest, identity: Identity, deadline: float = 0.0) -> Ranking:
        return Ranking(**await self._ask(model, "Rerank", to_map(request), identity, deadline))

    async def count(
        self, model: str, request: TokenizeRequest, identity: Identity, deadline: float = 0.0
    ) -> TokenCount:
        return TokenCount(**await self._ask(model, "Count", to_map(request), identity, deadline))

    async def describe(self, model: str) -> Description:
        """What the model is; loads it if need be."""
        replica = await self.fleet.take(self.resolve(model))
        self.fleet.give_back(replica)
        return replica.description

    async def _ask(
        self, model: str, operation: str, params: dict[str, Any], identity: Identity, deadline: float
    ) -> dict[str, Any]:
        entry = self.resolve(model)
        timeout_s = max(deadline - self._clock(), 0.001) if deadline else ANSWER_LIMIT_S
        for last in _attempts():
            with self._errors():
                replica = await self.fleet.take(entry)
                try:
                    return await self.client.call(
                        SERVICE, operation, params, identity=_through(identity), at=replica.host, timeout_s=timeout_s,
                    )
                except NoResponders:
                    self.fleet.give_up(replica, "nobody answers")
                    if last:
                        raise
                finally:
                    self.fleet.give_back(replica)
        raise AssertionError("the last attempt answers or raises")

    @staticmethod
    @contextmanager
    def _errors() -> Iterator[None]:
        try:
            yield
        except RequestTimeout as error:
            raise ModelTooSlow("Model has timed out in processing the request. Try your request again.") from error
        except Overloaded as error:
            raise ModelBusy("Too many requests, please wait before trying again.") from error
        except BusError as error:
            raise ModelFailed(
                "The model's host ended before it had answered. Try your request again."
            ) from error


def _attempts() -> Iterator[bool]:
    """Is it the last one?"""
    return (number == ATTEMPTS for number in range(1, ATTEMPTS + 1))


def _through(identity: Identity) -> Identity:
    """Under the same principal, through the services' door: hosts hear no other."""
    return Identity(subjects.SERVICE, identity.account, identity.principal)
