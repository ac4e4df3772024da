"""The gateway process: HTTP in front, the bus behind."""

import contextlib
import sys
from collections.abc import Iterator

from bus.client import Client
from deploy import VERSION
from deploy.process import Process
from deploy.telemetry import export_metrics


@contextlib.contextmanager
def _without_ssl() -> Iterator[None]:
    """Inside, `import ssl` fails. aiohttp takes that for a Python without it and leaves out its client's two contexts
    with all certificate authorities: 2.3 MB and a fifth of the gateway's start. We speak no TLS here."""
    found = sys.modules.get("ssl")
    sys.modules["ssl"] = None  # type: ignore[assignment]  # the import system's way to say so: its reference, 5.3.1
    try:
        yield
    finally:
        if found is None:
            del sys.modules["ssl"]
        else:
            sys.modules["ssl"] = found


with _without_ssl():
    from gateway.app import Gateway
    from gateway.app import serve as listen
    from gateway.callers import NOBODY
    from gateway.connection import BodyReader
    from gateway.credentials import Credentials, IamCredentials, StaticCredentials
    from gateway.settings import Settings


async def serve(process: Process) -> None:
    """Until told to stop; then what is under way may finish."""
    config = process.run.config
    access, front = config.access, config.front
    open_mode = access.auth == "open"
    static = StaticCredentials(
        access.root_access_key, access.root_secret_key, open_mode=open_mode, account=access.account_id
    )
    asks_iam = "iam" in process.run.services
    credentials: Credentials = IamCredentials(static, process.transport) if asks_iam else static
    settings = Settings(
        process.run.services, open_mode, access.region, front.max_in_flight, config.storage.state_dir, process.name,
        VERSION, tuple(name.strip(".").lower() for name in front.hosts))
    client = Client(process.transport, NOBODY, region=access.region)
    gateway = Gateway(process.transport, client, credentials, settings, tracer=process.tracer,
                      body_reader=BodyReader(front.body_limit_bytes))
    # Beside the supervisor's reservation and the other gateways.
    server = await listen(gateway, host=front.host, port=front.port, reuse_port=True)
    stop_exporting = export_metrics(config.observing, process.name, gateway.metrics.samples)
    await process.transport.flush()
    process.ready()
    await process.stopped.wait()
    await server.close()
    stop_exporting()
