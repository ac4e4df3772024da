"""The worlds and the server, for every test of the bus."""

from tests.bus.worlds import run, run_and_crash
from tests.nats_server import nats_server

__all__ = ["nats_server", "run", "run_and_crash"]
