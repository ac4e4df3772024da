"""Key conditions: ranges, and AWS's words for what is none.

Sources: public dynalite suite (test/query.js), Scylla's Alternator (test_key_condition_expression.py,
test_gsi_composite_keys.py), dynamodb-conformance (error-messages/queryKeyConditionOperands, of October 2026).
"""

from random import Random
from typing import Any

import pytest
from hypothesis import strategies as st

from actors.dynamodb.engine.expressions import KeyRange, Placeholders, key_condition, parse_key_condition
from schemas.errors import ValidationException
from tests.actors.dynamodb.engine.expressions.generators import Printer, forall

P, A, Z, ONE = {"S": "p"}, {"S": "a"}, {"S": "z"}, {"N": "1"}
VALUES: dict[str, Any] = {":p": P, ":a": A, ":z": Z, ":n": ONE, ":b": {"BOOL": True}, ":empty": {"S": ""}}
NAMES = {"#p": "pk", "#s": "sk"}
WRONG_TYPE = "One or more parameter values were invalid: Condition parameter type does not match schema type"
PREFIX = "Invalid KeyConditionExpression: "
CONDITION = "Invalid condition in KeyConditionExpression: "
OPERATOR = "Invalid operator used in KeyConditionExpression: "
NESTED = "KeyConditionExpressions cannot contain nested operations"


def resolve(text: str, range_type: str | None = "S") -> KeyRange:
    condition = parse_key_condition(text).bind(Placeholders(NAMES, VALUES))
    condition.check()
    return condition.resolve(["pk"], ["sk"] if range_type else [], {"pk": "S", "sk": range_type or ""})


def refusal(text: str, range_type: str | None = "S") -> str:
    with pytest.raises(ValidationException) as refused:
        resolve(text, range_type)
    return refused.value.message


@pytest.mark.parametrize(("text", "operator", "bounds"), [
    ("pk = :p", None, ()),
    ("pk = :p AND sk = :a", "=", (A,)),
    ("sk < :a AND pk = :p", "<", (A,)),
    (":a < sk AND :p = #p", ">", (A,)),
    (":a >= #s and #p = :p", "<=", (A,)),
    ("(pk = :p AND (sk > :a))", ">", (A,)),
    ("((sk<=:a) AND (pk=:p))", "<=", (A,)),
    ("pk=:p AnD sk BeTwEeN :a aNd :z", "BETWEEN", (A, Z)),
    ("pk = :p AND begins_with(sk, :a)", "begins_with", (A,)),
    ("pk = :p AND begins_with(sk, :empty)", "begins_with", ({"S": ""},)),
])
def test_ranges(text: str, operator: str | None, bounds: tuple[Any, ...]) -> None:
    assert resolve(text) == KeyRange((P,), (), operator, bounds)


