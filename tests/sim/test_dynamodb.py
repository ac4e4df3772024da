"""Generated clients against real DynamoDB on a bus that delays, drops and reorders: every key stays linearizable.

An operation whose answer was lost may have happened or not (as on AWS); everything else must fit one order per key.
A failing example prints its seed and plans; they are the reproduction.
"""

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb.service import DynamoDB
from bus.client import Client
from bus.simulated import Faults
from bus.transport import BusError
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.load.linearizable import NEVER, Operation, linearizable
from tests.world import clock, world

TABLE = "registers"
KEYS = 2
TIMEOUT_S = 0.5

STEP = st.tuples(st.sampled_from(["put", "create", "delete", "get"]), st.integers(0, KEYS - 1), st.floats(0, 0.01))
PLAN = st.lists(STEP, max_size=8)
FAULTS = st.builds(
    Faults, delay_max_s=st.floats(0.001, 0.02), drop=st.sampled_from([0.0, 0.05]), reorder=st.sampled_from([0.0, 0.2])
)


class Histories:
    """What clients did to each key, and when it began and ended."""

    def __init__(self) -> None:
        self.of = {key: list[Operation]() for key in range(KEYS)}
        self._values = itertools.count(1)

    async def perform(self, client: Client, kind: str, key: int) -> None:
        began, value = clock(), next(self._values)
        try:
            found, refused = await request(client, kind, key, value)
        except BusError:
            self.of[key].append(Operation(kind, value, began, NEVER))
            return
        self.of[key].append(Operation(kind, found if kind == "get" else value, began, clock(), refused))


async def request(client: Client, kind: str, key: int, value: int) -> tuple[int | None, bool]:
    """What a get found; whether a create was refused."""
    name = {"pk": {"S": str(key)}}
    if kind == "get":
        answer = await client.call("dynamodb", "GetItem", {"TableName": TABLE, "Key": name}, timeout_s=TIMEOUT_S)
        return int(answer["Item"]["v"]["N"]) if "Item" in answer else None, False
    if kind == "delete":
        await client.call("dynamodb", "DeleteItem", {"TableName": TABLE, "Key": name}, timeout_s=TIMEOUT_S)
        return None, False
    params: dict[str, Any] = {"TableName": TABLE, "Item": {**name, "v": {"N": str(value)}}}
    if kind == "create":
        params["ConditionExpression"] = "attribute_not_exists(pk)"
    try:
        await client.call("dynamodb", "PutItem", params, timeout_s=TIMEOUT_S)
    except AwsError as error:
        if error.error_code != "ConditionalCheckFailedException":
            raise
        return None, True
    return None, False


async def create_table(client: Client) -> None:
    await client.call("dynamodb", "CreateTable", {
        "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    })
    while True:
        answer = await client.call("dynamodb", "DescribeTable", {"TableName": TABLE})
        if answer["Table"]["TableStatus"] == "ACTIVE":
            return
        await asyncio.sleep(0.1)


async def simulate(directory: Path, seed: int, faults: Faults, plans: list[list[Any]], restarts: list[float]) -> None:
    histories = Histories()
    async with world(directory, [DynamoDB()], seed) as w:
        await create_table(w.client())
        w.network.faults = faults

        async def follow(plan: list[Any]) -> None:
            client = w.client()
            for kind, key, pause_s in plan:
                await asyncio.sleep(pause_s)
                await histories.perform(client, kind, key)

        async def restart() -> None:
            for pause_s in restarts:
                await asyncio.sleep(pause_s)
                await w.restart()

        await asyncio.gather(restart(), *map(follow, plans))
    for key, history in histories.of.items():
        assert linearizable(history), f"key {key}: {history}"


@settings(max_examples=60, deadline=None, print_blob=True)
@given(
    seed=st.integers(0, 2**32), faults=FAULTS, plans=st.lists(PLAN, min_size=2, max_size=5),
    restarts=st.lists(st.floats(0, 0.05), max_size=2),
)
def test_every_key_is_linearizable(seed: int, faults: Faults, plans: list[list[Any]], restarts: list[float]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        run(simulate(Path(directory), seed, faults, plans, restarts))
