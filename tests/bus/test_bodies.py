"""bus/bodies.py: large envelopes arrive whole or not at all, in bounded time and memory, whatever the network does."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import bodies as bodies_module
from bus.bodies import BODY_LIMIT_BYTES, CHUNK_BYTES, OFFER_IDLE_S, WINDOW_CHUNKS, Bodies, BodyError, BodyTooLarge
from bus.codec import Claim, pack, unpack
from bus.simulated import Faults
from bus.transport import BusError, Disconnected, Message, NoResponders, Overloaded, RequestTimeout, Transport
from tests.bus.worlds import Runner, SimulatedWorld, World, simulated

EDGES = st.sampled_from([
    0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 8 * CHUNK_BYTES, 8 * CHUNK_BYTES + 1, 20 * CHUNK_BYTES + 17,
])
SIZES = EDGES | st.integers(0, 12 * CHUNK_BYTES)


def anyone(_: str) -> bool:
    return True


# What was offered is what is fetched; then the sender keeps nothing.
@settings(max_examples=12)
@given(size=SIZES, seed=st.integers(0, 2**32))
def test_a_body_arrives_whole(run: Runner, size: int, seed: int) -> None:
    data = Random(seed).randbytes(size)

    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        offering, fetching = Bodies(sender), Bodies(receiver)
        claim = offering.offer(data, anyone).claim
        await sender.flush()
        assert await fetching.fetch(claim, claim.inbox, 30.0) == data
        await receiver.flush()
        await sender.flush()
        assert offering.offered_bytes == fetching.fetched_bytes == 0

    run(scenario, seed=seed)


# A network that drops, duplicates and reorders: whole, or a BusError within the time given; nothing is kept for ever.
@settings(max_examples=40)
@given(
    size=SIZES, seed=st.integers(0, 2**32), drop=st.floats(0, 0.4), duplicate=st.floats(0, 0.5),
    reorder=st.floats(0, 0.5),
)
def test_a_bad_network_delays_or_fails_but_never_corrupts(
    size: int, seed: int, drop: float, duplicate: float, reorder: float
) -> None:
    data = Random(seed).randbytes(size)

    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        offering, fetching = Bodies(sender), Bodies(receiver)
        claim = offering.offer(data, anyone).claim
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            assert await fetching.fetch(claim, claim.inbox, 60.0) == data
        except BusError:
            assert drop > 0
        assert loop.time() - start <= 60.1
        assert fetching.fetched_bytes == 0
        await asyncio.sleep(OFFER_IDLE_S + 1.0)     # a pull sent twice may still be on its way, and it counts
        assert offering.offered_bytes == 0

    simulated(scenario, seed=seed, faults=Faults(drop=drop, duplicate=duplicate, reorder=reorder))


# The sender dies at any chunk: an error in bounded time (simulated seconds), never a hang.
@given(chunks=st.integers(0, 11), how=st.sampled_from(["silent", "closed", "forgets", "lost"]), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_sender_that_dies_is_noticed(chunks: int, how: str, seed: int) -> None:
    async def scenario(world: World) -> None:
        assert isinstance(world, SimulatedWorld)
        sender, receiver = await world.connect(), await world.connect()
        offering, fetching = Bodies(sender), Bodies(receiver)
        answered = 0

        def allowed(_: str) -> bool:
            nonlocal answered
            answered += 1
            if answered > chunks and how == "lost":
                world.network.lose(sender)  # type: ignore[arg-type]
            if answered > chunks and how == "forgets":
                asyncio.get_running_loop().call_soon(offer.close)
            if answered > chunks and how == "closed":
                asyncio.get_running_loop().call_soon(closing.append, asyncio.ensure_future(sender.close()))
            return answered <= chunks

        closing: list[asyncio.Future[None]] = []
        offer = offering.offer(bytes(12 * CHUNK_BYTES), allowed)
        with pytest.raises((BodyError, NoResponders, RequestTimeout)):
            await fetching.fetch(offer.claim, offer.claim.inbox, 30.0)
        assert asyncio.get_running_loop().time() < 10
        assert fetching.fetched_bytes == 0

    simulated(scenario, seed=seed)


# The receiver's own connection is lost: at once, and every pull's failure has been looked at (a warning is an error).
def test_a_lost_connection_fails_the_fetch(run_and_crash: Runner) -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        pulled = asyncio.get_running_loop().create_future()

        def on_pull(_: Message) -> None:
            if not pulled.done():
                pulled.set_result(None)

        inbox = sender.listen(on_pull, lambda _: None)
        await sender.flush()
        claim = Claim("silent", 40 * CHUNK_BYTES, 0, inbox.subject)
        fetch = asyncio.ensure_future(Bodies(receiver).fetch(claim, inbox.subject, 30.0))
        await pulled
        await world.crash()
        with pytest.raises(Disconnected):
            await fetch
        await world.recover()

    run_and_crash(scenario)


# A sender that lies about its body: size, checksum, chunks of any form. A plain error each time.
@settings(max_examples=60)
@given(
    claimed=st.integers(0, 3 * CHUNK_BYTES),
    lie=st.sampled_from([
        lambda pull: b"\xc1", lambda pull: b"", lambda pull: pack({}), lambda pull: pack([1]), lambda pull: pack(None),
        lambda pull: pack({"data": "text"}), lambda pull: pack({"data": b"short"}), lambda pull: pack({"gone": True}),
        lambda pull: pack({"data": bytes(CHUNK_BYTES + 1)}), lambda pull: pack({"data": bytes(CHUNK_BYTES)}),
    ]),
)
def test_a_sender_that_lies_is_found_out(claimed: int, lie: Callable[[object], bytes]) -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        inbox = sender.listen(lambda message: sender.publish(message.reply, lie(message)), lambda _: None)
        claim = Claim("lie", claimed, crc32(bytes(claimed)) ^ 1, inbox.subject)
        with pytest.raises(BodyError):
            await Bodies(receiver).fetch(claim, inbox.subject, 30.0)

    simulated(scenario)


# Whoever writes to a bodies' inbox: nothing but well-formed pulls for a known body are answered, nothing is disturbed.
@settings(max_examples=60)
@given(st.binary(max_size=60) | st.sampled_from([
    pack({"body": "x"}), pack({"body": ["x"]}), pack({"body": {}}), pack({"body": "x", "offset": "y"}), pack([]),
]))
def test_random_bytes_to_the_inbox_harm_nothing(junk: bytes) -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        offering = Bodies(sender)
        offer = offering.offer(b"precious", anyone)
        receiver.publish(offer.claim.inbox, junk, "aws.svc.0.x.iam.any.DeleteUser")
        receiver.publish(offer.claim.inbox, junk)
        assert await Bodies(receiver).fetch(offer.claim, offer.claim.inbox, 30.0) == b"precious"

    simulated(scenario)


# A pull is answered only where the offer allows: no confused deputy.
def test_pulls_are_answered_only_where_allowed(run: Runner) -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect("_INBOX.000000000002.thief.")
        offering = Bodies(sender)
        claim = offering.offer(b"secret", lambda reply: reply.startswith("_INBOX.000000000000.test.")).claim
        await sender.flush()
        for _ in range(2):
            for name in (claim.body, "unknown"):
                with pytest.raises(RequestTimeout):
                    await receiver.request(claim.inbox, pack({"body": name, "offset": 0}), 0.1)
            offering._forget(claim.body)               # nor is anybody else told that it is gone

    run(scenario)


async def one_sender_has_its_share(sender: Transport, fetching: Bodies) -> None:
    """Claims that are never made good, large or many: others' bodies are pulled meanwhile."""
    silent = sender.listen(lambda _: None, lambda _: None)
    honest = Bodies(sender).offer(bytes(400), anyone).claim
    for size, count in ((500, 1), (1, 3)):
        waiting = [asyncio.ensure_future(fetching.fetch(Claim("x", size, 0), silent.subject, 30.0, "greedy"))
                   for _ in range(count)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await fetching.fetch(Claim("y", 1, 0), silent.subject, 30.0, "greedy")
        assert len(await fetching.fetch(honest, honest.inbox, 30.0, "modest")) == 400
        honest = Bodies(sender).offer(bytes(400), anyone).claim
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert fetching.fetched_bytes == 0


# Bounds: of one body, of all offered, of all fetched; and what is refused leaves nothing behind.
def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies_module, "OFFERED_LIMIT_BYTES", 1000)
    monkeypatch.setattr(bodies_module, "FETCHED_LIMIT_BYTES", 1000)
    monkeypatch.setattr(bodies_module, "RECEIVER_LIMIT_BYTES", 500)
    monkeypatch.setattr(bodies_module, "SENDER_LIMIT_BYTES", 500)
    monkeypatch.setattr(bodies_module, "HELD_LIMIT_COUNT", 3)

    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        offering, fetching = Bodies(sender), Bodies(receiver)
        first = offering.offer(bytes(600), anyone)
        with pytest.raises(Overloaded):
            offering.offer(bytes(401), anyone)
        first.close()
        first.close()
        for name in ("greedy", "modest"):
            offering.offer(bytes(500), anyone, receiver=name)
        with pytest.raises(Overloaded):
            offering.offer(b"x", anyone, receiver="greedy")
        offering.close()
        second = offering.offer(bytes(1000), anyone)
        coming = asyncio.ensure_future(fetching.fetch(second.claim, second.claim.inbox, 30.0))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await fetching.fetch(second.claim, second.claim.inbox, 30.0)
        assert len(await coming) == 1000
        assert fetching.fetched_bytes == 0
        await one_sender_has_its_share(sender, fetching)
        with pytest.raises(BodyTooLarge):
            await fetching.fetch(Claim("x", BODY_LIMIT_BYTES + 1, 0), "_INBOX.x", 30.0)
        offering.close()
        assert offering.offered_bytes == 0

    simulated(scenario)


