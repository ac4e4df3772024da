"""Authorise: may this principal do this to that? The decision is an Authoriser's; the words are AWS's.

RootAlone is the one until policies exist: whoever the subject proves is root of the account, ANONYMOUS is nobody.
"""

from typing import NamedTuple, Protocol

from actors.runtime.chain.actions import action_of, needs_no_identity
from actors.runtime.chain.call import Call, Link
from actors.runtime.context import Context
from schemas.dialects import dialect_of
from schemas.envelope import ANONYMOUS
from schemas.errors import AwsError


class Decision(NamedTuple):
    allowed: bool
    reason: str = ""                               # "no identity-based policy allows the sqs:SendMessage action"
    principal: str = ""                            # the ARN decided for; "": anonymous


class Authoriser(Protocol):
    def decide(self, context: Context, action: str, resource: str) -> Decision:
        """`action` like "dynamodb:PutItem", `resource` an ARN or "*". Pure, quick, and never raises."""


class RootAlone:
    """Every known principal is root of its account."""

    def decide(self, context: Context, action: str, resource: str) -> Decision:
        return _REFUSED if context.identity.principal == ANONYMOUS else _ALLOWED


_ALLOWED, _REFUSED = Decision(True), Decision(False)


class Authorise(Link):
    def __init__(self, authoriser: Authoriser) -> None:
        self._decide = authoriser.decide

    def enter(self, call: Call) -> None:
        context = call.context
        operation = context.operation
        call.action = action_of(operation)
        call.resource = call.actor.resource(operation.name, call.request, context.account, context.region)
        decision = self._decide(context, call.action, call.resource)
        if decision.allowed:
            return
        if context.identity.principal == ANONYMOUS and needs_no_identity(operation):
            return                                 # AssumeRoleWithWebIdentity and its like: the request proves who asks
        raise denied(call, decision)


class Deferred(Link):
    """In the place of Authorise where a request concerns several shards: its parts are authorised by their owners, who
    have the resource policies."""

    def enter(self, call: Call) -> None:
        call.action, call.resource = action_of(call.context.operation), "*"


def denied(call: Call, decision: Decision) -> AwsError:
    """403 with AWS's sentence.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html ("Access denied message
    examples"): User: <ARN> is not authorized to perform: <action> on resource: <ARN> because <reason>.
    """
    who = decision.principal or "anonymous"
    because = f" because {decision.reason}" if decision.reason else ""
    message = f"User: {who} is not authorized to perform: {call.action} on resource: {call.resource}{because}"
    return AwsError(message, code=dialect_of(call.context.operation.service).denied, status=403)
