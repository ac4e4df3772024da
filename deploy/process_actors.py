"""The actor process: every service's actor and shard, on one bus connection."""

import asyncio
import contextlib
import errno
import importlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from actors.runtime.actor import ServiceActor
from actors.runtime.chain import weave
from actors.runtime.chain.audit import Journal
from actors.runtime.chain.meter import Meter
from actors.runtime.events import publisher
from actors.runtime.host import ActorHost
from actors.runtime.store.environment import Durability
from actors.runtime.store.errors import DataTooNew, NotDurable, StoreError
from actors.runtime.store.shard import Shard, open_shard
from actors.runtime.surroundings import Settings
from bus.bodies import Bodies
from bus.endpoint import Endpoint
from bus.files import INCOMING
from bus.system import SystemAnswers, announce_arrival
from deploy import VERSION, failures
from deploy.discovery import discovery
from deploy.process import Process
from deploy.telemetry import export_metrics
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


def check_complete(actors: list[ServiceActor]) -> None:
    """UsageError when a service was chosen without the one whose state it reads."""
    services = {actor.service for actor in actors}
    for actor in actors:
        if actor.state_of and actor.state_of not in services:
            raise failures.UsageError(f"services: {actor.service} reads the state of {actor.state_of}: choose both.")


class ActorProcess:
    """The actors of a process with their shards and host: opened, served, backed up, forgotten."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.config = process.run.config
        self.actors = [actor_of(service) for service in process.run.services]
        check_complete(self.actors)
        self.shards: dict[str, Shard] = {}
        self.journal = Journal(self.config.storage.log_dir / "audit.jsonl")
        self.meter = Meter()
        self.chain = weave(journal=self.journal, meter=self.meter, tracer=process.tracer)
        self.endpoint = Endpoint(process.transport, Bodies(process.transport))
        self.host: ActorHost | None = None
        self.whole = asyncio.Lock()       # held by what concerns all shards: one backup or reset at a time

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
        except StoreError as error:
            raise failures.CommandError(str(error)) from error
        self.host = ActorHost(
            self.process.transport, self.endpoint, self.chain, self.actors, self.shards,
            self.config.storage.state_dir,
            settings=Settings(throttle_provisioned=self.config.actors.throttle_provisioned),
        )
        await announce_arrival(self.process.transport, self.process.name, self.services)   # nobody else has them
        await self.host.start()

    def _directory(self, service: str) -> Path:
        return self.config.storage.state_dir / service / SHARD

    def _open_shard(self, actor: ServiceActor) -> Shard:
        return open_shard(
            self._directory(actor.service), asyncio.get_running_loop(),
            durability=Durability(self.config.storage.durability),
            jobs={name: partial(step, actor) for name, step in actor.jobs.items()},
            publish=publisher(self.process.transport, actor.service),
            on_job_failure=_job_failed,
        )

    async def close(self) -> None:
        if self.host is not None:
            await self.host.stop()
            self.host = None
        for shard in self.shards.values():
            await shard.close()
        self.shards.clear()

    async def backup(self, request: dict[str, Any]) -> dict[str, Any]:
        target = Path(str(request["directory"]))
        async with self.whole:
            await self._keep_files(target)         # what goes while the shards are copied
            for service, shard in self.shards.items():
                await shard.backup(target / "state" / service / SHARD)
            await self._keep_files(target)         # what has come meanwhile
            for actor in self.actors:
                for name in actor.private_files:
                    copy_private(self._directory(actor.service).with_name(name), target / "state" / actor.service)
            return {"shards": sorted(self.shards)}

    async def _keep_files(self, target: Path) -> None:
        for actor in self.actors:
            for name in actor.file_folders:
                folder = self._directory(actor.service).with_name(name)
                await asyncio.to_thread(keep_files, folder, target / "state" / actor.service / name)

    async def reset(self, request: dict[str, Any]) -> dict[str, Any]:
        """Forgets every service's state: whoever is being answered meanwhile gets an error or the old state."""
        async with self.whole:
            await self.close()
            for actor in self.actors:
                if actor.stateful:
                    shutil.rmtree(self._directory(actor.service))
                for name in actor.file_folders:
                    shutil.rmtree(self._directory(actor.service).with_name(name))
            await self.open()
        log.warning("state_reset")
        return {"services": self.services}

    def metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"metrics": self.meter.snapshot()}

    def health(self, request: dict[str, Any]) -> dict[str, Any]:
        """A service is well unless its shard's last commit failed; reads may go on even so."""
        return {"services": {service: self.shards[service].trouble if service in self.shards else ""
                             for service in self.services}}

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        shards = {f"{service}/{SHARD}": shard.stats() for service, shard in self.shards.items()}
        return {"version": VERSION, "services": self.services, "shards": shards,
                "engines": {}, "versions": _versions()}


def keep_files(folder: Path, target: Path) -> None:
    """All files that are whole, under the same names: by a second link where that can be, else copied."""
    for shelf in sorted(folder.iterdir()):
        if shelf.name == INCOMING:
            continue
        (target / shelf.name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in shelf.iterdir():
            kept = target / shelf.name / file.name
            with contextlib.suppress(FileNotFoundError, FileExistsError):      # removed meanwhile; kept already
                try:
                    kept.hardlink_to(file)
                except OSError as error:
                    if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
                        raise
                    shutil.copy2(file, kept)


def copy_private(file: Path, directory: Path) -> None:
    """With its mode, which is its owner's alone."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy2(file, directory / file.name)


def _job_failed(name: str, job_id: int, attempts: int, error: BaseException) -> None:
    log.error("job_failed", job=name, id=job_id, attempts=attempts, exc_info=error)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("botocore", "lmdb", "msgpack", "nats-py")}


async def serve(process: Process) -> None:
    """Until told to stop."""
    service = ActorProcess(process)
    await service.open()
    answers = SystemAnswers(
        process.transport, process.name,
        {"status": service.status, "health": service.health, "backup": service.backup, "reset": service.reset,
         "metrics": service.metrics},
    )
    discoveries = [discovery(process.transport, actor, service.meter) for actor in service.actors]
    stop_exporting = export_metrics(service.config.observing, process.name, service.meter.snapshot)
    await process.transport.flush()
    process.ready()
    await process.stopped.wait()
    stop_exporting()
    for one in discoveries:
        one.close()
    answers.close()
    await service.close()
    service.journal.close()
