"""Generated clients at once, some through the gateway with an SDK, some straight on NATS: every key is linearizable.

    ./tests/run tests/load/test_mixed.py -s            prints the rate of each example
    ./tests/run --slow tests/load/test_mixed.py        longer plans, while processes are killed

Hypothesis generates who does what to which key; a failing example prints its plans and the history that fits no order.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import servers
from tests.crash.writers import pooled_client
from tests.load.direct import direct_publisher
from tests.load.registers import KINDS, SCHEMA, TABLE, Door, Histories, bus_door, gateway_door

KEYS = 3
TIMEOUT_S = 5.0
SETUP_ATTEMPTS = 10
KILL_AFTER = 100                          # operations of at least 320
STEP = st.tuples(st.sampled_from(KINDS), st.integers(0, KEYS - 1))
PLANS = st.lists(st.lists(STEP, min_size=5, max_size=25), min_size=4, max_size=8)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mixed") / "data"


@pytest.fixture(scope="module")
def skybus(data_dir: Path) -> Iterator[servers.Server]:
    with servers.skybus(data_dir=data_dir) as server:
        yield server


async def run_plans(
    server: servers.Server, data_dir: Path, plans: list[list[tuple[str, int]]], histories: Histories
) -> None:
    """All at once, every second client on the bus. Prints the rate."""
    sdk = pooled_client(server.endpoint)
    async with direct_publisher(data_dir) as client:
        async def follow(door: Door, plan: list[tuple[str, int]]) -> None:
            for kind, key in plan:
                await histories.perform(door, kind, key)

        began = time.monotonic()
        doors = (gateway_door(sdk), bus_door(client, TIMEOUT_S))
        await asyncio.gather(*(follow(doors[index % 2], plan) for index, plan in enumerate(plans)))
    count = sum(map(len, plans))
    print(f"mixed load: {count} operations by {len(plans)} clients, {count / (time.monotonic() - began):.0f}/s")


def fresh_table(client: Any) -> None:
    if TABLE in client.list_tables()["TableNames"]:
        client.delete_table(TableName=TABLE)
        client.get_waiter("table_not_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    client.create_table(**SCHEMA)
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate])
@given(plans=PLANS)
def test_every_key_is_linearizable_through_both_doors(
    skybus: servers.Server, data_dir: Path, plans: list[list[tuple[str, int]]]
) -> None:
    fresh_table(pooled_client(skybus.endpoint, SETUP_ATTEMPTS))
    histories = Histories(KEYS, time.monotonic)
    asyncio.run(run_plans(skybus, data_dir, plans, histories))
    histories.check()


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate])
@given(plans=st.lists(st.lists(STEP, min_size=40, max_size=80), min_size=8, max_size=8),
       victim=st.sampled_from(["actors", "gateway"]))
def test_it_stays_so_while_processes_are_killed(
    skybus: servers.Server, data_dir: Path, plans: list[list[tuple[str, int]]], victim: str
) -> None:
    histories = Histories(KEYS, time.monotonic)

    async def main() -> None:
        running = asyncio.ensure_future(run_plans(skybus, data_dir, plans, histories))
        await histories.reached(KILL_AFTER)
        for label, process in skybus.processes().items():
            if label.startswith(victim):
                process.kill()
        await running

    fresh_table(pooled_client(skybus.endpoint, SETUP_ATTEMPTS))
    asyncio.run(main())
    histories.check()
