"""DynamoDB, operation by operation: a table of contents. What each does stands in the file it names.

The operations of streams: actors/dynamodbstreams. What is not here: README.md, coverage.
"""

from collections.abc import Generator, Mapping
from typing import Any, ClassVar

from actors.dynamodb import (
    batches,
    items,
    queries,
    statement_transactions,
    statement_values,
    statements,
    streams,
    table_changes,
    tables,
    time_to_live,
    tokens,
    transactions,
)
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.state import arn
from actors.runtime.actor import ServiceActor, job, operation
from actors.runtime.actor import query as reading
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

Request = Mapping[str, Any]
Answer = dict[str, Any]
Paging = Generator[None, None, Answer]


class DynamoDB(ServiceActor):
    service: ClassVar[str] = "dynamodb"
    stateful: ClassVar[bool] = True
    # Shapes the generic validation leaves to engine/values.py, which checks them in AWS's own words.
    validates_itself: ClassVar[frozenset[str]] = frozenset({"AttributeValue"})

    def __init__(self) -> None:
        self.tables = Catalogue()

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

    @job(tables.CLEAR_JOB)
    def clear_spaces(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return tables.clear_step(transaction, state)

    @job(table_changes.FILL_JOB)
    def fill_index(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return table_changes.fill_step(self.tables, transaction, state)

    def resource(self, operation: str, request: Request, account: str, region: str) -> str:
        """The table's ARN, an index's where one is named; "*" for operations on no single table."""
        name, index = request.get("TableName"), request.get("IndexName")
        if operation == "ExecuteStatement":
            name, index = statement_values.target(request)
        if not isinstance(name, str) or operation == "ListTables":
            return "*"
        table = name if name.startswith("arn:") else arn(account, region, name)
        return f"{table}/index/{index}" if isinstance(index, str) else table
