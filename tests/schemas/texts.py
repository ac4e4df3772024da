"""Texts a regular expression matches, drawn at random from the tree of Python's own parser."""

import random
import re
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from schemas.patterns import Unconvertible, convert

REPEATS_LIMIT = 3
_PRINTABLE = [chr(point) for point in range(33, 127)]


@lru_cache(8192)
def _tree(source: str) -> Any:
    try:
        return _parser.parse(convert(source, 0x7F), re.ASCII)
    except (Unconvertible, re.error):
        return None


def text_like(source: str, chance: random.Random, at_least: int) -> str | None:
    """A text that probably matches Java's `source`; repeats are stretched towards `at_least` characters."""
    tree = _tree(source)
    if tree is None:
        return None
    return "".join(_texts(tree, chance, at_least))


def _texts(nodes: Any, chance: random.Random, at_least: int) -> list[str]:
    return [_text(kind, argument, chance, at_least) for kind, argument in nodes]


def _text(kind: Any, argument: Any, chance: random.Random, at_least: int) -> str:
    if kind is op.LITERAL:
        return chr(argument)
    if kind is op.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if kind is op.ANY:
        return "a"
    if kind is op.IN:
        return chance.choice(_members(tuple(argument)))
    if kind is op.SUBPATTERN:
        return "".join(_texts(argument[3], chance, at_least))
    if kind is op.ATOMIC_GROUP:
        return "".join(_texts(argument, chance, at_least))
    if kind is op.BRANCH:
        return "".join(_texts(chance.choice(argument[1]), chance, at_least))
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        low, high, body = argument
        most = min(int(high), max(low, at_least) + REPEATS_LIMIT)
        count = min(most, max(low, at_least)) if chance.random() < 0.3 else chance.randint(low, most)
        return "".join("".join(_texts(body, chance, 0)) for _ in range(count))
    return ""                                      # anchors and look-arounds: hope


@lru_cache(8192)
def _members(items: tuple[Any, ...]) -> list[str]:
    found: list[str] = []
    negated = False
    for kind, argument in items:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            found.append(chr(argument))
        elif kind is op.RANGE:
            found += [chr(point) for point in range(argument[0], min(argument[1], argument[0] + 127) + 1)]
        else:
            pattern = {op.CATEGORY_WORD: r"\w", op.CATEGORY_DIGIT: r"\d", op.CATEGORY_SPACE: r"\s"}.get(argument)
            opposite = {op.CATEGORY_NOT_WORD: r"\W", op.CATEGORY_NOT_DIGIT: r"\D", op.CATEGORY_NOT_SPACE: r"\S"}
            wanted = re.compile(pattern or opposite[argument], re.ASCII)
            found += [letter for letter in _PRINTABLE if wanted.match(letter)] or [" "]
    return [letter for letter in _PRINTABLE if letter not in found] or ["\u00e9"] if negated else found
