"""A client straight on the bus of a running Skybus, as any outsider connects: with what run/bus.json says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bus.client import Client
from bus.connection import open_connection
from bus.subjects import DIRECT
from deploy.broker import read_bus
from schemas.envelope import DEFAULT_REGION, Identity


@asynccontextmanager
async def direct_publisher(data_dir: Path) -> AsyncIterator[Client]:
    bus = read_bus(data_dir / "run")
    transport = await open_connection(bus["url"], bus["user"], bus["password"], bus["inbox_prefix"], "load test")
    try:
        yield Client(transport, Identity(DIRECT, bus["account"], bus["principal"]), region=DEFAULT_REGION)
    finally:
        await transport.close()
