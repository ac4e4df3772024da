"""The resources that IAM judges a request by, and the role it hands over.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.bedrock import state
from actors.runtime.access import Access
from actors.runtime.actions import action_of
from actors.runtime.context import Context

# The member that names a resource -> its kind; a job's depends on the operation.
_MEMBERS = {
    "guardrailIdentifier": state.GUARDRAIL, "inferenceProfileIdentifier": state.PROFILE,
    "provisionedModelId": state.PROVISIONED, "customModelDeploymentIdentifier": state.DEPLOYMENT,
}
_JOBS = (("ImportJob", state.IMPORT_JOB), ("InvocationJob", state.INVOCATION_JOB),
         ("CustomizationJob", state.CUSTOMIZATION_JOB))
_MODELS = (("ImportedModel", state.IMPORTED), ("CustomModel", state.CUSTOM))


# What an operation makes beside the model it makes it of; both are judged.
_MADE = {"CreateInferenceProfile": state.PROFILE, "CreateModelCustomizationJob": state.CUSTOM,
         "CreateModelInvocationJob": state.INVOCATION_JOB}


def accesses(context: Context, request: Mapping[str, Any]) -> Sequence[Access]:
    account, region = context.scope
    operation, action = context.operation.name, action_of(context.operation)
    made = _MADE.get(operation)
    found = [Access(action, resource_of(operation, request, account, region))]
    if made:
        found.insert(0, Access(action, f"arn:aws:bedrock:{region}:{account}:{made}/*"))
    if isinstance(request.get("roleArn"), str):
        found.append(Access("iam:PassRole", request["roleArn"], {"iam:passedtoservice": "bedrock.amazonaws.com"}))
    return found


def resource_of(operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
    """An ARN, or * for operations about none."""
    def arn(kind: str, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:bedrock:{region}:{account}:{kind}/{name}"

    if operation == "GetFoundationModelAvailability":      # of which IAM's reference has no resource
        return "*"
    given = request.get("resourceARN")
    if isinstance(given, str):
        return given
    for member, kind in _MEMBERS.items():
        if isinstance(request.get(member), str):
            return arn(kind, request[member])
    if isinstance(request.get("jobIdentifier"), str):
        return arn(next((kind for part, kind in _JOBS if part in operation), "job"), request["jobIdentifier"])
    source = request.get("modelSource")
    copied = source.get("copyFrom") if isinstance(source, Mapping) else None
    name = request.get("modelIdentifier") or request.get("modelId") or request.get("modelArn") \
        or request.get("baseModelIdentifier") or copied
    if isinstance(name, str):
        if name.startswith("arn:"):
            return name
        kind = next((kind for part, kind in _MODELS if part in operation), "")
        return arn(kind, name) if kind else f"arn:aws:bedrock:{region}::foundation-model/{name}"
    return "*"
