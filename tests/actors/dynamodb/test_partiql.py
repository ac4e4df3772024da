"""What PartiQL statements do and answer.

Expectations: the public dynamodb-conformance suite (tier2/partiql) and Floci's integration tests, both measured on AWS.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.actors.dynamodb.caller import Caller, open_caller


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with open_caller(tmp_path_factory.mktemp("store")) as caller:
        caller.create("hash", attributes={"g": "S"}, GlobalSecondaryIndexes=[{
            "IndexName": "gsi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"}}])
        caller.create("both", "pk", "sk", attributes={"lsiSk": "S"}, LocalSecondaryIndexes=[{
            "IndexName": "lsi", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "lsiSk", "KeyType": "RANGE"}]}])
        for pk in "op":
            for sk in "123":
                caller.call("PutItem", TableName="both", Item={
                    "pk": {"S": pk}, "sk": {"S": sk}, "lsiSk": {"S": f"l{sk}"}, "more": {"N": sk}})
        yield caller


def run(dynamodb: Caller, statement: str, *parameters: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    if parameters:
        members["Parameters"] = list(parameters)
    items: list[dict[str, Any]] = dynamodb.call("ExecuteStatement", Statement=statement, **members)["Items"]
    return items


def stored(dynamodb: Caller, pk: str) -> dict[str, Any] | None:
    return dynamodb.call("GetItem", TableName="hash", Key={"pk": {"S": pk}}).get("Item")


def put(dynamodb: Caller, pk: str, **attributes: Any) -> str:
    dynamodb.call("PutItem", TableName="hash", Item={"pk": {"S": pk}, **attributes})
    return f"WHERE pk = '{pk}'"


def test_insert_keeps_every_type(dynamodb: Caller) -> None:
    assert run(dynamodb, "INSERT INTO \"hash\" value {'pk':'types', 'n':1E3, 'd':-1.5e-3, 'z':-0, 'q':'it''s',"
               " 'm' : {'e': 'v', 'f': 4}, 'l': [1,'s', <<'x'>>], 'ns':<<1,4.50>>, 'b': true, 'nil': null, 'p': ?}",
               {"B": b"\x00"}) == []
    assert stored(dynamodb, "types") == {
        "pk": {"S": "types"}, "n": {"N": "1000"}, "d": {"N": "-0.0015"}, "z": {"N": "0"}, "q": {"S": "it's"},
        "m": {"M": {"e": {"S": "v"}, "f": {"N": "4"}}}, "l": {"L": [{"N": "1"}, {"S": "s"}, {"SS": ["x"]}]},
        "ns": {"NS": ["1", "4.5"]}, "b": {"BOOL": True}, "nil": {"NULL": True}, "p": {"B": b"\x00"},
    }


def test_columns_are_named_by_the_end_of_their_path(dynamodb: Caller) -> None:
    where = put(dynamodb, "columns", m={"M": {"k": {"L": [{"S": "c"}]}}}, l={"L": [{"S": "a"}]}, x={"S": "x"})
    assert run(dynamodb, f"SELECT m.k[0], l[-0], x, nope.a FROM hash {where}") == [
        {"k[0]": {"S": "c"}, "l[0]": {"S": "a"}, "x": {"S": "x"}}]
    assert run(dynamodb, f"SELECT m['k'] FROM hash {where}") == [{"k": {"L": [{"S": "c"}]}}]


def test_updates(dynamodb: Caller) -> None:
    where = put(dynamodb, "update", n={"N": "1"}, l={"L": [{"N": "1"}]}, ss={"SS": ["a", "b"]}, m={"M": {}})
    run(dynamodb, "UPDATE hash SET n = n + 1 - -2 + n, o = 'x' SET l = LIST_APPEND(l, [2]) SET m.k = [1, {'a': 2}]"
        f" SET ss = SET_ADD(ss, <<'c'>>) SET fresh = set_add(fresh, ?) {where};", {"NS": ["1"]})
    item = stored(dynamodb, "update")
    assert item is not None
    assert (item["n"], item["l"], item["fresh"]) == ({"N": "5"}, {"L": [{"N": "1"}, {"N": "2"}]}, {"NS": ["1"]})
    assert item["m"] == {"M": {"k": {"L": [{"N": "1"}, {"M": {"a": {"N": "2"}}}]}}}
    assert sorted(item["ss"]["SS"]) == ["a", "b", "c"]
    run(dynamodb, f"FROM hash {where} SET ss = set_delete(ss, <<'a','b','c'>>) REMOVE l[0] REMOVE m.k[1].a")
    item = stored(dynamodb, "update")
    assert item is not None
    assert "ss" not in item
    assert (item["l"], item["m"]) == ({"L": [{"N": "2"}]}, {"M": {"k": {"L": [{"N": "1"}, {"M": {}}]}}})
    run(dynamodb, f"UPDATE hash SET n=n-1 {where}")
    assert (stored(dynamodb, "update") or {})["n"] == {"N": "4"}


TAGS = {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}
RETURNING = [
    ("SET data = 'new'", "ALL OLD", [{"pk", "data", "tags"}]),
    ("SET data = 'new'", "MODIFIED OLD", [{"data": {"S": "old"}}]),
    ("SET data = 'new'", "MODIFIED NEW", [{"data": {"S": "new"}}]),
    ("REMOVE data", "MODIFIED OLD", [{"data": {"S": "old"}}]),
    ("REMOVE data", "MODIFIED NEW", []),
    ("SET fresh = 1", "MODIFIED OLD", []),
    ("SET tags[2] = 'y', tags[0] = 'x'", "MODIFIED NEW", [{"tags": {"L": [{"S": "x"}, {"S": "y"}]}}]),
    ("SET tags[2] = 'y', tags[0] = 'x'", "MODIFIED OLD", [{"tags": {"L": [{"S": "a"}, {"S": "c"}]}}]),
    ("SET tags[5] = 'd'", "MODIFIED NEW", []),
    ("SET tags[3] = 'd'", "MODIFIED NEW", [{"tags": {"L": [{"S": "d"}]}}]),
    ("REMOVE tags[1]", "MODIFIED NEW", [{"tags": {"L": [{"S": "c"}]}}]),
    ("REMOVE tags[2]", "MODIFIED NEW", []),
]


@pytest.mark.parametrize(("change", "returning", "expected"), RETURNING)
def test_returning(dynamodb: Caller, change: str, returning: str, expected: list[Any]) -> None:
    where = put(dynamodb, "returning", data={"S": "old"}, tags=TAGS)
    items = run(dynamodb, f"UPDATE hash {change} {where} RETURNING {returning} *")
    assert items == expected or [set(item) for item in items] == expected


def test_delete_returning(dynamodb: Caller) -> None:
    where = put(dynamodb, "gone", n={"N": "7"})
    assert run(dynamodb, f"DELETE FROM hash {where} RETURNING ALL OLD *") == [{"pk": {"S": "gone"}, "n": {"N": "7"}}]
    assert run(dynamodb, f"DELETE FROM hash {where} RETURNING ALL OLD *") == []
    assert stored(dynamodb, "gone") is None


CONDITIONS = [
    ("attribute_exists(nope) = false", True), ("true = attribute_exists(n)", True), ("attribute_exists(n) <> 1", True),
    ("contains(nope, 'z') = false", True), ("(n BETWEEN 0 AND 5) = true", True),
    ("(n = 5 OR flag = 'x') = false", True), ("attribute_exists(nope) IN [true, false]", True),
    ("attribute_exists(n) = attribute_exists(flag)", True), ("attribute_exists(n) = yes", True),
    ("attribute_exists(n) = 1", False), ("NOT attribute_exists(n) = true", False),
    ("(attribute_exists(n) = true) = false", False), ("attribute_exists(n) = flag", False),
    ("n = - - 1", True), ("n > -/* c */-1", False), ("n BETWEEN - 2 AND +5 AND n IN [- 1, 1]", True),
    ("nul IS NULL", True), ("flag IS NULL", False), ("flag IS NOT NULL", True), ("absent IS NULL", False),
    ("yes IS BOOL", True), ("flag IS STRING", True), ("flag IS BOOL", False), ("n IS INT", True),
    ("absent IS MISSING", True), ("n IS NOT MISSING", True), ("size(flag) = 5", True), ("SIZE(flag) > 5", False),
    ("attribute_type(n, 'N') AND NOT begins_with(flag, 'x')", True), ("n != 1", False), ("n NOT IN (2, 3)", True),
    ("ATTRIBUTE_EXISTS(\"m\".sub) AND attribute_not_exists(m.nope)", True), ("n NOT BETWEEN 2 AND 3", True),
    ("(flag = 'right' AND (n = 2 OR n = 1))", True), ("'right' = flag", True), ("flag = 'x' OR 2 > n", True),
]


@pytest.mark.parametrize(("condition", "holds"), CONDITIONS)
def test_conditions(dynamodb: Caller, condition: str, holds: bool) -> None:
    where = put(dynamodb, "conditions", n={"N": "1"}, flag={"S": "right"}, yes={"BOOL": True}, nul={"NULL": True},
                m={"M": {"sub": {"S": "x"}}})
    assert bool(run(dynamodb, f"SELECT pk FROM hash {where} AND {condition}")) is holds


ORDERS = [
    ("pk = 'o' ORDER BY sk DESC", "o3 o2 o1"), ("pk = 'o' ORDER BY sk", "o1 o2 o3"), ("pk = 'o'", "o1 o2 o3"),
    ("pk = 'o' ORDER BY pk ASC", "o3 o2 o1"),
    ("pk IN ['o', 'p'] ORDER BY pk DESC, sk ASC", "p1 p2 p3 o1 o2 o3"),
    ("pk IN ['o', 'p'] ORDER BY pk DESC", "p3 p2 p1 o3 o2 o1"),
    ("pk = 'o' AND sk IN ['3', '1'] ORDER BY sk DESC", "o3 o1"),
    ("pk = 'o' AND (sk < '2' OR sk > '2')", "o1 o3"), ("pk = 'o' AND sk='1' AND sk > '0'", "o1"),
    ("pk = 'o' AND NOT sk = '1' OR pk = 'o' AND sk = '2'", "o2 o3"),
    ("pk = 'o' OR pk = 'o' AND NOT sk = '1'", "o1 o2 o3"), ("pk = 'o' AND '2' <= sk", "o2 o3"),
    ("pk = 'o' AND begins_with(sk, '2')", "o2"), ("pk = 'o' AND sk BETWEEN '2' AND '9'", "o2 o3"),
    ("pk = 'o' AND pk = 'p'", ""), ("pk = 'o' AND more > 1", "o2 o3"),
]


@pytest.mark.parametrize(("where", "expected"), ORDERS)
def test_order_and_pages(dynamodb: Caller, where: str, expected: str) -> None:
    """In one page, and in pages of every size: the same items in the same order."""
    statement = f"SELECT pk, sk FROM \"both\" WHERE {where}"
    for limit in (0, 1, 2, 3, 7):
        request: dict[str, Any] = {"Statement": statement, **({"Limit": limit} if limit else {})}
        found: list[str] = []
        for _ in range(20):
            page = dynamodb.call("ExecuteStatement", **request)
            found += [item["pk"]["S"] + item["sk"]["S"] for item in page["Items"]]
            if "NextToken" not in page:
                break
            request["NextToken"] = page["NextToken"]
        assert " ".join(found) == expected


def test_tokens_belong_to_their_statement(dynamodb: Caller) -> None:
    statement = "SELECT * FROM \"both\" WHERE pk = ?"
    request: dict[str, Any] = {"Statement": statement, "Parameters": [{"S": "o"}], "Limit": 1}
    page = dynamodb.call("ExecuteStatement", **request)
    assert page["LastEvaluatedKey"] == {"pk": {"S": "o"}, "sk": {"S": "1"}}
    token = page["NextToken"]
    assert len(dynamodb.call("ExecuteStatement", **{**request, "NextToken": token, "Limit": 9})["Items"]) == 2

    def message(**members: Any) -> str:
        return dynamodb.error("ExecuteStatement", **{**request, "NextToken": token, **members}).message

    other = "NextToken does not match request"
    assert message(Statement="SELECT pk FROM \"both\" WHERE pk = ?") == other
    assert message(Parameters=[{"S": "p"}]) == other
    assert message(Statement="SELECT * FROM \"both\".\"lsi\" WHERE pk = ?") == other
    for bad in ("x", "!!!!", "AAAA", token[:-4] + "!"):
        assert message(NextToken=bad) == "Invalid NextToken"


def units(dynamodb: Caller, statement: str, **members: Any) -> dict[str, Any]:
    answer = dynamodb.call("ExecuteStatement", Statement=statement, ReturnConsumedCapacity="INDEXES", **members)
    capacity: dict[str, Any] = answer["ConsumedCapacity"]
    return capacity


def test_capacity(dynamodb: Caller) -> None:
    where = put(dynamodb, "cc")
    assert units(dynamodb, f"SELECT * FROM hash {where}")["CapacityUnits"] == 0.5
    assert units(dynamodb, "SELECT * FROM hash WHERE pk = 'absent'", ConsistentRead=True)["CapacityUnits"] == 1.0
    inserted = units(dynamodb, "INSERT INTO hash VALUE {'pk': 'cc-i', 'g': 'i'}")
    assert inserted == {
        "TableName": "hash", "CapacityUnits": 2.0, "Table": {"CapacityUnits": 1.0},
        "GlobalSecondaryIndexes": {"gsi": {"CapacityUnits": 1.0}},
    }
    by_index = units(dynamodb, "SELECT pk FROM hash.gsi WHERE g = 'i'")
    assert (by_index["CapacityUnits"], by_index["Table"]["CapacityUnits"]) == (0.5, 0.0)
    assert units(dynamodb, "DELETE FROM hash WHERE pk = 'absent'")["CapacityUnits"] == 1.0
    fetched = units(dynamodb, "SELECT more FROM both.lsi WHERE pk = 'o'")
    assert (fetched["CapacityUnits"], fetched["Table"]["CapacityUnits"]) == (2.0, 1.5)
    assert units(dynamodb, "SELECT more FROM both.lsi WHERE pk = 'o'", Limit=1)["Table"]["CapacityUnits"] == 0.5
    assert units(dynamodb, "SELECT lsiSk FROM both.lsi WHERE pk = 'o'")["Table"]["CapacityUnits"] == 0.0


def test_a_local_index_gives_what_it_does_not_keep(dynamodb: Caller) -> None:
    assert run(dynamodb, "SELECT more FROM both.lsi WHERE pk = 'o' AND lsiSk = 'l2'") == [{"more": {"N": "2"}}]
    assert set(run(dynamodb, "SELECT * FROM both.lsi WHERE pk = 'o'")[0]) == {"pk", "sk", "lsiSk"}
    assert run(dynamodb, "SELECT pk FROM both.lsi WHERE more = 2") == []
    assert len(run(dynamodb, "SELECT pk FROM both.lsi WHERE NOT more = 2")) == 6


# Batches


def batch(dynamodb: Caller, *statements: Any, **members: Any) -> dict[str, Any]:
    wanted = [{"Statement": each} if isinstance(each, str) else each for each in statements]
    return dynamodb.call("BatchExecuteStatement", Statements=wanted, **members)


def test_a_batch_of_reads(dynamodb: Caller) -> None:
    put(dynamodb, "batch", x={"S": "1"})
    needs_key = "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
    answer = batch(
        dynamodb, "SELECT x FROM hash WHERE pk IN ['batch']", "SELECT * FROM hash WHERE pk = 'absent'",
        "SELECT * FROM never_made WHERE pk = 'x'", "SLECT * FROM hash", "SELECT * FROM hash.gsi WHERE g = 'x'",
        "SELECT * FROM both WHERE pk = 'o'", "SELECT * FROM both WHERE pk = 'o' AND sk = '1' AND more = 1",
        "SELECT * FROM both WHERE pk = 'o' AND sk = '1' AND pk = 'p'", "SELECT * FROM hash WHERE attribute_exists(pk)",
        ReturnConsumedCapacity="INDEXES",
    )
    refused = {"Code": "ValidationError", "Message": needs_key}
    malformed = "Statement wasn't well formed, can't be processed: Expected data manipulation"
    both = {"Error": refused, "TableName": "both"}
    assert answer["Responses"] == [
        {"TableName": "hash", "Item": {"x": {"S": "1"}}}, {"TableName": "hash"},
        {"Error": {"Code": "ResourceNotFound", "Message": "Requested resource not found"}},
        {"Error": {"Code": "ValidationError", "Message": malformed}}, {"Error": refused, "TableName": "hash"}, both,
        both, both, {"Error": refused, "TableName": "hash"},
    ]
    assert answer["ConsumedCapacity"] == [
        {"TableName": "hash", "CapacityUnits": 1.0, "Table": {"CapacityUnits": 1.0}}]


def test_a_batch_of_writes_goes_on_after_a_failure(dynamodb: Caller) -> None:
    put(dynamodb, "batched", s={"S": "old"})
    answer = batch(
        dynamodb, "INSERT INTO hash VALUE {'pk': 'batched'}", "INSERT INTO hash VALUE {'pk': 'batch-new'}",
        {"Statement": "UPDATE hash SET s = 'x' WHERE pk = 'batched' AND s = 'no'",
         "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
        "UPDATE hash SET s = 'new' WHERE pk = 'batched' RETURNING MODIFIED NEW *",
        "UPDATE hash REMOVE s WHERE pk = 'batched' RETURNING MODIFIED NEW *",
        "DELETE FROM hash WHERE pk = 'batch-new' RETURNING ALL OLD *",
        f"INSERT INTO hash VALUE {{'pk': 'too-long', 'g': '{'x' * 2049}'}}",
        {"Statement": "INSERT INTO hash VALUE {'pk': 'b', 'x': ?}", "Parameters": [{"SS": []}]},
    )
    old = {"pk": {"S": "batched"}, "s": {"S": "old"}}
    assert [each.get("Error", {}).get("Code") for each in answer["Responses"]] == [
        "DuplicateItem", None, "ConditionalCheckFailed", None, None, None, "ValidationError", "ValidationError"]
    assert answer["Responses"][2]["Error"]["Item"] == old
    assert answer["Responses"][3] == {"TableName": "hash", "Item": {"s": {"S": "new"}}}
    assert answer["Responses"][4] == {"TableName": "hash"}
    assert answer["Responses"][5]["Item"] == {"pk": {"S": "batch-new"}}
    assert stored(dynamodb, "too-long") is None
    assert stored(dynamodb, "batched") == {"pk": {"S": "batched"}}
    mixed = dynamodb.error("BatchExecuteStatement", Statements=[
        {"Statement": "SELECT * FROM hash WHERE pk = 'x'"}, {"Statement": "DELETE FROM hash WHERE pk = 'x'"}])
    assert mixed.error_code == "ValidationException"


# Transactions


def transact(dynamodb: Caller, *statements: str, **members: Any) -> dict[str, Any]:
    wanted = [{"Statement": each} for each in statements]
    return dynamodb.call("ExecuteTransaction", TransactStatements=wanted, **members)


def refused(dynamodb: Caller, *statements: str, **members: Any) -> tuple[str, list[Any]]:
    wanted = [{"Statement": each} for each in statements]
    error = dynamodb.error("ExecuteTransaction", TransactStatements=wanted, **members)
    return error.message, error.fields.get("CancellationReasons", [])


def test_a_transaction_of_writes(dynamodb: Caller) -> None:
    put(dynamodb, "tx", n={"N": "1"})
    put(dynamodb, "tx-gone")
    answer = transact(
        dynamodb, "INSERT INTO hash VALUE {'pk': 'tx-new'}", "UPDATE hash SET n = n + 1 WHERE pk = 'tx' AND n = 1",
        "DELETE FROM hash WHERE pk = 'tx-gone'", "DELETE FROM hash WHERE pk = 'tx-never' AND x = 1",
        "EXISTS(SELECT * FROM both WHERE (pk = 'o' AND sk = '1') AND nope IS MISSING)", ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"] == []
    assert [each["TableName"] for each in answer["ConsumedCapacity"]] == ["hash", "both"]
    assert (stored(dynamodb, "tx") or {})["n"] == {"N": "2"}
    assert stored(dynamodb, "tx-gone") is None
    message, reasons = refused(
        dynamodb, "INSERT INTO hash VALUE {'pk': 'tx-other'}", "INSERT INTO hash VALUE {'pk': 'tx'}",
        "UPDATE hash SET a = 1 WHERE pk = 'tx-never'")
    assert message == ("Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
                       "DuplicateItem, ConditionalCheckFailed]")
    assert [reason.get("Message") for reason in reasons] == [
        None, "Duplicate primary key exists in table", "The conditional request failed"]
    for misfit, told in (
        ("UPDATE both SET a = 1 WHERE pk = 'o'", "The provided key element does not match the schema"),
        ("UPDATE both SET a = 1 WHERE pk = 'o' AND sk = 1", "The provided key element does not match the schema"),
        ("INSERT INTO both VALUE {'pk': 'o'}",
         "One or more parameter values were invalid: Missing the key sk in the item"),
    ):
        _, reasons = refused(dynamodb, "INSERT INTO hash VALUE {'pk': 'tx'}", misfit)
        assert reasons == [{"Code": "None"}, {"Code": "ValidationError", "Message": told}]
    assert stored(dynamodb, "tx-other") is None


def test_a_transaction_under_a_token_happens_once(dynamodb: Caller) -> None:
    put(dynamodb, "once", n={"N": "0"})
    answers = [
        transact(dynamodb, "UPDATE hash SET n = n + 1 WHERE pk = 'once'", ClientRequestToken="token-1",
                 ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"][0] for _ in range(2)]
    assert (stored(dynamodb, "once") or {})["n"] == {"N": "1"}
    assert (answers[0]["WriteCapacityUnits"], answers[1]["ReadCapacityUnits"]) == (2.0, 2.0)


def test_a_transaction_of_reads(dynamodb: Caller) -> None:
    answer = transact(dynamodb, "SELECT more FROM both WHERE (sk='1') AND pk='o' AND pk='o'",
                      "SELECT * FROM both WHERE pk IN ['nobody'] AND sk IN ['1']")
    assert answer["Responses"] == [{"Item": {"more": {"N": "1"}}}, {}]
    one = "SELECT * FROM both WHERE pk='o' AND sk='1'"
    assert refused(dynamodb, one, one)[0] == "Transaction request cannot include multiple operations on one item"
    assert refused(dynamodb, one, one, "SELECT * FROM both WHERE pk=1 AND sk='1'")[0].endswith(
        "[None, None, ValidationError]")


IN_FIRST = "Validation failed in TransactStatements[0]: "
SELECT = "SELECT * FROM both WHERE "
NEEDS_KEY = f"{IN_FIRST}Select statements within ExecuteTransaction must specify the primary key in the where clause."
NEEDS_MORE = f"{IN_FIRST}EXISTS() must contain a single item read with additional condition"
TRANSACTIONS = [
    *(([f"{SELECT}{where}"], NEEDS_KEY) for where in (
        "pk='o' AND sk='1' AND more=1", "pk='o' AND sk='1' AND pk='p'", "pk='o'", "attribute_exists(pk)",
        "pk IN ['x'] AND pk='o' AND sk='1'")),
    ([f"{SELECT}pk IN ['o','o'] AND sk='1'"],
     f"{IN_FIRST}Overlapping conditions with range keys are not supported in where clause"),
    (["SELECT * FROM both.lsi WHERE pk = 'o'"],
     f"{IN_FIRST}Reads on indices are not supported within transactions."),
    (["UPDATE hash SET a = 1 WHERE pk = 'x' RETURNING ALL NEW *"],
     f"{IN_FIRST}RETURNING clause is not supported in ExecuteTransaction."),
    (["SELECT * FROM hash WHERE"], f"{IN_FIRST}Statement wasn't well formed, can't be processed: Unexpected term"),
    ([f"EXISTS({SELECT}pk='o' AND sk='1')", "DELETE FROM hash WHERE pk = 'x'"], NEEDS_MORE),
    ([f"EXISTS({SELECT}pk IN ['o'] AND sk='1' AND more=1)", "DELETE FROM hash WHERE pk = 'x'"], NEEDS_MORE),
    ([f"{SELECT}pk='o' AND sk='1'", "DELETE FROM hash WHERE pk = 'x'"],
     "ExecuteTransaction API does not support both read and write operations in the same request."),
    (["UPDATE never_made SET a=1 WHERE pk='x'",
      "UPDATE hash SET a=1 WHERE pk='missing' RETURNING ALL NEW *"],
     "Validation failed in TransactStatements[1]: RETURNING clause is not supported in ExecuteTransaction."),
    (["UPDATE hash SET d = {'a':" + "[" * 31 + "1" + "]" * 31 + "} WHERE pk = 'x'"],
     f"{IN_FIRST}Nesting Levels have exceeded supported limits under root.a" + "[0]" * 31),
]


@pytest.mark.parametrize(("statements", "message"), TRANSACTIONS)
def test_transactions_that_are_refused(dynamodb: Caller, statements: list[str], message: str) -> None:
    assert refused(dynamodb, *statements) == (message, [])


def test_a_missing_table_cancels_a_transaction(dynamodb: Caller) -> None:
    put(dynamodb, "once")
    _, reasons = refused(dynamodb, f"{SELECT}pk='o' AND sk='1'", "SELECT * FROM never_made.idx WHERE pk='x'")
    assert reasons == [{"Code": "None"}, {"Code": "ResourceNotFound", "Message": "Requested resource not found"}]
    _, reasons = refused(
        dynamodb, f"EXISTS({SELECT}pk='o' AND sk='1' AND pk='p' AND more=1)", "UPDATE hash SET b=1 WHERE pk='once'")
    assert [reason["Code"] for reason in reasons] == ["ConditionalCheckFailed", "None"]
