"""Who used which operation last, and when: what IAM shows of keys and roles. Noted in memory by a link of the chain
(chain/used.py), told to IAM every TELL_EVERY_S and once more at the end. What a crash loses is at most that old, as on
AWS, which says that its records may be hours late.
"""

import asyncio

import structlog

from actors.runtime.actions import action_of
from actors.runtime.audit.operations import is_data_operation
from bus.system import ask
from bus.transport import BusError, Transport
from schemas.envelope import Identity
from schemas.models import Operation

TELL_EVERY_S = 30.0
TELL_LIMIT_S = 5.0                        # for IAM's answer
USES_LIMIT = 8192                         # between two tellings; what comes beyond it is not noted
CHUNK_COUNT = 256                         # of them in one message

log = structlog.get_logger(__name__)


class Uses:
    """`latest`: by (whose, operation) the time in seconds since the epoch, and the region."""

    def __init__(self) -> None:
        self.latest: dict[tuple[Identity, Operation], tuple[float, str]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, transport: Transport) -> None:
        self._transport = transport
        self._task = asyncio.get_running_loop().create_task(self._tell_again_and_again())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
            await self.tell(self._transport)

    async def _tell_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            await self.tell(self._transport)

    async def tell(self, transport: Transport) -> None:
        """What could not be told is told with the next, unless it was used again meanwhile."""
        told, self.latest = list(self.latest.items()), {}
        while told:
            chunk, told = told[:CHUNK_COUNT], told[CHUNK_COUNT:]
            uses = [[who.account, who.principal, operation.service.name, at, region, _tracked(operation)]
                    for (who, operation), (at, region) in chunk]
            try:
                await ask(transport, "used", {"uses": uses}, TELL_LIMIT_S)
            except (BusError, TimeoutError) as error:
                log.info("uses_not_told", reason=str(error))
                self.latest = {**dict([*chunk, *told]), **self.latest}
                return


def _tracked(operation: Operation) -> str:
    """IAM's name of what is tracked as an action: management, as on AWS; "" of what works on data."""
    return "" if is_data_operation(operation) else action_of(operation)