# Who pulls slowly but steadily is served; who stops is forgotten.
def test_an_offer_lives_from_pull_to_pull() -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        offering = Bodies(sender)
        claim = offering.offer(b"slow", anyone).claim
        pull = pack({"body": claim.body, "offset": 0})
        for _ in range(5):
            await asyncio.sleep(OFFER_IDLE_S * 0.9)
            assert unpack((await receiver.request(claim.inbox, pull, 1.0)).data) == {"data": b"slow"}
        await asyncio.sleep(OFFER_IDLE_S * 1.1)
        assert offering.offered_bytes == 0
        assert unpack((await receiver.request(claim.inbox, pull, 1.0)).data) == {"gone": True}

    simulated(scenario)


# A cancelled fetch stops pulling and gives its bytes back.
def test_a_cancelled_fetch_leaves_nothing() -> None:
    async def scenario(world: World) -> None:
        sender, receiver = await world.connect(), await world.connect()
        pulls: list[Message] = []
        inbox = sender.listen(pulls.append, lambda _: None)
        fetching = Bodies(receiver)
        claim = Claim("slow", 40 * CHUNK_BYTES, 0, inbox.subject)
        fetch: Awaitable[bytes] = asyncio.ensure_future(fetching.fetch(claim, inbox.subject, 30.0))
        await asyncio.sleep(1)
        assert len(pulls) == WINDOW_CHUNKS
        fetch.cancel()  # type: ignore[attr-defined]
        with pytest.raises(asyncio.CancelledError):
            await fetch
        assert fetching.fetched_bytes == 0
        await asyncio.sleep(10)
        assert len(pulls) == WINDOW_CHUNKS

    simulated(scenario)
