"""Time to live: items are removed within seconds of the time they name themselves.

    u32 0 | "e"                                    the job that removes them is under way

Entries in the order of time stand ready (expiry.py), made by a job for the items that were there when TTL was turned
on. One job sweeps all tables of the shard, once a second, and commits nothing when nothing is due.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html (Number, epoch seconds, not more than
five years ago); states and wording as measured on AWS by the public ack-api-quirks notes (DDB-TABLE-143 to 147).
"""

import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from actors.dynamodb import catalogue, expiry, rows, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.expiry import EXPIRY, SPACE, TABLES
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import CLEAR_JOB, save
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import unpack
from schemas.errors import ValidationException

SWEEP_JOB, INDEX_JOB = "expire_items", "index_expiry"
SWEEP_EVERY_S = 1.0
SWEEP_ITEMS = 32                          # removed in one step: each may change its indexes and its stream as well
INDEX_ITEMS = JOB_STEP_ROWS // 2          # read in one step
OLDEST_S = 5 * 365 * 86400                # what expired longer ago stays: the attribute means something else

Request = Mapping[str, Any]



def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    """UpdateTimeToLive. Turned on it is ENABLED at once, while a job still looks for what was there before."""
    table = tables.described(transaction, context.scope, catalogue.checked_name(request["TableName"]))
    wanted = request["TimeToLiveSpecification"]
    _check_change(table, wanted["Enabled"], wanted["AttributeName"])
    key = state.table_key(table.account, table.region, table.table_name)
    record = state.unpack_table(transaction.get(key) or b"")
    if wanted["Enabled"]:
        _begin(transaction, record, wanted["AttributeName"])
    else:
        transaction.start_job(CLEAR_JOB, {"spaces": expiry.end(transaction, record)})
    save(transaction, record)
    return {"TimeToLiveSpecification": {"Enabled": wanted["Enabled"], "AttributeName": wanted["AttributeName"]}}


def _begin(transaction: Transaction, record: dict[str, Any], attribute: str) -> None:
    space = expiry.begin(transaction, record, attribute)
    transaction.start_job(INDEX_JOB, {"space": space, "after": b""})
    if transaction.get(TABLES) is None:
        transaction.put(TABLES, b"")
        transaction.start_job(SWEEP_JOB, {"from": 0, "more": False})


def _check_change(table: Table, enabled: bool, attribute: str) -> None:
    if table.expiry_prefix is not None and table.expiry_attribute != attribute:
        raise ValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expiry_attribute}"
        )
    if enabled == (table.expiry_prefix is not None):
        raise ValidationException(f"TimeToLive is already {'enabled' if enabled else 'disabled'}")


def described(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    """DescribeTimeToLive. A table whose TTL was turned off tells nothing of it any more."""
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    if table.expiry_prefix is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.expiry_attribute}}


# --- jobs


def index_step(tables: Catalogue, transaction: Transaction, job: dict[str, Any]) -> dict[str, Any] | None:
    """One step of making entries for the items that were there before. `after`: the last row done."""
    table = _table(tables, transaction, job["space"])
    if table is None:
        return None
    first, stop = table.item_range()
    done = list(bounded(transaction.scan(job["after"] + b"\0" if job["after"] else first, stop), INDEX_ITEMS))
    for key, record in done:
        seconds = expiry.expires(state.unpack_item(record), table.expiry_attribute)
        if seconds is not None:
            transaction.put(expiry.entry(table, key, seconds), b"")
    return {"space": job["space"], "after": done[-1][0]} if done else None


def sweep_step(
    tables: Catalogue, transaction: Transaction, now: float, job: dict[str, Any]
) -> dict[str, Any] | None:
    """One step of removing what is due, table by table from the space `from` on; ends with the last table.

    `more`: in this round a table had more than one step's worth, so the next round follows at once.
    """
    more = job["more"]
    owners = list(transaction.scan(TABLES + SPACE.pack(job["from"]), state.past(TABLES)))
    for owner, _ in owners:
        space = SPACE.unpack(owner[len(TABLES):])[0]
        table = _table(tables, transaction, space)
        assert table is not None, "whoever removes the table removes its row here"
        removed = _sweep(transaction, table, now)
        if removed:
            return {"from": space + 1, "more": more or removed == SWEEP_ITEMS}
    if job["from"] == 0 and not owners:
        transaction.delete(TABLES)
        return None
    return {"from": 0, "more": False, **({} if more else {"wake_at": now + SWEEP_EVERY_S})}


def _table(tables: Catalogue, snapshot: Snapshot, space: int) -> Table | None:
    """The table whose entries are in this space; None when it is gone or its TTL is off."""
    owner = snapshot.get(TABLES + SPACE.pack(space))
    if owner is None:
        return None
    account, region, name = unpack(owner)
    table = tables.find(snapshot, (account, region), name)
    assert table is not None, name
    assert table.expiry_prefix == state.space_prefix(space), name
    return table


def _sweep(transaction: Transaction, table: Table, now: float) -> int:
    """Removes at most SWEEP_ITEMS of a table's items; how many."""
    prefix = table.expiry_prefix
    assert prefix is not None, table.table_name
    oldest, latest = max(0, math.ceil(now) - OLDEST_S), math.ceil(now)
    due = list(islice(
        transaction.scan(prefix + EXPIRY.pack(oldest), prefix + EXPIRY.pack(latest)), SWEEP_ITEMS
    ))
    for entry, _ in due:
        key = table.prefix + entry[len(prefix) + EXPIRY.size:]
        record = transaction.get(key)
        assert record is not None, "an entry goes with its item"
        if rows.is_locked(transaction, table, key):
            continue                      # until the next sweep
        rows.remove(transaction, table, key, record, is_expiry=True)
    return len(due)
