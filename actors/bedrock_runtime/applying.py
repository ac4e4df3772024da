"""Guardrails in use: found and kept ready, applied on their own (ApplyGuardrail), and its checks without one."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.bedrock import guardrails
from actors.bedrock.engine.guard import MASKED, NOTHING, Guard, Piece, Verdict
from actors.bedrock.engine.meaning import Sense
from actors.bedrock.state import Book, Record
from actors.bedrock_runtime.guarding import REASONS, Guarding, assessment
from schemas.errors import ValidationException

READY_LIMIT = 256                         # guardrails kept ready; the longest unused goes first
UNITS_LIMIT = 25                          # of text, of 1,000 characters, in one ApplyGuardrail
JSON = "application/json"
NO_SUCH = "The guardrail identifier or version provided in the request does not exist."

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Ready(NamedTuple):
    guard: Guard
    shown: Record


class Guards:
    """Guardrails by what they are and when they were last changed."""

    def __init__(self, sense: Sense) -> None:
        self._sense = sense
        self._ready: OrderedDict[tuple[str, str, float], Ready] = OrderedDict()

    def find(self, book: Book, identifier: str, version: str) -> Ready:
        """ValidationException where there is none."""
        shown = guardrails.find(book, identifier, version)
        if shown is None:
            raise ValidationException(NO_SUCH)
        key = shown["guardrailArn"], shown["version"], shown["updatedAt"]
        found = self._ready.pop(key, None) or Ready(Guard(shown, self._sense), shown)
        self._ready[key] = found
        if len(self._ready) > READY_LIMIT:
            self._ready.popitem(last=False)
        return found

    def guarding(self, book: Book, config: Mapping[str, Any]) -> Guarding:
        """Of GuardrailConfiguration or GuardrailStreamConfiguration."""
        identifier, version = config.get("guardrailIdentifier"), config.get("guardrailVersion")
        if not identifier or not version:
            raise ValidationException("Both guardrailIdentifier and guardrailVersion are required.")
        guard, shown = self.find(book, identifier, version)
        return Guarding(guard, shown, config.get("trace") or "disabled",
                        config.get("streamProcessingMode") == "async")


def config_of(request: Request) -> Answer | None:
    """InvokeModel's headers as Converse's guardrailConfig."""
    if not request.get("guardrailIdentifier") and not request.get("guardrailVersion"):
        return None
    kind = (request.get("contentType") or JSON).partition(";")[0].strip().lower()
    if kind != JSON and not kind.startswith("application/vnd.skybus."):
        raise ValidationException(f"A guardrail needs the contentType {JSON}.")
    return {"guardrailIdentifier": request.get("guardrailIdentifier"),
            "guardrailVersion": request.get("guardrailVersion"),
            "trace": (request.get("trace") or "DISABLED").lower()}


async def apply(ready: Ready, request: Request) -> Answer:
    if any("image" in block for block in request["content"]):
        raise ValidationException("Skybus does not look at images in guardrails.")
    pieces = [Piece(block["text"]["text"], frozenset(block["text"].get("qualifiers") or ()))
              for block in request["content"]]
    if not any(piece.text for piece in pieces):
        raise ValidationException("The content of the request is empty. Provide text to assess and try again.")
    if sum(len(piece.text) for piece in pieces) > UNITS_LIMIT * 1000:
        raise ValidationException(f"The text exceeds the limit of {UNITS_LIMIT} text units.")
    started = time.perf_counter()
    verdict = await ready.guard.assess(request["source"], pieces, full=request.get("outputScope") == "FULL")
    return {"usage": verdict.usage, "action": "NONE" if verdict.action == NOTHING else "GUARDRAIL_INTERVENED",
            "actionReason": REASONS[verdict.action], "outputs": _outputs(verdict, ready.shown, request),
            "assessments": [assessment(verdict, ready.shown, started)], "guardrailCoverage": verdict.coverage}


def _outputs(verdict: Verdict, shown: Record, request: Request) -> list[dict[str, str]]:
    if verdict.action == NOTHING:
        return []
    if verdict.action == MASKED:
        return [{"text": text} for text in verdict.texts]
    return [{"text": shown["blockedInputMessaging" if request["source"] == "INPUT" else "blockedOutputsMessaging"]}]
