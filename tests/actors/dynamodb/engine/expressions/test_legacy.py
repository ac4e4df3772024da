"""The parameters from before expressions mean what the equal expression means, and complain in their own words.

Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html; public
dynalite suite (test/updateItem.js, test/query.js, validations/index.js); Scylla's Alternator (test_expected.py).
"""

from typing import Any

import pytest
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions import (
    Placeholders,
    attribute_update,
    expected_condition,
    filter_condition,
    parse_condition,
)
from actors.dynamodb.engine.expressions.nodes import Item, Value
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import BARE, attempt, forall, items, scalars, values

INVALID = "One or more parameter values were invalid: "
S, N = {"S": "a"}, {"N": "1"}

EXPRESSIONS = {
    "EQ": "#a = :v", "NE": "#a <> :v", "LT": "#a < :v", "LE": "#a <= :v", "GT": "#a > :v", "GE": "#a >= :v",
    "CONTAINS": "contains(#a, :v)", "NOT_CONTAINS": "attribute_exists(#a) AND NOT contains(#a, :v)",
    "BEGINS_WITH": "begins_with(#a, :v)", "IN": "#a IN (:v)", "BETWEEN": "#a BETWEEN :v AND :v",
    "NULL": "attribute_not_exists(#a)", "NOT_NULL": "attribute_exists(#a)",
}


@forall(st.sampled_from(sorted(EXPRESSIONS)), st.sampled_from(BARE), values, items)
def test_operators_mean_their_expressions(operator: str, name: str, value: Value, item: Item) -> None:
    expression = EXPRESSIONS[operator]
    listed = [value] * expression.count(":v")
    entry = {"ComparisonOperator": operator, "AttributeValueList": listed}
    conditions = attempt(lambda: [filter_condition({name: entry}), expected_condition({name: entry})])
    if isinstance(conditions, ValidationException):
        refused = f"ComparisonOperator {operator} is not valid for {next(iter(value))} AttributeValue type"
        assert conditions.message == INVALID + refused
        return
    equal = parse_condition(expression).bind(Placeholders({"#a": name}, {":v": value}))
    for condition in conditions:
        assert condition.holds(item) is equal.holds(item)
        assert condition.attributes == {name}


@forall(scalars, items)
def test_expected_value_and_exists(value: Value, item: Item) -> None:
    equal = parse_condition("a = :v").bind(Placeholders(None, {":v": value}))
    for entry in ({"Value": value}, {"Value": value, "Exists": True},
                  {"Value": value, "ComparisonOperator": "EQ"}):
        assert expected_condition({"a": entry}).holds(item) is equal.holds(item)
    assert expected_condition({"a": {"Exists": False}}).holds(item) is ("a" not in item)
    assert expected_condition({"a": {"Exists": False}}).holds(None)


# test_update_expected_multi_true and _false; an empty Expected holds (test_update_expected_empty).
def test_conditional_operator() -> None:
    item = {"a": N, "b": {"N": "2"}}
    entries: dict[str, Any] = {
        "a": {"Value": {"N": "74"}}, "b": {"Value": {"N": "2"}}, "c": {"Exists": True, "Value": N}}
    assert not expected_condition(entries).holds(item)
    assert not expected_condition(entries, "AND").holds(item)
    assert expected_condition(entries, "OR").holds(item)
    assert not expected_condition({**entries, "b": {"Exists": False}}, "OR").holds(item)
    assert expected_condition({}).holds(None)


# Names are literal: dots, brackets and # mean nothing in them.
def test_names_are_literal() -> None:
    item = {"a.b[0]": S, "#n": N}
    assert expected_condition({"a.b[0]": {"Value": S}, "#n": {"Value": N}}).holds(item)
    assert attribute_update({"a.b[0]": {"Action": "DELETE"}, "#n": {"Value": S}}).apply(item) == {"#n": S}


