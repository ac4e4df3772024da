"""Calls DynamoDB's operations, validated as in the chain, on a real store, without bus or gateway.

    with open_caller(tmp_path) as dynamodb:
        dynamodb.create("t", "pk")
        dynamodb.call("PutItem", TableName="t", Item={"pk": {"S": "a"}})
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from actors.dynamodb.service import DynamoDB
from actors.dynamodbstreams.service import DynamoDBStreams
from actors.runtime.actor import Kind
from actors.runtime.context import Context
from actors.runtime.principal import root
from actors.runtime.store.transaction import Snapshot
from schemas.envelope import Identity
from schemas.errors import AwsError
from schemas.models import Operation, load
from schemas.validate import validator
from tests.store_fixture import ManualLoop, Store, open_store

PAGES_LIMIT = 10_000
EPOCH_S = 1_700_000_000.0                 # when a caller's clock begins; its store's loop makes it go on
ACCOUNT, REGION = "000000000000", "us-east-1"


class Caller:
    def __init__(self, store: Store, actor: DynamoDB | None = None) -> None:
        self.store = store
        self.actor = actor or DynamoDB()
        self.streams = DynamoDBStreams()
        self.account, self.region = ACCOUNT, REGION

    def context(self) -> Context:
        identity = Identity("gw", self.account, "test")
        return Context(identity, self.region, cast("Operation", None), "request", 0.0, self.store.loop.now,
                       principal=root(self.account))

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """An operation of DynamoDB's or its streams': no two have the same name."""
        actor = self.actor if operation in self.actor.operations else self.streams
        definition = actor.operations[operation].chosen(request)
        validator(load(actor.service).operations[operation], actor.validates_itself)(request)
        context = self.context()

        def evaluate(view: Any) -> Any:
            return definition.method(actor, context, view, request)

        if definition.kind is Kind.WRITE:
            answer = self.store.transact(evaluate)
        elif definition.kind is Kind.READ:
            answer = self.store.read(evaluate)
        else:
            answer = self.store.read_long(evaluate)
        return cast("dict[str, Any]", answer)

    def error(self, operation: str, **request: Any) -> AwsError:
        """The error the call must end in."""
        try:
            answer = self.call(operation, **request)
        except AwsError as error:
            return error
        raise AssertionError(f"{operation} answered {answer}")

    def create(
        self, name: str, pk: str = "pk", sk: str | None = None, types: str = "SS", **members: Any
    ) -> dict[str, Any]:
        """`types`: of pk and sk; `attributes`: the types of other key attributes."""
        keys = [name for name in (pk, sk) if name is not None]
        definitions = dict(zip(keys, types, strict=False)) | members.pop("attributes", {})
        return self.call(
            "CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in definitions.items()],
            KeySchema=[{"AttributeName": key, "KeyType": role}
                       for key, role in zip(keys, ("HASH", "RANGE"), strict=False)],
            **members,
        )

    def pages(self, operation: str, **request: Any) -> Iterator[dict[str, Any]]:
        """All pages of a Query or Scan."""
        for _ in range(PAGES_LIMIT):
            page = self.call(operation, **request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        raise AssertionError("pages without end")

    def rows(self) -> int:
        """Rows in the store, of whatever kind."""

        def count(snapshot: Snapshot) -> int:
            return sum(1 for _ in snapshot.scan(b"", b"\xff" * 8))

        return cast("int", self.store.read(count))


@contextmanager
def open_caller(directory: Path, now: float = EPOCH_S, actor: DynamoDB | None = None) -> Iterator[Caller]:
    """On an earlier caller's directory too: a restart, at the time `now`."""
    actor = actor or DynamoDB()

    def step(name: str) -> Any:
        method = actor.jobs[name]
        return lambda transaction, now, state: method(actor, transaction, now, state)

    loop = ManualLoop()
    loop.now = now
    with open_store(directory, loop=loop, jobs={name: step(name) for name in actor.jobs}) as store:
        yield Caller(store, actor)
