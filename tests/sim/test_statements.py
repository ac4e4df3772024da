"""ExecuteStatement across the bus: a SELECT is a long read that gives way, anything else a write, and what is neither
is refused by the chain. Expected from actors/runtime/DESIGN.md."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from actors.dynamodb.service import DynamoDB
from actors.runtime.actor import Kind
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.world import world

TABLE = {
    "TableName": "statements", "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("ExecuteStatement", {}), ("ExecuteStatement", {"Statement": 1}), ("ExecuteStatement", {"Statement": ["x"]}),
    ("ExecuteStatement", {"Statement": "x" * 10_000}), ("ExecuteStatement", {"Statement": "SELECT \x00"}),
    ("BatchExecuteStatement", {"Statements": {"a": 1}}), ("BatchExecuteStatement", {"Statements": [1]}),
    ("ExecuteTransaction", {"TransactStatements": [{"Statement": None}]}),
    ("ExecuteTransaction", {"TransactStatements": [{"Statement": "SELECT * FROM t"}] * 101}),
]


def test_statements_across_the_bus() -> None:
    async def main() -> None:
        with tempfile.TemporaryDirectory() as directory:
            async with world(Path(directory), [DynamoDB()]) as w:
                client = w.client()

                async def execute(statement: str) -> list[dict[str, Any]]:
                    answer = await client.call("dynamodb", "ExecuteStatement", {"Statement": statement})
                    items: list[dict[str, Any]] = answer["Items"]
                    return items

                await client.call("dynamodb", "CreateTable", TABLE)
                for number in range(60):
                    assert await execute(f"INSERT INTO statements VALUE {{'pk': 'k{number}', 'n': {number}}}") == []
                assert len(await execute("SELECT pk FROM statements WHERE n >= 30")) == 30
                assert await execute("DELETE FROM statements WHERE pk = 'k1'") == []
                assert await execute("SELECT n FROM statements WHERE pk = 'k1'") == []
                for operation, params in HOSTILE:
                    with pytest.raises(AwsError) as caught:
                        await client.call("dynamodb", operation, params)
                    assert caught.value.error_code in ("ValidationException", "SerializationException")

    run(main())


def test_which_method_answers() -> None:
    execute = DynamoDB.operations["ExecuteStatement"]
    assert execute.kind is Kind.WRITE
    assert execute.chosen({"Statement": "SELECT * FROM t"}).kind is Kind.LONG_READ
    for other in ("DELETE FROM t", "SELECT * FROM", "-- SELECT * FROM t"):
        assert execute.chosen({"Statement": other}) is execute
    batch = DynamoDB.operations["BatchExecuteStatement"]
    select, delete = {"Statement": "SELECT * FROM t"}, {"Statement": "DELETE FROM t"}
    assert batch.chosen({"Statements": [select, select]}).kind is Kind.READ
    assert batch.chosen({"Statements": [select, delete]}) is batch