@pytest.mark.parametrize(("text", "expected"), [
    ("a > b and size(b) > c or a > c", OPERATOR + "OR"),
    ("a in (b, size(c), d)", OPERATOR + "IN"),
    ("attribute_exists(a)", OPERATOR + "attribute_exists"),
    ("attribute_not_exists(a)", OPERATOR + "attribute_not_exists"),
    ("contains(a.d, b)", OPERATOR + "contains"),
    ("attribute_type(a, :type)", OPERATOR + "attribute_type"),
    ("not a > b", OPERATOR + "NOT"),
    ("a <> b", OPERATOR + "<>"),
    (":a between size(b) and size(a) and b > :b",
     CONDITION + "BETWEEN operator must have the key attribute as its first operand"),
    ("begins_with(:a, b) and a > :b",
     CONDITION + "begins_with operator must have the key attribute as its first operand"),
    ("size(b) > a AND a.b > b AND b > c", PREFIX + NESTED),
    ("a > size(b.d)", PREFIX + NESTED),
    ("a between size(b) and size(a)", PREFIX + NESTED),
    ("b > a.b", CONDITION + "Multiple attribute names used in one condition"),
    ("b between c[1] and d", CONDITION + "Multiple attribute names used in one condition"),
    ("a between b and size(a)", CONDITION + "Multiple attribute names used in one condition"),
    ("begins_with(a, b)", CONDITION + "Multiple attribute names used in one condition"),
    ("b.d > a AND c.d > e.f", PREFIX + "KeyConditionExpressions cannot have conditions on nested attributes"),
    ("b[0] > a", PREFIX + "KeyConditionExpressions cannot have conditions on nested attributes"),
    (":z > :a AND a < :z", CONDITION + "No key attribute specified"),
    (":a > b AND :a < :z", CONDITION + "No key attribute specified"),
    ("b > :a AND b < :a and c = :a and d = :a",
     PREFIX + "KeyConditionExpressions must only contain one condition per key"),
    ("(a > :a and b > :a) and (b > :a and c > :a)",
     PREFIX + "KeyConditionExpressions must only contain one condition per key"),
    ("pk = :p AND sk > :a AND sk < :z", PREFIX + "KeyConditionExpressions must only contain one condition per key"),
])
def test_expressions_that_are_more_than_key_conditions(text: str, expected: str) -> None:
    values = {**VALUES, ":type": {"S": "S"}, ":b": {"S": "1"}}
    condition = parse_key_condition(text).bind(Placeholders(NAMES, values))      # the request's others come first
    with pytest.raises(ValidationException) as refused:
        condition.check()
    assert refused.value.message == expected


@pytest.mark.parametrize(("text", "range_type", "expected"), [
    ("sk = :a", "S", "Query condition missed key schema element: pk"),
    ("extra = :a", "S", "Query condition missed key schema element: pk"),
    ("pk = :p AND extra < :a", "S", "Query condition missed key schema element: sk"),
    ("pk < :p", "S", "Query key condition not supported"),
    ("begins_with(pk, :p)", "S", "Query key condition not supported"),
    ("pk BETWEEN :a AND :z AND sk = :a", "S", "Query key condition not supported"),
    ("pk = :n", "S", WRONG_TYPE),
    ("pk = :p AND sk = :a", "N", WRONG_TYPE),
    ("pk = :p AND sk = :b", "N", WRONG_TYPE),
    ("pk = :p AND begins_with(sk, :a)", "N", WRONG_TYPE),
    ("pk = :p AND sk > :n AND extra = :a", "N",
     "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)"),
    ("pk = :p AND extra = :a", None,
     "The number of query conditions (2) exceeds the number of key attributes defined in the schema (1)"),
    ("pk = :empty", "S", "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
     "contain an empty string value. Key: pk"),
])
def test_conditions_the_schema_refuses(text: str, range_type: str | None, expected: str) -> None:
    assert refusal(text, range_type) == expected


WHOLE = "HASH key attributes %s must have equality conditions specified in the query"
EQUALITY = ("RANGE key attributes %s must have equality conditions specified in the query because a condition is "
            "present on key attribute %s")


