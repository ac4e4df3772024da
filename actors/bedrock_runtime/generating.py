"""A generation under way: what a model host tells becomes Converse's events, and at the end the whole answer."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast
from uuid import uuid4

import orjson

from actors.bedrock_runtime.asking import Answer, Block, Event, Logprob, StopReason, Usage
from actors.bedrock_runtime.errors import ModelStreamErrorException
from actors.runtime.inference import protocol
from actors.runtime.inference.protocol import Finish, Reason, Reasoning, Text, ToolUse

_REASONS: dict[Reason, StopReason] = {
    Reason.END: "end_turn", Reason.LENGTH: "max_tokens", Reason.CONTEXT: "model_context_window_exceeded",
    Reason.STOP: "stop_sequence", Reason.TOOL_USE: "tool_use",
}
_ID_CHARACTERS = 22


class Generation:
    """`events()` once: messageStart, then blocks, without messageStop and metadata; then `answer` is whole."""

    def __init__(self, told: AsyncIterator[protocol.Event]) -> None:
        self._told = told
        self._open: Any = None            # the kind of block under way: Text, Reasoning, or a tool's place
        self._pieces: list[str] = []
        self.answer = Answer([], "end_turn", Usage())

    async def events(self) -> AsyncIterator[Event]:
        """ModelStreamErrorException where the host ends without finishing."""
        begun = finished = False
        async with aclosing(cast("Any", self._told)) as told:
            async for each in told:
                if not begun:
                    begun = True
                    yield {"messageStart": {"role": "assistant"}}
                finished = isinstance(each, Finish)
                for event in self._next(each):
                    yield event
        if not finished:
            raise ModelStreamErrorException("The model stopped before its answer was whole.")

    async def whole(self) -> Answer:
        async with aclosing(cast("Any", self.events())) as events:
            async for _ in events:
                pass
        return self.answer

    def _next(self, told: protocol.Event) -> list[Event]:
        if isinstance(told, Finish):
            return self._finish(told)
        if isinstance(told, ToolUse):
            return self._call(told)
        if isinstance(told, Reasoning):
            return self._extend(Reasoning, told.text, {"reasoningContent": {"text": told.text}})
        self.answer.logprobs += [Logprob(each.token, each.logprob, each.top) for each in told.logprobs]
        return self._extend(Text, told.text, {"text": told.text}) if told.text else []

    def _finish(self, told: Finish) -> list[Event]:
        answer = self.answer
        answer.stop_reason = _REASONS[told.reason]
        answer.stop_sequence = told.stop_sequence or None
        answer.usage = Usage(told.usage.input, told.usage.output, found=told.usage.cached)
        answer.latency_ms, answer.first_ms = round(told.total_ms), round(told.first_token_ms)
        events = self._close()
        if not answer.content:            # nothing was said; Converse shows an empty text all the same
            answer.content.append({"text": ""})
        return events

    def _extend(self, kind: type, text: str, delta: Block) -> list[Event]:
        events = []
        if self._open is not kind:
            events = self._close()
            self._begin(kind, {"text": ""} if kind is Text else {"reasoningContent": {"reasoningText": {"text": ""}}})
        self._pieces.append(text)
        return [*events, self._delta(delta)]

    def _call(self, call: ToolUse) -> list[Event]:
        events: list[Event] = []
        if self._open != call.index:
            events = self._close()
            use = {"toolUseId": f"tooluse_{uuid4().hex[:_ID_CHARACTERS]}", "name": call.name}
            self._begin(call.index, {"toolUse": {**use, "input": {}}})
            events.append({"contentBlockStart": {"contentBlockIndex": self._index, "start": {"toolUse": use}}})
        if call.arguments:
            self._pieces.append(call.arguments)
            events.append(self._delta({"toolUse": {"input": call.arguments}}))
        return events

    @property
    def _index(self) -> int:
        return len(self.answer.content) - 1

    def _delta(self, delta: Block) -> Event:
        return {"contentBlockDelta": {"contentBlockIndex": self._index, "delta": delta}}

    def _begin(self, kind: Any, block: Block) -> None:
        self._open = kind
        self.answer.content.append(block)

    def _close(self) -> list[Event]:
        """The block under way is whole."""
        if self._open is None:
            return []
        block, text = self.answer.content[-1], "".join(self._pieces)
        if "text" in block:
            block["text"] = text
        elif "reasoningContent" in block:
            block["reasoningContent"]["reasoningText"]["text"] = text
        else:
            self._read_arguments(block["toolUse"], text)
        self._open, self._pieces = None, []
        return [{"contentBlockStop": {"contentBlockIndex": self._index}}]

    def _read_arguments(self, use: Block, text: str) -> None:
        """What was cut off at the token limit becomes an empty input, and the stop reason tells."""
        try:
            use["input"] = orjson.loads(text or "{}")
        except orjson.JSONDecodeError:
            if self.answer.stop_reason == "tool_use":
                self.answer.stop_reason = "malformed_tool_use"
