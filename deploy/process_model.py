"""A model host's process: one model, one engine, started when the model is first needed (deploy/models.py)."""

import shutil
from typing import Any

from actors.runtime.inference.host import ModelHost
from bus.bodies import Bodies
from bus.endpoint import Endpoint
from bus.system import SystemAnswers
from deploy.process import Process
from deploy.telemetry import export_metrics


async def serve(process: Process) -> None:
    """Until told to stop."""
    directory = process.run.config.storage.run_dir / process.name
    shutil.rmtree(directory, ignore_errors=True)          # a killed one's
    directory.mkdir(mode=0o700)
    host = ModelHost(process.transport, Endpoint(process.transport, Bodies(process.transport)), process.name, directory)

    def metrics(request: dict[str, Any]) -> dict[str, Any]:
        return {"metrics": host.metrics()}

    answers = SystemAnswers(process.transport, process.name, {"metrics": metrics})
    stop_exporting = export_metrics(process.run.config.observing, process.name, host.metrics)
    await host.start()
    process.ready()
    await process.stopped.wait()
    stop_exporting()
    answers.close()
    await host.stop()
    shutil.rmtree(directory, ignore_errors=True)          # the engine may have taken it down with its socket
