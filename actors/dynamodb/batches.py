"""BatchWriteItem and BatchGetItem. A batch of writes is one commit here: it is done or not, whole.

Order of checks: dynalite's validations; messages measured on AWS by the public dynamodb-conformance suite.
"""

import time
from collections.abc import Generator, Mapping
from typing import Any

from actors.dynamodb import catalogue, rows, state
from actors.dynamodb.capacity import (
    collection_metrics,
    consumed,
    is_told,
    read_units,
    tells_collections,
)
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Projection, check_mixing
from actors.dynamodb.engine.values import SEVERAL, Item, admit, admit_item
from actors.dynamodb.engine.wording import in_current_words
from actors.dynamodb.parameters import ATTRIBUTES, PROJECTION, check_paths, projection_of
from actors.dynamodb.queries import SLICE_S
from actors.dynamodb.rows import Written, write_units
from actors.dynamodb.state import Table
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

WRITES_LIMIT = 25
GETS_LIMIT = 100
ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
EMPTY_REQUEST = "The requestItems parameter is required for BatchWriteItem"
DUPLICATES = "Provided list of item keys contains duplicates"

Request = Mapping[str, Any]


def write(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    planned = planned_writes(tables, context, transaction, request)
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    for name, table, writes, keys, table_sizes in planned:
        done, written = [], []
        for key, each, size in zip(keys, writes, table_sizes, strict=True):
            if rows.is_locked(transaction, table, key):       # a transaction of several shards holds the item
                answer["UnprocessedItems"].setdefault(name, []).append(each)
            else:
                written.append(_write(transaction, table, key, each, size))
                done.append(each)
        _tell(answer, request, table, done, written)
    return answer


def planned_writes(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request
) -> list[tuple[str, Table, list[Request], list[bytes], list[int]]]:
    """Each table, by name and in person, with its writes, their keys and sizes: what can be refused is refused here."""
    sizes = admit_writes(request)
    planned = []
    for name, writes in request["RequestItems"].items():
        table = tables.table(snapshot, context.scope, name)
        planned.append((name, table, writes, _keys(table, writes), sizes[name]))
    return planned


def admit_writes(request: Request) -> dict[str, list[int]]:
    """Checks and normalises all that needs no table; sizes by table."""
    wanted: dict[str, list[Request]] = request["RequestItems"]
    sizes = {name: [_admit(each) for each in writes] for name, writes in _checked(wanted).items()}
    if sum(map(len, sizes.values())) > WRITES_LIMIT:
        raise ValidationException("Too many items requested for the BatchWriteItem call")
    return sizes


def _checked(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    if not wanted:
        raise ValidationException(EMPTY_REQUEST)
    for name in wanted:
        catalogue.checked_name(name)
    return wanted


def _admit(write_request: Request) -> int:
    """Checks and normalises one write's attributes; the size of an item to be put."""
    put, delete = write_request.get("PutRequest"), write_request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise ValidationException(SEVERAL)
    if put is not None:
        return admit_item(put["Item"])
    assert delete is not None
    admit(delete["Key"])
    return 0


def _keys(table: Table, writes: list[Request]) -> list[bytes]:
    keys = []
    for each in writes:
        put = each.get("PutRequest")
        if put is None:
            keys.append(table.key(each["DeleteRequest"]["Key"]))
            continue
        keys.append(table.row(put["Item"]))
        for index in table.indexes:
            index.check(put["Item"])
    if len(set(keys)) != len(keys):
        raise ValidationException(DUPLICATES)
    return keys


def _write(transaction: Transaction, table: Table, key: bytes, write_request: Request, size: int) -> Written:
    before = transaction.get(key)
    if "PutRequest" in write_request:
        return rows.replace(transaction, table, key, write_request["PutRequest"]["Item"], size, before)
    return rows.remove(transaction, table, key, before)


def _tell(
    answer: dict[str, Any], request: Request, table: Table, writes: list[Request], written: list[Written]
) -> None:
    if is_told(request):
        by_index: dict[str, float] = {}
        for each in written:
            for name, units in each.index_units.items():
                by_index[name] = by_index.get(name, 0) + units
        units = sum(write_units(each.size) for each in written)
        answer.setdefault("ConsumedCapacity", []).append(consumed(request, table, units, by_index))
    if tells_collections(request, table):
        metrics = answer.setdefault("ItemCollectionMetrics", {}).setdefault(table.table_name, [])
        for wanted, each in zip(writes, written, strict=True):
            item = wanted["PutRequest"]["Item"] if "PutRequest" in wanted else wanted["DeleteRequest"]["Key"]
            metrics.append(collection_metrics(table, item, each))


def get(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request
) -> Generator[None, None, dict[str, Any]]:
    wanted: dict[str, Request] = request["RequestItems"]
    projections = admit_gets(wanted)
    planned = []
    for name, each in wanted.items():
        table = tables.table(snapshot, context.scope, name)
        keys = [table.key(key) for key in each["Keys"]]
        if len(set(keys)) != len(keys):
            raise ValidationException(DUPLICATES)
        planned.append((name, table, keys))
    answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
    room = ANSWER_LIMIT_BYTES
    for name, table, keys in planned:
        room = yield from _get(answer, snapshot, request, name, table, keys, projections[name], room)
    return answer


def admit_gets(wanted: Mapping[str, Request]) -> dict[str, Projection | None]:
    """Checks and normalises every key, parses every projection. More keys than allowed are refused on the way."""
    projections: dict[str, Projection | None] = {}
    count = 0
    _check_one_style(wanted)
    for name, each in wanted.items():
        catalogue.checked_name(name)
        try:
            for key in each["Keys"]:
                admit(key)
            projections[name] = projection_of(each)
        except ValidationException as error:
            raise in_current_words(error) from error
        count += len(each["Keys"])
    if count > GETS_LIMIT:
        raise ValidationException("Too many items requested for the BatchGetItem call")
    return projections


def _check_one_style(wanted: Mapping[str, Request]) -> None:
    """Old and new style may not be mixed, not even across tables (measured by dynamodb-conformance)."""
    used = {member: each[member] for each in wanted.values() for member in (*PROJECTION, *ATTRIBUTES)
            if each.get(member) is not None}
    check_mixing(used, PROJECTION, ATTRIBUTES)


def _get(
    answer: dict[str, Any], snapshot: Snapshot, request: Request, name: str, table: Table, keys: list[bytes],
    projection: Projection | None, room: int,
) -> Generator[None, None, int]:
    """One table's items into the answer, as far as `room` bytes go, the rest to UnprocessedKeys; the room left."""
    wanted = request["RequestItems"][name]
    consistent = bool(wanted.get("ConsistentRead"))
    if projection is not None:
        check_paths(table, projection.nested)
    found: list[Item] = []
    units = 0.0
    slice_end = time.perf_counter() + SLICE_S
    for position, key in enumerate(keys):
        record = snapshot.get(key)
        size = 0 if record is None else state.item_size(record)
        if size > room:
            left = {member: value for member, value in wanted.items() if member != "Keys"}
            answer["UnprocessedKeys"][name] = {**left, "Keys": wanted["Keys"][position:]}
            break
        room -= size
        units += read_units(size, consistent)
        if record is not None:
            item = state.unpack_item(record)
            found.append(item if projection is None else projection.apply(item))
        if time.perf_counter() > slice_end:
            yield
            slice_end = time.perf_counter() + SLICE_S
    answer["Responses"][name] = found
    if is_told(request):
        answer.setdefault("ConsumedCapacity", []).append(consumed(request, table, units, {}))
    return room
