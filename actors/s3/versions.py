"""What can happen to a version of an object: it is put, changed, removed. Each tells what follows from it, in the same
transaction: events (events.py) and copies in other buckets (replication.py)."""

from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.s3 import contents, events, replication
from actors.s3.events import Happened
from actors.s3.state import Bucket, Record


def put(
    transaction: Transaction, bucket: Bucket, event: Happened, current: Record | None, context: Context | None = None
) -> None:
    """The event's record becomes the new version in the place of `current`; what it replaced for good ends. `context`:
    of the request that did it; None: S3 itself did, by a lifecycle."""
    if context is not None:
        replication.mark(bucket, event.key, event.record)
    replaced = bucket.put(event.key, event.record, current)
    if replaced is not None:
        contents.release(transaction, replaced.get("content"))
    follow(transaction, bucket, event, context)


def follow(transaction: Transaction, bucket: Bucket, event: Happened, context: Context | None) -> None:
    """What follows from a version that has come or has changed."""
    replication.enqueue(transaction, bucket, event.key, event.record)
    events.happened(transaction, bucket, event, context)


def change(transaction: Transaction, bucket: Bucket, event: Happened, context: Context) -> None:
    """The event's record stands where its version stood: with other tags, another ACL, another lock."""
    replication.mark_again(bucket, event.key, event.record)
    bucket.update(event.key, event.record)
    follow(transaction, bucket, event, context)


def remove(transaction: Transaction, bucket: Bucket, event: Happened, context: Context | None = None) -> None:
    """The event's version goes for good, here; no replica goes with it."""
    bucket.remove(event.key, event.record)
    contents.release(transaction, event.record.get("content"))
    events.happened(transaction, bucket, event._replace(record=events.removal(transaction, event.record)), context)
