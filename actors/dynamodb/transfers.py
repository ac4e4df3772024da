"""A restore into a table of another shard: the source's shard sends the rows, the target's takes them.

    coordinator ── the request itself ──► source: checks it, begins a transfer (a job), tells what table is wanted
                ── MakeTable ───────────► target: makes the table, CREATING, for that transfer
    source's job ── TakeRows, … ────────► target: puts rows; with the last ones the table serves

A backup's rows are sent from where they are, and marked, so that it cannot be deleted meanwhile; a table at a moment is
copied into a space of its own first (copies.py). Whatever is sent twice after a crash is the same. A transfer whose
table is never made (its coordinator died in between) gives up after MAKE_WAIT_S.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from actors.dynamodb import copies, history, restores, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import ResourceNotFoundException
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import CLEAR_JOB, record_of, release_history, save
from actors.runtime.actor import bounded
from actors.runtime.context import Context
from actors.runtime.parts import Parts, step_at
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings, on_behalf
from schemas.errors import AwsError
from schemas.routing import slot_of

SEND_JOB = "send_rows"
SEND_ROWS = 64                            # in one step, which may be a few rows of the store each
SEND_TIMEOUT_S = 30.0
MAKE_WAIT_S, MAKE_LOOK_S = 60.0, 0.5

Request = Mapping[str, Any]
Answer = dict[str, Any]
Scope = tuple[str, str]                   # account, region


# --- the source


def begin_backup(context: Context, transaction: Transaction, request: Request, found: restores.Source) -> Answer:
    """Begins sending a backup's rows; what MakeTable is to be asked."""
    identity, copy = secrets.token_hex(8), state.next_space(transaction)
    history.mark(transaction, found.space, copy, 0)
    transaction.start_job(SEND_JOB, _job(context, transaction, request, identity, found.space, copy))
    return _wanted(context, request, found, identity)


def begin_moment(context: Context, transaction: Transaction, request: Request, found: restores.Source) -> Answer:
    """The same of a table at a moment, which is copied first."""
    identity, space = secrets.token_hex(8), state.next_space(transaction)
    assert found.owner is not None
    copies.start(
        transaction, "transfer", found.space, space, history_space=found.history, moment=found.moment,
        owner=[found.owner.account, found.owner.region, found.owner.table_name],
        send=_job(context, transaction, request, identity, space, None),
    )
    return _wanted(context, request, found, identity)


def _wanted(context: Context, request: Request, found: restores.Source, identity: str) -> Answer:
    return {"Account": context.account, "Transfer": identity, "Request": dict(request),
            "Source": dict(found.description), "Summary": found.summary}


def _job(
    context: Context, transaction: Transaction, request: Request, identity: str, space: int, copy: int | None
) -> Answer:
    """`copy`: the mark on a space that stays; None: the space goes with the transfer."""
    return {"scope": [*context.scope], "principal": context.identity.principal, "table": request["TargetTableName"],
            "transfer": identity, "space": space, "copy": copy, "after": b"", "begun": transaction.now()}


def filled(tables: Catalogue, transaction: Transaction, job: Answer) -> None:
    """The moment is copied: now it is to be sent."""
    account, region, name = job["owner"]
    release_history(tables, transaction, (account, region), name, job["history"])
    transaction.start_job(SEND_JOB, {**job["send"], "begun": transaction.now()})


async def send_step(surroundings: Surroundings, now: float, job: Answer) -> Answer | None:
    """Sends some rows; after the last the transfer is over. BusError while the target's shard is not there."""
    shard = surroundings.shard
    found = shard.read(partial(_rows, job))
    sent = {"Table": job["table"], "Transfer": job["transfer"], "Rows": found, "IsLast": not found}
    account, region = job["scope"]
    try:
        target = surroundings.share.holder(slot_of(account, region, job["table"])).number
        await step_at(surroundings, "dynamodb", on_behalf(account, job["principal"]), region, target, "TakeRows", sent,
                      SEND_TIMEOUT_S)
    except AwsError as error:
        if error.error_code != ResourceNotFoundException.code:
            raise
        if not job["after"] and now < job["begun"] + MAKE_WAIT_S:
            return {**job, "wake_at": now + MAKE_LOOK_S}           # it is about to be made
        found = []
    if found:
        return {**job, "after": found[-1][0], "wake_at": 0.0}
    await shard.transact(partial(_end, job))
    return None


def _rows(job: Answer, snapshot: Snapshot) -> list[tuple[bytes, bytes]]:
    """The next rows, by their keys less their space."""
    prefix = state.space_prefix(job["space"])
    rows = bounded(snapshot.scan(prefix + job["after"] + b"\0", state.past(prefix)), SEND_ROWS)
    return [(key[history.SPACE_BYTES:], record) for key, record in rows]


def _end(job: Answer, transaction: Transaction) -> None:
    if job["copy"] is None:
        transaction.start_job(CLEAR_JOB, {"spaces": [job["space"]]})
    else:
        history.unmark(transaction, job["space"], job["copy"])


# --- the target


def make(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    """MakeTable: the request's table, CREATING, which takes the rows of that transfer. Errors as the restore's."""
    made = restores.make(tables, context, transaction, request["Request"], request["Source"], request["Summary"])
    made = save(transaction, {**record_of(transaction, made), "transfer": request["Transfer"]})
    return restores.answer(transaction, made)


def take(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    """TakeRows. ResourceNotFoundException when there is no table that waits for them."""
    table = _receiving(tables, context, transaction, request)
    for key, record in request["Rows"]:
        copies.put_item(transaction, table, key, record)
    if request["IsLast"]:
        restores.finish(transaction, table)
    return {}


def _receiving(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Table:
    table = tables.find(snapshot, context.scope, request["Table"])
    if table is None or record_of(snapshot, table).get("transfer") != request["Transfer"]:
        raise ResourceNotFoundException("Requested resource not found")
    return table


# --- who coordinates


async def restore(parts: Parts, request: Request, source: str) -> Answer:
    """`source`: name or ARN of what is restored."""
    wanted = await parts.ask(parts.of(source), request)
    account = wanted["Account"]
    return await parts.step(parts.of(request["TargetTableName"], account), "MakeTable", wanted, account)
