"""Main of a child process: `python -m deploy.process gateway|actors|model --name NAME --run RUN.JSON --channel FD`.

What all of them share: settings, logs, the event loop, the channel to the supervisor (deploy/child.py), the connection
to the broker, a clean end on SIGTERM, and exit codes. What they do: process_<kind>.py.
"""
# ruff: noqa: E402 - see gc.disable()

import gc

gc.disable()                              # imports make objects that stay: looking for garbage costs 8 % of the start

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvloop

from bus.connection import open_connection
from bus.tracing import Tracer
from bus.transport import Disconnected, Transport
from deploy import telemetry
from deploy.broker import ACTORS, GATEWAY, MODELS, BusUser, Run, read_run
from deploy.child import READY
from deploy.failures import CommandError

BROKER_WAIT_S = 30.0                      # for the broker, which starts together with us

# More of them than requests under way hold, so that these are not looked at again and again: 2 % of a request.
GARBAGE_EVERY_OBJECTS = 10_000
SETTLED_AFTER_S = 1.0                     # after being ready: not in the way of the first calls

_USERS = {"gateway": GATEWAY, "actors": ACTORS, "model": MODELS}   # of the broker, by kind of process

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Process:
    """What a process is given. `ready` tells the supervisor; `stopped` is set when it is to end."""

    name: str
    run: Run
    transport: Transport
    tracer: Tracer
    ready: Callable[[], None]
    stopped: asyncio.Event


Work = Callable[[Process], Awaitable[None]]


def main() -> int:
    """Exit codes: 0 stopped as asked, 1 failed, others as deploy/failures.py says."""
    parser = argparse.ArgumentParser(prog="deploy.process")
    parser.add_argument("kind", choices=tuple(_USERS))
    parser.add_argument("--name", required=True)
    parser.add_argument("--run", required=True, type=Path)
    parser.add_argument("--channel", required=True, type=int)
    options = parser.parse_args()
    run = read_run(options.run)
    telemetry.configure_logs(run.config.observing, options.name)
    try:
        uvloop.run(_live(options.kind, options.name, run, options.channel))
    except CommandError as error:
        log.critical("process_failed", reason=str(error))
        return error.exit_code
    return 0


async def _live(kind: str, name: str, run: Run, channel_descriptor: int) -> None:
    channel = socket.socket(fileno=channel_descriptor)
    channel.setblocking(False)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_reader(channel, lambda: _supervisor_gone(channel, stopped))
    work, user = _work(kind), run.users[_USERS[kind]]
    transport = await _unless(stopped, _connect(run, user, name))
    if transport is None:
        return
    tracer = telemetry.tracer(run.config.observing, name)

    def ready() -> None:
        channel.send(READY)
        log.info("process_ready")
        loop.call_later(SETTLED_AFTER_S, _settle)

    try:
        await work(Process(name, run, transport, tracer, ready, stopped))
    finally:
        loop.remove_reader(channel)
        channel.close()
        await transport.close()
        tracer.close()
        log.info("process_stopped")


def _settle() -> None:
    """Modules and models live as long as we do: no later collection looks at them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_EVERY_OBJECTS)
    gc.enable()


def _supervisor_gone(channel: socket.socket, stopped: asyncio.Event) -> None:
    """Nothing is ever said on the channel in this direction: what can be read is its end."""
    asyncio.get_running_loop().remove_reader(channel)
    log.warning("supervisor_gone")
    stopped.set()


def _work(kind: str) -> Work:
    if kind == "gateway":
        from deploy.process_gateway import serve
    elif kind == "model":
        from deploy.process_model import serve
    else:
        from deploy.process_actors import serve
    return serve


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, Transport]) -> Transport | None:
    """What `work` returns; None when we are told to stop first: the broker may never come."""
    working, told = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for one in (working, told):
            one.cancel()
        await asyncio.gather(working, told, return_exceptions=True)


async def _connect(run: Run, user: BusUser, name: str) -> Transport:
    try:
        return await open_connection(run.url, user.user, user.password, user.inbox_prefix, name, wait_s=BROKER_WAIT_S)
    except Disconnected as error:
        raise CommandError(f"The broker at {run.url} cannot be reached: {error}.") from error


if __name__ == "__main__":
    sys.exit(main())
