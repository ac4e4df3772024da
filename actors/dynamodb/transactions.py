"""Transactions: up to 100 actions on distinct items that all happen or none.

Within a shard it is one transaction of the store, so nothing conflicts and nobody waits; TransactionConflict is met
where one over several shards (agreements.py) holds an item, TransactionInProgress never. `perform` takes actions that
are parsed; whose request they come from (here TransactWriteItems, elsewhere PartiQL's ExecuteTransaction) is no concern
of it.

What can be said from the request and the key schemas alone is an error of the whole request; what depends on one
action's item is a reason to cancel. What a schema refuses comes before any condition is asked. Which is which, and all
wording: measured on AWS by the public dynamodb-conformance suite (tier2/transactions, tier3/error-messages,
tier3/validation-ordering) and Scylla's Alternator suite (test_transact.py); what they leave open is in README.md.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.dynamodb import rows, state, tokens
from actors.dynamodb.capacity import Spent, collection_metrics, is_told, read_units, tells_collections
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition, Projection, Update, check_mixing
from actors.dynamodb.engine.values import Item, admit, admit_item, measure
from actors.dynamodb.errors import ItemCollectionSizeLimitExceededException, TransactionCanceledException
from actors.dynamodb.items import changed
from actors.dynamodb.parameters import (
    ATTRIBUTE_UPDATES,
    CONDITION,
    EXPECTED,
    check_paths,
    check_update_paths,
    condition_of,
    projection_of,
    update_of,
)
from actors.dynamodb.parameters import UPDATE as EXPRESSIONS
from actors.dynamodb.queries import SLICE_S
from actors.dynamodb.rows import Written, write_units
from actors.dynamodb.state import NOT_VALID, Table
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

SIZE_LIMIT_BYTES = 4 * 1024 * 1024        # of all that is sent to be written, and of all items that are read
TRANSACTION_COST = 2                      # every unit is paid twice: preparing and committing

PUT, UPDATE, DELETE, CHECK = "Put", "Update", "Delete", "ConditionCheck"
_ACTIONS = (CHECK, PUT, DELETE, UPDATE)

TWICE = "Transaction request cannot include multiple operations on one item"
SEVERAL = "TransactItems can only contain one of Check, Put, Update or Delete"
EMPTY = "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
TOO_LARGE = "The aggregate size of the items in the transaction exceeds 4 MB"       # of reads
FAILED = ("ConditionalCheckFailed", "The conditional request failed")
DUPLICATE = ("DuplicateItem", "Duplicate primary key exists in table")

Request = Mapping[str, Any]
Reason = dict[str, Any]                   # AWS's CancellationReason
NONE: Reason = {"Code": "None"}
CONFLICT: Reason = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


class Action(NamedTuple):
    """What a transaction does to one item. Attribute values are admitted, expressions bound."""

    kind: str                             # PUT, UPDATE, DELETE, CHECK
    table: str                            # name or ARN
    attributes: Item                      # the item to put; of the others the key
    size: int = 0                         # of the item to put, else of the key and the expressions' values, bytes
    condition: Condition | None = None
    change: Update | None = None
    tells_item: bool = False              # a failed condition tells what stood there
    failure: tuple[str, str] = FAILED     # code and message of a failed condition


class Target(NamedTuple):
    """An action's table and row; `key` is None when `fault` says why there is none."""

    table: Table
    key: bytes | None
    fault: str = ""


# --- writing


