"""The ledger: every event that came, in the order in which it came, each chained to the one before by its hash.

    log \\0 <u64 sequence>                          [version, hash, line]: the event's JSON as it came
    id \\0 <account> \\0 <eventID>                   the sequence
    lookup \\0 account \\0 region \\0 <u64 seconds><u64 sequence>     what LookupEvents filters by (management events)
    head                                          {sequence, hash, base, base_hash, bytes}

hash = SHA-256(hash before | line). Rows are only added, and removed from the oldest on when they are too old or too
many; the hash before the oldest is kept in the head, so what is left can always be verified.
"""

from collections.abc import Generator, Iterable
from datetime import datetime
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple, cast

import orjson
import structlog

from actors.runtime.audit.event import user_name
from actors.runtime.audit.operations import resource_of
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack

RECORD_VERSION = 1
RETENTION_S = 90 * 86400.0
LEDGER_LIMIT_BYTES = 256 << 20                     # of events; beyond it the oldest go before their time
PRUNE_LIMIT_ROWS = 128                             # beside each batch of new ones
YIELD_ROWS = 64                                    # a long read gives way after as many
FIRST = b"\0" * 32                                 # the hash before the first event

LOG, ID, LOOKUP, HEAD = b"log\0", b"id\0", b"lookup\0", b"head"
SEQUENCE, PLACE = Struct(">Q"), Struct(">QQ")
OVERHEAD_BYTES = 512                               # of an event's other rows, in the ledger's size

Event = dict[str, Any]
Reading = Generator[None, None, Any]

log = structlog.get_logger(__name__)


class Head(NamedTuple):
    """Events base + 1 … sequence are there."""

    sequence: int = 0
    hash: bytes = FIRST
    base: int = 0
    base_hash: bytes = FIRST
    bytes: int = 0


class Entry(NamedTuple):
    """What a lookup row holds. `resources`: (type, name, ARN)."""

    id: str
    name: str
    source: str
    user: str
    access_key: str
    read_only: str
    resources: list[tuple[str, str, str]]


def head(view: Snapshot) -> Head:
    row = view.get(HEAD)
    if row is None:
        return Head()
    version, *members = unpack(row)
    assert version == RECORD_VERSION, version
    return Head(*members)


def append(transaction: Transaction, lines: Iterable[bytes], limit_bytes: int = LEDGER_LIMIT_BYTES) -> int:
    """How many of the lines were new. What is no event is reported and passed over."""
    now = head(transaction)
    before = now.sequence
    for line in lines:
        event = _event(line)
        if event is None:
            log.error("audit_record_malformed", size_bytes=len(line))
            continue
        key = _id_key(event)
        if transaction.get(key) is not None:
            continue
        sequence, link = now.sequence + 1, _link(now.hash, line)
        transaction.put(LOG + SEQUENCE.pack(sequence), pack([RECORD_VERSION, link, line]))
        transaction.put(key, SEQUENCE.pack(sequence))
        if event["managementEvent"]:
            transaction.put(lookup_key(event, sequence), pack(_entry(event)))
        now = now._replace(sequence=sequence, hash=link, bytes=now.bytes + len(line) + OVERHEAD_BYTES)
    now = _prune(transaction, now, limit_bytes)
    transaction.put(HEAD, pack([RECORD_VERSION, *now]))
    return now.sequence - before


def _event(line: bytes) -> Event | None:
    try:
        event = orjson.loads(line)
        seconds_of(event)
        return {**event, "eventID": str(event["eventID"]), "managementEvent": bool(event["managementEvent"])}
    except (ValueError, KeyError, TypeError):
        return None


def _link(before: bytes, line: bytes) -> bytes:
    return sha256(before + line).digest()


