"""Every operation of every service: what its model allows passes; one broken constraint is found, at its place.

The inputs are generated from the shapes (inputs.py); the breaks and the paths expected for them are worked out here,
apart from the code under test. Expected forms: schemas/violations.py names the sources.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from schemas.errors import AwsError
from schemas.models import Operation, Shape, load, names
from schemas.validate import _compiler, opaque, validator
from tests.schemas.inputs import Inputs

SHARDS = 8
FORM = "failed to satisfy constraint: "


def operations(shard: int) -> Iterator[Operation]:
    for name in names()[shard::SHARDS]:
        yield from load(name).operations.values()
        for remembered in (load, validator, _compiler):
            remembered.cache_clear()               # all models at once would be gigabytes


@dataclass
class Break:
    """One change that makes a good request bad; `apply` does it, the error must hold `message`."""

    path: str
    apply: Callable[[], None]
    message: str


def breaks(shape: Shape, value: Any, path: str, found: list[Break]) -> None:
    """Every required member that could be missing and every number, text and enum that could be wrong, inside value."""
    if shape.kind == "structure":
        for name, member in shape.members.items():
            place = f"{path}.{name[0].lower()}{name[1:]}".removeprefix(".")
            if name not in value or opaque(member):
                continue
            if name in shape.required and not shape.traits.get("union"):
                words = f"Value null at '{place}' {FORM}Member must not be null"
                found.append(Break(place, _remover(value, name), words))
            for bad, words in _bad_values(member.shape, value[name]):
                found.append(Break(place, _setter(value, name, bad), f"at '{place}' {FORM}{words}"))
            breaks(member.shape, value[name], place, found)
    elif shape.kind in ("list", "map") and shape.item is not None and not opaque(shape.item):
        keyed = list(enumerate(value)) if shape.kind == "list" else list(value.items())
        words_for = "Member" if shape.kind == "list" else "Map value"
        for key, item in keyed:
            for bad, words in _bad_values(shape.item.shape, item):
                message = f"at '{path}' {FORM}{words_for} must satisfy constraint: ["
                found.append(Break(path, _setter(value, key, bad), message if words else ""))
            breaks(shape.item.shape, item, f"{path}.{key + 1 if shape.kind == 'list' else key}.member", found)


def _remover(value: dict[str, Any], name: str) -> Callable[[], None]:
    return lambda: value.pop(name)


def _setter(value: Any, key: Any, bad: Any) -> Callable[[], None]:
    return lambda: value.__setitem__(key, bad)


def _bad_values(shape: Shape, value: Any) -> Iterator[tuple[Any, str]]:
    """Values that break exactly one constraint of this shape, with the words for it."""
    traits, kind = shape.traits, shape.kind
    if kind in ("string", "character"):
        if "enum" in traits:
            yield "no-such-value", "Member must satisfy enum value set: ["
        elif "pattern" not in traits and traits.get("max") is not None and traits["max"] < 5000:
            yield "a" * (traits["max"] + 1), f"Member must have length less than or equal to {traits['max']}"
        elif "pattern" not in traits and traits.get("min"):
            yield "a" * (traits["min"] - 1), f"Member must have length greater than or equal to {traits['min']}"
    elif kind in ("integer", "long") and traits.get("min") is not None and traits["min"] > -(2**31):
        yield traits["min"] - 1, f"Member must have value greater than or equal to {traits['min']}"
    elif kind == "list" and traits.get("min"):
        yield value[: traits["min"] - 1], f"Member must have length greater than or equal to {traits['min']}"


def wrong_type(operation: Operation, request: dict[str, Any], chance: random.Random) -> bool:
    """Puts a value of a type that no AWS member has (a set) where any member was; False where there is none."""
    assert operation.input is not None
    members = operation.input.members
    names = [name for name in request if name in members and not opaque(members[name])]
    if names:
        request[chance.choice(names)] = {1}
    return bool(names)


# For each operation: a request its model allows passes; then one constraint is broken and found, in one message that
# names the right place; then a value of a wrong type is a SerializationException. Operations whose patterns the
# generator cannot satisfy are counted, and few. DynamoDB's own wording is test_validate_dynamodb.py's.
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_operation(shard: int, capsys: pytest.CaptureFixture[str]) -> None:
    passed = skipped = broken = 0
    for operation in operations(shard):
        inputs = Inputs(operation, seed=shard)
        request = inputs.request()
        if inputs.unsatisfied:
            skipped += 1
            continue
        validate = validator(operation)
        validate(request)
        passed += 1
        if operation.input is None:
            continue
        chance = random.Random(f"{operation!r}{shard}")
        found: list[Break] = []
        breaks(operation.input, request, "", found)
        dialect = inputs.dialect          # with constraints or sentences of its own: tests/schemas/test_validate.py
        if found and dialect.constrains and not dialect.constraints and not dialect.plain:
            one = chance.choice(found)
            one.apply()
            expect_one_violation(operation, request, dialect.invalid, one.message)
            broken += 1
        if wrong_type(operation, request, chance):
            with pytest.raises(AwsError) as refused:
                validate(request)
            assert refused.value.error_code == "SerializationException", operation
    with capsys.disabled():
        print(f"\nvalidate [{shard}]: {passed} operations passed, {broken} breaks found, {skipped} not generated")
    assert skipped <= passed / 50
    assert broken


def expect_one_violation(operation: Operation, request: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(AwsError) as refused:
        validator(operation)(request)
    assert refused.value.error_code == code, operation
    assert message in refused.value.message, (operation, refused.value.message)
    assert refused.value.message.startswith("1 validation error detected: Value"), (operation, refused.value.message)
