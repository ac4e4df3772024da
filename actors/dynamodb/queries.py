"""Query and Scan: which rows, in pages of 1 MB counted before the filter.

Both are a range of one space (a table's or an index's) read in order. They give way every SLICE_S, so that other
callers are answered while a long page is filtered. Checks in dynalite's order; messages measured on AWS by the public
dynamodb-conformance suite.
"""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.dynamodb import catalogue, state
from actors.dynamodb.capacity import consumed, is_told, read_units
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition
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
    project: Callable[[Item], Item] | None    # None: the whole item
    fetches: bool                         # the items themselves are wanted, not what the index keeps of them
    counts_only: bool


@dataclass(slots=True)
class Tally:
    """What was read so far."""

    items: list[Item] = field(default_factory=list)
    scanned: int = 0
    count: int = 0
    size: int = 0                         # bytes, of what was scanned
    fetched_size: int = 0                 # bytes, of the items looked up
    fetched_units: float = 0.0            # the same, each for itself, read consistently
    last: bytes | None = None             # the record the page ended at; None: nothing is left
    last_row: bytes = b""                 # and its key


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
        table, space, start, stop, reverse, request.get("Limit") or 0, read.filter, _project(read), fetches,
        request.get("Select") == "COUNT",
    )))


def scan(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Paging:
    name = catalogue.checked_name(request["TableName"])
    read = scan_parameters(request)
    table = tables.table(snapshot, context.scope, name)
    space = _space(table, request)
    fetches = _fetches(space, request)
    start, stop = segment(space, request)
    if request.get("ExclusiveStartKey"):
        start = start_of(table, space, request["ExclusiveStartKey"], (start, stop), request)
    _check_key_attributes(table, space, read, is_query=False)
    return (yield from _read(snapshot, request, Page(
        table, space, start, stop, False, request.get("Limit") or 0, read.filter, _project(read), fetches,
        request.get("Select") == "COUNT",
    )))


def _project(read: Read) -> Callable[[Item], Item] | None:
    return None if read.projection is None else read.projection.apply


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
    tally = Tally()
    yield from walk(snapshot, page, tally)
    answer: dict[str, Any] = {"Count": tally.count, "ScannedCount": tally.scanned}
    if not page.counts_only:
        answer["Items"] = tally.items
    if tally.last is not None:
        answer["LastEvaluatedKey"] = last_key(page.table, page.space, tally.last)
    if is_told(request):
        answer["ConsumedCapacity"] = _consumed(request, page, tally.size, tally.fetched_size)
    return answer


def last_key(table: Table, space: Space, last: bytes) -> Item:
    """The key attributes, of the table and of what is read, of the record a page ended at."""
    item = state.unpack_item(last)
    return {name: item[name] for name in dict.fromkeys(table.names + space.names)}


def walk(snapshot: Snapshot, page: Page, tally: Tally) -> Generator[None, None, None]:
    """Reads the page's range into `tally`, on top of what stands there, up to the limits of a page."""
    table, condition, project = page.table, page.condition, page.project
    items = tally.items
    scanned, count, size = tally.scanned, tally.count, tally.size
    limit = page.limit or -1
    slice_end = time.perf_counter() + SLICE_S
    for row, record in snapshot.scan(page.start, page.stop, reverse=page.reverse):
        scanned += 1
        size += state.item_size(record)
        if condition is None and page.counts_only:
            count += 1
        else:
            item = state.unpack_item(record)
            if page.fetches:
                whole = snapshot.get(table.row(item))
                assert whole is not None, "an index entry without its item"
                tally.fetched_size += state.item_size(whole)
                tally.fetched_units += read_units(state.item_size(whole), consistent=True)
                item = state.unpack_item(whole)
            if condition is None or condition.holds(item):
                count += 1
                if not page.counts_only:
                    items.append(item if project is None else project(item))
        if scanned == limit or size >= PAGE_LIMIT_BYTES:
            tally.last, tally.last_row = record, row
            break
        if scanned % SLICE_CHECK_ROWS == 0 and time.perf_counter() > slice_end:
            yield
            slice_end = time.perf_counter() + SLICE_S
    tally.scanned, tally.count, tally.size = scanned, count, size


def _consumed(request: Request, page: Page, size: int, fetched_size: int) -> dict[str, Any]:
    consistent = bool(request.get("ConsistentRead"))
    if page.space is page.table:
        return consumed(request, page.table, read_units(size, consistent), {})
    fetched = read_units(fetched_size, consistent) if fetched_size else 0.0
    return consumed(request, page.table, fetched, {page.space.name: read_units(size, consistent)})
