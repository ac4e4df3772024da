"""The fleet: loaded once, least loaded, scaled by what waits, driven out when memory is short, given up when dead.

Under the virtual clock, on the simulated bus; engines are echoes with the memory and the turns that a test wants.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from actors.runtime.inference import fleet as fleet_module
from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.models import Models
from actors.runtime.inference.placement import CannotPlace, Inline
from actors.runtime.inference.protocol import Finish, ModelFailed, ModelNotReady, TokenizeRequest
from bus.simulated import SimulatedTransport
from bus.virtual_time import run
from schemas.errors import AwsError
from tests.actors.runtime.inference.asking import ALICE, events, models_world, said, user
from tests.world import World, models_over

MIB = 1024 * 1024
SLOW = "!pause 1000\none two three four five six"


def echo(name: str, **members: object) -> Entry:
    return Entry(f"test.{name}", "echo", memory_bytes=40 * MIB, **members)  # type: ignore[arg-type]


def models(world: World, *entries: Entry, budget: int = 100 * MIB, placement: object = None) -> Models:
    return models_over(world.connect_actors(), placement or world.placement, entries, budget)  # type: ignore[arg-type]


class Counting(Inline):
    """Counts what it starts; starts fail while `broken`."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: world.network.connect("_INBOX.models.c."), world.directory / "counted", world.clock)
        self.started: list[str] = []
        self.broken = False

    async def start(self, host: str, entry: Entry) -> None:
        self.started.append(host)
        await asyncio.sleep(1)
        if self.broken:
            raise CannotPlace("broken")
        await super().start(host, entry)


def test_a_hundred_at_once_load_a_model_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            placement = Counting(w)
            asking = models(w, echo("one", parallel=100, waiting_max=100), placement=placement)
            heard = await asyncio.gather(*(events(asking, user("hi"), "test.one") for _ in range(100)))
            assert {said(each) for each in heard} == {"hi"}
            assert len(placement.started) == 1
            asking.fleet.close()

    run(main())


def test_who_waits_too_long_for_a_model_may_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            monkeypatch.setattr(fleet_module, "LOAD_WAIT_S", 0.5)
            asking = models(w, echo("one"), placement=Counting(w))
            with pytest.raises(ModelNotReady, match="being loaded"):
                await events(asking, user("hi"), "test.one")
            await asyncio.sleep(2)
            assert said(await events(asking, user("hi"), "test.one")) == "hi"
            asking.fleet.close()

    run(main())


