"""A table's record: made, read to be changed, saved; and the spaces it lets go of.

Whoever changes a table's settings reads the record here, changes it and saves it in the same transaction.
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb import history, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import INDEX_MEMBERS, new_description
from actors.dynamodb.errors import NotImplementedMember
from actors.dynamodb.specifications import put_encryption
from actors.dynamodb.state import Table
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.store.transaction import Snapshot, Transaction

CLEAR_JOB = "clear_spaces"
COPY_WAIT_S = 1.0                         # between looks whether a copy of what is to be cleared has ended

Request = Mapping[str, Any]


def new_record(scope: tuple[str, str], transaction: Transaction, request: Request, name: str) -> dict[str, Any]:
    """The record of a table to be made, with spaces of its own. `request`: CreateTable's, checked."""
    indexes = [each["IndexName"] for member in INDEX_MEMBERS for each in request.get(member) or ()]
    account, region = scope
    description = new_description(request, name, state.arn(account, region, name), transaction.now())
    put_encryption(description, request.get("SSESpecification"), account, region)
    return {
        "account": account,
        "region": region,
        "space": state.next_space(transaction),
        "index_spaces": {index: state.next_space(transaction) for index in indexes},
        **({"collections": {"space": state.next_space(transaction)}} if request.get("LocalSecondaryIndexes") else {}),
        "tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()},
        "description": description,
    }


def save(transaction: Transaction, record: dict[str, Any]) -> Table:
    table = Table(record)
    transaction.put(state.table_key(table.account, table.region, table.table_name), state.pack_table(record))
    return table


def record_of(snapshot: Snapshot, table: Table) -> dict[str, Any]:
    """The caller's own to change; None of it is shared with the catalogue."""
    record = snapshot.get(state.table_key(table.account, table.region, table.table_name))
    assert record is not None, "the table was just found"
    return state.unpack_table(record)


def release_history(
    tables: Catalogue, transaction: Transaction, scope: tuple[str, str], name: str, space: int
) -> None:
    """Ends a table's history when nobody needs it any more. A deleted table's goes with the table."""
    table = tables.find(transaction, scope, name)
    if table is None or table.history != state.space_prefix(space):
        return
    record = record_of(transaction, table)
    if not history.is_wanted(transaction, record):
        del record["history"]
        save(transaction, record)
        transaction.start_job(CLEAR_JOB, {"spaces": [space]})


def refuse_missing(operation: str, request: Request, members: tuple[str, ...]) -> None:
    for member in members:
        if request.get(member):
            raise NotImplementedMember(operation, member)


def clear_step(transaction: Transaction, job: dict[str, Any]) -> dict[str, Any] | None:
    """One step of removing all rows of spaces nobody can name any more. `job`: {"spaces": numbers}.

    What is still being copied is waited for.
    """
    spaces: list[int] = job["spaces"]
    while spaces:
        if history.copied_from(transaction, spaces[0]) is not None:
            return {"spaces": spaces, "wake_at": transaction.now() + COPY_WAIT_S}
        start = state.space_prefix(spaces[0])
        found = list(bounded(transaction.scan(start, state.past(start)), JOB_STEP_ROWS))
        for key, _ in found:
            transaction.delete(key)
        if found:
            return {"spaces": spaces}
        spaces = spaces[1:]
    return None
