"""Requests from shapes: for any operation of any service, one that its model allows, drawn from a seed."""

import random
from datetime import UTC, datetime
from typing import Any

from schemas.dialects import Constraint, Dialect, dialect_of
from schemas.models import Member, Operation, Shape
from schemas.validate import integer_bounds, opaque, unread

DEPTH_LIMIT = 4                                    # below it only what is required is generated
TEXT = "abcXYZ019-_."
PATTERN_TRIES = 40


class Inputs:
    """Generates by hand what Hypothesis would need seconds for: there are twenty thousand operations."""

    def __init__(self, operation: Operation, seed: int) -> None:
        self.operation = operation
        self.dialect: Dialect = dialect_of(operation.service)
        self.random = random.Random(f"{operation.service.name}:{operation.name}:{seed}")
        self.unsatisfied: list[str] = []           # patterns no text was found for

    def request(self) -> dict[str, Any]:
        shape = self.operation.input
        if shape is None:
            return {}
        return self._structure(shape, 0, unread(self.operation))

    def _structure(self, shape: Shape, depth: int, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
        names = [name for name in shape.members if name not in left_out]
        if shape.traits.get("union"):
            scalars = [name for name in names if shape.members[name].shape.kind not in ("structure", "list", "map")]
            chosen = [self.random.choice(scalars if scalars and depth >= DEPTH_LIMIT else names)]
        elif depth >= DEPTH_LIMIT:
            chosen = [name for name in names if name in self.dialect.required(shape)]
        else:
            required = self.dialect.required(shape)
            likely = 0.5 if depth == 0 else 0.25   # deep models would grow to megabytes
            chosen = [name for name in names if name in required or self.random.random() < likely]
        return {name: self._member(shape.members[name], depth + 1) for name in chosen}

    def _member(self, member: Member, depth: int) -> Any:
        if opaque(member):
            return {"any": ["thing", None]}
        return self.value(member.shape, depth)

    def value(self, shape: Shape, depth: int) -> Any:
        constraint = self.dialect.constraint(shape)
        kind = shape.kind
        if kind == "structure":
            return self._structure(shape, depth)
        if kind in ("list", "map"):
            return self._entries(shape, self._count(constraint, depth), depth)
        if kind in ("string", "character"):
            return self.text(constraint)
        if kind == "blob":
            return bytes(self._count(constraint, 0))
        if kind in ("integer", "long"):
            low, high = integer_bounds(kind, constraint)
            return self.random.choice([int(low), int(high), self.random.randint(int(low), int(high))])
        if kind in ("float", "double"):
            low = 0.5 if constraint.minimum is None else constraint.minimum
            return low if constraint.maximum is None else min(low, constraint.maximum)
        return self.random.random() < 0.5 if kind == "boolean" else datetime(2024, 2, 29, tzinfo=UTC)

    def _count(self, constraint: Constraint, depth: int) -> int:
        low = int(constraint.minimum or 0)
        most = low if depth >= DEPTH_LIMIT else low + 2
        return self.random.randint(low, int(most if constraint.maximum is None else min(most, constraint.maximum)))

    def _entries(self, shape: Shape, count: int, depth: int) -> Any:
        assert shape.item is not None
        if shape.kind == "list":
            return [self._member(shape.item, depth + 1) for _ in range(count)]
        assert shape.key is not None
        found: dict[str, Any] = {}
        for _ in range(count * 8):
            if len(found) == count:
                break
            found[self.value(shape.key.shape, depth)] = self._member(shape.item, depth + 1)
        return found

    def text(self, constraint: Constraint) -> str:
        if constraint.enum:
            return self.random.choice(constraint.enum)
        low = int(constraint.minimum or 0)
        if constraint.arn_maximum:
            low = 3                                # DynamoDB's table operations ask for three characters
        high = low + 12 if constraint.maximum is None else int(min(constraint.maximum, low + 12))
        if constraint.pattern:
            return self._matching(constraint, low, high)
        return "".join(self.random.choice(TEXT) for _ in range(self.random.randint(low, high)))

    def _matching(self, constraint: Constraint, low: int, high: int) -> str:
        from schemas.patterns import matcher
        from tests.schemas.texts import text_like

        matches = matcher(constraint.pattern)
        longest = float("inf") if constraint.maximum is None else constraint.maximum
        for attempt in range(PATTERN_TRIES):
            text = text_like(constraint.pattern, self.random, low if attempt % 2 else 0)
            if text is not None and low <= len(text) <= longest and (matches is None or matches(text)):
                return text
        self.unsatisfied.append(constraint.pattern)
        return "a" * max(low, 1)
