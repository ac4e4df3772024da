"""DynamoDB, operation by operation: a table of contents. What each does stands in the file it names.

The operations of streams: actors/dynamodbstreams. What is not here: README.md, coverage.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from actors.dynamodb import (
    access,
    access_keys,
    account,
    across,
    agreements,
    backups,
    batches,
    copies,
    export_files,
    exports,
    imports,
    increments,
    insights,
    intents,
    item_collections,
    items,
    policies,
    queries,
    recovery,
    restores,
    statement_transactions,
    statement_values,
    statements,
    streams,
    table_changes,
    table_records,
    tables,
    tagging,
    throttle,
    time_to_live,
    tokens,
    transactions,
    transfers,
)
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.state import COLLECTION_LIMIT_BYTES
from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.actor import ServiceActor, job, operation, part
from actors.runtime.actor import across as over_shards
from actors.runtime.actor import query as reading
from actors.runtime.context import Context
from actors.runtime.parts import Parts
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from schemas.routing import ANY, WHOLE, slot, slot_of, slots_of
from schemas.routing import tables as named_tables

Request = Mapping[str, Any]
Answer = dict[str, Any]
Paging = Generator[None, None, Answer]
Found = TypeVar("Found")


class DynamoDB(ServiceActor):
    service: ClassVar[str] = "dynamodb"
    stateful: ClassVar[bool] = True
    # Shapes the generic validation leaves to engine/values.py and tagging.py, which check them in AWS's own words.
    validates_itself: ClassVar[frozenset[str]] = frozenset({"AttributeValue", "Tag", "TagKeyList"})

    def __init__(self, collection_limit_bytes: int = COLLECTION_LIMIT_BYTES) -> None:
        """`collection_limit_bytes`: of a partition of a table with local indexes; another than AWS's for tests."""
        self.tables = Catalogue(collection_limit_bytes)
        self.share = WHOLE

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self.share = surroundings.share
        if surroundings.settings.throttle_provisioned:
            self.operations = throttle.throttled(self.tables, type(self).operations)

    # Tables

    @operation("CreateTable")
    def create_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tables.create(self.tables, context, transaction, request)

    @operation("UpdateTable")
    def update_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return table_changes.update(self.tables, context, transaction, request)

    @operation("DeleteTable")
    def delete_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tables.delete(self.tables, context, transaction, request)

    @reading("DescribeTable")
    def describe_table(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tables.described(self.tables, context, snapshot, request)

    @reading("ListTables")
    def list_tables(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tables.listed(snapshot, context, request)

    # Items

    @operation("PutItem")
    def put_item(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return items.put(self.tables, context, transaction, request)

    @reading("GetItem")
    def get_item(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return items.get(self.tables, context, snapshot, request)

    @operation("DeleteItem")
    def delete_item(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return items.delete(self.tables, context, transaction, request)

    @operation("UpdateItem")
    def update_item(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return items.update(self.tables, context, transaction, request)

    # Many items

    @operation("BatchWriteItem")
    def batch_write_item(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return batches.write(self.tables, context, transaction, request)

    @reading("BatchGetItem")
    def batch_get_item(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from batches.get(self.tables, context, snapshot, request))

    # Transactions

    @operation("TransactWriteItems")
    def transact_write_items(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return transactions.write(self.tables, context, transaction, request)

    @reading("TransactGetItems")
    def transact_get_items(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from transactions.get(self.tables, context, snapshot, request))

    @reading("Query")
    def query(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from queries.query(self.tables, context, snapshot, request))

    @reading("Scan")
    def scan(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from queries.scan(self.tables, context, snapshot, request))

    # Backups and recovery

    @operation("CreateBackup")
    def create_backup(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return backups.create(self.tables, context, transaction, request)

    @reading("DescribeBackup")
    def describe_backup(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return backups.described(context, snapshot, request)

    @reading("ListBackups")
    def list_backups(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return backups.listed(context, snapshot, request)

    @operation("DeleteBackup")
    def delete_backup(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return backups.delete(context, transaction, request)

    @operation("RestoreTableFromBackup")
    def restore_table_from_backup(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        found = backups.to_restore(context, transaction, request)
        if self.has(context, request["TargetTableName"]):
            return restores.restore(self.tables, context, transaction, request, found)
        return transfers.begin_backup(context, transaction, request, found)

    @operation("UpdateContinuousBackups")
    def update_continuous_backups(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return recovery.update(self.tables, context, transaction, request)

    @reading("DescribeContinuousBackups")
    def describe_continuous_backups(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return recovery.described(self.tables, context, snapshot, request)

    @operation("RestoreTableToPointInTime")
    def restore_table_to_point_in_time(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        found = recovery.to_restore(self.tables, context, transaction, request)
        if self.has(context, request["TargetTableName"]):
            return restores.restore(self.tables, context, transaction, request, found)
        return transfers.begin_moment(context, transaction, request, found)

    # Statements

    @operation("ExecuteStatement")
    def execute_statement(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return statements.execute(self.tables, context, transaction, request)

    @reading("ExecuteStatement", when=statement_values.reads)
    def query_statement(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from statements.query(self.tables, context, snapshot, request))

    @operation("BatchExecuteStatement")
    def batch_execute_statement(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return statements.Batch(self.tables, context, transaction, request).answer()

    @reading("BatchExecuteStatement", when=statement_values.only_reads)
    def batch_query_statement(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return statements.Batch(self.tables, context, snapshot, request).answer()

    @operation("ExecuteTransaction")
    def execute_transaction(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return statement_transactions.write(self.tables, context, transaction, request)

    @reading("ExecuteTransaction", when=statement_values.only_reads)
    def query_transaction(self, context: Context, snapshot: Snapshot, request: Request) -> Paging:
        return (yield from statement_transactions.read(self.tables, context, snapshot, request))

    # Time to live

    @operation("UpdateTimeToLive")
    def update_time_to_live(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return time_to_live.update(self.tables, context, transaction, request)

    @reading("DescribeTimeToLive")
    def describe_time_to_live(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return time_to_live.described(self.tables, context, snapshot, request)

    # Exports and imports

    @operation("ExportTableToPointInTime")
    def export_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return exports.start(self.tables, context, transaction, request)

    @reading("DescribeExport")
    def describe_export(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return exports.described(context, snapshot, request)

    @reading("ListExports")
    def list_exports(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return exports.listed(context, snapshot, request)

    @operation("ImportTable")
    def import_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return imports.start(self.tables, context, transaction, request)

    @reading("DescribeImport")
    def describe_import(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.described(context, snapshot, request)

    @reading("ListImports")
    def list_imports(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return imports.listed(context, snapshot, request)

    # Settings

    @operation("TagResource")
    def tag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.tag(self.tables, context, transaction, request)

    @operation("UntagResource")
    def untag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.untag(self.tables, context, transaction, request)

    @reading("ListTagsOfResource")
    def list_tags_of_resource(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(self.tables, context, snapshot, request)

    @operation("PutResourcePolicy")
    def put_resource_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.put(self.tables, context, transaction, request)

    @reading("GetResourcePolicy")
    def get_resource_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.get(self.tables, context, snapshot, request)

    @operation("DeleteResourcePolicy")
    def delete_resource_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete(self.tables, context, transaction, request)

    @operation("UpdateContributorInsights")
    def update_contributor_insights(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return insights.update(self.tables, context, transaction, request)

    @reading("DescribeContributorInsights")
    def describe_contributor_insights(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return insights.described(self.tables, context, snapshot, request)

    @reading("ListContributorInsights")
    def list_contributor_insights(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return insights.listed(self.tables, context, snapshot, request)

    @reading("DescribeLimits")
    def describe_limits(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.limits()

    @reading("DescribeEndpoints")
    def describe_endpoints(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.endpoints(context)

    @reading("EnableKinesisStreamingDestination")
    def enable_kinesis(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.enable_kinesis(self.tables, context, snapshot, request)

    @reading("DisableKinesisStreamingDestination")
    def disable_kinesis(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_kinesis(self.tables, context, snapshot, request, "DISABLE")

    @reading("UpdateKinesisStreamingDestination")
    def update_kinesis(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_kinesis(self.tables, context, snapshot, request, "UPDATE")

    @reading("DescribeKinesisStreamingDestination")
    def describe_kinesis(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.kinesis_destinations(self.tables, context, snapshot, request)

    @reading("CreateGlobalTable")
    def create_global_table(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_legacy_global_table()

    @reading("ListGlobalTables")
    def list_global_tables(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return {"GlobalTables": []}

    @reading("DescribeGlobalTable")
    def describe_global_table(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_global_table(request)

    @reading("DescribeGlobalTableSettings")
    def describe_global_table_settings(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_global_table(request)

    @reading("UpdateGlobalTable")
    def update_global_table(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_legacy_global_table()

    @reading("UpdateGlobalTableSettings")
    def update_global_table_settings(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.no_global_table(request)

    @reading("DescribeTableReplicaAutoScaling")
    def describe_replica_scaling(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.replica_scaling(self.tables, context, snapshot, request)

    @reading("UpdateTableReplicaAutoScaling")
    def update_replica_scaling(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return account.update_replica_scaling(self.tables, context, snapshot, request)

    # Over several shards

    def place(self, operation: str, request: Request, account: str, region: str) -> str:
        """As the routing says; a statement's table stands in its text, and several tables may be in one shard."""
        names = set(named_tables(request))
        if operation in ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"):
            names = statement_values.named(request)
        elif operation == "ImportTable" and isinstance(request.get("TableCreationParameters"), dict):
            names = {str(request["TableCreationParameters"].get("TableName"))}
        elif operation in ("RestoreTableFromBackup", "RestoreTableToPointInTime"):
            names = restores.named(request)
        if not names:
            return slot(self.service, account, region, request)
        holders = {self.share.holder(each) for each in slots_of(account, region, names)}
        return holders.pop().address if len(holders) == 1 else ANY

    def has(self, context: Context, name: str) -> bool:
        """Is a table of this name in our shard?"""
        return self.share.of == 1 or self.share.holder(slot_of(context.account, context.region, name)) == self.share

    def parts_of(self, context: Context) -> Parts:
        return Parts(self.service, self.surroundings, context)

    @over_shards("ListTables")
    async def list_tables_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.list_tables(self.parts_of(context), request)

    @over_shards("ListBackups")
    async def list_backups_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.list_backups(self.parts_of(context), request)

    @over_shards("ListExports")
    async def list_exports_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.list_exports(self.parts_of(context), request)

    @over_shards("ListImports")
    async def list_imports_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.list_imports(self.parts_of(context), request)

    @over_shards("ListContributorInsights")
    async def list_insights_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.list_insights(self.parts_of(context), request)

    @over_shards("BatchGetItem")
    async def batch_get_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.batch_get(self.parts_of(context), request)

    @over_shards("BatchWriteItem")
    async def batch_write_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.batch_write(self.parts_of(context), request)

    @over_shards("BatchExecuteStatement")
    async def batch_statements_over_shards(self, context: Context, request: Request) -> Answer:
        return await across.batch_statements(self.parts_of(context), request)

    @over_shards("TransactGetItems")
    async def transact_get_over_shards(self, context: Context, request: Request) -> Answer:
        names = agreements.tables_of(request["TransactItems"])
        return await agreements.read(self.parts_of(context), request, "TransactItems", names)

    @over_shards("TransactWriteItems")
    async def transact_write_over_shards(self, context: Context, request: Request) -> Answer:
        names = agreements.tables_of(request["TransactItems"])
        return await agreements.write(self.parts_of(context), request, "TransactItems", names, "PrepareItems")

    @over_shards("ExecuteTransaction")
    async def execute_transaction_over_shards(self, context: Context, request: Request) -> Answer:
        statements = statement_transactions.bound_all(request)
        parts, names = self.parts_of(context), [each.statement.target.table for each in statements]
        if statements[0].statement.reads:
            return await agreements.read(parts, request, "TransactStatements", names)
        told = await agreements.write(parts, request, "TransactStatements", names, "PrepareStatements")
        return {"Responses": [], **told}

    @part("PrepareItems", of="TransactWriteItems", authorised=True)
    def prepare_items(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        actions = [transactions.parsed(each) for each in request["TransactItems"]]
        return intents.prepare(self.tables, context, transaction, request, actions)

    @part("PrepareStatements", of="ExecuteTransaction", authorised=True)
    def prepare_statements(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        actions = statement_transactions.actions(self.tables, context, transaction, request)
        return intents.prepare(self.tables, context, transaction, request, actions)

    @part("IsRepeated", of="TransactWriteItems")
    def is_repeated(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return {"Repeated": tokens.is_repeated(transaction, context.scope, request["Token"], request["Content"])}

    @part("Decide", of="TransactWriteItems")
    def decide(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return intents.decide(self.tables, context, transaction, request)

    @part("Outcome", of="TransactWriteItems")
    def outcome(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return intents.outcome(context, transaction, request)

    @part("Settle", of="TransactWriteItems")
    def settle(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        intents.settle(self.tables, transaction, request["Id"], commit=request["Commit"])
        return {}

    @over_shards("RestoreTableFromBackup")
    async def restore_backup_over_shards(self, context: Context, request: Request) -> Answer:
        return await transfers.restore(self.parts_of(context), request, restores.source_of(request))

    @over_shards("RestoreTableToPointInTime")
    async def restore_moment_over_shards(self, context: Context, request: Request) -> Answer:
        return await transfers.restore(self.parts_of(context), request, restores.source_of(request))

    @part("MakeTable", of="RestoreTableFromBackup")
    def make_table(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return transfers.make(self.tables, context, transaction, request)

    @part("TakeRows", of="RestoreTableFromBackup")
    def take_rows(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return transfers.take(self.tables, context, transaction, request)

    @part("CheckWrites", of="BatchWriteItem", reads=True, authorised=True)
    def check_writes(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        batches.planned_writes(self.tables, context, snapshot, request)
        return {}

    # Jobs

    @job(tokens.FORGET_JOB)
    def forget_tokens(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return tokens.forget_step(transaction, now)

    @job(streams.TRIM_JOB)
    def trim_stream(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return streams.trim_step(transaction, now, state)

    @job(time_to_live.INDEX_JOB)
    def index_expiry(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return time_to_live.index_step(self.tables, transaction, state)

    @job(time_to_live.SWEEP_JOB)
    def expire_items(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return time_to_live.sweep_step(self.tables, transaction, now, state)

    @job(table_records.CLEAR_JOB)
    def clear_spaces(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return table_records.clear_step(transaction, state)

    @job(copies.COPY_JOB)
    def copy_rows(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        finishes = {"backup": backups.filled, "restore": restores.filled, "export": exports.filled,
                    "transfer": transfers.filled}
        return copies.step(self.tables, transaction, state, finishes)

    @job(recovery.PRUNE_JOB)
    def prune_history(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return recovery.prune_step(self.tables, transaction, state)

    @job(intents.RESOLVE_JOB)
    async def resolve_intent(self, now: float, state: Answer) -> None:
        await intents.resolve_step(self.tables, self.surroundings, state)

    @job(intents.SETTLE_JOB)
    async def settle_intents(self, now: float, state: Answer) -> None:
        await intents.settle_step(self.surroundings, state)

    @job(intents.FORGET_JOB)
    def forget_decision(self, transaction: Transaction, now: float, state: Answer) -> None:
        intents.forget_step(transaction, state)

    @job(transfers.SEND_JOB)
    async def send_rows(self, now: float, state: Answer) -> Answer | None:
        return await transfers.send_step(self.surroundings, now, state)

    @job(increments.COLLECT_JOB)
    def collect_changes(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return exports.collect_step(self.tables, transaction, state)

    @job(export_files.UPLOAD_JOB)
    async def upload_export(self, now: float, state: Answer) -> Answer | None:
        return await export_files.upload_step(self.surroundings, now, state)

    @job(imports.READ_JOB)
    async def read_import(self, now: float, state: Answer) -> Answer | None:
        return await imports.read_step(self.tables, self.surroundings, now, state)

    @job(backups.EXPIRE_JOB)
    def expire_backup(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return backups.expire_step(transaction, state)

    @job(item_collections.COUNT_JOB)
    def count_collections(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return item_collections.count_step(self.tables, transaction, state)

    @job(table_changes.FILL_JOB)
    def fill_index(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return table_changes.fill_step(self.tables, transaction, state)

    # Authorisation

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        return access.accesses(context, action_of(context.operation), request)

    def guard(self, context: Context, asked: Access) -> Guard | None:
        return None if asked.resource == "*" else self._read(lambda view: access.guard(view, asked.resource))

    def tags(self, context: Context, asked: Access) -> Mapping[str, str]:
        return self._read(lambda view: access_keys.tags_of(self.tables, view, asked)) or {}

    def condition_keys(
        self, context: Context, asked: Access, request: Request
    ) -> Mapping[str, str | tuple[str, ...]]:
        return self._read(lambda view: access_keys.keys_of(self.tables, view, asked, request)) or {}

    def _read(self, reading: Callable[[Snapshot], Found | None]) -> Found | None:
        found: Found | None = self.surroundings.shard.read(reading)
        return found
