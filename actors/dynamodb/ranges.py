"""From key conditions, segments and starting keys to a range of keys in a space.

Order of checks and wording: dynalite's actions/query and actions/scan, which follow AWS.
"""

from collections.abc import Mapping
from typing import Any


from actors.dynamodb.engine.values import Item
from actors.dynamodb.parameters import KeyRange
from actors.dynamodb.state import HASH_BYTES, NO_MATCH, KeyMismatch, Space, Table, closed, encoded_key, past
from schemas.errors import ValidationException

BAD_START = "The provided starting key is invalid"
OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"

Request = Mapping[str, Any]


def bounds(
    table: Table, space: Space, keys: KeyRange, exclusive_start: Item | None, reverse: bool
) -> tuple[bytes, bytes]:
    """start, stop of a Query's rows: start <= row < stop."""
    if exclusive_start is not None:
        _check_start_members(table, space, exclusive_start)
    resolved = keys.resolve(space)
    partition = space.partition(resolved.equal)
    prefix = partition + b"".join(
        closed(encoded_key(resolved.equal, name, kind)) for name, kind in space.sort if name in resolved.equal
    )
    start, stop = resolved.around(prefix)
    if exclusive_start is None:
        return start, stop
    row = _start_row(table, space, exclusive_start)
    if not row.startswith(partition):
        raise ValidationException(OUTSIDE if resolved.is_open else
                                  "The query can return at most one row and cannot be restarted")
    if not start <= row < stop:
        raise ValidationException(
            OUTSIDE if resolved.is_open else "The provided starting key does not match the range key predicate"
        )
    return (start, row) if reverse else (row + b"\0", stop)


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


def segment(space: Space, request: Request) -> tuple[bytes, bytes]:
    """start, stop of a Scan: the whole space, or its Segment of TotalSegments equal parts of the hashes."""
    total, number = request.get("TotalSegments") or 1, request.get("Segment") or 0
    edges = 1 << 8 * HASH_BYTES
    start = -(-edges * number // total)
    stop = -(-edges * (number + 1) // total)
    first = space.prefix + start.to_bytes(HASH_BYTES)
    last = past(space.prefix) if stop == edges else space.prefix + stop.to_bytes(HASH_BYTES)
    return first, last


def start_of(table: Table, space: Space, start: Item, part: tuple[bytes, bytes], request: Request) -> bytes:
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


