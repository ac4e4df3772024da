"""Throughput that throttles: token buckets per table and global index, where `throttle_provisioned` asks for it.

A bucket holds 300 seconds of its units, as AWS's burst capacity does, and starts full. A request is refused while a
bucket it draws from is empty, and pays afterwards what it really consumed, into debt if need be. It is woven around the
operations when the actor is attached, so that it costs nothing where it is off: the operation is asked for
ConsumedCapacity in full, which is charged and then cut to what the caller asked for. Requests that fail are free, which
they are not on AWS; a write evaluated twice after a failed commit pays twice.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html,
TroubleshootingThrottling.html.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import billing_mode
from actors.dynamodb.errors import ProvisionedThroughputExceededException
from actors.dynamodb.schema import PAY_PER_REQUEST
from actors.dynamodb.state import Table
from actors.dynamodb.statement_values import named, target
from actors.runtime.actor import Definition, Kind
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from schemas.errors import AwsError, ThrottlingException

BURST_S = 300.0
BUCKETS_LIMIT = 8192                      # then all are forgotten, which fills them
READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
WRITES = frozenset({"PutItem", "DeleteItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"})
STATEMENTS = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
BATCHES = {"BatchGetItem": "UnprocessedKeys", "BatchWriteItem": "UnprocessedItems"}    # where they give back the rest
TABLE_EXCEEDED = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
INDEX_EXCEEDED = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API"
)
ON_DEMAND_EXCEEDED = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"

Request = Mapping[str, Any]
Answer = dict[str, Any]
BucketKey = tuple[bytes, bool]            # the space's prefix, whether for writes


@dataclass(slots=True)
class Bucket:
    """`tokens` units at time `filled`, in seconds since the epoch."""

    tokens: float
    filled: float

    def fill(self, units: float, now: float) -> None:
        self.tokens = min(units * BURST_S, self.tokens + max(0.0, now - self.filled) * units)
        self.filled = max(now, self.filled)


class Buckets:
    def __init__(self) -> None:
        self._buckets: dict[BucketKey, Bucket] = {}

    def check(self, table: Table, index_name: str | None, *, writes: bool, now: float) -> None:
        """ProvisionedThroughputExceededException, ThrottlingException while a bucket is empty."""
        for name in _drawn(table, index_name, writes=writes):
            bucket = self._bucket(table, name, writes=writes, now=now)
            if bucket is None or bucket.tokens > 0:
                continue
            if billing_mode(table.description) == PAY_PER_REQUEST:
                raise ThrottlingException(ON_DEMAND_EXCEEDED)
            raise ProvisionedThroughputExceededException(INDEX_EXCEEDED if name else TABLE_EXCEEDED)

    def charge(self, table: Table, consumed: Request, *, writes: bool, now: float) -> None:
        """`consumed`: ConsumedCapacity with INDEXES. A local index draws from its table."""
        local = sum(each["CapacityUnits"] for each in consumed.get("LocalSecondaryIndexes", {}).values())
        units = {"": consumed.get("Table", {}).get("CapacityUnits", 0.0) + local}
        units |= {name: each["CapacityUnits"] for name, each in consumed.get("GlobalSecondaryIndexes", {}).items()}
        for name, spent in units.items():
            bucket = self._bucket(table, name, writes=writes, now=now)
            if bucket is not None:
                bucket.tokens -= spent

    def _bucket(self, table: Table, index_name: str, *, writes: bool, now: float) -> Bucket | None:
        """Filled up to now; None where nothing limits."""
        units = _units(table, index_name, writes=writes)
        index = table.index(index_name) if index_name else table
        if not units or index is None:
            return None
        key = (index.prefix, writes)
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= BUCKETS_LIMIT:
                self._buckets.clear()
            bucket = self._buckets[key] = Bucket(units * BURST_S, now)
        bucket.fill(units, now)
        return bucket


def _drawn(table: Table, index_name: str | None, *, writes: bool) -> Iterator[str]:
    """The buckets a request may draw from: "" is the table's, others a global index's."""
    indexes = [index.name for index in table.indexes if index.is_global]
    if writes:
        yield from ("", *indexes)
    else:
        yield index_name if index_name in indexes else ""


def _units(table: Table, index_name: str, *, writes: bool) -> float:
    """A second's; 0: no limit."""
    description: Request = table.description
    if index_name:
        every = description.get("GlobalSecondaryIndexes", ())
        description = next((each for each in every if each["IndexName"] == index_name), {})
    if billing_mode(table.description) == PAY_PER_REQUEST:
        member = "MaxWriteRequestUnits" if writes else "MaxReadRequestUnits"
        return max(0.0, float(description.get("OnDemandThroughput", {}).get(member, 0)))
    member = "WriteCapacityUnits" if writes else "ReadCapacityUnits"
    return float(description.get("ProvisionedThroughput", {}).get(member, 0))


