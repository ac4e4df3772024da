"""CloudTrail, operation by operation: a table of contents. What each does stands in the module it names.

Not here yet: README.md, coverage.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from actors.cloudtrail import ledger, lookup
from actors.runtime.actor import ServiceActor, query
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot

Request = Mapping[str, Any]
Answer = dict[str, Any]


class CloudTrail(ServiceActor):
    service: ClassVar[str] = "cloudtrail"
    stateful: ClassVar[bool] = True

    @query("LookupEvents")
    def lookup_events(self, context: Context, snapshot: Snapshot, request: Request) -> ledger.Reading:
        return (yield from lookup.events(snapshot, context, request))

    # For the runtime and the command line

    def system_answers(self) -> Mapping[str, Any]:
        return {"record": self._record, "verify": self._verify, "interests": self._interests}

    async def _record(self, question: Answer) -> Answer:
        lines = question["events"]
        return {"stored": await self._shard().transact(lambda transaction: ledger.append(transaction, lines))}

    async def _verify(self, question: Answer) -> Answer:
        outcome: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(result: Answer, error: BaseException | None) -> None:
            if not outcome.done():
                outcome.set_result(result) if error is None else outcome.set_exception(error)

        self._shard().read_long(ledger.verify, done)
        return await outcome

    def _interests(self, question: Answer) -> Answer:
        return {"trails": []}

    def _shard(self) -> Shard:
        shard = self.surroundings.shard
        assert shard is not None
        return shard
