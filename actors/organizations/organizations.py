"""The organization itself, its root, and its organizational units.

Limits: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
"""

from collections.abc import Mapping
from typing import Any

from actors.iam.organization import FULL_ACCESS_ID, SCP
from actors.iam.state import Book, Record
from actors.organizations import handshakes
from actors.organizations.errors import (
    AlreadyInOrganization,
    ConstraintViolation,
    OrganizationalUnitNotEmpty,
    OrganizationNotEmpty,
    PolicyTypeAlreadyEnabled,
    PolicyTypeNotAvailable,
    PolicyTypeNotEnabled,
    duplicate,
)
from actors.organizations.management import KINDS
from actors.organizations.state import ACCOUNT, ROOT, UNIT, Tree, begin, new_id, page
from actors.organizations.tagging import given
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

UNIT_DEPTH_LIMIT = 5
UNITS_LIMIT = 2000

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(transaction: Transaction, context: Context, request: Request) -> Answer:
    if Book(transaction, "").row("member", context.account) is not None:
        raise AlreadyInOrganization
    if request.get("FeatureSet") == "CONSOLIDATED_BILLING":
        raise ConstraintViolation("Skybus has organizations with all features only.", "INVALID_FEATURE_SET")
    begin(transaction, context, {
        "id": f"o-{new_id(10)}", "created": context.now, "email": f"master-{context.account}@example.com"})
    return describe(transaction, context)


def describe(view: Snapshot, context: Context) -> Answer:
    tree = Tree(view, context, members_too=True)
    row = tree.book.row("organization")
    assert row is not None
    master = tree.node(tree.master, "Account")
    return {"Organization": {
        "Id": tree.id, "Arn": f"arn:aws:organizations::{tree.master}:organization/{tree.id}", "FeatureSet": "ALL",
        "MasterAccountArn": tree.arn(master), "MasterAccountId": tree.master, "MasterAccountEmail": row["email"],
        "AvailablePolicyTypes": [{"Type": SCP, "Status": "ENABLED"}],
    }}


def delete(transaction: Transaction, context: Context) -> Answer:
    tree = Tree(transaction, context)
    if len(tree.nodes(ACCOUNT)) > 1:
        raise OrganizationNotEmpty
    for node in tree.nodes(ROOT, UNIT, ACCOUNT):
        tree.drop(node)
    for kind in ("scp", "request", "trusted"):
        for key, _ in list(tree.book.rows(kind)):
            tree.book.drop(kind, key)
    handshakes.forget(transaction, tree.master)
    tree.book.drop("organization")
    return {}


# Roots

def roots(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return page("Roots", [tree.root()], request, lambda node: _root(tree, node))


def _root(tree: Tree, node: Record) -> Answer:
    return {"Id": node["id"], "Arn": tree.arn(node), "Name": node["name"],
            "PolicyTypes": [{"Type": kind, "Status": "ENABLED"} for kind in node["enabled"]]}


def enable(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    root = tree.node(request["RootId"], "Root", ROOT)
    if request["PolicyType"] not in (SCP, *KINDS):
        raise PolicyTypeNotAvailable(request["PolicyType"])
    if request["PolicyType"] in root["enabled"]:
        raise PolicyTypeAlreadyEnabled
    root["enabled"].append(request["PolicyType"])
    tree.save(root)
    return {"Root": _root(tree, root)}


def disable(transaction: Transaction, context: Context, request: Request) -> Answer:
    """Every node is as it was in the beginning: with FullAWSAccess alone, should the type be enabled again."""
    tree, kind = Tree(transaction, context), request["PolicyType"]
    if kind not in tree.node(request["RootId"], "Root", ROOT)["enabled"]:
        raise PolicyTypeNotEnabled
    for node in tree.nodes(ROOT, UNIT, ACCOUNT):
        tree.attached(node, kind)[:] = [FULL_ACCESS_ID] if kind == SCP else []
        tree.save(node)
    root = tree.root()
    root["enabled"].remove(kind)
    tree.save(root)
    return {"Root": _root(tree, root)}


# Organizational units

def create_unit(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    parent = tree.node(request["ParentId"], "Parent", ROOT, UNIT)
    _refuse_taken(tree, parent["id"], request["Name"])
    if tree.depth(parent) >= UNIT_DEPTH_LIMIT:
        raise ConstraintViolation("You have exceeded the depth limit of organizational units.",
                                  "OU_DEPTH_LIMIT_EXCEEDED")
    if len(tree.nodes(UNIT)) >= UNITS_LIMIT:
        raise ConstraintViolation("You have exceeded the number of organizational units.", "OU_NUMBER_LIMIT_EXCEEDED")
    unit: Record = {
        "type": UNIT, "id": f"ou-{tree.root()['id'].removeprefix('r-')}-{new_id(8)}", "name": request["Name"],
        "parent": parent["id"], "policies": [FULL_ACCESS_ID], "tags": given(request.get("Tags") or ()),
        "order": int(transaction.now() * 1e9), "status": "ACTIVE",
    }
    tree.save(unit)
    return {"OrganizationalUnit": _unit(tree, unit)}


def describe_unit(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    return {"OrganizationalUnit": _unit(tree, tree.node(request["OrganizationalUnitId"], "OrganizationalUnit", UNIT))}


def update_unit(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    unit = tree.node(request["OrganizationalUnitId"], "OrganizationalUnit", UNIT)
    name = request.get("Name") or unit["name"]
    if name != unit["name"]:
        _refuse_taken(tree, unit["parent"], name)
    unit["name"] = name
    tree.save(unit)
    return {"OrganizationalUnit": _unit(tree, unit)}


def delete_unit(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree = Tree(transaction, context)
    unit = tree.node(request["OrganizationalUnitId"], "OrganizationalUnit", UNIT)
    if tree.children(unit["id"], UNIT, ACCOUNT):
        raise OrganizationalUnitNotEmpty
    tree.drop(unit)
    return {}


def units(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    parent = tree.node(request["ParentId"], "Parent", ROOT, UNIT)
    return page("OrganizationalUnits", tree.children(parent["id"], UNIT), request, lambda node: _unit(tree, node))


def children(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    parent = tree.node(request["ParentId"], "Parent", ROOT, UNIT)
    return page("Children", tree.children(parent["id"], request["ChildType"]), request,
                lambda node: {"Id": node["id"], "Type": node["type"]})


def parents(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    child = tree.node(request["ChildId"], "Child", UNIT, ACCOUNT)
    return page("Parents", [tree.node(child["parent"], "Parent")], request,
                lambda node: {"Id": node["id"], "Type": node["type"]})


def _unit(tree: Tree, node: Record) -> Answer:
    return {"Id": node["id"], "Arn": tree.arn(node), "Name": node["name"], "Path": tree.path(node)}


def _refuse_taken(tree: Tree, parent: str, name: str) -> None:
    if any(unit["name"] == name for unit in tree.children(parent, UNIT)):
        raise duplicate("OrganizationalUnit", "An OU with the same name already exists.")
