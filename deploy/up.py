"""`skybus up`: from settings to running processes, and what the console shows meanwhile."""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from deploy import VERSION, layout, ports
from deploy.broker import write_run_files
from deploy.config import DEFAULT_SECRET, Config, unknown_variables
from deploy.instance import ROOT_FILE, Instance, forget_ephemeral, occupy
from deploy.logs import ProcessLog
from deploy.supervisor import Supervisor
from deploy.topology import ROOT, on_demand, processes, services

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where all addresses are reached from here
AFTER_KILL_S = 2.0                        # how long the processes of a killed supervisor may still hold their ports


def up(config: Config) -> int:
    """Runs until told to stop; the exit code. CommandError when it cannot start."""
    for name in unknown_variables():
        _say(f"{name} is set, but there is no such setting.", sys.stderr.fileno())
    chosen = services(config.actors.services)      # an unknown one is refused before anything starts
    instance = occupy(config)
    try:
        supervisor, front = _prepared(instance, chosen)
        with front:
            return supervisor.run()
    finally:
        forget_ephemeral(config)
        instance.release()


def _prepared(instance: Instance, chosen: list[str]) -> tuple[Supervisor, socket.socket]:
    """All is checked and nothing runs yet, and what holds our port. What is refused leaves nothing behind."""
    try:
        return _supervisor(instance, layout.settle(instance.config, chosen))
    except BaseException:
        instance.unmake()
        raise


def _supervisor(instance: Instance, shards: dict[str, int]) -> tuple[Supervisor, socket.socket]:
    config, patience_s = instance.config, AFTER_KILL_S if instance.after_kill else 0.0
    front = ports.reserve(config.front.host, config.front.port, "port", patience_s)
    bus_port = config.broker.bus_port
    if not config.broker.nats_url:
        reserved = ports.reserve("127.0.0.1", bus_port, "bus_port", patience_s)
        bus_port = ports.number(reserved)
        reserved.close()                  # nats-server binds it exclusively
    config = replace(
        config,
        front=replace(config.front, port=ports.number(front)),
        broker=replace(config.broker, bus_port=bus_port),
    )
    instance.config = config
    files = write_run_files(config, shards)
    storage, observing = config.storage, config.observing

    def open_log(name: str) -> ProcessLog:
        return ProcessLog(storage.log_dir, name, observing.log_file_bytes, observing.log_files, _warn)

    return Supervisor(
        processes(config, files, layout.processes(shards)),
        on_demand=partial(on_demand, files),
        run_dir=storage.run_dir,
        open_log=open_log,
        directory=str(ROOT),
        echo=_warn,
        on_ready=_once_ready(instance),
        facts={
            "version": VERSION, "pid": os.getpid(), "endpoint": endpoint(config), "data_dir": str(storage.data_dir),
            "auth": config.access.auth, "durability": storage.durability, "ephemeral": storage.ephemeral,
        },
    ), front


def endpoint(config: Config) -> str:
    """The URL for clients on this machine."""
    host = _REACHED_AT.get(config.front.host, config.front.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.front.port}"


def exports(instance: Instance) -> list[str]:
    """Shell lines that point AWS's SDKs and CLI here. A secret is shown if everybody knows it or nobody does yet;
    `skybus credentials` shows any."""
    config, access = instance.config, instance.config.access
    known = access.root_secret_key == DEFAULT_SECRET or instance.generated_secret
    secret = f"export AWS_SECRET_ACCESS_KEY={access.root_secret_key}"
    return [
        f"export AWS_ENDPOINT_URL={endpoint(config)}",
        f"export AWS_ACCESS_KEY_ID={access.root_access_key}",
        secret if known else "# AWS_SECRET_ACCESS_KEY: skybus credentials shows it",
        f"export AWS_DEFAULT_REGION={access.region}",
    ]


def _once_ready(instance: Instance) -> Callable[[], None]:
    def tell() -> None:
        config = instance.config
        lines = [f"Skybus {VERSION} at {endpoint(config)}, data in {config.storage.data_dir}", *exports(instance)]
        if instance.generated_secret:
            kept = Path(config.storage.data_dir) / ROOT_FILE
            lines.append(f"# Shown this once; kept in {kept}, and skybus credentials shows it again.")
        _say("\n".join([*lines, "Ready."]), sys.stdout.fileno())

    return tell


def _warn(line: str) -> None:
    _say(line, sys.stderr.fileno())


def _say(text: str, descriptor: int) -> None:
    """To the console, which may have gone away: that is no reason to stop. The log files have everything."""
    try:
        os.write(descriptor, text.encode() + b"\n")
    except OSError:
        return
