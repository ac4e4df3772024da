"""Keys and records, in IAM's shard, where who may what is known (actors/iam/organization.py reads them there):

    \\0 member \\0 <account>              {organization, master}: which organization an account is in
    master \\0 organization              {id, created, email}
    master \\0 node \\0 <id>              a root, unit or account:
                                       {type, id, name, parent, policies, tags, order, …}; a root has `enabled` policy
                                       types, an account email, status, joined, method. `policies` are the service
                                       control policies on it, `management` {type: [id, …]} the others, `changed` when
    master \\0 scp \\0 p-…                a policy of whatever `type` (none: a service control policy):
                                       {id, name, description, content, tags, updated}
    master \\0 trusted \\0 <service>     {enabled}: a service that is trusted
    master \\0 delegate \\0 <account> \\0 <service>     {enabled}: who administers the organization for it
    \\0 handshake \\0 h-…                an invitation (handshakes.py)
    master \\0 request \\0 car-…          an account's creation

`order` is the time of creation in nanoseconds, by which things are listed.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from actors.iam.organization import FULL_ACCESS, FULL_ACCESS_ID, SCP
from actors.iam.state import Book, Record
from actors.organizations.errors import AccessDenied, InvalidInput, NotInUse, missing
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction

ROOT, UNIT, ACCOUNT = "ROOT", "ORGANIZATIONAL_UNIT", "ACCOUNT"
PAGE_ITEMS = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def new_id(characters: int, letters: str = _LETTERS) -> str:
    return "".join(letters[byte % len(letters)] for byte in os.urandom(characters))


def type_of(policy: Record) -> str:
    kind: str = policy.get("type", SCP)
    return kind


class Tree:
    """The organization of the asking account. NotInUse; AccessDenied for who asks what the management account may."""

    def __init__(self, view: Snapshot, context: Context, *, members_too: bool = False) -> None:
        self.account = context.account
        self.shared = Book(view, "")
        member = self.shared.row("member", context.account)
        if member is None:
            raise NotInUse
        self.book = Book(view, member["master"])
        self.id: str = member["organization"]
        self.master: str = member["master"]
        if not members_too and not self.may_read(context):
            raise AccessDenied

    def may_read(self, context: Context) -> bool:
        """The management account may; delegated administrators see everything (orgs_integrate_delegated_admin.html)."""
        reads = context.operation.name.startswith(("Describe", "List"))
        return self.master == self.account or (reads and self.book.any("delegate", self.account))

    # Nodes

    def node(self, identity: str, kind: str, *types: str) -> Record:
        """Of those types, or missing(kind)."""
        found = self.book.row("node", identity)
        if found is None or found["type"] not in (types or (ROOT, UNIT, ACCOUNT)):
            raise missing(kind)
        return found

    def nodes(self, *types: str) -> list[Record]:
        found = [row for _, row in self.book.rows("node") if row["type"] in types]
        return sorted(found, key=lambda row: row["order"])

    def children(self, parent: str, *types: str) -> list[Record]:
        return [row for row in self.nodes(*types) if row["parent"] == parent]

    def root(self) -> Record:
        [root] = self.nodes(ROOT)
        return root

    def save(self, node: Record) -> None:
        self.book.put(node, "node", node["id"])

    def drop(self, node: Record) -> None:
        self.book.drop("node", node["id"])
        if node["type"] == ACCOUNT:
            self.shared.drop("member", node["id"])

    def depth(self, node: Record) -> int:
        """0 for a root."""
        return len(self.above(node)) - 1

    def above(self, node: Record) -> list[Record]:
        """From the root down to the node itself."""
        steps = [node]
        while node["parent"]:
            node = self.node(node["parent"], "Parent")
            steps.insert(0, node)
        return steps

    def path(self, node: Record) -> str:
        """o-…/r-…/ou-…/"""
        return "/".join((self.id, *(step["id"] for step in self.above(node)))) + "/"

    # Policies

    def policy(self, identity: str) -> Record:
        if identity == FULL_ACCESS_ID:
            return {"id": identity, "name": "FullAWSAccess", "content": FULL_ACCESS, "tags": {}, "aws": True,
                    "description": "Allows access to every operation", "order": 0}
        found = self.book.row("scp", identity)
        if found is None:
            raise missing("Policy")
        return found

    def policies(self, kind: str) -> list[Record]:
        own = sorted((row for _, row in self.book.rows("scp") if type_of(row) == kind), key=lambda row: row["order"])
        return [self.policy(FULL_ACCESS_ID), *own] if kind == SCP else own

    def attached(self, node: Record, kind: str) -> list[str]:
        """The node's own list of its policies of a type, in the order they came."""
        own: list[str] = node["policies"] if kind == SCP else node.setdefault("management", {}).setdefault(kind, [])
        return own

    # ARNs

    def arn(self, node: Record) -> str:
        if node["type"] == ACCOUNT:
            return f"arn:aws:organizations::{self.master}:account/{self.id}/{node['id']}"
        kind = "root" if node["type"] == ROOT else "ou"
        return f"arn:aws:organizations::{self.master}:{kind}/{self.id}/{node['id']}"

    def policy_arn(self, policy: Record) -> str:
        kind = type_of(policy).lower()
        if policy.get("aws"):
            return f"arn:aws:organizations::aws:policy/{kind}/{policy['id']}"
        return f"arn:aws:organizations::{self.master}:policy/{self.id}/{kind}/{policy['id']}"


def begin(transaction: Transaction, context: Context, organization: Record) -> None:
    """A new organization, its root and its management account."""
    account, order = context.account, int(transaction.now() * 1e9)
    book, root = Book(transaction, account), f"r-{new_id(4)}"
    book.put(organization, "organization")
    book.put({"type": ROOT, "id": root, "name": "Root", "parent": "", "policies": [FULL_ACCESS_ID], "enabled": [],
              "tags": {}, "order": order, "status": "ACTIVE"}, "node", root)
    book.put({"type": ACCOUNT, "id": account, "name": "master", "parent": root, "policies": [FULL_ACCESS_ID],
              "tags": {}, "order": order + 1, "email": organization["email"], "status": "ACTIVE",
              "joined": context.now, "method": "INVITED"}, "node", account)
    Book(transaction, "").put({"organization": organization["id"], "master": account}, "member", account)


def page(member: str, rows: Iterable[Record], request: Request, shown: Callable[[Record], Any]) -> Answer:
    """{member: […], NextToken}: a token says how many came before."""
    start, found = _start(request), list(rows)
    limit = request.get("MaxResults") or PAGE_ITEMS
    answer: Answer = {member: [shown(row) for row in found[start:start + limit]]}
    if start + limit < len(found):
        answer["NextToken"] = base64.b64encode(str(start + limit).encode()).decode()
    return answer


def _start(request: Request) -> int:
    token = request.get("NextToken")
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("You specified an invalid value for nextToken. You must get the value from the response to "
                           "a previous call to the API.", Reason="INVALID_NEXT_TOKEN") from error
