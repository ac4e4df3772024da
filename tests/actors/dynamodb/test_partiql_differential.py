"""PartiQL against the operations it stands for: the same items come back, the same items are left, the same is refused.

A SELECT is compared with a Scan whose FilterExpression is its WHERE, though most of them read by key; an UPDATE with
an UpdateItem of the same actions.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from actors.dynamodb.engine.wording import ENVELOPE
from schemas.errors import AwsError
from tests.actors.dynamodb.caller import Caller, open_caller
from tests.actors.dynamodb.engine.partiql.generators import SETS, VALUES, Writer, conditions, literal

QUIET = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PLANNING = ("Overlapping conditions", "Key attribute's data type", "Too many decomposed", "One or more parameter values"
            " are not valid")


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with open_caller(tmp_path_factory.mktemp("store")) as caller:
        caller.create("queried", "pk", "sk", types="SN")
        caller.create("changed")
        for pk in ("a", "b", "it's"):
            for at, sk in enumerate(("0", "1", "-2", "2.5", "1000")):
                caller.call("PutItem", TableName="queried", Item={
                    "pk": {"S": pk}, "sk": {"N": sk}, "a": [{"S": "ab"}, {"N": "1"}, {"NULL": True}][at % 3],
                    "m": {"M": {"x": {"N": sk}}}, "l": {"L": [{"S": pk}]}, **({"b": {"SS": ["a", "b"]}} if at else {})})
        yield caller


def rows(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((item["pk"]["S"], item["sk"]["N"]) for item in items)


@QUIET
@given(st.data(), st.integers(0, 2**16), st.sampled_from([0, 1, 2, 3]), st.sampled_from([
    "", "pk = 'a' AND ", "pk IN ['a', 'it''s'] AND ", "pk = 'b' AND sk > 0 AND ", "pk = 'a' AND sk IN [1, 2.5] AND ",
]))
def test_a_select_is_a_scan_with_its_condition(
    dynamodb: Caller, data: st.DataObject, seed: int, limit: int, start: str
) -> None:
    values: dict[str, Any] = {}
    clause = data.draw(conditions(values))
    writer = Writer(values, seed)
    statement = f"SELECT * FROM queried WHERE {start}({writer.clause(clause)})"
    used = {":a": {"S": "a"}, ":b": {"S": "b"}, ":i": {"S": "it's"}, ":0": {"N": "0"}, ":1": {"N": "1"},
            ":2": {"N": "2.5"}}
    expected = {
        "": "", "pk = 'a' AND ": "pk = :a AND ", "pk IN ['a', 'it''s'] AND ": "pk IN (:a, :i) AND ",
        "pk = 'b' AND sk > 0 AND ": "pk = :b AND sk > :0 AND ",
        "pk = 'a' AND sk IN [1, 2.5] AND ": "pk = :a AND sk IN (:1, :2) AND ",
    }[start]
    native = f"{expected}({Writer(None).clause(clause)})"
    given_values = {**values, **{name: value for name, value in used.items() if name in expected}}
    request: dict[str, Any] = {"Statement": statement}
    if writer.parameters:
        request["Parameters"] = writer.parameters
    if limit:
        request["Limit"] = limit
    found: list[dict[str, Any]] = []
    message = ""
    try:
        while True:
            page = dynamodb.call("ExecuteStatement", **request)
            found += page["Items"]
            if "NextToken" not in page:
                break
            request["NextToken"] = page["NextToken"]
    except AwsError as error:
        message = error.message
    assume(not message.startswith(PLANNING))
    scan: dict[str, Any] = {"TableName": "queried", "FilterExpression": native}
    if given_values:
        scan["ExpressionAttributeValues"] = given_values
    wanted, complaint = [], ""
    try:
        wanted = dynamodb.call("Scan", **scan)["Items"]
    except AwsError as error:
        complaint = error.message.removeprefix("Invalid FilterExpression: ")
    assert (message, rows(found)) == (complaint, rows(wanted))


TARGETS = st.sampled_from(["a", "m.x", "l[0]", "n", "s", "fresh"])


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[str], dict[str, list[str]], dict[str, Any]]:
    """PartiQL's clauses, an update expression's actions by section, its values."""
    clauses: list[str] = []
    sections: dict[str, list[str]] = {}
    values: dict[str, Any] = {}

    def named(value: dict[str, Any]) -> str:
        values[f":v{len(values)}"] = value
        return f":v{len(values) - 1}"

    for target in draw(st.lists(TARGETS, min_size=1, max_size=3, unique=True)):
        match draw(st.integers(0, 5)):
            case 0:
                clauses.append(f"REMOVE {target}")
                sections.setdefault("REMOVE", []).append(target)
            case 1:
                value, function = draw(SETS), draw(st.sampled_from(["add", "delete"]))
                clauses.append(f"SET {target} = set_{function}({target}, {literal(value)})")
                sections.setdefault(function.upper(), []).append(f"{target} {named(value)}")
            case 2:
                value, operator = draw(VALUES), draw(st.sampled_from("+-"))
                clauses.append(f"SET {target} = n {operator} {literal(value)}")
                sections.setdefault("SET", []).append(f"{target} = n {operator} {named(value)}")
            case 3:
                value = draw(VALUES)
                clauses.append(f"SET {target} = list_append(l, {literal(value)})")
                sections.setdefault("SET", []).append(f"{target} = list_append(l, {named(value)})")
            case 4:
                other = draw(TARGETS)
                clauses.append(f"SET {target} = {other}")
                sections.setdefault("SET", []).append(f"{target} = {other}")
            case _:
                value = draw(VALUES)
                clauses.append(f"SET {target} = {literal(value)}")
                sections.setdefault("SET", []).append(f"{target} = {named(value)}")
    return clauses, sections, values


@QUIET
@given(changes(), st.sampled_from([("ALL OLD", "ALL_OLD"), ("ALL NEW", "ALL_NEW"), ("MODIFIED OLD", "UPDATED_OLD"),
                                   ("MODIFIED NEW", "UPDATED_NEW")]))
def test_an_update_is_an_update_item(
    dynamodb: Caller, change: tuple[list[str], dict[str, list[str]], dict[str, Any]], returning: tuple[str, str]
) -> None:
    clauses, sections, values = change
    item = {"pk": {"S": "k"}, "a": {"S": "a"}, "m": {"M": {"x": {"N": "1"}}}, "l": {"L": [{"N": "1"}]},
            "n": {"N": "5"}, "s": {"SS": ["a", "b"]}}

    def outcome(operation: str, **request: Any) -> tuple[Any, Any]:
        dynamodb.call("PutItem", TableName="changed", Item=item)
        try:
            answer = dynamodb.call(operation, **request)
            told = [answer["Attributes"]] if "Attributes" in answer else answer.get("Items", [])
        except AwsError as error:
            told = error.message.removeprefix(ENVELOPE).removeprefix("Invalid UpdateExpression: ")
        return told, dynamodb.call("GetItem", TableName="changed", Key={"pk": {"S": "k"}})["Item"]

    expression = " ".join(f"{section} {', '.join(actions)}" for section, actions in sections.items())
    native = outcome("UpdateItem", TableName="changed", Key={"pk": {"S": "k"}}, UpdateExpression=expression,
                     ReturnValues=returning[1], **({"ExpressionAttributeValues": values} if values else {}))
    statement = f"UPDATE changed {' '.join(clauses)} WHERE pk = 'k' RETURNING {returning[0]} *"
    assert outcome("ExecuteStatement", Statement=statement) == native
