"""AuditTrail: all of a process's audit in one: its journal, the journal's delivery to CloudTrail, and which data events
CloudTrail wants recorded. Without CloudTrail among the services the journal alone is kept.
"""

import asyncio
from pathlib import Path

import structlog

from actors.runtime.audit.delivery import Delivery
from actors.runtime.audit.journal import Journal
from actors.runtime.audit.selectors import Interests
from bus.system import TRAILS, Listening, ask
from bus.transport import BusError, Transport

ASK_LIMIT_S = 5.0                                  # for CloudTrail's answer
ASK_AGAIN_S = 1.0                                  # when there was none

log = structlog.get_logger(__name__)


class AuditTrail:
    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)
        self.interests = Interests()
        self._delivery: Delivery | None = None
        self._listening: Listening | None = None
        self._asking: asyncio.Task[None] | None = None
        self._changes = 0

    def start(self, transport: Transport) -> None:
        """Once the process's services are there; CloudTrail may be anywhere, and come later."""
        async def send(lines: list[bytes]) -> None:
            await ask(transport, "record", {"events": lines}, ASK_LIMIT_S)

        self._transport = transport
        self._delivery = Delivery(self.journal, send)
        self._delivery.start()
        self._listening = Listening(transport, self._changed, TRAILS, "cloudtrail")
        self._changed("")

    async def stop(self) -> None:
        """What is not delivered stays in the journal."""
        if self._listening is not None:
            self._listening.close()
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._delivery is not None:
            await self._delivery.stop()
        self._delivery = self._listening = self._asking = None

    def close(self) -> None:
        self.journal.close()

    def _changed(self, account: str) -> None:
        self._changes += 1
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._learn())

    async def _learn(self) -> None:
        learnt = 0
        while learnt != self._changes:
            changes = self._changes
            try:
                answer = await ask(self._transport, "interests", {}, ASK_LIMIT_S)
            except (BusError, TimeoutError) as error:
                log.debug("interests_unknown", reason=str(error))
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            self.interests.learn((account, region, selectors) for account, region, selectors in answer["trails"])
            learnt = changes
