"""Streams, the writing side: every change of a table's items, kept for 24 hours in the order of the commits.

    u32 0 | "s" account \\0 region \\0 table \\0 label      a stream: its description, also after its table is gone
    u32 space                                            the last sequence number given out
    u32 space | u64 sequence                             one change

A change is a row of the very transaction that makes it (rows.py), so it is there exactly once and in order, and a write
that changes nothing leaves none. Images are the item's own records, not encoded again. Reading: actors/dynamodbstreams.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html; wording of StreamSpecification's
errors as measured on AWS by the public ack-api-quirks notes (DDB-TABLE-050).
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from actors.dynamodb import state
from actors.dynamodb.engine.expressions.comparison import equal
from actors.dynamodb.engine.values import INVALID, Item
from actors.dynamodb.state import Table
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack
from schemas.errors import ValidationException

RETENTION_S = 24 * 3600.0
TRIM_JOB = "trim_stream"
TRIM_MIN_S, TRIM_MAX_S = 60.0, 3600.0     # between two looks at a stream

INSERT, MODIFY, REMOVE = "INSERT", "MODIFY", "REMOVE"
KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, BOTH = "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"
_KEEPS_OLD, _KEEPS_NEW = frozenset((OLD_IMAGE, BOTH)), frozenset((NEW_IMAGE, BOTH))

_STREAMS = state.catalogue_prefix("stream")
_EVENTS = (INSERT, MODIFY, REMOVE)        # their places are on disk
_EXPIRED = 0x80                           # beside the event: deleted because its time to live was over
_CHANGE = struct.Struct(">BBdII")         # version, event, seconds since the epoch, bytes of the keys, of the old image
_SEQUENCE = struct.Struct(">Q")

Request = Mapping[str, Any]
Scope = tuple[str, str]                   # account, region


class Change(NamedTuple):
    """One row of a stream. `keys`: None when an image tells them."""

    sequence: int
    event: str
    when: float                           # seconds since the epoch
    is_expiry: bool
    keys: Item | None
    old: Item | None
    new: Item | None


# --- turning streams on and off


def check_new(request: Request) -> bool:
    """Does this CreateTable want a stream? ValidationException when its StreamSpecification makes no sense."""
    wanted = request.get("StreamSpecification")
    if wanted is None:
        return False
    if wanted["StreamEnabled"] and wanted.get("StreamViewType") is None:
        raise ValidationException(f"{INVALID}Table is being created with a stream enabled, UpdateViewType is required")
    if not wanted["StreamEnabled"] and wanted.get("StreamViewType") is not None:
        raise ValidationException(
            f"{INVALID}Table is being created with a stream disabled, UpdateViewType should not be specified"
        )
    return bool(wanted["StreamEnabled"])


def update(transaction: Transaction, record: dict[str, Any], request: Request, now: float) -> None:
    """UpdateTable's StreamSpecification, if it has one, on the table's record to be saved."""
    wanted = request.get("StreamSpecification")
    if wanted is None:
        return
    _check_change(request, wanted)
    name = record["description"]["TableName"]
    if wanted["StreamEnabled"]:
        if record.get("stream"):
            raise ValidationException(f"Table already has an enabled stream: TableName: {name}")
        begin(transaction, record, wanted["StreamViewType"], now)
    elif not record.get("stream"):
        raise ValidationException(f"Table has no stream to disable: TableName: {name}")
    else:
        end(transaction, record, now)


def _check_change(request: Request, wanted: Request) -> None:
    if wanted["StreamEnabled"] and wanted.get("StreamViewType") is None:
        raise ValidationException(f"{INVALID}If stream is being enabled then UpdateViewType is required")
    if not wanted["StreamEnabled"] and wanted.get("StreamViewType") is not None:
        raise ValidationException(f"{INVALID}If stream is being disabled, then UpdateViewType must not be specified")
    if request.get("ProvisionedThroughput"):
        raise ValidationException(f"{INVALID}You cannot modify stream status while updating table IOPS")
    if any("Update" not in each for each in request.get("GlobalSecondaryIndexUpdates") or ()):
        raise ValidationException(f"{INVALID}You cannot create or delete index while changing stream status")


def begin(transaction: Transaction, record: dict[str, Any], view: str, now: float) -> None:
    """A new stream for the table of this record, which is to be saved."""
    description = record["description"]
    scope, name = (record["account"], record["region"]), description["TableName"]
    key, label, created = _new_key(transaction, scope, name, now)
    space = state.next_space(transaction)
    record["stream"] = {"space": space, "view": view, "label": label}
    description["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    description["LatestStreamLabel"] = label
    description["LatestStreamArn"] = f"{description['TableArn']}/stream/{label}"
    transaction.put(key, pack({
        "version": state.RECORD_VERSION, "space": space, "view": view, "table": name, "label": label,
        "arn": description["LatestStreamArn"], "key_schema": description["KeySchema"], "created": created,
        "ended": None,
    }))
    transaction.start_job(TRIM_JOB, {"stream": key, "wake_at": now + TRIM_MAX_S})


def _new_key(transaction: Transaction, scope: Scope, name: str, now: float) -> tuple[bytes, str, float]:
    """Key, label and time of a stream that begins now: the label is the time, and no two of a table are alike."""
    milliseconds = int(now * 1000)
    while True:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
        label = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
        key = stream_key(scope, name, label)
        if transaction.get(key) is None:
            return key, label, milliseconds / 1000
        milliseconds += 1


def end(transaction: Transaction, record: dict[str, Any], now: float) -> None:
    """Disables the stream of this table's record, if it has one. What it holds can be read until it is too old."""
    kept = record.pop("stream", None)
    if kept is None:
        return
    description = record["description"]
    del description["StreamSpecification"]
    key = stream_key((record["account"], record["region"]), description["TableName"], kept["label"])
    found = stream_at(transaction, key)
    assert found is not None, "a table's stream has its record"
    transaction.put(key, pack({**found, "ended": now}))


