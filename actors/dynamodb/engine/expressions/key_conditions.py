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

from actors.dynamodb.engine.expressions.binding import FORMS_MAX, ContentCheck, Shapes, invalid
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


class NarrowClause(NamedTuple):
    """A KeyClause with names for its values."""

    attribute: str
    operator: str
    values: tuple[str, ...]


class KeyRange(NamedTuple):
    """What to read. With one sort key `equal` is empty and `operator` and `bounds` say it all."""

    hash_values: tuple[Value, ...]     # in the order of the partition key's attributes
    equal: tuple[Value, ...]           # of the sort key's first attributes, all but the last that has a condition
    operator: str | None               # of INDEXABLE, on the next sort key attribute; None: no condition
    bounds: tuple[Value, ...]          # two for BETWEEN (inclusive), one else, none without an operator


class CompiledKeyCondition:
    """A checked clause with its names; what it says of keys is worked out when first asked for."""

    __slots__ = ("_clause", "_narrowed", "content_checks")

    def __init__(self, clause: Clause, content_checks: tuple[ContentCheck, ...]) -> None:
        self._clause = clause
        self._narrowed: tuple[NarrowClause, ...] | None = None
        self.content_checks = content_checks

    def narrowed(self, names: Mapping[str, str]) -> tuple[NarrowClause, ...]:
        """ValidationException where the expression is more than a key condition can be."""
        if self._narrowed is None:
            self._narrowed = _narrow(self._clause, names)
        return self._narrowed


class KeyCondition:
    """A key condition bound to one request's values."""

    __slots__ = ("_clauses", "_compiled", "_placeholders")

    def __init__(
        self,
        compiled: CompiledKeyCondition | None,
        placeholders: Placeholders,
        clauses: tuple[KeyClause, ...] | None = None,
    ) -> None:
        """`clauses`: the conditions, where they come from KeyConditions and nothing is `compiled`."""
        self._compiled = compiled
        self._placeholders = placeholders
        self._clauses = clauses

    def check(self) -> tuple[KeyClause, ...]:
        """The conditions by attribute. ValidationException where the expression is more than a key condition can be."""
        if self._clauses is None:
            assert self._compiled is not None
            values = self._placeholders.values
            self._clauses = tuple([
                KeyClause(attribute, operator, tuple([values[name] for name in names]))
                for attribute, operator, names in self._compiled.narrowed(self._placeholders.names)
            ])
        return self._clauses

    def resolve(self, hash_names: Sequence[str], range_names: Sequence[str], types: Mapping[str, str]) -> KeyRange:
        """The range, for a key of these attributes; `types`: name -> S, N or B. ValidationException if it is none."""
        clauses = {clause.attribute: clause for clause in self.check()}
        count, attributes = len(clauses), len(hash_names) + len(range_names)
        if count > attributes:
            raise ValidationException(f"The number of query conditions ({count}) exceeds the number of key "
                                      f"attributes defined in the schema ({attributes})")
        if len(hash_names) > 1:
            _check_partition(clauses, hash_names)
        for name in hash_names:
            _check_clause(clauses, name, types[name], True)
        partition = tuple([clauses[name].values[0] for name in hash_names])
        if count == len(hash_names):
            return KeyRange(partition, (), None, ())
        _check_prefix(clauses, range_names)
        for name in range_names[: count - len(hash_names)]:
            _check_clause(clauses, name, types[name], False)
        conditions = [clauses[name] for name in range_names if name in clauses]
        assert conditions, "more conditions than the partition key has attributes"
        *leading, last = conditions
        return KeyRange(partition, tuple([clause.values[0] for clause in leading]), last.operator, last.values)


def _narrow(clause: Clause, names: Mapping[str, str]) -> tuple[NarrowClause, ...]:
    """Depth first, as AWS walks: an operator before what it joins."""
    found: dict[str, NarrowClause] = {}
    stack = [clause]
    while stack:
        node = stack.pop()
        if isinstance(node, And):
            stack.extend(reversed(node.terms))
            continue
        _check_operator(node)
        assert not isinstance(node, (Or, Not, In))
        narrow = _narrow_primary(node, names)
        if narrow.attribute in found:
            raise invalid(KIND, "KeyConditionExpressions must only contain one condition per key")
        found[narrow.attribute] = narrow
    return tuple(found.values())


