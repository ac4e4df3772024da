"""A model host: turns, priorities, deadlines, cancels; what leaves nothing behind."""

import asyncio
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.inference.catalogue import ECHO_ID
from actors.runtime.inference.host import SERVICE
from actors.runtime.inference.protocol import (
    Event,
    Finish,
    Reason,
    Reasoning,
    Text,
    TokenChance,
    ToolUse,
    Usage,
    event_from_map,
    event_to_map,
    generate_request,
    to_map,
)
from actors.runtime.inference.turns import Turns
from bus.client import Client
from bus.codec import pack, unpack
from bus.subjects import DIRECT
from bus.transport import NoResponders
from bus.virtual_time import run
from schemas.envelope import Identity
from schemas.errors import AwsError
from tests.actors.runtime.inference.asking import ALICE, WEATHER, events, models_world, said, user
from tests.world import ACCOUNT, World

SLOW = "!pause 1000\n" + "word " * 20


def host_of(world: World) -> "tuple[str, dict[str, float]]":
    [(name, (host, _))] = world.placement.hosts.items()
    return name, {sample: value for sample, labels, value in host.metrics() if "le" not in labels}


# Eight turns and 64 who wait: the seventy-third is told to come back, and none that waited is lost.
def test_more_than_may_wait_are_throttled(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            await w.models.describe(ECHO_ID)
            asked = [asyncio.ensure_future(events(w.models, user(SLOW))) for _ in range(72)]
            await asyncio.sleep(2)
            with pytest.raises(AwsError, match="ThrottlingException"):
                await events(w.models, user("one too many"))
            assert host_of(w)[1]["skybus_model_waiting"] == 64
            answers = await asyncio.gather(*asked)
            assert all(isinstance(answer[-1], Finish) for answer in answers)
            waited = answers[-1][-1]
            assert isinstance(waited, Finish)
            assert waited.queue_ms > 1000

    run(main())


# Half of a thousand are answered, half wait for their turn or have none yet: all hang up, and nothing is left.
def test_a_thousand_who_hang_up_leave_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            await w.models.describe(ECHO_ID)
            asked = [asyncio.ensure_future(events(w.models, user(SLOW))) for _ in range(1000)]
            await asyncio.sleep(2.5)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            await asyncio.sleep(1)
            samples = host_of(w)[1]
            assert (samples["skybus_model_running"], samples["skybus_model_waiting"]) == (0, 0)
            assert samples["skybus_model_batch_size"] == 0
            [(host, _)] = w.placement.hosts.values()
            assert not host._tasks
            assert not host._by_request
            assert said(await events(w.models, user("still here"))) == "still here"

    run(main())


def test_a_deadline_ends_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            await w.models.describe(ECHO_ID)
            with pytest.raises(AwsError, match="ModelTimeoutException"):
                await events(w.models, user(SLOW), deadline=w.clock() + 3)
            await asyncio.sleep(1)
            assert host_of(w)[1]["skybus_model_batch_size"] == 0

    run(main())


def test_tokens_arrive_one_by_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            async with aclosing(w.models.generate(ECHO_ID, user(SLOW), ALICE)) as stream:
                times = [w.clock() async for _ in stream]
            gaps = [after - before for before, after in pairwise(times[:-1])]
            assert len(gaps) >= 18
            assert all(gap == pytest.approx(1, abs=0.3) for gap in gaps)

    run(main())


# Hosts hear the services' door: what a direct publisher sends there reaches nobody, whatever it calls itself.
def test_nobody_asks_a_host_past_the_service(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            await w.models.describe(ECHO_ID)
            stranger = Identity(DIRECT, ACCOUNT, "AKIASTRANGER")
            client = Client(w.connect(stranger), stranger, region="us-east-1", clock=w.clock)
            with pytest.raises(NoResponders):
                await client.call(SERVICE, "Ping", {}, at=host_of(w)[0])

    run(main())


# Whatever comes and goes, as many are inside as may be, whoever came first with the lowest number goes next, and at
# the end every turn is free.
@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5), st.one_of(st.none(), st.integers(0, 6))), max_size=25),
       st.integers(1, 3))
def test_turns(comers: list[tuple[int, int, int | None]], parallel: int) -> None:
    async def main() -> None:
        turns = Turns(parallel, 100)
        inside: list[int] = []
        entered: list[tuple[int, int]] = []

        async def comer(number: int, priority: int, stays: int) -> None:
            async with turns.turn(priority):
                inside.append(number)
                entered.append((priority, number))
                assert len(inside) == turns.running <= parallel
                await asyncio.sleep(stays)
                inside.remove(number)

        tasks = [asyncio.ensure_future(comer(at, each[0], each[1])) for at, each in enumerate(comers)]
        for task, (_, _, leaves) in zip(tasks, comers, strict=True):
            if leaves is not None:
                asyncio.get_running_loop().call_later(leaves + 0.5, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (turns.running, turns.waiting, turns._free) == (0, 0, parallel)
        if not any(leaves is not None for _, _, leaves in comers):
            assert entered[parallel:] == sorted(entered[parallel:])

    run(main())


_TEXT = st.text(max_size=10)
EVENTS = st.one_of(
    st.builds(Text, _TEXT, st.integers(0, 9), st.lists(
        st.builds(TokenChance, _TEXT, st.floats(-20, 0), st.lists(st.tuples(_TEXT, st.floats(-20, 0)), max_size=3)),
        max_size=3,
    )),
    st.builds(Reasoning, _TEXT, st.integers(0, 9)),
    st.builds(ToolUse, st.integers(0, 3), _TEXT, _TEXT, _TEXT, st.integers(0, 9)),
    st.builds(Finish, st.sampled_from(Reason), st.builds(Usage, *[st.integers(0, 9)] * 3), _TEXT,
              *[st.floats(0, 9)] * 3),
)


@given(EVENTS)
def test_events_cross_the_bus_as_they_are(event: Event) -> None:
    assert event_from_map(unpack(pack(event_to_map(event)))) == event


def test_requests_cross_the_bus_as_they_are() -> None:
    request = user("hi", 7, tools=[WEATHER], tool_choice="required", stop=["a"], logprobs=0, priority=-1)
    assert generate_request(unpack(pack(to_map(request)))) == request


def test_what_is_measured(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            for _ in range(3):
                await events(w.models, user("one two three four"))
            samples = host_of(w)[1]
            assert samples["skybus_model_generations_total"] == 3
            assert samples["skybus_model_input_tokens_total"] == samples["skybus_model_output_tokens_total"] == 12
            assert samples["skybus_model_first_token_seconds_count"] == 3
            assert samples["skybus_model_token_gap_seconds_count"] == 9
            assert samples["skybus_model_queue_seconds_count"] == 3

    run(main())


