"""The parameters from before expressions, translated to the same compiled forms, with messages of their own.

Expected, QueryFilter and ScanFilter become a Condition, AttributeUpdates an Update, KeyConditions a KeyCondition,
AttributesToGet a Projection. Attribute names are literal and top-level. Two things differ from expressions:
NOT_CONTAINS fails on a missing attribute, and ADD appends to lists.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html; messages
from the public dynalite suite (validations/index.js, validations/updateItem.js), edges from Scylla's Alternator
(test_expected.py, test_key_conditions.py).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actors.dynamodb.engine.expressions.comparison import ORDERINGS, SETS, TYPES, ordered, type_of
from actors.dynamodb.engine.expressions.conditions import Condition, compile_condition
from actors.dynamodb.engine.expressions.evaluation import Getter
from actors.dynamodb.engine.expressions.key_conditions import KeyClause, KeyCondition
from actors.dynamodb.engine.expressions.nodes import (
    And,
    Between,
    Call,
    Clause,
    Compare,
    In,
    Not,
    Operand,
    Or,
    Path,
    Value,
    ValueName,
)
from actors.dynamodb.engine.expressions.placeholders import Placeholders
from actors.dynamodb.engine.expressions.projections import Projection
from actors.dynamodb.engine.expressions.updates import (
    CompiledUpdate,
    Update,
    UpdateStep,
    adding,
    deleting,
    remove,
    set_to,
)
from schemas.errors import ValidationException

INVALID = "One or more parameter values were invalid: "
TYPE_MISMATCH = "Type mismatch for attribute to update"
LOWER_ABOVE_UPPER = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"

CheckValue = Callable[[Value], object]

_COMPARATORS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
_ORDERED = frozenset(("S", "N", "B"))
_OPERAND_TYPES: dict[str, frozenset[str]] = {
    **dict.fromkeys(("EQ", "NE"), frozenset(TYPES)),
    **dict.fromkeys(("LT", "LE", "GT", "GE", "IN", "BETWEEN"), _ORDERED),
    **dict.fromkeys(("CONTAINS", "NOT_CONTAINS"), _ORDERED | {"BOOL", "NULL"}),
    "BEGINS_WITH": frozenset(("S", "B")),
}
_ADDABLE = SETS | {"N", "L"}
_ADD, _DELETE = adding(TYPE_MISMATCH, lists=True), deleting(TYPE_MISMATCH)


# Conditions


def expected_condition(
    expected: Mapping[str, Mapping[str, Any]], operator: str | None = None, check_value: CheckValue | None = None,
) -> Condition:
    """Expected with its ConditionalOperator (AND unless OR). ValidationException in AWS's words."""
    conditions = {name: _expected(name, dict(entry), check_value) for name, entry in expected.items()}
    return _joined(conditions, operator)


def filter_condition(
    filters: Mapping[str, Mapping[str, Any]], operator: str | None = None, check_value: CheckValue | None = None,
) -> Condition:
    """QueryFilter or ScanFilter with its ConditionalOperator. ValidationException in AWS's words."""
    return _joined({name: _comparison(entry, check_value) for name, entry in filters.items()}, operator)


