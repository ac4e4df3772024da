"""AssumeRoot: short sessions of a member account's root, for one task that a managed policy of AWS's bounds.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html.
"""

from collections.abc import Mapping
from typing import Any

from actors.iam import managed, root_access, sessions
from actors.iam.state import Book
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.transaction import Transaction
from actors.sts import roles
from actors.sts.errors import AccessDenied, ValidationError

LIMIT_S = 900
TASKS = f"{managed.PREFIX}/root-task/"

Request = Mapping[str, Any]
Answer = dict[str, Any]


def target(request: Request) -> str:
    """The account meant, by its number or its root's ARN. ValidationError."""
    given = str(request["TargetPrincipal"])
    account = given.split(":")[4] if given.count(":") == 5 else given
    if not (len(account) == 12 and account.isdecimal() and given in (account, root_arn(account))):
        raise ValidationError(f"{given} is invalid")
    return account


def assume(transaction: Transaction, vault: Vault, context: Context, request: Request) -> Answer:
    account, task = target(request), str(request["TaskPolicyArn"].get("arn"))
    if not task.startswith(TASKS) or managed.find(task) is None:
        raise ValidationError(f"Invalid task policy ARN: {task}")
    if not root_access.may_assume(Book(transaction, context.identity.account), account):
        raise AccessDenied(roles.refusal(context.principal, "sts:AssumeRoot", root_arn(account)))
    identity = context.principal.keys.get("aws:sourceidentity", "")
    seconds = LIMIT_S if request.get("DurationSeconds") is None else request["DurationSeconds"]
    credentials = sessions.create(transaction, vault, seconds, {
        "kind": "root", "account": account, "id": "", "name": "", "policies": None, "arns": [task], "tags": {},
        "transitive": [], "keys": {"aws:sourceidentity": identity} if identity else {}})
    return {"Credentials": credentials, "SourceIdentity": identity} if identity else {"Credentials": credentials}
