"""Authorise: may this principal do this to that? The policies decide (policy/), the words are AWS's (denials.py).

What a request needs and what stands around its resources, its actor says (access.py); who asks stands in the context.
DESIGN.md: what a service brings.
"""

from collections.abc import Mapping
from typing import Any

import structlog

from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of, needs_no_identity
from actors.runtime.actor import ServiceActor
from actors.runtime.authorization_messages import AuthorizationMessages
from actors.runtime.chain.call import Call, Link
from actors.runtime.chain.denials import denied, expired, stranger
from actors.runtime.chain.failures import failure
from actors.runtime.circumstances import Circumstances, owner_of
from actors.runtime.context import Context
from actors.runtime.policy import Decision, Level, Question, decide
from actors.runtime.principal import Principal, Standing
from schemas.dialects import dialect_of

SETTLED_LIMIT = 32                                 # decisions remembered of each principal

_GRANTED = Decision(True, Level.RESOURCE)
_ROOT = Decision(True, Level.ROOT)

log = structlog.get_logger(__name__)


class Authorise(Link):
    """With `enforcing` False it only logs what it would deny. `messages`: where somebody could decode them."""

    def __init__(self, *, enforcing: bool = True, messages: AuthorizationMessages | None = None) -> None:
        self._enforcing = enforcing
        self._messages = messages

    def enter(self, call: Call) -> None:
        context = call.context
        principal = context.principal
        operation = context.operation
        if principal.standing is not Standing.GOOD or principal.expires <= context.now:
            call.action = action_of(operation)
            if principal.standing is Standing.UNKNOWN:
                raise stranger(operation.service)
            if principal.standing is Standing.GOOD:
                raise expired(operation.service)
            if needs_no_identity(operation):
                return                             # AssumeRoleWithWebIdentity and its like: the request proves who asks
        accesses = call.actor.accesses(context, call.request)
        if "bearer" in context.source:             # an API key in place of a signature
            accesses = (*accesses, _bearing(context.source["bearer"]))
        if not accesses:
            call.action = action_of(operation)
            return
        call.action, call.resource = accesses[0].action, accesses[0].resource
        for access in accesses:
            decision, owner = _decide(context, call.actor, access, call.request)
            if not decision.allowed:
                self._refuse(call, access, decision)
            if owner and owner != principal.account:
                context.owner = owner

    def _refuse(self, call: Call, access: Access, decision: Decision) -> None:
        context = call.context
        encoded = ""
        if self._messages is not None and dialect_of(context.operation.service).encodes:
            told = failure(context, call.actor, access, decision, call.request)
            encoded = self._messages.seal(context.identity.account, told, context.now)
        error = call.actor.refusal(context, access, denied(context, access, decision, encoded))
        if self._enforcing:
            raise error
        log.warning("would_deny", request_id=context.request_id, reason=error.message)


def _bearing(kind: str) -> Access:
    """Source: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-permissions.html"""
    return Access("bedrock:CallWithBearerToken", "*", {"bedrock:bearertokentype": kind})


def allowed(context: Context, actor: ServiceActor, access: Access, request: Mapping[str, Any]) -> bool:
    """May the caller have this as well? For what an operation leaves out of its answer, or says differently."""
    return _decide(context, actor, access, request)[0].allowed


def decision_on(context: Context, actor: ServiceActor, access: Access) -> Decision:
    """The whole decision, for explanations: there is no request, so keys that come from one have no value."""
    return _decide(context, actor, access, {})[0]


class Deferred(Link):
    """In the place of Authorise where a request concerns several shards: its parts are authorised by their owners, who
    have the resource policies."""

    def enter(self, call: Call) -> None:
        call.action, call.resource = action_of(call.context.operation), "*"


def _decide(
    context: Context, actor: ServiceActor, access: Access, request: Mapping[str, Any]
) -> tuple[Decision, str]:
    """The decision, and whose the resource is ("" when it is nobody's in particular)."""
    principal = context.principal
    guard = actor.guard(context, access)
    if principal.unbounded and _is_own(principal, access, guard):
        return _ROOT, ""
    if guard is None:
        return principal.settled.get(access[:2]) or _without_guard(context, actor, access, request)
    owner = guard.account or owner_of(access, None)
    keys = Circumstances(context, actor, access, guard, request)
    question = Question(access.action, access.resource, keys, owner)
    decision = decide(principal.caller, question, guard.policy, resource_decides=guard.decides)
    if not decision.allowed and guard.granted:
        decision = _with_grant(context, decision, owner, guard)
    return decision, owner


def _without_guard(
    context: Context, actor: ServiceActor, access: Access, request: Mapping[str, Any]
) -> tuple[Decision, str]:
    """By the caller's policies alone. Where none of them asks about circumstances, the same again until IAM tells of a
    change and the principal is forgotten: then it is settled."""
    principal, owner = context.principal, owner_of(access, None)
    keys = Circumstances(context, actor, access, None, request)
    found = decide(principal.caller, Question(access.action, access.resource, keys, owner)), owner
    if not keys.asked:
        if len(principal.settled) >= SETTLED_LIMIT:
            principal.settled.clear()
        principal.settled[access.action, access.resource] = found
    return found


def _is_own(principal: Principal, access: Access, guard: Guard | None) -> bool:
    """Is the resource of the caller's account, and does no policy of its own speak of it?"""
    if guard is None:
        return access.resource == "*" or principal.in_account in access.resource
    return guard.policy is None and not guard.decides and guard.account == principal.account


def _with_grant(context: Context, decision: Decision, owner: str, guard: Guard) -> Decision:
    """An access control list stands for the resource's allow: enough at home and for nobody's callers; a caller from
    another account was refused for want of it (Level.RESOURCE), or by its own side, which it cannot overrule."""
    if decision.explicit:
        return decision
    account = context.principal.account
    lacks_own = decision.level is Level.IDENTITY and owner in ("", account)
    return _GRANTED if lacks_own or decision.level is Level.RESOURCE else decision
