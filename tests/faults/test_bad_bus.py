"""Nonsense straight on the bus, as a direct publisher and as the administrator, on every family of subjects: an error
in the envelope's form or nobody there, no process dies, memory stays flat.

Expected: bus/README.md (envelopes), actors/runtime/host.py. The broker is real, and so are its permissions.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.codec import pack, unpack
from bus.connection import open_connection
from bus.transport import NoResponders, RequestTimeout, Transport
from deploy.broker import ADMIN, RUN_FILE, BusUser, read_bus, read_run
from tests import servers
from tests.faults.probing import all_well, anonymous_bytes

FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANSWER_LIMIT_S = 20.0
SOON_S = 1.0                               # how long a claim's sender says it waits

INTEGERS = st.integers(-(2**63), 2**64 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats() | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner, max_size=3), max_leaves=12,
)
MEMBERS = st.sampled_from(["TableName", "Item", "Key", "RequestItems", "Limit", "KeySchema"])
PARAMS = st.dictionaries(MEMBERS | st.text(max_size=4), VALUES, max_size=4)
# Members of the right name and any type; a deadline that has passed would rightly be met with silence.
ENVELOPES = st.fixed_dictionaries({}, optional={
    "params": PARAMS | VALUES, "id": VALUES | st.text(max_size=300), "region": VALUES | st.just("eu-west-1"),
    "trace": VALUES, "source": VALUES, "v": VALUES, "ok": VALUES, "unknown": VALUES,
    "deadline_ms": st.none() | st.text(max_size=3) | st.just(2**62),
})
DEEP = [b"\x91" * 10_000, b"\x81\xa1a" * 10_000, b"\x81\xa6params\x81\xa4Item\x81\xa1a" + b"\x81\xa1L\x91" * 5_000]
DATA = (st.binary(max_size=200) | ENVELOPES.map(pack) | VALUES.map(pack) | st.sampled_from(DEEP)
        | st.sampled_from([b"", b"\xc1", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdd\x7f\xff\xff\xff"]))
SERVICES = st.sampled_from(["dynamodb", "sts"])
SLOTS = st.sampled_from(["any", "00", "ff", "7f"])
NAMES = st.sampled_from(["PutItem", "Query", "CreateTable", "GetCallerIdentity", "UpdateTable", "Nonsense", "a-b_c"])


def connected(user: BusUser, url: str, work: Callable[[Transport], Awaitable[None]]) -> None:
    async def main() -> None:
        transport = await open_connection(url, user.user, user.password, user.inbox_prefix, "fuzz")
        try:
            await work(transport)
        finally:
            await transport.close()

    asyncio.run(main())


def as_publisher(data_dir: Path, work: Callable[[Transport, str], Awaitable[None]]) -> None:
    """`work` is given the direct publisher's transport and how its subjects begin."""
    access = read_bus(data_dir / "run")
    user = BusUser(access["user"], access["password"], access["inbox_prefix"])
    prefix = f"aws.bus.{access['account']}.{access['principal']}"
    connected(user, access["url"], lambda transport: work(transport, prefix))


def as_admin(data_dir: Path, work: Callable[[Transport], Awaitable[None]]) -> None:
    run = read_run(data_dir / "run" / RUN_FILE)
    connected(run.users[ADMIN], run.url, work)


def assert_an_answer(data: bytes) -> None:
    """An envelope with an output or an error, and nothing of our inside."""
    reply = unpack(data)
    if "ok" in reply:
        return
    error = reply["error"]
    assert error["code"], reply
    assert "Traceback" not in str(error), reply
    assert ".py" not in str(error), reply


# Every request that wants an answer gets one.
@FEW
@given(requests=st.lists(st.tuples(SERVICES, SLOTS, NAMES, DATA), min_size=1, max_size=20))
def test_requests(skybus: servers.Server, data_dir: Path, requests: list[tuple[str, str, str, bytes]]) -> None:
    async def work(bus: Transport, prefix: str) -> None:
        answers = [
            bus.request(f"{prefix}.{service}.{slot}.{operation}", data, ANSWER_LIMIT_S)
            for service, slot, operation, data in requests if not (service == "sts" and slot != "any")
        ]
        for answer in answers:
            assert_an_answer((await answer).data)

    as_publisher(data_dir, work)


