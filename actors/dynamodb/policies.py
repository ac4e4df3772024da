"""Resource policies of tables and streams: kept, given back, and handed to the authoriser (access.py).

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html and its neighbours;
wording: ack-api-quirks DDB-TABLE-211.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from actors.dynamodb import ledger
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import PolicyNotFoundException
from actors.dynamodb.ledger import POLICIES, Record
from actors.dynamodb.schema import refuse
from actors.dynamodb.state import Table, past
from actors.runtime.context import Context
from actors.runtime.policy import MalformedPolicy, Use, compile_document
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack
from schemas.errors import ValidationException

POLICY_LIMIT_BYTES = 20 * 1024
KEYS_REMEMBERED = 4096
NO_POLICY = "NO_POLICY"                   # the ExpectedRevisionId that asks for there being none

Request = Mapping[str, Any]
Answer = dict[str, Any]


def put(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    arn, text = request["ResourceArn"], request["Policy"]
    checked_text(text)
    table = _table_of(tables, context, transaction, arn)
    known = _find(transaction, context, arn)
    _check_revision(table, arn, known, request.get("ExpectedRevisionId"))
    if known is not None and known["text"] == text:
        return {"RevisionId": known["revision"]}
    return {"RevisionId": _save(transaction, context, arn, text, known)}


def put_new(context: Context, transaction: Transaction, table: Table, text: str) -> None:
    """The policy a CreateTable brings."""
    _save(transaction, context, table.arn, text, None)


def get(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    arn = request["ResourceArn"]
    _table_of(tables, context, snapshot, arn)
    known = _find(snapshot, context, arn)
    if known is None:
        raise _missing(arn)
    return {"Policy": known["text"], "RevisionId": known["revision"]}


def delete(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    """Deleting what is not there is nothing, unless a revision of it is named."""
    arn, expected = request["ResourceArn"], request.get("ExpectedRevisionId")
    table = _table_of(tables, context, transaction, arn)
    known = _find(transaction, context, arn)
    _check_revision(table, arn, known, None if known is None and expected == NO_POLICY else expected)
    if known is None:
        return {}
    transaction.delete(_key(context, arn))
    return {"RevisionId": known["revision"]}


def forget(transaction: Transaction, table: Table) -> None:
    """Those of a table being deleted, and of its streams."""
    start = ledger.key(POLICIES, (table.account, table.region), table.arn)
    transaction.delete(start)
    for key, _ in list(transaction.scan(start + b"/", past(start + b"/"))):
        transaction.delete(key)


def text_of(snapshot: Snapshot, arn: str) -> str | None:
    """The policy of a table or stream of any account."""
    row = snapshot.get(_key_of(arn))
    return None if row is None else str(unpack(row)["text"])


@lru_cache(KEYS_REMEMBERED)
def _key_of(arn: str) -> bytes:
    """An ARN names its account and region; what is no ARN has no policy."""
    parts = arn.split(":", 5)
    return ledger.key(POLICIES, (parts[4], parts[3]) if len(parts) == 6 else ("", ""), arn)


def checked_text(text: str) -> str:
    if len(text.encode()) > POLICY_LIMIT_BYTES:
        raise refuse(f"Maximum policy size of {POLICY_LIMIT_BYTES} bytes exceeded")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise refuse("Invalid policy document: This policy contains invalid Json") from error
    if isinstance(document, dict) and document.get("Statement") == []:
        raise refuse("Invalid policy document: Could not parse the policy: Statement is empty!")
    try:
        compile_document(text, Use.RESOURCE)
    except MalformedPolicy as error:
        raise refuse(f"Invalid policy document: {error}") from error
    return text


def _save(transaction: Transaction, context: Context, arn: str, text: str, known: Record | None) -> str:
    """Revisions are milliseconds since the epoch, and grow."""
    revision = max(int(transaction.now() * 1000), 1 + (0 if known is None else int(known["revision"])))
    record = {"version": ledger.RECORD_VERSION, "text": text, "revision": str(revision)}
    transaction.put(_key(context, arn), pack(record))
    return str(revision)


def _find(snapshot: Snapshot, context: Context, arn: str) -> Record | None:
    row = snapshot.get(_key(context, arn))
    record: Record | None = None if row is None else unpack(row)
    return record


def _key(context: Context, arn: str) -> bytes:
    return ledger.key(POLICIES, context.scope, arn)


def _table_of(tables: Catalogue, context: Context, snapshot: Snapshot, arn: str) -> Table:
    if ":table/" not in arn:
        raise ValidationException(f"Invalid ResourceArn: {arn}")
    return tables.described(snapshot, context.scope, arn)


def _check_revision(table: Table, arn: str, known: Record | None, expected: str | None) -> None:
    """Wording: moto's tests of resource policies, verified on AWS."""
    if expected is None or expected == (NO_POLICY if known is None else known["revision"]):
        return
    if known is None:
        raise _missing(arn)
    name, revision = table.table_name, known["revision"]
    if expected == NO_POLICY:
        raise _missing(f"Requested policy update expecting none to be present for table {name}, "
                       f"but a policy exists with revision id {revision}.")
    raise _missing(f"Requested update for policy with revision id {expected}, "
                   f"but the policy associated to target table {name} has revision id {revision}.")


def _missing(what: str) -> PolicyNotFoundException:
    return PolicyNotFoundException(f"Resource-based policy not found for the provided ResourceArn: {what}")
