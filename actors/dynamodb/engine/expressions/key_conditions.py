"""Key conditions: which partition a query reads and what range of it.

    condition = parse_key_condition("pk = :p AND begins_with(sk, :s)").bind(placeholders)
    condition.check()                          # after all expressions are bound, before the table is looked up
    condition.resolve(["pk"], ["sk"], {"pk": "S", "sk": "S"})

The text is parsed as a condition and narrowed here, as on AWS (Scylla's Alternator, test_key_condition_expression.py).
Order of checks and messages: public dynalite suite (test/query.js), dynamodb-conformance suite
(error-messages/queryKeyConditionOperands, the wording of October 2026). Keys of several attributes:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from actors.dynamodb.engine.expressions.binding import FORMS_MAX, Shapes, invalid
from actors.dynamodb.engine.expressions.conditions import ConditionChecker
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
    Primary,
    Value,
    ValueName,
    named,
    operands,
    primaries,
)
from actors.dynamodb.engine.expressions.parser import parse_clause
from actors.dynamodb.engine.expressions.placeholders import Placeholders
from schemas.errors import ValidationException

KIND = "KeyConditionExpression"
WRONG_TYPE = "One or more parameter values were invalid: Condition parameter type does not match schema type"
NOT_SUPPORTED = "Query key condition not supported"
NOT_INDEXABLE = "Attempted conditional constraint is not an indexable operation"

INDEXABLE = frozenset(("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"))
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class KeyClause(NamedTuple):
    """One condition on one key attribute."""

    attribute: str
    operator: str                      # of INDEXABLE, or a legacy operator that is not
    values: tuple[Value, ...]          # two for BETWEEN, else one


class KeyRange(NamedTuple):
    """What to read. With one sort key `equal` is empty and `operator` and `bounds` say it all."""

    hash_values: tuple[Value, ...]     # in the order of the partition key's attributes
    equal: tuple[Value, ...]           # of the sort key's first attributes, all but the last that has a condition
    operator: str | None               # of INDEXABLE, on the next sort key attribute; None: no condition
    bounds: tuple[Value, ...]          # two for BETWEEN (inclusive), one else, none without an operator


class KeyCondition:
    """A key condition bound to one request's values."""

    __slots__ = ("_clause", "_names", "_values", "clauses")

    def __init__(
        self,
        clause: Clause | None,
        names: Mapping[str, str],
        values: Mapping[str, Value],
        clauses: tuple[KeyClause, ...] | None = None,
    ) -> None:
        """`clauses`: the conditions, where they come from KeyConditions and there is no `clause`."""
        self._clause = clause
        self._names = names
        self._values = values
        self.clauses = clauses

    def check(self) -> tuple[KeyClause, ...]:
        """The conditions by attribute. ValidationException where the expression is more than a key condition can be."""
        if self.clauses is None:
            assert self._clause is not None
            self.clauses = self._narrowed(self._clause)
        return self.clauses

    def resolve(self, hash_names: Sequence[str], range_names: Sequence[str], types: Mapping[str, str]) -> KeyRange:
        """The range, for a key of these attributes; `types`: name -> S, N or B. ValidationException if it is none."""
        clauses = {clause.attribute: clause for clause in self.check()}
        attributes = (*hash_names, *range_names)
        if len(clauses) > len(attributes):
            raise ValidationException(f"The number of query conditions ({len(clauses)}) exceeds the number of key "
                                      f"attributes defined in the schema ({len(attributes)})")
        for name in attributes[: max(len(clauses), len(hash_names))]:
            clause = clauses.get(name)
            if clause is None:
                raise ValidationException(f"Query condition missed key schema element: {name}")
            _check_clause(clause, types[name], name in hash_names)
        conditions = [clauses[name] for name in range_names if name in clauses]
        if any(clause.operator != "=" for clause in conditions[:-1]):
            raise ValidationException(NOT_SUPPORTED)
        last = conditions[-1] if conditions else None
        return KeyRange(
            tuple(clauses[name].values[0] for name in hash_names),
            tuple(clause.values[0] for clause in conditions[:-1]),
            last.operator if last else None,
            last.values if last else (),
        )

    def _narrowed(self, clause: Clause) -> tuple[KeyClause, ...]:
        """Depth first, as AWS walks: an operator before what it joins."""
        found: dict[str, KeyClause] = {}
        stack = [clause]
        while stack:
            node = stack.pop()
            if isinstance(node, And):
                stack.extend(reversed(node.terms))
                continue
            _check_operator(node)
            assert not isinstance(node, (Or, Not, In))
            key = self._key_clause(node)
            if key.attribute in found:
                raise invalid(KIND, "KeyConditionExpressions must only contain one condition per key")
            found[key.attribute] = key
        return tuple(found.values())

    def _key_clause(self, node: Primary) -> KeyClause:
        name: str | None = None
        position = 0
        for index, operand in enumerate(operands(node)):
            if isinstance(operand, Path):
                if name is not None:
                    raise _bad("Multiple attribute names used in one condition")
                if len(operand.steps) > 1:
                    raise invalid(KIND, "KeyConditionExpressions cannot have conditions on nested attributes")
                name, position = str(named(operand.steps, self._names)[0]), index
            elif isinstance(operand, Call):
                raise invalid(KIND, "KeyConditionExpressions cannot contain nested operations")
        if name is None:
            raise _bad("No key attribute specified")
        values = tuple(self._values[operand.name] for operand in operands(node) if isinstance(operand, ValueName))
        return KeyClause(name, _operator(node, mirrored=position > 0), values)


