"""What a direct publisher might try to be more than it is, attack by attack, against a whole Skybus and a real broker.

Eve is a user who may list tables and nothing else. Each test also shows that its attack would be seen if nothing stood
in its way: somebody who is entitled to it does the same and succeeds. Expected: bus/README.md, Permissions.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import msgpack
import nats
import nats.js.api  # nats-py reads headers with it; bus/connection.py leaves it out
import pytest
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from bus import bodies, permissions
from deploy.broker import ACTORS, ADMIN, RUN_FILE, Run, read_run
from tests import servers
from tests.sdk.test_direct import ACCOUNT, ROOT, SECRET, WAIT_S, Keys, Running, call, connected, iam, turned_away, user

OTHER = "111111111111"
SCENE_LIMIT_S = 20.0
OWN_PROCESSES = {"sys.reset", "sys.credential", "sys.identities", "evt.iam.x.y", "$SRV.PING"}
BROKERS = {"$SYS.REQ.USER.AUTH", "$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ",
           "$SYS.REQ.ACCOUNT.PING.CONNZ", f"$SYS.REQ.CLAIMS.UPDATE.{ACCOUNT}", "$JS.API.INFO",
           "$JS.API.STREAM.CREATE.all", "$JS.API.CONSUMER.CREATE.all"}


class Scene:
    def __init__(self, running: Running, run: Run) -> None:
        self.running = running
        self.run = run
        self.eve = user(running, "eve", "dynamodb:ListTables", "dynamodb:GetItem")
        self.bob = user(running, "bob", "dynamodb:*", "iam:*")

    def subject(self, keys: Keys, operation: str, service: str = "dynamodb") -> str:
        return f"aws.bus.{keys.account}.{keys.key}.{service}.any.{operation}"

    @contextlib.asynccontextmanager
    async def process(self, role: str) -> AsyncIterator[Nats]:
        """A connection as one of our own processes has it: entitled to what a publisher is not."""
        own = self.run.users[role]
        keys, prefix = Keys(own.user, own.password), own.inbox_prefix.rstrip(".")
        async with connected(self.running, keys, inbox_prefix=prefix) as client:
            yield client

    def users(self) -> set[str]:
        return {each["UserName"] for each in iam(self.running).list_users()["Users"]}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    data = tmp_path_factory.mktemp("malicious") / "data"
    with servers.skybus("--durability", "os", "--auth", "strict", data_dir=data,
                        environment={"SKYBUS_ROOT_SECRET_KEY": SECRET}) as server:
        run = read_run(data / "run" / RUN_FILE)
        yield Scene(Running(server, run.url), run)


def played(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(main(), SCENE_LIMIT_S))


def request(**params: Any) -> bytes:
    packed: bytes = msgpack.packb({"params": params})
    return packed


def unpacked(message: Msg) -> dict[str, Any]:
    found: dict[str, Any] = msgpack.unpackb(message.data, timestamp=3)
    return found


async def refused(client: Nats, attempt: Coroutine[Any, Any, Any]) -> bool:
    """Does the broker say that this is not permitted?"""
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def told(error: Exception) -> None:
        if not said.done():
            said.set_result(str(error))

    client._error_cb = told
    await attempt
    await client.flush()
    return "ermissions" in await asyncio.wait_for(said, WAIT_S)


async def ears(client: Nats, subject: str, queue: str = "") -> list[Msg]:
    """All that comes to a subject, from now on."""
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await client.subscribe(subject, queue=queue, cb=hear)
    await client.flush()
    return heard


# Another's name, account or door in the subject: the broker refuses it. The one whose name it is is obeyed.
def test_a_forged_principal(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    forged = request(UserName="forged")
    bobs = scene.subject(bob, "CreateUser", "iam")

    async def main() -> None:
        async with connected(scene.running, eve) as client:
            for subject in (
                bobs, scene.subject(ROOT, "CreateUser", "iam"), scene.subject(eve._replace(account=OTHER), "X", "iam"),
                f"aws.gw.{ACCOUNT}.{bob.key}.iam.any.CreateUser", f"aws.gw.{ACCOUNT}.{eve.key}.iam.any.CreateUser",
                f"aws.svc.{ACCOUNT}.{eve.key}.iam.any.CreateUser",
                f"aws.svc.{ACCOUNT}.service-lambda.iam.any.CreateUser",
                f"aws.bus.{ACCOUNT}.anonymous.iam.any.CreateUser", f"aws.bus.{ACCOUNT}.{bob.key}.dynamodb.cancel.1",
            ):
                assert await refused(client, client.publish(subject, forged)), subject
        assert "forged" not in scene.users()
        async with connected(scene.running, bob) as client:
            assert "ok" in unpacked(await client.request(bobs, forged, timeout=WAIT_S))
        assert "forged" in scene.users()

    played(main)


# A login under another's name: without its secret there is none, and our own processes' users have no other.
def test_a_forged_login(scene: Scene) -> None:
    async def main() -> None:
        for keys in (Keys(scene.bob.key, scene.eve.secret), Keys(ROOT.key, scene.eve.secret), Keys(OTHER, "x"),
                     Keys(ACTORS, ""), Keys(ACTORS, ACTORS), Keys(permissions.WARDEN_USER, "x"), Keys("root", SECRET),
                     Keys("service-lambda", "x"), Keys("", "")):
            assert await turned_away(scene.running, keys), keys.key
        assert not await turned_away(scene.running, scene.bob)

    played(main)


# What an envelope says of its sender is not read: who, from which account, from where. From our own gateway it counts.
def test_forged_envelope_fields(scene: Scene) -> None:
    inside = {"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*",
              "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    iam(scene.running).put_user_policy(UserName="eve", PolicyName="inside", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": inside}))
    envelope = {"params": {"UserName": "inside"}, "source": {"ip": "10.0.0.1", "account": ACCOUNT, "arn": "arn:x"},
                "identity": ["gw", ACCOUNT, ROOT.key], "principal": ROOT.key, "account": OTHER, "door": "gw"}

    async def main() -> None:
        async with connected(scene.running, scene.eve) as client:
            answer = await client.request(
                scene.subject(scene.eve, "CreateUser", "iam"), msgpack.packb(envelope), timeout=WAIT_S)
            assert unpacked(answer)["error"]["code"] == "AccessDenied"
        assert "inside" not in scene.users()
        async with scene.process(ADMIN) as admin:
            subject = f"aws.gw.{ACCOUNT}.{scene.eve.key}.iam.any.CreateUser"
            assert "ok" in unpacked(await admin.request(subject, msgpack.packb(envelope), timeout=WAIT_S))

    played(main)
    iam(scene.running).delete_user_policy(UserName="eve", PolicyName="inside")


# Others' requests and answers, our own subjects and the broker's are not heard, with or without a queue group.
def test_eavesdropping(scene: Scene) -> None:
    bob = scene.bob
    patterns = [">", "*", "aws.>", "aws.*.*.*.*.*.*", f"aws.bus.{ACCOUNT}.{bob.key}.>", "_INBOX.>", "_INBOX.*.*.>",
                f"_INBOX.{ACCOUNT}.>", f"_INBOX.{ACCOUNT}.*.>", f"_INBOX.{ACCOUNT}.{bob.key}.>", "_INBOX.gateway.>",
                "_INBOX.actors.>", "sys.>", "evt.>", "$SRV.>", "$SYS.>", "$JS.>", *BROKERS, *OWN_PROCESSES]

    async def main() -> None:
        async with connected(scene.running, scene.eve) as client, scene.process(ACTORS) as insider:
            for pattern in patterns:
                for queue in ("", "dynamodb"):
                    assert await refused(client, client.subscribe(pattern, queue=queue)), pattern
            heard = await ears(insider, f"aws.bus.{ACCOUNT}.{bob.key}.>")
            async with connected(scene.running, bob) as other:
                assert "TableNames" in await call(other, bob, "dynamodb", "ListTables")
            await insider.flush()
            assert [message.subject for message in heard] == [scene.subject(bob, "ListTables")]

    played(main)


# A member of the actors' queue group would get some of everybody's requests.
def test_queue_group_theft(scene: Scene) -> None:
    bob, pattern = scene.bob, "aws.*.*.*.dynamodb.any.*"

    async def sent() -> None:
        async with connected(scene.running, bob) as other:
            for _ in range(64):
                await other.publish(scene.subject(bob, "ListTables"), request())
            await other.flush()

    async def main() -> None:
        async with connected(scene.running, scene.eve) as client:
            for own in (pattern, f"aws.bus.{ACCOUNT}.{scene.eve.key}.dynamodb.any.*", scene.subject(bob, "ListTables")):
                assert await refused(client, client.subscribe(own, queue="dynamodb")), own
            assert await refused(client, client.subscribe("sys.principal", queue="iam"))
        async with scene.process(ACTORS) as insider:
            stolen = await ears(insider, pattern, "dynamodb")
            await sent()
            await insider.flush()
            assert stolen

    played(main)


# Wildcards in a subject that is published are letters like others: they name nobody, and no operation.
def test_subject_wildcards(scene: Scene) -> None:
    eve = scene.eve
    own = f"aws.bus.{ACCOUNT}.{eve.key}"

    async def main() -> None:
        async with connected(scene.running, eve) as client:
            for subject in (f"aws.bus.{ACCOUNT}.*.iam.any.CreateUser", "aws.bus.*.*.iam.any.CreateUser", "aws.>",
                            f"aws.*.{ACCOUNT}.{eve.key}.iam.any.CreateUser", f"{own}.>", f"{own}.iam.>",
                            f"{own}.iam.any", f"{own}.iam.any.CreateUser.x"):
                assert await refused(client, client.publish(subject, request(UserName="wild"))), subject
            answer = await client.request(f"{own}.iam.any.*", request(UserName="wild"), timeout=WAIT_S)
            assert unpacked(answer)["error"]["code"] == "UnknownOperationException"
            for service in ("*", ">", "model"):
                with pytest.raises(nats.errors.NoRespondersError):
                    await client.request(f"{own}.{service}.any.CreateUser", request(), timeout=WAIT_S)
        assert "wild" not in scene.users()

    played(main)


# Neither the broker's own subjects nor JetStream's nor those between our processes take anything from a publisher.
@pytest.mark.parametrize("subjects", [BROKERS, OWN_PROCESSES])
def test_foreign_subjects(scene: Scene, subjects: set[str]) -> None:
    async def main() -> None:
        async with connected(scene.running, scene.eve) as client, scene.process(ACTORS) as insider:
            heard = await ears(insider, "sys.>")
            for subject in subjects:
                assert await refused(client, client.publish(subject, b"{}")), subject
            await insider.publish("sys.nothing", b"")
            await insider.flush()
            known = [message.subject for message in heard if message.subject in (*subjects, "sys.nothing")]
            assert known == ["sys.nothing"]

    played(main)


# A step that our services ask of each other, and as a part of an operation nobody records, is nothing to anyone else.
def test_steps_between_shards(scene: Scene) -> None:
    bob = scene.bob

    async def main() -> None:
        async with connected(scene.running, bob) as client:
            for service, slot, step in (("dynamodb", "00", "part-CreateTable"), ("dynamodb", "00", "part-Decide"),
                                        ("iam", "any", "part-CreateUser"), ("dynamodb", "00", "part-")):
                subject = f"aws.bus.{ACCOUNT}.{bob.key}.{service}.{slot}.{step}"
                answer = unpacked(await client.request(subject, request(UserName="unrecorded"), timeout=WAIT_S))
                assert answer["error"]["code"] == "UnknownOperationException", step
        assert "unrecorded" not in scene.users()

    played(main)


# An answer goes to an inbox of its asker's alone: not to another's, not to where it would be taken for a request.
def test_reply_hijack(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    bobs = f"_INBOX.{ACCOUNT}.{bob.key}.here"

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other, \
                scene.process(ACTORS) as insider:
            heard = await ears(other, bobs)
            roots = scene.subject(ROOT, "X", "iam")
            inside = [await ears(insider, subject) for subject in ("sys.reset", "evt.>", roots)]
            for reply in (bobs, "sys.reset", "evt.iam.x.y", roots, "_INBOX.gateway.x",
                          f"_INBOX.{ACCOUNT}.{eve.key}x.y", f"_INBOX.{ACCOUNT}.*.y", "_INBOX.>"):
                await client.publish(scene.subject(eve, "ListTables"), request(), reply=reply)
            for publish in (client.publish(bobs, b"forged"), client.publish("_INBOX.gateway.x", b"forged")):
                assert await refused(client, publish)
            assert await call(client, eve, "dynamodb", "ListTables") == {"TableNames": []}         # behind all of them
            async with scene.process(ADMIN) as admin:      # through a door whose inboxes are not told apart
                await admin.publish(f"aws.gw.{ACCOUNT}.{eve.key}.dynamodb.any.ListTables", request(), reply=bobs)
                await admin.flush()
            while not heard:
                await call(other, bob, "dynamodb", "ListTables")
            assert [unpacked(message) for message in heard] == [{"ok": {"TableNames": []}}]
            await insider.flush()
            assert inside == [[], [], []]

    played(main)


async def a_large_answer(scene: Scene, client: Nats) -> Msg:
    """To eve: a claim, in its reply subject the inbox where its body is to be asked for."""
    subject = scene.subject(scene.eve, "GetItem")
    answer = await client.request(subject, request(TableName="large", Key={"pk": {"S": "a"}}), timeout=WAIT_S)
    assert "body" in unpacked(answer)
    return answer


# Where a large answer is asked for, one may write; what is written there brings nobody else anything.
def test_pulls_for_others(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    tables = iam(scene.running, "dynamodb")
    tables.create_table(TableName="large", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[
        {"AttributeName": "pk", "AttributeType": "S"}], KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    tables.put_item(TableName="large", Item={"pk": {"S": "a"}, "v": {"S": "x" * 350_000}})
    bobs, own = f"_INBOX.{ACCOUNT}.{bob.key}.here", f"_INBOX.{ACCOUNT}.{eve.key}.here"

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other:
            heard = await ears(other, bobs)
            mine = await ears(client, own)
            answer = await a_large_answer(scene, client)
            name = unpacked(answer)["body"]["body"]
            pulls = [msgpack.packb({"body": which, "offset": 0}) for which in (name, "nobodys")]
            for reply in (bobs, "sys.reset", scene.subject(ROOT, "X", "iam"), own):
                for pull in pulls:
                    await client.publish(answer.reply, pull, reply=reply)
            assert len((await client.request(answer.reply, pulls[0], timeout=WAIT_S)).data) > 100_000
            assert await refused(client, client.publish(f"{answer.reply}x", pulls[0]))
            assert len(mine) == 1
            await call(other, bob, "dynamodb", "ListTables")
            assert not heard

    played(main)
    tables.delete_table(TableName="large")


# A claim says where its body is to be asked for. It is asked for in its sender's own inbox, or not at all.
def test_claims_of_others_inboxes(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    bobs, own = f"_INBOX.{ACCOUNT}.{bob.key}.here", f"_INBOX.{ACCOUNT}.{eve.key}.here"

    def claim(inbox: str, size: int = 300_000) -> bytes:
        packed: bytes = msgpack.packb({"body": {
            "kind": "pull", "body": "b", "size": size, "crc32": 0, "inbox": inbox}})
        return packed

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other:
            heard, mine = await ears(other, bobs), await ears(client, own)
            for inbox in (bobs, "sys.reset", "", scene.subject(ROOT, "X", "iam"), f"{own} {bobs}",
                          f"{own} 0\r\n\r\nPUB {bobs} 6\r\nforged\r\nPUB x"):
                answer = await client.request(scene.subject(eve, "ListTables"), claim(inbox), timeout=WAIT_S)
                assert unpacked(answer)["error"]["code"] == "SerializationException", inbox
            await client.publish(scene.subject(eve, "ListTables"), claim(own))
            while not mine:
                await call(client, eve, "dynamodb", "ListTables")
            assert unpacked(mine[0])["body"] == "b"
            await call(other, bob, "dynamodb", "ListTables")
            assert not heard

    played(main)


# "Nobody there" is the broker's to say, and it says so to who asked, not to the inbox that was named.
def test_no_responders_spoof(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    nowhere, bobs = scene.subject(eve, "SynthesizeSpeech", "polly"), f"_INBOX.{ACCOUNT}.{bob.key}.here"

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other:
            heard, mine = await ears(other, bobs), await ears(client, f"_INBOX.{ACCOUNT}.{eve.key}.here")
            await client.publish(nowhere, b"", reply=bobs)
            assert await refused(client, client.publish(bobs, b"", headers={"Status": "503"}))
            await client.publish(nowhere, b"", reply=f"_INBOX.{ACCOUNT}.{eve.key}.here")
            while not mine:
                await client.flush()
            assert (mine[0].headers or {})["Status"] == "503"
            await call(other, bob, "dynamodb", "ListTables")
            assert not heard

    played(main)


# Headers of a message: what the broker obeys (traces of a message's way, to a subject of choice) it obeys only where
# one may publish, and no service reads any.
def test_header_injection(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    bobs = f"_INBOX.{ACCOUNT}.{bob.key}.here"

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other, \
                scene.process(ACTORS) as insider:
            heard, inside = await ears(other, bobs), await ears(insider, "sys.>")
            mine = f"_INBOX.{ACCOUNT}.{eve.key}.here"
            answers, users = await ears(client, mine), scene.subject(eve, "ListUsers", "iam")
            for target in (bobs, "sys.reset", scene.subject(bob, "CreateUser", "iam")):
                headers = {"Nats-Trace-Dest": target, "Status": "503", "Nats-Expected-Stream": "x", "user": ROOT.key}
                await client.publish(users, request(), reply=mine, headers=headers)
            plain = await client.request(users, request(), timeout=WAIT_S)         # its answer comes behind theirs
            for answer in (*answers, plain):               # what may not be traced is not delivered
                assert unpacked(answer)["error"]["code"] == "AccessDenied"
            await call(client, eve, "dynamodb", "ListTables")
            await call(other, bob, "dynamodb", "ListTables")
            await insider.flush()
            assert not heard
            assert "sys.reset" not in [message.subject for message in inside]
            await insider.publish(
                scene.subject(bob, "ListTables"), request(), headers={"Nats-Trace-Dest": "sys.traced"})
            await insider.flush()
            while "sys.traced" not in [message.subject for message in inside]:
                await insider.flush()

    played(main)


# Too large for the broker, for an envelope or for a body; bombs; nonsense. Each is answered or hung up on.
def test_oversized_and_bombs(scene: Scene) -> None:
    eve, bob = scene.eve, scene.bob
    subject = scene.subject(eve, "ListTables")
    bombs = [
        b"", b"\xc1", b"\x81", b"\x91" * 5_000,
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
        b"\x81\xa6params\xdd\x7f\xff\xff\xff", b"\x81\xa6params\xc7\xff\x05" + bytes(255),
        b"\x81\xa6params\xc7\x0c\xff" + b"\xff" * 12, msgpack.packb({"body": {"kind": "pull"}}),
        msgpack.packb({"body": {"kind": "zlib", "body": "b", "size": 9, "crc32": 0}}),
        msgpack.packb({"body": {"kind": "pull", "body": "b", "size": bodies.BODY_LIMIT_BYTES + 1, "crc32": 0,
                                "inbox": f"_INBOX.{ACCOUNT}.{eve.key}.x"}}),
        msgpack.packb({"params": {"Limit": 2**63}, "id": "x" * 300}), request(Limit=2**64 - 1),
        msgpack.packb({"params": {}, "deadline_ms": -1}), msgpack.packb({"params": {}, "region": "a.b"}),
    ]

    async def main() -> None:
        async with connected(scene.running, eve) as client, connected(scene.running, bob) as other:
            for bomb in bombs:
                answer = unpacked(await client.request(subject, bomb, timeout=WAIT_S))
                assert "error" in answer, bomb[:20]
            many = msgpack.packb({"params": {str(number): {} for number in range(20_000)}})     # unknown: ignored
            assert unpacked(await client.request(subject, many, timeout=WAIT_S)) == {"ok": {"TableNames": []}}
            full = await client.request(subject, request(ExclusiveStartTableName="x" * 900_000), timeout=WAIT_S)
            assert "error" in unpacked(full)
            assert "TableNames" in await call(other, bob, "dynamodb", "ListTables")
        assert await hung_up(scene, bytes(permissions.MAX_PAYLOAD_BYTES + 1))
        assert not await hung_up(scene, bytes(permissions.MAX_PAYLOAD_BYTES))

    played(main)


async def hung_up(scene: Scene, data: bytes) -> bool:
    """Does a client that does not hold itself back, straight on its socket, hear `-ERR` instead of PONG?"""
    host, _, port = scene.running.url.removeprefix("nats://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await reader.readline()
    login = json.dumps({"user": scene.eve.key, "pass": scene.eve.secret, "verbose": False, "pedantic": False})
    writer.write(f"CONNECT {login}\r\nPING\r\n".encode())
    assert await reader.readline() == b"PONG\r\n"
    head = f"PUB {scene.subject(scene.eve, 'ListTables')} {len(data)}\r\n"
    writer.write(head.encode() + data + b"\r\nPING\r\n")
    said = await reader.readline()
    writer.close()
    assert said in (b"PONG\r\n", b"-ERR 'Maximum Payload Violation'\r\n")
    return said != b"PONG\r\n"


# Another's bytes are worth nothing: whoever sends them sends them in its own name. One's own old mail is not read.
def test_replayed(scene: Scene) -> None:
    captured: list[bytes] = []

    async def main() -> None:
        async with scene.process(ACTORS) as insider:
            heard = await ears(insider, f"aws.*.{ACCOUNT}.*.iam.*.CreateUser")
            await asyncio.to_thread(iam(scene.running).create_user, UserName="original")
            await insider.flush()
            [genuine] = heard
            captured.append(genuine.data)
        await asyncio.to_thread(iam(scene.running).delete_user, UserName="original")
        async with connected(scene.running, scene.eve) as client:
            assert await refused(client, client.publish(genuine.subject, genuine.data))
            answer = unpacked(await client.request(
                scene.subject(scene.eve, "CreateUser", "iam"), genuine.data, timeout=WAIT_S))
            assert answer["error"]["code"] == "AccessDenied"
        assert "original" not in scene.users()
        async with connected(scene.running, scene.bob) as client:
            mine = scene.subject(scene.bob, "CreateUser", "iam")
            for deadline_ms, done in ((1, False), (2**50, True)):
                envelope = msgpack.packb({**msgpack.unpackb(captured[0]), "deadline_ms": deadline_ms})
                await client.publish(mine, envelope)
                await call(client, scene.bob, "iam", "ListUsers")
                assert ("original" in scene.users()) == done

    played(main)
