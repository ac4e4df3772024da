"""`skybus audit`: is the audit log what it was?"""

from typing import Any

from bus import system
from bus.transport import BusError, Transport
from deploy.asking import on_bus
from deploy.broker import ADMIN, RUN_FILE, read_run
from deploy.config import Config
from deploy.failures import CommandError

VERIFY_LIMIT_S = 120.0                    # a full ledger is some 200,000 events


def audit(config: Config) -> int:
    """0 when every event is there as it came. CommandError says where not."""
    run = read_run(config.storage.run_dir / RUN_FILE)

    async def ask(bus: Transport) -> dict[str, Any]:
        try:
            return await system.ask(bus, "verify", {}, VERIFY_LIMIT_S)
        except (BusError, TimeoutError) as error:
            raise CommandError(f"CloudTrail does not answer: {error}.") from error

    found = on_bus(run.url, run.users[ADMIN], ask)
    if found["broken"]:
        broken = found["broken"]
        raise CommandError(f"The audit log was tampered with: event {broken['sequence']} {broken['reason']}.")
    print(f"{found['records']} events, {found['first']} to {found['last']}, as they came. Head: {found['head']}")
    return 0
