"""Generated clients against real DynamoDB on a bus that delays, drops and reorders: every key stays linearizable.

An operation whose answer was lost may have happened or not (as on AWS); everything else must fit one order per key.
A failing example prints its seed and plans; they are the reproduction.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.dynamodb.service import DynamoDB
from bus.client import Client
from bus.simulated import Faults
from bus.virtual_time import run
from tests.load.registers import KINDS, SCHEMA, TABLE, Histories, bus_door
from tests.world import clock, world

KEYS = 2
TIMEOUT_S = 0.5

STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, KEYS - 1), st.floats(0, 0.01))
PLAN = st.lists(STEP, max_size=8)
FAULTS = st.builds(
    Faults, delay_max_s=st.floats(0.001, 0.02), drop=st.sampled_from([0.0, 0.05]), reorder=st.sampled_from([0.0, 0.2])
)


async def create_table(client: Client) -> None:
    await client.call("dynamodb", "CreateTable", SCHEMA)
    while True:
        answer = await client.call("dynamodb", "DescribeTable", {"TableName": TABLE})
        if answer["Table"]["TableStatus"] == "ACTIVE":
            return
        await asyncio.sleep(0.1)


async def simulate(directory: Path, seed: int, faults: Faults, plans: list[list[Any]], restarts: list[float]) -> None:
    histories = Histories(KEYS, clock)
    async with world(directory, [DynamoDB()], seed) as w:
        await create_table(w.client())
        w.network.faults = faults

        async def follow(plan: list[Any]) -> None:
            door = bus_door(w.client(), TIMEOUT_S)
            for kind, key, pause_s in plan:
                await asyncio.sleep(pause_s)
                await histories.perform(door, kind, key)

        async def restart() -> None:
            for pause_s in restarts:
                await asyncio.sleep(pause_s)
                await w.restart()

        await asyncio.gather(restart(), *map(follow, plans))
    histories.check()


@settings(max_examples=60, deadline=None, print_blob=True)
@given(
    seed=st.integers(0, 2**32), faults=FAULTS, plans=st.lists(PLAN, min_size=2, max_size=5),
    restarts=st.lists(st.floats(0, 0.05), max_size=2),
)
def test_every_key_is_linearizable(seed: int, faults: Faults, plans: list[list[Any]], restarts: list[float]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        run(simulate(Path(directory), seed, faults, plans, restarts))
