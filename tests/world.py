"""Real actors behind a simulated bus under a virtual clock: no broker, no sockets, no waiting.

    async with world(tmp_path, [DynamoDB()]) as skies:
        await skies.client().call("sts", "GetCallerIdentity", {})
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from actors.runtime.actor import ServiceActor
from actors.runtime.audit.trail import AuditTrail
from actors.runtime.authorization_messages import AuthorizationMessages
from actors.runtime.chain import Chain, weave
from actors.runtime.events import publisher
from actors.runtime.host import ActorHost
from actors.runtime.inference.catalogue import Catalogue, Entry
from actors.runtime.inference.fleet import Fleet
from actors.runtime.inference.models import Models
from actors.runtime.inference.placement import Inline, Placement
from actors.runtime.principals import Principals, asking
from actors.runtime.store.environment import Durability
from actors.runtime.store.shard import Shard, open_shard
from actors.runtime.store.writer import InlineWriter
from actors.runtime.surroundings import OWN_IDENTITY, Surroundings
from actors.runtime.uses import Uses
from bus.bodies import Bodies
from bus.client import Client
from bus.endpoint import Endpoint
from bus.simulated import NONE, Faults, Network, SimulatedTransport
from bus.subjects import DIRECT, inbox_prefix
from bus.system import Listening, announce_arrival, tell
from bus.transport import Transport
from schemas.envelope import DEFAULT_REGION, Identity
from schemas.routing import DIVISIBLE, WHOLE, Share

ACCOUNT = "000000000000"
ROOT = Identity(DIRECT, ACCOUNT, "test")


@dataclass
class World:
    """A network with any number of clients, and an actor process on it."""

    network: Network
    directory: Path
    actors: Sequence[ServiceActor]
    transport: SimulatedTransport
    shards: dict[str, Shard]
    host: ActorHost
    models: Models
    placement: Inline
    open_mode: bool = True
    share: Share = WHOLE                  # of every service that can be divided
    has_iam: bool = False                 # here or in another process
    audit: AuditTrail | None = None
    uses: Uses = field(default_factory=Uses)

    def connect(self, identity: Identity = ROOT) -> SimulatedTransport:
        return self.network.connect(inbox_prefix(identity.account, identity.principal))

    def connect_actors(self) -> SimulatedTransport:
        """As another process of actors."""
        return self.network.connect("_INBOX.actors.")

    @staticmethod
    def clock() -> float:
        return clock()

    def client(self, identity: Identity = ROOT) -> Client:
        return Client(self.connect(identity), identity, region=DEFAULT_REGION, clock=clock)

    async def restart(self) -> None:
        """As a process that dies and comes back: what was not committed is gone."""
        await self.stop_audit()
        await self.host.stop()
        self.models.fleet.close()
        for shard in self.shards.values():
            await shard.close()
        self.network.lose(self.transport)
        self.transport = self.network.connect("_INBOX.actors.")
        await self.open()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await announce_arrival(self.transport, "actors", [actor.service for actor in self.actors])
        self.shards = {
            actor.service: open_shard(
                self.directory / actor.service, loop, durability=Durability.OS, writer=InlineWriter, clock=clock,
                elapsed=map(SLICE_OF_TIME_S.__mul__, itertools.count()).__next__,
                jobs={name: partial(step, actor) for name, step in actor.jobs.items()},
                publish=publisher(self.transport, actor.service),
            )
            for actor in self.actors if actor.stateful
        }
        endpoint = Endpoint(self.transport, Bodies(self.transport), clock)
        principals = Principals(asking(self.transport) if self.has_iam else None, open_mode=self.open_mode)
        Listening(self.transport, principals.forget)
        self.models = models_over(self.transport, self.placement)
        for actor in self.actors:
            actor.attach(self._surroundings(actor))
        self.host = ActorHost(self.transport, endpoint, self._chain(), self.actors, principals, clock)
        await self.host.start()
        if self.audit is not None:
            self.audit.start(self.transport)

    def _chain(self) -> Chain:
        """With an audit trail where CloudTrail is among the actors."""
        if not any(actor.service == "cloudtrail" for actor in self.actors):
            return weave(uses=self.uses, messages=AuthorizationMessages(self.directory / "iam"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.audit = AuditTrail(self.directory / "audit.jsonl")
        return weave(journal=self.audit.journal, interests=self.audit.interests, uses=self.uses,
                     messages=AuthorizationMessages(self.directory / "iam"))

    async def stop_audit(self) -> None:
        if self.audit is not None:
            await self.audit.stop()
            self.audit.close()
            self.audit = None

    def _surroundings(self, actor: ServiceActor) -> Surroundings:
        state = actor.state_of or actor.service
        share = self.share if actor.service in DIVISIBLE else WHOLE
        return Surroundings(
            self.models.client, self.shards.get(state), self.directory / state, tell=partial(tell, self.transport),
            share=share, inference=self.models)


SLICE_OF_TIME_S = 0.0005                  # passes at each look at the clock that slices long work
MODEL_BUDGET_BYTES = 1024 * 1024 * 1024
EPOCH_S = 1_700_000_000.0


def clock() -> float:
    return EPOCH_S + asyncio.get_running_loop().time()


def models_over(
    transport: Transport, placement: Placement, entries: Iterable[Entry] = (), budget_bytes: int = MODEL_BUDGET_BYTES
) -> Models:
    """What a service asks models with."""
    client = Client(transport, OWN_IDENTITY, region=DEFAULT_REGION, clock=clock)
    return Models(client, Catalogue(entries), Fleet(transport, client, placement, budget_bytes), clock)


@asynccontextmanager
async def world(
    directory: Path, actors: Sequence[ServiceActor], seed: int = 0, faults: Faults = NONE, *, open_mode: bool = True
) -> AsyncIterator[World]:
    async with sharded(directory, lambda number: actors, 1, seed, faults, open_mode=open_mode) as made:
        yield made[0]


@asynccontextmanager
async def sharded(
    directory: Path, actors: Callable[[int], Sequence[ServiceActor]], count: int, seed: int = 0, faults: Faults = NONE,
    *, open_mode: bool = True,
) -> AsyncIterator[list[World]]:
    """So many actor processes on one network, `actors` by their number, each with a shard of what can be divided."""
    network = Network(seed, faults)
    hosts = itertools.count(1)
    placement = Inline(lambda: network.connect(f"_INBOX.models.{next(hosts)}."), directory / "models", clock)
    made = [
        World(network, directory / str(number), actors(number), network.connect("_INBOX.actors."), {},
              None, None, placement, open_mode, Share(number, count))  # type: ignore[arg-type]  # by open()
        for number in range(count)
    ]
    for each in made:
        each.has_iam = any(actor.service == "iam" for actor in made[0].actors)
    for each in made:
        await each.open()
    try:
        yield made
    finally:
        network.faults = NONE
        for each in made:
            await each.stop_audit()
            await each.host.stop()
            each.models.fleet.close()
        for host in await placement.running():
            await placement.stop(host)
        for each in made:
            for shard in each.shards.values():
                await shard.close()
