"""Conditions against an evaluator written from the documentation, and the edges AWS is known for."""

from fractions import Fraction
from functools import partial, reduce
from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions import Condition, Placeholders, parse_condition
from actors.dynamodb.engine.expressions.nodes import (
    And,
    Between,
    Call,
    Clause,
    Compare,
    In,
    Item,
    Not,
    Operand,
    Or,
    Path,
    Value,
    ValueName,
)
from actors.dynamodb.engine.expressions.parser import parse_clause
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import (
    NAMES,
    Printer,
    attempt,
    clauses,
    forall,
    items,
    related_pairs,
    scalars,
    value_maps,
    values,
)

# The oracle: values as hashable Python data, so that Python's own equality and order say what is equal and less.

Plain = tuple[str, Any]


def plain(value: Value) -> Plain:
    (kind, content), = value.items()
    match kind:
        case "N":
            return kind, Fraction(content)
        case "NS":
            return kind, frozenset(map(Fraction, content))
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, tuple(map(plain, content))
        case "M":
            return kind, frozenset((name, plain(member)) for name, member in content.items())
        case "S":
            return kind, content.encode()                 # AWS orders strings by their UTF-8 bytes
    return kind, content


class Oracle:
    """.../amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html, literally."""

    def __init__(self, item: Item, given_values: dict[str, Value]) -> None:
        self.item = item
        self.values = given_values

    def step(self, value: Value | None, step: str | int) -> Value | None:
        if value is None:
            return None
        if isinstance(step, int):
            return dict(enumerate(value.get("L", ()))).get(step)
        member: Value | None = value.get("M", {}).get(NAMES.get(step, step))
        return member

    def operand(self, operand: Operand) -> Value | None:
        match operand:
            case Path(steps):
                start: Value | None = {"M": self.item}
                return reduce(self.step, steps, start)
            case ValueName(name):
                return self.values[name]
            case Call("size", (inner,)):
                value = self.operand(inner)
                if value is None or set(value) & {"N", "BOOL", "NULL"}:
                    return None
                return {"N": str(len(next(iter(value.values()))))}
        raise AssertionError(operand)

    def ordered(self, operator: str, left: Operand, right: Operand) -> bool:
        a, b = self.operand(left), self.operand(right)
        if a is None or b is None:
            return operator == "<>"
        (kind, x), (other, y) = plain(a), plain(b)
        if operator in ("=", "<>"):
            return (plain(a) == plain(b)) == (operator == "=")
        if kind != other or kind not in ("S", "N", "B"):
            return False
        return bool({"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[operator])

    def contains(self, a: Value, b: Value) -> bool:
        (kind, content), (other, wanted) = plain(a), plain(b)
        if kind in ("S", "B"):
            return kind == other and wanted in content
        if kind in ("SS", "NS", "BS"):
            if kind == "SS" and other == "S":
                wanted = wanted.decode()
            return kind[0] == other and wanted in content
        return kind == "L" and (other, wanted) in content

    def holds(self, clause: Clause) -> bool:
        match clause:
            case And(terms):
                return all(self.holds(term) for term in terms)
            case Or(terms):
                return any(self.holds(term) for term in terms)
            case Not(term, times):
                return self.holds(term) != (times % 2 == 1)
            case Compare(operator, left, right):
                return self.ordered(operator, left, right)
            case Between(operand, low, high):
                return self.ordered("<=", low, operand) and self.ordered("<=", operand, high)
            case In(operand, options):
                return any(self.ordered("=", operand, option) for option in options)
            case Call(function, arguments):
                return self.call(function, [self.operand(argument) for argument in arguments])

    def call(self, function: str, arguments: list[Value | None]) -> bool:
        if function == "attribute_exists":
            return arguments[0] is not None
        if function == "attribute_not_exists":
            return arguments[0] is None
        a, b = arguments
        if a is None or b is None:
            return False
        if function == "contains":
            return self.contains(a, b)
        (kind, content), (other, prefix) = plain(a), plain(b)
        return kind == other and kind in ("S", "B") and content.startswith(prefix)



@forall(clauses, items, items, value_maps, st.randoms(use_true_random=False))
def test_evaluates_as_documented(
    clause: Clause, item: Item, other: Item, given_values: dict[str, Value], random: Random,
) -> None:
    text = Printer(random).clause(clause)
    condition = attempt(lambda: parse_condition(text).bind(Placeholders(NAMES, given_values)))
    if isinstance(condition, ValidationException):
        assert condition.message.startswith("Invalid ConditionExpression: ")      # see test_messages.py
        return
    for each in (item, other, {}):
        assert condition.holds(each) is Oracle(each, given_values).holds(clause)
    assert condition.holds(None) is condition.holds({})


# Every operator and function, on values near each other, as attribute and value and as two attributes.
@forall(related_pairs(), scalars)
def test_every_operator_on_related_values(pair: tuple[Value, Value], third: Value) -> None:
    item: Item = {"a": pair[0], "b": pair[1], "c": third}
    given_values = {":a": pair[0], ":b": pair[1], ":c": third}
    for form in ("{0} = {1}", "{0} <> {1}", "{0} < {1}", "{0} <= {1}", "{0} > {1}", "{0} >= {1}", "{0} IN ({2}, {1})",
                 "{0} BETWEEN {1} AND {2}", "{2} BETWEEN {1} AND {0}", "contains({0}, {1})", "begins_with({0}, {1})",
                 "size({0}) = {1}", "size({0}) <= size({1})"):
        for names in (("a", ":b", "c"), ("a", "b", ":c"), (":a", "b", "c")):
            text = form.format(*names)
            condition = attempt(partial(bind_leniently, text, given_values))
            if isinstance(condition, Condition):
                assert condition.holds(item) is Oracle(item, given_values).holds(parse_clause(text, "")), text


def bind_leniently(text: str, given_values: dict[str, Value]) -> Condition:
    return parse_condition(text).bind(Placeholders(None, given_values))


@pytest.mark.parametrize(("text", "expected"), [
    ("n BETWEEN :1 AND :2", True), ("n BETWEEN :2 AND :3", True), ("n BETWEEN :1 AND :1", False),
    ("n BETWEEN :3 AND :4", False), ("contains(ns, :2)", True), ("contains(ns, :1)", False), ("n IN (:1, :2)", True),
    ("contains(ns, n)", True), ("n >= :2 AND n <= :2 AND NOT n < :2 AND NOT n > :2", True),
])
def test_bounds_and_members(text: str, expected: bool) -> None:
    given_values = {f":{number}": {"N": str(number)} for number in range(1, 5)}
    item: Item = {"n": {"N": "2"}, "ns": {"NS": ["2", "7"]}}
    assert parse_condition(text).bind(Placeholders(None, given_values)).holds(item) is expected


# A shape is compiled once; other values of the same types, and of others, must find their own meaning.
@forall(clauses, items, st.lists(value_maps, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_shapes_do_not_mix(
    clause: Clause, item: Item, maps: list[dict[str, Value]], random: Random,
) -> None:
    form = parse_condition(Printer(random).clause(clause))
    for given_values in (*maps, *reversed(maps)):
        condition = attempt(partial(form.bind, Placeholders(NAMES, given_values)))
        if isinstance(condition, Condition):
            assert condition.holds(item) is Oracle(item, given_values).holds(clause)


def bound(text: str, given_values: dict[str, Value] | None = None, names: dict[str, str] | None = None) -> Condition:
    placeholders = Placeholders(names, given_values)
    condition = parse_condition(text).bind(placeholders)
    placeholders.check_unused()
    return condition


# An unset attribute equals nothing, not even another one (Alternator, test_condition_expression.py, *_two_unset).
def test_missing_attributes() -> None:
    for text, expected in (("q = z", False), ("q <> z", True), ("NOT q = z", True), ("q < z", False),
                           ("NOT q < z", True), ("size(q) = size(z)", False), ("q IN (z, a)", False)):
        assert bound(text).holds({"a": {"S": "x"}}) is expected, text


# attribute_type takes a value as its first operand too (the same file, test_update_condition_attribute_type).
@forall(values)
def test_attribute_type(value: Value) -> None:
    kind = next(iter(value))
    for name in ("S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M"):
        condition = bound("attribute_type(a, :t) AND attribute_type(:v, :t)", {":t": {"S": name}, ":v": value})
        assert condition.holds({"a": value}) is (name == kind)


# size is in characters, bytes, members; N, BOOL and NULL have none (the same file, test_update_condition_size).
@pytest.mark.parametrize(("value", "count"), [
    ({"S": "hello"}, 5), ({"B": b"hi there"}, 8), ({"NS": ["2", "4", "7"]}, 3), ({"L": [{"N": "1"}]}, 1),
    ({"M": {}}, 0), ({"N": "5"}, None), ({"BOOL": True}, None), ({"NULL": True}, None),
])
def test_size(value: Value, count: int | None) -> None:
    for number in (0, 1, 3, 5, 8):
        assert bound("size(a) = :n", {":n": {"N": str(number)}}).holds({"a": value}) is (number == count)


# Sets have no order, at any depth (the same file, test_update_condition_eq_set; numbers compare by value).
def test_sets_inside_documents() -> None:
    left = {"L": [{"M": {"s": {"SS": ["a", "b"]}}}, {"NS": ["1", "2"]}]}
    right = {"L": [{"M": {"s": {"SS": ["b", "a"]}}}, {"NS": ["2", "1.0"]}]}
    assert bound("a = :v AND contains(b, :v) AND :v IN (a, c)", {":v": right}).holds({"a": left, "b": {"L": [left]}})


# Bytes are unsigned, strings in the order of UTF-8: U+E000 is before U+1F600 though not so in UTF-16.
def test_order_of_bytes_and_strings() -> None:
    assert bound("a < :v", {":v": {"B": b"\x80"}}).holds({"a": {"B": b"\x7f"}})
    assert bound("a < :v", {":v": {"S": "\U0001f600"}}).holds({"a": {"S": "\ue000"}})


# What the filter rules of Query and the rules on key attributes ask for.
def test_what_it_refers_to() -> None:
    condition = bound("#k.b = :v AND size(c[0]) > d AND NOT attribute_exists(e)", {":v": {"S": "x"}}, {"#k": "p.q"})
    assert condition.attributes == {"p.q", "c", "d", "e"}
    assert condition.nested == {"p.q", "c"}


# Values of one request are not kept with the compiled form (memory), and checks of contents use the new ones.
def test_contents_are_checked_every_time() -> None:
    low, high = {"N": "1"}, {"N": "2"}
    text = "a BETWEEN :lo AND :hi AND attribute_type(a, :t)"
    assert bound(text, {":lo": low, ":hi": high, ":t": {"S": "N"}}).holds({"a": {"N": "1.5"}})
    with pytest.raises(ValidationException, match="requires upper bound to be greater"):
        bound(text, {":lo": high, ":hi": low, ":t": {"S": "N"}})
    with pytest.raises(ValidationException, match="Invalid attribute type name found; type: X"):
        bound(text, {":lo": low, ":hi": high, ":t": {"S": "X"}})
