"""Conditions as trees, and the same written as an expression and as PartiQL."""

import random
from typing import Any

from hypothesis import strategies as st

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
    ValueName,
)

Value = dict[str, Any]

TEXTS = st.sampled_from(["", "a", "b", "ab", "it's", "ü"])
NUMBERS = st.sampled_from(["0", "1", "-2", "2.5", "1000"])
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.builds(lambda text: {"S": text}, TEXTS), st.builds(lambda text: {"N": text}, NUMBERS),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()), st.just({"NULL": True}),
)
SETS: st.SearchStrategy[Value] = st.one_of(
    st.builds(lambda texts: {"SS": texts}, st.lists(TEXTS, min_size=1, unique=True)),
    st.builds(lambda texts: {"NS": texts}, st.lists(NUMBERS, min_size=1, unique=True)),
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    st.one_of(SCALARS, SETS),
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3)),
        st.builds(lambda members: {"M": members}, st.dictionaries(st.sampled_from("xy"), inner)),
    ), max_leaves=4,
)
PATHS = st.sampled_from([Path((name,)) for name in ("pk", "sk", "a", "b")] + [Path(("m", "x")), Path(("l", 0))])


@st.composite
def conditions(draw: st.DrawFn, values: dict[str, Value]) -> Clause:
    """`values` takes the values of those drawn."""

    def value(strategy: st.SearchStrategy[Value] = VALUES) -> ValueName:
        name = ValueName(f":v{len(values)}")
        values[name.name] = draw(strategy)
        return name

    def operand() -> Operand:
        return value() if draw(st.booleans()) else draw(PATHS)

    def primary() -> Clause:
        path = draw(PATHS)
        match draw(st.integers(0, 6)):
            case 0 | 1:
                return Compare(draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="])), path, value(SCALARS))
            case 2:
                return Compare(draw(st.sampled_from(["=", "<>"])), operand(), path)
            case 3:
                return Between(path, value(SCALARS), value(SCALARS))
            case 4:
                return In(path, tuple(value() for _ in range(draw(st.integers(1, 3)))))
            case 5:
                return Call(draw(st.sampled_from(["attribute_exists", "attribute_not_exists"])), (path,))
        return Call(draw(st.sampled_from(["begins_with", "contains"])), (path, value(SCALARS)))

    def clause(depth: int) -> Clause:
        kind = draw(st.integers(0, 4)) if depth else 4
        if kind < 2:
            return Not(clause(depth - 1), 1) if kind else primary()
        if kind == 4:
            return primary()
        terms = tuple(clause(depth - 1) for _ in range(2))
        return And(terms) if kind == 2 else Or(terms)

    return clause(3)


def literal(value: Value) -> str:
    """As PartiQL writes it."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return "'" + str(content).replace("'", "''") + "'"
        case "N":
            return str(content)
        case "BOOL":
            return str(content).lower()
        case "NULL":
            return "null"
        case "L":
            return "[" + ", ".join(map(literal, content)) + "]"
        case "M":
            return "{" + ",".join(f"'{name}': {literal(member)}" for name, member in content.items()) + "}"
    return "<<" + ", ".join(literal({kind[0]: member}) for member in content) + ">>"


class Writer:
    """Writes a condition: with `values` as PartiQL, some of them as parameters, else as an expression."""

    def __init__(self, values: dict[str, Value] | None, seed: int = 0) -> None:
        self.values = values
        self.parameters: list[Value] = []
        self.random = random.Random(seed)

    def operand(self, operand: Operand) -> str:
        if isinstance(operand, Path):
            return self.path(operand)
        assert isinstance(operand, ValueName)
        if self.values is None:
            return operand.name
        value = self.values[operand.name]
        if self.random.random() < 0.3:
            self.parameters.append(value)
            return "?"
        return literal(value)

    def path(self, path: Path) -> str:
        text = str(path.steps[0])
        if self.values is not None and self.random.random() < 0.3:
            text = f'"{text}"'
        for step in path.steps[1:]:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
        return text

    def word(self, word: str) -> str:
        if self.values is None:
            return word
        space = self.random.choice([" ", "\n", " -- note\n", " /* a */ "])
        return space + self.random.choice([word.lower(), word.upper()]) + space

    def clause(self, clause: Clause) -> str:
        match clause:
            case And(terms):
                return self.word(" AND ").join(f"({self.clause(term)})" for term in terms)
            case Or(terms):
                return self.word(" OR ").join(f"({self.clause(term)})" for term in terms)
            case Not(term, _):
                return f"{self.word('NOT ')}({self.clause(term)})"
            case Compare(operator, left, right):
                shown = "!=" if operator == "<>" and self.values is not None else operator
                return f"{self.operand(left)} {shown} {self.operand(right)}"
            case Between(operand, low, high):
                return f"{self.operand(operand)} BETWEEN {self.operand(low)} AND {self.operand(high)}"
            case In(operand, options):
                first = self.operand(operand)
                listed = ", ".join(map(self.operand, options))
                return f"{first} IN ({listed})" if self.values is None else f"{first} IN [{listed}]"
            case Call(function, arguments):
                return f"{function}({', '.join(map(self.operand, arguments))})"
