"""How a gateway answers, as whoever starts it says."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from schemas.envelope import DEFAULT_REGION

MAX_IN_FLIGHT = 1024                      # requests under way; the next one is answered 503 at once


@dataclass(frozen=True, slots=True)
class Settings:
    """`services` are those with an actor. `open_mode` is for loopback only; deploy refuses it elsewhere. `state`: where
    the services of this host keep their directories; None: large bodies travel in chunks over the
    bus."""

    services: Collection[str]
    open_mode: bool
    region: str = DEFAULT_REGION          # of requests that name none
    max_in_flight: int = MAX_IN_FLIGHT
    state: Path | None = None
    process: str = "gateway"
    version: str = ""
    hosts: tuple[str, ...] = ()           # further names under which open mode answers: browsers.is_known
