"""Who may have which credentials: a role's trust policy is the resource policy that alone lets anyone in.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-sts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.runtime.access import Access, Guard
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.transaction import Snapshot
from actors.sts import roles, root_sessions
from actors.sts.errors import AccessDenied

Request = Mapping[str, Any]
Keys = Mapping[str, str | tuple[str, ...]]

# Needs no permission: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html, …GetSessionToken.
_FREE = frozenset({"GetCallerIdentity", "GetSessionToken", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})


def accesses(context: Context, action: str, request: Request, factor: Keys) -> Sequence[Access]:
    """`factor`: the condition keys of a second factor that came with the request."""
    name = context.operation.name
    if name in _FREE:
        return ()
    if name == "AssumeRole":
        if context.principal.record.get("token") == "federated":
            raise AccessDenied(roles.refusal(context.principal, action, request["RoleArn"]))
        resource = roles.checked_arn(request["RoleArn"])
    elif name == "GetFederationToken":
        resource = f"arn:aws:sts::{context.identity.account}:federated-user/{request['Name']}"
    elif name == "AssumeRoot":
        task = {"sts:taskpolicyarn": str(request["TaskPolicyArn"].get("arn"))}
        return (Access(action, root_arn(root_sessions.target(request)), task),)
    else:
        resource = "*"
    found = [Access(action, resource, factor)]
    if request.get("Tags") or request.get("TransitiveTagKeys"):
        found.append(Access("sts:TagSession", resource, factor))
    if request.get("SourceIdentity"):
        found.append(Access("sts:SetSourceIdentity", resource, factor))
    return found


def guard(view: Snapshot, access: Access) -> Guard | None:
    """A role that is not there trusts nobody."""
    if ":role/" not in access.resource:
        return None
    found = roles.find(view, access.resource)
    if found is None:
        return Guard(decides=True)
    book, record = found
    return Guard(book.account, Policy("trust", compile_document(record["trust"], Use.TRUST)), decides=True)


def tags(view: Snapshot, access: Access) -> Mapping[str, str]:
    found = roles.find(view, access.resource)
    return {} if found is None else found[1]["tags"]


def condition_keys(request: Request) -> Keys:
    keys: dict[str, str | tuple[str, ...]] = {}
    for member, key in (("ExternalId", "sts:externalid"), ("RoleSessionName", "sts:rolesessionname"),
                        ("SourceIdentity", "sts:sourceidentity"), ("DurationSeconds", "sts:durationseconds")):
        if request.get(member):
            keys[key] = str(request[member])
    if request.get("TransitiveTagKeys"):
        keys["sts:transitivetagkeys"] = tuple(request["TransitiveTagKeys"])
    return keys