def throttled(tables: Catalogue, operations: Mapping[str, Definition]) -> dict[str, Definition]:
    """The operations, those on items with their buckets woven around them."""
    buckets = Buckets()
    return {
        name: _woven(tables, buckets, definition) if name in READS | WRITES | STATEMENTS else definition
        for name, definition in operations.items()
    }


def _woven(tables: Catalogue, buckets: Buckets, definition: Definition) -> Definition:
    writes, method = definition.kind is Kind.WRITE, definition.method

    def refusal(context: Context, snapshot: Snapshot, request: Request, name: str) -> AwsError | None:
        table = tables.find(snapshot, context.scope, name)
        try:
            if table is not None:
                buckets.check(table, _index_name(request), writes=writes, now=context.now)
        except AwsError as error:
            return error
        return None

    def before(context: Context, snapshot: Snapshot, request: Request) -> tuple[Answer, Answer]:
        """The request as it is carried out, and the tables of a batch that must wait."""
        names = _table_names(request)
        refusals = {name: error for name in names if (error := refusal(context, snapshot, request, name)) is not None}
        asked = {**request, "ReturnConsumedCapacity": "INDEXES"}
        if not refusals:
            return asked, {}
        if definition.name not in BATCHES or len(refusals) == len(names):
            raise next(iter(refusals.values()))
        wanted = request["RequestItems"]
        asked["RequestItems"] = {name: each for name, each in wanted.items() if name not in refusals}
        return asked, {name: each for name, each in wanted.items() if name in refusals}

    def after(context: Context, snapshot: Snapshot, request: Request, left: Answer, answer: Answer) -> Answer:
        told = answer.pop("ConsumedCapacity", None)
        for consumed in told if isinstance(told, list) else [told] if told else []:
            table = tables.find(snapshot, context.scope, consumed["TableName"])
            if table is not None:
                buckets.charge(table, consumed, writes=writes, now=context.now)
        wanted = request.get("ReturnConsumedCapacity", "NONE")
        if told and wanted != "NONE":
            answer["ConsumedCapacity"] = told if wanted == "INDEXES" else _total(told)
        if left:
            answer[BATCHES[definition.name]].update(left)
        return answer

    other = definition.alternative
    return replace(definition, method=_around(definition.kind, method, before, after),
                   alternative=None if other is None else _woven(tables, buckets, other))


def _around(
    kind: Kind, method: Callable[..., Any], before: Callable[..., tuple[Answer, Answer]], after: Callable[..., Answer]
) -> Callable[..., Any]:
    def call(actor: Any, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        asked, left = before(context, snapshot, request)
        return after(context, snapshot, request, left, method(actor, context, snapshot, asked))

    def read(actor: Any, context: Context, snapshot: Snapshot, request: Request) -> Any:
        asked, left = before(context, snapshot, request)
        answer = yield from method(actor, context, snapshot, asked)
        return after(context, snapshot, request, left, answer)

    return read if kind is Kind.LONG_READ else call


def _table_names(request: Request) -> list[str]:
    """Of one table, a batch, a transaction or statements; each once."""
    if "TableName" in request:
        return [request["TableName"]]
    if "RequestItems" in request:
        return list(request["RequestItems"])
    if "TransactItems" not in request:
        return sorted(named(request))
    actions = (action for each in request["TransactItems"] for action in each.values())
    return list(dict.fromkeys(action["TableName"] for action in actions))


def _index_name(request: Request) -> str | None:
    """The index that is read, if one is."""
    return target(request)[1] if "Statement" in request else request.get("IndexName")


def _total(told: Any) -> Any:
    if isinstance(told, list):
        return [_total(each) for each in told]
    detail = ("Table", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
    return {member: value for member, value in told.items() if member not in detail}
