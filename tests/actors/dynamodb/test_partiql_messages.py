"""What PartiQL refuses, word for word.

Every message here was measured on AWS: the public dynamodb-conformance suite (tier3/error-messages/partiql*,
tier2/partiql) and Floci's integration tests (eu-west-2, September and October 2026).
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.actors.dynamodb.caller import Caller, open_caller

MALFORMED = "Statement wasn't well formed, can't be processed: "
LEFTOVER = f"{MALFORMED}Unexpected token after expression"
TERM, KEYWORD, OPERATOR = (f"{MALFORMED}Unexpected {what}" for what in ("term", "keyword", "operator"))
INCOMPLETE = "Where clause does not contain a mandatory equality on all key attributes"
INVALID = "One or more parameter values were invalid: "
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
OVERLAPPING = "Overlapping conditions with range keys are not supported in where clause"
TOO_MANY = "Too many decomposed read operations for a given query."
UNPROJECTED = f"{INVALID}Secondary index gsi-inc does not project one or more filter attributes: "
KEY_TYPE = "Key attribute's data type should match its data type in table's schema: Key "
NESTING = ("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "
           "limit")
UNCONVERTIBLE = "The parameter cannot be converted to a numeric value"
MULTI = "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys."


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with open_caller(tmp_path_factory.mktemp("store")) as caller:
        caller.create("hash")
        caller.create("number", types="N")
        caller.create("both", "pk", "sk")
        caller.create("indexed", "pk", "sk", attributes={"gsiPk": "S", "lsiSk": "S", "h2": "S"},
                      GlobalSecondaryIndexes=[
            gsi("gsi-all", {"ProjectionType": "ALL"}),
            gsi("gsi-inc", {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["projattr"]}),
            {**gsi("multi", {"ProjectionType": "ALL"}), "KeySchema": [
                {"AttributeName": "gsiPk", "KeyType": "HASH"}, {"AttributeName": "h2", "KeyType": "HASH"}]},
        ], LocalSecondaryIndexes=[{
            "IndexName": "lsi-keys", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lsiSk", "KeyType": "RANGE"}],
        }])
        caller.call("PutItem", TableName="hash", Item={
            "pk": {"S": "item"}, "ss": {"SS": ["a", "b"]}, "s": {"S": "str"}, "n": {"N": "1"},
        })
        yield caller


def gsi(name: str, projection: dict[str, Any]) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": [{"AttributeName": "gsiPk", "KeyType": "HASH"}], "Projection": projection}


def values(count: int) -> str:
    return ",".join(f"'v{at}'" for at in range(count))


STATEMENTS = [
    ('SELECT * FROM "number" WHERE pk = 1 foo', LEFTOVER),
    ('SELECT * FROM "number" WHERE pk = 1 e5', LEFTOVER),
    ("INSERT INTO \"number\" VALUE {'pk': 970001} foo", LEFTOVER),
    ('UPDATE "number" SET a = 9 WHERE pk = 970002 foo', LEFTOVER),
    ('DELETE FROM "number" WHERE pk = 970003 foo', LEFTOVER),
    ('SELECT * FROM "number" WHERE pk = 1)', LEFTOVER),
    ('DELETE FROM "number" WHERE pk = 970004 ORDER BY pk', LEFTOVER),
    ('SELECT * FROM "number" ORDER BY pk WHERE pk = 1', LEFTOVER),
    ("INSERT INTO \"hash\" t VALUE {'pk': 'x'}", LEFTOVER),
    *((f'SELECT * FROM "number" WHERE pk = {what}', MALFORMED) for what in
      ("1e2147483648", "1e99999999999", "1.5e-2147483647", "1 # note", "1 /* note", "1 /* a */ # */")),
    ('SELECT * FROM "number', MALFORMED),
    ("SELECT * FROM \"hash\" t WHERE pk = 'x'", "Aliasing is not supported"),
    ("SELECT * FROM \"hash\" AS t WHERE pk = 'x'", "Aliasing is not supported"),
    ("UPDATE \"hash\" t SET a = 3 WHERE pk = 'x'", "Aliasing is not supported"),
    ("DELETE FROM \"hash\" t WHERE pk = 'x'", "Aliasing is not supported"),
    ('SELECT * FROM "number" WHERE pk = 1e126', f"{OVERFLOW} under root"),
    ('SELECT * FROM "number" WHERE pk = 1e-131', f"{UNDERFLOW} under root"),
    ('SELECT * FROM "number" WHERE pk = 123456789012345678901234567890123456789',
     "Attempting to store more than 38 significant digits in a Number under root"),
    ("INSERT INTO \"number\" VALUE {'pk': 1e126}", f"{OVERFLOW} under root"),
    ('UPDATE "number" SET a = 1e-131 WHERE pk = 970005', f"{UNDERFLOW} under root"),
    ("INSERT INTO \"number\" VALUE {'pk': 970006, 'm': {'x': 1e126}}", f"{OVERFLOW} under root.x"),
    ("INSERT INTO \"number\" VALUE {'pk': 970007, 'l': [1, 1e126]}", f"{OVERFLOW} under root[1]"),
    *((statement, TERM) for statement in (
        'SELECT * FROM "hash" WHERE', 'SELECT * FROM "hash" WHERE;', 'SELECT * FROM "hash" WHERE   ',
        'UPDATE "hash" SET a = 1 WHERE', 'DELETE FROM "hash" WHERE', 'SELECT * FROM "hash" WHERE NOT',
        'SELECT * FROM "hash" WHERE (', 'SELECT * FROM "never" WHERE', "SELECT * FROM",
        "SELECT * FROM \"indexed\".\"multi\" WHERE")),
    ("SELECT * FROM \"hash\" WHERE pk = 'p1' AND", f"{MALFORMED}Missing right-hand side expression of infix operator"),
    ("SELECT * FROM \"hash\" WHERE pk = 'p1' OR", f"{MALFORMED}Missing right-hand side expression of infix operator"),
    ('SELECT * FROM "hash" WHERE ORDER BY pk', KEYWORD),
    *((f"x IS {kind}", "Unsupported operation: IsType") for kind in
      ("INT4", "INT8", "DOUBLE PRECISION", "CHARACTER VARYING")),
    ("SELECT * FROM \"hash\" WHERE pk = 'a' AND x IS FOO", f"{MALFORMED}Expected type name"),
    ('SELECT * FROM "hash" WHERE IS NULL', OPERATOR),
    ('SELECT * FROM "hash" WHERE pk = LIKE', OPERATOR),
    *((statement, f"{MALFORMED}Expected identifier for simple path") for statement in (
        "DELETE FROM", "DELETE FROM   ", "DELETE FROM;", "DELETE FROM WHERE pk = 'a'")),
    *((statement, f"{MALFORMED}Expected data manipulation") for statement in (
        "SLECT * FROM \"hash\" WHERE pk = 'x'", "UPDATE Payment-x SET a = 1 WHERE pk = 'x'")),
    ('FROM "hash" SET c = 1', INCOMPLETE),
    ('FROM "hash" REMOVE a', INCOMPLETE),
    ('FROM "hash" WHERE a = 1 SET c = 1', INCOMPLETE),
    ("FROM \"hash\" SET c = 1 WHERE pk = 'x'", LEFTOVER),
    ("DELETE FROM \"hash\" WHERE \"name\" = 'alpha'", INCOMPLETE),
    ("DELETE FROM \"both\" WHERE pk = 'a'", INCOMPLETE),
    ("UPDATE \"both\" SET a = 1 WHERE pk IN ['a'] AND sk = '1'", INCOMPLETE),
    ("SELECT * FROM \"both\" WHERE pk = 'a' AND x = '1' OR pk = 'a' AND sk = '2'", OVERLAPPING),
    ("SELECT * FROM \"both\" WHERE pk = 'a' AND x <> '1' OR pk = 'a' AND sk = '2'", OVERLAPPING),
    *((f'SELECT sk FROM "both" WHERE {where}', OVERLAPPING) for where in (
        "pk IN ['r','r']", "pk='r' OR pk='r'", "pk='r' AND (sk > '0' OR sk < '5')", "pk='r' AND (sk='1' OR flag='two')",
        "(pk='r' AND flag='one') OR (pk='r' AND flag='two')")),
    ("SELECT * FROM \"both\" WHERE pk = 1 OR pk = 'ranges'", f"{KEY_TYPE}pk"),
    ("SELECT * FROM \"both\" WHERE pk = 'ranges' AND sk IN ['1', 2]", f"{KEY_TYPE}sk"),
    *((f'SELECT * FROM "both" WHERE {where}', TOO_MANY) for where in (
        f"pk IN [{values(51)}]", f"pk='ranges' AND sk IN [{values(51)}]", f"pk IN [{values(26)}] AND sk IN ['1','2']")),
    (f"SELECT * FROM \"both\" WHERE pk='r' AND flag IN [{values(101)}]",
     "The IN operator is provided with too many operands; number of operands: 101"),
    *((f"DELETE FROM \"hash\" WHERE pk = 'x' RETURNING {what} *", f"Invalid returning clause: RETURNING {what} *. "
       "Only RETURNING ALL OLD * is allowed in DELETE statements.") for what in
      ("MODIFIED OLD", "ALL NEW", "MODIFIED NEW")),
    ("SELECT pk FROM \"indexed\".\"gsi-inc\" WHERE gsiPk = 'y' AND nonproj = 'np1'", f"{UNPROJECTED}[nonproj]"),
    ("SELECT pk FROM \"indexed\".\"lsi-keys\" WHERE pk = 'p' AND nonproj = 'np1'",
     f"{UNPROJECTED}[nonproj]".replace("gsi-inc", "lsi-keys")),
    *((f"SELECT pk FROM \"indexed\".\"gsi-inc\" WHERE {where}", f"{UNPROJECTED}{names}") for where, names in (
        ("gsiPk='y' AND NOT (nonproj='np1' OR projattr='x')", "[nonproj]"),
        ("gsiPk='y' AND b='1' AND (a='2' OR projattr='3')", "[a, b]"),
        ("gsiPk='y' AND (zz='1' OR aa='2' OR mm='3')", "[zz, aa, mm]"),
        ("gsiPk IN ['y', 'z'] AND nonproj = 'np1'", "[nonproj]"),
        ("gsiPk='y' AND nonproj IS NOT MISSING", "[nonproj]"),
        ("gsiPk='y' AND begins_with(nonproj, 'np')", "[nonproj]"),
        ("(gsiPk='y' OR gsiPk='z') AND zz='1'", "[zz]"),
        ("(gsiPk='b' AND u1='1') OR (gsiPk='q' AND u2='1')", "[u2]"),
        ("(gsiPk='q' AND u1='1') OR (gsiPk='b' AND u2='1')", "[u1]"))),
    ("SELECT pk FROM \"indexed\".\"gsi-inc\" WHERE (gsiPk='y' AND zz='1') OR (gsiPk='y' AND aa='1')", OVERLAPPING),
    ("SELECT nonproj, other FROM \"indexed\".\"gsi-inc\" WHERE gsiPk = 'y'",
     f"{INVALID}Global secondary index gsi-inc does not project [nonproj, other]"),
    ("SELECT other FROM \"indexed\".\"gsi-inc\"", f"{INVALID}Global secondary index gsi-inc does not project [other]"),
    ("SELECT * FROM \"indexed\".\"no-such\" WHERE pk = 'p'", "The table does not have the specified index"),
    ("SELECT * FROM \"indexed\".\"indexed\" WHERE pk = 'p'", "The table does not have the specified index"),
    ("SELECT * FROM \"indexed\".\"gsi-all\".\"x\" WHERE pk = 'p'",
     "A path may contain at most 2 components in the FROM clause"),
    ("SELECT * FROM \"indexed\".\"\" WHERE pk = 'p'", "Path component cannot be an empty string"),
    ("SELECT * FROM \"\" WHERE pk = 'p'", "Path component cannot be an empty string"),
    ("INSERT INTO \"indexed\".\"gsi-all\" VALUE {'pk': 'w', 'sk': 'w'}",
     "FROM clause may only contain a single table name"),
    ("UPDATE \"indexed\".\"gsi-all\" SET a = 'z' WHERE pk = 'p' AND sk = 's'",
     "This operation is not supported on an index"),
    ("DELETE FROM \"indexed\".\"gsi-all\" WHERE pk = 'p' AND sk = 's'", "This operation is not supported on an index"),
    *((f'SELECT * FROM "indexed"."multi"{rest}', MULTI) for rest in (
        " WHERE gsiPk = 'a'", " WHERE gsiPk = 5", " WHERE pk = 'i1'", "", " WHERE gsiPk = 'a' ORDER BY h2")),
    ("SELECT * FROM \"both\" ORDER BY sk", "Must have WHERE clause in the statement when using ORDER BY clause."),
    ("SELECT * FROM \"both\" WHERE pk = 'o' ORDER BY Total DESC",
     "Attribute Total in ORDER BY clause must be part of the primary key"),
    ("SELECT * FROM \"both\" WHERE pk > 'a' ORDER BY sk",
     "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."),
    ("SELECT * FROM \"both\" WHERE pk IN ['o', 'p'] ORDER BY sk DESC",
     "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause."),
    ("UPDATE \"both\" SET a=1 WHERE pk='x' AND sk='1' AND pk='other'",
     "Multiple conditions on same key pk. Only single item Update/Insert/Delete are supported"),
    ("EXISTS(SELECT * FROM \"hash\" WHERE pk = 'x' AND a IS MISSING)",
     "EXISTS can only be used in ExecuteTransaction write requests."),
    ("SELECT l[-1] FROM \"hash\"", "List index is not within the allowable range; index: [-1] at 1:11:1"),
    ("SELECT l[2147483648] FROM \"hash\"",
     "List index is not within the allowable range; index: [2147483648] at 1:10:10"),
    ("UPDATE \"hash\"\nSET m = set_add(\n m, 'x') WHERE pk = 'item'",
     "The second argument to SET_ADD must be a value with type SET at 3:2:1"),
    ("UPDATE \"hash\" SET x = [?] WHERE pk = 'item'", "Unsupported data type: Parameter under key root[0] at 1:24:1"),
    ("INSERT INTO \"hash\" VALUE {'pk':'l','m':{'k':?}}",
     "Unsupported data type: Parameter under key root.k at 1:45:1"),
    ("UPDATE \"hash\" SET d = " + "{'a':" * 32 + "1" + "}" * 32 + " WHERE pk = 'item'",
     "Nesting Levels have exceeded supported limits under root" + ".a" * 32),
    ("UPDATE \"hash\" SET d = {'a':" + "[" * 31 + "1" + "]" * 31 + "} WHERE pk = 'item'",
     "Nesting Levels have exceeded supported limits under root.a" + "[0]" * 31),
    ("INSERT INTO \"hash\" VALUE {'pk':'b', 's':<<>>}", "Empty bags are not supported"),
    ("INSERT INTO \"hash\" VALUE {'pk':'b', 's':<<1, 'a'>>}",
     "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"),
    ("INSERT INTO \"hash\" VALUE {'pk':'b', 's':<<'a', 'a'>>}",
     f"{INVALID}Input collection [a, a] contains duplicates."),
    ("UPDATE \"hash\" SET n = set_add(n, <<2, 2.0>>) WHERE pk='item'",
     f"{INVALID}Input collection [2, 2.0] contains duplicates! under root"),
    ("UPDATE \"hash\" SET n = 'a' + 1 WHERE pk = 'item' AND nope = 'x'",
     "Incorrect operand type for operator or function; operator or function: +, operand type: S"),
    ("UPDATE \"hash\" SET n = n - null WHERE pk = 'item' AND nope = 'x'",
     "Incorrect operand type for operator or function; operator or function: -, operand type: NULL"),
    ("UPDATE \"hash\" SET newlist[0] = 'x' WHERE pk = 'item'",
     "The document path provided in the update expression is invalid for update"),
    ("UPDATE \"hash\" SET NoList = list_append(NoList, [1]) WHERE pk = 'item'",
     "The provided expression refers to an attribute that does not exist in the item"),
    ("SELECT * FROM \"hash\" WHERE counter = 5 + 5", "Unsupported operator in Condition Expression. Operator: +"),
    ("INSERT INTO urls (key, secret) VALUES (?, ?)", KEYWORD),
]


@pytest.mark.parametrize(("statement", "message"), STATEMENTS)
def test_statements_that_are_refused(dynamodb: Caller, statement: str, message: str) -> None:
    error = dynamodb.error("ExecuteStatement", Statement=statement, Parameters=[{"S": "x"}, {"S": "y"}])
    assert (error.error_code, error.message) == ("ValidationException", message)


def where(condition: str) -> str:
    return f"SELECT * FROM \"hash\" WHERE pk = 'item' AND {condition}"


def update(change: str) -> str:
    return f"UPDATE \"hash\" SET {change} WHERE pk = 'item'"


WITH_PLACES = [
    (where("attribute_exists('ss')"),
     "Operator or function requires a document path; operator or function: attribute_exists", ""),
    (where("attribute_exists()"), "Incorrect number of operands for operator or function; operator or function: "
     "attribute_exists, number of operands: 0", ""),
    (where("attribute_exists(ss, ns)"), "Incorrect number of operands for operator or function; operator or function: "
     "attribute_exists, number of operands: 2", ""),
    ("SELECT attribute_exists(ss) FROM \"hash\" WHERE pk = 'item'", "Unexpected path component", "attribute_exists"),
    (where("EXISTS(ss)"), "Unrecognized function: exists", "EXISTS"),
    (where("attribute_exists(m.inner)"), f"{MALFORMED}Invalid path dot component", ""),
    (update("t = set_add(ss, <<'x'>>)"), "The first argument to SET_ADD must equal the assignment value", "set_add"),
    (update("ss = set_add(<<'a'>>, <<'b'>>)"), "The first argument to SET_ADD must equal the assignment value",
     "set_add"),
    (update("ss = set_add(ss)"), "SET_ADD must have exactly two arguments", "set_add"),
    (update("ss = set_add(ss, <<'x'>>, <<'y'>>)"), "SET_ADD must have exactly two arguments", "set_add"),
    (update("ss = set_add(ss, <<1>>)"), "An operand in the update expression has an incorrect data type", ""),
    (update("s = set_add(s, <<'x'>>)"), "An operand in the update expression has an incorrect data type", ""),
    (update("ss = set_add(ss, <<'x', 'x'>>)"), f"{INVALID}Input collection [x, x] contains duplicates.", ""),
    (update("ss = set_add(ss, <<>>)"), "Empty bags are not supported", ""),
    (update("m.inner = set_add(m.inner, <<'y'>>)"), f"{MALFORMED}Invalid path dot component", ""),
    (where("set_add(ss, <<'x'>>) = ss"), "Unrecognized function: set_add", "set_add"),
    ("INSERT INTO \"hash\" VALUE {'pk': 'x', 'ss': set_add(<<'a'>>, <<'b'>>)}",
     "Unsupported data type: set_add under key root", "set_add"),
    (update("t = set_delete(ss, <<'a'>>)"), "The first argument to SET_DELETE must equal the assignment value",
     "set_delete"),
    (where("attribute_type(l, 1)"),
     "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N", ""),
    (where("attribute_type(l, true)"),
     "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: BOOL", ""),
    (where("attribute_exists(n) > false"),
     "Incorrect operand type for operator or function; operator or function: >, operand type: BOOL", ""),
]


@pytest.mark.parametrize(("statement", "message", "place"), WITH_PLACES)
def test_functions_that_are_refused(dynamodb: Caller, statement: str, message: str, place: str) -> None:
    expected = f"{message} at 1:{statement.index(place) + 1}:{len(place)}" if place else message
    assert dynamodb.error("ExecuteStatement", Statement=statement).message == expected


def deep(levels: int, leaf: dict[str, Any]) -> dict[str, Any]:
    for _ in range(levels):
        leaf = {"M": {"n": leaf}}
    return leaf


PAIR = "SELECT * FROM \"both\" WHERE pk = 'pq' AND x = ? AND y = ?"
PARAMETERS: list[tuple[str, list[dict[str, Any]], str]] = [
    *((f'SELECT * FROM "{name}" WHERE {condition} < ?', [{"BOOL": True}],
       "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL")
      for name in ("hash", "never") for condition in ("pk = 'x' AND val",)),
    ("SELECT * FROM \"hash\" WHERE val BETWEEN ? AND ?", [{"BOOL": True}, {"BOOL": False}],
     "Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: BOOL"),
    *((PAIR, [{"N": text}, {"S": ""}], f"{UNCONVERTIBLE}: {text}") for text in (
        "1e99999999999", "-1e99999999999", "1e-99999999999", "1e2147483648", "1e-2147483648")),
    (PAIR, [{"N": "1e2147483647"}, {"S": ""}], UNDERFLOW),
    (PAIR, [{"N": ""}, {"S": ""}], UNCONVERTIBLE),
    (PAIR, [{"L": [{"N": "1"}, {"N": "1e99999999999"}]}], f"{UNCONVERTIBLE}: 1e99999999999"),
    (PAIR, [{"M": {"x": {"N": "1e99999999999"}}}], f"{UNCONVERTIBLE}: 1e99999999999"),
    (PAIR, [{"NS": ["1", "1e99999999999"]}], f"{UNCONVERTIBLE}: 1e99999999999"),
    *((PAIR, [deep(levels, {"S": "leaf"}), {"N": "abc"}], NESTING) for levels in (40, 100)),
    (PAIR, [{"N": "abc"}, deep(40, {"S": "leaf"})], f"{UNCONVERTIBLE}: abc"),
    (PAIR, [deep(40, {"N": "abc"}), {"S": ""}], NESTING),
    (PAIR, [{"S": "one"}], "Number of parameters in request and statement don't match."),
    ("UPDATE \"both\" SET WHERE", [{"SS": ["a", "a"]}], f"{INVALID}Input collection [a, a] contains duplicates."),
    ("INSERT INTO \"hash\" VALUE {'pk':'p','x':?}", [{"NULL": False}],
     f"{INVALID}Null attribute value types must have the value of true"),
    ("UPDATE \"hash\" SET ss = set_add(ss, ?) WHERE pk = 'item'", [{"N": "1"}],
     "The second argument to SET_ADD must be a value with type SET at 1:32:2"),
    ("SELECT * FROM \"indexed\".\"multi\" WHERE gsiPk = ?", [{"N": "1e99999999999"}],
     f"{UNCONVERTIBLE}: 1e99999999999"),
]


@pytest.mark.parametrize(("statement", "parameters", "message"), PARAMETERS)
def test_parameters_that_are_refused(
    dynamodb: Caller, statement: str, parameters: list[dict[str, Any]], message: str
) -> None:
    error = dynamodb.error("ExecuteStatement", Statement=statement, Parameters=parameters)
    assert (error.error_code, error.message) == ("ValidationException", message)


def test_other_errors(dynamodb: Caller) -> None:
    def error(statement: str, **members: Any) -> tuple[str, str]:
        found = dynamodb.error("ExecuteStatement", Statement=statement, **members)
        return found.error_code, found.message

    missing = ("ResourceNotFoundException", "Requested resource not found")
    assert error("SELECT * FROM \"never\" WHERE pk = 'x'") == missing
    assert error("FROM \"never\" WHERE pk = 'x' SET c = 1") == missing
    assert error("INSERT INTO \"hash\" VALUE {'pk': 'item'}") == (
        "DuplicateItemException", "Duplicate primary key exists in table")
    failed = ("ConditionalCheckFailedException", "The conditional request failed")
    assert error("UPDATE \"hash\" SET a = 1 WHERE pk = 'absent'") == failed
    assert error("UPDATE \"hash\" SET a = 1 WHERE pk = 'absent' AND attribute_not_exists(pk)") == failed
    assert error("DELETE FROM \"hash\" WHERE pk = 'item' AND s = 'other'") == failed
    assert error("SELECT * FROM \"indexed\".\"gsi-all\" WHERE gsiPk = 'x'", ConsistentRead=True) == (
        "ValidationException", "Strongly consistent read is not supported on Global Secondary Indexes")
    told = dynamodb.error("ExecuteStatement", Statement="UPDATE \"hash\" SET a = 1 WHERE pk = 'item' AND s = 'x'",
                          ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert told.fields["Item"]["s"] == {"S": "str"}


ACCEPTED = [
    "SELECT * FROM \"both\" WHERE pk='r' OR sk='1'",
    "SELECT * FROM \"both\" WHERE pk > 1",
    f"SELECT * FROM \"both\" WHERE pk IN [{values(50)}] AND flag IN [{values(100)}]",
    f"SELECT * FROM \"both\" WHERE pk IN [{values(51)}] OR flag='one'",
    "SELECT pk FROM \"indexed\".\"gsi-inc\" WHERE gsiPk='y' AND (projattr='proj1' OR projattr='proj2')",
    *(f"SELECT pk FROM \"indexed\".\"gsi-inc\" WHERE {where}" for where in (
        "(gsiPk='y' AND projattr='1') OR (gsiPk='z' AND aa='1')", "gsiPk > 'a' AND zz='1'",
        "gsiPk='y' AND (gsiPk='z' OR zz='1')", "(gsiPk='y' AND zz='1') OR aa='1'",
        "(gsiPk = 'y' AND nonproj = 'np1') OR (gsiPk = 'y2')", "nonproj = 'a'")),
    "SELECT l[2147483647], l[-0] FROM \"hash\" WHERE pk = 'item'",
    "DELETE FROM \"hash\" WHERE pk = 'never-there' AND \"name\" = 'x'",
    "SELECT title, year FROM \"hash\" WHERE pk = 'x' AND year = 1999 AND data = 'd' AND a IS STRING",
]


@pytest.mark.parametrize("statement", ACCEPTED)
def test_statements_that_are_no_errors(dynamodb: Caller, statement: str) -> None:
    assert isinstance(dynamodb.call("ExecuteStatement", Statement=statement)["Items"], list)
