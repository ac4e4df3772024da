"""kill -9 of a model's host while it answers: the stream ends with an error at once, the next request is answered, and
no service was touched. The real broker, supervisor and processes; asked as our own actors ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from actors.runtime.inference.catalogue import ECHO_ID, TINY, TINY_ID, Catalogue
from actors.runtime.inference.fleet import Fleet
from actors.runtime.inference.models import Models
from actors.runtime.inference.placement import Placement
from actors.runtime.inference.protocol import Finish, GenerateRequest, ModelFailed, Sampling, Text
from actors.runtime.inference.replicas import host_names
from actors.runtime.surroundings import OWN_IDENTITY
from bus.client import Client
from bus.connection import open_connection
from deploy.broker import ACTORS, RUN_FILE, read_run
from deploy.models import Supervised
from schemas.envelope import Identity
from tests import servers

ALICE = Identity("svc", "000000000000", "test")
FOREVER = {
    ECHO_ID: GenerateRequest(messages=[{"role": "user", "content": "!pause 20\n" + "word " * 5000}]),
    TINY_ID: GenerateRequest(prompt="def", sampling=Sampling(temperature=9.0, top_k=0, top_p=1.0, seed=7)),
}


@asynccontextmanager
async def models_of(data: Path, placement: Placement | None = None) -> AsyncIterator[Models]:
    run_dir = data / "run"
    run = read_run(run_dir / RUN_FILE)
    user = run.users[ACTORS]
    transport = await open_connection(run.url, user.user, user.password, user.inbox_prefix, "test", wait_s=30.0)
    client = Client(transport, OWN_IDENTITY, region="us-east-1")
    models = Models(client, Catalogue(), Fleet(transport, client, placement or Supervised(run_dir, client), 2**30))
    try:
        yield models
    finally:
        models.fleet.close()
        await transport.close()


def hosts(server: servers.Server) -> list[psutil.Process]:
    return [each for each in server.root.children() if "model" in each.cmdline()]


HEAVY = ("torch", "/ray/", "jaxlib", "numpy", "xllamacpp")


def mapped(server: servers.Server) -> set[str]:
    """Which heavy libraries are in a process of the server's that is no model's."""
    found = set()
    for process in server.processes().values():
        if "model" not in process.cmdline():
            maps = Path(f"/proc/{process.pid}/maps").read_text()
            found |= {name for name in HEAVY if name in maps}
    return found


@pytest.mark.parametrize("model", [ECHO_ID, TINY_ID])
def test_killing_a_models_host(model: str, tmp_path: Path) -> None:
    async def main(server: servers.Server) -> None:
        assert hosts(server) == []            # until a model is needed there is neither a host nor a library of one
        async with models_of(tmp_path) as models:
            for _ in range(2):
                async with aclosing(models.generate(model, FOREVER[model], ALICE)) as stream:
                    await anext(stream)
                    [host] = hosts(server)
                    host.kill()
                    with pytest.raises(ModelFailed):
                        assert not [event async for event in stream if isinstance(event, Finish)]
                request = GenerateRequest(prompt="again", sampling=Sampling(max_tokens=3))
                async with aclosing(models.generate(model, request, ALICE)) as stream:
                    events = [event async for event in stream]
                assert isinstance(events[0], Text)
                assert isinstance(events[-1], Finish)

    with servers.skybus(data_dir=tmp_path) as server:
        before = {process.pid for process in server.root.children()}
        asyncio.run(main(server))
        assert before <= {process.pid for process in server.root.children()}
        assert mapped(server) == set()


# Five clients in six hang up, as the other goes on: no generation runs on, no process grows without end.
@pytest.mark.parametrize("count", [120, pytest.param(1000, marks=pytest.mark.slow)])
def test_who_hangs_up_leaves_nothing_running(count: int, tmp_path: Path) -> None:
    async def ask(models: Models, number: int) -> None:
        prompt = "word " * (600 if number % 2 else 2) + str(number)
        sampling = Sampling(temperature=2.0, max_tokens=8 if number % 6 == 0 else None)
        stream = models.generate(TINY_ID, GenerateRequest(prompt=prompt, sampling=sampling), ALICE)
        if number % 6 == 0:
            assert isinstance([event async for event in stream][-1], Finish)
        else:
            reading = asyncio.ensure_future(anext(stream))
            await asyncio.wait([reading], timeout=0.002 * (number % 5))
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await stream.aclose()

    async def main(server: servers.Server) -> None:
        async with models_of(tmp_path) as models:
            await models.describe(TINY_ID)
            grown = []
            for start in range(0, count, 60):
                await asyncio.gather(*(ask(models, number) for number in range(start, start + 60)))
                [host] = hosts(server)
                grown.append(host.memory_info().rss)
            while True:                   # until the last cancel has arrived
                figures = await models.client.call("model", "Ping", {}, at=next(host_names(TINY)))
                if not figures["running"] and not figures["waiting"]:
                    break
            assert grown[-1] < 1.5 * grown[0]

    with servers.skybus(data_dir=tmp_path) as server:
        asyncio.run(main(server))