def _operator(node: Primary, mirrored: bool) -> str:
    match node:
        case Compare(operator, _, _):
            return _MIRRORED[operator] if mirrored else operator
        case Between():
            return "BETWEEN"
        case Call(function, _):
            return function
    raise AssertionError(node)


def _check_operator(node: Clause) -> None:
    refused = {Or: "OR", Not: "NOT", In: "IN"}.get(type(node))
    first: Operand | None = None
    match node:
        case Compare("<>", _, _):
            refused = "<>"
        case Call("begins_with", (operand, _)):
            first = operand
        case Call(function, _):
            refused = function
        case Between(operand, _, _):
            first = operand
    if refused is not None:
        raise ValidationException(f"Invalid operator used in KeyConditionExpression: {refused}")
    if first is not None and not isinstance(first, Path):
        operator = "BETWEEN" if isinstance(node, Between) else "begins_with"
        raise _bad(f"{operator} operator must have the key attribute as its first operand")


def _bad(problem: str) -> ValidationException:
    return ValidationException(f"Invalid condition in KeyConditionExpression: {problem}")


def _check_clause(clause: KeyClause, kind: str, in_partition_key: bool) -> None:
    if clause.operator not in INDEXABLE:
        raise ValidationException(NOT_INDEXABLE)
    if any(kind not in value for value in clause.values):
        raise ValidationException(WRONG_TYPE)
    if in_partition_key and clause.operator != "=":
        raise ValidationException(NOT_SUPPORTED)
    if clause.operator == "=" and kind in ("S", "B") and not clause.values[0][kind]:
        content = "string" if kind == "S" else "binary"
        raise ValidationException("One or more parameter values are not valid. The AttributeValue for a key attribute "
                                  f"cannot contain an empty {content} value. Key: {clause.attribute}")


class KeyConditionForm:
    """A parsed key condition, its placeholders open."""

    __slots__ = ("clause", "shapes")

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        every = [operand for primary in primaries(clause) for operand in operands(primary)]
        self.shapes: Shapes[ConditionChecker] = Shapes(every, self._build)

    def bind(self, placeholders: Placeholders) -> KeyCondition:
        """ValidationException in AWS's words for undefined placeholders and operands that do not fit."""
        checker, known = self.shapes.bind(placeholders)
        if known:
            for check in checker.content_checks:
                check(placeholders.values)
        return KeyCondition(self.clause, placeholders.names, placeholders.values)

    def _build(self, names: Mapping[str, str], values: Mapping[str, Value]) -> ConditionChecker:
        checker = ConditionChecker(KIND, names, values)
        for primary in primaries(self.clause):
            checker.check(primary)
        checker.names, checker.values = {}, {}           # kept with the shape for its content checks alone
        return checker


@lru_cache(FORMS_MAX)
def parse_key_condition(text: str) -> KeyConditionForm:
    """ValidationException in AWS's words when the text is no condition."""
    return KeyConditionForm(parse_clause(text, KIND))