# Claims that lie about what they offer are given up by the deadline they name, with an error or without a word.
@FEW
@given(lie=st.fixed_dictionaries({}, optional={
    "kind": st.just("pull") | VALUES, "body": st.text(max_size=9) | VALUES, "size": st.integers(0, 2**31) | VALUES,
    "crc32": st.integers(0, 2**32 - 1) | VALUES,
    "inbox": st.sampled_from(["own", "sys.reset", "_INBOX.gateway.1"]) | VALUES,
}), chunk=DATA)
def test_claims(skybus: servers.Server, data_dir: Path, lie: dict[str, Any], chunk: bytes) -> None:
    async def work(bus: Transport, prefix: str) -> None:
        inbox = bus.listen(lambda message: bus.publish(message.reply, chunk) if message.reply else None, lambda _: None)
        claim = {"kind": "pull", "body": "b", "size": 10, "crc32": 0, "inbox": "own", **lie}
        if claim["inbox"] == "own":
            claim["inbox"] = inbox.subject
        deadline = int((time.time() + SOON_S) * 1000)
        data = pack({"body": claim, "deadline_ms": deadline})
        asked = bus.request(f"{prefix}.dynamodb.any.PutItem", data, 3 * SOON_S)
        try:
            assert_an_answer((await asked).data)
        except RequestTimeout:
            return

    as_publisher(data_dir, work)


# What wants no answer, other subjects, and subjects that are not a direct publisher's: silence or nobody there.
FAMILIES = [
    "aws.gw.000000000000.test.dynamodb.any.PutItem", "aws.svc.000000000000.test.dynamodb.any.PutItem",
    "aws.bus.x.y.dynamodb.any.PutItem", "aws.gw.000000000000.test.dynamodb.cancel.1", "aws.gw.1.2.sts.any.3",
    "sys.status", "sys.health", "sys.metrics", "sys.backup", "sys.arrived", "sys.nothing",
    "$SRV.PING", "$SRV.INFO.dynamodb", "$SRV.STATS", "$SRV.INFO.dynamodb.nobody", "_INBOX.actors.x.1",
]


@FEW
@given(messages=st.lists(st.tuples(st.sampled_from(FAMILIES), DATA, st.booleans()), min_size=1, max_size=20))
def test_every_family(skybus: servers.Server, data_dir: Path, messages: list[tuple[str, bytes, bool]]) -> None:
    async def work(bus: Transport) -> None:
        for subject, data, wanted in messages:
            bus.publish(subject, data, "_INBOX.admin.fuzz.1" if wanted else "")
        await bus.flush()
        answer = await bus.request("sys.health", b"", ANSWER_LIMIT_S)                 # behind all of it
        assert unpack(answer.data)["services"] == {"dynamodb": "", "sts": ""}

    as_admin(data_dir, work)


# A direct publisher's forgeries are the broker's to refuse; nobody there is told at once.
def test_nobody_there(skybus: servers.Server, data_dir: Path) -> None:
    async def work(bus: Transport, prefix: str) -> None:
        for subject in (f"{prefix}.polly.any.SynthesizeSpeech", f"{prefix}.dynamodb.zz.PutItem"):
            answered = await asyncio.gather(bus.request(subject, b"", ANSWER_LIMIT_S), return_exceptions=True)
            assert isinstance(answered[0], NoResponders)

    as_publisher(data_dir, work)


MEASURED = 4_000
GROWTH_LIMIT_BYTES = 6 * 1024 * 1024       # a leak of 1.5 KiB a request would pass it
AT_ONCE = 100


def test_memory_stays_flat(skybus: servers.Server, data_dir: Path) -> None:
    corpus = [b"", b"\xc1", b"\x80", *DEEP, pack({"params": 1}), pack({"params": {"TableName": 1}}), pack([1, 2]),
              pack({"params": {}, "id": "x" * 300}), pack({"params": {"TableName": "gone", "Key": {"k": {"S": "1"}}}}),
              pack({"body": {"kind": "no"}}), pack({"params": {"Item": {"k": {"S": "x" * 200_000}}}})]

    async def feed(bus: Transport, prefix: str) -> None:
        for start in range(0, MEASURED, AT_ONCE):
            answers = [
                bus.request(f"{prefix}.dynamodb.any.Nonsense{number}" if number % 5 == 0
                            else f"{prefix}.dynamodb.any.GetItem", corpus[number % len(corpus)], ANSWER_LIMIT_S)
                for number in range(start, start + AT_ONCE)
            ]
            for answer in answers:
                assert_an_answer((await answer).data)

    def held() -> dict[str, int]:
        return {name: anonymous_bytes(process) for name, process in skybus.processes().items()}

    with all_well(skybus, data_dir):
        as_publisher(data_dir, feed)              # what is remembered within bounds fills up first
        before = held()
        as_publisher(data_dir, feed)
        grown = {name: now - before[name] for name, now in held().items()}
        assert max(grown.values()) < GROWTH_LIMIT_BYTES, grown
        print("grown by bytes:", grown)
