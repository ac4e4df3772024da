"""The host: what reaches an operation, what its caller hears, and what a forged or late message achieves."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.actor import InitialResponse, ServiceActor, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from bus import subjects
from bus.codec import decode_reply, encode_request
from bus.simulated import Faults
from bus.subjects import DIRECT, GATEWAY, SERVICE
from bus.transport import Message, RequestTimeout
from bus.virtual_time import run
from schemas.envelope import Identity, Reply, Request
from schemas.errors import AwsError
from tests.world import ACCOUNT, ROOT, World, clock, world

MALLORY = Identity(DIRECT, "111122223333", "111122223333")


class Tables(ServiceActor):
    """A few of DynamoDB's operations with behaviour of the test's own."""

    service = "dynamodb"
    stateful = True

    def __init__(self) -> None:
        self.sources: list[dict[str, str]] = []
        self.slices = 0
        self.reading = asyncio.Event()

    @operation("DeleteTable")
    def write(self, context: Context, transaction: Transaction, request: dict[str, Any]) -> dict[str, Any]:
        self.sources.append(context.source)
        transaction.put(b"name", request["TableName"].encode())
        if request["TableName"] == "fails":
            raise AwsError("no", code="ResourceInUseException")
        if request["TableName"] == "breaks":
            raise ZeroDivisionError
        return {"TableDescription": {"TableName": request["TableName"]}}

    @query("DescribeTable")
    def read(self, context: Context, snapshot: Snapshot, request: dict[str, Any]) -> dict[str, Any]:
        return {"Table": {"TableName": (snapshot.get(b"name") or b"").decode()}}

    @query("Scan")
    def read_long(
        self, context: Context, snapshot: Snapshot, request: dict[str, Any]
    ) -> Generator[None, None, dict[str, Any]]:
        self.reading.set()
        while self.slices < 1_000_000:
            self.slices += 1
            yield
        return {}

    @query("ListTables")
    def unencodable(self, context: Context, snapshot: Snapshot, request: dict[str, Any]) -> dict[str, Any]:
        return {"TableNames": [object()]}


class Functions(ServiceActor):
    """Lambda's Invoke, which waits, and its stream."""

    service = "lambda"

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()
        self.started = asyncio.Event()

    @operation("Invoke")
    async def wait(self, context: Context, request: dict[str, Any]) -> dict[str, Any]:
        self.started.set()
        try:
            await asyncio.sleep(float(request["FunctionName"].removeprefix("sleep-")))
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return {"StatusCode": 200}

    @operation("InvokeWithResponseStream")
    async def stream(self, context: Context, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        yield InitialResponse(StatusCode=200)
        try:
            for part in range(1000):
                yield {"PayloadChunk": {"Payload": b"%d" % part}}
                await asyncio.sleep(1)
                if request["FunctionName"] == "fails" and part == 2:
                    raise AwsError("midway", code="ServiceException")
        finally:
            self.cancelled.set()


async def fails_with(world: World, service: str, name: str, params: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await world.client().call(service, name, params)
    return caught.value


def test_a_write_is_read_back_and_an_error_leaves_no_trace(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [Tables()]) as w:
            client = w.client()
            await client.call("dynamodb", "DeleteTable", {"TableName": "written"})
            assert (await fails_with(w, "dynamodb", "DeleteTable", {"TableName": "fails"})).error_code == \
                "ResourceInUseException"
            found = await client.call("dynamodb", "DescribeTable", {"TableName": "any"})
            assert found["Table"]["TableName"] == "written"
            await w.restart()
            found = await w.client().call("dynamodb", "DescribeTable", {"TableName": "any"})
            assert found["Table"]["TableName"] == "written"

    run(main())


def test_a_bug_is_an_internal_failure_without_its_details(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [Tables()]) as w:
            for name, params in (("DeleteTable", {"TableName": "breaks"}), ("ListTables", {})):
                error = await fails_with(w, "dynamodb", name, params)
                assert error.error_code in ("InternalServerError", "InternalFailure")
                assert error.status == 500
                assert "ZeroDivision" not in error.message
                assert "object" not in error.message

    run(main())


def test_what_is_not_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [Tables()]) as w:
            absent = await fails_with(w, "dynamodb", "UpdateTable", {"TableName": "abc"})
            assert (absent.error_code, absent.status) == ("NotImplemented", 501)
            unknown = await fails_with(w, "dynamodb", "MakeCoffee", {})
            assert unknown.error_code == "UnknownOperationException"

    run(main())


def test_invalid_requests_never_reach_the_operation(tmp_path: Path) -> None:
    """Validation stands behind the bus: a direct publisher passes it too."""
    async def main() -> None:
        async with world(tmp_path, [Tables()]) as w:
            error = await fails_with(w, "dynamodb", "DeleteTable", {"TableName": 7})
            assert error.error_code == "SerializationException"
            error = await fails_with(w, "dynamodb", "DeleteTable", {})
            assert error.error_code == "ValidationException"

    run(main())


def test_what_a_direct_publisher_says_of_itself_does_not_count(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Tables()
        async with world(tmp_path, [actor]) as w:
            for door in (DIRECT, GATEWAY, SERVICE):
                identity = Identity(door, ACCOUNT, "test")
                await w.client(identity).call(
                    "dynamodb", "DeleteTable", {"TableName": "abc"}, source={"ip": "10.0.0.1"}
                )
            assert actor.sources == [{}, *[{"ip": "10.0.0.1"}] * 2]

    run(main())


def test_no_confused_deputy(tmp_path: Path) -> None:
    """A reply subject that is no inbox of the sender's own gets nothing, and nothing is done."""
    async def main() -> None:
        actor = Tables()
        async with world(tmp_path, [actor]) as w:
            transport = w.connect()
            heard: list[Message] = []
            targets = ["aws.bus.000000000000.test.dynamodb.any.DeleteTable", "_INBOX.111122223333.111122223333.x", "x"]
            for target in targets:
                transport.subscribe(target, heard.append)
            await transport.flush()
            subject = subjects.request(ROOT, "dynamodb", "00", "DeleteTable")
            for target in targets:
                transport.publish(subject, encode_request(Request({"TableName": "abc"})), target)
            await transport.flush()
            await asyncio.sleep(1)
            assert not actor.sources
            assert not [message for message in heard if message.subject != targets[0]]

    run(main())


# Parts pass neither audit nor placement, whoever coordinates them does: a direct publisher asks for whole operations.
def test_parts_are_no_publishers(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Tables()
        async with world(tmp_path, [actor]) as w:
            for door in (DIRECT, GATEWAY):
                subject = subjects.request(Identity(door, ACCOUNT, "test"), "dynamodb", "00", "part-DeleteTable")
                answer = await w.connect().request(subject, encode_request(Request({"TableName": "abc"})), 5)
                reply = decode_reply(answer.data)
                assert isinstance(reply, Reply)
                assert (reply.error is None) == (door == GATEWAY)
                if reply.error is not None:
                    assert reply.error.code == "UnknownOperationException"
            assert len(actor.sources) == 1

    run(main())


def test_garbage_is_answered_and_harms_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [Tables()]) as w:
            subject = subjects.request(ROOT, "dynamodb", "00", "DeleteTable")
            for garbage in (b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xa6params\x01", b"\xdd\xff\xff\xff\xff"):
                answer = await w.connect().request(subject, garbage, 5)
                reply = decode_reply(answer.data)
                assert isinstance(reply, Reply)
                assert reply.error is not None
                assert reply.error.code == "SerializationException"
            await w.client().call("dynamodb", "DeleteTable", {"TableName": "abc"})

    run(main())


def test_stale_mail_is_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Tables()
        async with world(tmp_path, [actor]) as w:
            request = Request({"TableName": "abc"}, deadline_ms=int((clock() - 1) * 1000))
            subject = subjects.request(ROOT, "dynamodb", "00", "DeleteTable")
            with pytest.raises(RequestTimeout):
                await w.connect().request(subject, encode_request(request), 5)
            assert not actor.sources

    run(main())


def test_a_caller_that_hangs_up_cancels_and_nobody_else_can(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Functions()
        async with world(tmp_path, [actor]) as w:
            client = w.client()
            call = asyncio.ensure_future(
                client.call("lambda", "Invoke", {"FunctionName": "sleep-50"}, request_id="request-1")
            )
            await actor.started.wait()
            w.client(MALLORY).cancel(MALLORY, "lambda", "request-1")
            await asyncio.sleep(5)
            assert not actor.cancelled.is_set()
            call.cancel()
            await actor.cancelled.wait()

    run(main())


def test_a_long_read_is_cancelled(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Tables()
        async with world(tmp_path, [actor], faults=Faults(0, 0)) as w:
            call = asyncio.ensure_future(w.client().call("dynamodb", "Scan", {"TableName": "abc"}))
            await actor.reading.wait()
            call.cancel()
            await asyncio.wait([call])
            await asyncio.sleep(1)
            reached = actor.slices
            assert reached < 1_000_000
            await asyncio.sleep(1)
            assert actor.slices == reached

    run(main())


def test_a_deadline_ends_what_waits(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Functions()
        async with world(tmp_path, [actor]) as w:
            with pytest.raises(RequestTimeout):
                await w.client().call("lambda", "Invoke", {"FunctionName": "sleep-50"}, timeout_s=2)
            await actor.cancelled.wait()

    run(main())


def test_a_stream_comes_event_by_event_and_stops_when_its_reader_leaves(tmp_path: Path) -> None:
    async def main() -> None:
        actor = Functions()
        async with world(tmp_path, [actor]) as w:
            stream = w.client().stream("lambda", "InvokeWithResponseStream", {"FunctionName": "endless"})
            times, payloads = [], []
            async with aclosing(stream) as replies:
                async for reply in replies:
                    if reply.ok is not None:
                        assert reply.ok == {"StatusCode": 200}
                        continue
                    assert reply.event is not None
                    times.append(clock())
                    payloads.append(reply.event["PayloadChunk"]["Payload"])
                    if len(payloads) == 4:
                        break
            assert payloads == [b"0", b"1", b"2", b"3"]
            assert times[-1] - times[0] >= 2.9
            await actor.cancelled.wait()

    run(main())


def test_a_stream_that_fails_midway_raises_after_its_events(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, [Functions()]) as w:
            stream = w.client().stream("lambda", "InvokeWithResponseStream", {"FunctionName": "fails"})
            replies = [await anext(stream) for _ in range(4)]
            assert [reply.event is not None for reply in replies] == [False, True, True, True]
            with pytest.raises(AwsError, match="ServiceException: midway"):
                await anext(stream)

    run(main())
