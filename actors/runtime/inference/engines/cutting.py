"""What engines leave to us while text streams by: stop sequences, and tool calls that were demanded.

Stop sequences are looked for here because engines do not all say which one it was. A demanded call is decoded under the
schema of {"name", "arguments"}, or of the arguments alone where the tool is named, and told as a call piece by piece.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from actors.runtime.inference.protocol import Event, Finish, GenerateRequest, InvalidInput, Reason, Text, ToolUse

_OPENING = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')
_CLOSING = re.compile(r"\s*\}?\s*\Z")
_COMBINING = frozenset({"$ref", "allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "unevaluatedProperties"})


class Stops:
    """Holds back what may be the beginning of a stop sequence; `matched` is the one that was found."""

    def __init__(self, sequences: list[str]) -> None:
        self._sequences = [each for each in sequences if each]
        self._held = Text("", 0)
        self.matched = ""

    def told(self, event: Event) -> Iterator[Event]:
        if not self._sequences or not isinstance(event, Text):
            yield event
            return
        held = self._held
        whole = Text(held.text + event.text, held.tokens + event.tokens, held.logprobs + event.logprobs)
        found = [(at, -len(each), each) for each in self._sequences if (at := whole.text.find(each)) >= 0]
        if found:
            at, _, self.matched = min(found)
            yield from _some(replace(whole, text=whole.text[:at]))
            return
        keep = max(_overlap(whole.text, each) for each in self._sequences)
        if keep < len(whole.text):
            self._held = Text(whole.text[len(whole.text) - keep :], 0)
            yield replace(whole, text=whole.text[: len(whole.text) - keep])
        else:
            self._held = whole

    def rest(self) -> Iterator[Event]:
        """What was held back and came to nothing."""
        yield from _some(self._held)


def _some(text: Text) -> Iterator[Event]:
    if text.text:
        yield text


def _overlap(text: str, sequence: str) -> int:
    """The longest end of `text` with which `sequence` begins."""
    return next((size for size in range(min(len(sequence) - 1, len(text)), 0, -1) if text.endswith(sequence[:size])), 0)


class Calls:
    """Text decoded under `schema`, as the call that the request demands."""

    def __init__(self, request: GenerateRequest) -> None:
        choice = request.tool_choice
        named = [tool for tool in request.tools if tool["name"] == choice]
        self.demanded = bool(request.tools) and choice not in ("auto", "none")
        self.schema: dict[str, Any] | None = None
        self._name = ""
        self._text = ""                   # before the call has its name; afterwards, what may be the closing brace
        if self.demanded and choice != "required":
            if not named:
                raise InvalidInput(f"There is no tool {choice}.")
            self.schema, self._name = closed(named[0]["parameters"]), choice
        elif self.demanded:
            self.schema = {"anyOf": [
                {"type": "object", "properties": {
                    "name": {"const": tool["name"]}, "arguments": closed(tool["parameters"])},
                 "required": ["name", "arguments"], "additionalProperties": False}
                for tool in request.tools
            ]}
        self._wrapped = not self._name
        self._begun = False

    def told(self, event: Event) -> Iterator[Event]:
        if not isinstance(event, Text):
            yield event
            return
        self._text += event.text
        if not self._name:
            opening = _OPENING.match(self._text)
            if opening is None:
                return
            self._name = json.loads(opening.group(1))
            self._text = self._text[opening.end() :]
        more = self._text = self._text if self._begun else self._text.lstrip()
        if self._wrapped:
            closing = _CLOSING.search(more)
            assert closing is not None, "it matches nothing at the end too"
            more = more[: closing.start()]
        self._text = self._text[len(more) :]
        if more:
            yield ToolUse(0, more, "" if self._begun else "call_0", "" if self._begun else self._name, event.tokens)
            self._begun = True

    def finish(self, finish: Finish) -> Finish:
        """Whole, it ended for a call; cut short, it did not."""
        return replace(finish, reason=Reason.TOOL_USE) if self.demanded and finish.reason is Reason.END else finish


def closed(schema: Any) -> Any:
    """The same, but for members nobody declared, where that cannot contradict another part of it. What a schema leaves
    open a grammar would fill with whatever the model likes, and who calls a function with it would fail."""
    if not isinstance(schema, dict) or _COMBINING & schema.keys():
        return schema
    made = dict(schema)
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {name: closed(each) for name, each in schema["properties"].items()}
        if made["properties"].keys() >= set(schema.get("required", ())):
            made.setdefault("additionalProperties", False)
    if isinstance(schema.get("items"), dict):
        made["items"] = closed(schema["items"])
    return made


def unit(vector: list[float]) -> list[float]:
    """Of length 1, where it has any."""
    length = math.sqrt(math.fsum(value * value for value in vector))
    return [value / length for value in vector] if length else vector
