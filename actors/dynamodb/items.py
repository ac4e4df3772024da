"""PutItem, GetItem, DeleteItem, UpdateItem.

Checks come in AWS's order: parameters that exclude each other, attribute values, return values, expressions, size; then
the table, its keys and indexes; then the condition. What is wrong with a write's parameters stands in an envelope
(engine/wording.py). Source: dynalite's validations, which follow AWS.
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb import catalogue, rows, state
from actors.dynamodb.capacity import consumed, is_told, read_units, tell_write
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition, Update, check_mixing
from actors.dynamodb.engine.values import ITEM_LIMIT_BYTES, TOO_LARGE, Item, admit, measure
from actors.dynamodb.engine.wording import enveloped, in_current_words
from actors.dynamodb.errors import ConditionalCheckFailedException
from actors.dynamodb.parameters import (
    ATTRIBUTE_UPDATES,
    ATTRIBUTES,
    CONDITION,
    EXPECTED,
    PROJECTION,
    UPDATE,
    check_paths,
    check_return_values,
    check_update_paths,
    condition_of,
    projection_of,
    update_of,
)
from actors.dynamodb.state import Table
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

Request = Mapping[str, Any]

TOO_LARGE_UPDATE = "Item size to update has exceeded the maximum allowed size"
_PLAIN_MEMBERS = 2                        # a request of TableName and Item (or Key) alone asks for nothing more


def put(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.checked_name(request["TableName"])
    item: Item = request["Item"]
    size, condition = _admitted(request, item)
    if size > ITEM_LIMIT_BYTES:
        raise ValidationException(TOO_LARGE)
    table = tables.table(transaction, context.scope, name)
    key = table.item_key(item)
    for index in table.indexes:
        index.check(item)
    before = transaction.get(key)
    if condition is not None:
        check_condition(condition, table, before, request)
    written = rows.replace(transaction, table, key, item, size, before)
    return _told(request, table, written, before, item)


def delete(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.checked_name(request["TableName"])
    key_attributes: Item = request["Key"]
    _, condition = _admitted(request, key_attributes)
    table = tables.table(transaction, context.scope, name)
    key = table.key(key_attributes)
    before = transaction.get(key)
    if condition is not None:
        check_condition(condition, table, before, request)
    written = rows.remove(transaction, table, key, before)
    return _told(request, table, written, before, key_attributes)


def _admitted(request: Request, attributes: Item) -> tuple[int, Condition | None]:
    """Of a put or a delete, before its table is looked at: the size of its attributes, and its condition."""
    try:
        if len(request) == _PLAIN_MEMBERS:
            return admit(attributes), None
        check_mixing(request, CONDITION, EXPECTED)
        size = admit(attributes)
        check_return_values(request)
        return size, condition_of(request)
    except ValidationException as error:
        raise enveloped(error) from error


def _told(
    request: Request, table: Table, written: rows.Written, before: bytes | None, attributes: Item
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if len(request) == _PLAIN_MEMBERS:
        return answer
    if before is not None and request.get("ReturnValues") == "ALL_OLD":
        answer["Attributes"] = state.unpack_item(before)
    tell_write(answer, request, table, written, attributes)
    return answer


def get(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    plain = len(request) == _PLAIN_MEMBERS
    name = catalogue.checked_name(request["TableName"])
    key_attributes: Item = request["Key"]
    try:
        if not plain:
            check_mixing(request, PROJECTION, ATTRIBUTES)
        admit(key_attributes)
        projection = None if plain else projection_of(request)
    except ValidationException as error:
        raise in_current_words(error) from error
    table = tables.table(snapshot, context.scope, name)
    if projection is not None:
        check_paths(table, projection.nested)
    record = snapshot.get(table.key(key_attributes))
    answer: dict[str, Any] = {}
    if record is not None:
        item = state.unpack_item(record)
        answer["Item"] = item if projection is None else projection.apply(item)
    if is_told(request):
        size = 0 if record is None else state.item_size(record)
        answer["ConsumedCapacity"] = consumed(request, table, read_units(size, bool(request.get("ConsistentRead"))), {})
    return answer


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.checked_name(request["TableName"])
    key_attributes: Item = request["Key"]
    try:
        check_mixing(request, UPDATE, ATTRIBUTE_UPDATES)
        admit(key_attributes)
        change, condition = update_of(request)
    except ValidationException as error:
        raise enveloped(error) from error
    table = tables.table(transaction, context.scope, name)
    key = table.key(key_attributes)
    if change is not None:
        check_update_paths(table, change)
    before = transaction.get(key)
    if condition is not None:
        check_condition(condition, table, before, request)
    old = None if before is None else state.unpack_item(before)
    answer: dict[str, Any] = {}
    if old is None and change is not None and change.only_removes:
        tell_write(answer, request, table, rows.untouched(transaction, table, key), key_attributes)
        return answer
    item, size, charged = _evaluated(change, old, key_attributes, 0 if before is None else state.item_size(before))
    if size > ITEM_LIMIT_BYTES or charged > ITEM_LIMIT_BYTES:
        raise ValidationException(TOO_LARGE_UPDATE)
    _check_indexes(table, change, item)
    written = rows.replace(transaction, table, key, item, size, before)
    attributes = _returned(request.get("ReturnValues"), change, old, item)
    if attributes:
        answer["Attributes"] = attributes
    tell_write(answer, request, table, written, key_attributes)
    return answer


def changed(table: Table, change: Update | None, old: Item | None, key: Item) -> tuple[Item, int]:
    """The item an update leaves and its size; an item that is not there begins as its key."""
    item, size, _ = _evaluated(change, old, key, 0 if old is None else measure(old))
    if size > ITEM_LIMIT_BYTES:
        raise ValidationException(TOO_LARGE_UPDATE)
    _check_indexes(table, change, item)
    return item, size


def _check_indexes(table: Table, change: Update | None, item: Item) -> None:
    """Of what the update writes: what stood there before an index did may be none of its keys."""
    if change is None or not table.indexes:
        return
    written = {name: item[name] for name in change.touched.attributes if name in item}
    for index in table.indexes:
        index.check(written, is_update=True)


def _evaluated(change: Update | None, old: Item | None, key: Item, size: int) -> tuple[Item, int, int]:
    """The item an update leaves, its size, and what UpdateItem alone measures beside it: the attributes the update
    writes and a cost per clause. `size`: of `old`. Only what the update touches is looked at again.

    Source: measured byte by byte on AWS by the public dynamodb-conformance suite (tier3/limits/itemSizeBySurface).
    """
    start, size = (key, measure(key)) if old is None else (old, size)
    if change is None:
        return dict(start), size, 0
    item = change.apply(start, old is not None)
    touched = change.touched.attributes
    written = admit({name: item[name] for name in touched if name in item})
    replaced = measure({name: start[name] for name in touched if name in start})
    return item, size + written - replaced, written + change.cost_bytes


def _returned(wanted: str | None, change: Update | None, old: Item | None, new: Item) -> Item | None:
    if wanted == "ALL_NEW":
        return new
    if wanted == "ALL_OLD":
        return old
    if change is not None and wanted == "UPDATED_NEW":
        return change.touched.apply(new)
    if change is not None and old is not None and wanted == "UPDATED_OLD":
        return change.touched.apply(old)
    return None


def check_condition(condition: Condition, table: Table, before: bytes | None, request: Request) -> None:
    """ConditionalCheckFailedException unless the condition holds of what stands there, if anything does."""
    check_paths(table, condition.nested)
    item = None if before is None else state.unpack_item(before)
    if not condition.holds(item):
        wants_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        raise ConditionalCheckFailedException(item if wants_item else None)