def _prune(transaction: Transaction, now: Head, limit_bytes: int) -> Head:
    oldest_s = transaction.now() - RETENTION_S
    for _ in range(PRUNE_LIMIT_ROWS):
        if now.base >= now.sequence - 1:
            break
        key = LOG + SEQUENCE.pack(now.base + 1)
        row = transaction.get(key)
        if row is None:                            # tampered with: verify() says so, and nothing is thrown away for it
            break
        _, link, line = unpack(row)
        event = _event(line)
        if event is None or (now.bytes <= limit_bytes and seconds_of(event) >= oldest_s):
            break
        transaction.delete(key)
        transaction.delete(_id_key(event))
        transaction.delete(lookup_key(event, now.base + 1))
        now = now._replace(base=now.base + 1, base_hash=link, bytes=now.bytes - len(line) - OVERHEAD_BYTES)
    return now


def read(view: Snapshot, sequence: int) -> bytes | None:
    """The event's JSON."""
    row = view.get(LOG + SEQUENCE.pack(sequence))
    return None if row is None else cast("bytes", unpack(row)[2])


def after(view: Snapshot, sequence: int) -> Iterable[tuple[int, bytes]]:
    """(sequence, JSON) of the events behind one, in order."""
    for key, row in view.scan(LOG + SEQUENCE.pack(sequence + 1), LOG + b"\xff" * 9):
        yield SEQUENCE.unpack_from(key, len(LOG))[0], unpack(row)[2]


def verify(view: Snapshot) -> Reading:
    """{records, first, last, head, broken}: `broken` is None or {sequence, reason} of the first that is wrong."""
    try:
        now = head(view)
    except Exception:                              # whatever a damaged row makes of the codec
        return {"records": 0, "first": 0, "last": 0, "head": "", "broken": {"sequence": 0, "reason": "no head"}}
    link, expected, size_bytes, indexed = now.base_hash, now.base + 1, 0, 0
    reason = ""
    for key, row in view.scan(LOG, LOG + b"\xff" * 9):
        if SEQUENCE.unpack_from(key, len(LOG))[0] != expected:
            reason = "is missing"
        else:
            reason, link, event = _check(view, expected, row, link)
        if reason:
            break
        size_bytes += len(unpack(row)[2]) + OVERHEAD_BYTES
        indexed += event["managementEvent"]
        expected += 1
        if expected % YIELD_ROWS == 0:
            yield
    if not reason and (expected, link, size_bytes) != (now.sequence + 1, now.hash, now.bytes):
        reason = "is missing: the log does not end where its head says"
    if not reason and sum(1 for _ in view.scan(LOOKUP, LOOKUP + b"\xff")) != indexed:
        reason = "follows the last, and LookupEvents finds events that are not in the log"
    return {"records": now.sequence - now.base, "first": now.base + 1, "last": now.sequence, "head": now.hash.hex(),
            "broken": {"sequence": expected, "reason": reason} if reason else None}


def _check(view: Snapshot, sequence: int, row: bytes, before: bytes) -> tuple[str, bytes, Event]:
    """(what is wrong with a row or "", its hash, its event)."""
    try:
        version, link, line = unpack(row)
        event = _event(line)
    except Exception:                              # as above
        return "is damaged", before, {}
    if event is None or version != RECORD_VERSION or link != _link(before, line):
        return "was changed", before, {}
    if view.get(_id_key(event)) != SEQUENCE.pack(sequence):
        return "is not found by its id", link, event
    if event["managementEvent"] and view.get(lookup_key(event, sequence)) != pack(_entry(event)):
        return "is not found by LookupEvents", link, event
    return "", link, event


def seconds_of(event: Event) -> int:
    return int(datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00")).timestamp())


def lookup_prefix(account: str, region: str) -> bytes:
    return LOOKUP + f"{account}\0{region}\0".encode()


def lookup_key(event: Event, sequence: int) -> bytes:
    return lookup_prefix(event["recipientAccountId"], event["awsRegion"]) + PLACE.pack(seconds_of(event), sequence)


def _id_key(event: Event) -> bytes:
    return ID + f"{event['recipientAccountId']}\0{event['eventID']}".encode()


def _entry(event: Event) -> Entry:
    resources = [resource_of(each["ARN"]) for each in event.get("resources") or ()]
    return Entry(
        event["eventID"], event["eventName"], event["eventSource"], user_name(event),
        event["userIdentity"].get("accessKeyId", ""), "true" if event["readOnly"] else "false",
        [(each.type, each.name, each.arn) for each in resources if each is not None],
    )
