"""A guardrail around an invocation: what goes to the model (marking.py), what comes from it, and the trace of both.

A streamed answer is held back until a piece of it, up to a sentence's end, has been looked at together with all before
it (sync), and of that its last characters, so that what is to be masked is found whole; in the async mode it goes out
at once and is cut off late.
"""

import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from actors.bedrock.engine.guard import BLOCKED, INPUT, MASKED, NOTHING, OUTPUT, Guard, Mask, Piece, Verdict, masked
from actors.bedrock_runtime.asking import Answer, Ask, Block, Event, Usage
from actors.bedrock_runtime.marking import slots

PIECE_CHARACTERS = 200                    # of a streamed answer, looked at together; then at the next sentence's end
PIECE_LIMIT_CHARACTERS = 1000             # or here at the latest
TAIL_CHARACTERS = 128                     # of what was looked at, kept: a datum may go on in what comes

REASONS = {NOTHING: "No action.", MASKED: "Guardrail masked.", BLOCKED: "Guardrail blocked."}
_SENTENCE_END = re.compile(r"[.!?\n]\s*\Z")


@dataclass(slots=True)
class Guarding:
    """One invocation's guardrail. `shown`: as GetGuardrail shows it. `trace`: disabled, enabled, enabled_full."""

    guard: Guard
    shown: Mapping[str, Any]
    trace: str = "disabled"
    asynchronous: bool = False
    tag_suffix: str = ""                  # of the tags that mark content in InvokeModel's bodies
    intervened: bool = False
    _masked: bool = False                 # something of a streamed answer
    _context: list[Piece] = field(default_factory=list)        # sources and queries, for grounding
    _input: dict[str, Any] | None = None
    _outputs: list[dict[str, Any]] = field(default_factory=list)
    _reason: str = REASONS[NOTHING]
    _model_output: list[str] = field(default_factory=list)

    async def admit(self, ask: Ask) -> Answer | None:
        """Masks what is to be masked in the request; the answer where it is blocked."""
        found = slots(ask, self.tag_suffix)
        self._context = [slot.piece for slot in found if slot.qualifiers & {"grounding_source", "query"}]
        verdict, told = await self._assess(INPUT, [slot.piece for slot in found])
        self._input = told
        if verdict.action == BLOCKED:
            return self._blocked("blockedInputMessaging")
        for slot, text in zip([slot for slot in found if slot.piece.guarded], verdict.texts, strict=True):
            slot.replace(text)
        return None

    async def release(self, answer: Answer) -> Answer:
        """The answer as it may go out."""
        texts = [block for block in answer.content if "text" in block]
        if not texts:
            return answer
        self._model_output = [block["text"] for block in texts]
        verdict, told = await self._assess(OUTPUT, [*self._context, *(Piece(block["text"]) for block in texts)])
        self._outputs.append(told)
        if verdict.action == BLOCKED:
            return self._blocked("blockedOutputsMessaging", answer)
        self._mask(verdict, texts, answer)
        return answer

    def _mask(self, verdict: Verdict, texts: Sequence[Block], answer: Answer) -> None:
        if verdict.action == MASKED:
            answer.stop_reason = "guardrail_intervened"
            for block, text in zip(texts, verdict.texts[-len(texts):], strict=True):
                block["text"] = text

    def _blocked(self, messaging: str, answer: Answer | None = None) -> Answer:
        blocked = answer or Answer([], "end_turn", Usage())
        blocked.content, blocked.stop_reason = [{"text": self.shown[messaging]}], "guardrail_intervened"
        return blocked

    async def _assess(self, source: str, pieces: Sequence[Piece]) -> tuple[Verdict, dict[str, Any]]:
        started = time.perf_counter()
        verdict = await self.guard.assess(source, pieces, full=self.trace == "enabled_full")
        if verdict.action != NOTHING:
            self.intervened = True
            self._reason = REASONS[verdict.action]
        return verdict, assessment(verdict, self.shown, started)

    # Streams

    async def stream(self, events: AsyncIterator[Event], answer: Answer) -> AsyncIterator[Event]:
        """The events as they may go out; after one that blocks, the message instead and the end."""
        look = self._late(events, answer) if self.asynchronous else self._held(events, answer)
        async with aclosing(cast("Any", look)) as released:
            async for event in released:
                yield event
        if self._masked:                  # the model's own reason came after it
            answer.stop_reason = "guardrail_intervened"

    async def _held(self, events: AsyncIterator[Event], answer: Answer) -> AsyncIterator[Event]:
        """Text waits for its assessment, everything else for the text before it."""
        told = _Told()
        place = 0
        async for event in events:
            delta = event.get("contentBlockDelta", {})
            text = delta.get("delta", {}).get("text")
            if text is not None:
                place = delta["contentBlockIndex"]
                told.add(text)
                if not _ready(told.waiting):
                    continue
            if told.text[told.out:]:
                passed = await self._pass(told, answer, whole=text is None)
                if passed is None:
                    for last in self._cut(place, answer):
                        yield last
                    return
                if passed:
                    yield _delta(place, passed)
            if text is None:
                yield event

    async def _late(self, events: AsyncIterator[Event], answer: Answer) -> AsyncIterator[Event]:
        """Text goes out at once. Nothing is masked in this mode, as with AWS."""
        told = _Told()
        place = 0
        async for event in events:
            yield event
            delta = event.get("contentBlockDelta", {})
            if text := delta.get("delta", {}).get("text", ""):
                place = delta["contentBlockIndex"]
                told.add(text)
            if told.waiting and (_ready(told.waiting) or "contentBlockStop" in event) \
                    and await self._pass(told, answer, whole=True) is None:
                for last in self._cut(place, answer, stopped="contentBlockStop" in event):
                    yield last
                return

    async def _pass(self, told: "_Told", answer: Answer, *, whole: bool) -> str | None:
        """What may go out now, masked; None: it is blocked. `whole`: nothing comes that could belong to it."""
        verdict, assessed = await self._assess(OUTPUT, [*self._context, Piece(told.text)])
        self._outputs = [assessed]
        self._model_output = [told.text]
        if verdict.action == BLOCKED:
            self._blocked("blockedOutputsMessaging", answer)
            return None
        masks = [] if self.asynchronous else verdict.masks[-1]
        self._masked = self._masked or bool(masks)
        return told.release(masks, whole=whole)

    def _cut(self, place: int, answer: Answer, *, stopped: bool = False) -> list[Event]:
        place += stopped
        return [_delta(place, answer.text), {"contentBlockStop": {"contentBlockIndex": place}}]

    # What is told of it

    def shown_trace(self) -> dict[str, Any] | None:
        """GuardrailTraceAssessment; None where no trace was asked for."""
        if self.trace == "disabled":
            return None
        told: dict[str, Any] = {"actionReason": self._reason}
        if self._input is not None:
            told["inputAssessment"] = {self.shown["guardrailId"]: self._input}
        if self._outputs:
            told["outputAssessments"] = {self.shown["guardrailId"]: self._outputs}
            if self.intervened:
                told["modelOutput"] = self._model_output
        return told

    def body_trace(self) -> dict[str, Any]:
        """What InvokeModel's bodies carry beside the family's own."""
        told: dict[str, Any] = {"amazon-bedrock-guardrailAction": "INTERVENED" if self.intervened else "NONE"}
        if self.trace != "disabled":
            guardrail: dict[str, Any] = {"actionReason": self._reason}
            if self._input is not None:
                guardrail["input"] = {self.shown["guardrailId"]: self._input}
            if self._outputs:
                guardrail["outputs"] = [{self.shown["guardrailId"]: each} for each in self._outputs]
                if self.intervened:
                    guardrail["modelOutput"] = self._model_output
            told["amazon-bedrock-trace"] = {"guardrail": guardrail}
        return told


