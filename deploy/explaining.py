"""The answering side of `skybus explain`, in the actors' process: asks the same decision as the chain does."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from actors.runtime.access import Access
from actors.runtime.actor import ServiceActor
from actors.runtime.chain.authorise import decision_on
from actors.runtime.context import Context
from actors.runtime.policy import Decision, Level
from actors.runtime.principal import Principal, principal_of, root
from bus.subjects import DIRECT, is_account
from deploy import config
from schemas.envelope import DEFAULT_REGION, Identity
from schemas.models import load
from schemas.routing import slot_of

Answer = dict[str, Any]
Ask = Callable[[str, Answer], Awaitable[Answer]]        # IAM, wherever it runs: a verb of sys.… and its question


def explained(actors: Mapping[str, ServiceActor], principal: Principal | None, question: Answer) -> Answer:
    """{principal: an ARN or an access key, action, resource}, and who that is -> {allowed, sentence, because} or
    {error}."""
    name, action, resource = question["principal"], question["action"], question["resource"]
    if principal is None:
        return {"error": f"There is no principal {name} here."}
    prefix = action.partition(":")[0]     # whose actor decides about it: STS about a role of IAM's
    actor = actors.get(prefix)
    if actor is None:
        return {"error": f"There is no service {prefix} here, so nothing says what stands around {resource}."}
    share = actor.surroundings.share
    if share.of > 1 and resource != "*" and share.holder(slot_of(principal.account, DEFAULT_REGION, resource)) != share:
        return {"error": f"{resource} is in another shard of {prefix}, and so is its policy, if it has one: "
                "without it the answer might be wrong."}
    operation = next(iter(load(actor.service).operations.values()))      # of no account to the decision
    now = time.time()
    context = Context(Identity(DIRECT, principal.account, name), DEFAULT_REGION, operation, "", now, now,
                      principal=principal)
    decision = decision_on(context, actor, Access(action, resource))
    verdict = "is allowed" if decision.allowed else "is NOT allowed"
    return {"allowed": decision.allowed, "sentence": f"{principal.arn} {verdict} {action} on {resource}",
            "because": _reasons(decision, action)}


async def principal_named(name: str, access: config.Access, iam: Ask | None) -> Principal | None:
    """Who an ARN or an access key stands for, as gateways and the chain have it; None: nobody. BusError."""
    account = _root_account(name, access)
    if iam is None:
        return root(account) if account else None
    key = account or name
    if not key.startswith("arn:") and not account:
        credential = await iam("credential", {"access_key": name})
        account = credential.get("account", "")
        if credential.get("unknown") and access.auth == "open":
            key = account = access.account_id
    record = (await iam("principal", {"account": account, "access_key": key})).get("record")
    return principal_of(record) if record else None


def _root_account(name: str, access: config.Access) -> str:
    """Whose root that is; "" when it is none's."""
    if name.startswith("arn:aws:iam::") and name.endswith(":root"):
        return name.split(":")[4]
    if name == access.root_access_key:
        return access.account_id
    return name if access.auth == "open" and is_account(name) else ""


def _reasons(decision: Decision, action: str) -> list[str]:
    if decision.statement is None:
        return ["the root user may everything nobody forbids"] if decision.level is Level.ROOT else \
            [decision.reason(action)]
    statement = decision.statement
    sid = f' "{statement.sid}"' if statement.sid else ""
    effect = "allowed" if decision.allowed else "explicitly denied"
    return [f"{effect} by statement {statement.index + 1}{sid} of {decision.policy} ({decision.level.value})"]
