"""What values are and how they compare. NULL is None, what is not there is MISSING; both make of what they touch NULL.

All fields of CSV are text: where one meets a number, it is read as a number, if it is one.
"""

import operator
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.timestamps import timestamp, written

INTEGER_LIMIT = 2**63
Number = int | float | Decimal


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def absent(value: Any) -> bool:
    return value is None or value is MISSING


def number(value: Any) -> Number | None:
    """A number, or the number that a text is; None: it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return value
    if not isinstance(value, str):
        return None
    try:
        return int(value) if len(value) < 19 else Decimal(value)
    except ValueError:
        pass
    except InvalidOperation:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both as values that compare; None: they do not."""
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    if isinstance(left, bool) or isinstance(right, bool):
        truths = boolean(left), boolean(right)
        return None if None in truths else truths
    if isinstance(left, datetime) or isinstance(right, datetime):
        return _times(left, right)
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return (float(first), float(second)) if isinstance(first, float) != isinstance(second, float) \
            else (first, second)
    return (left, right) if type(left) is type(right) and isinstance(left, list | dict) else None


def _times(left: Any, right: Any) -> tuple[Any, Any] | None:
    try:
        first, second = (timestamp(each) if isinstance(each, str) else each for each in (left, right))
    except SelectError:
        return None
    return (first, second) if isinstance(first, datetime) and isinstance(second, datetime) else None


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}


def compared(name: str, left: Any, right: Any) -> bool | None:
    """None: unknown, as with NULL."""
    if absent(left) or absent(right):
        return None
    pair = comparable(left, right)
    if pair is None:
        return None
    if isinstance(pair[0], list | dict) and name not in ("=", "!="):
        return None
    return COMPARISONS[name](*pair)


def boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def cast(value: Any, type_: str) -> Any:
    """SelectError."""
    if absent(value):
        return value
    try:
        return _CASTS[type_](value)
    except (ValueError, TypeError, InvalidOperation, OverflowError, SelectError) as error:
        raise SelectError("CastFailed") from error


def _to_int(value: Any) -> int:
    made = int(value.strip()) if isinstance(value, str) else int(value)
    if not -INTEGER_LIMIT <= made < INTEGER_LIMIT:
        raise ValueError("more than 64 bits")
    return made


def _to_bool(value: Any) -> bool:
    if isinstance(value, int | float | Decimal):
        return bool(value)
    made = boolean(value)
    if made is None:
        raise ValueError("no truth")
    return made


def _to_decimal(value: Any) -> Decimal:
    made = Decimal(str(value).strip() if not isinstance(value, bool) else int(value))
    if not made.is_finite():
        raise ValueError("no number")
    return made


def _to_timestamp(value: Any) -> datetime:
    return value if isinstance(value, datetime) else timestamp(value)


_CASTS: dict[str, Callable[[Any], Any]] = {
    "int": _to_int, "bool": _to_bool, "float": float, "decimal": _to_decimal, "timestamp": _to_timestamp,
    "string": lambda value: text(value),
}


def text(value: Any) -> str:
    """As a field of CSV has it, and CAST to STRING."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, list | dict):
        return as_json(value)
    return "" if absent(value) else str(value)


def as_json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """What JSON has no form of."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return None if value is MISSING else text(value)


def is_like(value: str, pattern: str, escape: str) -> bool:
    """`%` is any text, `_` any character. In time proportional to both lengths at most."""
    parts, pieces = _pattern(pattern, escape)
    return _matches(value, parts) if pieces is None else _has_pieces(value, pieces)


def _has_pieces(value: str, pieces: tuple[str, ...]) -> bool:
    """One after another, the first at the beginning, the last at the end."""
    if len(pieces) == 1:
        return value == pieces[0]
    first, last = pieces[0], pieces[-1]
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in pieces[1:-1]:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _matches(value: str, parts: "Pattern") -> bool:
    at = begun = 0
    star = -1
    while at < len(value):
        if begun < len(parts) and parts[begun] in ((value[at], False), ("_", True)):
            at, begun = at + 1, begun + 1
        elif begun < len(parts) and parts[begun] == ("%", True):
            star, kept, begun = begun, at, begun + 1
        elif star >= 0:
            kept += 1
            at, begun = kept, star + 1
        else:
            return False
    return all(part == ("%", True) for part in parts[begun:])


Pattern = tuple[tuple[str, bool], ...]    # (character, is it a wildcard?)


@lru_cache(maxsize=256)
def _pattern(pattern: str, escape: str) -> tuple[Pattern, tuple[str, ...] | None]:
    """And what stands between its `%`, where those are all its wildcards. SelectError."""
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(pattern):
        if pattern[at] == escape:
            at += 1
            if at == len(pattern):
                raise SelectError("LikeInvalidInputs")
            found.append((pattern[at], False))
        else:
            found.append((pattern[at], pattern[at] in "%_"))
        at += 1
    if ("_", True) in found:
        return tuple(found), None
    pieces = [""]
    for character, wild in found:
        if wild:
            pieces.append("")
        else:
            pieces[-1] += character
    return tuple(found), tuple(pieces)
