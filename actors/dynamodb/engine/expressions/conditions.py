"""Condition and filter expressions: parsed once per text, checked and compiled once per shape, evaluated per item.

    condition = parse_condition("attribute_not_exists(pk) OR #v < :v").bind(placeholders)
    condition.holds(item)

Checks follow AWS's order: single conditions from left to right, and in each undefined placeholders, numbers of
operands, operands that are the same, types of operands (public dynalite suite, test/scan.js; dynamodb-conformance
suite, validation-ordering/queryKeyCondition).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from actors.dynamodb.engine.expressions.binding import (
    FORMS_MAX,
    Checker,
    ContentCheck,
    Shapes,
    bound_text,
    invalid,
    leaves,
)
from actors.dynamodb.engine.expressions.comparison import ORDERED, ORDERINGS, TYPES, ordered, type_of
from actors.dynamodb.engine.expressions.evaluation import Test, compile_clause
from actors.dynamodb.engine.expressions.nodes import (
    Between,
    Call,
    Clause,
    Compare,
    In,
    Item,
    Kind,
    Operand,
    Path,
    Primary,
    Truth,
    Value,
    ValueName,
    named,
    operands,
    path_text,
    primaries,
)
from actors.dynamodb.engine.expressions.parser import CONDITION_FUNCTIONS, parse_clause
from actors.dynamodb.engine.expressions.placeholders import Placeholders

IN_OPERANDS_MAX = 100

_SIZED = frozenset(TYPES) - {"N", "BOOL", "NULL"}
_TYPES_TEXT = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"           # AWS's order varies from answer to answer
_ANY_TYPE_TEXT = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
_NO_ITEM: Item = {}


class CompiledCondition(NamedTuple):
    test: Test
    content_checks: tuple[ContentCheck, ...]
    attributes: frozenset[str]
    nested: frozenset[str]


class Condition:
    """A condition bound to one request's values."""

    __slots__ = ("_compiled", "_test", "_values")

    def __init__(self, compiled: CompiledCondition, values: Mapping[str, Value]) -> None:
        self._compiled = compiled
        self._test = compiled.test
        self._values = values

    def holds(self, item: Item | None) -> bool:
        """Whether the item meets it; None is an item that does not exist and has no attributes."""
        return self._test(item if item is not None else _NO_ITEM, self._values)

    @property
    def attributes(self) -> frozenset[str]:
        """Top-level attributes it refers to: a filter may not name key attributes."""
        return self._compiled.attributes

    @property
    def nested(self) -> frozenset[str]:
        """Those of them it looks into, which key attributes do not allow."""
        return self._compiled.nested


class ConditionForm:
    """A parsed condition, its placeholders open."""

    __slots__ = ("clause", "kind", "shapes")

    def __init__(self, clause: Clause, kind: str) -> None:
        self.clause = clause
        self.kind = kind
        every = [operand for primary in primaries(clause) for operand in operands(primary)]
        self.shapes: Shapes[CompiledCondition] = Shapes(every, self._build)

    def bind(self, placeholders: Placeholders) -> Condition:
        """ValidationException in AWS's words for undefined placeholders and operands that do not fit."""
        compiled, known = self.shapes.bind(placeholders)
        if known:
            for check in compiled.content_checks:
                check(placeholders.values)
        return Condition(compiled, placeholders.values)

    def _build(self, names: Mapping[str, str], values: Mapping[str, Value]) -> CompiledCondition:
        checker = ConditionChecker(self.kind, names, values)
        for primary in primaries(self.clause):
            checker.check(primary)
        return compile_condition(self.clause, names, values, tuple(checker.content_checks))


def compile_condition(
    clause: Clause,
    names: Mapping[str, str],
    values: Mapping[str, Value],
    content_checks: tuple[ContentCheck, ...] = (),
) -> CompiledCondition:
    """A checked clause with its names and types of values."""
    paths = {named(path.steps, names) for primary in primaries(clause) for path in _paths(operands(primary))}
    kinds = {name: type_of(value) for name, value in values.items()}
    return CompiledCondition(
        compile_clause(clause, names, kinds), content_checks,
        frozenset(str(steps[0]) for steps in paths), frozenset(str(steps[0]) for steps in paths if len(steps) > 1))


def _paths(found: tuple[Operand, ...]) -> list[Path]:
    return [leaf for leaf in leaves(found) if isinstance(leaf, Path)]


