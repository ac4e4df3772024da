"""From key conditions, segments and starting keys to a range of keys in a space.

Order of checks and wording: dynalite's actions/query and actions/scan, which follow AWS.
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb.engine.expressions import KeyCondition, KeyRange
from actors.dynamodb.engine.values import Item
from actors.dynamodb.state import (
    ENCODERS,
    HASH_BYTES,
    NO_MATCH,
    KeyMismatch,
    Space,
    Table,
    closed,
    escaped,
    past,
)
from schemas.errors import ValidationException

BAD_START = "The provided starting key is invalid"
OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"
NOT_IN_RANGE = "The provided starting key does not match the range key predicate"
ONE_ROW = "The query can return at most one row and cannot be restarted"

Request = Mapping[str, Any]
Range = tuple[bytes, bytes]               # start <= row < stop


def bounds(table: Table, space: Space, keys: KeyCondition, exclusive_start: Item | None, reverse: bool) -> Range:
    """The rows of a Query: those its key conditions allow, beyond the starting key."""
    if exclusive_start is not None:
        _check_start_members(table, space, exclusive_start)
    wanted = keys.resolve(space.hash_names, space.sort_names, space.types)
    partition = space.partition(dict(zip(space.hash_names, wanted.hash_values, strict=True)))
    start, stop = around(space, partition, wanted)
    if exclusive_start is None:
        return start, stop
    row = _start_row(table, space, exclusive_start)
    inside = start <= partition + row[len(partition):] < stop
    if wanted.operator is not None and not inside:
        raise ValidationException(NOT_IN_RANGE)
    if not row.startswith(partition):
        raise ValidationException(OUTSIDE if wanted.operator is None else ONE_ROW)
    return (start, row) if reverse else (row + b"\0", stop)


def around(space: Space, partition: bytes, wanted: KeyRange) -> Range:
    """The rows of a partition that the conditions on its sort key allow."""
    prefix = partition
    for (_, kind), value in zip(space.sort, wanted.equal, strict=False):
        prefix += closed(ENCODERS[kind](value[kind]))
    if wanted.operator is None:
        return prefix, past(prefix)
    kind = space.sort[len(wanted.equal)][1]
    first, *others = (ENCODERS[kind](value[kind]) for value in wanted.bounds)
    if wanted.operator == "begins_with":
        begin = prefix + escaped(first)
        return begin, past(begin)
    low = prefix + closed(first)
    match wanted.operator:
        case "=":
            return low, past(low)
        case "<":
            return prefix, low
        case "<=":
            return prefix, past(low)
        case ">":
            return past(low), past(prefix)
        case ">=":
            return low, past(prefix)
        case "BETWEEN":
            return low, past(prefix + closed(others[0]))
    raise AssertionError(wanted.operator)


def _check_start_members(table: Table, space: Space, start: Item) -> None:
    names = dict.fromkeys(table.names + space.names)
    if len(start) != len(names) or any(name not in start for name in space.names):
        raise ValidationException(BAD_START)
    try:
        space.row(start)
    except KeyMismatch:
        raise ValidationException(NO_MATCH) from None


def _start_row(table: Table, space: Space, start: Item) -> bytes:
    """The row a starting key names. Its table key must be one."""
    try:
        table_key = table.row(start)
    except ValidationException as error:
        raise ValidationException(f"{BAD_START}: {error.message}") from error
    return table_key if space is table else space.row(start) + table_key[len(table.prefix):]


def segment(space: Space, request: Request) -> Range:
    """The rows of a Scan: the whole space, or its Segment of TotalSegments equal parts of the hashes."""
    total, number = request.get("TotalSegments") or 1, request.get("Segment") or 0
    edges = 1 << 8 * HASH_BYTES
    start = -(-edges * number // total)
    stop = -(-edges * (number + 1) // total)
    last = past(space.prefix) if stop == edges else space.prefix + stop.to_bytes(HASH_BYTES)
    return space.prefix + start.to_bytes(HASH_BYTES), last


def start_of(table: Table, space: Space, start: Item, part: Range, request: Request) -> bytes:
    """Where a Scan goes on: just past the row its ExclusiveStartKey names, which lies in its segment."""
    names = dict.fromkeys(table.names + space.names)
    if len(start) != len(names) or any(name not in start for name in names):
        raise ValidationException(BAD_START if space is not table else f"{BAD_START}: {NO_MATCH}")
    if space is not table:
        try:
            space.row(start)
        except KeyMismatch:
            raise ValidationException(BAD_START) from None
    row = _start_row(table, space, start)
    if not part[0] <= row < part[1]:
        raise ValidationException(
            f"{BAD_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
            f"TotalSegments: {request.get('TotalSegments', 1)} Segment: {request.get('Segment', 0)}"
        )
    return row + b"\0"
