"""The actor process: a shard of each service and its actor, on one bus connection. The first of them has all services;
the others have what several shards share (deploy/layout.py)."""

import asyncio
import contextlib
import errno
import importlib
import shutil
from functools import partial
from pathlib import Path
from typing import Any, cast

import structlog

from actors.runtime.actor import ServiceActor
from actors.runtime.audit.trail import AuditTrail
from actors.runtime.authorization_messages import AuthorizationMessages
from actors.runtime.chain import weave
from actors.runtime.chain.meter import Meter
from actors.runtime.events import publisher
from actors.runtime.host import ActorHost
from actors.runtime.principals import ASK_LIMIT_S, Principals, asking
from actors.runtime.store.environment import Durability
from actors.runtime.store.errors import DataTooNew, NotDurable, StoreError
from actors.runtime.store.shard import Shard, open_shard
from actors.runtime.surroundings import OWN_IDENTITY, Settings, Surroundings
from actors.runtime.uses import Uses
from bus.bodies import Bodies
from bus.client import Client
from bus.endpoint import Endpoint
from bus.files import FOLDER, INCOMING
from bus.remote_files import FileServer
from bus.system import Listening, SystemAnswers, abandon_on_arrival, announce_arrival, ask, tell
from deploy import VERSION, failures, layout
from deploy.admission import Admission, Answer
from deploy.discovery import discovery
from deploy.explaining import Ask, explained, principal_named
from deploy.models import models_of
from deploy.process import Process
from deploy.telemetry import export_metrics
from deploy.topology import ACTORS, module_name
from schemas.envelope import DEFAULT_REGION
from schemas.routing import Share

LATE_FILES_LIMIT = 100                    # attempts to remove a folder in which files still come to be

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
        self.shares = _shares(process)
        self.actors = [actor_of(service) for service in self.shares]
        check_complete(self.actors)
        self.shards: dict[str, Shard] = {}
        audit = process.name.replace(ACTORS, "audit", 1)            # a file has one writer
        self.audit = AuditTrail(self.config.storage.log_dir / f"{audit}.jsonl")
        self.meter = Meter()
        self.uses = Uses()
        self.chain = weave(journal=self.audit.journal, interests=self.audit.interests, meter=self.meter,
                           uses=self.uses, tracer=process.tracer, enforcing=not self.config.access.dry_run,
                           messages=self._messages())
        self.endpoint = Endpoint(process.transport, Bodies(process.transport))
        self.principals = self._principals()
        self.client = Client(process.transport, OWN_IDENTITY, region=DEFAULT_REGION, bodies=self.endpoint.bodies)
        self.models = models_of(process, self.client)
        self.host: ActorHost | None = None
        self.admission: Admission | None = None
        self.files = FileServer(process.transport, {
            actor.service: self._directory(actor.service).with_name(FOLDER)
            for actor in self.actors if FOLDER in actor.file_folders})
        self.whole = asyncio.Lock()       # held by what concerns all shards: one backup or reset at a time

    @property
    def services(self) -> list[str]:
        return sorted(self.shares)

    @property
    def slots(self) -> dict[str, list[int]]:
        return _slots(self.shares)

    async def open(self) -> None:
        """After `announce`: a job that asks a service of ours begins when its shard is open. CommandError with the exit
        code for data that is too new or cannot be trusted."""
        try:
            for actor in self.actors:
                if actor.stateful:
                    self.shards[actor.service] = self._open_shard(actor)
        except (DataTooNew, NotDurable) as error:
            raise failures.DataTooNew(str(error)) from error
        except StoreError as error:
            raise failures.CommandError(str(error)) from error
        for actor in self.actors:
            actor.attach(self._surroundings(actor))
        self.host = ActorHost(self.process.transport, self.endpoint, self.chain, self.actors, self.principals)
        await self.host.start()
        self.models.warm()
        if "cloudtrail" in self.process.run.services:          # wherever it runs
            self.audit.start(self.process.transport)
        if "iam" in self.process.run.services:
            self.uses.start(self.process.transport)

    def _surroundings(self, actor: ServiceActor) -> Surroundings:
        state = actor.state_of or actor.service
        return Surroundings(
            self.client, self.shards.get(state), self.config.storage.state_dir / state,
            Settings(throttle_provisioned=self.config.actors.throttle_provisioned),
            partial(tell, self.process.transport), self.shares[actor.service], self.models)

    def _principals(self) -> Principals:
        """Who asks: IAM says, wherever it runs; without it everyone is root, or nobody in strict mode."""
        access = self.config.access
        iam = asking(self.process.transport) if "iam" in self.process.run.services else None
        return Principals(
            iam, open_mode=access.auth == "open", root_access_key=access.root_access_key,
            root_account=access.account_id)

    def _messages(self) -> AuthorizationMessages | None:
        """Of denials, where there is somebody to decode them: under IAM's key."""
        run = self.process.run
        return AuthorizationMessages(run.config.storage.state_dir / "iam") if "iam" in run.services else None

    def identities_changed(self, account: str) -> None:
        self.principals.forget(account)
        if self.admission is not None:
            self.admission.look_again(account)

    def admit(self) -> Admission | None:
        """Who may publish directly: said where IAM is. With an external broker that is its owner's affair."""
        iam = next((actor for actor in self.actors if actor.service == "iam"), None)
        if not self.process.run.issuer or self.process.name != ACTORS:      # the first has IAM, if anyone has
            return None
        credential = iam.system_answers()["credential"] if iam is not None else None
        return Admission(self.process.transport, self.process.run, cast("Answer | None", credential))

    def _directory(self, service: str) -> Path:
        return self.config.storage.state_dir / service / self.shares[service].name

    def _open_shard(self, actor: ServiceActor) -> Shard:
        return open_shard(
            self._directory(actor.service), asyncio.get_running_loop(),
            durability=Durability(self.config.storage.durability),
            jobs={name: partial(step, actor) for name, step in actor.jobs.items()},
            publish=publisher(self.process.transport, actor.service),
            on_job_failure=_job_failed,
        )

    async def close(self) -> None:
        await self.uses.stop()
        await self.audit.stop()
        if self.host is not None:
            await self.host.stop()
            self.host = None
        for shard in self.shards.values():
            await shard.close()
        self.shards.clear()

    def end(self) -> None:
        self.models.fleet.close()
        self.audit.close()

    async def backup(self, request: dict[str, Any]) -> dict[str, Any]:
        target = Path(str(request["directory"]))
        async with self.whole:
            await self._keep_files(target)         # what goes while the shards are copied
            for service, shard in self.shards.items():
                await shard.backup(target / "state" / service / self.shares[service].name)
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
            try:
                await self.close()
                for actor in self.actors:
                    if actor.stateful:
                        forget(self._directory(actor.service))
                    for name in actor.file_folders:
                        forget(self._directory(actor.service).with_name(name))
                await announce(self.process)
                await self.open()
            except Exception:
                self.process.stopped.set()             # it serves nothing now: a new one serves what is left
                raise
        log.warning("state_reset")
        return {"services": self.services, "slots": self.slots}

    def metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        own = [sample for actor in self.actors for sample in actor.samples()]
        return {"metrics": [*self.meter.snapshot(), *own]}

    async def explain(self, request: dict[str, Any]) -> dict[str, Any]:
        iam: Ask | None = self._ask_iam if "iam" in self.process.run.services else None
        principal = await principal_named(request["principal"], self.config.access, iam)
        return explained({actor.service: actor for actor in self.actors}, principal, request)

    async def _ask_iam(self, verb: str, question: dict[str, Any]) -> dict[str, Any]:
        return await ask(self.process.transport, verb, question, ASK_LIMIT_S)

    def health(self, request: dict[str, Any]) -> dict[str, Any]:
        """A service is well unless its shard's last commit failed; reads may go on even so."""
        return {"services": {service: self.shards[service].trouble if service in self.shards else ""
                             for service in self.services}, "slots": self.slots}

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        shards = {f"{service}/{self.shares[service].name}": {"slots": _told(self.shares[service]), **shard.stats()}
                  for service, shard in self.shards.items()}
        findings = {actor.service: found for actor in self.actors if (found := actor.finding())}
        return {"version": VERSION, "services": self.services, "shards": shards, "findings": findings,
                "engines": {}, "versions": _versions()}


