"""INSERT, UPDATE and DELETE of one item: the same rows and expressions as PutItem, UpdateItem and DeleteItem.

The whole WHERE is the write's condition: its equalities on the key hold of the item they name. An UPDATE of what is not
there fails its condition, a DELETE of it is nothing. Wording: the public dynamodb-conformance suite (tier2/partiql,
tier3/error-messages/partiql*) and Floci's tests, both measured on AWS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.dynamodb import rows, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions.comparison import equal
from actors.dynamodb.engine.partiql import Delete, Exists, Insert, Returning, Update
from actors.dynamodb.engine.partiql.keys import written_key
from actors.dynamodb.engine.partiql.literals import TOO_DEEP as TOO_DEEP_AFTER
from actors.dynamodb.engine.values import ITEM_LIMIT_BYTES, TOO_DEEP, TOO_LARGE, Item, admit
from actors.dynamodb.errors import ConditionalCheckFailedException, DuplicateItemException
from actors.dynamodb.items import changed, check_condition
from actors.dynamodb.parameters import check_update_paths
from actors.dynamodb.rows import Written
from actors.dynamodb.state import Table
from actors.dynamodb.statement_reads import KEY_TYPE
from actors.dynamodb.statement_values import Bound
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from schemas.errors import ValidationException

SEVERAL_KEYS = "Multiple conditions on same key {}. Only single item Update/Insert/Delete are supported"
ONLY_IN_TRANSACTIONS = "EXISTS can only be used in ExecuteTransaction write requests."

Request = Mapping[str, Any]


@dataclass(slots=True)
class Outcome:
    """What a write did. `item`: what RETURNING asks for, None where that is nothing; `key`: of the item."""

    table: Table
    written: Written
    key: Item
    item: Item | None = None


def write(tables: Catalogue, context: Context, transaction: Transaction, request: Request, bound: Bound) -> Outcome:
    """Does nothing, or all of it, whatever it raises: a batch goes on after a statement that failed."""
    body = bound.statement.body
    if isinstance(body, Insert):
        return _insert(tables, context, transaction, bound, body)
    if isinstance(body, Update):
        return _update(tables, context, transaction, request, bound, body)
    if isinstance(body, Delete):
        return _delete(tables, context, transaction, request, bound, body)
    assert isinstance(body, Exists), "a SELECT is no write"
    raise ValidationException(ONLY_IN_TRANSACTIONS)


def inserted(body: Insert, bound: Bound) -> tuple[Item, int]:
    """The item and its size."""
    item = {name: bound.values[value] for name, value in body.item.items()}
    size = admit(item)
    if size > ITEM_LIMIT_BYTES:
        raise ValidationException(TOO_LARGE)
    return item, size


def _insert(tables: Catalogue, context: Context, transaction: Transaction, bound: Bound, body: Insert) -> Outcome:
    item, size = inserted(body, bound)
    table = tables.table(transaction, context.scope, body.target.table)
    key = table.item_key(item)
    for index in table.indexes:
        index.check(item)
    if transaction.get(key) is not None:
        raise DuplicateItemException
    return Outcome(table, rows.replace(transaction, table, key, item, size, None), item)


def _update(
    tables: Catalogue, context: Context, transaction: Transaction, request: Request, bound: Bound, body: Update
) -> Outcome:
    change = body.change.bind(bound.placeholders)
    condition = None if body.where is None else body.where.bind(bound.placeholders)
    table = tables.table(transaction, context.scope, body.target.table)
    attributes = key_of(table, bound)
    assert condition is not None, "without a WHERE there is no key"
    check_update_paths(table, change)
    key = table.key(attributes)
    before = transaction.get(key)
    if before is None:
        raise ConditionalCheckFailedException
    check_condition(condition, table, before, request)
    old = state.unpack_item(before)
    try:
        item, size = changed(table, change, old, attributes)
    except ValidationException as error:
        raise ValidationException(TOO_DEEP_AFTER if error.message == TOO_DEEP else error.message) from error
    written = rows.replace(transaction, table, key, item, size, before)
    return Outcome(table, written, attributes, _returned(body.returning, change.touched.apply, old, item))


def _delete(
    tables: Catalogue, context: Context, transaction: Transaction, request: Request, bound: Bound, body: Delete
) -> Outcome:
    condition = None if body.where is None else body.where.bind(bound.placeholders)
    table = tables.table(transaction, context.scope, body.target.table)
    attributes = key_of(table, bound)
    assert condition is not None, "without a WHERE there is no key"
    key = table.key(attributes)
    before = transaction.get(key)
    if before is None:
        return Outcome(table, rows.untouched(transaction, table, key), attributes)
    check_condition(condition, table, before, request)
    old = None if body.returning is None else state.unpack_item(before)
    return Outcome(table, rows.remove(transaction, table, key, before), attributes, old)


def key_of(table: Table, bound: Bound) -> Item:
    """The key an UPDATE's or DELETE's WHERE names. ValidationException when that is not one."""
    key: Item = {}
    for (name, kind), (_, values) in zip(table.hash + table.sort, written_key(bound.text, table.names), strict=True):
        first, *others = [bound.values[value] for value in values]
        if not all(equal(first, each) for each in others):
            raise ValidationException(SEVERAL_KEYS.format(name))
        if kind not in first:
            raise ValidationException(KEY_TYPE.format(name))
        key[name] = first
    return key


def _returned(returning: Returning | None, touched: Any, old: Item, new: Item) -> Item | None:
    if returning is None:
        return None
    item = new if returning.new else old
    return item if returning.everything else touched(item) or None
