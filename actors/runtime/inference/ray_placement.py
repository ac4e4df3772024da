"""Model hosts as Ray actors: pinned to a GPU, or a fraction of one, on this machine or another of the Ray cluster.

Needs the extra `ray`; Ray is started when the first such model is needed. Ray places and supervises only: a host has a
connection to the broker of its own, and requests and tokens never pass through Ray. On a single machine everything
binds to loopback (RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0), and nothing is reported to anyone.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.placement import CannotPlace

NAMESPACE = "skybus"
START_LIMIT_S = 120.0
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a host connects to the broker with."""

    url: str
    user: str
    password: str
    inbox_prefix: str


class RayHost:
    """The Ray actor: a connection, and a ModelHost on it. Ray runs its methods on a loop of its own."""

    def __init__(self, name: str, access: Access, directory: str) -> None:
        self._name, self._access, self._directory = name, access, Path(directory)
        self._host: Any = None
        self._transport: Any = None

    async def start(self) -> None:
        """Returns when the broker knows it."""
        from actors.runtime.inference.host import ModelHost
        from bus.bodies import Bodies
        from bus.connection import open_connection
        from bus.endpoint import Endpoint

        if self._host is not None:
            return
        access = self._access
        self._transport = await open_connection(
            access.url, access.user, access.password, access.inbox_prefix, self._name, wait_s=START_LIMIT_S
        )
        await asyncio.to_thread(self._directory.mkdir, 0o700, True, True)
        endpoint = Endpoint(self._transport, Bodies(self._transport))
        self._host = ModelHost(self._transport, endpoint, self._name, self._directory)
        await self._host.start()

    async def stop(self) -> None:
        await self._host.stop()
        await self._transport.close()


class RayPlacement:
    """A placement (placement.py). `set_environment` sets variables of this process before Ray starts."""

    def __init__(
        self, access: Access, directory: Path, set_environment: Callable[[dict[str, str]], None], address: str = ""
    ) -> None:
        self._access = access
        self._directory = directory
        self._set_environment = set_environment
        self._address = address           # of a cluster there is; empty: one of our own, on this machine
        self._actors: dict[str, Any] = {}

    async def start(self, host: str, entry: Entry) -> None:
        ray = await asyncio.to_thread(self._ray)
        if host not in self._actors:
            kind = ray.remote(num_gpus=entry.gpu, num_cpus=0, max_restarts=0, max_concurrency=8)(RayHost)
            self._actors[host] = kind.options(name=host, namespace=NAMESPACE, get_if_exists=True).remote(
                host, self._access, str(self._directory / host)
            )
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await self._actors[host].start.remote()
        except (TimeoutError, ray.exceptions.RayError) as error:
            await self.stop(host)
            raise CannotPlace(f"Ray could not start {host}: {error}") from error

    async def stop(self, host: str) -> None:
        actor = self._actors.pop(host, None)
        if actor is None:
            return
        ray = await asyncio.to_thread(self._ray)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await actor.stop.remote()
        except (TimeoutError, ray.exceptions.RayError):
            pass                          # it is dead, or ends now
        await asyncio.to_thread(ray.kill, actor)

    async def running(self) -> list[str]:
        return list(self._actors)

    def close(self) -> None:
        """Ends the Ray that was started for us; a cluster's goes on."""
        if self._actors and not self._address:
            self._ray().shutdown()

    def _ray(self) -> Any:
        try:
            self._set_environment(ENVIRONMENT)
            import ray
        except ImportError as error:
            raise CannotPlace("Ray is not installed here: pip install 'skybus[ray]'") from error
        if not ray.is_initialized():
            ray.init(address=self._address or None, namespace=NAMESPACE, include_dashboard=False,
                     log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
        return ray