def _narrow_primary(node: Primary, names: Mapping[str, str]) -> NarrowClause:
    attribute: str | None = None
    position = 0
    for index, operand in enumerate(operands(node)):
        if isinstance(operand, Path):
            if attribute is not None:
                raise _bad("Multiple attribute names used in one condition")
            if len(operand.steps) > 1:
                raise invalid(KIND, "KeyConditionExpressions cannot have conditions on nested attributes")
            attribute, position = str(named(operand.steps, names)[0]), index
        elif isinstance(operand, Call):
            raise invalid(KIND, "KeyConditionExpressions cannot contain nested operations")
    if attribute is None:
        raise _bad("No key attribute specified")
    values = tuple(operand.name for operand in operands(node) if isinstance(operand, ValueName))
    return NarrowClause(attribute, _operator(node, mirrored=position > 0), values)


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


def _check_partition(clauses: Mapping[str, KeyClause], names: Sequence[str]) -> None:
    """A partition key of several attributes wants an equality for each (Scylla's test_gsi_composite_keys.py)."""
    wanting = [name for name in names if name not in clauses or clauses[name].operator != "="]
    if wanting:
        raise ValidationException(
            f"HASH key attributes {', '.join(wanting)} must have equality conditions specified in the query")


def _check_prefix(clauses: Mapping[str, KeyClause], names: Sequence[str]) -> None:
    """Of several sort attributes each before the last one named wants an equality.

    Source: the public dynamodb-conformance suite, tier1/query/multiAttributeGsiKey, October 2026.
    """
    named_ones = [name for name in names if name in clauses]
    if not named_ones:
        return
    last = named_ones[-1]
    before = names[: names.index(last)]
    wanting = [name for name in before if name not in clauses or clauses[name].operator != "="]
    if wanting:
        raise ValidationException(
            f"RANGE key attributes {', '.join(wanting)} must have equality conditions specified in the query because a "
            f"condition is present on key attribute {last}"
        )


def _check_clause(clauses: Mapping[str, KeyClause], name: str, kind: str, in_partition_key: bool) -> None:
    clause = clauses.get(name)
    if clause is None:
        raise ValidationException(f"Query condition missed key schema element: {name}")
    _, operator, values = clause
    if operator not in INDEXABLE:
        raise ValidationException(NOT_INDEXABLE)
    for value in values:
        if kind not in value:
            raise ValidationException(WRONG_TYPE)
    if in_partition_key and operator != "=":
        raise ValidationException(NOT_SUPPORTED)
    if operator == "=" and kind != "N" and not values[0][kind]:
        content = "string" if kind == "S" else "binary"
        raise ValidationException("One or more parameter values are not valid. The AttributeValue for a key attribute "
                                  f"cannot contain an empty {content} value. Key: {name}")


class KeyConditionForm:
    """A parsed key condition, its placeholders open."""

    __slots__ = ("clause", "shapes")

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        every = [operand for primary in primaries(clause) for operand in operands(primary)]
        self.shapes: Shapes[CompiledKeyCondition] = Shapes(every, self._build)

    def bind(self, placeholders: Placeholders) -> KeyCondition:
        """ValidationException in AWS's words for undefined placeholders and operands that do not fit."""
        compiled, known = self.shapes.bind(placeholders)
        if known:
            for check in compiled.content_checks:
                check(placeholders.values)
        return KeyCondition(compiled, placeholders)

    def _build(self, names: Mapping[str, str], values: Mapping[str, Value]) -> CompiledKeyCondition:
        checker = ConditionChecker(KIND, names, values)
        for primary in primaries(self.clause):
            checker.check(primary)
        return CompiledKeyCondition(self.clause, tuple(checker.content_checks))


@lru_cache(FORMS_MAX)
def parse_key_condition(text: str) -> KeyConditionForm:
    """ValidationException in AWS's words when the text is no condition."""
    return KeyConditionForm(parse_clause(text, KIND))
