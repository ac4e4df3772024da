"""Copying a table as it was at one moment while it goes on changing: backups, restores, exports.

A job in two phases. First every row is copied as it stands when the copy gets there, which mixes moments. Then every
change since the moment asked for is undone in the copy, newest first: a row that changed ends as what stood there
before its first change past the moment, one that did not was copied as it was all along. Writers pay one row of history
each, wait for nothing, and a crash goes on where the last step ended.
"""

from collections.abc import Callable, Mapping
from typing import Any

from actors.dynamodb import history, rows, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.state import Table
from actors.runtime.actor import bounded
from actors.runtime.store.transaction import Transaction

COPY_JOB = "copy_rows"
STEP_ROWS = 128                           # each two rows of the store at least: half of JOB_STEP_ROWS

Job = dict[str, Any]
Finish = Callable[[Catalogue, Transaction, Job], None]
Put = Callable[[bytes, bytes | None], None]


def start(
    transaction: Transaction, purpose: str, source: int, target: int, *, history_space: int | None = None,
    moment: int = 0, **more: Any,
) -> None:
    """Begins copying the items of space `source` into space `target`, as they were at `moment` if there is a history.

    `more` goes to the purpose's finish; `table` = [account, region, name] among it: `target` is that table's own space.
    """
    copy = state.next_space(transaction)
    for space in (source, history_space):
        if space is not None:
            history.mark(transaction, space, copy, moment)
    transaction.start_job(COPY_JOB, {
        **more, "purpose": purpose, "source": source, "target": target, "history": history_space, "moment": moment,
        "copy": copy, "after": b"", "until": None,
    })


def step(tables: Catalogue, transaction: Transaction, job: Job, finishes: Mapping[str, Finish]) -> Job | None:
    put, limit = _sink(tables, transaction, job)
    if job["until"] is None:
        prefix = state.space_prefix(job["source"])
        copied = list(bounded(transaction.scan((job["after"] or prefix) + b"\0", state.past(prefix)), limit))
        for key, record in copied:
            put(key[history.SPACE_BYTES:], record)
        if copied:
            return {**job, "after": copied[-1][0]}
        if job["history"] is not None:
            return {**job, "until": history.last_moment(transaction, job["history"])}
    else:
        undone = list(bounded(history.changes(transaction, job["history"], job["moment"], job["until"]), limit))
        for _, key, before in undone:
            put(key, before)
        if undone:
            return {**job, "until": undone[-1][0] - 1}
    for space in (job["source"], job["history"]):
        if space is not None:
            history.unmark(transaction, space, job["copy"])
    finishes[job["purpose"]](tables, transaction, job)
    return None


def _sink(tables: Catalogue, transaction: Transaction, job: Job) -> tuple[Put, int]:
    """What puts a row (None: takes it away) into the target, and how many a step may."""
    target = state.space_prefix(job["target"])
    if "table" not in job:
        return lambda key, record: _put_row(transaction, target, key, record), STEP_ROWS
    account, region, name = job["table"]
    table = tables.find(transaction, (account, region), name)
    assert table is not None, "a table being made cannot be deleted"
    assert table.prefix == target
    return lambda key, record: put_item(transaction, table, key, record), max(1, STEP_ROWS // (1 + len(table.indexes)))


def _put_row(transaction: Transaction, prefix: bytes, key: bytes, record: bytes | None) -> None:
    before = transaction.get(prefix + key)
    size_before = 0 if before is None else state.item_size(before)
    size = 0 if record is None else state.item_size(record)
    if record is None:
        transaction.delete(prefix + key)
    else:
        transaction.put(prefix + key, record)
    state.count(transaction, prefix, (record is not None) - (before is not None), size - size_before)


def put_item(transaction: Transaction, table: Table, key: bytes, record: bytes | None) -> None:
    key = table.prefix + key
    before = transaction.get(key)
    if record is None:
        rows.remove(transaction, table, key, before)
    else:
        rows.replace(transaction, table, key, state.unpack_item(record), state.item_size(record), before,
                     is_decided=True)
