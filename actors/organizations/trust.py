"""Which AWS services the organization trusts, and which member accounts administer it for them.

Sources: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html,
https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html; sentences: public
captures (moto's suite).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.iam.state import Record
from actors.organizations import accounts
from actors.organizations.errors import (
    AccountAlreadyRegistered,
    AccountNotRegistered,
    ConstraintViolation,
    InvalidInput,
)
from actors.organizations.state import ACCOUNT, Tree, page
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.models import index

# Principals under names that are no endpoint's: orgs_integrate_services_list.html and its pages.
_OTHER_SERVICES = frozenset({
    "access-analyzer", "aws-artifact-account-sync", "bcm", "config-multiaccountsetup", "ipam", "macie", "marketplace",
    "member-account", "networkinsights", "private-marketplace", "q", "servicequotas", "tag", "trustedadvisor",
    "user-subscriptions", "vendor-insights",
})
_NO_MASTER = "You cannot register master account/yourself as delegated administrator for your organization."

Request = Mapping[str, Any]
Answer = dict[str, Any]


def _service(request: Request) -> str:
    """AWS's own list is closed and grows; any name under one of AWS's services is taken (ram, storage-lens.s3)."""
    service = str(request["ServicePrincipal"])
    name, _, domain = service.partition(".amazonaws.")
    last = name.rpartition(".")[2]
    if domain != "com" or not (last in _OTHER_SERVICES or last in index().entries or index().by_endpoint_prefix(last)):
        raise InvalidInput("You specified an unrecognized service principal.", Reason="UNRECOGNIZED_SERVICE_PRINCIPAL")
    return service


def _moment(row: Record) -> datetime:
    return datetime.fromtimestamp(row["enabled"], UTC)


# Trusted services

def enable(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree, service = Tree(transaction, context), _service(request)
    if tree.book.row("trusted", service) is None:
        tree.book.put({"enabled": context.now}, "trusted", service)
    return {}


def disable(transaction: Transaction, context: Context, request: Request) -> Answer:
    """Who administered it for that service does so no more."""
    tree, service = Tree(transaction, context), _service(request)
    tree.book.drop("trusted", service)
    for node in tree.nodes(ACCOUNT):
        tree.book.drop("delegate", node["id"], service)
    return {}


def services(view: Snapshot, context: Context, request: Request) -> Answer:
    rows = [{**row, "service": service} for service, row in Tree(view, context).book.rows("trusted")]
    return page("EnabledServicePrincipals", rows, request, lambda row: {
        "ServicePrincipal": row["service"], "DateEnabled": _moment(row)})


# Delegated administrators

def register(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree, service = Tree(transaction, context), _service(request)
    account = _member(tree, request)
    if tree.book.row("delegate", account["id"], service) is not None:
        raise AccountAlreadyRegistered
    tree.book.put({"enabled": context.now}, "delegate", account["id"], service)
    return {}


def deregister(transaction: Transaction, context: Context, request: Request) -> Answer:
    tree, service = Tree(transaction, context), _service(request)
    account = _member(tree, request)
    if tree.book.row("delegate", account["id"], service) is None:
        raise AccountNotRegistered
    tree.book.drop("delegate", account["id"], service)
    return {}


def _member(tree: Tree, request: Request) -> Record:
    account = tree.node(request["AccountId"], "Account", ACCOUNT)
    if account["id"] == tree.master:
        raise ConstraintViolation(_NO_MASTER, "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    return account


def administrators(view: Snapshot, context: Context, request: Request) -> Answer:
    """Of one service, or of any."""
    tree, wanted = Tree(view, context), _service(request) if request.get("ServicePrincipal") else None
    found = []
    for node in tree.nodes(ACCOUNT):
        since = [row["enabled"] for service, row in tree.book.rows("delegate", node["id"]) if wanted in (None, service)]
        if since:
            found.append({**node, "enabled": min(since)})
    return page("DelegatedAdministrators", found, request, lambda node: {
        **{name: value for name, value in accounts.shown(tree, node).items() if name != "Paths"},
        "DelegationEnabledDate": _moment(node)})


def delegated_services(view: Snapshot, context: Context, request: Request) -> Answer:
    tree = Tree(view, context)
    account = tree.node(request["AccountId"], "Account", ACCOUNT)
    rows = [{**row, "service": service} for service, row in tree.book.rows("delegate", account["id"])]
    if not rows:
        raise AccountNotRegistered
    return page("DelegatedServices", rows, request, lambda row: {
        "ServicePrincipal": row["service"], "DelegationEnabledDate": _moment(row)})