def _told(share: Share) -> str:
    return f"{share.slots.start:02x}-{share.slots.stop - 1:02x}"


def forget(directory: Path) -> None:
    """Removes it, out of the way first: gateways may be making files in it all the while."""
    gone = directory.with_name(f"{directory.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)            # of a kill meanwhile
    directory.rename(gone)
    for _ in range(LATE_FILES_LIMIT):                   # who had found the old name may still make one in it
        try:
            shutil.rmtree(gone)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
        else:
            return
    shutil.rmtree(gone)


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


def _shares(process: Process) -> dict[str, Share]:
    number = int(process.name.partition("-")[2] or 1) - 1
    return layout.shares(process.run.shards, process.run.services, number)


def _slots(shares: dict[str, Share]) -> dict[str, list[int]]:
    """As sys.… tells them: of services of which other processes have a share."""
    return {service: [share.slots.start, share.slots.stop] for service, share in shares.items() if share.of > 1}


async def announce(process: Process) -> None:
    """That we begin anew: nobody else has our shares. As soon as we are connected, before our services are loaded and
    opened, since who waits for an answer of our predecessor's waits until then."""
    shares = _shares(process)
    await announce_arrival(process.transport, process.name, sorted(shares), _slots(shares))


async def serve(process: Process) -> None:
    """Until told to stop."""
    await announce(process)
    service = ActorProcess(process)
    listening = Listening(process.transport, service.identities_changed)
    abandoning = abandon_on_arrival(process.transport)             # what is asked of shards that begin anew
    await service.open()
    service.admission = service.admit()
    answers = SystemAnswers(
        process.transport, process.name,
        {"status": service.status, "health": service.health, "backup": service.backup, "reset": service.reset,
         "metrics": service.metrics, "explain": service.explain, **service.files.answers()},
    )
    discoveries = [discovery(process.transport, actor, service.meter) for actor in service.actors]
    stop_exporting = export_metrics(service.config.observing, process.name, service.meter.snapshot)
    await process.transport.flush()
    process.ready()
    await process.stopped.wait()
    for one in discoveries:
        one.close()
    answers.close()
    listening.close()
    if service.admission is not None:
        service.admission.close()
    abandoning.close()
    await service.close()
    service.end()
    stop_exporting()
