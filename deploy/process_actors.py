"""The actor process: every service's actor and shard, on one bus connection."""

import asyncio
import importlib
import shutil
from pathlib import Path
from typing import Any

import structlog

from actors.runtime.actor import ServiceActor
from actors.runtime.store.environment import Durability
from actors.runtime.store.errors import DataTooNew, NotDurable
from actors.runtime.store.shard import Shard, open_shard
from deploy import VERSION, failures
from deploy.process import Process
from deploy.system import SystemAnswers
from deploy.topology import module_name

SHARD = "000"                             # the one shard of each service; more are named by their first slot

log = structlog.get_logger()


def actor_of(service: str) -> ServiceActor:
    """The actor class of an AWS service, instantiated: the ServiceActor that its service.py defines."""
    module = importlib.import_module(module_name(service))
    [found] = [
        kind for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, ServiceActor) and kind.__module__ == module.__name__
    ]
    assert found.service == service, f"{module.__name__} is found as {service}, but says {found.service}"
    return found()


class _Host:
    """Interim."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class ActorProcess:
    """The actors of a process with their shards and host: opened, served, backed up, forgotten."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.config = process.run.config
        self.actors = [actor_of(service) for service in process.run.services]
        self.shards: dict[str, Shard] = {}
        self.host: Any = None

    @property
    def services(self) -> list[str]:
        return sorted(actor.service for actor in self.actors)

    async def open(self) -> None:
        """CommandError with the exit code for data that is too new or cannot be trusted."""
        try:
            for actor in self.actors:
                if actor.stateful:
                    self.shards[actor.service] = self._open_shard(actor)
        except (DataTooNew, NotDurable) as error:
            raise failures.DataTooNew(str(error)) from error
        self.host = _Host()
        await self.host.start()

    def _directory(self, service: str) -> Path:
        return self.config.storage.state_dir / service / SHARD

    def _open_shard(self, actor: ServiceActor) -> Shard:
        durability = Durability(self.config.storage.durability)
        return open_shard(self._directory(actor.service), asyncio.get_running_loop(), durability=durability)

    async def close(self) -> None:
        await self.host.stop()
        for shard in self.shards.values():
            await shard.close()
        self.shards.clear()

    async def backup(self, request: dict[str, Any]) -> dict[str, Any]:
        target = Path(str(request["directory"]))
        for service, shard in self.shards.items():
            await shard.backup(target / "state" / service / SHARD)
        return {"shards": sorted(self.shards)}

    async def reset(self, request: dict[str, Any]) -> dict[str, Any]:
        """Forgets every service's state: whoever is being answered meanwhile gets an error or the old state."""
        await self.close()
        for actor in self.actors:
            if actor.stateful:
                shutil.rmtree(self._directory(actor.service))
        await self.open()
        log.warning("state_reset")
        return {"services": self.services}

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        shards = {f"{service}/{SHARD}": shard.stats() for service, shard in self.shards.items()}
        return {"version": VERSION, "services": self.services, "shards": shards,
                "engines": {}, "versions": _versions()}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("botocore", "lmdb", "msgpack", "nats-py")}


async def serve(process: Process) -> None:
    """Until told to stop."""
    service = ActorProcess(process)
    await service.open()
    answers = SystemAnswers(
        process.transport, process.name,
        {"status": service.status, "backup": service.backup, "reset": service.reset},
    )
    await process.transport.flush()
    process.ready()
    await process.stopped.wait()
    answers.close()
    await service.close()