# Keys of several attributes: all of the partition key with =, of the sort key from the left, only the last without =.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html; what a
# partition key wants: Scylla's Alternator suite (test_gsi_composite_keys.py).
def test_keys_of_several_attributes() -> None:
    types = {"h1": "S", "h2": "N", "r1": "S", "r2": "S", "r3": "N"}

    def multi(text: str) -> KeyRange:
        condition = parse_key_condition(text).bind(Placeholders(None, VALUES))
        return condition.resolve(["h1", "h2"], ["r1", "r2", "r3"], types)

    partition = "h2 = :n AND h1 = :p"
    assert multi(partition) == KeyRange((P, ONE), (), None, ())
    assert multi(f"{partition} AND r1 > :a") == KeyRange((P, ONE), (), ">", (A,))
    assert multi(f"r2 = :z AND {partition} AND r1 = :a") == KeyRange((P, ONE), (A,), "=", (Z,))
    assert multi(f"{partition} AND r1 = :a AND r2 = :z AND r3 < :n") == KeyRange((P, ONE), (A, Z), "<", (ONE,))
    for text, expected in (
        ("h1 = :p", WHOLE % "h2"),
        ("r1 = :a", WHOLE % "h1, h2"),
        ("h1 = :p AND h2 > :n", WHOLE % "h2"),
        ("begins_with(h1, :p) AND h2 = :n", WHOLE % "h1"),
        (f"{partition} AND extra = :a", "Query condition missed key schema element: r1"),
        (f"{partition} AND r2 = :a", EQUALITY % ("r1", "r2")),
        (f"{partition} AND r1 = :a AND r3 = :n", EQUALITY % ("r2", "r3")),
        (f"{partition} AND r1 > :a AND r2 = :z", EQUALITY % ("r1", "r2")),
        (f"{partition} AND begins_with(r1, :a) AND r3 = :n", EQUALITY % ("r1, r2", "r3")),
    ):
        with pytest.raises(ValidationException) as refused:
            multi(text)
        assert refused.value.message == expected


# Names, values and the order of clauses may change from request to request under one text.
@forall(st.permutations(["#p = :p", "#s >= :v"]), st.text(max_size=3), st.randoms(use_true_random=False))
def test_one_text_many_requests(clauses: list[str], start: str, random: Random) -> None:
    text = Printer(random).word("AND").join(clauses)
    for names in ({"#p": "pk", "#s": "sk"}, {"#p": "x", "#s": "y"}):
        values = {":p": P, ":v": {"S": start}}
        condition = parse_key_condition(text).bind(Placeholders(names, values))
        found = condition.resolve([names["#p"]], [names["#s"]], {names["#p"]: "S", names["#s"]: "S"})
        assert found == KeyRange((P,), (), ">=", ({"S": start},))


# KeyConditions: the same range, its own words (dynalite test/query.js; Alternator, test_key_conditions.py).
def test_legacy_key_conditions() -> None:
    def legacy(**conditions: Any) -> KeyRange:
        given_conditions = {name: {"ComparisonOperator": operator, "AttributeValueList": list(values)}
                            for name, (operator, *values) in conditions.items()}
        return key_condition(given_conditions).resolve(["pk"], ["sk"], {"pk": "S", "sk": "S"})

    assert legacy(pk=("EQ", P)) == KeyRange((P,), (), None, ())
    assert legacy(sk=("BETWEEN", A, Z), pk=("EQ", P)) == KeyRange((P,), (), "BETWEEN", (A, Z))
    assert legacy(sk=("BEGINS_WITH", A), pk=("EQ", P)) == KeyRange((P,), (), "begins_with", (A,))
    assert legacy(sk=("GE", A), pk=("EQ", P)) == KeyRange((P,), (), ">=", (A,))
    for conditions, expected in (
        ({}, "Conditions can be of length 1 or 2 only"),
        ({"pk": ("EQ",)}, "One or more parameter values were invalid: "
         "Invalid number of argument(s) for the EQ ComparisonOperator"),
        ({"pk": ("LT", P)}, "Query key condition not supported"),
        ({"pk": ("NE", P)}, "Attempted conditional constraint is not an indexable operation"),
        ({"pk": ("EQ", P), "sk": ("NULL",)}, "Attempted conditional constraint is not an indexable operation"),
        ({"pk": ("EQ", P), "sk": ("IN", A)}, "Attempted conditional constraint is not an indexable operation"),
        ({"sk": ("EQ", P)}, "Query condition missed key schema element: pk"),
        ({"pk": ("EQ", P), "sk": ("BETWEEN", Z, A)},
         "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    ):
        with pytest.raises(ValidationException) as refused:
            legacy(**conditions)
        assert refused.value.message == expected
