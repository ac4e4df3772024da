"""The two transports behind one face: how to connect, and how the broker dies and comes back.

A world runs `async def scenario(world)`, with a loop and a seed of its own; names of subjects begin with
`world.root`, so that scenarios on the shared server keep apart.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest
import uvloop

from bus.connection import open_connection
from bus.simulated import NONE, Faults, Network, SimulatedTransport
from bus.transport import Disconnected, Transport
from bus.virtual_time import VirtualTimeLoop
from tests.nats_server import NatsServer, running

Scenario = Callable[["World"], Awaitable[None]]


class World(Protocol):
    root: str

    async def connect(self, prefix: str = "_INBOX.000000000000.test.") -> Transport: ...

    async def crash(self) -> None:
        """The broker is gone; returns when every transport knows."""

    async def recover(self) -> None:
        """The broker is back; returns when every transport is connected again."""


class RealWorld:
    def __init__(self, server: NatsServer) -> None:
        self._server = server
        self._connected: list[Transport] = []
        self.root = f"t{secrets.token_hex(6)}"

    async def connect(self, prefix: str = "_INBOX.000000000000.test.") -> Transport:
        transport = await open_connection(self._server.url, "", "", prefix, "test")
        self._connected.append(transport)
        return transport

    async def crash(self) -> None:
        heard = []
        for transport in self._connected:
            lost = asyncio.get_running_loop().create_future()
            transport.listen(lambda _: None, lambda _, lost=lost: lost.done() or lost.set_result(None))  # type: ignore[misc]
            heard.append(lost)
        self._server.kill()
        await asyncio.gather(*heard)

    async def recover(self) -> None:
        self._server.start()
        for transport in self._connected:
            await until_connected(transport)

    async def close(self) -> None:
        for transport in self._connected:
            await transport.close()


class SimulatedWorld:
    root = "t"

    def __init__(self, faults: Faults, seed: int) -> None:
        self.network = Network(seed, faults)
        self._connected: list[SimulatedTransport] = []

    async def connect(self, prefix: str = "_INBOX.000000000000.test.") -> Transport:
        transport = self.network.connect(prefix)
        self._connected.append(transport)
        await transport.flush()
        return transport

    async def crash(self) -> None:
        for transport in self._connected:
            self.network.lose(transport)

    async def recover(self) -> None:
        for transport in self._connected:
            self.network.restore(transport)
            await transport.flush()

    async def close(self) -> None:
        for transport in self._connected:
            await transport.close()


async def until_connected(transport: Transport) -> None:
    """Asks until it answers; each turn waits for the loop's timers, not for a guess of how long."""
    while True:
        try:
            await transport.flush()
            return
        except Disconnected:
            await asyncio.sleep(0.02)


class Runner(Protocol):
    def __call__(self, scenario: Scenario, *, seed: int = 0) -> None: ...


def simulated(scenario: Scenario, *, seed: int = 0, faults: Faults = NONE) -> None:
    async def main() -> None:
        world = SimulatedWorld(faults, seed)
        await scenario(world)
        await world.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def real(server: NatsServer, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> Runner:
    def run(scenario: Scenario, *, seed: int = 0) -> None:
        async def main() -> None:
            world = RealWorld(server)
            try:
                await scenario(world)
            finally:
                await world.close()

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())

    return run


@pytest.fixture(scope="session", params=["simulated", "nats", "nats-uvloop"])
def run(request: pytest.FixtureRequest, nats_server: NatsServer) -> Runner:
    """Runs a scenario in each world, on a server shared by the session."""
    if request.param == "simulated":
        return simulated
    return real(nats_server, uvloop.new_event_loop if request.param == "nats-uvloop" else asyncio.new_event_loop)


@pytest.fixture(params=["simulated", "nats", "nats-uvloop"])
def run_and_crash(request: pytest.FixtureRequest) -> object:
    """The same with a server of its own, to be killed."""
    if request.param == "simulated":
        yield simulated
        return
    with running() as server:
        yield real(server, uvloop.new_event_loop if request.param == "nats-uvloop" else asyncio.new_event_loop)
