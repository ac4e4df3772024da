"""The model that says what it is told: deterministic, instant, only ever under its own id, for tests.

A token is a word with the blanks before it. It answers with the last user's text; lines of that text that begin with
`!` are a script instead:

    !tool NAME {"json": …}    calls the tool
    !think TEXT               thinks it first
    !pause MS                 waits so long before each token
    !fail N                   fails after N tokens
    !empty                    answers nothing

After a tool's answer it says `NAME answered: …`. What a tool choice or a schema demands it makes as small as it can.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.cutting import unit
from actors.runtime.inference.engines.engine import Engine, Figures
from actors.runtime.inference.engines.instance import smallest
from actors.runtime.inference.protocol import (
    Description,
    Embeddings,
    EmbedRequest,
    Event,
    Finish,
    GenerateRequest,
    InputTooLong,
    InvalidInput,
    Message,
    Modality,
    ModelFailed,
    Ranking,
    Reason,
    Reasoning,
    RerankRequest,
    Text,
    TokenChance,
    TokenCount,
    TokenizeRequest,
    ToolUse,
    Usage,
)

CONTEXT_TOKENS = 32_768
DIMENSIONS = 256
_TOKEN = re.compile(r"\s*\S+|\s+\Z")
_WORD = re.compile(r"\w+")


async def load(entry: Entry, directory: Path) -> Engine:
    return Echo(entry)


def tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


@dataclass
class Script:
    """What to do, as the prompt says."""

    text: str = ""
    thoughts: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    pause_s: float = 0.0
    fail_after: int | None = None


class Echo:
    def __init__(self, entry: Entry) -> None:
        self.description = Description(
            entry.id, "echo", entry.context_tokens or CONTEXT_TOKENS, list(Modality),
            tools=True, images=True, embedding_dimensions=DIMENSIONS, parallel=entry.parallel,
            adapters=list(entry.adapters),
        )
        self.running = 0
        self._sleeps = bool(entry.options.get("sleeps"))         # when it is told to: as an engine on a device
        self.asleep = False

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        if self.asleep:
            raise ModelFailed("It is asleep.")
        read = self._count(request.messages, request.prompt, request)
        if read >= self.description.context_tokens:
            raise InputTooLong
        script = _script(request)
        writer = Writer(request, self.description.context_tokens - read)
        self.running += 1
        try:
            for event in writer.events(script):
                if script.fail_after is not None and writer.written > script.fail_after:
                    raise ModelFailed("The script says: fail.")
                await asyncio.sleep(script.pause_s)
                yield event
            yield Finish(writer.reason, Usage(read, writer.written), writer.stop_sequence)
        finally:
            self.running -= 1

    async def embed(self, request: EmbedRequest) -> Embeddings:
        vectors = [embedding(text)[: request.dimensions or None] for text in request.texts]
        return Embeddings(
            [unit(vector) if request.normalize else vector for vector in vectors],
            [len(tokens(text)) for text in request.texts],
        )

    async def rerank(self, request: RerankRequest) -> Ranking:
        query = unit(embedding(request.query))
        scores = [
            sum(a * b for a, b in zip(query, unit(embedding(text)), strict=True)) for text in request.documents
        ]
        return Ranking(scores, sum(len(tokens(text)) for text in [request.query, *request.documents]))

    async def count(self, request: TokenizeRequest) -> TokenCount:
        return TokenCount(self._count(request.messages, request.prompt, request))

    def figures(self) -> Figures:
        return Figures(batch=self.running)

    async def sleep(self) -> bool:
        self.asleep = self._sleeps
        return self.asleep

    async def wake(self) -> None:
        self.asleep = False

    async def close(self) -> None: ...

    @staticmethod
    def _count(
        messages: list[Message] | None, prompt: str | None, request: GenerateRequest | TokenizeRequest
    ) -> int:
        said = [text_of(message) for message in messages or []] + [prompt or ""]
        return sum(len(tokens(text)) for text in said) + sum(len(tokens(json.dumps(tool))) for tool in request.tools)


class Writer:
    """Counts and cuts what is written: at `max_tokens`, the end of the context, or a stop sequence."""

    def __init__(self, request: GenerateRequest, room: int) -> None:
        self.request = request
        limit = request.sampling.max_tokens
        self.room = room if limit is None else min(room, limit)
        self.full = Reason.CONTEXT if limit is None or room < limit else Reason.LENGTH
        self.written = 0
        self.reason = Reason.END
        self.stop_sequence = ""

    def events(self, script: Script) -> Iterator[Event]:
        for token in self._taken(script.thoughts):
            yield Reasoning(token)
        for token in self._taken(self._until_stop(script.text)):
            chances = [] if self.request.logprobs is None else [TokenChance(token, 0.0)]
            yield Text(token, 1, chances)
        for index, (name, arguments) in enumerate(script.calls):
            if self.reason not in (Reason.END, Reason.TOOL_USE):
                return
            self.reason = Reason.TOOL_USE
            yield ToolUse(index, id=f"call_{index}", name=name, tokens=0)
            for token in self._taken(arguments):
                yield ToolUse(index, token)

    def _taken(self, text: str) -> Iterator[str]:
        for token in tokens(text):
            if self.written >= self.room:
                self.reason, self.stop_sequence = self.full, ""
                return
            self.written += 1
            yield token

    def _until_stop(self, text: str) -> str:
        found = [(text.find(stop), stop) for stop in self.request.stop if stop and stop in text]
        if not found:
            return text
        at, self.stop_sequence = min(found)
        self.reason = Reason.STOP
        return text[:at]


def _script(request: GenerateRequest) -> Script:
    last = (request.messages or [{"role": "user", "content": request.prompt or ""}])[-1]
    if request.schema is not None:
        return Script(json.dumps(smallest(request.schema)))
    if last["role"] == "tool":
        return Script(f"{_name_of(request.messages or [], last.get('tool_call_id', ''))} answered: {text_of(last)}")
    script = _parsed(text_of(last))
    if request.tools and not script.calls and request.tool_choice not in ("auto", "none"):
        chosen = [tool for tool in request.tools if request.tool_choice in ("required", tool["name"])]
        if not chosen:
            raise InvalidInput(f"There is no tool {request.tool_choice}.")
        script.calls, script.text = [(chosen[0]["name"], json.dumps(smallest(chosen[0]["parameters"])))], ""
    return script


def _parsed(text: str) -> Script:
    script, said = Script(), []
    for line in text.splitlines(keepends=True):
        command, _, rest = line.strip().partition(" ")
        if command == "!tool":
            name, _, arguments = rest.partition(" ")
            script.calls.append((name, arguments or "{}"))
        elif command == "!think":
            script.thoughts = rest
        elif command == "!pause":
            script.pause_s = float(rest) / 1000
        elif command == "!fail":
            script.fail_after = int(rest)
        elif command != "!empty":
            said.append(line)
    script.text = "".join(said)
    return script


def text_of(message: Message) -> str:
    content = message.get("content", "")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return "".join(part["text"] if part["type"] == "text" else f"[{part['type']}]" for part in parts)


def _name_of(messages: list[Message], call: str) -> str:
    for message in messages:
        for each in message.get("tool_calls", []):
            if each["id"] == call:
                return each["function"]["name"]
    return call


def embedding(text: str) -> list[float]:
    """How often each word is in it, the words thrown into DIMENSIONS boxes: what shares words is alike."""
    vector = [0.0] * DIMENSIONS
    for word in _WORD.findall(text.lower()):
        vector[crc32(word.encode()) % DIMENSIONS] += 1.0
    return vector
