"""`skybus audit`: is the audit log what it was?"""

from typing import Any

from bus import system
from bus.transport import BusError, Transport
from deploy import control
from deploy.asking import on_bus
from deploy.broker import ADMIN, RUN_FILE, read_run
from deploy.config import Config
from deploy.failures import CommandError
from deploy.report import Report, progress

VERIFY_LIMIT_S = 120.0                    # a full ledger is some 200,000 events


def audit(config: Config) -> Report:
    """Where an event is not there as it came: exit code 1. NotRunning, CommandError."""
    control.ask(config.storage.run_dir, "status")          # a killed instance leaves its run.json behind
    run = read_run(config.storage.run_dir / RUN_FILE)

    async def ask(bus: Transport) -> dict[str, Any]:
        try:
            return await system.ask(bus, "verify", {}, VERIFY_LIMIT_S)
        except (BusError, TimeoutError) as error:
            raise CommandError(f"CloudTrail does not answer: {error}.") from error

    with progress("Verifying every event"):
        found = on_bus(run.url, run.users[ADMIN], ask)
    if broken := found["broken"]:
        return Report(found, f"The audit log was tampered with: event {broken['sequence']} {broken['reason']}.", 1)
    if not found["records"]:
        return Report(found, "There are no events yet.")
    return Report(found, f"{found['records']} events, {found['first']} to {found['last']}, as they came. "
                         f"Head: {found['head']}")