@pytest.mark.parametrize(("entry", "expected"), [
    ({}, "Value must be provided when Exists is null for Attribute: a"),
    ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
    ({"Exists": False, "Value": S}, "Value cannot be used when Exists is false for Attribute: a"),
    ({"AttributeValueList": [S]}, "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"),
    ({"AttributeValueList": [S], "Value": S}, "Value and AttributeValueList cannot be used together for Attribute: a"),
    ({"ComparisonOperator": "EQ", "Exists": True, "Value": S},
     "Exists and ComparisonOperator cannot be used together for Attribute: a"),
    ({"ComparisonOperator": "EQ"},
     "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a"),
    ({"ComparisonOperator": "EQ", "AttributeValueList": [S, S]},
     "Invalid number of argument(s) for the EQ ComparisonOperator"),
    ({"ComparisonOperator": "NULL", "AttributeValueList": [S]},
     "Invalid number of argument(s) for the NULL ComparisonOperator"),
    ({"ComparisonOperator": "IN", "AttributeValueList": []},
     "Invalid number of argument(s) for the IN ComparisonOperator"),
    ({"ComparisonOperator": "BETWEEN", "AttributeValueList": [S]},
     "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    ({"ComparisonOperator": "IN", "AttributeValueList": [S, N]},
     "AttributeValues inside AttributeValueList must be of same type"),
    ({"ComparisonOperator": "IN", "AttributeValueList": [{"L": []}]},
     "ComparisonOperator IN is not valid for L AttributeValue type"),
    ({"ComparisonOperator": "BEGINS_WITH", "Value": N},
     "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"),
])
def test_expected_that_is_none(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationException) as refused:
        expected_condition({"a": entry})
    assert refused.value.message == INVALID + expected


def test_bounds_of_between() -> None:
    with pytest.raises(ValidationException) as refused:
        filter_condition({"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "b"}, S]}})
    assert refused.value.message == (
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")


def test_values_are_checked() -> None:
    def refuse(_: Value) -> None:
        raise ValidationException("bad")

    for build in (lambda: expected_condition({"a": {"Value": S}}, None, refuse),
                  lambda: filter_condition({"a": {"ComparisonOperator": "NE", "AttributeValueList": [S]}},
                                           check_value=refuse),
                  lambda: attribute_update({"a": {"Value": S}}, refuse)):
        with pytest.raises(ValidationException, match="bad"):
            build()


# AttributeUpdates; ADD knows lists, unlike the expression (Alternator, test_update_expression_add_lists).
@pytest.mark.parametrize(("entry", "old", "new"), [
    ({"Value": S}, None, S), ({"Value": S, "Action": "PUT"}, N, S), ({"Action": "DELETE"}, S, None),
    ({"Action": "DELETE"}, None, None), ({"Value": N, "Action": "ADD"}, None, N),
    ({"Value": N, "Action": "ADD"}, {"N": "2"}, {"N": "3"}), ({"Value": {"L": [S]}, "Action": "ADD"}, None, {"L": [S]}),
    ({"Value": {"L": [S]}, "Action": "ADD"}, {"L": [N]}, {"L": [N, S]}),
    ({"Value": {"SS": ["b"]}, "Action": "ADD"}, {"SS": ["a"]}, {"SS": ["a", "b"]}),
    ({"Value": {"SS": ["b"]}, "Action": "DELETE"}, {"SS": ["a", "b"]}, {"SS": ["a"]}),
    ({"Value": {"SS": ["b"]}, "Action": "DELETE"}, {"SS": ["b"]}, None),
    ({"Value": {"SS": ["b"]}, "Action": "DELETE"}, None, None),
])
def test_attribute_updates(entry: dict[str, Any], old: Value | None, new: Value | None) -> None:
    item = {"kept": S} if old is None else {"kept": S, "a": old}
    update = attribute_update({"a": entry})
    assert update.apply(item) == ({"kept": S} if new is None else {"kept": S, "a": new})
    assert update.touched.attributes == {"a"}
    assert update.only_removes is (entry.get("Action") == "DELETE")


def test_no_attribute_updates_create_an_item() -> None:
    update = attribute_update({})
    assert update.apply({"p": S}, exists=False) == {"p": S}
    assert not update.only_removes
    assert update.touched.apply({"p": S}) == {}


@pytest.mark.parametrize(("entry", "expected"), [
    ({"x": "whatever"}, "Only DELETE action is allowed when no attribute value is specified"),
    ({"Action": "ADD"}, "Only DELETE action is allowed when no attribute value is specified"),
    *[({"Action": "DELETE", "Value": {kind: None}}, f"DELETE action with value is not supported for the type {kind}")
      for kind in ("S", "N", "B", "NULL", "BOOL", "M", "L")],
    *[({"Action": "ADD", "Value": {kind: None}}, f"ADD action is not supported for the type {kind}")
      for kind in ("S", "B", "NULL", "BOOL", "M")],
])
def test_attribute_updates_that_are_none(entry: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationException) as refused:
        attribute_update({"a": entry})
    assert refused.value.message == INVALID + expected


def test_type_mismatch() -> None:
    for entry in ({"Action": "ADD", "Value": N}, {"Action": "DELETE", "Value": {"SS": ["a"]}}):
        with pytest.raises(ValidationException, match=r"Type mismatch for attribute to update$"):
            attribute_update({"a": entry}).apply({"a": S})
