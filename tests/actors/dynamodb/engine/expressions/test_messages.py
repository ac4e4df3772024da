"""AWS's words for what is wrong with expressions, and which comes first.

D: public dynalite suite (test/scan.js, test/updateItem.js, test/query.js), verified against AWS. A: Scylla's Alternator
(test/alternator/*.py), run against AWS. C: paritysuite/dynamodb-conformance, run against AWS. I: an issue quoting AWS.
"""

from typing import Any

import pytest

from actors.dynamodb.engine.expressions import (
    Placeholders,
    parse_condition,
    parse_key_condition,
    parse_projection,
    parse_update,
)
from schemas.errors import ValidationException

S, N, B, L = {"S": "a"}, {"N": "1"}, {"B": b"a"}, {"L": [{"N": "1"}]}
OPERAND = "Incorrect operand type for operator or function; operator or function: "
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "
NO_NAME = "An expression attribute name used in the document path is not defined; attribute name: "
NO_VALUE = "An expression attribute value used in expression is not defined; attribute value: "
COUNT = "Incorrect number of operands for operator or function; operator or function: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "
PARENTHESES = "The expression has redundant parentheses;"
PATH = "Operator or function requires a document path; operator or function: "
OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
CONFLICT = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "


def message(text: str, kind: str, names: dict[str, str] | None = None, values: dict[str, Any] | None = None) -> str:
    with pytest.raises(ValidationException) as refused:
        bind(text, kind, Placeholders(names, values))
    prefix = f"Invalid {kind}: "
    assert refused.value.error_code == "ValidationException"
    assert refused.value.message.startswith(prefix)
    return refused.value.message.removeprefix(prefix)


def bind(text: str, kind: str, placeholders: Placeholders) -> None:
    if kind == "UpdateExpression":
        parse_update(text).bind(placeholders)
    elif kind == "ProjectionExpression":
        parse_projection(text).bind(placeholders)
    elif kind == "KeyConditionExpression":
        parse_key_condition(text).bind(placeholders)
    else:
        assert kind in ("FilterExpression", "ConditionExpression")
        parse_condition(text, kind).bind(placeholders)


