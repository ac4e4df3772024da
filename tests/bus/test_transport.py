"""Both transports keep NATS's promises: the same scenarios on the simulated one, on nats-server, and there on uvloop.

Where behaviour comes from: https://docs.nats.io/nats-concepts/core-nats (subjects, queue groups, request-reply) and
bus/transport.py. flush is the barrier that makes "has arrived" a fact: a subscriber's PONG follows all that the broker
had for it.
"""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.subjects import matches
from bus.transport import (
    BusError,
    Disconnected,
    Message,
    NoResponders,
    RequestTimeout,
    Transport,
)
from tests.bus.worlds import Runner, World

CLIENTS = 3
TOKENS = st.sampled_from(["a", "b", "c"])
SUBJECTS = st.lists(TOKENS, min_size=1, max_size=3).map(".".join)
PATTERNS = st.builds(
    lambda tokens, rest: ".".join([*tokens, *rest]),
    st.lists(TOKENS | st.just("*"), min_size=1, max_size=3),
    st.sampled_from([[], [">"]]),
)


@dataclass(frozen=True)
class Listening:
    client: int
    pattern: str
    queue: str


@dataclass(frozen=True)
class Sending:
    client: int
    subject: str


LISTENING = st.builds(Listening, st.integers(0, CLIENTS - 1), PATTERNS, st.sampled_from(["", "", "q1", "q2"]))
SENDING = st.builds(Sending, st.integers(0, CLIENTS - 1), SUBJECTS)


async def flush_all(transports: list[Transport]) -> None:
    for transport in transports:
        await transport.flush()


