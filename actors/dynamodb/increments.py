"""What changed in a table between two moments: for each item that did, what it was and what it became.

    u32 space | row's key      version, when it was last written, and the records before and after; None: no item

A job in two phases over the table's history, as a copy is made (copies.py). Forward from the first moment: each row
that changed is noted with what stood there before, and with what stands there now. Then back from now to the second
moment: what a later change found is what the row became within the window.
"""

from typing import Any, NamedTuple

from actors.dynamodb import history, state
from actors.dynamodb.copies import STEP_ROWS
from actors.runtime.actor import bounded
from actors.runtime.store.transaction import Transaction
from bus.codec import pack, unpack

COLLECT_JOB = "collect_changes"

Job = dict[str, Any]


class Change(NamedTuple):
    """Of one item over the whole window. `written`: the moment of its last change in it."""

    version: int
    written: int
    before: bytes | None
    after: bytes | None


def unpack_change(row: bytes) -> Change:
    change = Change(*unpack(row))
    assert change.version == state.RECORD_VERSION, "records of another version are upgraded here"
    return change


def start(
    transaction: Transaction, table: int, history_space: int, target: int, *, begin: int, end: int, **more: Any
) -> None:
    """Begins collecting into space `target` what changed at `begin` <= moment < `end`. `more` goes to the finish."""
    copy = state.next_space(transaction)
    history.mark(transaction, history_space, copy, begin)
    transaction.start_job(COLLECT_JOB, {
        **more, "table": table, "history": history_space, "target": target, "copy": copy, "begin": begin, "end": end,
        "next": begin, "until": None})


def step(transaction: Transaction, job: Job) -> Job | None:
    """None: all is collected."""
    if job["until"] is None:
        found = list(bounded(history.forward(transaction, job["history"], job["next"], job["end"]), STEP_ROWS))
        for moment, key, before in found:
            _note(transaction, job, moment, key, before)
        if found:
            return {**job, "next": found[-1][0] + 1}
        return {**job, "until": history.last_moment(transaction, job["history"])}
    undone = list(bounded(history.changes(transaction, job["history"], job["end"] - 1, job["until"]), STEP_ROWS))
    for _, key, before in undone:
        _undo(transaction, job, key, before)
    if undone:
        return {**job, "until": undone[-1][0] - 1}
    history.unmark(transaction, job["history"], job["copy"])
    return None


def _note(transaction: Transaction, job: Job, moment: int, key: bytes, before: bytes | None) -> None:
    row = state.space_prefix(job["target"]) + key
    known = transaction.get(row)
    if known is None:
        change = Change(state.RECORD_VERSION, moment, before, transaction.get(state.space_prefix(job["table"]) + key))
    else:
        change = unpack_change(known)._replace(written=moment)
    transaction.put(row, pack(change))


def _undo(transaction: Transaction, job: Job, key: bytes, before: bytes | None) -> None:
    row = state.space_prefix(job["target"]) + key
    known = transaction.get(row)
    if known is not None:
        transaction.put(row, pack(unpack_change(known)._replace(after=before)))
