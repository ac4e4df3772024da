"""The models' regular expressions, which are Java's, as functions of a string that always end soon.

`matcher(source)` is None where a pattern cannot be said in Python or could backtrack without bound; such a pattern is
not enforced (tests/schemas/test_patterns.py lists them). Where cost grows with a power of the length, longer values
than STEPS_LIMIT allows are not judged. Java's \\d \\w \\s are ASCII; its \\p{…} become explicit ranges: exact for ASCII
at once, exact for all of Unicode from the first value that is not ASCII (some 0.2 s, once per process).

A pattern with one anchor (`^https://`) is searched for, any other must match the whole value.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import groupby
from math import factorial

from schemas.backtracking import degree

STEPS_LIMIT = 1_000_000                            # of the regex engine, for one value
CACHED_PATTERNS = 8192                             # more than all models have
_END = sys.maxunicode
_MISTYPED = re.compile(r"\$\{\d")                 # a bound after the anchor, as in [a-z]*${2,64}
_NOTHING = "(?!)"

Matches = Callable[[str], bool]

# Java's POSIX classes are ASCII (java.util.regex.Pattern, "POSIX character classes (US-ASCII only)").
_POSIX = {
    "Alnum": "a-zA-Z0-9", "Alpha": "a-zA-Z", "ASCII": "\\x00-\\x7f", "Blank": " \\t", "Cntrl": "\\x00-\\x1f\\x7f",
    "Digit": "0-9", "Graph": "!-~", "Lower": "a-z", "Print": " -~", "Punct": "!-/:-@\\[-`{-~",
    "Space": " \\t\\n\\x0b\\f\\r", "Upper": "A-Z", "XDigit": "0-9a-fA-F",
}
_BINARY = {"IsAlphabetic": ("L", "Nl"), "IsWhitespace": ("Z",), "LD": ("L", "Nd"), "all": ("",), "javaLetter": ("L",)}
_CATEGORIES = frozenset({
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co", "Cn",
})


class Unconvertible(ValueError):
    """Java says it, Python's re cannot."""


@lru_cache(CACHED_PATTERNS)
def matcher(source: str) -> Matches | None:
    """Does a value satisfy the pattern? None: not enforced."""
    try:
        ascii_only = re.compile(convert(source, 0x7F), re.ASCII)
    except (Unconvertible, re.error):
        return None
    whole = source.startswith("^") == source.endswith("$") or source.startswith("\\A")
    power = degree(ascii_only.pattern, ascii_only.flags) + (not whole)
    if power == float("inf"):
        return None
    of_ascii = ascii_only.fullmatch if whole else ascii_only.search
    if power <= 1 and "\\p" not in source.lower():
        return lambda text: of_ascii(text) is not None
    length_limit = STEPS_LIMIT if power <= 1 else int((STEPS_LIMIT * factorial(int(power))) ** (1 / power))

    def matches(text: str) -> bool:
        if len(text) > length_limit:
            return True
        if text.isascii():
            return of_ascii(text) is not None
        pattern = _unicode(source)
        return (pattern.fullmatch(text) if whole else pattern.search(text)) is not None

    return matches


@lru_cache(CACHED_PATTERNS)
def _unicode(source: str) -> "re.Pattern[str]":
    return re.compile(convert(source, _END), re.ASCII)


def convert(source: str, end: int = _END) -> str:
    """The pattern in Python's syntax, its \\p{…} spelt out up to code point `end`. Unconvertible."""
    if not source or _MISTYPED.search(source):
        raise Unconvertible(source)
    flags, source = _leading_flags(_without_surrogates(source))
    return flags + "".join(_tokens(source, end))


def _leading_flags(source: str) -> tuple[str, str]:
    """(?i) may stand after ^ or \\A in Java, only in front in Python."""
    for anchor in ("", "^", "\\A"):
        if source.startswith(anchor + "(?i)"):
            return "(?i)", anchor + source[len(anchor) + 4 :]
    if "(?i)" in source:
        raise Unconvertible(source)
    return "", source


def _without_surrogates(source: str) -> str:
    """Java writes characters beyond U+FFFF as pairs; Python's strings have none."""
    return source.replace("\\uD800\\uDC00-\\uDBFF\\uDFFF", "\\U00010000-\\U0010FFFF")