@lru_cache(FORMS_MAX)
def parse_condition(text: str, kind: Kind = "ConditionExpression") -> ConditionForm:
    """ValidationException in AWS's words when the text is no condition."""
    return ConditionForm(parse_clause(text, kind), kind)


class ConditionChecker(Checker):
    """Checks single conditions; leaves the checks that values' contents decide in `content_checks`."""

    def __init__(self, kind: str, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        super().__init__(kind, names, values)
        self.content_checks: list[ContentCheck] = []

    def check(self, primary: Primary) -> None:
        found = operands(primary)
        self.check_defined(found)
        for operand in found:
            self.check_nested_counts(operand)
        match primary:
            case Compare(operator, _, _):
                self.check_distinct(operator, found)
                self.check_nested_types(found)
                if operator in ORDERINGS:
                    self.check_types(operator, found, ORDERED)
            case Between(_, low, high):
                self.check_distinct("BETWEEN", found)
                self.check_nested_types(found)
                self.check_types("BETWEEN", found, ORDERED)
                self.check_bounds(low, high)
            case In(_, options):
                if len(options) > IN_OPERANDS_MAX:
                    raise self.error("The IN operator is provided with too many operands; "
                                     f"number of operands: {len(options)}")
                self.check_distinct("IN", found)
                self.check_nested_types(found)
            case Call():
                self.check_count(primary, CONDITION_FUNCTIONS[primary.function])
                self.check_call(primary)

    def check_nested_counts(self, operand: Operand) -> None:
        if isinstance(operand, Truth):
            for primary in primaries(operand.clause):
                self.check(primary)
        elif isinstance(operand, Call):
            for argument in operand.arguments:
                self.check_nested_counts(argument)
            self.check_count(operand, CONDITION_FUNCTIONS[operand.function])

    def check_nested_types(self, found: tuple[Operand, ...]) -> None:
        for operand in found:
            if isinstance(operand, Call):
                self.check_call(operand)

    def check_call(self, call: Call) -> None:
        """Operands of a function whose number is right, the inner ones first."""
        function, arguments = call
        self.check_distinct(function, arguments)
        self.check_nested_types(arguments)
        if function in ("attribute_exists", "attribute_not_exists"):
            if not isinstance(arguments[0], Path):
                raise self.path_required(function)
        elif function == "begins_with":
            self.check_types(function, arguments, ("S", "B"))
        elif function == "size":
            self.check_types(function, arguments, _SIZED)
        elif function == "attribute_type":
            self.check_type_argument(arguments[1])

    def check_distinct(self, operator: str, found: tuple[Operand, ...]) -> None:
        first = found[0]
        if not isinstance(first, Path):
            return
        steps = self.resolve(first)
        for other in found[1:]:
            if isinstance(other, Path) and self.resolve(other) == steps:
                raise self.error(
                    "The first operand must be distinct from the remaining operands for this operator or function; "
                    f"operator: {operator}, first operand: {path_text(steps)}")

    def check_type_argument(self, operand: Operand) -> None:
        kind = self.type_of(operand)
        if kind != "S" or not isinstance(operand, ValueName):
            raise self.wrong_type("attribute_type", kind or _ANY_TYPE_TEXT)
        name, label = operand.name, self.kind            # a check outlives this request: it must not hold its values

        def check(values: Mapping[str, Value]) -> None:
            if values[name]["S"] not in TYPES:
                raise invalid(label, f"Invalid attribute type name found; type: {values[name]['S']}, "
                                     f"valid types: {_TYPES_TEXT}")

        self.check_content(check)

    def check_bounds(self, low: Operand, high: Operand) -> None:
        if not (isinstance(low, ValueName) and isinstance(high, ValueName)):
            return
        low_name, high_name, label = low.name, high.name, self.kind
        same_type = self.type_of(low) == self.type_of(high)

        def check(values: Mapping[str, Value]) -> None:
            lower, upper = values[low_name], values[high_name]
            if same_type and not ordered(ORDERINGS[">"], lower, upper):
                return
            problem = ("upper bound to be greater than or equal to lower bound" if same_type
                       else "same data type for lower and upper bounds")
            raise invalid(label, f"The BETWEEN operator requires {problem}; lower bound operand: {bound_text(lower)}, "
                                 f"upper bound operand: {bound_text(upper)}")

        self.check_content(check)

    def check_content(self, check: ContentCheck) -> None:
        check(self.values)
        self.content_checks.append(check)
