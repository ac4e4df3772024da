"""A host as a Ray actor: it answers on the bus, and when it is killed the next request finds another. Skipped where the
extra `ray` is not installed."""

import asyncio
import os
from pathlib import Path

import pytest

from actors.runtime.inference.catalogue import ECHO_ID, Catalogue
from actors.runtime.inference.fleet import Fleet
from actors.runtime.inference.models import Models
from actors.runtime.inference.protocol import ModelFailed
from actors.runtime.inference.ray_placement import Access, RayPlacement
from actors.runtime.surroundings import OWN_IDENTITY
from bus.client import Client
from bus.connection import open_connection
from bus.permissions import BrokerSettings, actors, models, server_config
from tests.actors.runtime.inference.asking import ALICE, events, said, user
from tests.nats_server import running

pytest.importorskip("ray")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")     # Ray's own
def test_a_host_as_a_ray_actor(tmp_path: Path) -> None:
    async def main(url: str) -> None:
        transport = await open_connection(url, "actors", "a", "_INBOX.actors.", "test", wait_s=30.0)
        client = Client(transport, OWN_IDENTITY, region="us-east-1")
        placement = RayPlacement(Access(url, "models", "m", "_INBOX.models."), tmp_path, os.environ.update)
        asking = Models(client, Catalogue(), Fleet(transport, client, placement, 2**30))
        try:
            assert said(await events(asking, user("hello from Ray"))) == "hello from Ray"
            import ray

            stream = asking.generate(ECHO_ID, user("!pause 50\n" + "word " * 1000), ALICE)
            await anext(stream)
            [actor] = placement._actors.values()
            await asyncio.to_thread(ray.kill, actor)
            with pytest.raises(ModelFailed):
                [event async for event in stream]
            placement._actors.clear()
            assert said(await events(asking, user("again"))) == "again"
        finally:
            asking.fleet.close()
            placement.close()
            await transport.close()

    with running(server_config(BrokerSettings((actors("a"), models("m"))))) as server:
        asyncio.run(main(server.url))
