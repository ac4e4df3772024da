"""Is this request what its model allows? If not, the error the service itself would answer.

`validator(operation)` compiles each shape once into a function value -> bool, which is all that a good request costs.
Only a bad one is walked again, by schemas/violations.py, which finds the words. Both ask the same Dialect for the
constraints, so they cannot disagree on what is allowed (tests/schemas/test_validate.py).

Types are checked too, because direct publishers send anything: str, int, float, bool, bytes, datetime, list, dict.
Members the model does not know are ignored, as AWS does; a member that is None is absent, and is removed.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from schemas.dialects import NO_CONSTRAINT, Constraint, Dialect, dialect_of
from schemas.patterns import matcher
from schemas.shapes import Member, Operation, Service, Shape

DEPTH_LIMIT = 100                                  # levels of nesting; deeper is a SerializationException

Accepts = Callable[[Any, int], bool]               # (value, levels left)
Validate = Callable[[dict[str, Any]], None]

INTEGER_BITS = {"integer": 32, "long": 64}
ARN = "arn:"


@cache
def validator(operation: Operation, itself: frozenset[str] = frozenset()) -> Validate:
    """A function that raises the service's own ValidationException, SerializationException or MissingParameter.

    `itself`: shapes the service validates itself; of these only the Python type is checked, and nothing inside.
    """
    dialect = dialect_of(operation.service)
    accepts = _compiler(operation.service, itself).request(operation)

    def validate(request: dict[str, Any]) -> None:
        if accepts(request, DEPTH_LIMIT):
            return
        from schemas.violations import refuse

        refuse(operation, request, dialect, itself)
        assert accepts(request, DEPTH_LIMIT), "what is refused has a reason"

    return validate


@cache
def _compiler(service: Service, itself: frozenset[str]) -> "_Compiler":
    return _Compiler(dialect_of(service), itself)


class _Compiler:
    """One service's shapes as functions, each made once. Recursive shapes refer to themselves through `later`."""

    def __init__(self, dialect: Dialect, itself: frozenset[str]) -> None:
        self._dialect = dialect
        self._itself = itself
        self._known: dict[Shape, Accepts] = {}

    def request(self, operation: Operation) -> Accepts:
        if operation.input is None:
            return _is_dict
        return self._structure(operation.input, left_out=unread(operation))

    def _member(self, member: Member) -> Accepts:
        return _anything if opaque(member) else self._shape(member.shape)

    def _shape(self, shape: Shape) -> Accepts:
        known = self._known.get(shape)
        if known is not None:
            return known
        made: list[Accepts] = []
        self._known[shape] = lambda value, depth: made[0](value, depth)
        accepts = self._known[shape] = self._compile(shape)
        made.append(accepts)
        return accepts

    def _compile(self, shape: Shape) -> Accepts:
        kind = shape.kind
        if shape.name in self._itself:
            return _is_list if kind == "list" else _is_dict if kind in ("structure", "map") else self._scalar(shape)
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return self._scalar(shape)

    def _structure(self, shape: Shape, left_out: frozenset[str] = frozenset()) -> Accepts:
        checks = {name: self._member(member) for name, member in shape.members.items() if name not in left_out}
        required = tuple(self._dialect.required(shape) - left_out)
        check_of = checks.get
        union = bool(shape.traits.get("union"))

        def accepts(value: Any, depth: int) -> bool:
            if type(value) is not dict or depth == 0:
                return False
            for name in required:
                if name not in value:
                    return False
            depth -= 1
            for name, member in value.items():
                check = check_of(name)
                if check is not None and not check(member, depth):
                    return False
            return not union or sum(name in checks for name in value) == 1

        return accepts

    def _list(self, shape: Shape) -> Accepts:
        assert shape.item is not None
        item = self._sparse(shape, self._member(shape.item))
        low, high = _bounds(self._dialect.constraint(shape))

        def accepts(value: Any, depth: int) -> bool:
            if type(value) is not list or depth == 0 or not low <= len(value) <= high:
                return False
            depth -= 1
            for member in value:  # noqa: SIM110 - all() is a generator, three times the cost
                if not item(member, depth):
                    return False
            return True

        return accepts

    def _map(self, shape: Shape) -> Accepts:
        assert shape.item is not None
        assert shape.key is not None
        own = self._dialect.key_constraint(shape)
        key, item = _string(own) if own else self._member(shape.key), self._sparse(shape, self._member(shape.item))
        low, high = _bounds(self._dialect.constraint(shape))
        if item is _is_dict:
            return _dicts(key, low, high)

        def accepts(value: Any, depth: int) -> bool:
            if type(value) is not dict or depth == 0 or not low <= len(value) <= high:
                return False
            depth -= 1
            for name, member in value.items():  # noqa: SIM110
                if not key(name, depth) or not item(member, depth):
                    return False
            return True

        return accepts

    @staticmethod
    def _sparse(shape: Shape, item: Accepts) -> Accepts:
        if not shape.traits.get("sparse"):
            return item
        return lambda value, depth: value is None or item(value, depth)

    def _scalar(self, shape: Shape) -> Accepts:
        constraint = self._dialect.constraint(shape)
        kind = shape.kind
        if kind in ("string", "character"):
            return _string(constraint)
        if kind == "blob":
            low, high = _bounds(constraint)
            return lambda value, depth: type(value) is bytes and low <= len(value) <= high
        if kind in INTEGER_BITS:
            low, high = integer_bounds(kind, constraint)
            return lambda value, depth: type(value) is int and low <= value <= high
        if kind in ("float", "double"):
            return _number(constraint)
        if kind == "boolean":
            return _is_bool
        assert kind == "timestamp", kind
        return _is_time


