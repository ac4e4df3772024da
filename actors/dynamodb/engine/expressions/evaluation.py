"""Trees to closures: operands become `(item, values) -> value or None`, conditions `(item, values) -> bool`.

Trees come here with names in the place of placeholders and after all checks. `kinds` gives the types of the values, so
that the common comparisons (an attribute with a string, a number, a binary) cost one look-up and one operator.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from actors.dynamodb.engine.expressions.comparison import (
    ORDERINGS,
    begins_with,
    contains,
    equal,
    ordered,
    size,
)
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
    Steps,
    Truth,
    Value,
    ValueName,
    named,
)

Values: TypeAlias = Mapping[str, Value]
Getter: TypeAlias = Callable[[Item, Values], Value | None]
Test: TypeAlias = Callable[[Item, Values], bool]
Kinds: TypeAlias = Mapping[str, str]

_SAME_TEXT = frozenset(("S", "B", "BOOL", "NULL"))        # types equal only when written the same


def compile_clause(clause: Clause, names: Mapping[str, str], kinds: Kinds) -> Test:
    """The test of a whole condition. names: of the placeholders; kinds: value name -> type."""
    return _Compiler(names, kinds).clause(clause)


def compile_path(steps: Steps) -> Getter:
    """The value at a path of resolved steps, None where there is none."""
    name = steps[0]
    assert isinstance(name, str)
    if len(steps) == 1:
        return lambda item, _: item.get(name)
    rest = steps[1:]

    def get(item: Item, _: Values) -> Value | None:
        value = item.get(name)
        for step in rest:
            if value is None:
                return None
            value = child(value, step)
        return value

    return get


def child(value: Value, step: str | int) -> Value | None:
    """The member `step` of a document, None where `value` has none or is none."""
    if isinstance(step, int):
        members = value.get("L")
        return members[step] if members is not None and step < len(members) else None
    attributes = value.get("M")
    return attributes.get(step) if attributes is not None else None


class _Compiler:
    def __init__(self, names: Mapping[str, str], kinds: Kinds) -> None:
        self.names = names
        self.kinds = kinds

    def operand(self, operand: Operand) -> Getter:
        match operand:
            case Path(steps):
                return compile_path(named(steps, self.names))
            case ValueName(name):
                return lambda _, values: values[name]
            case Call():
                assert operand.function == "size"
                return self.size(self.operand(operand.arguments[0]))
            case Truth(clause):
                test = self.clause(clause)
                return lambda item, values: {"BOOL": test(item, values)}

    def size(self, operand: Getter) -> Getter:
        def get(item: Item, values: Values) -> Value | None:
            value = operand(item, values)
            count = None if value is None else size(value)
            return None if count is None else {"N": str(count)}

        return get

    def clause(self, clause: Clause) -> Test:
        match clause:
            case And(terms):
                return _all(tuple([self.clause(term) for term in terms]))
            case Or(terms):
                return _any(tuple([self.clause(term) for term in terms]))
            case Not(term, times):
                test = self.clause(term)
                return test if times % 2 == 0 else lambda item, values: not test(item, values)
            case Compare(operator, left, right):
                return self.compare(operator, left, right)
            case Between(operand, low, high):
                return _all((self.compare(">=", operand, low), self.compare("<=", operand, high)))
            case In(operand, options):
                return self.membership(operand, options)
            case Call(function, arguments):
                return self.call(function, arguments)

    def compare(self, operator: str, left: Operand, right: Operand) -> Test:
        if operator == "=":
            return self.equality(left, right)
        if operator == "<>":
            test = self.equality(left, right)
            return lambda item, values: not test(item, values)
        get_left, get_right, order = self.operand(left), self.operand(right), ORDERINGS[operator]
        if isinstance(right, ValueName):
            return _ordered_with(get_left, order, right.name, self.kinds[right.name])

        def compare(item: Item, values: Values) -> bool:
            a = get_left(item, values)
            if a is None:
                return False
            b = get_right(item, values)
            return b is not None and ordered(order, a, b)

        return compare

    def equality(self, left: Operand, right: Operand) -> Test:
        get_left, get_right = self.operand(left), self.operand(right)
        if isinstance(right, ValueName) and self.kinds[right.name] in _SAME_TEXT:
            name = right.name
            return lambda item, values: get_left(item, values) == values[name]

        def compare(item: Item, values: Values) -> bool:
            a = get_left(item, values)
            if a is None:
                return False
            b = get_right(item, values)
            return b is not None and (a == b or equal(a, b))

        return compare

    def membership(self, operand: Operand, options: tuple[Operand, ...]) -> Test:
        get, getters = self.operand(operand), tuple([self.operand(option) for option in options])

        def test(item: Item, values: Values) -> bool:
            value = get(item, values)
            if value is None:
                return False
            for getter in getters:
                option = getter(item, values)
                if option is not None and equal(value, option):
                    return True
            return False

        return test

    def call(self, function: str, arguments: tuple[Operand, ...]) -> Test:
        get = self.operand(arguments[0])
        if function == "attribute_exists":
            return lambda item, values: get(item, values) is not None
        if function == "attribute_not_exists":
            return lambda item, values: get(item, values) is None
        second = self.operand(arguments[1])
        relation = _RELATIONS[function]

        def test(item: Item, values: Values) -> bool:
            a = get(item, values)
            if a is None:
                return False
            b = second(item, values)
            return b is not None and relation(a, b)

        return test


def _has_type(value: Value, kind: Value) -> bool:
    return kind["S"] in value


_RELATIONS: dict[str, Callable[[Value, Value], bool]] = {
    "attribute_type": _has_type, "begins_with": begins_with, "contains": contains,
}


def _ordered_with(get: Getter, order: Callable[[Any, Any], bool], name: str, kind: str) -> Test:
    """Order against a value of a known type."""
    if kind == "N":
        def numbers(item: Item, values: Values) -> bool:
            value = get(item, values)
            number = value.get("N") if value is not None else None
            return number is not None and order(Decimal(number), Decimal(values[name]["N"]))

        return numbers

    def texts(item: Item, values: Values) -> bool:
        value = get(item, values)
        text = value.get(kind) if value is not None else None
        return text is not None and order(text, values[name][kind])

    return texts


def _all(tests: tuple[Test, ...]) -> Test:
    def test(item: Item, values: Values) -> bool:
        for each in tests:                                  # noqa: SIM110  (a generator costs a frame per evaluation)
            if not each(item, values):
                return False
        return True

    return test


def _any(tests: tuple[Test, ...]) -> Test:
    def test(item: Item, values: Values) -> bool:
        for each in tests:                                  # noqa: SIM110
            if each(item, values):
                return True
        return False

    return test
