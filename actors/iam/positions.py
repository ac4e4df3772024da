"""Where a policy's statements stand in its text, as the simulators tell it: lines and columns from 1."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

TEXTS_REMEMBERED = 16                         # one simulation asks about the same few policies
_SPACE = " \t\r\n"

Span = tuple[int, int]


def statement(text: str, index: int) -> dict[str, Any]:
    """{StartPosition, EndPosition} of a statement of a document that has been read."""
    start, end = _spans_of(text)[index]
    return {"StartPosition": _position(text, start), "EndPosition": _position(text, end)}


@lru_cache(TEXTS_REMEMBERED)
def _spans_of(text: str) -> tuple[Span, ...]:
    return tuple(_spans(text))


def _position(text: str, offset: int) -> dict[str, int]:
    return {"Line": text.count("\n", 0, offset) + 1, "Column": offset - (text.rfind("\n", 0, offset) + 1) + 1}


def _spans(text: str) -> Iterator[Span]:
    for name, start, end in _members(text):
        if name == "Statement" and text[start] == "[":
            yield from _elements(text, start)
        elif name == "Statement":
            yield start, end


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, the value's span) of the outermost object."""
    place = _skip(text, _skip(text, 0) + 1)
    while text[place] == '"':
        name, place = _decode(text, place)
        start = _skip(text, _skip(text, place) + 1)
        _, end = _decode(text, start)
        yield name, start, end
        place = _skip(text, end)
        place = _skip(text, place + 1) if text[place] == "," else place


def _elements(text: str, place: int) -> Iterator[Span]:
    place = _skip(text, place + 1)
    while text[place] != "]":
        _, end = _decode(text, place)
        yield place, end
        place = _skip(text, end)
        place = _skip(text, place + 1) if text[place] == "," else place


_decode = json.JSONDecoder().raw_decode


def _skip(text: str, place: int) -> int:
    while text[place] in _SPACE:
        place += 1
    return place
