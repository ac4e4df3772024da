"""What our own processes ask and tell each other, on a simulated network under a virtual clock.

Expected: the table at the head of bus/system.py, and deploy/README.md ("Between processes").
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bus.codec import pack, unpack
from bus.simulated import NONE, Network
from bus.system import (
    UNDER_WAY_MAX,
    Answer,
    SystemAnswers,
    abandon_on_arrival,
    announce_arrival,
    complete,
    gather,
    subject,
)
from bus.transport import Disconnected, Message, Transport
from bus.virtual_time import VirtualTimeLoop

ASKER, ACTORS, GATEWAY = "_INBOX.admin.", "_INBOX.actors.", "_INBOX.gateway."


def run(scenario: Callable[[Network], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(scenario(Network(0, NONE)))  # type: ignore[arg-type]  # a coroutine, which is an Awaitable


# Everyone's answer by its process, those that have to be waited for and those that fail included.
def test_answers_by_process() -> None:
    async def later(request: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(1)
        return {"asked": request["n"]}

    def broken(request: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("no disk")

    async def scenario(network: Network) -> None:
        everyone: list[tuple[str, Answer]] = [
            ("a", lambda request: {"asked": request["n"]}), ("b", later), ("c", broken)]
        answers = [SystemAnswers(network.connect(ACTORS), name, {"status": answer}) for name, answer in everyone]
        asker = network.connect(ASKER)
        await asker.flush()
        expected = {"a": {"asked": 7}, "b": {"asked": 7}, "c": {"error": "RuntimeError: no disk"}}
        assert await gather(asker, "status", {"n": 7}, 60.0, lambda came: len(came) == 3) == expected
        assert asyncio.get_running_loop().time() < 2, "it waits no longer than for the last"
        assert await gather(asker, "status", {"n": 7}, 0.5) == {key: expected[key] for key in ("a", "c")}
        for one in answers:
            one.close()
        assert await gather(asker, "status", {"n": 7}, 0.5) == {}

    run(scenario)


# What is no map of ours is passed over on both sides; too many questions at once are refused, not queued.
def test_nonsense_and_too_much() -> None:
    async def scenario(network: Network) -> None:
        release = asyncio.Event()

        async def wait(request: dict[str, Any]) -> dict[str, Any]:
            await release.wait()
            return {}

        transport, asker = network.connect(ACTORS), network.connect(ASKER)
        SystemAnswers(transport, "a", {"status": wait})
        liar = network.connect(ACTORS)

        def lie(message: Message) -> None:
            for data in (b"\xc1", pack([1]), pack({"no": "process"})):
                if message.reply:
                    liar.publish(message.reply, data)

        liar.subscribe(subject("status"), lie)
        await liar.flush()
        for data in (b"\xc1", pack([1])):
            asker.publish(subject("status"), data)
        heard: list[Any] = []
        inbox = asker.listen(lambda message: heard.append(message.data), lambda _: None)
        for _ in range(UNDER_WAY_MAX + 1):
            asker.publish(subject("status"), b"", inbox.subject)
        await asyncio.sleep(1)
        release.set()
        answer = await gather(asker, "status", {}, 5.0)
        assert answer == {"a": {}}
        refused = [unpack(data) for data in heard if b"too much" in data]
        assert refused == [{"process": "a", "error": "too much is being asked at once"}]

    run(scenario)


# Whoever begins anew for a service ends the wait of those who asked the one before: for that service, and no other.
def test_an_arrival_ends_the_wait() -> None:
    async def scenario(network: Network) -> None:
        gateway: Transport = network.connect(GATEWAY)
        abandon_on_arrival(gateway)
        dead = network.connect(ACTORS)
        for service in ("dynamodb", "sts"):
            dead.subscribe(f"aws.*.*.*.{service}.any.*", lambda _: None)
        await dead.flush()
        lost = gateway.request("aws.gw.000000000000.k.dynamodb.any.GetItem", b"", 60.0)
        other = gateway.request("aws.gw.000000000000.k.sts.any.GetCallerIdentity", b"", 60.0)
        await gateway.flush()
        anew = network.connect(ACTORS)
        for nonsense in (b"\xc1", pack([1]), pack({"services": "dynamodb"}), b""):
            anew.publish(subject("arrived"), nonsense)
        await announce_arrival(anew, "actors", ["dynamodb"])
        with pytest.raises(Disconnected, match="dynamodb has started anew"):
            await lost
        assert asyncio.get_running_loop().time() < 1
        assert not other.done()
        other.cancel()

    run(scenario)


# Of a service of several shards, one that begins anew ends the wait for its own slots and for `any`, and no other's.
def test_an_arrival_of_a_share() -> None:
    async def scenario(network: Network) -> None:
        gateway: Transport = network.connect(GATEWAY)
        abandon_on_arrival(gateway)
        dead = network.connect(ACTORS)
        dead.subscribe("aws.*.*.*.dynamodb.*.*", lambda _: None)
        await dead.flush()
        asked = {slot: gateway.request(f"aws.gw.000000000000.k.dynamodb.{slot}.GetItem", b"", 60.0)
                 for slot in ("54", "55", "a9", "aa", "any", "cancel")}
        await gateway.flush()
        for nonsense in ({"services": ["dynamodb"], "slots": 7}, {"services": ["dynamodb"], "slots": [1]}):
            dead.publish(subject("arrived"), pack(nonsense))
        await announce_arrival(network.connect(ACTORS), "actors-2", ["dynamodb"], {"dynamodb": [0x55, 0xAA]})
        await asyncio.sleep(0.1)
        assert [slot for slot, future in asked.items() if future.done()] == ["55", "a9", "any"]
        for future in asked.values():
            future.cancel()
            if future.done() and not future.cancelled():
                assert isinstance(future.exception(), Disconnected)

    run(scenario)


# A service is there when all its slots are, whoever has them.
def test_complete() -> None:
    first = {"services": ["dynamodb", "sts"], "slots": {"dynamodb": [0, 128]}}
    second = {"services": {"dynamodb": ""}, "slots": {"dynamodb": [128, 256]}}
    assert complete({}) == set()
    assert complete({"a": first}) == {"sts"}
    assert complete({"a": first, "b": second}) == {"dynamodb", "sts"}
    assert complete({"a": second, "b": second}) == set()
    assert complete({"a": {"error": "no"}}) == set()


# A question whose bus is lost ends at once with what has come.
def test_a_lost_bus() -> None:
    async def scenario(network: Network) -> None:
        transport, asker = network.connect(ACTORS), network.connect(ASKER)

        def answer(message: Message) -> None:
            transport.publish(message.reply, pack({"process": "a"}))

        transport.subscribe(subject("metrics"), answer)
        await transport.flush()
        asking = asyncio.ensure_future(gather(asker, "metrics", {}, 60.0))
        await asyncio.sleep(1)
        network.lose(asker)
        assert await asking == {"a": {}}
        assert await gather(asker, "metrics", {}, 60.0) == {}
        assert asyncio.get_running_loop().time() < 5

    run(scenario)