# Every plain subscription gets every message that matches, once, in its publisher's order; of each queue group exactly
# one member gets it; wildcards match whole tokens; what is closed gets nothing more.
@settings(max_examples=25)
@given(
    listening=st.lists(LISTENING, max_size=6),
    sending=st.lists(SENDING, max_size=12),
    closing=st.sets(st.integers(0, 5), max_size=2),
    afterwards=st.lists(SENDING, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_delivery(
    run: Runner, listening: list[Listening], sending: list[Sending], closing: set[int], afterwards: list[Sending],
    seed: int,
) -> None:
    got: dict[int, list[int]] = defaultdict(list)

    async def scenario(world: World) -> None:
        root = f"{world.root}x{seed}"
        transports = [await world.connect() for _ in range(CLIENTS)]

        def take(key: int) -> None:
            one = listening[key]
            handles.append(transports[one.client].subscribe(
                f"{root}.{one.pattern}", lambda message: got[key].append(int(message.data)), one.queue
            ))

        handles: list[object] = []
        for key in range(len(listening)):
            take(key)
        await flush_all(transports)
        for number, one in enumerate(sending):
            transports[one.client].publish(f"{root}.{one.subject}", b"%d" % number)
        await flush_all(transports)
        await flush_all(transports)
        for key in closing:
            if key < len(handles):
                handles[key].close()  # type: ignore[attr-defined]
        await flush_all(transports)
        for number, one in enumerate(afterwards, len(sending)):
            transports[one.client].publish(f"{root}.{one.subject}", b"%d" % number)
        await flush_all(transports)
        await flush_all(transports)

    run(scenario, seed=seed)
    check_delivery(listening, sending, set(), 0, got)
    check_delivery(listening, afterwards, closing, len(sending), got)


def check_delivery(
    listening: list[Listening], sending: list[Sending], closed: set[int], first: int, got: dict[int, list[int]]
) -> None:
    senders = {first + at: one.client for at, one in enumerate(sending)}
    in_groups: Counter[tuple[str, int]] = Counter()
    expected_in_groups: set[tuple[str, int]] = set()
    for key, one in enumerate(listening):
        matching = [
            first + at for at, sent in enumerate(sending) if key not in closed and matches(one.pattern, sent.subject)
        ]
        arrived = [number for number in got[key] if number in senders]
        for client in range(CLIENTS):
            order = [number for number in arrived if senders[number] == client]
            assert order == sorted(order)
        if one.queue:
            assert set(arrived) <= set(matching)
            in_groups.update((one.queue, number) for number in arrived)
            expected_in_groups.update((one.queue, number) for number in matching)
        else:
            assert sorted(arrived) == matching
    assert in_groups == Counter(expected_in_groups)


# bus/subjects.py's matcher is what both the oracle above and the simulation use; here it meets the real server's.
@settings(max_examples=40)
@given(pattern=PATTERNS, subject=SUBJECTS, seed=st.integers(0, 2**32))
def test_matching_is_the_brokers(run: Runner, pattern: str, subject: str, seed: int) -> None:
    heard: list[bytes] = []

    async def scenario(world: World) -> None:
        transport = await world.connect()
        root = f"{world.root}m{seed}"
        transport.subscribe(f"{root}.{pattern}", lambda message: heard.append(message.data))
        transport.publish(f"{root}.{subject}", b"x")
        await transport.flush()

    run(scenario, seed=seed)
    assert bool(heard) == matches(pattern, subject)


# Requests: each future gets its own answer whatever the order of answers, at any size up to what a message may be.
@settings(max_examples=15)
@given(sizes=st.lists(st.integers(0, 3_000) | st.just(260_000), max_size=12), order=st.integers(0, 2**32))
def test_requests_get_their_own_answers(run: Runner, sizes: list[int], order: int) -> None:
    async def scenario(world: World) -> None:
        asking, answering = await world.connect(), await world.connect()
        waiting: list[Message] = []

        def collect(message: Message) -> None:
            waiting.append(message)
            if len(waiting) == len(sizes):
                Random(order).shuffle(waiting)
                for one in waiting:
                    answering.publish(one.reply, one.data + b"!")

        answering.subscribe(f"{world.root}.ask", collect, "q")
        await answering.flush()
        payloads = [bytes([at]) * size for at, size in enumerate(sizes)]
        futures = [asking.request(f"{world.root}.ask", payload, 30.0) for payload in payloads]
        answers = [(await future).data for future in futures]
        assert answers == [payload + b"!" for payload in payloads]

    run(scenario)


# "Nobody there -> NATS answers 'no responders' at once" (bus/README.md), also to an inbox; silence is a time-out.
def test_nobody_there_is_said_at_once_and_silence_times_out(run: Runner) -> None:
    async def scenario(world: World) -> None:
        transport = await world.connect()
        with pytest.raises(NoResponders):
            await transport.request(f"{world.root}.nobody", b"", 30.0)
        failed: asyncio.Future[BusError] = asyncio.get_running_loop().create_future()
        inbox = transport.listen(lambda _: None, failed.set_result)
        transport.publish(f"{world.root}.nobody", b"", inbox.subject)
        assert isinstance(await failed, NoResponders)
        inbox.close()
        transport.subscribe(f"{world.root}.silent", lambda _: None)
        with pytest.raises(RequestTimeout):
            await transport.request(f"{world.root}.silent", b"", 0.1)

    run(scenario)


# An inbox takes many answers, in order; closed it takes none; a cancelled request's late answer harms nobody.
def test_inboxes_stream_and_cancelled_requests_are_forgotten(run: Runner) -> None:
    async def scenario(world: World) -> None:
        asking, answering = await world.connect(), await world.connect()
        held: list[Message] = []

        def stream(message: Message) -> None:
            held.append(message)
            for number in range(300):
                answering.publish(message.reply, b"%d" % number)

        answering.subscribe(f"{world.root}.stream", stream)
        answering.subscribe(f"{world.root}.hold", held.append)
        await answering.flush()
        got: list[int] = []
        inbox = asking.listen(lambda message: got.append(int(message.data)), lambda error: None)
        asking.publish(f"{world.root}.stream", b"", inbox.subject)
        for transport in (asking, answering, asking):
            await transport.flush()
        assert got == list(range(300))
        inbox.close()
        answering.publish(held[0].reply, b"301")
        future = asking.request(f"{world.root}.hold", b"", 30.0)
        for transport in (answering, asking, answering):
            await transport.flush()
        future.cancel()
        answering.publish(held[1].reply, b"too late")
        await flush_all([answering, asking])
        assert len(got) == 300
        answering.subscribe(f"{world.root}.echo", lambda message: answering.publish(message.reply, message.data))
        await answering.flush()
        assert (await asking.request(f"{world.root}.echo", b"still here", 30.0)).data == b"still here"

    run(scenario)


# "A handler that raises is logged, never kills the reader."
def test_a_handler_that_raises_stops_nothing(run: Runner) -> None:
    async def scenario(world: World) -> None:
        transport = await world.connect()
        got: list[bytes] = []

        def handler(message: Message) -> None:
            if message.data == b"bad":
                raise RuntimeError("a bug")
            got.append(message.data)

        transport.subscribe(f"{world.root}.x", handler)
        for data in (b"1", b"bad", b"2"):
            transport.publish(f"{world.root}.x", data)
        await transport.flush()
        assert got == [b"1", b"2"]

    run(scenario)


# A subject is whole: what could end a protocol line or add an argument is refused before it is written.
@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB x 0\r\n", "a\tb", "a\nb", " a", "a "])
def test_what_is_no_subject_is_refused(run: Runner, subject: str) -> None:
    async def scenario(world: World) -> None:
        transport = await world.connect()
        for attempt in (
            lambda: transport.publish(subject, b""),
            lambda: transport.request(subject, b"", 1.0),
            lambda: transport.subscribe(subject, lambda _: None),
        ):
            with pytest.raises(ValueError, match="subject"):
                attempt()
        if subject:
            with pytest.raises(ValueError, match="subject"):
                transport.publish("a", b"", subject)
        await transport.flush()

    run(scenario)


# Closed: pending output has gone out, what was under way fails, everything afterwards is Disconnected.
def test_close(run: Runner) -> None:
    async def scenario(world: World) -> None:
        closing, other = await world.connect(), await world.connect()
        got: list[bytes] = []
        other.subscribe(f"{world.root}.last", lambda message: got.append(message.data))
        other.subscribe(f"{world.root}.silent", lambda _: None)
        await other.flush()
        future = closing.request(f"{world.root}.silent", b"", 30.0)
        closing.publish(f"{world.root}.last", b"word")
        await closing.close()
        with pytest.raises(Disconnected):
            await future
        with pytest.raises(Disconnected):
            closing.publish(f"{world.root}.last", b"")
        with pytest.raises(Disconnected):
            closing.subscribe(f"{world.root}.last", lambda _: None)
        with pytest.raises(Disconnected):
            await closing.flush()
        await closing.close()
        await other.flush()
        assert got == [b"word"]

    run(scenario)


# kill -9 of the broker: requests fail at once, publishes are refused and not kept, inboxes hear of it; when it is back,
# subscriptions are too, and nothing published meanwhile appears.
def test_the_broker_dies_and_comes_back(run_and_crash: Runner) -> None:
    async def scenario(world: World) -> None:
        asking, answering = await world.connect(), await world.connect()
        got: list[bytes] = []

        def echo(message: Message) -> None:
            got.append(message.data)
            answering.publish(message.reply, message.data)

        answering.subscribe(f"{world.root}.echo", echo, "q")
        answering.subscribe(f"{world.root}.silent", lambda _: None)
        await answering.flush()
        failures: list[BusError] = []
        asking.listen(lambda _: None, failures.append)
        for round_ in range(3):
            future = asking.request(f"{world.root}.silent", b"", 30.0)
            await asking.flush()
            await world.crash()
            with pytest.raises(Disconnected):
                await future
            assert isinstance(failures[round_], Disconnected)
            with pytest.raises(Disconnected):
                asking.publish(f"{world.root}.echo", b"lost")
            await world.recover()
            data = b"%d" % round_
            assert (await asking.request(f"{world.root}.echo", data, 30.0)).data == data
        assert got == [b"0", b"1", b"2"]

    run_and_crash(scenario)
