"""Records that are named by an ARN under a table: backups, exports, imports, resource policies.

    u32 0 | kind | account \\0 region \\0 id       id: as in the ARN, `01489602797149-73d8d5bc`: its time, then chance

So they are listed in the order of their making, and outlive their table.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from actors.dynamodb.state import catalogue_prefix, past
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import on_behalf
from bus.codec import pack, unpack
from schemas.envelope import Identity

RECORD_VERSION = 1
BACKUPS, EXPORTS, IMPORTS, POLICIES = "backup", "export", "import", "policy"      # kinds of state.CATALOGUE

Record = dict[str, Any]
Scope = tuple[str, str]                   # account, region


def new_arn(kind: str, table_arn: str, now: float) -> str:
    return f"{table_arn}/{kind}/{int(now * 1000):014d}-{secrets.token_hex(4)}"


def id_of(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def key(kind: str, scope: Scope, id_: str) -> bytes:
    return catalogue_prefix(kind) + "\0".join((*scope, id_)).encode()


def put(transaction: Transaction, kind: str, scope: Scope, record: Record) -> None:
    """`record["arn"]` names it."""
    transaction.put(key(kind, scope, id_of(record["arn"])), pack({"version": RECORD_VERSION, **record}))


def find(snapshot: Snapshot, kind: str, scope: Scope, arn: str) -> Record | None:
    row = snapshot.get(key(kind, scope, id_of(arn)))
    record = None if row is None else _read(row)
    return record if record is not None and record["arn"] == arn else None


def delete(transaction: Transaction, kind: str, scope: Scope, arn: str) -> None:
    transaction.delete(key(kind, scope, id_of(arn)))


def listed(
    snapshot: Snapshot, kind: str, scope: Scope, after: str = "", *, reverse: bool = False
) -> Iterator[Record]:
    """Those made after (reverse: before) the one whose ARN or id is `after`; "": all."""
    start = key(kind, scope, "")
    stop = past(start)
    if after and reverse:
        stop = key(kind, scope, id_of(after))
    elif after:
        start = key(kind, scope, id_of(after)) + b"\0"
    for _, row in snapshot.scan(start, stop, reverse=reverse):
        yield _read(row)


def _read(row: bytes) -> Record:
    record: Record = unpack(row)
    assert record["version"] == RECORD_VERSION, "records of another version are upgraded here"
    return record


# Who asked, for what is done in their name later

def asked_by(context: Context) -> Record:
    return {"principal": context.identity.principal, "asker": context.identity.account}


def asker(scope: Scope, record: Record) -> Identity:
    """The one who asked for it, whose account need not be the table's."""
    return on_behalf(record.get("asker", scope[0]), record["principal"])
