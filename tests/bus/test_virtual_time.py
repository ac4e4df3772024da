"""bus/virtual_time.py and the determinism of bus/simulated.py: same seed, same course; simulated time costs nothing."""

import asyncio
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.simulated import Faults
from bus.transport import BusError, Message
from bus.virtual_time import Deadlock, VirtualTimeLoop, run
from tests.bus.worlds import SimulatedWorld, World, simulated


# A day passes in the order of its timers, and `time` says so.
def test_the_clock_jumps() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        seen: list[float] = []
        for delay in (86_400.0, 5.0, 0.5):
            loop.call_later(delay, lambda: seen.append(loop.time()))
        await asyncio.sleep(100_000)
        return seen

    assert run(main()) == pytest.approx([0.5, 5.0, 86_400.0])


def test_a_deadlock_is_said() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main())


# Work on a thread takes no simulated time: a timer set before does not overtake it.
def test_threads_stop_the_clock() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        done = asyncio.Event()
        loop.call_later(10, done.set)
        await loop.run_in_executor(None, time.sleep, 0.01)
        after_executor = loop.time()
        with loop.outside():
            came = loop.create_future()
            loop.run_in_executor(None, lambda: loop.call_soon_threadsafe(came.set_result, None))
            await came
        return after_executor, loop.time()

    assert run(main()) == (0.0, 0.0)


# The seed is the reproduction: the same program under the same faults hears the same at the same simulated moments.
@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32), drop=st.floats(0, 0.5), duplicate=st.floats(0, 0.5), reorder=st.floats(0, 0.5),
)
def test_one_seed_one_course(seed: int, drop: float, duplicate: float, reorder: float) -> None:
    def course() -> list[tuple[float, str, bytes]]:
        heard: list[tuple[float, str, bytes]] = []

        async def scenario(world: World) -> None:
            loop = asyncio.get_running_loop()
            transports = [await world.connect() for _ in range(3)]
            choice = Random(seed)

            def answer(message: Message) -> None:
                heard.append((loop.time(), message.subject, message.data))
                transports[2].publish(message.reply, message.data)

            for transport in transports[1:]:
                transport.subscribe("x.*", answer, "q")
            await asyncio.gather(*(transport.flush() for transport in transports))

            async def ask(number: int) -> None:
                await asyncio.sleep(choice.random())
                try:
                    await transports[0].request(f"x.{number % 3}", b"%d" % number, 1.0)
                except BusError as error:
                    heard.append((loop.time(), type(error).__name__, b""))

            await asyncio.gather(*(ask(number) for number in range(20)))

        simulated(scenario, seed=seed, faults=Faults(drop=drop, duplicate=duplicate, reorder=reorder))
        return heard

    assert course() == course()


# Two that are parted do not hear each other, third ones hear both; healed, all is well.
def test_partition() -> None:
    async def scenario(world: World) -> None:
        assert isinstance(world, SimulatedWorld)
        left, right, third = [await world.connect() for _ in range(3)]
        heard: list[tuple[str, bytes]] = []
        right.subscribe("x", lambda message: heard.append(("right", message.data)))
        third.subscribe("x", lambda message: heard.append(("third", message.data)))
        await right.flush()
        await third.flush()
        world.network.partition(left, right)  # type: ignore[arg-type]
        left.publish("x", b"1")
        await asyncio.sleep(1)
        third.publish("x", b"2")
        await asyncio.sleep(1)
        world.network.heal()
        left.publish("x", b"3")
        await asyncio.sleep(1)
        assert sorted(heard) == [
            ("right", b"2"), ("right", b"3"), ("third", b"1"), ("third", b"2"), ("third", b"3"),
        ]

    simulated(scenario)
