"""How values compare: equality of every type, order of numbers, strings and binaries, membership, size.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html; sets
have no order, numbers compare by value, and values of two types are never equal and never ordered (Scylla's Alternator,
which runs its test_condition_expression.py against AWS).
"""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from actors.dynamodb.engine.expressions.nodes import Value

SETS = frozenset(("SS", "NS", "BS"))
ORDERED = ("S", "N", "B")
TYPES = ("S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M")

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}


def type_of(value: Value) -> str:
    """The one member's name."""
    return next(iter(value))


def equal(left: Value, right: Value) -> bool:
    """The same type and the same content; in a set order does not matter, nor how a number is written."""
    if left == right:
        return True
    kind = next(iter(left))
    if kind not in right:
        return False
    a, b = left[kind], right[kind]
    if kind == "N":
        return Decimal(a) == Decimal(b)
    if kind == "L":
        return len(a) == len(b) and all(map(equal, a, b))
    if kind == "M":
        return a.keys() == b.keys() and all(equal(value, b[name]) for name, value in a.items())
    if kind == "NS":
        return set(map(Decimal, a)) == set(map(Decimal, b))
    return kind in SETS and set(a) == set(b)


def ordered(compare: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    """`compare` of two numbers, strings (by UTF-8: by code point) or binaries (by unsigned byte); else False."""
    for kind in ORDERED:
        a = left.get(kind)
        if a is not None:
            b = right.get(kind)
            if b is None:
                return False
            return compare(Decimal(a), Decimal(b)) if kind == "N" else compare(a, b)
    return False


def contains(container: Value, element: Value) -> bool:
    """A substring of a string or binary, a member of a set, an element of a list."""
    for kind, content in container.items():
        if kind == "L":
            return any(equal(member, element) for member in content)
        wanted = element.get(kind[0] if kind in SETS else kind)
        if wanted is None:
            return False
        if kind == "NS":
            return wanted in content or Decimal(wanted) in map(Decimal, content)
        return kind in ("S", "B", "SS", "BS") and wanted in content
    return False


def begins_with(value: Value, prefix: Value) -> bool:
    """Of two strings or two binaries."""
    for kind in ("S", "B"):
        start = prefix.get(kind)
        if start is not None:
            content = value.get(kind)
            return content is not None and content[: len(start)] == start
    return False


def size(value: Value) -> int | None:
    """Characters of a string, bytes of a binary, members of anything else that has some; None: the type has no size."""
    for kind, content in value.items():
        return None if kind in ("N", "BOOL", "NULL") else len(content)
    return None
