"""Projections: what is selected, from documentation and from Scylla's Alternator (test_projection_expression.py)."""

from typing import Any

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions import Placeholders, Projection, attributes_to_get, parse_projection
from actors.dynamodb.engine.expressions.nodes import Item, Path, Steps, Value, named
from actors.dynamodb.engine.expressions.projections import clash
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import NAMES, forall, items, paths

ITEM: Item = {
    "p": {"S": "key"},
    "a": {"M": {"b": {"L": [{"N": "2"}, {"N": "4"}, {"M": {"x": {"S": "hi"}, "y": {"S": "yo"}}}]}, "c": {"N": "5"}}},
    "b": {"S": "hello"},
    "a.b": {"S": "dotted"},
}


def project(text: str, names: dict[str, str] | None = None, item: Item = ITEM) -> Item:
    placeholders = Placeholders(names)
    projection = parse_projection(text).bind(placeholders)
    placeholders.check_unused()
    return projection.apply(item)


def inside(*elements: Value, **members: Value) -> Item:
    return {"a": {"M": {"b": {"L": list(elements)}, **members} if elements else members}}


@pytest.mark.parametrize(("text", "expected"), [
    ("a.b[0]", inside({"N": "2"})),
    ("a.b[2].y", inside({"M": {"y": {"S": "yo"}}})),
    ("a.b[1], a.b[0]", inside({"N": "2"}, {"N": "4"})),
    ("a.b[2].y, a.b[0]", inside({"N": "2"}, {"M": {"y": {"S": "yo"}}})),
    ("a.b[0],a.c", inside({"N": "2"}, c={"N": "5"})),
    ("a.c, b", {**inside(c={"N": "5"}), "b": {"S": "hello"}}),
    ("a.x, a.b[0], x, a.b[3].x", inside({"N": "2"})),
    ("x", {}), ("a.b[3]", {}), ("a.x", {}), ("a.x.y", {}), ("a.b[3].x", {}), ("a.b.x", {}), ("a[0]", {}),
    ("a.b[0].x", {}), ("a.b[0][0]", {}), ("b.x", {}), ("b[0]", {}),
])
def test_selects(text: str, expected: Item) -> None:
    assert project(text) == expected


# A placeholder is one step whatever its name holds (test_projection_expression_path_dot).
def test_placeholders_are_single_steps() -> None:
    assert project("#n", {"#n": "a.b"}) == {"a.b": {"S": "dotted"}}
    assert project("#a.#c", {"#a": "a", "#c": "c"}) == inside(c={"N": "5"})


def step_into(value: Value | None, step: str | int) -> Value | None:
    if value is None:
        return None
    members: dict[Any, Value] = dict(enumerate(value.get("L", ()))) if isinstance(step, int) else value.get("M", {})
    return members.get(step)


def at(item: Item, path: Steps) -> Value | None:
    found: Value | None = {"M": item}
    for step in path:
        found = step_into(found, step)
    return found


# Whatever is selected alone is the item's own value inside the same documents, its lists shortened to one element; all
# paths together select what each selects alone.
@forall(items, st.lists(paths, min_size=1, max_size=4))
def test_selection_is_part_of_the_item(item: Item, found: list[Path]) -> None:
    resolved = [named(path.steps, NAMES) for path in found]
    assume(clash(resolved) is None)
    for path in resolved:
        selected = Projection([path]).apply(item)
        value = at(item, path)
        if value is None:
            assert selected == {}
        else:
            assert at(selected, tuple(0 if isinstance(step, int) else step for step in path)) == value
    together = Projection(resolved).apply(item)
    assert set(together) == {name for path in resolved for name in Projection([path]).apply(item)}
    assert Projection(reversed(resolved)).apply(item) == together


# clash is symmetric in what it finds, and finds exactly the paths that contain each other or use one document twofold.
@forall(paths, paths)
def test_clash(one: Path, two: Path) -> None:
    a, b = named(one.steps, NAMES), named(two.steps, NAMES)
    contained = a[: len(b)] == b or b[: len(a)] == a
    fork = next((index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    conflict = not contained and fork is not None and isinstance(a[fork], int) != isinstance(b[fork], int)
    for problem in (clash([a, b]), clash([b, a])):
        assert (problem is not None and "overlap" in problem) is contained
        assert (problem is not None and "conflict" in problem) is conflict


# Messages: dynalite test/query.js.
def test_attributes_to_get() -> None:
    assert attributes_to_get(["b", "x", "a.b"]).apply(ITEM) == {"b": {"S": "hello"}, "a.b": {"S": "dotted"}}
    with pytest.raises(ValidationException) as refused:
        attributes_to_get(["a", "a"])
    assert refused.value.message == "One or more parameter values were invalid: Duplicate value in attribute name: a"
