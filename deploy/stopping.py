"""`skybus down` and `skybus restart`: what was asked of the supervisor, and whether it has come to pass."""

import time
from pathlib import Path
from typing import Any

from deploy import control
from deploy.config import Config
from deploy.failures import CommandError
from deploy.report import Report, progress

RESTART_WAIT_S = 60.0                     # for a restarted process to be ready; the supervisor goes on trying after it
POLL_S = 0.05


def down(config: Config) -> Report:
    """Returns when the instance has ended. NotRunning."""
    run_dir, began = config.storage.run_dir, time.monotonic()
    instance = control.ask(run_dir, "status")
    with progress("Waiting for", lambda: ", ".join(_running(run_dir))):
        control.ask(run_dir, "down", wait_for_end=True)
    seconds, names = round(time.monotonic() - began, 2), [row["name"] for row in instance["processes"]]
    endpoint, data_dir = instance["endpoint"], instance["data_dir"]
    kept = "it was ephemeral: its data is gone" if instance["ephemeral"] else f"its data stays in {data_dir}"
    return Report({"endpoint": endpoint, "data_dir": data_dir, "stopped": names, "seconds": seconds},
                  f"Stopped Skybus at {endpoint} ({', '.join(names)}) in {seconds:.2f} s; {kept}.")


def _running(run_dir: Path) -> list[str]:
    """Who has not ended yet. Nobody to ask is an answer as well: it is about to be over."""
    try:
        return [row["name"] for row in control.ask(run_dir, "status")["processes"] if row["pid"]]
    except CommandError:
        return []


def restart(config: Config, process: str) -> Report:
    """Returns when the process is ready again. NotRunning; CommandError when there is none, or it is not in time."""
    run_dir, began = config.storage.run_dir, time.monotonic()
    before = control.ask(run_dir, "restart", process=process)
    with progress(f"Waiting for {process} to be ready"):
        after = _ready_again(run_dir, process, before["restarts"], began + RESTART_WAIT_S)
    seconds = round(time.monotonic() - began, 2)
    return Report(
        {"process": process, "pid": after["pid"], "restarts": after["restarts"], "seconds": seconds},
        f"Restarted {process} in {seconds:.2f} s: pid {after['pid']}, ready.",
    )


def _ready_again(run_dir: Path, process: str, restarts: int, until: float) -> dict[str, Any]:
    while True:
        rows = {row["name"]: row for row in control.ask(run_dir, "status")["processes"]}
        row: dict[str, Any] = rows.get(process, {"state": "gone", "restarts": restarts})
        if row["state"] == "ready" and row["restarts"] > restarts:
            return row
        if time.monotonic() > until:
            raise CommandError(f"{process} is not ready after {RESTART_WAIT_S:.0f} s ({row['state']}); its log says "
                               f"why: skybus logs {process}")
        time.sleep(POLL_S)
