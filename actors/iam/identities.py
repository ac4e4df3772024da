"""Who is behind an access key: what gateways ask to verify a signature, and every actor's runtime to authorise.

Records as actors/runtime/principal.py reads them. An answer is None for keys nobody here ever made, and empty for those
that are no good any more: deleted, inactive, or a session of what is gone.
"""

from typing import Any

from actors.iam import access_keys, documents, organization, service_credentials, sessions
from actors.iam.state import ROLE, USER, Book, Record
from actors.iam.vault import Vault
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.transaction import Snapshot

Known = dict[str, Any]

_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


def credential(view: Snapshot, vault: Vault, access_key: str) -> Known | None:
    """{account, secret}, of a session also {token: its digest, expires}, of an API key {expires, bearer}."""
    found = access_keys.holder(view, access_key)
    if found is not None:
        if found.key["status"] != "Active":
            return {}
        return {"account": found.account, "secret": vault.open_text(found.key["secret"], access_key)}
    key = service_credentials.found(view, access_key)
    if key is not None:
        book, _, row = key
        until = service_credentials.usable_until(row)
        return {"account": book.account, "secret": vault.open_text(row["secret"], access_key), "expires": until,
                "bearer": True} if until else {}
    session = sessions.find(view, access_key)
    if session is None:
        return {} if _made(vault, access_key) else None
    if not _described(view, session):
        return {}
    return {"account": session["account"], "secret": vault.open_text(session["secret"], access_key),
            "token": session["token"], "expires": session["expires"]}


def principal(view: Snapshot, vault: Vault, account: str, access_key: str) -> Known | None:
    """The record of whoever's the key is, in `account`; its own number stands for its root, a user's or role's ARN for
    whom it names."""
    if organization.is_closed(Book(view, account)):
        return {}
    if access_key.startswith("arn:"):
        return by_arn(view, access_key)
    if access_key == account:
        return _root(Book(view, account))
    found = access_keys.holder(view, access_key)
    if found is not None:
        usable = found.account == account and found.key["status"] == "Active"
        if not usable:
            return {}
        book = Book(view, account)
        return _root(book) if found.user["kind"] == access_keys.ROOT else _user(book, found.user)
    key = service_credentials.found(view, access_key)
    if key is not None:
        book, user, row = key
        until = service_credentials.usable_until(row)
        return {**_user(book, user), "expires": until} if until and book.account == account else {}
    session = sessions.find(view, access_key)
    if session is None:
        return {} if _made(vault, access_key) else None
    return _described(view, session) if session["account"] == account else {}


def _made(vault: Vault, access_key: str) -> bool:
    """By us, though we know it no longer."""
    return vault.made(access_key) or service_credentials.made(vault, access_key)


def by_arn(view: Snapshot, arn: str) -> Known:
    """A user's record, or a role's as its sessions have it; empty when there is no such principal."""
    parts = arn.split(":", 5)
    kind = parts[-1].partition("/")[0]
    if len(parts) != 6 or kind not in (USER, ROLE):
        return {}
    book = Book(view, parts[4])
    record = book.find_arn(kind, arn)
    if record is None:
        return {}
    if kind == USER:
        return _user(book, record)
    return {**_role(book, record), "name": "any", "id": f"{record['id']}:any", "arn": session_arn(arn, "any")}


def _described(view: Snapshot, session: Record) -> Known:
    """A session's record; empty when the role or user behind it is gone."""
    book = Book(view, session["account"])
    times = {"issued": session["issued"], "expires": session["expires"], "keys": dict(session["keys"])}
    handed_on = {"transitive": session["transitive"], "session_tags": session["tags"], "token": session["kind"]}
    if session["kind"] == "root":
        return {**_root(book), **times, **handed_on, "policies": _narrowed(book, session) or []}    # a task's denials
    if session["kind"] == "federated" and not session["id"]:
        behind: Known | None = {**_root(book), "policies": [["root", _ALL]]}
    else:
        record = book.find_id(session["id"])
        behind = None if record is None else _user(book, record) if record["kind"] == USER else _role(book, record)
    if behind is None:
        return {}
    known = {**behind, **times, **handed_on, "tags": {**behind["tags"], **session["tags"]},
             "session": _narrowed(book, session)}
    if session["kind"] == "role":
        name = session["name"]
        return {**known, "name": name, "id": f"{behind['source_id']}:{name}", "arn": session_arn(known["source"], name)}
    if session["kind"] == "federated":
        name = session["name"]
        return {**known, "kind": "federated", "name": name, "id": f"{book.account}:{name}", "source": behind["arn"],
                "arn": f"arn:aws:sts::{book.account}:federated-user/{name}"}
    return known


def session_arn(role_arn: str, session_name: str) -> str:
    return f"arn:aws:sts::{role_arn.split(':')[4]}:assumed-role/{role_arn.rpartition('/')[2]}/{session_name}"


def _narrowed(book: Book, session: Record) -> list[list[str]] | None:
    """A managed policy that is gone narrows to nothing."""
    if session["policies"] is None and not session["arns"]:
        return None
    known = [arn for arn in session["arns"] if documents.find_policy(book, arn) is not None]
    return [*map(list, session["policies"] or ()), *(list(documents.managed_text(book, arn)) for arn in known)]


def _user(book: Book, record: Record) -> Known:
    return {"kind": "user", "account": book.account, "arn": book.arn(record), "id": record["id"],
            "name": record["name"], "tags": record["tags"], **_permissions(book, record)}


def _role(book: Book, record: Record) -> Known:
    """Of a role before it has a session's name."""
    assert record["kind"] == ROLE, record["kind"]
    return {"kind": "role", "account": book.account, "source": book.arn(record), "source_id": record["id"],
            "tags": record["tags"], **_permissions(book, record)}


def _root(book: Book) -> Known:
    account = book.account
    return {"kind": "root", "account": account, "arn": root_arn(account), "id": account, "name": "", "tags": {},
            "organization": organization.keys(book), "scps": organization.levels(book)}


def _permissions(book: Book, record: Record) -> Known:
    boundary = record.get("boundary")
    return {"policies": [list(text) for text in documents.texts_of(book, record)],
            "boundary": list(documents.managed_text(book, boundary)) if boundary else None,
            "organization": organization.keys(book), "scps": organization.levels(book)}
