"""Rules on placeholders and on which parameters go together.

Sources: public dynalite suite (test/updateItem.js, test/query.js, test/scan.js); extenddb's tests of
ConditionalOperator against AWS; Alternator (test_condition_expression.py, *_unused_entries_*).
"""

from typing import Any

import pytest

from actors.dynamodb.engine.expressions import (
    Placeholders,
    check_conditional_operator,
    check_mixing,
    parse_condition,
    parse_projection,
    parse_update,
)
from schemas.errors import ValidationException

UPDATE = (("UpdateExpression", "ConditionExpression"), ("AttributeUpdates", "Expected", "ConditionalOperator"))
QUERY = (("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
         ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"))


def refuse(value: Any) -> None:
    if value == {"N": "x"}:
        raise ValidationException("The parameter cannot be converted to a numeric value: x")


@pytest.mark.parametrize(("names", "values", "expected"), [
    ({}, None, "ExpressionAttributeNames must not be empty"),
    (None, {}, "ExpressionAttributeValues must not be empty"),
    ({"a": "a"}, {}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    ({"#": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'),
    ({"#a-b": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
    ({"#ü": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#ü"'),
    (None, {"b": {"S": "a"}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"'),
    (None, {":a": {"S": "a"}, ":b": {"N": "x"}}, "ExpressionAttributeValues contains invalid value: "
     "The parameter cannot be converted to a numeric value: x for key :b"),
    ({"#a": "x" * 65536}, None, "One or more parameter values were invalid: "
     "Attribute name is too large, must be less than 65536 bytes"),
])
def test_placeholders_that_are_none(names: Any, values: Any, expected: str) -> None:
    with pytest.raises(ValidationException) as refused:
        Placeholders(names, values, refuse)
    assert refused.value.message == expected


# All expressions of a request count, evaluated or not.
def test_unused_placeholders() -> None:
    def bind_all(names: dict[str, str], values: dict[str, Any]) -> None:
        placeholders = Placeholders(names, values)
        parse_condition("#a = :a OR #b = :b").bind(placeholders)
        parse_update("SET #a = if_not_exists(#c.#d, :c)").bind(placeholders)
        parse_projection("#e").bind(placeholders)
        placeholders.check_unused()

    names = {f"#{letter}": letter for letter in "abcde"}
    values = {f":{letter}": {"S": letter} for letter in "abc"}
    bind_all(names, values)
    with pytest.raises(ValidationException) as refused:
        bind_all({**names, "#x": "x", "#y": "y"}, {**values, ":x": {"S": ""}})
    assert refused.value.message == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x, #y}"
    with pytest.raises(ValidationException) as refused:
        bind_all(names, {**values, ":x": {"S": ""}})
    assert refused.value.message == "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"


@pytest.mark.parametrize(("operation", "given", "expected"), [
    (UPDATE, ("Expected", "AttributeUpdates", "ConditionExpression", "UpdateExpression"),
     "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
     "{AttributeUpdates, Expected} Expression parameters: {UpdateExpression, ConditionExpression}"),
    (QUERY, ("QueryFilter", "AttributesToGet", "KeyConditions", "ConditionalOperator", "FilterExpression",
             "ProjectionExpression"),
     "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
     "{AttributesToGet, QueryFilter, ConditionalOperator} Expression parameters: "
     "{ProjectionExpression, FilterExpression}"),
    (QUERY, ("KeyConditions", "KeyConditionExpression"),
     "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
     "{KeyConditions} Expression parameters: {KeyConditionExpression}"),
    (QUERY, ("KeyConditions", "FilterExpression"), None),
    (UPDATE, ("Expected", "ExpressionAttributeNames", "ExpressionAttributeValues"),
     "ExpressionAttributeNames can only be specified when using expressions"),
    (UPDATE, ("Expected", "ExpressionAttributeValues"), "ExpressionAttributeValues can only be specified when using "
     "expressions: UpdateExpression and ConditionExpression are null"),
    (QUERY, ("KeyConditions", "ExpressionAttributeValues"),
     "ExpressionAttributeValues can only be specified when using "
     "expressions: FilterExpression and KeyConditionExpression are null"),
    ((("ConditionExpression",), ("Expected", "ConditionalOperator")), ("ExpressionAttributeValues",),
     "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"),
    ((("ProjectionExpression",), ("AttributesToGet",)), ("ProjectionExpression", "ExpressionAttributeNames"), None),
])
def test_parameters_that_go_together(operation: Any, given: tuple[str, ...], expected: str | None) -> None:
    request = dict.fromkeys(given, "")
    if expected is None:
        check_mixing(request, *operation)
        return
    with pytest.raises(ValidationException) as refused:
        check_mixing(request, *operation)
    assert refused.value.message == expected


def test_conditional_operator() -> None:
    check_conditional_operator(None, None)
    check_conditional_operator("OR", {"a": {}, "b": {}})
    empty: dict[str, Any] = {}
    for conditions in (None, empty):
        with pytest.raises(ValidationException, match="ConditionalOperator cannot be used without Filter or Expected"):
            check_conditional_operator("AND", conditions)
    with pytest.raises(ValidationException, match="only be used when Filter or Expected has two or more elements"):
        check_conditional_operator("AND", {"a": {}})