def write(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    """TransactWriteItems."""
    actions = [parsed(each) for each in request["TransactItems"]]
    return run(tables, context, transaction, request, actions, request["TransactItems"])


def run(
    tables: Catalogue, context: Context, transaction: Transaction, request: Request, actions: Sequence[Action],
    content: Any,
) -> dict[str, Any]:
    """Performs `actions` once for the request's ClientRequestToken, if it has one, and answers what it asks to be told.

    `content` is what a retry under the same token must repeat: JSON-like, with bytes. ConsumedCapacity and
    ItemCollectionMetrics as the request's ReturnConsumedCapacity and ReturnItemCollectionMetrics want them.
    """
    token = request.get("ClientRequestToken")
    if token is not None and tokens.is_repeated(transaction, context.scope, token, content):
        return _told_again(tables, context, transaction, request, actions)
    targets = located(tables, context, transaction, actions)
    written = perform(transaction, actions, targets)
    if token is not None:
        tokens.remember(transaction, context.scope, token, content)
    return told(request, actions, targets, written)


def parsed(request: Request) -> Action:
    """One of TransactItems. Checked before any table is looked up, in the order of the request."""
    given = [kind for kind in _ACTIONS if request.get(kind) is not None]
    if len(given) != 1:
        raise ValidationException(SEVERAL if given else EMPTY)
    (kind,) = given
    wanted: Request = request[kind]
    if kind == UPDATE:
        check_mixing(wanted, EXPRESSIONS, ATTRIBUTE_UPDATES)
    else:
        check_mixing(wanted, CONDITION, EXPECTED)
    attributes: Item = wanted["Item" if kind == PUT else "Key"]
    size = admit_item(attributes) if kind == PUT else admit(attributes)
    change, condition = update_of(wanted) if kind == UPDATE else (None, condition_of(wanted))
    if kind != PUT:
        size += measure(wanted.get("ExpressionAttributeValues") or {})
    tells = wanted.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return Action(kind, wanted["TableName"], attributes, size, condition, change, tells)


def located(
    tables: Catalogue, context: Context, snapshot: Snapshot, actions: Iterable[Action]
) -> list[Target]:
    """Tables and rows. ResourceNotFoundException; ValidationException for empty keys, an item named twice, and actions
    of more than SIZE_LIMIT_BYTES together."""
    targets = []
    size = 0
    for action in actions:
        table = tables.table(snapshot, context.scope, action.table)
        targets.append(_target(table, _row, action))
        size += action.size
    check_distinct(targets)
    check_payload(size)
    return targets


def check_payload(size: int) -> None:
    """What is sent counts, bytes; what stands there and goes may be more. ValidationException."""
    if size > SIZE_LIMIT_BYTES:
        told = f"Transaction payload size cannot exceed 4MB. Payload Size: {size}"
        raise ValidationException(told)


def _row(table: Table, action: Action) -> bytes:
    if action.kind != PUT:
        return table.key(action.attributes)
    key = table.item_key(action.attributes)
    for index in table.indexes:
        index.check(action.attributes)
    return key


def _target(table: Table, row: Callable[..., bytes], *arguments: Any) -> Target:
    try:
        return Target(table, row(table, *arguments))
    except ValidationException as error:
        if error.message.startswith(NOT_VALID):          # an empty key value: refused whole
            raise
        return Target(table, None, error.message)


def check_distinct(targets: Iterable[Target]) -> None:
    keys = [target.key for target in targets if target.key is not None]
    if len(set(keys)) != len(keys):
        raise ValidationException(TWICE)


def perform(transaction: Transaction, actions: Sequence[Action], targets: Sequence[Target]) -> list[Written]:
    """Does all of it: what each action wrote. TransactionCanceledException with a reason for each action when one
    cannot; the caller's transaction is dropped with it."""
    _check_faults(targets)
    done: list[Written] = []
    reasons: list[Reason] = []
    for action, target in zip(actions, targets, strict=True):
        reason = NONE
        assert target.key is not None, "what has no row was refused"
        if rows.is_locked(transaction, target.table, target.key):
            reason = CONFLICT
        else:
            before = transaction.get(target.key)
            try:
                reason = _unmet(action, target.table, before) or NONE
                if reason is NONE:
                    done.append(_apply(transaction, action, target.table, target.key, before))
            except ValidationException as error:
                if error.message.startswith(NOT_VALID):
                    raise
                reason = _invalid(error.message)
            except ItemCollectionSizeLimitExceededException as error:
                reason = {"Code": "ItemCollectionSizeLimitExceeded", "Message": error.message}
        reasons.append(reason)
    if len(done) < len(reasons):
        raise TransactionCanceledException(reasons)
    return done


def _check_faults(targets: Sequence[Target]) -> None:
    """Of several actions that do not fit their schemas only the first is told, and no condition of the others."""
    first = next((target for target in targets if target.key is None), None)
    if first is not None:
        raise TransactionCanceledException([_invalid(first.fault) if each is first else NONE for each in targets])


def _invalid(message: str) -> Reason:
    return {"Code": "ValidationError", "Message": message}


def _unmet(action: Action, table: Table, before: bytes | None) -> Reason | None:
    """Why the action's condition does not hold of what stands there; None when it does."""
    if action.change is not None:
        check_update_paths(table, action.change)
    if action.condition is None:
        return None
    check_paths(table, action.condition.nested)
    item = None if before is None else state.unpack_item(before)
    if action.condition.holds(item):
        return None
    code, message = action.failure
    reason: dict[str, Any] = {"Code": code, "Message": message}
    if action.tells_item and item is not None:
        reason["Item"] = item
    return reason


def _apply(transaction: Transaction, action: Action, table: Table, key: bytes, before: bytes | None) -> Written:
    if action.kind == PUT:
        return rows.replace(transaction, table, key, action.attributes, action.size, before)
    if action.kind == DELETE:
        return rows.remove(transaction, table, key, before)
    if action.kind == CHECK:
        return Written(0 if before is None else state.item_size(before))
    old = None if before is None else state.unpack_item(before)
    if old is None and action.change is not None and action.change.only_removes:
        return rows.untouched(transaction, table, key)
    item, size = changed(table, action.change, old, action.attributes)
    return rows.replace(transaction, table, key, item, size, before)


def told(
    request: Request, actions: Sequence[Action], targets: Sequence[Target], written: Sequence[Written]
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if is_told(request):
        spent = Spent("WriteCapacityUnits", TRANSACTION_COST)
        for target, each in zip(targets, written, strict=True):
            spent.add(target.table, write_units(each.size), each.index_units)
        answer["ConsumedCapacity"] = spent.told(request)
    metrics: dict[str, list[dict[str, Any]]] = {}
    for action, target, each in zip(actions, targets, written, strict=True):
        if action.kind != CHECK and tells_collections(request, target.table):
            told = collection_metrics(target.table, action.attributes, each)
            metrics.setdefault(target.table.table_name, []).append(told)
    if metrics:
        answer["ItemCollectionMetrics"] = metrics
    return answer


def _told_again(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request, actions: Sequence[Action]
) -> dict[str, Any]:
    """A retry under a known token does nothing; it is charged as if it read the items."""
    if not is_told(request):
        return {}
    spent = Spent("ReadCapacityUnits", TRANSACTION_COST)
    for table, key, _ in located(tables, context, snapshot, actions):
        record = None if key is None else snapshot.get(key)
        spent.add(table, read_units(0 if record is None else state.item_size(record), True), {})
    return {"ConsumedCapacity": spent.told(request)}


# --- reading


def get(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request
) -> Generator[None, None, dict[str, Any]]:
    """TransactGetItems: all from one snapshot."""
    wanted: list[Request] = [each["Get"] for each in request["TransactItems"]]
    projections: list[Projection | None] = []
    for each in wanted:
        admit(each["Key"])
        projections.append(projection_of(each))
    targets = []
    for each, projection in zip(wanted, projections, strict=True):
        table = tables.table(snapshot, context.scope, each["TableName"])
        targets.append(_target(table, _read_row, each["Key"], projection))
    check_distinct(targets)
    if any(target.key is None for target in targets):
        raise TransactionCanceledException([_invalid(each.fault) if each.key is None else NONE for each in targets])
    return (yield from read(snapshot, request, targets, projections))


def _read_row(table: Table, attributes: Item, projection: Projection | None) -> bytes:
    key = table.key(attributes)
    if projection is not None:
        check_paths(table, projection.nested)
    return key


def read(
    snapshot: Snapshot, request: Request, targets: Sequence[Target], projections: Sequence[Projection | None]
) -> Generator[None, None, dict[str, Any]]:
    """The items of rows that were found, in order: {Responses, ConsumedCapacity as the request wants it}.
    TransactionCanceledException while another transaction holds one."""
    locked = [each.key is not None and rows.is_locked(snapshot, each.table, each.key) for each in targets]
    if any(locked):
        raise TransactionCanceledException([CONFLICT if each else NONE for each in locked])
    responses: list[dict[str, Any]] = []
    spent = Spent("ReadCapacityUnits", TRANSACTION_COST)
    total = 0
    slice_end = time.perf_counter() + SLICE_S
    for (table, key, _), projection in zip(targets, projections, strict=True):
        assert key is not None, "what has no row was refused"
        record = snapshot.get(key)
        size = 0 if record is None else state.item_size(record)
        total += size
        if total > SIZE_LIMIT_BYTES:
            raise ValidationException(TOO_LARGE)
        spent.add(table, read_units(size, True), {})
        item = None if record is None else state.unpack_item(record)
        if item is not None and projection is not None:
            item = projection.apply(item)
        responses.append({} if item is None else {"Item": item})
        if time.perf_counter() > slice_end:
            yield
            slice_end = time.perf_counter() + SLICE_S
    answer: dict[str, Any] = {"Responses": responses}
    if is_told(request):
        answer["ConsumedCapacity"] = spent.told(request)
    return answer