# --- rows


def note(
    transaction: Transaction, table: Table, before: bytes | None, after: bytes | None, *, is_expiry: bool = False
) -> None:
    """Adds a change to the stream of a table that has one. `before` and `after`: the item's records, None: no item."""
    assert table.stream_prefix is not None, table.table_name
    if before is not None and after is not None and _same(before, after):
        return
    event = INSERT if before is None else REMOVE if after is None else MODIFY
    old = before if table.stream_view in _KEEPS_OLD else None
    new = after if table.stream_view in _KEEPS_NEW else None
    keys = b""
    if old is None and new is None:
        item = state.unpack_item(after or before or b"")
        keys = pack({name: item[name] for name in table.names})
    last = transaction.get(table.stream_prefix)
    sequence = _SEQUENCE.pack(1 + (_SEQUENCE.unpack(last)[0] if last else 0))
    transaction.put(table.stream_prefix, sequence)
    kind = _EVENTS.index(event) | (_EXPIRED if is_expiry else 0)
    head = _CHANGE.pack(state.RECORD_VERSION, kind, transaction.now(), len(keys), len(old or b""))
    transaction.put(table.stream_prefix + sequence, b"".join((head, keys, old or b"", new or b"")))


def _same(before: bytes, after: bytes) -> bool:
    """Are two records the same item, whatever the order of its attributes and of its sets' elements?"""
    if before == after:
        return True
    if len(before) != len(after):
        return False                      # no order changes a record's length
    return equal({"M": state.unpack_item(before)}, {"M": state.unpack_item(after)})


def stream_key(scope: Scope, table: str, label: str) -> bytes:
    return _STREAMS + "\0".join((*scope, table, label)).encode()


