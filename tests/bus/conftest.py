"""The worlds and the server, for every test of the bus."""

from hypothesis import settings

from tests.bus.worlds import run, run_and_crash
from tests.nats_server import nats_server

# Time depends on who else uses the machine; what failed is printed so that it can be run again.
settings.register_profile("bus", deadline=None, print_blob=True, max_examples=50)
settings.load_profile("bus")

__all__ = ["nats_server", "run", "run_and_crash"]
