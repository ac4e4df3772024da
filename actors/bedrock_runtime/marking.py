"""Which texts of a request a guardrail looks at.

Where a request marks content for it, that alone: Converse's guardContent blocks, or, in InvokeModel's bodies, tags that
end with the body's tagSuffix. Else all text of its messages, and of system prompts none. Tags never reach the model.
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-tagging.html
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from actors.bedrock.engine.guard import Piece
from actors.bedrock_runtime.asking import Ask, Block

# The word in a tag -> the qualifier it stands for.
_TAGS = {"guardContent": "guard_content", "groundingSource": "grounding_source", "query": "query"}


@dataclass(slots=True)
class Slot:
    """A text in a request, and how it is replaced there."""

    text: str
    replace: Callable[[str], None]
    qualifiers: frozenset[str] = frozenset()

    @property
    def piece(self) -> Piece:
        return Piece(self.text, self.qualifiers)


def slots(ask: Ask, tag_suffix: str = "") -> list[Slot]:
    """What the guardrail looks at. Takes the tags out of the request."""
    tagged = [slot for text in list(_all(ask)) for slot in _untagged(text, tag_suffix)] if tag_suffix else []
    if ask.prompt is not None:
        return tagged or [_prompt(ask)]
    blocks = [block for message in ask.messages for block in message["content"]]
    marked = [_in(block["guardContent"]["text"]) for block in [*ask.system, *blocks]
              if "text" in block.get("guardContent", {})]
    return [*tagged, *marked] or list(_texts(blocks))


def _all(ask: Ask) -> Iterator[Slot]:
    if ask.prompt is not None:
        yield _prompt(ask)
    yield from _texts(ask.system)
    for message in ask.messages:
        yield from _texts(message["content"])


def _prompt(ask: Ask) -> Slot:
    return Slot(ask.prompt or "", lambda text: setattr(ask, "prompt", text))


def _texts(blocks: Sequence[Block]) -> Iterator[Slot]:
    for block in blocks:
        if "text" in block:
            yield _in(block)
        for part in block.get("toolResult", {}).get("content", ()):
            if "text" in part:
                yield _in(part)


def _in(container: dict[str, Any]) -> Slot:
    return Slot(container["text"], lambda text: container.__setitem__("text", text),
                frozenset(container.get("qualifiers") or ()))


def _untagged(slot: Slot, suffix: str) -> list[Slot]:
    """What is tagged in a text, each replaceable where it stands; the text goes on without the tags."""
    opening = "|".join(_TAGS)
    tag = re.compile(rf"<amazon-bedrock-guardrails-({opening})_{suffix}>(.*?)</amazon-bedrock-guardrails-\1_{suffix}>",
                     re.DOTALL)
    parts: list[str] = []
    found: list[Slot] = []
    end = 0

    def put(place: int, text: str) -> None:
        parts[place] = text
        slot.replace("".join(parts))

    for match in tag.finditer(slot.text):
        parts += [slot.text[end:match.start()], match.group(2)]
        found.append(Slot(match.group(2), partial(put, len(parts) - 1), frozenset({_TAGS[match.group(1)]})))
        end = match.end()
    if found:
        parts.append(slot.text[end:])
        slot.replace("".join(parts))
    return found
