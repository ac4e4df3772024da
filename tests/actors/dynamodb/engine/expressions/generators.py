"""Hypothesis strategies for values, items and expression trees, and the text of a tree.

Names are few, so that paths meet what items hold; values are few, so that comparisons come out both ways.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions.nodes import (
    Action,
    And,
    Arithmetic,
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
    Placeholder,
    SetValue,
    Value,
    ValueName,
)
from schemas.errors import ValidationException

Result = TypeVar("Result")

EXAMPLES = 60                          # per property


def forall(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`given` whose verdict does not depend on the machine's speed, and which prints what reproduces a failure."""
    conditions = settings(
        max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    return lambda test: conditions(given(*strategies)(test))

NAMES = {"#0": "a", "#1": "b", "#n": "odd name.with[1]", "#_x": "#0"}
BARE = ("a", "b", "c", "d1_X")
VALUE_NAMES = (":0", ":v", ":_w", ":long_1")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")

_texts = st.sampled_from(("", "a", "ab", "abc", "b", "ü", "\U0001f600"))
_binaries = st.sampled_from((b"", b"a", b"ab", b"\x7f", b"\x80"))
_numbers = st.sampled_from(("0", "1", "2", "3", "10", "-1", "0.5", "2.25", "1" + "0" * 40))

scalars: st.SearchStrategy[Value] = st.one_of(
    _texts.map(lambda text: {"S": text}),
    _numbers.map(lambda number: {"N": number}),
    _binaries.map(lambda binary: {"B": binary}),
    st.booleans().map(lambda boolean: {"BOOL": boolean}),
    st.just({"NULL": True}),
    st.lists(_texts, min_size=1, max_size=3, unique=True).map(lambda members: {"SS": members}),
    st.lists(_numbers, min_size=1, max_size=3, unique=True).map(lambda members: {"NS": members}),
    st.lists(_binaries, min_size=1, max_size=3, unique=True).map(lambda members: {"BS": members}),
)
attribute_names = st.sampled_from((*BARE, *NAMES.values()))


def _documents(children: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.one_of(
        st.lists(children, max_size=4).map(lambda elements: {"L": elements}),
        st.dictionaries(attribute_names, children, max_size=4).map(lambda members: {"M": members}),
    )


values: st.SearchStrategy[Value] = st.recursive(scalars, _documents, max_leaves=8)
# An item of any shape, or one of the shape that paths like a[1], b.c and c lead into.
items: st.SearchStrategy[Item] = st.one_of(
    st.dictionaries(attribute_names, values, max_size=5),
    st.fixed_dictionaries({
        "a": st.lists(scalars, max_size=3).map(lambda elements: {"L": elements}),
        "b": st.dictionaries(attribute_names, scalars, max_size=4).map(lambda members: {"M": members}),
        "c": scalars,
    }),
)


@st.composite
def related_pairs(draw: st.DrawFn) -> tuple[Value, Value]:
    """Two values that have something to do with each other: equal, one in the other, of one type, or any."""
    value = draw(values)
    kind, content = next(iter(value.items()))
    candidates: list[Value] = [value]
    if kind in ("SS", "NS", "BS"):
        candidates += [{kind[0]: member} for member in content] + [{kind: content[::-1]}]
    elif kind == "L":
        candidates += content
    elif kind in ("S", "B"):
        candidates += [{kind: content[:1]}, {kind: content[1:]}]
    elif kind == "N":
        candidates += [{"N": number} for number in ("0", "1", "2", "10")]
    return value, draw(st.one_of(st.sampled_from(candidates), scalars))
value_maps: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(dict.fromkeys(VALUE_NAMES, values))

name_steps = st.sampled_from((*BARE, *map(Placeholder, NAMES)))
paths = st.builds(
    lambda head, tail: Path((head, *tail)), name_steps, st.lists(st.one_of(name_steps, st.integers(0, 4)), max_size=3))
top_paths = name_steps.map(lambda name: Path((name,)))
value_names = st.sampled_from(VALUE_NAMES).map(ValueName)
sizes = paths.map(lambda path: Call("size", (path,)))
operands: st.SearchStrategy[Operand] = st.one_of(paths, top_paths, value_names, value_names, sizes)

primaries: st.SearchStrategy[Clause] = st.one_of(
    st.builds(Compare, st.sampled_from(COMPARATORS), operands, operands),
    st.builds(Between, operands, operands, operands),
    st.builds(In, operands, st.lists(operands, min_size=1, max_size=3).map(tuple)),
    st.builds(Call, st.sampled_from(("attribute_exists", "attribute_not_exists")), st.tuples(paths)),
    st.builds(Call, st.sampled_from(("begins_with", "contains")), st.tuples(operands, operands)),
)


def _joined(children: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    terms = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.one_of(terms.map(And), terms.map(Or), st.builds(Not, children, st.integers(1, 3)))


clauses: st.SearchStrategy[Clause] = st.recursive(primaries, _joined, max_leaves=6)

_update_calls: st.SearchStrategy[Operand] = st.one_of(
    st.builds(lambda path, other: Call("if_not_exists", (path, other)), paths, st.one_of(paths, value_names)),
    st.builds(lambda left, right: Call("list_append", (left, right)), *[st.one_of(paths, value_names)] * 2),
)
set_operands: st.SearchStrategy[Operand] = st.one_of(paths, value_names, _update_calls)
set_values: st.SearchStrategy[SetValue] = st.one_of(
    set_operands, st.builds(Arithmetic, st.sampled_from(("+", "-")), set_operands, set_operands))
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Action, st.just("SET"), paths, set_values),
    st.builds(Action, st.just("REMOVE"), paths, st.none()),
    st.builds(Action, st.sampled_from(("ADD", "DELETE")), paths, value_names),
)


def ordered_sections(found: list[Action]) -> tuple[Action, ...]:
    """Actions so sorted that each section stands once."""
    sections = ("SET", "REMOVE", "ADD", "DELETE")
    return tuple(sorted(found, key=lambda action: sections.index(action.section)))


updates = st.lists(actions, min_size=1, max_size=5).map(ordered_sections)


def attempt(run: Callable[[], Result]) -> Result | ValidationException:
    """What `run` returns, or the ValidationException it raises."""
    try:
        return run()
    except ValidationException as error:
        return error


class Printer:
    """The text of a tree, with spaces, case and harmless parentheses as `random` will have them."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def space(self) -> str:
        return self.random.choice(("", "", " ", "\n\t "))

    def word(self, word: str) -> str:
        return f" {self.random.choice((word, word.lower(), word.title()))} "

    def path(self, path: Path) -> str:
        text = str(path.steps[0])
        for step in path.steps[1:]:
            text += f"{self.space()}[{self.space()}{step}{self.space()}]" if isinstance(step, int) else f".{step}"
        return text

    def operand(self, operand: Operand) -> str:
        if isinstance(operand, Path):
            text = self.path(operand)
        elif isinstance(operand, ValueName):
            text = operand.name
        else:
            assert isinstance(operand, Call)
            text = self.call(operand)
        return f"({self.space()}{text}{self.space()})" if self.random.random() < 0.2 else text

    def call(self, call: Call) -> str:
        arguments = f"{self.space()},{self.space()}".join(self.operand(argument) for argument in call.arguments)
        return f"{call.function}{self.space()}({arguments})"

    def clause(self, clause: Clause) -> str:
        if isinstance(clause, And):
            return self.word("AND").join(self.term(term, (And, Or)) for term in clause.terms)
        if isinstance(clause, Or):
            return self.word("OR").join(self.term(term, (Or,)) for term in clause.terms)
        if isinstance(clause, Not):
            return self.word("NOT") * clause.times + self.term(clause.term, (And, Or, Not))
        return self.primary(clause)

    def term(self, clause: Clause, enclosed: tuple[type, ...]) -> str:
        text = self.clause(clause)
        return f"({text})" if isinstance(clause, enclosed) or self.random.random() < 0.2 else text

    def primary(self, clause: Any) -> str:
        if isinstance(clause, Compare):
            left, right = self.operand(clause.left), self.operand(clause.right)
            return f"{left}{self.space()}{clause.operator}{self.space()}{right}"
        if isinstance(clause, Between):
            return (f"{self.operand(clause.operand)}{self.word('BETWEEN')}{self.operand(clause.low)}"
                    f"{self.word('AND')}{self.operand(clause.high)}")
        if isinstance(clause, In):
            options = ",".join(self.operand(option) for option in clause.options)
            return f"{self.operand(clause.operand)}{self.word('IN')}({options})"
        assert isinstance(clause, Call)
        return self.call(clause)

    def set_value(self, value: SetValue) -> str:
        if isinstance(value, Arithmetic):
            assert not isinstance(value.left, Arithmetic)
            assert not isinstance(value.right, Arithmetic)
            text = f"{self.operand(value.left)}{self.space()}{value.operator}{self.space()}{self.operand(value.right)}"
            return f"({text})" if self.random.random() < 0.3 else text
        return self.operand(value)

    def update(self, found: tuple[Action, ...]) -> str:
        text, section = "", ""
        for action in found:
            text += "," if action.section == section else self.word(action.section)
            section = action.section
            text += self.path(action.path)
            if action.value is not None:
                text += " = " if section == "SET" else " "
                text += self.set_value(action.value) if section == "SET" else str(action.value[0])
        return text
