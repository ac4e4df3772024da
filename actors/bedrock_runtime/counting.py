"""CountTokens: what a request would cost, counted by the model's own tokenizer and chat template."""

from collections.abc import Mapping
from typing import Any

from actors.bedrock_runtime import conversing, invoking
from actors.bedrock_runtime.answering import Invocation
from actors.bedrock_runtime.families import TextFamily
from schemas.errors import ValidationException


async def count(invocation: Invocation, request: Mapping[str, Any]) -> dict[str, int]:
    given = request["input"]
    if "converse" in given:
        ask = conversing.ask_of(given["converse"], invocation.model)
    else:
        body, family = invoking.read({"modelId": request["modelId"], **given["invokeModel"]}, invocation.model)
        if not isinstance(family, TextFamily):
            raise ValidationException("The provided model doesn't support counting tokens.")
        ask = invoking.text_ask(body, family, invocation.model)
    return {"inputTokens": await invocation.count(await invocation.documents.opened(ask))}
