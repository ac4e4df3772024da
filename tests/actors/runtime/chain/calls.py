"""Calls for the tests of the chain: a small DynamoDB actor and contexts to call it in."""

from collections.abc import Mapping
from typing import Any

from actors.runtime.actor import ServiceActor, operation, query
from actors.runtime.chain import Call
from actors.runtime.context import Context
from actors.runtime.principal import Principal, root
from schemas.envelope import Identity
from schemas.models import load

ACCOUNT = "123456789012"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Music"


class Table(ServiceActor):
    service = "dynamodb"
    validates_itself = frozenset({"AttributeValue"})

    @operation("PutItem")
    def put_item(self, context: Context, transaction: Any, request: Any) -> dict[str, Any]:
        return {}

    @query("ListTables")
    def list_tables(self, context: Context, snapshot: Any, request: Any) -> dict[str, Any]:
        return {"TableNames": []}

    @operation("ExecuteStatement")
    async def execute_statement(self, context: Context, request: Any) -> dict[str, Any]:
        return {}

    def resource(self, operation: str, request: Mapping[str, Any], account: str, region: str) -> str:
        name = request.get("TableName")
        return f"arn:aws:dynamodb:{region}:{account}:table/{name}" if name else "*"


ACTOR = Table()
PUT = {"TableName": "Music", "Item": {"Artist": {"S": "Arthur Russell"}}}


def call(
    name: str = "PutItem",
    request: dict[str, Any] | None = None,
    *,
    principal: Principal | None = None,
    deadline: float = 2_000_000_000.0,
    now: float = 1_800_000_000.0,
    source: dict[str, str] | None = None,
) -> Call:
    context = Context(
        Identity("gw", ACCOUNT, "AKIAIOSFODNN7EXAMPLE"), "us-east-1", load("dynamodb").operations[name], "request-1",
        deadline, now, source=source or {}, principal=principal or root(ACCOUNT),
    )
    return Call(context, ACTOR, ACTOR.operations[name], dict(PUT) if request is None else request, 319)
