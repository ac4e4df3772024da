"""bus/client.py and bus/endpoint.py together: what is asked arrives, what is answered comes back, giving up is said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus import client as client_module
from bus import subjects
from bus.bodies import BODY_LIMIT_BYTES, Bodies, BodyError
from bus.client import Client
from bus.codec import MalformedEnvelope, Unencodable, encode_claim, encode_reply, encode_request, pack
from bus.endpoint import Endpoint
from bus.transport import BusError, Disconnected, Message, NoResponders, Overloaded, RequestTimeout, Transport
from schemas.envelope import INLINE_LIMIT_BYTES, Fault, Identity, Reply, Request
from schemas.errors import AwsError
from schemas.routing import slot
from tests.bus.worlds import Runner, World, simulated

GATE = Identity("gw", "000000000000", "test")
DIRECT = Identity("bus", "000000000001", "AKIAALICE")
DIRECT_INBOX = subjects.inbox_prefix(DIRECT.account, DIRECT.principal)

Answer = Callable[[Request, subjects.Address], Reply]


class Service:
    """An actor's runtime in forty lines: answers what comes to a service."""

    def __init__(self, transport: Transport, name: str, answer: Answer) -> None:
        self._endpoint = Endpoint(transport, Bodies(transport), asyncio.get_running_loop().time)
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen: list[subjects.Address] = []
        self.refused: list[Exception] = []
        transport.subscribe(subjects.anywhere(name), self._on_request, name)
        for subject in subjects.owned(name, range(256)):
            transport.subscribe(subject, self._on_request)

    def _on_request(self, message: Message) -> None:
        address = subjects.parse(message.subject)
        if not subjects.may_reply_to(address.identity, message.reply):
            return
        self.seen.append(address)
        try:
            request = self._endpoint.receive(message, address.identity)
        except MalformedEnvelope as error:
            self.refused.append(error)
            return
        if isinstance(request, Request):
            self._endpoint.respond(message, address.identity, self._answer(request, address))
        else:
            task = asyncio.get_running_loop().create_task(self._later(message, address, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _later(self, message: Message, address: subjects.Address, coming: Awaitable[Request]) -> None:
        try:
            request = await coming
        except (BusError, MalformedEnvelope) as error:
            self.refused.append(error)
            return
        self._endpoint.respond(message, address.identity, self._answer(request, address))


def echo(request: Request, _: subjects.Address) -> Reply:
    return Reply(request.id, {"params": request.params, "region": request.region, "trace": request.trace,
                              "source": request.source, "deadline_ms": request.deadline_ms})


@contextlib.asynccontextmanager
async def service(world: World, answer: Answer, identity: Identity = GATE) -> AsyncIterator[tuple[Service, Client]]:
    serving = await world.connect("_INBOX.actors.")
    asking = await world.connect(DIRECT_INBOX if identity is DIRECT else "_INBOX.gateway.")
    found = Service(serving, world.root, answer)
    await serving.flush()
    yield found, Client(asking, identity, region="us-east-1", clock=asyncio.get_running_loop().time)
    await asking.flush()
    await serving.flush()


# What the caller says arrives as it was said, on the subject that says who asks and whose slot it is (bus/README.md).
@settings(max_examples=12)
@given(
    params=st.dictionaries(st.text("abc", max_size=3), st.integers(-5, 5) | st.binary(max_size=5), max_size=4),
    region=st.sampled_from([None, "eu-west-1"]), trace=st.sampled_from(["", "00-aa-bb-01"]),
    source=st.sampled_from([None, {"ip": "127.0.0.1"}]), identity=st.sampled_from([GATE, DIRECT]),
)
def test_calls(run: Runner, params: dict[str, Any], region: str | None, trace: str, source: dict[str, str] | None,
               identity: Identity) -> None:
    async def scenario(world: World) -> None:
        async with service(world, echo, identity) as (found, client):
            got = await client.call(
                world.root, "Echo", params, region=region, trace=trace, source=source, timeout_s=30.0, request_id="r-1"
            )
            assert got["params"] == params
            assert (got["region"], got["trace"], got["source"]) == (region or "us-east-1", trace, source)
            assert got["deadline_ms"] > 0
            assert found.seen == [subjects.Address(identity, world.root, "any", "Echo")]

    run(scenario)


# The slot is schemas/routing.py's: a DynamoDB table's owner hears of its table.
def test_the_slot_is_the_resources(run: Runner) -> None:
    async def scenario(world: World) -> None:
        transport = await world.connect("_INBOX.gateway.")
        heard: list[str] = []

        def answer(message: Message) -> None:
            heard.append(message.subject)
            transport.publish(message.reply, encode_reply(Reply("", {})))

        account = f"{int(world.root[1:5] or '0', 16):012d}"
        expected = slot("dynamodb", account, "us-east-1", {"TableName": "T"})
        transport.subscribe(f"aws.*.{account}.*.dynamodb.{expected}.*", answer)
        await transport.flush()
        client = Client(transport, Identity("gw", account, "test"), region="us-east-1")
        await client.call("dynamodb", "PutItem", {"TableName": "T"})
        assert heard == [f"aws.gw.{account}.test.dynamodb.{expected}.PutItem"]

    run(scenario)


SIZES = st.sampled_from([INLINE_LIMIT_BYTES - 200, INLINE_LIMIT_BYTES, INLINE_LIMIT_BYTES + 1, 3 * INLINE_LIMIT_BYTES])


# Any envelope over the inline limit crosses too, in both directions, and nobody keeps it afterwards.
@settings(max_examples=8)
@given(request_size=st.just(10) | SIZES, reply_size=st.just(10) | SIZES, identity=st.sampled_from([GATE, DIRECT]))
def test_large_requests_and_replies(run: Runner, request_size: int, reply_size: int, identity: Identity) -> None:
    def answer(request: Request, _: subjects.Address) -> Reply:
        return Reply(request.id, {"asked": len(request.params["data"]), "data": b"r" * reply_size})

    async def scenario(world: World) -> None:
        async with service(world, answer, identity) as (found, client):
            got = await client.call(world.root, "Echo", {"data": b"q" * request_size}, timeout_s=30.0)
            assert (got["asked"], len(got["data"])) == (request_size, reply_size)
            assert not found.refused

    run(scenario)


# An error reply is an AwsError with the code, status and fields the actor gave; a missing actor is a BusError.
def test_errors() -> None:
    def answer(request: Request, _: subjects.Address) -> Reply:
        fields = {"Item": {"a": {"N": "1"}}, "code": "odd", "message": "odd"}
        return Reply(request.id, error=Fault("ConditionalCheckFailedException", "The conditional …", fields, 400))

    async def scenario(world: World) -> None:
        async with service(world, answer) as (_, client):
            with pytest.raises(AwsError) as caught:
                await client.call(world.root, "PutItem", {})
            assert caught.value.error_code == "ConditionalCheckFailedException"
            assert (caught.value.message, caught.value.status) == ("The conditional …", 400)
            assert caught.value.fields["Item"] == {"a": {"N": "1"}}
            with pytest.raises(NoResponders):
                await client.call("nobody", "PutItem", {})
            for params in ({"a": "\ud800"}, {"a": 2**64}, {"a": object()}):
                with pytest.raises(Unencodable):
                    await client.call(world.root, "PutItem", params)
            for name in ("a.b", "", "a b", "*", ">"):
                with pytest.raises(ValueError, match="subject"):
                    await client.call(name, "PutItem", {})
                with pytest.raises(ValueError, match="subject"):
                    await client.call(world.root, name, {})

    simulated(scenario)


# Answers that are no answers: a BusError each time, whatever the bytes.
@settings(max_examples=50)
@given(st.binary(max_size=40) | st.sampled_from([
    pack({}), pack({"ok": 1}), pack({"ok": {}, "error": {}}), pack({"error": {}}), pack({"body": {}}),
    pack({"end": True}), pack({"event": {}}), pack({"body": {"kind": "pull", "body": "x", "size": 1, "crc32": 0}}),
]))
def test_malformed_answers(data: bytes) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect()
        serving.subscribe(subjects.anywhere("odd"), lambda message: serving.publish(message.reply, data))
        await serving.flush()
        client = Client(asking, GATE, region="us-east-1", clock=asyncio.get_running_loop().time)
        with pytest.raises(BodyError):
            await client.call("odd", "Do", {}, timeout_s=1.0)

    simulated(scenario)


# A cancelled call says so to the actor, under the caller's own identity and the request's id; a time-out does not have
# to: the deadline stands in the request.
def test_cancel(run: Runner) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect("_INBOX.gateway.")
        came: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        cancelled: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        serving.subscribe(subjects.anywhere(world.root), came.set_result)
        serving.subscribe(subjects.cancels(world.root), cancelled.set_result)
        await serving.flush()
        client = Client(asking, GATE, region="us-east-1")
        call = asyncio.ensure_future(client.call(world.root, "Slow", {}, request_id="r-7"))
        await came
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await cancelled).subject == f"aws.gw.000000000000.test.{world.root}.cancel.r-7"

    run(scenario)


def streaming(transport: Transport, name: str, replies: list[Reply], cancelled: list[str]) -> None:
    def start(message: Message) -> None:
        for reply in replies:
            transport.publish(message.reply, encode_reply(reply))

    transport.subscribe(subjects.anywhere(name), start, name)
    transport.subscribe(subjects.cancels(name), lambda message: cancelled.append(message.subject))


# A stream: all events in order, then its end or its error; left early, the actor is told, and only then.
@settings(max_examples=12)
@given(count=st.integers(0, 40), ending=st.sampled_from(["end", "error"]), take=st.none() | st.integers(1, 5))
def test_streams(run: Runner, count: int, ending: str, take: int | None) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect("_INBOX.gateway.")
        cancelled: list[str] = []
        last = Reply("", end=True) if ending == "end" else Reply("", error=Fault("ModelErrorException", "no", {}))
        streaming(serving, world.root, [Reply("", event={"n": number}) for number in range(count)] + [last], cancelled)
        await serving.flush()
        client = Client(asking, GATE, region="us-east-1")
        got: list[int] = []
        error = ""
        try:
            async with contextlib.aclosing(client.stream(world.root, "Converse", {}, timeout_s=30.0)) as events:
                async for reply in events:
                    assert reply.event is not None
                    got.append(reply.event["n"])
                    if take is not None and len(got) == take:
                        break
        except AwsError as caught:
            error = caught.error_code
        await asking.flush()
        await serving.flush()
        early = take is not None and count >= take
        assert got == list(range(take if early and take is not None else count))
        assert error == ("ModelErrorException" if ending == "error" and not early else "")
        assert len(cancelled) == (1 if early else 0)

    run(scenario)


# Events over the inline limit take the same way as replies, in their place among the others.
def test_large_events(run: Runner) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect("_INBOX.actors."), await world.connect("_INBOX.gateway.")
        endpoint = Endpoint(serving, Bodies(serving))

        def start(message: Message) -> None:
            for size in (1, 2 * INLINE_LIMIT_BYTES, 2):
                endpoint.respond(message, GATE, Reply("", event={"data": bytes(size)}))
            endpoint.respond(message, GATE, Reply("", end=True))

        serving.subscribe(subjects.anywhere(world.root), start, world.root)
        await serving.flush()
        client = Client(asking, GATE, region="us-east-1")
        sizes = [len(reply.event["data"]) async for reply in client.stream(world.root, "Converse", {}) if reply.event]
        assert sizes == [1, 2 * INLINE_LIMIT_BYTES, 2]

    run(scenario)


# A reader too slow for the bound is told, the actor is cancelled; silence and loss end a stream too.
def test_streams_that_go_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "STREAM_BUFFER_EVENTS", 4)

    async def collect(client: Client, name: str) -> list[int]:
        return [reply.event["n"] async for reply in client.stream(name, "Converse", {}, timeout_s=5.0) if reply.event]

    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect("_INBOX.gateway.")
        client = Client(asking, GATE, region="us-east-1")
        cancelled: list[str] = []
        streaming(serving, "silent", [Reply("", event={"n": 1})], cancelled)
        await serving.flush()
        with pytest.raises(RequestTimeout):
            await collect(client, "silent")
        with pytest.raises(NoResponders):
            await collect(client, "nobody")
        streaming(serving, "fast", [Reply("", event={"n": number}) for number in range(9)], cancelled)
        await serving.flush()
        slow = client.stream("fast", "Converse", {}, timeout_s=5.0)
        assert (await anext(slow)).event == {"n": 0}
        await asyncio.sleep(1)
        with pytest.raises(Overloaded):
            async for _ in slow:
                pass
        stopped = asyncio.ensure_future(collect(client, "silent"))
        await asyncio.sleep(1)
        await world.crash()
        with pytest.raises(Disconnected):
            await stopped
        await world.recover()
        assert [subject.split(".")[4] for subject in cancelled] == ["silent", "fast"]

    simulated(scenario)


