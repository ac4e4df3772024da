"""bus/permissions.py against a real nats-server: nobody speaks for another or hears another.

Expected behaviour: the table in bus/README.md. Actors believe the subject, never the envelope, because the broker's
publish permissions prove it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.bodies import CHUNK_BYTES, Bodies
from bus.client import Client
from bus.connection import NatsTransport, open_connection
from bus.endpoint import Endpoint
from bus.permissions import (
    ACTORS_USER,
    ADMIN_USER,
    GATEWAY_USER,
    MODELS_USER,
    BrokerSettings,
    User,
    actors,
    admin,
    direct_publisher,
    gateway,
    models,
    new_password,
    process_inbox,
    server_config,
)
from bus.subjects import INBOX, anywhere, inbox_prefix, may_reply_to, parse
from bus.transport import Disconnected, Message, RequestTimeout
from schemas.envelope import Identity, Reply, Request
from tests.nats_server import NatsServer, running

ACCOUNT, OTHER_ACCOUNT = "000000000001", "000000000002"
ALICE, BOB = "AKIAALICE", "AKIABOB"
SPY = "spy"


@dataclass
class Broker:
    server: NatsServer
    users: dict[str, User]

    async def connect(self, name: str, prefix: str = "") -> "Guest":
        refused: list[str] = []
        own = {
            ALICE: inbox_prefix(ACCOUNT, ALICE), BOB: inbox_prefix(OTHER_ACCOUNT, BOB), SPY: f"{INBOX}.{SPY}.",
        }.get(name) or process_inbox(name)
        transport = await open_connection(
            self.server.url, name, self.users[name].password, prefix or own, name, on_refused=refused.append
        )
        return Guest(transport, refused)


@dataclass
class Guest:
    """A connection, and what the broker refused it."""

    transport: NatsTransport
    refused: list[str]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    users = [
        gateway(new_password()), actors(new_password()), admin(new_password()), models(new_password()),
        direct_publisher(ACCOUNT, ALICE, new_password()), direct_publisher(OTHER_ACCOUNT, BOB, new_password()),
        User(SPY, new_password(), publish=(), subscribe=(">",)),
    ]
    with running(server_config(BrokerSettings(tuple(users)))) as server:
        yield Broker(server, {user.name: user for user in users})


@contextlib.asynccontextmanager
async def guests(broker: Broker, *names: str) -> AsyncIterator[list[Guest]]:
    connected = [await broker.connect(name) for name in names]
    try:
        yield connected
    finally:
        for guest in connected:
            await guest.transport.close()


FOREIGN_SUBJECTS = st.sampled_from([
    f"aws.bus.{OTHER_ACCOUNT}.{BOB}.dynamodb.any.PutItem",
    f"aws.bus.{ACCOUNT}.{BOB}.dynamodb.any.PutItem",
    f"aws.bus.{OTHER_ACCOUNT}.{ALICE}.dynamodb.any.PutItem",
    f"aws.gw.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem",
    f"aws.svc.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem",
    f"aws.bus.{OTHER_ACCOUNT}.{BOB}.dynamodb.cancel.1",
    f"{INBOX}.{OTHER_ACCOUNT}.{BOB}.0.1", f"{INBOX}.gateway.0.1", f"{INBOX}.actors.0.1", f"{INBOX}.1",
    f"{INBOX}.{ACCOUNT}.{ALICE}.0.1",
    "sys.reset", f"evt.dynamodb.{ACCOUNT}.TableCreated", "$SRV.PING", "anything",
    "$SYS.REQ.SERVER.PING", "$JS.API.INFO",
]) | st.lists(
    st.sampled_from(["aws", "gw", "svc", "bus", ACCOUNT, ALICE, BOB, "dynamodb", "any", INBOX]), min_size=1, max_size=8,
).filter(lambda tokens: tokens[:4] != ["aws", "bus", ACCOUNT, ALICE]).map(".".join)


# A direct publisher's every subject but its own is refused, and reaches nobody, not even one who hears everything.
@settings(max_examples=30)
@given(subjects=st.lists(FOREIGN_SUBJECTS, min_size=1, max_size=10))
def test_a_direct_publisher_speaks_for_itself_alone(broker: Broker, subjects: list[str]) -> None:
    async def main() -> None:
        async with guests(broker, SPY, ALICE) as (spy, alice):
            heard: list[str] = []
            spy.transport.subscribe(">", lambda message: heard.append(message.subject))
            await spy.transport.flush()
            for subject in subjects:
                alice.transport.publish(subject, b"forged")
            own = f"aws.bus.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem"
            alice.transport.publish(own, b"honest")
            await alice.transport.flush()
            await spy.transport.flush()
            assert [subject for subject in heard if not subject.startswith(("$SYS", "_INBOX.spy"))] == [own]
            assert len(alice.refused) == len(subjects)

    asyncio.run(main())


FOREIGN_PATTERNS = [
    ">", "*", "aws.>", f"aws.bus.{ACCOUNT}.{ALICE}.>",
    f"{INBOX}.>", f"{INBOX}.*.*.>", f"{INBOX}.{OTHER_ACCOUNT}.{BOB}.>",
    f"{INBOX}.{ACCOUNT}.*.>", f"{INBOX}.{ACCOUNT}.{BOB}.>", f"{INBOX}.gateway.>", f"{INBOX}.actors.>", "evt.>", "sys.>",
    "$SRV.>", "$SYS.>", "$JS.>",
]


@pytest.mark.parametrize("pattern", FOREIGN_PATTERNS)
def test_a_direct_publisher_hears_its_own_inbox_alone(broker: Broker, pattern: str) -> None:
    async def main() -> None:
        async with guests(broker, ALICE) as (alice,):
            alice.transport.subscribe(pattern, lambda _: None)
            alice.transport.subscribe(pattern, lambda _: None, "group")
            await alice.transport.flush()
            assert len(alice.refused) == 2

    asyncio.run(main())


# Eavesdropping by inbox prefix: a connection that calls another's inbox its own hears nothing.
def test_another_ones_inbox_cannot_be_ones_own(broker: Broker) -> None:
    async def main() -> None:
        thief = await broker.connect(ALICE, inbox_prefix(OTHER_ACCOUNT, BOB))
        await thief.transport.flush()
        assert thief.refused
        with pytest.raises(RequestTimeout):
            await thief.transport.request(f"aws.bus.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem", b"", 0.2)
        await thief.transport.close()

    asyncio.run(main())


# Our own processes keep to their parts too: defence in depth against a bug in one of them.
@pytest.mark.parametrize(("name", "publish", "subscribe"), [
    (GATEWAY_USER, f"aws.bus.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem", f"{INBOX}.{ACCOUNT}.{ALICE}.>"),
    (GATEWAY_USER, f"aws.svc.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem", "aws.>"),
    (GATEWAY_USER, f"{INBOX}.{ACCOUNT}.{ALICE}.0.1", "evt.>"),
    (GATEWAY_USER, f"evt.dynamodb.{ACCOUNT}.Forged", "$SYS.>"),
    (GATEWAY_USER, "sys.backup", "sys.record"),
    (GATEWAY_USER, "sys.identities", "sys.>"),
    (ACTORS_USER, "$SYS.REQ.SERVER.PING", f"{INBOX}.gateway.>"),
    (ADMIN_USER, f"evt.dynamodb.{ACCOUNT}.Forged", f"{INBOX}.gateway.>"),
    (MODELS_USER, f"aws.svc.{ACCOUNT}.{ALICE}.dynamodb.any.PutItem", "aws.svc.*.*.dynamodb.any.*"),
    (MODELS_USER, f"{INBOX}.{ACCOUNT}.{ALICE}.0.1", "aws.bus.*.*.model.host.*"),
    (MODELS_USER, "sys.reset", f"{INBOX}.actors.>"),
    (MODELS_USER, "sys.metrics", "sys.record"),
])
def test_processes_keep_to_their_parts(broker: Broker, name: str, publish: str, subscribe: str) -> None:
    async def main() -> None:
        async with guests(broker, name) as (guest,):
            guest.transport.publish(publish, b"")
            guest.transport.subscribe(subscribe, lambda _: None)
            await guest.transport.flush()
            assert len(guest.refused) == 2

    asyncio.run(main())


@pytest.mark.parametrize(("user", "password"), [("", ""), (ALICE, "guess"), ("nobody", ""), ("SYS", ""), ("sys", "x")])
def test_strangers_are_refused_at_once(broker: Broker, user: str, password: str) -> None:
    async def main() -> None:
        with pytest.raises(Disconnected, match="credentials"):
            await open_connection(broker.server.url, user, password, "_INBOX.x.", "stranger", wait_s=30.0)

    asyncio.run(main())


# The whole way under these permissions: small and large, both directions, for a direct publisher and the gateway; 64
# chunks each way is what allow_responses must let through.
@pytest.mark.parametrize("name", [ALICE, GATEWAY_USER, ADMIN_USER])
def test_calls_large_and_small_pass(broker: Broker, name: str) -> None:
    async def main() -> None:
        async with guests(broker, ACTORS_USER, name) as (actor, guest):
            serve_echo(actor.transport)
            await actor.transport.flush()
            door = {ALICE: "bus", GATEWAY_USER: "gw", ADMIN_USER: "svc"}[name]
            client = Client(guest.transport, Identity(door, ACCOUNT, ALICE), region="us-east-1")
            for size in (10, 64 * CHUNK_BYTES):
                params = {"data": bytes(size), "list": [1, "zwei"]}
                assert await client.call("echo", "Echo", params) == params
            assert not guest.refused
            assert not actor.refused

    asyncio.run(main())


# A publisher asked for a body may answer the asker; nobody else, whatever it is asked to.
def test_responses_are_allowed_to_whom_asked(broker: Broker) -> None:
    async def main() -> None:
        async with guests(broker, ACTORS_USER, ALICE, BOB) as (actor, alice, bob):
            answer = alice.transport.publish
            inbox = alice.transport.listen(lambda message: answer(message.reply, b"chunk"), lambda _: None)
            assert (await actor.transport.request(inbox.subject, b"pull", 30.0)).data == b"chunk"
            bobs = bob.transport.listen(lambda _: None, lambda _: None)
            alice.transport.publish(bobs.subject, b"unasked")
            await alice.transport.flush()
            assert len(alice.refused) == 1

    asyncio.run(main())


def serve_echo(transport: NatsTransport) -> None:
    endpoint = Endpoint(transport, Bodies(transport))
    tasks: set[asyncio.Task[None]] = set()

    async def later(message: Message, identity: Identity, coming: "object") -> None:
        request = await coming  # type: ignore[misc]
        endpoint.respond(message, identity, Reply(request.id, request.params))

    def handle(message: Message) -> None:
        identity = parse(message.subject).identity
        assert may_reply_to(identity, message.reply)
        request = endpoint.receive(message, identity)
        if isinstance(request, Request):
            endpoint.respond(message, identity, Reply(request.id, request.params))
        else:
            task = asyncio.get_running_loop().create_task(later(message, identity, request))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    transport.subscribe(anywhere("echo"), handle, "echo")


# What goes into a configuration is quoted and checked.
def test_config_refuses_what_would_break_out() -> None:
    for account in ("1", "gateway", "00000000000a", "*", ">"):
        with pytest.raises(ValueError, match="account"):
            direct_publisher(account, ALICE, "p")
    for key in ("a.b", "*", ">", 'x"', ""):
        with pytest.raises(ValueError, match="subject"):
            direct_publisher(ACCOUNT, key, "p")
    twice = direct_publisher(ACCOUNT, ALICE, "p")
    with pytest.raises(ValueError, match="two users"):
        server_config(BrokerSettings((twice, twice)))