def stream_at(snapshot: Snapshot, key: bytes) -> dict[str, Any] | None:
    """A stream's record: space, view, table, label, arn, key_schema {AWS's}, created, ended (seconds, None: open)."""
    record = snapshot.get(key)
    if record is None:
        return None
    stream: dict[str, Any] = unpack(record)
    assert stream["version"] == state.RECORD_VERSION, "records of another version are upgraded here"
    return stream


def streams_of(snapshot: Snapshot, scope: Scope, table: str, after: bytes) -> Iterator[dict[str, Any]]:
    """A scope's streams in order of table and label, those of one table only unless it is ""; past the key `after`."""
    start = stream_key(scope, table, "") if table else _STREAMS + "\0".join((*scope, "")).encode()
    for key, _ in snapshot.scan(max(start, after + b"\0") if after else start, state.past(start)):
        stream = stream_at(snapshot, key)
        assert stream is not None, "the row was just read"
        yield stream


def last_sequence(snapshot: Snapshot, space: int) -> int:
    """The last sequence number given out; 0: none."""
    record = snapshot.get(state.space_prefix(space))
    return _SEQUENCE.unpack(record)[0] if record else 0


def first_sequence(snapshot: Snapshot, space: int) -> int:
    """That of the oldest change still there, or of the next one to come."""
    row = next(snapshot.scan(*_rows(space, 0)), None)
    return last_sequence(snapshot, space) + 1 if row is None else _sequence(row[0])


def changes(snapshot: Snapshot, space: int, sequence: int) -> Iterator[Change]:
    """From `sequence` on, in order."""
    for key, row in snapshot.scan(*_rows(space, sequence)):
        yield _change(key, row)


def change_at(snapshot: Snapshot, space: int, sequence: int) -> Change | None:
    key = state.space_prefix(space) + _SEQUENCE.pack(sequence)
    row = snapshot.get(key)
    return None if row is None else _change(key, row)


def _rows(space: int, sequence: int) -> tuple[bytes, bytes]:
    prefix = state.space_prefix(space)
    return prefix + _SEQUENCE.pack(sequence), state.past(prefix)


def _sequence(key: bytes) -> int:
    return int(_SEQUENCE.unpack(key[-_SEQUENCE.size:])[0])


def _change(key: bytes, row: bytes) -> Change:
    version, kind, when, keys_size, old_size = _CHANGE.unpack_from(row)
    assert version == state.RECORD_VERSION, "records of another version are upgraded here"
    start = _CHANGE.size
    keys, old, new = (row[start:start + keys_size], row[start + keys_size:start + keys_size + old_size],
                      row[start + keys_size + old_size:])
    return Change(
        _sequence(key), _EVENTS[kind & ~_EXPIRED], when, bool(kind & _EXPIRED), unpack(keys) if keys else None,
        state.unpack_item(old) if old else None, state.unpack_item(new) if new else None,
    )


# --- the job that trims one stream


def trim_step(transaction: Transaction, now: float, job: dict[str, Any]) -> dict[str, Any] | None:
    """Removes what is older than RETENTION_S; ends with the stream, that long after it was disabled."""
    stream = stream_at(transaction, job["stream"])
    assert stream is not None, "nobody else removes a stream"
    space, horizon = stream["space"], now - RETENTION_S
    due = list(bounded(transaction.scan(*_rows(space, 0)), JOB_STEP_ROWS))
    for key, row in due:
        when = _CHANGE.unpack_from(row)[2]
        if when > horizon:
            wait_s = min(max(when - horizon, TRIM_MIN_S), TRIM_MAX_S)
            return {"stream": job["stream"], "wake_at": now + wait_s}
        transaction.delete(key)
    if due:
        return {"stream": job["stream"]}
    if stream["ended"] is None or stream["ended"] > horizon:
        return {"stream": job["stream"], "wake_at": now + TRIM_MAX_S}
    transaction.delete(state.space_prefix(space))
    transaction.delete(job["stream"])
    return None