def _dicts(key: Accepts, low: float, high: float) -> Accepts:
    """A map to structures that their service validates itself: an item's attributes. The hottest of all."""

    def accepts(value: Any, depth: int) -> bool:
        if type(value) is not dict or depth == 0 or not low <= len(value) <= high:
            return False
        for name, member in value.items():  # noqa: SIM110
            if type(member) is not dict or not key(name, depth):
                return False
        return True

    return accepts


def _bounds(constraint: Constraint, least: float = 0) -> tuple[float, float]:
    low, high = constraint.minimum, constraint.maximum
    return least if low is None else low, float("inf") if high is None else high


def integer_bounds(kind: str, constraint: Constraint) -> tuple[float, float]:
    """The model's bounds within what 32 or 64 bits hold."""
    largest = 2 ** (INTEGER_BITS[kind] - 1)
    low, high = _bounds(constraint, -largest)
    return max(low, -largest), min(high, largest - 1)


def _number(constraint: Constraint) -> Accepts:
    """NaN and infinities are numbers; within bounds NaN never is."""
    if constraint.minimum is None and constraint.maximum is None:
        return lambda value, depth: type(value) in (float, int)
    low, high = _bounds(constraint, float("-inf"))
    return lambda value, depth: type(value) in (float, int) and low <= value <= high


def _string(constraint: Constraint) -> Accepts:
    if constraint == NO_CONSTRAINT:
        return _is_str
    enum, (low, high) = frozenset(constraint.enum), _bounds(constraint)
    matches = matcher(constraint.pattern) if constraint.pattern else None
    arn_maximum = constraint.arn_maximum
    if enum:
        return lambda value, depth: type(value) is str and value in enum
    if matches is None:
        return lambda value, depth: type(value) is str and low <= len(value) <= high

    def accepts(value: Any, depth: int) -> bool:
        if type(value) is not str:
            return False
        if arn_maximum and value.startswith(ARN):
            return len(value) <= arn_maximum
        return low <= len(value) <= high and matches(value)

    return accepts


def unread(operation: Operation) -> frozenset[str]:
    """Input members that reach the service by another way than `params`: streams."""
    streamed = {operation.payload if operation.streams_in else "", operation.event_stream_in}
    return frozenset(streamed - {""})


def opaque(member: Member) -> bool:
    """A document, or a JSON value in a header: any type will do."""
    return bool(
        member.trait("document") or member.trait("jsonvalue") or member.trait("streaming")
        or member.shape.traits.get("eventstream")
    )


def _anything(value: Any, depth: int) -> bool:
    return True


def _is_dict(value: Any, depth: int) -> bool:
    return type(value) is dict


def _is_list(value: Any, depth: int) -> bool:
    return type(value) is list


def _is_str(value: Any, depth: int) -> bool:
    return type(value) is str


def _is_bool(value: Any, depth: int) -> bool:
    return type(value) is bool


def _is_time(value: Any, depth: int) -> bool:
    return type(value) is datetime
