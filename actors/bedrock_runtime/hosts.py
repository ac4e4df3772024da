"""The way to the models: what a host is asked, what it tells, and which host has a model.

Here stands the one model that needs no engine, `echo`: deterministic, for tests. It says what it was told last; where
tools are there and the text reads `call NAME {json}`, it calls that tool; where JSON of a schema is wanted, it gives the
smallest that fits.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime.asking import Ask, Logprob, StopReason, Usage


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt is read: how many tokens it has."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    logprobs: tuple[Logprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call begins where `name` is not empty; `arguments` is a piece of its JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Finish:
    reason: StopReason
    usage: Usage
    stop_sequence: str | None = None


Told = Started | Text | Thought | ToolCall | Finish
_TOKEN = re.compile(r"\s*\S+|\s+\Z")
_CALL = re.compile(r"call ([a-zA-Z0-9_-]+) (\{.*\})", re.DOTALL)
_DIMENSIONS = 1024


@dataclass(slots=True)
class _Said:
    text: str = ""
    call: tuple[str, Any] | None = None
    tokens: list[str] = field(default_factory=list)


class Hosts:
    async def generate(self, model: Model, ask: Ask) -> AsyncIterator[Told]:
        """From Started to Finish. Closed early, generation stops."""
        count = await self.count(model, ask)
        yield Started(Usage(input=count))
        said = _reply(ask)
        limit = ask.max_tokens or model.output_tokens
        if said.call is not None:
            name, arguments = said.call
            identity = f"tooluse_{uuid4().hex[:22]}"
            yield ToolCall(identity, name, "")
            pieces = _TOKEN.findall(orjson.dumps(arguments).decode())
            for piece in pieces:
                yield ToolCall(identity, "", piece)
            yield Finish("tool_use", Usage(count, len(pieces)))
            return
        text, met = _until_stop(said.text, ask.stop)
        pieces = _TOKEN.findall(text)
        for piece in pieces[:limit]:
            await asyncio.sleep(0)
            yield Text(piece, (Logprob(piece, 0.0),) if ask.logprobs is not None else ())
        usage = Usage(count, min(len(pieces), limit))
        if len(pieces) > limit:
            yield Finish("max_tokens", usage)
        else:
            yield Finish("stop_sequence" if met else "end_turn", usage, met)

    async def count(self, model: Model, ask: Ask) -> int:
        """Tokens of the prompt."""
        if ask.prompt is not None:
            return len(_TOKEN.findall(ask.prompt))
        texts = [block["text"] for block in ask.system if "text" in block]
        texts += [_told(block) for message in ask.messages for block in message["content"]]
        return sum(len(_TOKEN.findall(text)) for text in texts)

    async def embed(self, model: Model, texts: Sequence[str]) -> tuple[list[list[float]], int]:
        """A vector per text, and the tokens of all of them."""
        return [_vector(text) for text in texts], sum(len(_TOKEN.findall(text)) for text in texts)

    async def rerank(self, model: Model, query: str, documents: Sequence[str]) -> list[float]:
        """How much each document says to the query, 0 to 1."""
        asked = set(query.lower().split())
        return [len(asked & set(document.lower().split())) / len(asked) if asked else 0.0 for document in documents]


def _told(block: Mapping[str, Any]) -> str:
    if "text" in block:
        return str(block["text"])
    return orjson.dumps(block, default=lambda value: value.hex()).decode()


def _reply(ask: Ask) -> _Said:
    if ask.prompt is not None:
        return _Said(ask.prompt)
    blocks = ask.messages[-1]["content"] if ask.messages else []
    results = [block["toolResult"] for block in blocks if "toolResult" in block]
    text = "\n".join(block["text"] for block in blocks if "text" in block)
    if ask.schema is not None:
        return _Said(orjson.dumps(_smallest(ask.schema)).decode())
    if results:
        return _Said("".join(_told(each) if "text" in each else orjson.dumps(each.get("json")).decode()
                             for result in results for each in result["content"]))
    names = {tool["name"]: tool for tool in ask.tools}
    wanted = _CALL.search(text)
    if wanted is not None and wanted[1] in names:
        return _Said(call=(wanted[1], orjson.loads(wanted[2])))
    choice = ask.tool_choice or {}
    if "any" in choice or "tool" in choice:
        tool = names[choice["tool"]["name"]] if "tool" in choice else ask.tools[0]
        return _Said(call=(tool["name"], _smallest(tool["inputSchema"]["json"])))
    return _Said(text)


def _until_stop(text: str, stops: Sequence[str]) -> tuple[str, str | None]:
    found = [(text.index(stop), stop) for stop in stops if stop in text]
    if not found:
        return text, None
    place, stop = min(found)
    return text[:place], stop


def _smallest(schema: Mapping[str, Any]) -> Any:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _smallest(properties.get(name, {})) for name in schema.get("required", ())}
    if kind == "array":
        return [_smallest(schema.get("items", {}))] * schema.get("minItems", 0)
    if kind == "string":
        return "x" * schema.get("minLength", 0)
    return {"integer": schema.get("minimum", 0), "number": schema.get("minimum", 0), "boolean": False}.get(kind)


def _vector(text: str) -> list[float]:
    """By the words it has, so that texts that share words are near."""
    vector = [0.0] * _DIMENSIONS
    for word in text.lower().split():
        place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") % _DIMENSIONS
        vector[place] += 1.0
    return vector
