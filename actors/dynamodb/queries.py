"""Query and Scan: which rows, in pages of 1 MB counted before the filter.

Both are a range of one space (a table's or an index's) read in order. They give way every SLICE_S, so that other
callers are answered while a long page is filtered. Checks in dynalite's order; messages measured on AWS by the public
dynamodb-conformance suite.
"""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from actors.dynamodb import catalogue, state
from actors.dynamodb.capacity import consumed, is_told, read_units
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition, Projection
from actors.dynamodb.engine.values import INVALID, Item
from actors.dynamodb.parameters import Read, check_kept, check_paths, query_parameters, scan_parameters
from actors.dynamodb.ranges import bounds, segment, start_of
from actors.dynamodb.state import Index, Space, Table
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from schemas.errors import ValidationException

PAGE_LIMIT_BYTES = 1024 * 1024
SLICE_S = 0.002
SLICE_CHECK_ROWS = 16                     # the clock is read once in so many rows

Request = Mapping[str, Any]
Paging = Generator[None, None, dict[str, Any]]


@dataclass(slots=True)
class Page:
    """A range of rows and what is made of each."""

    table: Table
    space: Space
    start: bytes
    stop: bytes
    reverse: bool
    limit: int                            # rows looked at; 0: no limit
    condition: Condition | None
    projection: Projection | None
    fetches: bool                         # the items themselves are wanted, not what the index keeps of them
    counts_only: bool


def query(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Paging:
    name = catalogue.checked_name(request["TableName"])
    read = query_parameters(request)
    table = tables.table(snapshot, context.scope, name)
    space = _space(table, request)
    assert read.keys is not None
    reverse = request.get("ScanIndexForward") is False
    start, stop = bounds(table, space, read.keys, request.get("ExclusiveStartKey"), reverse)
    _check_key_attributes(table, space, read, is_query=True)
    fetches = _fetches(space, request)
    return (yield from _read(snapshot, request, Page(
        table, space, start, stop, reverse, request.get("Limit") or 0, read.filter, read.projection, fetches,
        request.get("Select") == "COUNT",
    )))


def scan(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Paging:
    name = catalogue.checked_name(request["TableName"])
    read = scan_parameters(request)
    table = tables.table(snapshot, context.scope, name)
    space = _space(table, request)
    fetches = _fetches(space, request)
    start, stop = segment(space, request)
    if request.get("ExclusiveStartKey") is not None:
        start = start_of(table, space, request["ExclusiveStartKey"], (start, stop), request)
    _check_key_attributes(table, space, read, is_query=False)
    return (yield from _read(snapshot, request, Page(
        table, space, start, stop, False, request.get("Limit") or 0, read.filter, read.projection, fetches,
        request.get("Select") == "COUNT",
    )))


def _space(table: Table, request: Request) -> Space:
    name = request.get("IndexName")
    if name is None:
        return table
    index = table.index(name)
    if index is None:
        raise ValidationException(f"The table does not have the specified index: {name}")
    if index.is_global and request.get("ConsistentRead"):
        raise ValidationException("Consistent reads are not supported on global secondary indexes")
    if index.is_filling:
        raise ValidationException(f"Cannot read from backfilling global secondary index: {name}")
    return index


def _fetches(space: Space, request: Request) -> bool:
    """Must the table's own items be looked up: a local index can be asked for attributes it does not keep."""
    if not isinstance(space, Index) or space.projected is None:
        return False
    if request.get("Select") == "ALL_ATTRIBUTES":
        if space.is_global:
            raise ValidationException(
                f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index {space.name} "
                "because its projection type is not ALL"
            )
        return True
    return not space.is_global and request.get("ProjectionExpression", request.get("AttributesToGet")) is not None


def _check_key_attributes(table: Table, space: Space, read: Read, *, is_query: bool) -> None:
    """A filter of a Query may not name its keys; no path may lead into a key; a global index has only what it keeps."""
    if read.projection is not None:
        check_paths(table, read.projection.nested)
        check_kept(space, read.projection)
    if read.filter is None:
        return
    if is_query:
        for name in space.names:
            if name in read.filter.attributes:
                raise ValidationException(
                    f"{read.filter_words} can only contain non-primary key attributes: Primary key attribute: {name}"
                )
    check_paths(table, read.filter.nested)


def _read(snapshot: Snapshot, request: Request, page: Page) -> Paging:
    table, condition, projection = page.table, page.condition, page.projection
    project = None if projection is None else projection.apply
    items: list[Item] = []
    scanned = count = size = fetched_size = 0
    last: bytes | None = None
    limit = page.limit or -1
    slice_end = time.perf_counter() + SLICE_S
    for _, record in snapshot.scan(page.start, page.stop, reverse=page.reverse):
        scanned += 1
        size += state.item_size(record)
        if condition is None and page.counts_only:
            count += 1
        else:
            item = state.unpack_item(record)
            if page.fetches:
                whole = snapshot.get(table.row(item))
                assert whole is not None, "an index entry without its item"
                fetched_size += state.item_size(whole)
                item = state.unpack_item(whole)
            if condition is None or condition.holds(item):
                count += 1
                if not page.counts_only:
                    items.append(item if project is None else project(item))
        if scanned == limit or size >= PAGE_LIMIT_BYTES:
            last = record
            break
        if scanned % SLICE_CHECK_ROWS == 0 and time.perf_counter() > slice_end:
            yield
            slice_end = time.perf_counter() + SLICE_S
    answer: dict[str, Any] = {"Count": count, "ScannedCount": scanned}
    if not page.counts_only:
        answer["Items"] = items
    if last is not None:
        whole_item = state.unpack_item(last)
        answer["LastEvaluatedKey"] = {name: whole_item[name] for name in dict.fromkeys(table.names + page.space.names)}
    if is_told(request):
        answer["ConsumedCapacity"] = _consumed(request, page, size, fetched_size)
    return answer


def _consumed(request: Request, page: Page, size: int, fetched_size: int) -> dict[str, Any]:
    consistent = bool(request.get("ConsistentRead"))
    if page.space is page.table:
        return consumed(request, page.table, read_units(size, consistent), {})
    fetched = read_units(fetched_size, consistent) if fetched_size else 0.0
    return consumed(request, page.table, fetched, {page.space.name: read_units(size, consistent)})
