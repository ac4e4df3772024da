"""Direct publishers: any NATS client with the credentials boto3 has, held to what they are.

Expected: bus/README.md (Asking in ten lines, Permissions). What a publisher might try beyond that: test_malicious.py.
"""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import boto3
import msgpack
import nats
import pytest
from nats.aio.client import Client as Nats

from bus.connection import open_connection
from bus.transport import Disconnected
from tests import servers

SECRET = "a-secret-of-the-operator"
ACCOUNT = "000000000000"
WAIT_S = 10.0


class Running(NamedTuple):
    server: servers.Server
    url: str


class Keys(NamedTuple):
    key: str
    secret: str
    account: str = ACCOUNT


ROOT = Keys("test", SECRET)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("direct") / "data"
    with servers.skybus("--durability", "os", "--auth", "strict", data_dir=data,
                        environment={"SKYBUS_ROOT_SECRET_KEY": SECRET}) as server:
        yield Running(server, json.loads((data / "run" / "bus.json").read_text())["url"])


def iam(running: Running, service: str = "iam") -> Any:
    make: Any = boto3.client
    return make(service, endpoint_url=running.server.endpoint, region_name="us-east-1", aws_access_key_id=ROOT.key,
                aws_secret_access_key=ROOT.secret)


def user(running: Running, name: str, *actions: str) -> Keys:
    admin = iam(running)
    admin.create_user(UserName=name)
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        admin.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": statement}))
    made = admin.create_access_key(UserName=name)["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


class InOrder(Nats):
    """nats-py writes the PING of a flush at once, ahead of what it has accepted and not yet written. By the answer that
    is written too, so a second PING comes behind it: then the broker has seen all that was published or subscribed."""

    async def flush(self, *limit: Any, **named: Any) -> None:
        await super().flush(*limit, **named)
        await super().flush(*limit, **named)


@contextlib.asynccontextmanager
async def connected(running: Running, keys: Keys, **options: Any) -> AsyncIterator[Nats]:
    """With nats-py, told only what the README tells."""
    client = InOrder()
    await client.connect(running.url, **{
        "user": keys.key, "password": keys.secret, "inbox_prefix": f"_INBOX.{keys.account}.{keys.key}",
        "allow_reconnect": False, **options})
    try:
        yield client
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):
            await client.close()


async def turned_away(running: Running, keys: Keys) -> bool:
    """By our own client: nats-py leaves a connection that is refused open."""
    try:
        transport = await open_connection(running.url, keys.key, keys.secret, "_INBOX.x.", "test", wait_s=WAIT_S)
    except Disconnected:
        return True
    await transport.close()
    return False


async def call(client: Nats, keys: Keys, service: str, operation: str, **params: Any) -> Any:
    """The answer, or the code of the error."""
    subject = f"aws.bus.{keys.account}.{keys.key}.{service}.any.{operation}"
    answer = await client.request(subject, msgpack.packb({"params": params}), timeout=WAIT_S)
    reply = msgpack.unpackb(answer.data, timestamp=3)
    return reply["ok"] if "ok" in reply else reply["error"]["code"]


# The key's secret opens the door, and what the user may is what its policies say.
def test_a_users_key(running: Running) -> None:
    alice = user(running, "alice", "dynamodb:ListTables")

    async def main() -> None:
        async with connected(running, alice) as client:
            assert (await call(client, alice, "sts", "GetCallerIdentity"))["Arn"].endswith("user/alice")
            assert await call(client, alice, "dynamodb", "ListTables") == {"TableNames": []}
            assert await call(client, alice, "iam", "ListUsers") == "AccessDenied"
        async with connected(running, ROOT) as client:
            assert "Users" in await call(client, ROOT, "iam", "ListUsers")
        for bad in (Keys(alice.key, "wrong"), Keys(alice.key, ""), Keys("AKIANOBODY", alice.secret),
                    Keys(ROOT.key, "test"), Keys("anonymous", ""), Keys("*", ""), Keys("a.b", ""), Keys("gateway", "")):
            assert await turned_away(running, bad), bad

    asyncio.run(main())


# A session's secret and token, for as long as it lasts.
def test_a_session(running: Running) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    role = iam(running).create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": trust}))["Role"]["Arn"]
    given = iam(running, "sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    keys = Keys(given["AccessKeyId"], f"{given['SecretAccessKey']}:{given['SessionToken']}")

    async def main() -> None:
        async with connected(running, keys) as client:
            assert (await call(client, keys, "sts", "GetCallerIdentity"))["Arn"].endswith("assumed-role/reader/me")
            assert await call(client, keys, "dynamodb", "ListTables") == "AccessDeniedException"
        for password in (given["SecretAccessKey"], f"{keys.secret}x", f":{given['SessionToken']}"):
            assert await turned_away(running, Keys(keys.key, password)), password

    asyncio.run(main())


# A long-term API key of Bedrock's bears HTTP requests and opens no bus, neither whole nor taken apart.
def test_a_bedrock_api_key(running: Running) -> None:
    admin = iam(running)
    dave = user(running, "dave", "bedrock:*")
    made = admin.create_service_specific_credential(UserName="dave", ServiceName="bedrock.amazonaws.com")
    token = made["ServiceSpecificCredential"]["ServiceCredentialSecret"]
    name, _, secret = base64.b64decode(token.removeprefix("ABSK")).decode().partition(":")

    async def main() -> None:
        assert not await turned_away(running, dave)
        for keys in (Keys(name, secret), Keys(name, token), Keys(dave.key, token), Keys(dave.key, secret),
                     Keys(token, ""), Keys(token, token)):
            assert await turned_away(running, keys), keys.key

    asyncio.run(main())


# Whose key is taken away is disconnected, and does not get in again.
def test_a_revoked_key(running: Running) -> None:
    bob, carol = user(running, "bob", "dynamodb:*"), user(running, "carol", "dynamodb:*")

    async def main() -> None:
        gone = asyncio.Event()

        async def disconnected() -> None:
            gone.set()

        async def quiet(error: Exception) -> None:
            """The broker's last word before it hangs up."""

        async with connected(running, bob, disconnected_cb=disconnected, error_cb=quiet) as client, \
                connected(running, carol) as other:
            assert await call(client, bob, "dynamodb", "ListTables") == {"TableNames": []}
            await asyncio.to_thread(iam(running).update_access_key, UserName="bob", AccessKeyId=bob.key,
                                    Status="Inactive")
            await asyncio.wait_for(gone.wait(), WAIT_S)
            assert await call(other, carol, "dynamodb", "ListTables") == {"TableNames": []}
        assert await turned_away(running, bob)

    asyncio.run(main())