@dataclass(slots=True)
class _Told:
    """A streamed text: all of it, how much was looked at, how much went out."""

    text: str = ""
    seen: int = 0
    out: int = 0

    @property
    def waiting(self) -> str:
        return self.text[self.seen:]

    def add(self, text: str) -> None:
        self.text += text

    def release(self, masks: Sequence[Mask], *, whole: bool) -> str:
        """All, or all but a tail; never a part of what is masked."""
        self.seen = len(self.text)
        until = self.seen if whole else max(self.out, self.seen - TAIL_CHARACTERS)
        for match, _ in sorted(masks, key=lambda mask: -mask[0].start):
            if match.start < until < match.end:
                until = max(self.out, match.start)
        start, self.out = self.out, until
        return masked(self.text, masks, start, until)


def assessment(verdict: Verdict, shown: Mapping[str, Any], started: float) -> dict[str, Any]:
    """GuardrailAssessment. `started`: of time.perf_counter()."""
    metrics = {"guardrailProcessingLatency": round(1000 * (time.perf_counter() - started)), "usage": verdict.usage,
               "guardrailCoverage": verdict.coverage}
    details = {"guardrailId": shown["guardrailId"], "guardrailVersion": shown["version"],
               "guardrailArn": shown["guardrailArn"], "guardrailOrigin": ["REQUEST"], "guardrailOwnership": "SELF"}
    return {**verdict.assessment, "invocationMetrics": metrics, "appliedGuardrailDetails": details}


def _ready(text: str) -> bool:
    return len(text) >= PIECE_LIMIT_CHARACTERS or (
        len(text) >= PIECE_CHARACTERS and _SENTENCE_END.search(text) is not None)


def _delta(place: int, text: str) -> Event:
    return {"contentBlockDelta": {"contentBlockIndex": place, "delta": {"text": text}}}
