"""Models in supervised processes: what the actors ask them with, and how a host is started and stopped.

The supervisor keeps a model host until it is stopped, and does not start one again that died: who next needs it does.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

from actors.runtime.inference import catalogue
from actors.runtime.inference.catalogue import Catalogue, CatalogueError, Entry
from actors.runtime.inference.fleet import Fleet
from actors.runtime.inference.host import SERVICE
from actors.runtime.inference.models import Models
from actors.runtime.inference.placement import CannotPlace, Placement
from actors.runtime.inference.ray_placement import Access, RayPlacement
from bus.client import Client
from bus.transport import NoResponders
from deploy import control
from deploy.broker import MODELS
from deploy.config import Config, set_variables
from deploy.failures import CommandError, UsageError
from deploy.process import Process

START_LIMIT_S = 30.0                      # for a host, without its model, to answer
LOOK_INTERVAL_S = 0.01                    # does it answer yet?
STOP_LOOKS = 2000                         # the supervisor kills what does not end, long before that
ALIVE_EVERY_LOOKS = 25                    # does it still run?


def models_of(process: Process, client: Client) -> Models:
    """UsageError for a catalogue that cannot be."""
    config = process.run.config
    budget = config.inference.model_memory_bytes or machine_memory_bytes() // 2
    fleet = Fleet(process.transport, client, placement_of(process, client), budget)
    return Models(client, read_catalogue(config), fleet)


def placement_of(process: Process, client: Client) -> Placement:
    config = process.run.config
    supervised = Supervised(config.storage.run_dir, client)
    if not config.inference.ray:
        return supervised
    user = process.run.users[MODELS]
    access = Access(process.run.url, user.user, user.password, user.inbox_prefix)
    return ByNeed(supervised, RayPlacement(access, config.storage.run_dir, set_variables, config.inference.ray_address))


def read_catalogue(config: Config) -> Catalogue:
    if not config.inference.models:
        return Catalogue()
    try:
        return catalogue.read(Path(config.inference.models).expanduser())
    except CatalogueError as error:
        raise UsageError(f"models: {error}.") from error


def machine_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class ByNeed:
    """A placement: Ray for what needs a GPU, a process of ours for the rest."""

    def __init__(self, supervised: "Supervised", ray: RayPlacement) -> None:
        self._supervised = supervised
        self._ray = ray

    async def start(self, host: str, entry: Entry) -> None:
        await (self._ray if entry.gpu else self._supervised).start(host, entry)

    async def stop(self, host: str) -> None:
        await (self._ray if host in await self._ray.running() else self._supervised).stop(host)

    async def running(self) -> list[str]:
        return [*await self._ray.running(), *await self._supervised.running()]


class Supervised:
    """A placement (actors/runtime/inference/placement.py): a process per host, by way of the control socket."""

    def __init__(self, run_dir: Path, client: Client) -> None:
        self._run_dir = run_dir
        self._client = client

    async def start(self, host: str, entry: Entry) -> None:
        for _ in range(STOP_LOOKS):
            if (await self._ask("start", host))["state"] != "stopping":
                break
            await asyncio.sleep(LOOK_INTERVAL_S)
        for look in range(int(START_LIMIT_S / LOOK_INTERVAL_S)):
            try:
                await self._client.call(SERVICE, "Ping", {}, at=host, timeout_s=START_LIMIT_S)
                return
            except NoResponders:
                await asyncio.sleep(LOOK_INTERVAL_S)
            if look % ALIVE_EVERY_LOOKS == 0 and host not in await self.running():
                raise CannotPlace(f"{host} ended at once; its log says why")
        raise CannotPlace(f"{host} does not answer after {START_LIMIT_S:.0f} s")

    async def stop(self, host: str) -> None:
        await self._ask("stop", host)
        for _ in range(STOP_LOOKS):
            if host not in await self.running():
                return
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def running(self) -> list[str]:
        rows = (await self._ask("status", ""))["processes"]
        return [row["name"] for row in rows if row["name"].startswith(f"{SERVICE}-")]

    async def _ask(self, verb: str, host: str) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(control.ask, self._run_dir, verb, process=host)
        except CommandError as error:
            raise CannotPlace(str(error)) from error
