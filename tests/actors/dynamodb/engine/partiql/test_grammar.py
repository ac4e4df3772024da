"""The grammar: what is written is read back the same; whatever is sent, the answer is a tree or a ValidationException.

The trees are engine/expressions' own, whose evaluation has its tests there.
"""

from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions.binding import leaves
from actors.dynamodb.engine.expressions.nodes import Clause, ValueName, operands, primaries
from actors.dynamodb.engine.partiql import Select, parse
from actors.dynamodb.engine.partiql.tokens import RESERVED_WORDS
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.partiql.generators import VALUES, Writer, conditions, literal


def read(text: str, parameters: list[dict[str, Any]]) -> tuple[Clause, dict[str, Any]]:
    statement = parse(f"SELECT * FROM t WHERE {text}")
    assert isinstance(statement.body, Select)
    assert statement.body.where is not None
    assert statement.parameters == len(parameters)
    return statement.body.where.clause, {
        **statement.literals, **{f":p{at}": value for at, value in enumerate(parameters)}}


def values_of(clause: Clause) -> list[str]:
    every = [operand for primary in primaries(clause) for operand in operands(primary)]
    return [leaf.name for leaf in leaves(every) if isinstance(leaf, ValueName)]


def shape(clause: Clause) -> str:
    """The tree without its values' names."""
    text = repr(clause)
    for name in values_of(clause):
        text = text.replace(f"ValueName(name={name!r})", "value")
    return text


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 2**16))
def test_a_condition_is_read_as_it_was_written(data: st.DataObject, seed: int) -> None:
    values: dict[str, Any] = {}
    clause = data.draw(conditions(values))
    writer = Writer(values, seed)
    again, named = read(writer.clause(clause), writer.parameters)
    assert shape(again) == shape(clause)
    assert [named[name] for name in values_of(again)] == [values[name] for name in values_of(clause)]


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_literal_is_read_as_it_was_written(value: dict[str, Any]) -> None:
    statement = parse(f"INSERT INTO t VALUE {{'pk': {literal(value)}}}")
    assert list(statement.literals.values()) == [value]


PIECES = st.sampled_from([
    *sorted(RESERVED_WORDS), "a", "t", "\"q\"", "'s'", "1", ".5e3", "1e999999999999", "?", "(", ")", "[", "]", "{", "}",
    "<<", ">>", ",", ".", ":", ";", "=", "<>", "!=", "<", ">=", "+", "-", "*", "/", "--", "/*", "*/", "\n", "'", "\"",
    "#", "\x00", "set_add(", "size(", "count(", "exists(select", "\ud800",
])


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(["", "SELECT * FROM t WHERE ", "UPDATE t SET ", "INSERT INTO t VALUE {", "DELETE FROM t WHERE "]),
    st.lists(PIECES, max_size=12),
)
@example("SELECT * FROM t WHERE ", ["("] * 4000)
@example("SELECT * FROM t WHERE ", ["-"] + [" -"] * 4000)
@example("SELECT * FROM t WHERE a", ["=a"] * 4000)
@example("SELECT * FROM t WHERE ", ["NOT"] * 2000 + ["a=1"])
@example("UPDATE t SET a = 1", ["+1"] * 4000)
@example("UPDATE t SET a = ", ["["] * 4000)
@example("INSERT INTO t VALUE {", ["'a':{"] * 1300)
@example("SELECT a", ["[a"] * 4000)
@example("SELECT * FROM t WHERE a = 1", ["AND a = 1"] * 800)
def test_any_text_is_a_statement_or_refused(start: str, pieces: list[str]) -> None:
    with suppress(ValidationException):
        parse(start + " ".join(pieces))
