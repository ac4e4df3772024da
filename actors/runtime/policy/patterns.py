"""Patterns of policies: wildcards, ARNs, policy variables, compiled once to functions of (value, keys).

`*` any characters, `?` one. In an ARN they stay inside their segment, but a `*` that ends a segment may reach beyond
the colon, and in the last part, the resource's, colons are characters like others. `${key}`, `${key, 'default'}` stand
for the request's value, taken literally; `${*}`, `${?}`, `${$}` for the characters. A variable without a value (no such
key, no default, or several values) matches nothing.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html and
…/reference_policies_variables.html. Wildcards become regular expressions of atomic groups: each star takes the first
place where what follows it fits and never looks back, so that no pattern takes more than quadratic time.
"""

import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, Protocol


class Keys(Protocol):
    """Condition keys by name in lower case; a tuple: a key of several values. A dictionary is one."""

    def get(self, key: str, /) -> str | tuple[str, ...] | None: ...


Test = Callable[[str, Keys], bool]

PATTERNS_REMEMBERED = 4096                    # of those with variables, per values they took
ARN_PARTS = 6


class Wild(Enum):
    ANY = 0                                   # any characters
    SEGMENT = 1                               # any but a colon
    ONE = 2                                   # one character
    ONE_IN_SEGMENT = 3                        # one that is no colon


class Variable(NamedTuple):
    key: str                                  # lower case
    default: str | None


Token = str | Wild | Variable
Tokens = tuple[Token, ...]

_VARIABLE = re.compile(r"\$\{([^{}]+)\}")
_WITH_DEFAULT = re.compile(r"\s*([^,']+?)\s*,\s*'([^']*)'\s*\Z")
_ONES = {Wild.ONE: ".", Wild.ONE_IN_SEGMENT: "[^:]"}
_WILD = re.compile(r"(\*+|\?)")


def tokens_of(text: str, *, wild: bool, variables: bool) -> Tokens:
    """`wild`: `*` and `?` are wildcards. `variables`: `${…}` is one (not in version 2008-10-17)."""
    tokens: list[Token] = []
    for number, part in enumerate(_VARIABLE.split(text) if variables else [text]):
        if number % 2 == 0:
            tokens += _wild_tokens(part) if wild else [part]
        elif part in ("*", "?", "$"):
            tokens.append(part)
        else:
            default = _WITH_DEFAULT.match(part)
            tokens.append(Variable((default[1] if default else part.strip()).lower(), default[2] if default else None))
    return _joined(tokens)


def variables_in(text: str) -> list[str]:
    """The keys of the variables in a text, as written."""
    return [part.partition(",")[0].strip() for part in _VARIABLE.findall(text) if part not in ("*", "?", "$")]


def _wild_tokens(text: str) -> list[Token]:
    return [Wild.ANY if part.startswith("*") else Wild.ONE if part == "?" else part for part in _WILD.split(text)]


def _joined(tokens: list[Token]) -> Tokens:
    """Neighbouring texts as one, none empty; neighbouring stars as one."""
    made: list[Token] = []
    for token in tokens:
        if isinstance(token, str) and made and isinstance(made[-1], str):
            made[-1] += token
        elif token != "" and not (token is Wild.ANY and made and made[-1] is Wild.ANY):
            made.append(token)
    return tuple(made)


def equals(text: str, variables: bool) -> Tokens:
    return tokens_of(text, wild=False, variables=variables)


def glob(text: str, variables: bool = False) -> Test:
    return test_of(tokens_of(text, wild=True, variables=variables))


def resource(text: str, variables: bool) -> Test:
    """A Resource element's pattern: wildcards know segments."""
    tokens = tokens_of(text, wild=True, variables=variables)
    made: list[Token] = []
    segment = 0
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else ":"
        inside = segment < ARN_PARTS - 1
        if token is Wild.ANY and inside and not (isinstance(after, str) and after.startswith(":")):
            made.append(Wild.SEGMENT)
        elif token is Wild.ONE and inside:
            made.append(Wild.ONE_IN_SEGMENT)
        else:
            made.append(token)
        segment += token.count(":") if isinstance(token, str) else 0
    return test_of(tuple(made))


def arn_like(text: str, variables: bool) -> Test:
    """ArnLike and ArnEquals: the six parts one by one, each with wildcards. `*` alone is every ARN."""
    tokens = tokens_of(text, wild=True, variables=variables)
    if tokens == (Wild.ANY,):
        return _always
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if isinstance(token, str):
            first, *rest = token.split(":", ARN_PARTS - len(parts))
            parts[-1].append(first)
            parts += [[part] for part in rest]
        else:
            parts[-1].append(token)
    if len(parts) != ARN_PARTS:
        return _never
    tests = [test_of(_joined(part)) for part in parts]

    def like(value: str, keys: Keys) -> bool:
        values = value.split(":", ARN_PARTS - 1)
        return len(values) == ARN_PARTS and all(
            test(part, keys) for test, part in zip(tests, values, strict=True)
        )

    return like


def _always(value: str, keys: Keys) -> bool:
    return True


def _never(value: str, keys: Keys) -> bool:
    return False


def test_of(tokens: Tokens) -> Test:
    if any(isinstance(token, Variable) for token in tokens):
        return lambda value, keys: (known := resolved(tokens, keys)) is not None and _plain(known)(value, keys)
    return _compiled(tokens)


def resolved(tokens: Tokens, keys: Keys) -> Tokens | None:
    """Variables replaced by the request's values. None: one has none."""
    made: list[Token] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = keys.get(token.key) or token.default
            if not isinstance(value, str):
                return None
            made.append(value)
        else:
            made.append(token)
    return _joined(made)


def _compiled(tokens: Tokens) -> Test:
    match tokens:
        case ():
            return lambda value, keys: value == ""
        case (str(text),):
            return lambda value, keys: value == text
        case (Wild.ANY,):
            return _always
        case (str(text), Wild.ANY):
            return lambda value, keys: value.startswith(text)
    search = re.compile(_expression(tokens), re.DOTALL).match
    return lambda value, keys: search(value) is not None


_plain = lru_cache(PATTERNS_REMEMBERED)(_compiled)


def _expression(tokens: Tokens) -> str:
    """Chunks between the stars that cross segments: the first stands at the start, the last at the end."""
    chunks: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.ANY:
            chunks.append([])
        else:
            chunks[-1].append(token)
    if len(chunks) == 1:
        return _chunk(chunks[0], last=True) + r"\Z"
    first, *middle, last = chunks
    inner = "".join(f"(?>.*?{_chunk(chunk)})" for chunk in middle if chunk)
    return f"{_chunk(first)}{inner}.*{_chunk(last, last=True)}\\Z"


def _chunk(tokens: list[Token], *, last: bool = False) -> str:
    """Pieces between stars of one segment. Such a star takes the first fit, at the very end the only one."""
    pieces = [""]
    for token in tokens:
        if token is Wild.SEGMENT:
            pieces.append("")
        else:
            assert not isinstance(token, Variable)
            pieces[-1] += _ONES[token] if isinstance(token, Wild) else re.escape(token)
    first, *rest = pieces
    if not rest:
        return first
    *inner, end = rest
    made = first + "".join(f"(?>[^:]*?{piece})" for piece in inner)
    return made + (f"[^:]*{end}" if last else f"(?>[^:]*?{end})")
