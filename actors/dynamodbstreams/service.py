"""DynamoDB Streams, operation by operation. It only reads: DynamoDB's actor writes (actors/dynamodb/streams.py)."""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar

from actors.dynamodb import access
from actors.dynamodbstreams import reading
from actors.runtime.access import Access, Guard
from actors.runtime.actor import ServiceActor, across, query
from actors.runtime.context import Context
from actors.runtime.parts import Parts
from actors.runtime.store.transaction import Snapshot

Request = Mapping[str, Any]
Answer = dict[str, Any]


class DynamoDBStreams(ServiceActor):
    service: ClassVar[str] = "dynamodbstreams"
    state_of: ClassVar[str] = "dynamodb"

    @query("ListStreams")
    def list_streams(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return reading.listed(context, snapshot, request)

    @across("ListStreams")
    async def list_streams_over_shards(self, context: Context, request: Request) -> Answer:
        return await reading.listed_across(Parts(self.service, self.surroundings, context), request)

    @query("DescribeStream")
    def describe_stream(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return reading.described(context, snapshot, request)

    @query("GetShardIterator")
    def get_shard_iterator(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return reading.iterator(context, snapshot, request)

    @query("GetRecords")
    def get_records(self, context: Context, snapshot: Snapshot, request: Request) -> Generator[None, None, Answer]:
        return (yield from reading.records(context, snapshot, request))

    def resource(self, operation: str, request: Request, account: str, region: str) -> str:
        """The stream's ARN, which an iterator begins with; "*" for ListStreams."""
        arn = request.get("StreamArn")
        if not isinstance(arn, str):
            arn = str(request.get("ShardIterator", "")).rpartition("|1|")[0]
        return arn or "*"

    def guard(self, context: Context, asked: Access) -> Guard | None:
        found: Guard | None = self.surroundings.shard.read(lambda view: access.guard(view, asked.resource))
        return found
