"""When keys, users and roles were used last: what every process tells (actors/runtime/uses.py), kept and shown.

    account \\0 keyuse \\0 AKIA…                     {at, service, region}: an access key's last use
    account \\0 use \\0 <unique id> \\0 <service>     {at, region}: a user's or role's last use of a service
    account \\0 action \\0 <unique id> \\0 <action>   the same of a management action, "iam:CreateUser"

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.iam import access_keys, service_credentials, sessions, shapes
from actors.iam.errors import AccessDenied
from actors.iam.paging import Answer
from actors.iam.state import Book, Record
from actors.runtime.actions import prefix_of
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.models import load

# Account, access key, botocore's service, when (seconds since the epoch), region, action ("": it is not tracked).
Use = tuple[str, str, str, float, str, str]
TRACKED_S = 400 * 86400.0                     # what was used before is not shown


def keep(transaction: Transaction, uses: list[Use]) -> None:
    """The root user's and the services' own are passed over, and those of what is gone."""
    for account, access_key, service, at, region, action in uses:
        book = Book(transaction, account)
        holder = access_keys.holder(transaction, access_key)
        record: Record | None
        if holder is not None and holder.account == account:
            _later(book, {"at": at, "service": service, "region": region}, "keyuse", access_key)
            record = None if holder.user["kind"] == access_keys.ROOT else holder.user
        else:
            record = _behind(transaction, account, access_key)
        if record is not None:
            _later(book, {"at": at, "region": region}, "use", record["id"], service)
            if action:
                _later(book, {"at": at, "region": region}, "action", record["id"], action)


def _behind(view: Snapshot, account: str, access_key: str) -> Record | None:
    """The user or role behind a session, the user behind an API key."""
    key = service_credentials.found(view, access_key)
    if key is not None:
        return key[1]
    session = sessions.find(view, access_key)
    if session is None or session["account"] != account or not session["id"]:
        return None
    return Book(view, account).find_id(session["id"])


def _later(book: Book, use: Record, *parts: str) -> None:
    """Several processes tell of one key."""
    known = book.row(*parts)
    if known is None or known["at"] < use["at"]:
        book.put(use, *parts)


def forget(book: Book, record: Record) -> None:
    """With a user or role."""
    for rows in ("use", "action"):
        for what in [what for what, _ in book.rows(rows, record["id"])]:
            book.drop(rows, record["id"], what)


# Shown

def of_key(book: Book, access_key: str) -> Record | None:
    return book.row("keyuse", access_key)


def last_used(book: Book, view: Snapshot, context: Context, request: Mapping[str, Any]) -> Answer:
    """GetAccessKeyLastUsed."""
    access_key = request["AccessKeyId"]
    found = access_keys.holder(view, access_key)
    if found is None or found.account != book.account:
        raise AccessDenied(f"User: {context.principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed on "
                           f"resource: access key {access_key}")
    use = of_key(book, access_key)
    shown: Answer = {"ServiceName": "N/A", "Region": "N/A"} if use is None else {
        "LastUsedDate": shapes.moment(use["at"]), "ServiceName": use["service"], "Region": use["region"]}
    return {**access_keys.named(found.user), "AccessKeyLastUsed": shown}


def of_principal(book: Book, record: Record) -> Iterator[tuple[str, Record]]:
    """(service, use) of a user or role."""
    return book.rows("use", record["id"])


def shown_of_role(book: Book, record: Record) -> Answer:
    last: Any = max((use for _, use in of_principal(book, record)), key=lambda use: float(use["at"]), default=None)
    return {} if last is None else {"LastUsedDate": shapes.moment(last["at"]), "Region": last["region"]}


def of_namespace(book: Book, record: Record, namespace: str, now: float) -> Record | None:
    """The last use of any of botocore's services that are one to IAM."""
    uses = (use for service, use in of_principal(book, record) if prefix_of(load(service)) == namespace)
    return max((use for use in uses if use["at"] > now - TRACKED_S), key=lambda use: float(use["at"]), default=None)


def of_actions(book: Book, record: Record, namespace: str, now: float) -> Iterator[tuple[str, Record]]:
    for action, use in book.rows("action", record["id"], after=f"{namespace}:"):
        prefix, _, name = action.partition(":")
        if prefix != namespace:
            return
        if use["at"] > now - TRACKED_S:
            yield name, use
