"""Foundation models: the catalogue's, as Bedrock lists them."""

from collections.abc import Mapping
from typing import Any

from actors.bedrock.catalogue import Model, Models
from actors.bedrock.errors import ResourceNotFoundException
from actors.runtime.inference.training import trainer
from schemas.errors import ValidationException

Request = Mapping[str, Any]
Answer = dict[str, Any]

CUSTOMIZATIONS = ("FINE_TUNING", "CONTINUED_PRE_TRAINING")
INVALID = "The provided model identifier is invalid."


def arn(model: Model, region: str) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model.id}"


def shown(model: Model, region: str) -> Answer:
    return {
        "modelArn": arn(model, region), "modelId": model.id, "modelName": model.name, "providerName": model.provider,
        "inputModalities": ["TEXT"], "outputModalities": list(model.outputs),
        "responseStreamingSupported": model.generates,
        "customizationsSupported": list(CUSTOMIZATIONS) if model.trainable and trainer.available() else [],
        "inferenceTypesSupported": ["ON_DEMAND", "PROVISIONED"], "modelLifecycle": {"status": "ACTIVE"},
    }


def listed(models: Models, region: str, request: Request) -> Answer:
    kinds, inference = request.get("byCustomizationType"), request.get("byInferenceType")
    told = [shown(model, region) for model in models]
    return {"modelSummaries": [
        each for each in told
        if request.get("byProvider", each["providerName"]).lower() == each["providerName"].lower()
        and request.get("byOutputModality", each["outputModalities"][0]) in each["outputModalities"]
        and (not kinds or kinds in each["customizationsSupported"])
        and (not inference or inference in each["inferenceTypesSupported"])]}


def get(models: Models, region: str, identifier: str) -> Answer:
    """ValidationException for what is no foundation model's id or ARN."""
    model = find(models, identifier)
    if model is None:
        raise ValidationException(INVALID)
    return {"modelDetails": shown(model, region)}


def find(models: Models, identifier: str) -> Model | None:
    """By id or ARN; no inference profile is one."""
    if identifier.startswith("arn:") and ":foundation-model/" not in identifier:
        return None
    found = models.find(identifier)
    return found if found is not None and identifier.rpartition("/")[2] == found.id else None


def availability(models: Models, identifier: str) -> Answer:
    """Whatever the catalogue has may be used by whoever may ask."""
    if find(models, identifier) is None:
        raise ResourceNotFoundException(f"Could not find the foundation model {identifier}.")
    return {"modelId": identifier, "agreementAvailability": {"status": "AVAILABLE"},
            "authorizationStatus": "AUTHORIZED", "entitlementAvailability": "AVAILABLE",
            "regionAvailability": "AVAILABLE"}
