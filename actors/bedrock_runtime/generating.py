"""A generation under way: what a host tells becomes Converse's events, and at the end the whole answer."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

import orjson

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime.asking import Answer, Ask, Block, Event, Usage
from actors.bedrock_runtime.errors import ModelStreamErrorException
from actors.bedrock_runtime.hosts import Finish, Hosts, Started, Text, Thought, Told, ToolCall


class Generation:
    """`events()` once: messageStart, then blocks, without messageStop and metadata; then `answer` is whole.

    `clock` gives seconds, for latencies.
    """

    def __init__(self, hosts: Hosts, model: Model, ask: Ask, clock: Callable[[], float] = time.perf_counter) -> None:
        self._hosts, self._model, self._ask, self._clock = hosts, model, ask, clock
        self._started = clock()
        self._first: float | None = None
        self._open = ""                   # the kind of block under way: text, thought, a tool's id
        self._pieces: list[str] = []
        self.input_tokens = 0             # from the first event on
        self.answer = Answer([], "end_turn", Usage())

    async def events(self) -> AsyncIterator[Event]:
        """ModelStreamErrorException where the host ends without finishing."""
        finished = False
        async with aclosing(cast("Any", self._hosts.generate(self._model, self._ask))) as told:
            async for each in told:
                if isinstance(each, Started):
                    self.input_tokens = each.usage.input
                    yield {"messageStart": {"role": "assistant"}}
                    continue
                for event in self._next(each):
                    yield event
                finished = isinstance(each, Finish)
        if not finished:
            raise ModelStreamErrorException("The model stopped before its answer was whole.")
        for event in self._close():
            yield event
        self.answer.latency_ms = self._since()

    async def whole(self) -> Answer:
        async with aclosing(cast("Any", self.events())) as events:
            async for _ in events:
                pass
        return self.answer

    def _since(self) -> int:
        return round(1000 * (self._clock() - self._started))

    def _next(self, told: Told) -> list[Event]:
        if isinstance(told, Finish):
            self.answer.stop_reason, self.answer.usage = told.reason, told.usage
            self.answer.stop_sequence = told.stop_sequence
            return []
        if self._first is None:
            self._first = self._clock()
            self.answer.first_ms = self._since()
        if isinstance(told, Text):
            self.answer.logprobs += told.logprobs
            return self._extend("text", told.text, {"text": told.text})
        if isinstance(told, Thought):
            return self._extend("thought", told.text, {"reasoningContent": {"text": told.text}})
        assert isinstance(told, ToolCall)
        return self._call(told)

    def _extend(self, kind: str, text: str, delta: Block) -> list[Event]:
        events = self._close() if self._open != kind else []
        if self._open != kind:
            self._begin(kind, {"text": ""} if kind == "text" else {"reasoningContent": {"reasoningText": {"text": ""}}})
        self._pieces.append(text)
        return [*events, {"contentBlockDelta": {"contentBlockIndex": self._index, "delta": delta}}]

    def _call(self, call: ToolCall) -> list[Event]:
        events: list[Event] = []
        if self._open != call.id:
            events = self._close()
            self._begin(call.id, {"toolUse": {"toolUseId": call.id, "name": call.name, "input": {}}})
            start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
            events.append({"contentBlockStart": {"contentBlockIndex": self._index, "start": start}})
        if call.arguments:
            self._pieces.append(call.arguments)
            delta = {"toolUse": {"input": call.arguments}}
            events.append({"contentBlockDelta": {"contentBlockIndex": self._index, "delta": delta}})
        return events

    @property
    def _index(self) -> int:
        return len(self.answer.content) - 1

    def _begin(self, kind: str, block: Block) -> None:
        self._open = kind
        self.answer.content.append(block)

    def _close(self) -> list[Event]:
        """The block under way is whole."""
        if not self._open:
            return []
        block, text = self.answer.content[-1], "".join(self._pieces)
        if "text" in block:
            block["text"] = text
        elif "reasoningContent" in block:
            block["reasoningContent"]["reasoningText"]["text"] = text
        else:
            self._read_arguments(block["toolUse"], text)
        self._open, self._pieces = "", []
        return [{"contentBlockStop": {"contentBlockIndex": self._index}}]

    def _read_arguments(self, use: Block, text: str) -> None:
        """What is no JSON (cut off at the token limit) becomes an empty input, as the stop reason tells."""
        try:
            use["input"] = orjson.loads(text or "{}")
        except orjson.JSONDecodeError:
            if self.answer.stop_reason == "tool_use":
                self.answer.stop_reason = "malformed_tool_use"
