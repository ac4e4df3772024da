"""ExecuteStatement and BatchExecuteStatement. ExecuteTransaction: statement_transactions.py.

A batch's members are independent: each has its own answer or error, in the one commit that holds those that succeeded.
Codes of errors: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html; forms of
answers: the public dynamodb-conformance suite (tier2/partiql) and Floci's tests, both measured on AWS.
"""

from collections.abc import Generator, Mapping
from typing import Any

from actors.dynamodb import state
from actors.dynamodb.capacity import consumed, is_told, read_units, tell_write
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.partiql import Select, parse
from actors.dynamodb.engine.partiql.keys import branches
from actors.dynamodb.engine.values import Item
from actors.dynamodb.rows import write_units
from actors.dynamodb.state import Table
from actors.dynamodb.statement_reads import key_value, planned, projection, select
from actors.dynamodb.statement_values import Bound, bind, reads
from actors.dynamodb.statement_writes import write
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import AwsError, ValidationException

MIXED = "BatchExecuteStatement API does not support both read and write operations in the same request."
BATCH_NEEDS_KEY = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
_CODES = {"ValidationException": "ValidationError", "ThrottlingException": "ThrottlingError"}

Request = Mapping[str, Any]


def execute(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    """ExecuteStatement of anything but a SELECT."""
    outcome = write(tables, context, transaction, request, bind(request))
    answer: dict[str, Any] = {"Items": [] if outcome.item is None else [outcome.item]}
    tell_write(answer, request, outcome.table, outcome.written, outcome.key)
    return answer


def query(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request
) -> Generator[None, None, dict[str, Any]]:
    """ExecuteStatement of a SELECT."""
    return (yield from select(tables, context, snapshot, request, bind(request)))


class Batch:
    """BatchExecuteStatement under way. `transaction` is a Snapshot alone where every member reads."""

    def __init__(self, tables: Catalogue, context: Context, transaction: Any, request: Request) -> None:
        self.tables = tables
        self.context = context
        self.transaction = transaction
        self.request = request
        self.spent: dict[str, tuple[Table, float, dict[str, float]]] = {}

    def answer(self) -> dict[str, Any]:
        members: list[Request] = self.request["Statements"]
        check_mixing(members)
        answer: dict[str, Any] = {"Responses": [self.response(member) for member in members]}
        if is_told(self.request) and self.spent:
            answer["ConsumedCapacity"] = [
                consumed(self.request, table, units, by_index) for table, units, by_index in self.spent.values()
            ]
        return answer

    def response(self, member: Request) -> dict[str, Any]:
        named: dict[str, Any] = {}
        try:
            bound = bind(member)
            table = self.tables.table(self.transaction, self.context.scope, bound.statement.target.table)
            named["TableName"] = table.table_name
            item = self.read(table, bound, member) if bound.statement.reads else self.write(bound, member)
        except AwsError as error:
            return {"Error": _error(error), **named}
        return named if item is None else {**named, "Item": item}

    def read(self, table: Table, bound: Bound, member: Request) -> Item | None:
        consistent = bool(member.get("ConsistentRead"))
        key = point(table, bound, BATCH_NEEDS_KEY)
        record = self.transaction.get(table.key(key))
        self.spend(table, read_units(0 if record is None else state.item_size(record), consistent), {})
        return None if record is None else shown(bound, state.unpack_item(record))

    def write(self, bound: Bound, member: Request) -> Item | None:
        outcome = write(self.tables, self.context, self.transaction, member, bound)
        self.spend(outcome.table, write_units(outcome.written.size), outcome.written.index_units)
        return outcome.item

    def spend(self, table: Table, units: float, index_units: Mapping[str, float]) -> None:
        _, before, by_index = self.spent.get(table.table_name, (table, 0.0, {}))
        for name, more in index_units.items():
            by_index[name] = by_index.get(name, 0.0) + more
        self.spent[table.table_name] = table, before + units, by_index


def check_mixing(members: list[Request]) -> None:
    kinds = {reads(member) for member in members if _is_statement(member)}
    if len(kinds) > 1:
        raise ValidationException(MIXED)


def _is_statement(member: Request) -> bool:
    try:
        parse(member["Statement"])
    except ValidationException:
        return False
    return True


def _error(error: AwsError) -> dict[str, Any]:
    code = _CODES.get(error.error_code, error.error_code.removesuffix("Exception"))
    item = error.fields.get("Item")
    return {"Code": code, "Message": error.message, **({} if item is None else {"Item": item})}


def point(table: Table, bound: Bound, refusal: str) -> Item:
    """The key of a SELECT of one item by its whole key and nothing else. ValidationException with `refusal`."""
    body = bound.statement.body
    assert isinstance(body, Select)
    condition = None if body.where is None else body.where.bind(bound.placeholders)
    plan = planned(table, body, bound, condition, consistent=False)
    sort = table.sort[0][0] if table.sort else None
    found = branches(bound.text, table.hash[0][0], sort) if plan.space is table else None
    if found is None or len(found) != 1 or found[0].others:
        raise ValidationException(refusal)
    (branch,) = found
    key: Item = {}
    for name in table.names:
        value = key_value(branch, name, bound.values)
        if value is None or any(term.operator != "=" for term in branch.keys):
            raise ValidationException(refusal)
        key[name] = value
    return key


def shown(bound: Bound, item: Item) -> Item:
    """The item as the statement's columns want it."""
    body = bound.statement.body
    assert isinstance(body, Select)
    return item if body.columns is None else projection(body.columns)(item)
