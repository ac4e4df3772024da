"""Invitations: an account of its own is asked into the organization, and becomes a member when it accepts.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html. Handshakes stand
in what all accounts share, since both parties ask for them: \\0 handshake \\0 h-….
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from actors.iam.organization import FULL_ACCESS_ID
from actors.iam.state import Book, Record
from actors.organizations.errors import (
    AccessDenied,
    ConstraintViolation,
    DuplicateHandshake,
    HandshakeConstraintViolation,
    InvalidHandshakeTransition,
    InvitedByNumber,
    missing,
)
from actors.organizations.state import ACCOUNT, Tree, new_id, page
from actors.organizations.tagging import given
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

GOOD_S = 15 * 86_400
KEPT_S = 30 * 86_400                          # after its end; then it is forgotten
HANDSHAKES_LIMIT = 100                        # of one organization, ended ones among them

Request = Mapping[str, Any]
Answer = dict[str, Any]


def invite(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree, target = Tree(transaction, context), request["Target"]
    if target["Type"] != "ACCOUNT":
        raise InvitedByNumber
    account = target["Id"]
    if tree.shared.row("member", account) is not None:
        raise HandshakeConstraintViolation("The provided account is already a member of an organization.",
                                           "ALREADY_IN_AN_ORGANIZATION")
    known = _of(transaction, context.now, lambda row: row["master"] == tree.master)
    for row in known:
        if context.now > row["expires"] + KEPT_S:
            tree.shared.drop("handshake", row["id"])
    if any(row["account"] == account and row["state"] == "OPEN" for row in known):
        raise DuplicateHandshake
    if len(known) >= HANDSHAKES_LIMIT:
        raise ConstraintViolation("You have exceeded the number of handshakes.", "HANDSHAKE_RATE_LIMIT_EXCEEDED")
    row = {"id": f"h-{new_id(12)}", "master": tree.master, "organization": tree.id, "account": account,
           "state": "OPEN", "requested": context.now, "expires": context.now + GOOD_S,
           "notes": request.get("Notes") or "", "tags": given(request.get("Tags") or ())}
    tree.shared.put(row, "handshake", row["id"])
    return {"Handshake": _shown(row)}


def accept(transaction: Transaction, context: Context, request: Request) -> Answer:
    row = _open(transaction, context, request, "account")
    shared, book = Book(transaction, ""), Book(transaction, row["master"])
    if shared.row("member", context.account) is not None:
        raise HandshakeConstraintViolation("The provided account is already a member of an organization.",
                                           "ALREADY_IN_AN_ORGANIZATION")
    shared.put({"organization": row["organization"], "master": row["master"]}, "member", context.account)
    root = next(node for _, node in book.rows("node") if not node["parent"])
    book.put({"type": ACCOUNT, "id": context.account, "name": context.account, "parent": root["id"],
              "policies": [FULL_ACCESS_ID], "tags": row["tags"], "order": int(transaction.now() * 1e9),
              "email": f"master-{context.account}@example.com", "status": "ACTIVE", "joined": context.now,
              "method": "INVITED"}, "node", context.account)
    return _ended(transaction, row, "ACCEPTED")


def decline(transaction: Transaction, context: Context, request: Request) -> Answer:
    return _ended(transaction, _open(transaction, context, request, "account"), "DECLINED")


def cancel(transaction: Transaction, context: Context, request: Request) -> Answer:
    return _ended(transaction, _open(transaction, context, request, "master"), "CANCELED")


def forget(transaction: Transaction, master: str) -> None:
    """Of an organization that is deleted."""
    for row in _of(transaction, 0.0, lambda row: row["master"] == master):
        Book(transaction, "").drop("handshake", row["id"])


def _open(view: Snapshot, context: Context, request: Request, party: str) -> Record:
    """For that party to end: master, or account."""
    row = _get(view, context, request)
    if row[party] != context.account:
        raise AccessDenied
    if row["state"] != "OPEN":
        raise InvalidHandshakeTransition
    return row


def _ended(transaction: Transaction, row: Record, state: str) -> Answer:
    row["state"] = state
    Book(transaction, "").put(row, "handshake", row["id"])
    return {"Handshake": _shown(row)}


def _get(view: Snapshot, context: Context, request: Request) -> Record:
    row = Book(view, "").row("handshake", request["HandshakeId"])
    if row is None or context.account not in (row["master"], row["account"]):
        raise missing("Handshake")
    return _as_of(row, context.now)


def _as_of(row: Record, now: float) -> Record:
    return {**row, "state": "EXPIRED"} if row["state"] == "OPEN" and now >= row["expires"] else row


def _of(view: Snapshot, now: float, wanted: Callable[[Record], bool]) -> list[Record]:
    found = (_as_of(row, now) for _, row in Book(view, "").rows("handshake"))
    return sorted((row for row in found if wanted(row)), key=lambda row: float(row["requested"]))


# Shown

def describe(view: Snapshot, context: Context, request: Request) -> Answer:
    return {"Handshake": _shown(_get(view, context, request))}


def of_account(view: Snapshot, context: Context, request: Request) -> Answer:
    return _listed(_of(view, context.now, lambda row: row["account"] == context.account), request)


def of_organization(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return _listed(_of(view, context.now, lambda row: row["master"] == tree.master), request)


def _listed(rows: list[Record], request: Request) -> Answer:
    action = (request.get("Filter") or {}).get("ActionType") or "INVITE"
    return page("Handshakes", rows if action == "INVITE" else [], request, _shown)


def _shown(row: Record) -> Answer:
    resources = [
        {"Type": "ORGANIZATION", "Value": row["organization"], "Resources": [
            {"Type": "MASTER_EMAIL", "Value": f"master-{row['master']}@example.com"},
            {"Type": "ORGANIZATION_FEATURE_SET", "Value": "ALL"}]},
        {"Type": "ACCOUNT", "Value": row["account"]},
        *([{"Type": "NOTES", "Value": row["notes"]}] if row["notes"] else []),
    ]
    return {
        "Id": row["id"], "State": row["state"], "Action": "INVITE", "Resources": resources,
        "Arn": arn_of(row),
        "Parties": [{"Id": row["organization"].removeprefix("o-"), "Type": "ORGANIZATION"},
                    {"Id": row["account"], "Type": "ACCOUNT"}],
        "RequestedTimestamp": datetime.fromtimestamp(row["requested"], UTC),
        "ExpirationTimestamp": datetime.fromtimestamp(row["expires"], UTC),
    }


def arn_of(row: Record) -> str:
    return f"arn:aws:organizations::{row['master']}:handshake/{row['organization']}/invite/{row['id']}"