# A direct publisher's claim may name no inbox but its own, or the actor would be sent to pull from (and write to)
# others.
@pytest.mark.parametrize(
    "inbox", ["", "aws.svc.0.x.iam.any.DeleteUser", "_INBOX.gateway.1", "_INBOX.000000000001.AKIABOB.1"]
)
def test_a_claim_names_its_senders_own_inbox(inbox: str) -> None:
    async def scenario(world: World) -> None:
        async with service(world, echo, DIRECT) as (found, _):
            asking = await world.connect(DIRECT_INBOX)
            claim = Bodies(asking).offer(encode_request(Request({})), lambda _: True).claim._replace(inbox=inbox)
            with pytest.raises(RequestTimeout):
                await asking.request(subjects.request(DIRECT, "t", "any", "Do"), encode_claim(claim), 1.0)
            assert [type(error) for error in found.refused] == [MalformedEnvelope]

    simulated(scenario)


def test_a_claim_has_a_limit() -> None:
    async def scenario(world: World) -> None:
        async with service(world, echo, DIRECT) as (found, _):
            asking = await world.connect(DIRECT_INBOX)
            claim = Bodies(asking).offer(encode_request(Request({})), lambda _: True).claim
            too_large = encode_claim(claim._replace(size=BODY_LIMIT_BYTES + 1))
            with pytest.raises(RequestTimeout):
                await asking.request(subjects.request(DIRECT, "t", "any", "Do"), too_large, 1.0)
            assert [type(error) for error in found.refused] == [MalformedEnvelope]

    simulated(scenario)


# Whoever gives up the one actor that answers ends its streams as well as its calls, and no others.
def test_streams_end_when_their_actor_is_given_up(run: Runner) -> None:
    async def scenario(world: World) -> None:
        serving, asking = await world.connect(), await world.connect("_INBOX.gateway.")
        heard: list[Message] = []

        def serve(message: Message) -> None:
            heard.append(message)
            serving.publish(message.reply, encode_reply(Reply(event={"n": len(heard)})))

        for service in ("mortal", "other"):
            serving.subscribe(f"aws.*.*.*.{world.root}{service}.any.Converse", serve)
        await serving.flush()
        client = Client(asking, GATE, region="us-east-1")
        mortal = client.stream(f"{world.root}mortal", "Converse", {}, timeout_s=30.0)
        other = client.stream(f"{world.root}other", "Converse", {}, timeout_s=30.0)
        await anext(mortal)
        await anext(other)
        asking.abandon(lambda subject: f".{world.root}mortal." in subject, "it has gone")
        with pytest.raises(Disconnected, match="it has gone"):
            await anext(mortal)
        serving.publish(heard[1].reply, encode_reply(Reply(end=True)))
        assert [reply async for reply in other] == []

    run(scenario)
