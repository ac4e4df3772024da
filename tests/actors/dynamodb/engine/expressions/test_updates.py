"""Updates against a model that keeps lists as numbered slots, properties of apply, and the edges AWS is known for."""

from copy import deepcopy
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from actors.dynamodb.engine import number
from actors.dynamodb.engine.expressions import Placeholders, Update, parse_update
from actors.dynamodb.engine.expressions.nodes import (
    Action,
    Arithmetic,
    Call,
    Item,
    Path,
    SetValue,
    Value,
    ValueName,
)
from actors.dynamodb.engine.expressions.updates import BAD_PATH, BAD_TYPE, NO_ATTRIBUTE
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import (
    NAMES,
    Printer,
    attempt,
    forall,
    items,
    updates,
    value_maps,
)


class Model:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html, literally.

    Documents are opened into dicts, a list by its indexes, so that setting beyond the end and removing in the middle
    are plain dict operations; closing them again closes the gaps.
    """

    def __init__(self, item: Item, given_values: dict[str, Value]) -> None:
        self.old = self.opened({"M": item})
        self.new = self.opened({"M": item})
        self.values = given_values

    def opened(self, value: Value) -> Any:
        if "M" in value:
            return "M", {name: self.opened(member) for name, member in value["M"].items()}
        if "L" in value:
            return "L", {index: self.opened(element) for index, element in enumerate(value["L"])}
        return "scalar", deepcopy(value)

    def closed(self, opened: Any) -> Value:
        kind, content = opened
        if kind == "M":
            return {"M": {name: self.closed(member) for name, member in content.items()}}
        if kind == "L":
            return {"L": [self.closed(content[index]) for index in sorted(content)]}
        return dict(content)

    def steps(self, path: Path) -> list[str | int]:
        return [NAMES.get(step, step) if isinstance(step, str) else step for step in path.steps]

    def read(self, operand: SetValue) -> Any:
        match operand:
            case Path():
                found = self.old
                for step in self.steps(operand):
                    if found[0] not in ("M", "L") or step not in found[1]:
                        raise ValidationException(NO_ATTRIBUTE)
                    found = found[1][step]
                return found
            case ValueName(name):
                return self.opened(self.values[name])
            case Arithmetic(operator, left, right):
                a, b = self.number(left), self.number(right)
                total = number.add(a, b) if operator == "+" else number.subtract(a, b)
                return "scalar", {"N": total}
            case Call("if_not_exists", (path, other)):
                try:
                    return self.read(path)
                except ValidationException:
                    return self.read(other)
            case Call("list_append", (left, right)):
                lists = [self.read(left), self.read(right)]
                if any(kind != "L" for kind, _ in lists):
                    raise ValidationException(BAD_TYPE)
                elements = [content[index] for _, content in lists for index in sorted(content)]
                return "L", dict(enumerate(elements))
        raise AssertionError(operand)

    def number(self, operand: SetValue) -> str:
        _, content = self.read(operand)
        if "N" not in content or not isinstance(content["N"], str):
            raise ValidationException(BAD_TYPE)
        return content["N"]

    def slot(self, path: Path) -> tuple[dict[Any, Any], str | int]:
        *parents, last = self.steps(path)
        found = self.new
        for step in parents:
            if found[0] != ("L" if isinstance(step, int) else "M") or step not in found[1]:
                raise ValidationException(BAD_PATH)
            found = found[1][step]
        if found[0] != ("L" if isinstance(last, int) else "M"):
            raise ValidationException(BAD_PATH)
        return found[1], last

    def run(self, actions: tuple[Action, ...]) -> Item:
        operands = [None if action.value is None else self.read(action.value) for action in actions]
        for action, operand in zip(actions, operands, strict=True):
            content, key = self.slot(action.path)
            if action.section == "SET":
                content[key] = deepcopy(operand)
            elif action.section == "REMOVE":
                content.pop(key, None)
            else:
                self.combine(content, key, self.closed(operand), action.section)
        item: Item = self.closed(self.new)["M"]
        return item

    def combine(self, content: dict[Any, Any], key: str | int, operand: Value, section: str) -> None:
        if key not in content:
            if section == "ADD":
                content[key] = self.opened(operand)
            return
        old = self.closed(content[key])
        kind = next(iter(operand))
        if kind not in old:
            raise ValidationException(BAD_TYPE)
        if kind == "N":
            content[key] = "scalar", {"N": number.add(old["N"], operand["N"])}
            return
        members = set(old[kind]) | set(operand[kind]) if section == "ADD" else set(old[kind]) - set(operand[kind])
        if members:
            content[key] = "scalar", {kind: members}
        else:
            del content[key]


def unordered(value: Any) -> Any:
    """A value or item with its sets as sets."""
    if isinstance(value, dict):
        return {name: set(member) if name in ("SS", "NS", "BS") and not isinstance(member, dict) else unordered(member)
                for name, member in value.items()}
    return [unordered(element) for element in value] if isinstance(value, list) else value


@forall(updates, items, value_maps, st.randoms(use_true_random=False))
def test_changes_items_as_documented(
    actions: tuple[Action, ...], item: Item, given_values: dict[str, Value], random: Random,
) -> None:
    text = Printer(random).update(actions)
    update = attempt(lambda: parse_update(text).bind(Placeholders(NAMES, given_values)))
    if isinstance(update, ValidationException):
        assert update.message.startswith("Invalid UpdateExpression: ")             # see test_messages.py
        return
    before = deepcopy(item)
    found = attempt(partial(update.apply, item))
    expected = attempt(lambda: Model(item, given_values).run(actions))
    if isinstance(expected, ValidationException):
        assert isinstance(found, ValidationException)                              # of several reasons any may be named
        assert found.message in (BAD_PATH, BAD_TYPE, NO_ATTRIBUTE, number.OVERFLOW)
    else:
        assert unordered(found) == unordered(expected)
    assert item == before


def bound(text: str, given_values: dict[str, Value] | None = None, names: dict[str, str] | None = None) -> Update:
    placeholders = Placeholders(names, given_values)
    update = parse_update(text).bind(placeholders)
    placeholders.check_unused()
    return update


def listed(*texts: str) -> Value:
    return {"L": [{"S": text} for text in texts]}


# Adding and subtracting, or adding and deleting what was not there, restores the item.
@forall(st.integers(-10**30, 10**30), st.integers(-10**30, 10**30))
def test_arithmetic_has_an_inverse(start: int, step: int) -> None:
    item = {"a": {"N": str(start)}}
    values = {":s": {"N": str(step)}}
    added = bound("SET a = a + :s", values).apply(item)
    assert Decimal(added["a"]["N"]) == start + step
    assert bound("SET a = a - :s", values).apply(added) == item
    assert bound("ADD a :s", values).apply(item) == added


@forall(st.sets(st.text("abc", max_size=2), min_size=1), st.sets(st.text("xyz", min_size=1, max_size=2), min_size=1))
def test_sets_have_an_inverse(old: set[str], new: set[str]) -> None:
    item = {"a": {"SS": sorted(old)}}
    values = {":s": {"SS": sorted(new)}}
    added = bound("ADD a :s", values).apply(item)
    assert set(added["a"]["SS"]) == old | new
    assert len(added["a"]["SS"]) == len(old) + len(new)
    assert unordered(bound("DELETE a :s", values).apply(added)) == unordered(item)
    assert bound("DELETE a :s", values).apply({"a": {"SS": sorted(new)}}) == {}
    assert bound("DELETE a :s", values).apply({}) == {}


# Operands are read before anything is written (Alternator, test_update_expression.py, test_multi_with_copy).
def test_reads_come_before_writes() -> None:
    values: dict[str, Value] = {":v": {"S": "new"}}
    assert bound("SET a = :v, b = a", values).apply({"a": {"S": "old"}}) == {"a": {"S": "new"}, "b": {"S": "old"}}
    assert bound("REMOVE a SET b = a").apply({"a": {"S": "old"}}) == {"b": {"S": "old"}}
    assert bound("SET a = b, b = a").apply({"a": {"S": "1"}, "b": {"S": "2"}}) == {"a": {"S": "2"}, "b": {"S": "1"}}


# Indexes mean the list as it was; beyond its end elements are appended by index (the same file, *_original_number,
# test_nested_attribute_update_array_out_of_bounds, *_remove_list_item_after_end).
def test_list_indexes() -> None:
    values: dict[str, Value] = {":v": {"S": "v"}}
    item = {"a": listed("2", "3", "4", "5", "6", "7")}
    for text in ("REMOVE a[1] SET a[3] = :v", "SET a[3] = :v REMOVE a[1]"):
        assert bound(text, values).apply(item) == {"a": listed("2", "4", "v", "6", "7")}
    far = bound("SET a[84] = :1, a[37] = :2, a[17] = :3, a[50] = :4",
                {":1": {"S": "1"}, ":2": {"S": "2"}, ":3": {"S": "3"}, ":4": {"S": "4"}})
    assert far.apply({"a": listed("x")}) == {"a": listed("x", "3", "2", "4", "1")}
    assert bound("REMOVE a[17]").apply(item) == item
    for index in (1, 2, 9):
        assert bound(f"SET a[{index}] = :v", values).apply({"a": listed("x")}) == {"a": listed("x", "v")}
        assert bound(f"ADD a[{index}] :n", {":n": {"N": "1"}}).apply({"a": {"L": [{"N": "5"}]}}) == (
            {"a": {"L": [{"N": "5"}, {"N": "1"}]}})
    assert bound("ADD a[0] :n", {":n": {"N": "1"}}).apply({"a": {"L": [{"N": "5"}]}}) == {"a": {"L": [{"N": "6"}]}}
    assert bound("REMOVE a[0], m.x").apply({"a": listed("x"), "m": {"M": {"x": {"S": ""}}}}) == (
        {"a": {"L": []}, "m": {"M": {}}})


# The same file: test_nested_attribute_update_bad_path_dot and _array, test_nested_attribute_remove_from_missing_item.
@pytest.mark.parametrize("text", ["SET a.c = :v", "SET b.c = :v", "SET c.c = :v", "SET a[0] = :v", "SET m[0] = :v",
                                  "SET m.q.r = :v", "SET b[7].x = :v"])
def test_paths_that_lead_nowhere(text: str) -> None:
    item = {"a": {"S": "hello"}, "b": listed("hi"), "m": {"M": {}}}
    with pytest.raises(ValidationException) as refused:
        bound(text, {":v": {"N": "7"}}).apply(item)
    assert refused.value.message == BAD_PATH
    with pytest.raises(ValidationException, match=BAD_PATH):
        bound(f"REMOVE {text[4:-5]}").apply(item)
    assert bound(f"REMOVE {text[4:-5]}").apply({}, exists=False) == {}
    with pytest.raises(ValidationException, match=BAD_PATH):
        bound(text, {":v": {"N": "7"}}).apply({}, exists=False)


# Alternator, test_update_expression.py and test_number.py: 1e50 + 1 is called an overflow too.
@pytest.mark.parametrize(("text", "operand", "expected"), [
    ("SET x = a + :v", {"N": "1"}, BAD_TYPE), ("SET x = list_append(a, :v)", {"L": []}, BAD_TYPE),
    ("SET x = z", None, NO_ATTRIBUTE), ("SET x = z + :v", {"N": "1"}, NO_ATTRIBUTE),
    ("SET x = list_append(z, :v)", {"L": []}, NO_ATTRIBUTE), ("SET x = if_not_exists(z, q)", None, NO_ATTRIBUTE),
    ("ADD a :v", {"N": "1"}, BAD_TYPE), ("ADD n :v", {"NS": ["1"]}, BAD_TYPE), ("DELETE n :v", {"NS": ["1"]}, BAD_TYPE),
    ("DELETE s :v", {"NS": ["1"]}, BAD_TYPE), ("SET x = n + :v", {"N": "9" + "0" * 125}, number.OVERFLOW),
    ("SET x = i + :v", {"N": "1" + "0" * 50}, number.OVERFLOW), ("ADD n :v", {"N": "9" + "0" * 125}, number.OVERFLOW),
])
def test_items_that_do_not_fit(text: str, operand: Value | None, expected: str) -> None:
    item: Item = {"a": {"S": "x"}, "n": {"N": "9" + "0" * 125}, "i": {"N": "1"}, "s": {"SS": ["a"]}}
    with pytest.raises(ValidationException) as refused:
        bound(text, {":v": operand} if operand is not None else None).apply(item)
    assert refused.value.message == expected


def test_functions() -> None:
    append = bound("SET a = list_append(if_not_exists(a, :none), :v)", {":none": {"L": []}, ":v": listed("x")})
    assert append.apply({}) == {"a": listed("x")}
    assert append.apply(append.apply({})) == {"a": listed("x", "x")}
    count = bound("SET a = if_not_exists(a, :zero) + :one", {":zero": {"N": "0"}, ":one": {"N": "1"}})
    assert count.apply(count.apply({})) == {"a": {"N": "2"}}


# UPDATED_OLD and UPDATED_NEW, oddities included: an element set beyond the end is not returned, one that moved into a
# removed one's place is (Alternator, test_returnvalues.py, test_update_item_returnvalues_nested).
def test_touched_paths() -> None:
    old: Item = {"a": {"M": {"b": {"S": "hi"}, "c": listed("1", "2", "3")}}, "d": {"S": "cat"}}
    update = bound("SET a.c[1] = :v, a.b = :v, e = :v REMOVE d", {":v": {"S": "new"}})
    assert update.touched.apply(old) == {"a": {"M": {"b": {"S": "hi"}, "c": listed("2")}}, "d": {"S": "cat"}}
    new = update.apply(old)
    assert update.touched.apply(new) == {"a": {"M": {"b": {"S": "new"}, "c": listed("new")}}, "e": {"S": "new"}}
    assert update.touched.attributes == {"a", "d", "e"}
    beyond = bound("SET a.c[100] = :v", {":v": {"S": "new"}})
    assert beyond.touched.apply(beyond.apply(old)) == {}
    removed = bound("REMOVE a.c[1]")
    assert removed.touched.apply(removed.apply(old)) == {"a": {"M": {"c": listed("3")}}}


# REMOVE and DELETE alone do not create an item (the same file, test_update_item_returnvalues_all_new).
@pytest.mark.parametrize(("text", "expected"), [
    ("REMOVE a", True), ("DELETE a :v", True), ("REMOVE b DELETE a :v", True), ("REMOVE b ADD a :v", False)])
def test_what_creates_an_item(text: str, expected: bool) -> None:
    assert bound(text, {":v": {"SS": ["x"]}} if ":v" in text else None).only_removes is expected


# What an update does not touch is shared with the old item, not copied.
def test_unchanged_values_are_shared() -> None:
    big = listed(*("x" * 100 for _ in range(100)))
    old: Item = {"big": big, "m": {"M": {"kept": big, "n": {"N": "1"}}}}
    new = bound("SET m.n = :v", {":v": {"N": "2"}}).apply(old)
    assert new["big"] is big
    assert new["m"]["M"]["kept"] is big
    assert old["m"]["M"]["n"] == {"N": "1"}