def _tokens(source: str, end: int) -> Iterator[str]:
    position = 0
    while position < len(source):
        letter = source[position]
        if letter == "[":
            position, text = _class(source, position, end)
            yield text
        elif letter == "\\":
            position, text, ranges = _escape(source, position, end)
            yield (f"[{text}]" if text else _NOTHING) if ranges else text
        else:
            yield letter
            position += 1


def _escape(source: str, position: int, end: int) -> tuple[int, str, bool]:
    """(where it ends, its Python text, whether that is the inside of a class)."""
    letter = source[position + 1 : position + 2]
    if letter in ("p", "P"):
        name = re.compile(r"\{(\w+)\}|(\w)").match(source, position + 2)
        if name is None:
            raise Unconvertible(source)
        return name.end(), ranges_of(name[1] or name[2], letter == "P", end), True
    if source.startswith("\\x{", position):
        close = source.index("}", position)
        return close + 1, f"\\U{int(source[position + 3 : close], 16):08x}", False
    if letter == "z":
        return position + 2, "\\Z", False
    if letter == "h":
        return position + 2, " \\t\\xa0", True
    if not letter or letter in "QEGRXZkNcev":
        raise Unconvertible(source)
    length = {"u": 6, "U": 10, "x": 4, "0": 4}.get(letter, 2)
    text = source[position : position + length]
    if letter.isalnum() or letter in "\\]^-[":
        return position + length, text, False
    return position + 2, re.escape(letter), False


def _class(source: str, position: int, end: int) -> tuple[int, str]:
    """A bracket expression. Unions like [a[bc]] and intersections && are Java's alone."""
    start = position
    position += 1
    parts = ["["]
    if source.startswith("^", position):
        parts.append("^")
        position += 1
    ranged = False                                 # the part before is a class of its own: a `-` after it is literal
    while position < len(source):
        letter = source[position]
        if letter == "]":
            if position - start == 1 + (parts[1:2] == ["^"]):
                raise Unconvertible(source[start:])
            text = "".join(parts) + "]"
            return position + 1, {"[]": _NOTHING, "[^]": r"[\s\S]"}.get(text, text)
        if source.startswith("&&", position) and len(parts) > 1:
            raise Unconvertible(source[start:])
        if letter == "\\":
            position, text, ranges = _escape(source, position, end)
            parts.append(text)
            ranged = ranges or text in ("\\w", "\\d", "\\s", "\\W", "\\D", "\\S")
            continue
        if letter == "[":
            raise Unconvertible(source[start:])
        before_class = source[position + 1 : position + 3] in ("\\w", "\\d", "\\s", "\\p", "\\P")
        literal = letter in "&|~" or (letter == "-" and (ranged or before_class))
        parts.append("\\" + letter if literal else letter)
        ranged = False
        position += 1
    raise Unconvertible(source[start:])


def ranges_of(name: str, negated: bool, end: int) -> str:
    """The inside of a bracket expression holding the class \\p{name}, or all but it, up to code point `end`."""
    posix = _POSIX.get(name)
    if posix is not None and not negated:
        return posix
    if posix is not None:
        inside = re.compile(f"[{posix}]")
        outside = "".join(f"\\x{point:02x}" for point in range(128) if not inside.match(chr(point)))
        return outside + ("\\x80-\\U0010ffff" if end > 127 else "")
    wanted = _BINARY.get(name) or ((name.removeprefix("Is"),) if name.removeprefix("Is") in _CATEGORIES else None)
    if wanted is None:
        raise Unconvertible(name)
    return _category_ranges(wanted, negated, end)


@lru_cache(256)
def _category_ranges(wanted: tuple[str, ...], negated: bool, end: int) -> str:
    return "".join(
        f"\\U{first:08x}-\\U{last:08x}" for first, last, category in _runs(end)
        if category.startswith(wanted) is not negated
    )


@cache
def _runs(end: int) -> list[tuple[int, int, str]]:
    """(first, last, category) of consecutive code points of one category; some 0.15 s for all of Unicode."""
    runs = []
    first = 0
    for category, points in groupby(map(unicodedata.category, map(chr, range(end + 1)))):
        length = sum(1 for _ in points)
        runs.append((first, first + length - 1, category))
        first += length
    return runs
