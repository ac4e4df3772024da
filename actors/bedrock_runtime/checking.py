"""InvokeGuardrailChecks: what the guardrails' engine finds in a conversation, without a guardrail."""

from collections.abc import Mapping
from typing import Any

from actors.bedrock.engine import harm, personal
from actors.bedrock.engine.guard import UNIT_CHARACTERS

ENTRIES_LIMIT = 1000                      # of personal data told
SURE = 1.0                                # what was found by its form

_SCORES = {harm.Confidence.NONE: 0.0, harm.Confidence.LOW: 0.4, harm.Confidence.MEDIUM: 0.7, harm.Confidence.HIGH: 1.0}

Request = Mapping[str, Any]
Answer = dict[str, Any]


def check(request: Request) -> Answer:
    checks = request["checks"]
    texts = [block["text"] for message in request["messages"] for block in message["content"]]
    results: Answer = {}
    if "contentFilter" in checks:
        results["contentFilter"] = _rated(checks["contentFilter"], texts)
    if "promptAttack" in checks:
        asked = [block["text"] for message in request["messages"] if message["role"] == "user"
                 for block in message["content"]]
        results["promptAttack"] = _rated(checks["promptAttack"], asked, "PROMPT_ATTACK")
    if "sensitiveInformation" in checks:
        results["sensitiveInformation"] = _personal(request["messages"], checks["sensitiveInformation"])
    units = sum(-(-len(text) // UNIT_CHARACTERS) for text in texts)
    return {"results": results, "usage": {name: {"textUnits": units} for name in results}}


def _rated(config: Request, texts: list[str], rated_as: str = "") -> Answer:
    """`rated_as`: the lexicon's category, where it knows the categories asked for as one."""
    told = []
    for each in config["categories"]:
        category = each["category"]
        confidence = max((harm.rate(rated_as or category, text) for text in texts), default=harm.Confidence.NONE)
        told.append({"category": category, "severityScore": _SCORES[confidence]})
    return {"results": told}


def _personal(messages: list[Request], config: Request) -> Answer:
    told = [
        {"type": entity["type"], "confidenceScore": SURE, "beginOffset": match.start, "endOffset": match.end,
         "messageIndex": place, "contentIndex": index}
        for place, message in enumerate(messages) for index, block in enumerate(message["content"])
        for entity in config["entities"] for match in personal.find(entity["type"], block["text"])]
    return {"results": told[:ENTRIES_LIMIT], "truncated": len(told) > ENTRIES_LIMIT}
