"""Text and tree are one: what the printer writes the parser reads back, whatever the spaces, case and parentheses."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions.nodes import (
    Action,
    And,
    Arithmetic,
    Call,
    Clause,
    Compare,
    Not,
    Or,
    Path,
    ValueName,
)
from actors.dynamodb.engine.expressions.parser import parse_actions, parse_clause, parse_paths
from actors.dynamodb.engine.expressions.reserved import RESERVED_WORDS
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import Printer, attempt, clauses, forall, paths, updates


@forall(clauses, st.randoms(use_true_random=False))
def test_conditions_round_trip(clause: Clause, random: Random) -> None:
    assert parse_clause(Printer(random).clause(clause), "ConditionExpression") == clause


@forall(updates, st.randoms(use_true_random=False))
def test_updates_round_trip(actions: tuple[Action, ...], random: Random) -> None:
    text = Printer(random).update(actions)
    if any(isinstance(call, Call) and call.function == "list_append" for call in _inner_calls(actions)):
        with pytest.raises(ValidationException, match="not allowed to be used this way"):
            parse_actions(text)
        return
    assert parse_actions(text) == actions


def _inner_calls(actions: tuple[Action, ...]) -> list[object]:
    return [argument for action in actions if isinstance(action.value, Call) for argument in action.value.arguments]


@forall(st.lists(paths, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_projections_round_trip(found: list[Path], random: Random) -> None:
    printer = Printer(random)
    text = f"{printer.space()},{printer.space()}".join(printer.path(path) for path in found)
    assert parse_paths(text) == tuple(found)


# Whatever is sent is parsed or refused in AWS's form, and never breaks the parser.
@forall(st.text("ab#:_1 .,()[]=<>+-\n", max_size=60), st.sampled_from(("", "SET a = ", "a = b AND ", "ADD ")))
def test_any_text_is_answered(text: str, start: str) -> None:
    parsers: list[Callable[[], object]] = [
        lambda: parse_clause(start + text, "FilterExpression"),
        lambda: parse_actions(start + text),
        lambda: parse_paths(start + text),
    ]
    for parse in parsers:
        result = attempt(parse)
        assert not isinstance(result, ValidationException) or result.message.startswith("Invalid ")


def _compare(left: str, right: str) -> Compare:
    return Compare("=", Path((left,)), Path((right,)))


# NOT before AND before OR; BETWEEN's AND belongs to it.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html (precedence)
def test_precedence() -> None:
    clause = parse_clause("a=b OR NOT b=c AND c=d", "ConditionExpression")
    assert clause == Or((_compare("a", "b"), And((Not(_compare("b", "c"), 1), _compare("c", "d")))))
    between = parse_clause("a BETWEEN b AND c AND c=d", "ConditionExpression")
    assert isinstance(between, And)
    assert len(between.terms) == 2


# `SET a = (b - :v)` is taken, and paths go on after parentheses in conditions only.
# Measured: dynalite test/updateItem.js and test/scan.js; nubo-db/dynoxide issue 35.
def test_parentheses_in_values() -> None:
    expected = Action("SET", Path(("a",)), Arithmetic("-", Path(("b",)), ValueName(":v")))
    assert parse_actions("SET a = (b - :v)") == (expected,)
    assert parse_actions("SET a = ((b)-(:v))") == (expected,)
    assert parse_clause("(a).b[0] = c", "FilterExpression") == Compare("=", Path(("a", "b", 0)), Path(("c",)))
    with pytest.raises(ValidationException, match=r'token: "\.", near: "\)\.d"'):
        parse_actions("SET a = (b.c).d + e")


# 149 levels with 299 operators pass on AWS (Scylla's Alternator, test_limits.py, test_deeply_nested_expression_2).
def test_nesting_as_deep_as_operators_allow() -> None:
    text = "a<b " + "or (a<b " * 149 + ")" * 149
    assert parse_clause(text, "ConditionExpression")
    with pytest.raises(ValidationException, match="too many operators; operator count: 301"):
        parse_clause("a<b " + "or (a<b " * 150 + ")" * 150, "ConditionExpression")


# Hostile nesting is refused cleanly, within Python's own stack (the same file, test_deeply_nested_expression_1 to _5).
@pytest.mark.parametrize(("text", "message"), [
    ("(" * 4096, "redundant parentheses"),
    ("(" * 150, "Syntax error"),
    ("(" * 2046 + "a<b" + ")" * 2046, "redundant parentheses"),
    ("(" * 100 + "a<b" + ")" * 100, "redundant parentheses"),
    ("not " * 1000 + "a<b", "too many operators; operator count: 301"),
    ("a < " + "f(" * 1355 + "b" + ")" * 1355, "Invalid function name; function: f"),
    ("a < " + "size(" * 680 + "b" + ")" * 680, "not allowed to be used this way in an expression; function: size"),
])
def test_hostile_nesting(text: str, message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        parse_clause(text, "ConditionExpression")


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
def test_reserved_words_in_any_case_and_place() -> None:
    assert len(RESERVED_WORDS) == 573
    for word in ("NAME", "name", "Status", "ttl", "zone"):
        for text in (word, f"a.{word}"):
            with pytest.raises(ValidationException) as refused:
                parse_paths(text)
            assert refused.value.message.endswith(f"reserved keyword; reserved keyword: {word}")
    assert parse_paths("names_, sizes") == (Path(("names_",)), Path(("sizes",)))
