"""What a request needs to be allowed: its model, and the guardrail around it.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html and, for guardrails,
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-permissions.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.bedrock_runtime.families import base_id
from actors.runtime.access import Access
from actors.runtime.actions import action_of
from actors.runtime.context import Context

APPLY = "bedrock:ApplyGuardrail"


def accesses(context: Context, request: Mapping[str, Any]) -> Sequence[Access]:
    account, region = context.scope
    guardrail = _guardrail(request)
    keys = {"bedrock:guardrailidentifier": _versioned(guardrail, request, account, region)} if guardrail else {}
    found = [Access(action_of(context.operation), _resource(request, account, region), keys)]
    if guardrail and found[0].action != APPLY:
        found.append(Access(APPLY, _guardrail_arn(guardrail, account, region)))
    return found


def _resource(request: Mapping[str, Any], account: str, region: str) -> str:
    """An ARN, or * for operations about none."""
    model, invocation = request.get("modelId"), request.get("invocationArn")
    if isinstance(model, str) and model:
        return model if model.startswith("arn:") else _model_arn(model, account, region)
    if isinstance(invocation, str) and invocation:
        return invocation
    guardrail = _guardrail(request)
    return _guardrail_arn(guardrail, account, region) if guardrail else "*"


def _guardrail(request: Mapping[str, Any]) -> str:
    """The guardrail a request names, in its config or as InvokeModel's header; "" for none."""
    config = request.get("guardrailConfig")
    named = config.get("guardrailIdentifier") if isinstance(config, dict) else request.get("guardrailIdentifier")
    return named if isinstance(named, str) else ""


def _versioned(guardrail: str, request: Mapping[str, Any], account: str, region: str) -> str:
    """The guardrail's ARN and, of a version, its number, as bedrock:GuardrailIdentifier has it."""
    config = request.get("guardrailConfig")
    version = (config if isinstance(config, dict) else request).get("guardrailVersion")
    arn = _guardrail_arn(guardrail, account, region)
    return f"{arn}:{version}" if version and version != "DRAFT" else arn


def _guardrail_arn(guardrail: str, account: str, region: str) -> str:
    return guardrail if guardrail.startswith("arn:") else f"arn:aws:bedrock:{region}:{account}:guardrail/{guardrail}"


def _model_arn(model: str, account: str, region: str) -> str:
    if base_id(model) != model:
        return f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}"
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
