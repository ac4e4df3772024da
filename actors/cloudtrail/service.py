"""CloudTrail, operation by operation: a table of contents. What each does stands in the module it names.

Not here yet: README.md, coverage.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.cloudtrail import buckets, choices, delivery, digests, ledger, lookup, tagging, trails
from actors.runtime.access import Access
from actors.runtime.actions import action_of
from actors.runtime.actor import ServiceActor, job, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.system import TRAILS

Request = Mapping[str, Any]
Answer = dict[str, Any]


class CloudTrail(ServiceActor):
    service: ClassVar[str] = "cloudtrail"
    stateful: ClassVar[bool] = True

    @query("LookupEvents")
    def lookup_events(self, context: Context, snapshot: Snapshot, request: Request) -> ledger.Reading:
        return (yield from lookup.events(snapshot, context, request))

    # Trails

    @operation("CreateTrail")
    async def create_trail(self, context: Context, request: Request) -> Answer:
        trails.check_name(request["Name"])
        trails.checked(request)
        trail = trails.new(context, request, tagging.given(request.get("TagsList") or ()))
        await buckets.check(self.surroundings.client, trail)
        made: Answer = await self.surroundings.shard.transact(lambda transaction: trails.create(transaction, trail))
        return made

    @operation("UpdateTrail")
    async def update_trail(self, context: Context, request: Request) -> Answer:
        trails.checked(request)
        shard = self.surroundings.shard
        if request.get("S3BucketName") or request.get("S3KeyPrefix"):
            trail = shard.read(lambda view: trails.changed(view, context, request))
            await buckets.check(self.surroundings.client, trail)
        made: Answer = await shard.transact(lambda transaction: trails.update(transaction, context, request))
        self.surroundings.tell(TRAILS, {})
        return made

    @operation("DeleteTrail")
    def delete_trail(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trails.delete(transaction, context, request)

    @query("GetTrail")
    def get_trail(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trails.got(snapshot, context, request)

    @query("ListTrails")
    def list_trails(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trails.listed(snapshot, context)

    @query("DescribeTrails")
    def describe_trails(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trails.described(snapshot, context, request)

    @operation("StartLogging")
    def start_logging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trails.start(transaction, context, request)

    @operation("StopLogging")
    def stop_logging(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trails.stop(transaction, context, request)

    @query("GetTrailStatus")
    def get_trail_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trails.status(snapshot, context, request)

    # What they want

    @operation("PutEventSelectors")
    def put_event_selectors(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return choices.put(transaction, context, request)

    @query("GetEventSelectors")
    def get_event_selectors(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return choices.get(snapshot, context, request)

    @query("PutInsightSelectors")
    def put_insight_selectors(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return choices.put_insights(snapshot, context, request)

    @query("GetInsightSelectors")
    def get_insight_selectors(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return choices.get_insights(snapshot, context, request)

    # Tags and keys

    @operation("AddTags")
    def add_tags(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.add(transaction, context, request)

    @operation("RemoveTags")
    def remove_tags(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.remove(transaction, context, request)

    @query("ListTags")
    def list_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(snapshot, context, request)

    @query("ListPublicKeys")
    def list_public_keys(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return digests.public_keys(snapshot, request)

    # Authorisation: trails have ARNs, all else is about the account

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        if context.operation.name != "ListTags":           # of several trails, each of which must be allowed
            return super().accesses(context, request)
        named = [{"Name": name} for name in request["ResourceIdList"]] or [{}]
        found = dict.fromkeys(self.resource("ListTags", each, *context.scope) for each in named)
        return [Access(action_of(context.operation), resource) for resource in found]

    def resource(self, operation: str, request: Request, account: str, region: str) -> str:
        name = request.get("Name") or request.get("TrailName") or request.get("ResourceId")
        if not isinstance(name, str) or not name:
            return "*"
        return name if name.startswith("arn:") else trails.arn_of(account, region, name)

    # For the runtime and the command line

    def system_answers(self) -> Mapping[str, Any]:
        return {"record": self._record, "verify": self._verify, "interests": self._interests}

    async def _record(self, question: Answer) -> Answer:
        lines = question["events"]
        return {"stored": await self.surroundings.shard.transact(lambda transaction: ledger.append(transaction, lines))}

    async def _verify(self, question: Answer) -> Answer:
        outcome: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(result: Answer, error: BaseException | None) -> None:
            if not outcome.done():
                outcome.set_result(result) if error is None else outcome.set_exception(error)

        self.surroundings.shard.read_long(ledger.verify, done)
        return await outcome

    def _interests(self, question: Answer) -> Answer:
        return {"trails": self.surroundings.shard.read(lambda view: [list(each) for each in choices.interests(view)])}

    def committed(self, context: Context) -> None:
        self.surroundings.tell(TRAILS, {})

    @job(trails.DELIVERY_JOB)
    async def deliver_trail(self, now: float, state: Answer) -> Answer | None:
        return await delivery.step(self.surroundings.shard, self.surroundings.client, now, state)
