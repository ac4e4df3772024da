"""The resource that IAM judges a request by.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
"""

from collections.abc import Mapping
from typing import Any

from actors.bedrock_runtime.families import base_id


def resource_of(operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
    """An ARN, or * for operations about none."""
    model = request.get("modelId")
    if isinstance(model, str) and model:
        return model if model.startswith("arn:") else model_arn(model, account, region)
    guardrail = request.get("guardrailIdentifier")
    if operation == "ApplyGuardrail" and isinstance(guardrail, str):
        named = guardrail.startswith("arn:")
        return guardrail if named else f"arn:aws:bedrock:{region}:{account}:guardrail/{guardrail}"
    invocation = request.get("invocationArn")
    return invocation if isinstance(invocation, str) and invocation else "*"


def model_arn(model: str, account: str, region: str) -> str:
    if base_id(model) != model:
        return f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}"
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"
