"""What an actor is given beside its requests: a way to other services, its shard, its settings.

A service asks another through the services' door, under the principal of whoever asked it:

    await self.surroundings.client.call("s3", "PutObject", params, identity=on_behalf(account, principal), region=…)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.runtime.inference.models import Models
from actors.runtime.store.shard import Shard
from bus.client import Client
from bus.subjects import DIRECT, SERVICE
from schemas.envelope import ANONYMOUS, Identity
from schemas.routing import WHOLE, Share


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the configuration changes how services behave; deploy/config.py says what each means."""

    throttle_provisioned: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Handed to ServiceActor.attach before the first request. `state`: None for an actor without. `directory`:
    the service's own, or of the one whose state it shares, for what no shard should hold (keys); made by whoever writes
    there first. `share`: which of the service's shards that is. `tell(verb, news)`: tells our own processes
    (bus/system.py)."""

    client: Client
    state: Shard | None
    directory: Path
    settings: Settings = field(default_factory=Settings)
    tell: Callable[[str, dict[str, Any]], None] = lambda verb, news: None
    share: Share = WHOLE
    inference: Models | None = None

    @property
    def shard(self) -> Shard:
        """Of an actor that has state."""
        assert self.state is not None, "this actor has no state"
        return self.state

    @property
    def models(self) -> Models:
        """How to ask a model (actors/runtime/inference)."""
        assert self.inference is not None, "this process was given no models"
        return self.inference


# A service that forgets on whose behalf it asks is nobody.
OWN_IDENTITY = Identity(SERVICE, "000000000000", ANONYMOUS)


def on_behalf(account: str, principal: str) -> Identity:
    """Who a service's own request is from: the services' door, and the principal it was asked by."""
    return Identity(SERVICE, account, principal)


def passed_on(identity: Identity) -> Identity:
    """Who a request is from that goes from one of our shards to another: its sender. Of a direct publisher's, the
    services' door keeps the principal; replies through its own door would go to its own inbox only."""
    return identity._replace(door=SERVICE) if identity.door == DIRECT else identity