@pytest.mark.parametrize(("kind", "text", "token", "near"), [
    ("UpdateExpression", "INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),                   # C error-messages
    ("UpdateExpression", "SET _123 = :val1", "_", "SET _123"),                                  # A test_name_token
    ("UpdateExpression", "ADD hits : incr", ":", "hits : incr"),                                # I aws-cdk 7591
    ("UpdateExpression", "SET a = :a, #, b = :b", "#", ", #,"),                                 # I dazn 242
    ("KeyConditionExpression", "pk = :pk AND :type", "<EOF>", ":type"),                         # I (query, 2020)
    ("ProjectionExpression", "a b", "b", "a b"),
    ("ProjectionExpression", "a,", "<EOF>", ","),
    ("UpdateExpression", "SET hi-there = :val1", "-", "hi-there"),
])
def test_syntax_errors_name_token_and_neighbours(kind: str, text: str, token: str, near: str) -> None:
    assert message(text, kind) == f'Syntax error; token: "{token}", near: "{near}"'


@pytest.mark.parametrize("text", [                                                               # D test/scan.js
    "things are not gonna be ok", "a > 4", "attribute_exists(Pictures-RearView)",
    'attribute_exists("Pictures.RearView")', "attribute_exists(Pictures..RearView)",
    "attribute_exists(Pi#ctures.RearView)", "attribute_exists(asdf[a])", "a in b, c", "a > between", "a in b",
    "a in (b,c,)", "(a)between(b.(c.d))and(c)", "(a)between(b.c.d)and((c)", "#$.b > a", "a > :things.stuff",
    "b[:a] > a", "b[#_] > a", "ü > a", "(a)between(b.c[4.5].#d)and(:a)", "size(a).b > a", "(size(a)).b > a",
    "size(a)[0] > a", "(size(a))[0] > a", "a", ":a", "a AND b = c", "NOT a", "(a = b) = c", "a = b = c", "a IN ()",
])
def test_syntax_errors_in_conditions(text: str) -> None:
    assert message(text, "FilterExpression").startswith("Syntax error; token: ")


@pytest.mark.parametrize("text", [                                                          # D test/updateItem.js
    "whatever", "set a", "add a", "delete a", "set a=set", "remove a = b", "add a = b", "delete a = b", "delete a b",
    "delete a if_not_exist(b)", "add abort b", "add a if_not_exist(b)", "remove a b", "set a b", "set :a = b",
    "add :a b", "delete :a b", "remove :a", "set a = b / c", "set a = b * c", 'set a[1] = "eight"', "set a[1] = 1",
    "SET a = if_not_exist(a, 100)", "SET if_not_exist(a, b) = a", "set (a = (b + c))", "set a = (b.c).d + e",
    "set a = (b.c)[0] + e", "set a = b + c + d", "set a = (b + c) + d", "set a = if_not_exists(a, :b + :c)",
    "set a = _f(b)", "set a[:i] = :v", "set a[#i] = :v", "set a = b,", "set", "a = b",
])
def test_syntax_errors_in_updates(text: str) -> None:
    assert message(text, "UpdateExpression").startswith("Syntax error; token: ")


@pytest.mark.parametrize("kind", ["UpdateExpression", "ProjectionExpression", "ConditionExpression",
                                  "KeyConditionExpression"])
def test_empty_and_too_large(kind: str) -> None:
    for text in ("", "  \n"):                                                                    # D
        assert message(text, kind) == "The expression can not be empty;"
    size = "" if kind == "UpdateExpression" else " expression size: 4098"             # C limits, deepRequests
    assert message("ü" * 2049, kind) == f"Expression size has exceeded the maximum allowed size;{size}"


@pytest.mark.parametrize(("text", "expected"), [                                                 # D test/scan.js
    ("a=a and a > ((views))", PARENTHESES),
    ("(a)between(((b.c)).d)and(c)", PARENTHESES),
    ("a > whatever((:things), ((a)))", PARENTHESES),
    ("a=a AND ((a=a AND a=a)) AND a=a", PARENTHESES),
    ("a=a OR ((a=a OR (a=a OR a=a)))", PARENTHESES),
    ("((c=:c) AND ((p=:p)))", PARENTHESES),                                                      # A
    ("a=a and whatever((:things)) > a", "Invalid function name; function: whatever"),
    ("attRIbute_exIsts((views), #a)", "Invalid function name; function: attRIbute_exIsts"),
    ("a=a and attribute_exists((views), (#a)) > b", MISUSED + "attribute_exists"),
    ("attribute_not_exists(things) > b", MISUSED + "attribute_not_exists"),
    ("attribute_type(things, :a) > b", MISUSED + "attribute_type"),
    ("begins_with(things, a) > b", MISUSED + "begins_with"),
    ("contains(:things, c) > b", MISUSED + "contains"),
    ("size(contains(a, b)) > a", MISUSED + "contains"),
    ("size(things)", MISUSED + "size"),
    ("NOT size(things)", MISUSED + "size"),
    ("a between b and attribute_exists(things)", MISUSED + "attribute_exists"),
    ("a in (b, attribute_exists(things))", MISUSED + "attribute_exists"),
    ("if_not_exists(a, b) = :c", "The function is not allowed in a condition expression; function: if_not_exists"),
    ("attribute_exists(views, #a)", RESERVED + "views"),
    (":a < abOrT", RESERVED + "abOrT"),
    ("a[2147483648] = b", "List index is not within the allowable range; index: [2147483648]"),
])
def test_conditions_that_no_placeholder_can_mend(text: str, expected: str) -> None:
    assert message(text, "FilterExpression") == expected


@pytest.mark.parametrize(("text", "expected"), [                                                 # D test/scan.js
    ("attribute_exists(#Pictures.RearView, :a) and a=a", NO_NAME + "#Pictures"),
    ("begins_with(Pictures.#RearView)", NO_NAME + "#RearView"),
    ("(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", NO_NAME + "#P"),
    ("#4g > a", NO_NAME + "#4g"),
    ("#_ > a", NO_NAME + "#_"),
    ("(a)between(b.c[45].#d)and(:a)", NO_NAME + "#d"),
    ("begins_with(:hello, #a, #b)", NO_VALUE + ":hello"),
    (":a < :b", NO_VALUE + ":a"),
    (":_ > a", NO_VALUE + ":_"),
    ("attribute_exists(things, a) and a=a", COUNT + "attribute_exists, number of operands: 2"),
    ("attribute_not_exists(things, b)", COUNT + "attribute_not_exists, number of operands: 2"),
    ("attribute_type(things)", COUNT + "attribute_type, number of operands: 1"),
    ("begins_with(things)", COUNT + "begins_with, number of operands: 1"),
    ("begins_with(things, size(a), b)", COUNT + "begins_with, number of operands: 3"),
    ("contains(things)", COUNT + "contains, number of operands: 1"),
    ("size(things, a) > b", COUNT + "size, number of operands: 2"),
    (f"a IN ({', '.join(['b'] * 101)})", "The IN operator is provided with too many operands; number of operands: 101"),
    (".".join("a" * 33) + " = b", "The document path has too many nesting levels; nesting levels: 33"),
])
def test_conditions_checked_one_by_one(text: str, expected: str) -> None:
    assert message(text, "FilterExpression") == expected


@pytest.mark.parametrize(("text", "operator", "path"), [                                         # D test/scan.js
    ("a = a AND #a = b AND :views > a", "=", "[a]"), ("#a <> a", "<>", "[a]"), ("a > #a", ">", "[a]"),
    ("((a=a) OR (a=a))", "=", "[a]"), ("((a=a) AND (a=a))", "=", "[a]"),
    ("contains(ab.bc[1].a, ab.bc[1].#a)", "contains", "[ab, bc, [1], a]"),
    ("attribute_type(ab.bc[1].#a, ab.bc[1].a)", "attribute_type", "[ab, bc, [1], a]"),
    ("begins_with(ab.bc[1].a, ab.bc[1].#a)", "begins_with", "[ab, bc, [1], a]"),
])
def test_operands_that_are_the_same(text: str, operator: str, path: str) -> None:
    assert message(text, "FilterExpression", {"#a": "a"}) == f"{DISTINCT}{operator}, first operand: {path}"


@pytest.mark.parametrize("function", ["attribute_type", "begins_with"])                          # D test/scan.js
@pytest.mark.parametrize("value", [
    {"N": "1"}, {"BOOL": True}, {"NULL": True}, {"L": []}, {"M": {}}, {"SS": ["1"]}, {"NS": ["1"]}, {"BS": [b"a"]}])
def test_operand_types_of_functions(function: str, value: dict[str, Any]) -> None:
    kind = next(iter(value))
    assert message(f"{function}(a, :a)", "FilterExpression", None, {":a": value}) == (
        f"{OPERAND}{function}, operand type: {kind}")


@pytest.mark.parametrize(("text", "value", "expected"), [
    ("attribute_type(a, size(a)) and a=a and a=:a", N, OPERAND + "attribute_type, operand type: N"),     # D
    ("begins_with(a, size(a)) and a=:a", N, OPERAND + "begins_with, operand type: N"),
    ("begins_with(:a, a)", N, OPERAND + "begins_with, operand type: N"),
    ("size(size(a)) > :a", N, OPERAND + "size, operand type: N"),
    ("attribute_not_exists(size(:a))", N, OPERAND + "size, operand type: N"),
    ("size(:a) > a", {"BOOL": True}, OPERAND + "size, operand type: BOOL"),
    ("attribute_exists(:a) and a=a", S, PATH + "attribute_exists"),
    ("attribute_not_exists(size(:a))", S, PATH + "attribute_not_exists"),
    ("b < :a", {"BOOL": True}, OPERAND + "<, operand type: BOOL"),                               # C
    (":a >= b", {"SS": ["a"]}, OPERAND + ">=, operand type: SS"),
    ("b BETWEEN :a AND :a", {"BOOL": True}, OPERAND + "BETWEEN, operand type: BOOL"),
])
def test_operand_types(text: str, value: dict[str, Any], expected: str) -> None:
    assert message(text, "FilterExpression", None, {":a": value}) == expected


def test_attribute_type_names() -> None:                                                         # D
    assert message("attribute_type(a, :a)", "FilterExpression", None, {":a": {"S": "1"}}) == (
        "Invalid attribute type name found; type: 1, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
    assert message("attribute_type(a, b)", "FilterExpression").startswith(
        f"{OPERAND}attribute_type, operand type: {{")


def test_bounds_of_between() -> None:                                                            # D test/query.js
    requires = "The BETWEEN operator requires "
    assert message("a between :b and :a", "KeyConditionExpression", None, {":a": S, ":b": N}) == (
        f"{requires}same data type for lower and upper bounds; "
        "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}")
    assert message("a between :b and :a", "KeyConditionExpression", None, {":a": S, ":b": {"S": "b"}}) == (
        f"{requires}upper bound to be greater than or equal to lower bound; "
        "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}")


# The first problem in the order of writing, undefined or mistyped (C validation-ordering/queryKeyCondition).
def test_problems_in_the_order_of_writing() -> None:
    operand = OPERAND + "begins_with, operand type: N"
    for text, expected in (("pk = :missing AND begins_with(sk, :n)", NO_VALUE + ":missing"),
                           ("begins_with(sk, :n) AND pk = :missing", operand),
                           ("pk = :p AND begins_with(sk, :n) AND sk = :missing", operand)):
        assert message(text, "KeyConditionExpression", None, {":n": N, ":p": S}) == expected


@pytest.mark.parametrize(("text", "names", "values", "expected"), [                         # D test/updateItem.js
    (" set #c = :c set abOrt = true ", {}, {}, RESERVED + "abOrt"),
    (" remove Absolute ", {}, {}, RESERVED + "Absolute"),
    ("set #c = if_not_exist(:c) set c = d", {}, {}, "Invalid function name; function: if_not_exist"),
    ("SET a = f123_hi(b,c,d)", {}, {}, "Invalid function name; function: f123_hi"),              # A
    ("SET a = LIST_APPEND(:a, :b)", {}, {}, "Invalid function name; function: LIST_APPEND"),     # A
    ("SET a = size(b)", {}, {}, "The function is not allowed in an update expression; function: size"),
    ("SET a = list_append(list_append(:a, :b), :c)", {}, {}, MISUSED + "list_append"),           # A
    ("set a = #c set c = :d", {}, {}, 'The "SET" section can only be used once in an update expression;'),
    ("remove #d set a = b remove e", {}, {}, 'The "REMOVE" section can only be used once in an update expression;'),
    ("add #d :e set a = b add e :f", {}, {}, 'The "ADD" section can only be used once in an update expression;'),
    ("delete #d :e set a = b delete #e :f", {}, {},
     'The "DELETE" section can only be used once in an update expression;'),
    ("SET #c = if_not_exists(:c)", {"#a": "a"}, {":a": S}, NO_NAME + "#c"),
    ("SET #a = if_not_exists(:c)", {"#a": "a"}, {":a": S}, NO_VALUE + ":c"),
    ("SET b = if_not_exists(:val2, :val1)", {}, {":val1": N}, NO_VALUE + ":val2"),               # A
    ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", {"#c": "c"}, {},
     OVERLAP + "[c, [1], a], path two: [c]"),
    ("set #c[3].#d = a, #c[3] = a", {"#c": "c", "#d": "[3]"}, {}, OVERLAP + "[c, [3], [3]], path two: [c, [3]]"),
    ("SET a=:v REMOVE a", {}, {":v": S}, OVERLAP + "[a], path two: [a]"),                        # A
    ("set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", {"#c": "c", "#d": "[3]"}, {},
     CONFLICT + "[c, [3], [3]], path two: [c, [3], [3]]"),
    ("remove a.#c set a[1] = #d", {"#c": "c", "#d": "[3]"}, {}, CONFLICT + "[a, c], path two: [a, [1]]"),
    ("set b = list_append(:a, a), c = if_not_exists(a) add a.b :a", {}, {":a": S},
     "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, "
     "typeSet: ALLOWED_FOR_ADD_OPERAND"),
    ("delete a.b :a", {}, {":a": N}, "Incorrect operand type for operator or function; operator: DELETE, "
     "operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
    ("add a.b :a", {}, {":a": L}, "Incorrect operand type for operator or function; operator: ADD, "
     "operand type: LIST, typeSet: ALLOWED_FOR_ADD_OPERAND"),
    ("set a = if_not_exists(c)", {}, {}, COUNT + "if_not_exists, number of operands: 1"),
    ("set a = list_append(c)", {}, {}, COUNT + "list_append, number of operands: 1"),
    ("set a = list_append(c, d, e)", {}, {}, COUNT + "list_append, number of operands: 3"),      # A
    ("set a = if_not_exists(:a, c)", {}, {":a": S}, PATH + "if_not_exists"),
    ("set a = if_not_exists(if_not_exists(a, b), c)", {}, {}, PATH + "if_not_exists"),
    ("set a = list_append(a, :b)", {}, {":b": N}, OPERAND + "list_append, operand type: N"),
    ("set a = a + :a", {}, {":a": S}, OPERAND + "+, operand type: S"),
    ("set a = :c - a", {}, {":c": B}, OPERAND + "-, operand type: B"),
    ("set a = :n + :l", {}, {":n": N, ":l": L}, OPERAND + "+, operand type: L"),
])
def test_updates(text: str, names: dict[str, str], values: dict[str, Any], expected: str) -> None:
    assert message(text, "UpdateExpression", names or None, values or None) == expected


# A test_projection_expression.py, test_projection_expression_path_overlap and _conflict.
@pytest.mark.parametrize("text", ["a, a", "a.b, a.b", "a[1], a[1]", "a, a.b", "a.b, a", "a.b, a.b[2]", "a, a.b[2].c",
                                  "a.b.d.e, a.b", "a.b, a.b.d.e", "b, a.#b, c, a.b"])
def test_projections_that_overlap(text: str) -> None:
    assert message(text, "ProjectionExpression", {"#b": "b"}).startswith(OVERLAP)


def test_projections_that_conflict() -> None:
    assert message("a.b, a[1]", "ProjectionExpression") == CONFLICT + "[a, b], path two: [a, [1]]"
    assert message("a.b.c, a.b[2]", "ProjectionExpression") == CONFLICT + "[a, b, c], path two: [a, b, [2]]"
    for text in ("a, b", "a.b, a.c", "a.b.d, a.b.e", "a[1], a[2]", "a.b, a.c[2]"):
        parse_projection(text).bind(Placeholders())
