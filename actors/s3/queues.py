"""Queues in the shard: what a write leaves for a job to take elsewhere, recorded in the write's own transaction.

    q | name \\0\\0 | u64 sequence                     an item
    h | name                                         the queue itself, while it holds anything

A queue that gets its first item starts the job that empties it; the job ends with the last. `run` tells a job of an
earlier life from that of now: after a crash both may be there, and the older one just ends.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from struct import Struct
from typing import Any, NamedTuple

from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import state
from bus.codec import pack, unpack

_SEQUENCE = Struct(">Q")
_RUN_BYTES = 6


class Queue(NamedTuple):
    """`name`: parts joined by zero bytes, which none of them holds. `job` empties it, and is given `purpose` with its
    state. At most `limit` items wait: what comes then is refused."""

    name: bytes
    job: str
    purpose: Mapping[str, Any]
    limit: int


class Item(NamedTuple):
    key: bytes
    content: dict[str, Any]


def push(transaction: Transaction, queue: Queue, content: Mapping[str, Any]) -> bool:
    """False: it is full, and this is not in it."""
    head = state.read(transaction, _head(queue.name))
    if head is None:
        head = {"run": secrets.token_hex(_RUN_BYTES), "next": 0, "count": 0}
        transaction.start_job(queue.job, {**queue.purpose, "queue": queue.name, "run": head["run"]})
    if head["count"] >= queue.limit:
        return False
    transaction.put(_rows(queue.name) + _SEQUENCE.pack(head["next"]), pack(content))
    state.write(transaction, _head(queue.name), {**head, "next": head["next"] + 1, "count": head["count"] + 1})
    return True


def first(view: Snapshot, job: Mapping[str, Any], count: int) -> list[Item]:
    """The oldest items, for the job that this state is of."""
    return [] if _of(view, job) is None else list(islice(_items(view, job["queue"]), count))


def done(transaction: Transaction, job: Mapping[str, Any], items: Sequence[Item]) -> bool:
    """These have been dealt with. Is there more for this job to do?"""
    head = _of(transaction, job)
    if head is None:
        return False
    gone = [item for item in items if transaction.get(item.key) is not None]
    for item in gone:
        transaction.delete(item.key)
    count = head["count"] - len(gone)
    if count:
        state.write(transaction, _head(job["queue"]), {**head, "count": count})
    else:
        transaction.delete(_head(job["queue"]))
    return bool(count)


def _of(view: Snapshot, job: Mapping[str, Any]) -> state.Record | None:
    head = state.read(view, _head(job["queue"]))
    return head if head is not None and head["run"] == job["run"] else None


def _items(view: Snapshot, name: bytes) -> Iterator[Item]:
    prefix = _rows(name)
    for key, row in view.scan(prefix, prefix + b"\xff" * (_SEQUENCE.size + 1)):
        yield Item(key, unpack(row))


def _rows(name: bytes) -> bytes:
    return b"q" + name + b"\0\0"


def _head(name: bytes) -> bytes:
    return b"h" + name
