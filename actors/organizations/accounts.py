"""Member accounts: made, moved, closed, removed.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.iam import documents, principals
from actors.iam.organization import FULL_ACCESS_ID
from actors.iam.state import ROLE, Book, Record
from actors.organizations.errors import (
    AccountAlreadyClosed,
    ConstraintViolation,
    MasterCannotLeave,
    duplicate,
    missing,
)
from actors.organizations.state import ACCOUNT, ROOT, UNIT, Tree, new_id, page
from actors.organizations.tagging import given
from actors.runtime.context import Context
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.transaction import Snapshot, Transaction

ACCOUNTS_LIMIT = 1000                         # AWS's default is 10, and more on request
ROLE_NAME = "OrganizationAccountAccessRole"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_DIGITS = "0123456789"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(transaction: Transaction, context: Context, request: Request) -> Answer:
    """There at once: its status is SUCCEEDED in the first answer."""
    tree = Tree(transaction, context)
    accounts = tree.nodes(ACCOUNT)
    if len(accounts) >= ACCOUNTS_LIMIT:
        raise ConstraintViolation("You have exceeded the allowed number of AWS accounts.",
                                  "ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    status: Record = {"id": f"car-{new_id(32)}", "name": request["AccountName"], "requested": context.now,
                      "order": int(transaction.now() * 1e9)}
    if any(node["email"].lower() == request["Email"].lower() for node in accounts):
        status |= {"state": "FAILED", "reason": "EMAIL_ALREADY_EXISTS"}
    else:
        status |= {"state": "SUCCEEDED", "account": _made(transaction, tree, context, request)}
    tree.book.put(status, "request", status["id"])
    return {"CreateAccountStatus": _status(status)}


def _made(transaction: Transaction, tree: Tree, context: Context, request: Request) -> str:
    account = _new_number(transaction, tree)
    tree.save({
        "type": ACCOUNT, "id": account, "name": request["AccountName"], "parent": tree.root()["id"],
        "policies": [FULL_ACCESS_ID], "tags": given(request.get("Tags") or ()), "email": request["Email"],
        "order": int(transaction.now() * 1e9), "status": "ACTIVE", "joined": context.now, "method": "CREATED",
    })
    tree.shared.put({"organization": tree.id, "master": tree.master}, "member", account)
    book, name = Book(transaction, account), request.get("RoleName") or ROLE_NAME
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": root_arn(tree.master)}, "Action": "sts:AssumeRole"}]}
    principals.create_role(book, context, {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)})
    documents.attach(book, book.get(ROLE, name), ADMINISTRATOR)
    return account


def _new_number(transaction: Transaction, tree: Tree) -> str:
    """A number that no organization has, and nobody's entities stand under."""
    while True:
        account = new_id(12, _DIGITS)
        used = next(transaction.scan(f"{account}\0".encode(), f"{account}\1".encode()), None)
        if used is None and tree.shared.row("member", account) is None:
            return account


def status(view: Snapshot, context: Context, request: Request) -> Answer:
    row = Tree(view, context).book.row("request", request["CreateAccountRequestId"])
    if row is None:
        raise missing("CreateAccountStatus")
    return {"CreateAccountStatus": _status(row)}


def statuses(view: Snapshot, context: Context, request: Request) -> Answer:
    states = request.get("States") or ()
    rows = sorted((row for _, row in Tree(view, context).book.rows("request")), key=lambda row: row["order"])
    return page("CreateAccountStatuses", [row for row in rows if not states or row["state"] in states], request,
                _status)


def _status(row: Record) -> Answer:
    moment = datetime.fromtimestamp(row["requested"], UTC)
    shown: Answer = {"Id": row["id"], "AccountName": row["name"], "State": row["state"], "RequestedTimestamp": moment,
                     "CompletedTimestamp": moment}
    return shown | ({"AccountId": row["account"]} if "account" in row else {"FailureReason": row["reason"]})


def describe(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return {"Account": shown(tree, tree.node(request["AccountId"], "Account", ACCOUNT))}


def listed(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return page("Accounts", tree.nodes(ACCOUNT), request, lambda node: shown(tree, node))


def of_parent(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    parent = tree.node(request["ParentId"], "Parent", ROOT, UNIT)
    return page("Accounts", tree.children(parent["id"], ACCOUNT), request, lambda node: shown(tree, node))


def shown(tree: Tree, node: Record) -> Answer:
    return {
        "Id": node["id"], "Arn": tree.arn(node), "Email": node["email"], "Name": node["name"],
        "Status": node["status"], "State": "ACTIVE" if node["status"] == "ACTIVE" else "SUSPENDED",
        "Paths": [tree.path(node)], "JoinedMethod": node["method"],
        "JoinedTimestamp": datetime.fromtimestamp(node["joined"], UTC),
    }


def move(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    account = tree.node(request["AccountId"], "Account", ACCOUNT)
    source = tree.node(request["SourceParentId"], "SourceParent", ROOT, UNIT)
    destination = tree.node(request["DestinationParentId"], "DestinationParent", ROOT, UNIT)
    if account["parent"] == destination["id"]:
        raise duplicate("Account", "The account is already in the destination.")
    if account["parent"] != source["id"]:
        raise missing("SourceParent")
    account["parent"] = destination["id"]
    tree.save(account)
    return {}


def close(transaction: Transaction, context: Context, request: Request) -> Answer:
    """From now on none of its keys is good; it stays in the organization, suspended."""
    tree = Tree(transaction, context)
    account = tree.node(request["AccountId"], "Account", ACCOUNT)
    if account["id"] == tree.master:
        raise ConstraintViolation("You cannot close the management account.", "CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
    if account["status"] != "ACTIVE":
        raise AccountAlreadyClosed
    account["status"] = "SUSPENDED"
    tree.save(account)
    return {}


def remove(tree: Tree, account_id: str) -> Answer:
    """RemoveAccountFromOrganization, LeaveOrganization: it stands alone from now on."""
    account = tree.node(account_id, "Account", ACCOUNT)
    if account["id"] == tree.master:
        raise MasterCannotLeave
    for service in [service for service, _ in tree.book.rows("delegate", account["id"])]:
        tree.book.drop("delegate", account["id"], service)
    tree.drop(account)
    return {}
