"""What an encoded authorization message tells about a refusal.

Source of the members: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html, and
messages that users of EC2 have published.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actors.runtime.access import Access
from actors.runtime.actor import ServiceActor
from actors.runtime.context import Context
from actors.runtime.policy import Decision, Policy
from actors.runtime.principal import Principal

ARN_LIMIT_CHARACTERS = 2_048

Members = dict[str, Any]


def failure(
    context: Context, actor: ServiceActor, access: Access, decision: Decision, request: Mapping[str, Any]
) -> Members:
    guard = actor.guard(context, access)
    policies = [*_policies(context.principal), *([guard.policy] if guard is not None and guard.policy else [])]
    keys = {**_of_resource(access.resource), **access.keys, **actor.condition_keys(context, access, request)}
    return {
        "allowed": False,
        "explicitDeny": decision.explicit,
        "matchedStatements": _items(_matched(decision, policies, context.principal)),
        "failures": _items(()),
        "context": {
            "principal": _principal(context.principal),
            "action": access.action,
            "resource": access.resource[:ARN_LIMIT_CHARACTERS],
            "conditions": _items(_condition(key, value) for key, value in keys.items()),
        },
    }


def _items(values: Iterable[Members]) -> Members:
    return {"items": list(values)}


def _values(values: Iterable[object]) -> Members:
    return _items({"value": str(value)} for value in values)


def _condition(key: str, value: object) -> Members:
    return {"key": key, "values": _values(value if isinstance(value, tuple | list) else (value,))}


def _principal(principal: Principal) -> Members:
    return {"id": principal.user_id, **({"name": principal.name} if principal.name else {}), "arn": principal.arn}


def _of_resource(arn: str) -> dict[str, str]:
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return {}
    _, _, service, region, account, resource = parts
    kind, _, identity = resource.partition("/")
    return {"aws:Resource": resource, "aws:Account": account, "aws:Region": region, "aws:Service": service,
            "aws:Type": kind, "aws:ID": identity, "aws:ARN": arn[:ARN_LIMIT_CHARACTERS]}


def _policies(principal: Principal) -> Iterator[Policy]:
    caller = principal.caller
    yield from caller.identity
    yield from (caller.boundary,) if caller.boundary else ()
    yield from caller.session or ()
    for level in caller.scps:
        yield from level


def _matched(decision: Decision, policies: Iterable[Policy], principal: Principal) -> Iterator[Members]:
    """The statement that denied, as it stands in its policy."""
    for _, document in policies:
        if decision.statement in document.statements:
            assert decision.statement is not None
            listed = _listed(json.loads(document.text)["Statement"])
            yield _statement(listed[decision.statement.index], principal)
            return


def _statement(source: Members, principal: Principal) -> Members:
    operators = source.get("Condition", {}).values()
    conditions = [(key, values) for operator in operators for key, values in operator.items()]
    return {
        "statementId": source.get("Sid", ""),
        "effect": str(source["Effect"]).upper(),
        "principals": _values((principal.user_id,)),
        "principalGroups": _items(()),
        "actions": _values(_listed(source.get("Action", source.get("NotAction")))),
        "resources": _values(_listed(source.get("Resource", source.get("NotResource")))),
        "conditions": _items(_condition(key, _listed(values)) for key, values in conditions),
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
