"""Regular expressions that people write, run so that no text makes them run long.

What could backtrack without bound is refused when it is written; what costs a power of the length is run over windows
short enough, which overlap, so that a match is missed only where it is longer than the overlap.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from math import factorial
from typing import NamedTuple

from schemas.backtracking import degree

STEPS_LIMIT = 1_000_000                   # of the engine, for one window
WINDOW_LIMIT_CHARACTERS = 16 * 1024
DEGREE_LIMIT = 2                          # a failing match may cost the square of the window's length
PATTERNS_REMEMBERED = 1024


class Unsuitable(ValueError):
    """Not a regular expression, or one that may run too long. The message says which."""


class Match(NamedTuple):
    start: int
    end: int
    text: str


class Expression(NamedTuple):
    pattern: re.Pattern[str]
    window: int

    def find(self, text: str) -> Iterator[Match]:
        """In order, none overlapping another, none empty."""
        end, step = 0, max(self.window // 2, 1)
        for start in range(0, max(len(text), 1), step):
            for found in self.pattern.finditer(text, max(start, end), min(start + self.window, len(text))):
                if found.end() > found.start() >= end:
                    end = found.end()
                    yield Match(found.start(), end, found.group())
            if start + self.window >= len(text):
                return


@lru_cache(PATTERNS_REMEMBERED)
def compiled(source: str) -> Expression:
    """Unsuitable."""
    try:
        pattern = re.compile(source)
        power = degree(source) + 1        # a search tries every place
    except (re.error, RecursionError, OverflowError) as error:
        raise Unsuitable(f"not a regular expression: {error}") from error
    if "(?=" in source or "(?!" in source or "(?<=" in source or "(?<!" in source:
        raise Unsuitable("look-around is not supported")
    if power > DEGREE_LIMIT + 1:
        raise Unsuitable("it could take too long")
    window = int((STEPS_LIMIT * factorial(int(power))) ** (1 / power)) if power > 1 else WINDOW_LIMIT_CHARACTERS
    return Expression(pattern, min(window, WINDOW_LIMIT_CHARACTERS))
