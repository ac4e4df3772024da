"""What Organizations' operations are about, for authorisation: nodes, policies and invitations, their tags and types.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.iam.organization import FULL_ACCESS_ID
from actors.iam.state import Book, Record
from actors.organizations.handshakes import arn_of
from actors.organizations.state import ACCOUNT, ROOT, UNIT, Tree, type_of
from actors.runtime.access import Access
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot

# Members that name something with an ARN. A policy comes before what it is attached to.
_NAMING = ("PolicyId", "AccountId", "SourceParentId", "DestinationParentId", "OrganizationalUnitId", "RootId",
           "TargetId", "ParentId", "ChildId", "ResourceId", "HandshakeId")

Request = Mapping[str, Any]


def accesses(view: Snapshot, context: Context, action: str, request: Request) -> Sequence[Access]:
    """One for each thing that is named: MoveAccount needs the account and both parents."""
    found = [arn for member in _NAMING if isinstance(request.get(member), str)
             if (arn := _arn(view, context, request[member])) != ""]
    return [Access(action, resource) for resource in dict.fromkeys(found)] or [Access(action)]


def _tree(view: Snapshot, context: Context) -> Tree | None:
    if Book(view, "").row("member", context.account) is None:
        return None
    return Tree(view, context, members_too=True)


def _arn(view: Snapshot, context: Context, identity: str) -> str:
    """"" where nothing is known of it: then a policy must name all."""
    if identity.startswith("h-"):
        row = Book(view, "").row("handshake", identity)
        return "" if row is None else arn_of(row)
    tree = _tree(view, context)
    if tree is None:
        return ""
    if identity.startswith("p-"):
        policy = _policy(tree, identity)
        return "" if policy is None else tree.policy_arn(policy)
    kind = ROOT if identity.startswith("r-") else UNIT if identity.startswith("ou-") else ACCOUNT
    return tree.arn({"type": kind, "id": identity})


def _policy(tree: Tree, identity: str) -> Record | None:
    return tree.policy(identity) if identity == FULL_ACCESS_ID else tree.book.row("scp", identity)


def condition_keys(view: Snapshot, context: Context, access: Access, request: Request) -> dict[str, str]:
    keys = {}
    if isinstance(request.get("ServicePrincipal"), str):
        keys["organizations:serviceprincipal"] = request["ServicePrincipal"]
    kind = request.get("PolicyType") or request.get("Type") or request.get("Filter")
    tree = _tree(view, context)
    identity = request.get("PolicyId") or request.get("ResourceId")
    policy = _policy(tree, identity) if tree is not None and isinstance(identity, str) else None
    if policy is not None:
        kind = type_of(policy)
    return {**keys, "organizations:policytype": kind} if isinstance(kind, str) else keys


def tags(view: Snapshot, context: Context, access: Access) -> Mapping[str, str]:
    tree = _tree(view, context)
    identity = access.resource.rpartition("/")[2]
    row = None if tree is None else tree.book.row("node", identity) or tree.book.row("scp", identity)
    return {} if row is None else row["tags"]
