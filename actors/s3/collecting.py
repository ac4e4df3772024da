"""Files that no object names any more: found and dealt with, in jobs.

`sweep` removes what contents.release has put aside, once its time has come and its readers have done. `tend` walks all
shelves once a day: what no record knows is what a crash left between a file and its record, and is removed; what a
record knows is read again and compared with its stored sum (scrubbing.py).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Transaction
from actors.s3 import contents
from actors.s3.engine.blobs import SHELVES, Blobs
from actors.s3.scrubbing import Scrubber

TEND_JOB = "tend"
TEND_WAIT_S = 24 * 3600.0                 # between two walks
SHELF_WAIT_S = 1.0                        # between two shelves
BUSY_WAIT_S = 10.0                        # until a file that is being read is asked for again
_TENDING = b"t"

log = structlog.get_logger(__name__)


def begin(transaction: Transaction) -> None:
    """The walk, started once in the life of a shard."""
    if transaction.get(_TENDING) is None:
        transaction.put(_TENDING, b"")
        transaction.start_job(TEND_JOB, {"shelf": 0})


def begun(_: Any, error: BaseException | None) -> None:
    if error is not None:
        log.error("tending_not_begun", exc_info=error)


async def sweep(shard: Shard, blobs: Blobs, now: float) -> dict[str, Any] | None:
    due: list[tuple[bytes, list[str]]] = shard.read(lambda view: list(contents.due_garbage(view, now)))
    removed = []
    for key, names in due:
        if await asyncio.to_thread(blobs.remove, names):
            removed.append((key, names))
    following = await shard.transact(lambda transaction: contents.forget(transaction, removed))
    if following is None:
        return None
    return {"wake_at": max(following, now + BUSY_WAIT_S) if len(removed) < len(due) else following}


async def tend(
    shard: Shard, blobs: Blobs, scrubber: Scrubber, now: float, state: dict[str, Any]
) -> dict[str, Any]:
    shelf = state["shelf"]
    if shelf == 0:
        await asyncio.to_thread(blobs.sweep_incoming)
    await remove_orphans(shard, blobs, shelf)
    await scrubber.shelf(shelf)
    if shelf + 1 < SHELVES:
        return {"shelf": shelf + 1, "wake_at": now + SHELF_WAIT_S}
    return {"shelf": 0, "wake_at": now + TEND_WAIT_S}


async def remove_orphans(shard: Shard, blobs: Blobs, shelf: int) -> None:
    names = await asyncio.to_thread(blobs.settled, shelf)
    orphans: list[str] = shard.read(lambda view: [name for name in names if not contents.is_known(view, name)])
    for name in orphans:
        if await asyncio.to_thread(blobs.remove, [name]):
            log.info("orphan_removed", file=name)


@asynccontextmanager
async def named_or_removed(shard: Shard, blobs: Blobs, names: Sequence[str]) -> AsyncIterator[None]:
    """Inside, a commit is to name these files. Where that fails they go at once; but a commit that failed late may
    stand all the same (an fsync's error), and what the shard knows stays."""
    try:
        yield
    except Exception:
        left = shard.read(lambda view: [name for name in names if not contents.is_known(view, name)])
        await asyncio.to_thread(blobs.remove, left)
        raise
