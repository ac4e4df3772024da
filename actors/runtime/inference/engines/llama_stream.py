"""llama.cpp's completion chunks as events of ours, and its errors as ours.

A chunk is OpenAI's, of a chat or of a text, with `timings` beside it: what has been read, cached and written so far.
"""

from collections.abc import Iterator
from typing import Any

from actors.runtime.inference.protocol import (
    Event,
    Finish,
    InputTooLong,
    InvalidInput,
    ModelFailed,
    Reason,
    Reasoning,
    Text,
    TokenChance,
    ToolUse,
    Usage,
)
from schemas.errors import AwsError

_REASONS = {"stop": Reason.END, "length": Reason.LENGTH, "tool_calls": Reason.TOOL_USE}


def error_of(error: dict[str, Any]) -> AwsError:
    """What its `error` object says."""
    if error.get("type") == "exceed_context_size_error":
        return InputTooLong()
    if error.get("code") == 400 or error.get("type") == "invalid_request_error":
        return InvalidInput(str(error.get("message", "")))
    return ModelFailed(f"The model failed: {error.get('message', '')}")


class Chunks:
    """Of one completion. Counts tokens as the engine's timings say."""

    def __init__(self, context_tokens: int) -> None:
        self._context_tokens = context_tokens
        self._read = self._cached = self._written = self._told = 0
        self._reason: str | None = None

    def events(self, chunk: dict[str, Any]) -> Iterator[Event]:
        """AwsError when the chunk is one."""
        if "error" in chunk:
            raise error_of(chunk["error"])
        timings = chunk.get("timings")
        if timings:
            self._read, self._cached = timings["prompt_n"] + timings["cache_n"], timings["cache_n"]
            self._written = timings["predicted_n"]
        if progress := chunk.get("prompt_progress"):
            self._read, self._cached = progress["total"], progress["cache"]
        for choice in chunk.get("choices", []):
            self._reason = choice.get("finish_reason") or self._reason
            yield from self._of(choice)

    def _of(self, choice: dict[str, Any]) -> Iterator[Event]:
        delta = choice.get("delta", choice)
        if thought := delta.get("reasoning_content"):
            yield Reasoning(thought, self._new())
        if text := delta.get("content") or delta.get("text"):
            yield Text(text, self._new(), chances(choice.get("logprobs")))
        for call in delta.get("tool_calls") or []:
            function = call.get("function", {})
            yield ToolUse(call["index"], function.get("arguments") or "", call.get("id") or "",
                          function.get("name") or "", self._new())

    def _new(self) -> int:
        """Tokens since the last event."""
        new, self._told = self._written - self._told, self._written
        return new

    def finish(self, stop_sequence: str) -> Finish:
        reason = Reason.STOP if stop_sequence else _REASONS.get(self._reason or "", Reason.END)
        if reason is Reason.LENGTH and self._read + self._written >= self._context_tokens - 1:
            reason = Reason.CONTEXT
        return Finish(reason, Usage(self._read, self._written, self._cached), stop_sequence)


def chances(logprobs: dict[str, Any] | None) -> list[TokenChance]:
    return [
        TokenChance(each["token"], each["logprob"], [
            (other["token"], other["logprob"]) for other in each.get("top_logprobs", [])
        ])
        for each in (logprobs or {}).get("content") or []
    ]
