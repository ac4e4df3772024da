"""Where hosts live: started when a model needs one, stopped when its memory is needed.

`Inline` runs them in the asker's own loop: in tests, and where a program wants one process. Supervised processes are
deploy/models.py's, Ray's actors ray_placement.py's.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.host import ModelHost
from bus.bodies import Bodies
from bus.endpoint import Endpoint
from bus.transport import Transport


class CannotPlace(Exception):
    """No host could be started; the message says why, and is for the log."""


class Placement(Protocol):
    async def start(self, host: str, entry: Entry) -> None:
        """Returns when the host answers on the bus under this name; one that is there is left as it is. CannotPlace."""

    async def stop(self, host: str) -> None:
        """Ends it, whatever it does. Of one that is not there: nothing."""

    async def running(self) -> list[str]:
        """The hosts there are, also those an earlier asker started."""


class Inline:
    """`connect` gives each host a connection of its own."""

    def __init__(self, connect: Callable[[], Transport], directory: Path, clock: Callable[[], float]) -> None:
        self._connect = connect
        self._directory = directory
        self._clock = clock
        self.hosts: dict[str, tuple[ModelHost, Transport]] = {}

    async def start(self, host: str, entry: Entry) -> None:
        if host in self.hosts:
            return
        transport = self._connect()
        directory = self._directory / host
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = ModelHost(transport, Endpoint(transport, Bodies(transport), self._clock), host, directory, self._clock)
        self.hosts[host] = made, transport
        await made.start()

    async def stop(self, host: str) -> None:
        if host in self.hosts:
            made, transport = self.hosts.pop(host)
            await made.stop()
            await transport.close()

    async def running(self) -> list[str]:
        return list(self.hosts)