def _expected(name: str, entry: Mapping[str, Any], check_value: CheckValue | None) -> tuple[str, Sequence[Value]]:
    """(comparison operator, values) of one attribute's entry."""
    comparison, listed = entry.get("ComparisonOperator"), entry.get("AttributeValueList")
    value, exists = entry.get("Value"), entry.get("Exists")
    if listed is not None and value is not None:
        raise _invalid(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    if comparison is not None:
        if exists is not None:
            raise _invalid(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if comparison not in ("NULL", "NOT_NULL") and listed is None and value is None:
            raise _invalid(f"Value or AttributeValueList must be used with ComparisonOperator: {comparison} "
                           f"for Attribute: {name}")
        values = listed if listed is not None else [value] if value is not None else []
        return _comparison({"ComparisonOperator": comparison, "AttributeValueList": values}, check_value)
    if listed is not None:
        raise _invalid(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if exists is False:
        if value is not None:
            raise _invalid(f"Value cannot be used when Exists is false for Attribute: {name}")
        return "NULL", ()
    if value is None:
        raise _invalid(f"Value must be provided when Exists is {'null' if exists is None else 'true'} "
                       f"for Attribute: {name}")
    if check_value is not None:
        check_value(value)
    return "EQ", (value,)


def _comparison(entry: Mapping[str, Any], check_value: CheckValue | None) -> tuple[str, Sequence[Value]]:
    """A ComparisonOperator and its values, checked: each value, their number, their types, BETWEEN's order."""
    operator: str = entry["ComparisonOperator"]
    values: Sequence[Value] = entry.get("AttributeValueList") or ()
    if check_value is not None:
        for value in values:
            check_value(value)
    wanted = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}.get(operator, 1)
    if (len(values) < 1) if operator == "IN" else (len(values) != wanted):
        raise _invalid(f"Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = [type_of(value) for value in values]
    if len(set(kinds)) > 1:
        raise _invalid("AttributeValues inside AttributeValueList must be of same type")
    for kind in kinds:
        if kind not in _OPERAND_TYPES[operator]:
            raise _invalid(f"ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if operator == "BETWEEN" and ordered(ORDERINGS[">"], values[0], values[1]):
        raise ValidationException(LOWER_ABOVE_UPPER)
    return operator, values


def _joined(conditions: Mapping[str, tuple[str, Sequence[Value]]], operator: str | None) -> Condition:
    values: dict[str, Value] = {}
    clauses: list[Clause] = []
    for name, (comparison, given) in conditions.items():
        names = []
        for value in given:
            names.append(ValueName(f":{len(values)}"))
            values[names[-1].name] = value
        clauses.append(_clause(comparison, Path((name,)), tuple(names)))
    clause: Clause = Or(tuple(clauses)) if operator == "OR" else And(tuple(clauses))
    return Condition(compile_condition(clause, {}, values), values)


def _clause(comparison: str, path: Path, values: tuple[Operand, ...]) -> Clause:
    match comparison:
        case "NULL":
            return Call("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Call("attribute_exists", (path,))
        case "CONTAINS":
            return Call("contains", (path, *values))
        case "NOT_CONTAINS":
            return And((Call("attribute_exists", (path,)), Not(Call("contains", (path, *values)), 1)))
        case "BEGINS_WITH":
            return Call("begins_with", (path, *values))
        case "IN":
            return In(path, values)
        case "BETWEEN":
            return Between(path, *values)
    return Compare(_COMPARATORS[comparison], path, *values)


# Keys


def key_condition(
    conditions: Mapping[str, Mapping[str, Any]], check_value: CheckValue | None = None,
) -> KeyCondition:
    """KeyConditions. ValidationException in AWS's words; what the schema decides, `KeyCondition.resolve` says."""
    clauses = []
    for name, entry in conditions.items():
        operator, values = _comparison(entry, check_value)
        operator = {"BEGINS_WITH": "begins_with"}.get(operator, _COMPARATORS.get(operator, operator))
        clauses.append(KeyClause(name, operator, tuple(values)))
    if not clauses:
        raise ValidationException("Conditions can be of length 1 or 2 only")
    return KeyCondition(None, Placeholders(), tuple(clauses))


# Updates and projections


def attribute_update(
    updates: Mapping[str, Mapping[str, Any]], check_value: CheckValue | None = None,
) -> Update:
    """AttributeUpdates; PUT where no Action is named. ValidationException in AWS's words."""
    values: dict[str, Value] = {}
    steps = []
    for name, entry in updates.items():
        action, value = entry.get("Action", "PUT"), entry.get("Value")
        if value is not None and check_value is not None:
            check_value(value)
        _check_action(action, value)
        getter: Getter | None = None
        if value is not None:
            values[name] = value
            getter = _constant(name)
        if action == "PUT":
            steps.append(UpdateStep((name,), getter, set_to, removes=False))
        elif action == "ADD":
            steps.append(UpdateStep((name,), getter, _ADD, removes=False))
        else:
            steps.append(UpdateStep((name,), getter, _DELETE if getter else remove, removes=True))
    return Update(CompiledUpdate(tuple(steps)), values)


def _check_action(action: str, value: Value | None) -> None:
    if value is None:
        if action != "DELETE":
            raise _invalid("Only DELETE action is allowed when no attribute value is specified")
        return
    kind = type_of(value)
    if action == "DELETE" and kind not in SETS:
        raise _invalid(f"DELETE action with value is not supported for the type {kind}")
    if action == "ADD" and kind not in _ADDABLE:
        raise _invalid(f"ADD action is not supported for the type {kind}")


def _constant(name: str) -> Getter:
    return lambda _, values: values[name]


def attributes_to_get(names: Sequence[str]) -> Projection:
    """AttributesToGet. ValidationException when a name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _invalid(f"Duplicate value in attribute name: {name}")
        seen.add(name)
    return Projection((name,) for name in names)


def _invalid(problem: str) -> ValidationException:
    return ValidationException(f"{INVALID}{problem}")