def test_a_model_that_cannot_be_loaded_says_so_and_rests(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            placement = Counting(w)
            asking = models(w, echo("one"), placement=placement)
            placement.broken = True
            for _ in range(3):
                with pytest.raises(ModelFailed):
                    await events(asking, user("hi"), "test.one")
            assert len(placement.started) == 1
            placement.broken = False
            await asyncio.sleep(fleet_module.FAILURE_REST_S)
            assert said(await events(asking, user("hi"), "test.one")) == "hi"
            asking.fleet.close()

    run(main())


# 100 MiB hold two of 40: the third drives out the one used longest ago, never one that is answering.
def test_the_idle_one_used_longest_ago_goes_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            asking = models(w, echo("a"), echo("b"), echo("c"))
            await events(asking, user("hi"), "test.a")
            await asyncio.sleep(1)
            await events(asking, user("hi"), "test.b")
            await asyncio.sleep(1)
            await events(asking, user("hi"), "test.a")
            await events(asking, user("hi"), "test.c")
            assert {host.split("-")[2] for host in await w.placement.running()} == {"a", "c"}
            async with aclosing(asking.generate("test.a", user(SLOW), ALICE)) as stream:
                await anext(stream)
                await events(asking, user("hi"), "test.b")
                assert {host.split("-")[2] for host in await w.placement.running()} == {"a", "b"}
                async with aclosing(asking.generate("test.b", user(SLOW), ALICE)) as other:
                    await anext(other)
                    with pytest.raises(ModelNotReady, match="does not fit"):
                        await events(asking, user("hi"), "test.c")
                assert [event async for event in stream][-1].__class__ is Finish
            asking.fleet.close()

    run(main())


# An engine that can sleep does so instead of ending: its memory is another's, its host stays, and who asks next wakes
# it, once, however many ask.
def test_who_can_sleeps(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            placement = Counting(w)
            asking = models(w, echo("a", options={"sleeps": True}), echo("b"), echo("c"), placement=placement)
            fleet, entry = asking.fleet, asking.resolve("test.a")
            for name in ("a", "b", "c"):
                await events(asking, user("hi"), f"test.{name}")
                await asyncio.sleep(1)
            assert (len(placement.started), fleet.loaded(entry)) == (3, 0)
            assert {host.split("-")[2] for host in await placement.running()} == {"a", "b", "c"}
            heard = await asyncio.gather(*(events(asking, user("hi"), "test.a") for _ in range(9)))
            assert {said(each) for each in heard} == {"hi"}
            assert (len(placement.started), fleet.loaded(entry)) == (3, 1)
            assert {host.split("-")[2] for host in await placement.running()} == {"a", "c"}
            asking.fleet.close()

    run(main())


# A sleeper whose host dies is loaded anew by who asks.
def test_a_sleeper_that_dies(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            placement = Counting(w)
            asking = models(w, echo("a", options={"sleeps": True}), echo("b"), echo("c"), placement=placement)
            for name in ("a", "b", "c"):
                await events(asking, user("hi"), f"test.{name}")
                await asyncio.sleep(1)
            await placement.stop(placement.started[0])
            assert said(await events(asking, user("hi"), "test.a")) == "hi"
            assert len(placement.started) == 4
            asking.fleet.close()

    run(main())


def test_replicas_come_with_the_queue_and_go_when_it_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            asking = models(w, echo("a", parallel=1, max_replicas=3), budget=1000 * MIB)
            await asking.describe("test.a")
            busy = [asyncio.ensure_future(events(asking, user(SLOW * 3), "test.a")) for _ in range(6)]
            await asyncio.sleep(6)
            assert len(await w.placement.running()) == 3
            fresh = [asyncio.ensure_future(events(asking, user(SLOW), "test.a")) for _ in range(2)]
            await asyncio.gather(*busy, *fresh)
            await asyncio.sleep(3 * fleet_module.SCALE_DOWN_AFTER_S)
            assert len(await w.placement.running()) == 1
            asking.fleet.close()

    run(main())


# Of two replicas, the one with fewer requests is chosen: sixteen streams are eight and eight.
def test_the_least_loaded_replica_answers(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            asking = models(w, echo("a", parallel=16, min_replicas=2), budget=1000 * MIB)
            asking.warm()
            await asyncio.sleep(2)
            streams = [asking.generate("test.a", user(SLOW), ALICE) for _ in range(16)]
            await asyncio.gather(*(anext(stream) for stream in streams))
            running = [w.placement.hosts[host][0].metrics() for host in await w.placement.running()]
            assert [{name: value for name, _, value in samples}["skybus_model_running"] for samples in running] \
                == [8, 8]
            for stream in streams:
                await stream.aclose()
            asking.fleet.close()

    run(main())


# The bus tells nobody that a subscriber died; the fleet finds out, and ends what was under way there.
def test_a_host_that_dies_ends_its_streams_and_the_next_request_starts_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            asking = models(w, echo("a"))
            stream = asking.generate("test.a", user(SLOW), ALICE)
            await anext(stream)
            [host] = await w.placement.running()
            dead, transport = w.placement.hosts.pop(host)
            assert isinstance(transport, SimulatedTransport)
            w.network.lose(transport)
            killed = w.clock()
            with pytest.raises(ModelFailed):
                [event async for event in stream]
            assert w.clock() - killed < 1
            assert said(await events(asking, user("hi"), "test.a")) == "hi"
            await dead.stop()
            asking.fleet.close()

    run(main())


# Hosts outlive who started them: an actor process that begins anew finds them by their names.
def test_a_host_is_found_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            first = models(w, echo("a"))
            await events(first, user("hi"), "test.a")
            first.fleet.close()
            placement = Counting(w)
            second = models(w, echo("a"), placement=placement)
            assert said(await events(second, user("hi"), "test.a")) == "hi"
            assert placement.started == []
            second.fleet.close()

    run(main())


@pytest.mark.parametrize("asked", [
    lambda asking: events(asking, user("hi"), "nobody.has-this"),
    lambda asking: asking.count("us.nobody.has-this", TokenizeRequest(prompt="x"), ALICE),
    lambda asking: asking.describe("arn:aws:bedrock:us-east-1::foundation-model/nobody.has-this"),
])
def test_what_is_not_in_the_catalogue_is_unknown(asked: Callable[[Models], object], tmp_path: Path) -> None:
    async def main() -> None:
        async with models_world(tmp_path) as w:
            with pytest.raises(AwsError, match="ValidationException: The provided model identifier"):
                await asked(w.models)  # type: ignore[misc]

    run(main())
