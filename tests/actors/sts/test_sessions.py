"""Sessions: who may assume which role, what the session may, for how long, and whose it is.

Expected: the STS API reference; https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html,
…/id_roles.html (chaining), …/access_policies.html#policies_session.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bus.virtual_time import run
from tests.actors.sts.skies import OTHER, document, skies
from tests.world import ACCOUNT

READ = {"Action": "dynamodb:GetItem", "Resource": "*"}
DYNAMODB = {"Action": "dynamodb:*", "Resource": "*"}
ASSUME = {"Action": "sts:*", "Resource": "*"}
GET = {"TableName": "music", "Key": {"pk": {"S": "a"}}}
PUT = {"TableName": "music", "Item": {"pk": {"S": "a"}}}


def test_a_role_and_its_session(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            alice = await sky.user("alice", {"Action": "sts:AssumeRole", "Resource": "*"})
            role = await sky.role("reader", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, READ, Path="/team/")
            assert role == f"arn:aws:iam::{ACCOUNT}:role/team/reader"
            session = await alice.assume(role, "me", DurationSeconds=900)
            who = await session.call("sts", "GetCallerIdentity")
            assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me"
            assert who["UserId"].startswith("AROA")
            assert who["UserId"].endswith(":me")
            await session.call("dynamodb", "GetItem", **GET)
            assert await session.denied("dynamodb", "PutItem", **PUT) == (
                f"User: arn:aws:sts::{ACCOUNT}:assumed-role/reader/me is not authorized to perform: dynamodb:PutItem "
                f"on resource: arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/music because no identity-based policy "
                "allows the dynamodb:PutItem action")
            await sky.world.restart()
            await session.call("dynamodb", "GetItem", **GET)
            await asyncio.sleep(901)
            error = await session.error("dynamodb", "GetItem", **GET)
            assert error.error_code == "ExpiredTokenException"
            assert (await session.error("sts", "GetCallerIdentity")).error_code == "ExpiredToken"
            await asyncio.sleep(2000)
            assert (await session.error("dynamodb", "GetItem", **GET)).error_code in (
                "ExpiredTokenException", "UnrecognizedClientException")

    run(main())


# A role made anew under an old name is another role: its sessions are other sessions.
def test_a_session_of_what_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, open_mode=True) as sky:
            alice = await sky.user("alice", ASSUME)
            trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            session = await alice.assume(await sky.role("r", trusted))
            await session.call("sts", "GetCallerIdentity")
            await sky.root().call("iam", "DeleteRole", RoleName="r")
            await sky.role("r", trusted)
            assert (await session.error("sts", "GetCallerIdentity")).error_code == "InvalidClientTokenId"

    run(main())


TRUST: list[tuple[Any, dict[str, Any], bool]] = [
    # the trust policy's Principal or statement, what the request adds, is alice let in?
    ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/alice"}, {}, True),
    ({"AWS": ACCOUNT}, {}, True),
    ({"AWS": "*"}, {}, True),
    ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, {}, False),
    ({"AWS": f"arn:aws:iam::{OTHER}:root"}, {}, False),
    ({"Service": "lambda.amazonaws.com"}, {}, False),
    ({"Principal": {"AWS": "*"}, "Action": "sts:TagSession"}, {}, False),
    ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "x1"}}}, {"ExternalId": "x1"}, True),
    ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "x1"}}}, {"ExternalId": "x2"}, False),
    ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
      "Condition": {"StringEquals": {"sts:ExternalId": "x1"}}}, {}, False),
    ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
      "Condition": {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}}, {"session": "alice"}, True),
    ({"Principal": {"AWS": "*"}, "Action": "sts:AssumeRole",
      "Condition": {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}}, {"session": "bob"}, False),
    ({"AWS": "*"}, {"Tags": [{"Key": "a", "Value": "b"}]}, False),
    ({"Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]},
     {"Tags": [{"Key": "a", "Value": "b"}]}, True),
    ({"AWS": "*"}, {"SourceIdentity": "alice"}, False),
]


@pytest.mark.parametrize(("trusted", "more", "let_in"), TRUST)
def test_whom_a_role_trusts(tmp_path: Path, trusted: Any, more: dict[str, Any], let_in: bool) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice = await sky.user("alice", ASSUME)
            role = await sky.role("r", trusted)
            params = {"RoleArn": role, "RoleSessionName": more.get("session", "name"),
                      **{name: value for name, value in more.items() if name != "session"}}
            if let_in:
                await alice.call("sts", "AssumeRole", **params)
            else:
                assert (await alice.denied("sts", "AssumeRole", **params)).endswith(f"on resource: {role}")

    run(main())


# In another account the caller's own policies must allow it as well; at home a trust policy that names it will do.
def test_across_accounts(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music", OTHER)
            alice, bob = await sky.user("alice"), await sky.user("bob", ASSUME)
            users = {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("alice", "bob")]}
            there = await sky.role("r", users, READ, account=OTHER)
            await alice.denied("sts", "AssumeRole", RoleArn=there, RoleSessionName="x1")
            session = await bob.assume(there)
            assert (await session.call("sts", "GetCallerIdentity"))["Account"] == OTHER
            await session.call("dynamodb", "GetItem", **GET)
            here = await sky.role("r", users)
            await alice.assume(here)
            await bob.denied("sts", "AssumeRole", RoleArn=f"{there}-not", RoleSessionName="x1")

    run(main())


# The session's policies limit what the role may, its managed ones too; they never add to it.
def test_session_policies(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            root = sky.root()
            role = await sky.role("r", {"AWS": ACCOUNT}, {"Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
                                                         "Resource": "*"})
            narrowed = await root.assume(role, Policy=document(READ, {"Action": "dynamodb:Scan", "Resource": "*"}))
            await narrowed.call("dynamodb", "GetItem", **GET)
            assert "no session policy" in await narrowed.denied("dynamodb", "PutItem", **PUT)
            assert "no identity-based policy" in await narrowed.denied("dynamodb", "Scan", TableName="music")
            managed = await root.assume(role, PolicyArns=[
                {"arn": "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"}])
            await managed.call("dynamodb", "GetItem", **GET)
            assert "no session policy" in await managed.denied("dynamodb", "PutItem", **PUT)
            answer = await root.call("sts", "AssumeRole", RoleArn=role, RoleSessionName="x1", Policy=document(READ))
            assert 0 < answer["PackedPolicySize"] <= 100
            error = await root.error("sts", "AssumeRole", RoleArn=role, RoleSessionName="x1", Policy="{}")
            assert error.error_code == "MalformedPolicyDocument"

    run(main())


# Tags that are transitive go with the chain and cannot be changed on the way; a chain's sessions last an hour.
def test_chains(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            anyone = {"Principal": {"AWS": ACCOUNT}, "Action": ["sts:AssumeRole", "sts:TagSession",
                                                                "sts:SetSourceIdentity"]}
            first = await sky.role("first", anyone, ASSUME, MaxSessionDuration=7200)
            second = await sky.role("second", anyone, {
                "Action": "dynamodb:ListTables", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/kept": "1", "aws:SourceIdentity": "me"},
                              "Null": {"aws:PrincipalTag/left": "true"}}}, MaxSessionDuration=7200)
            tags = [{"Key": "kept", "Value": "1"}, {"Key": "left", "Value": "2"}]
            one = await sky.root().assume(first, Tags=tags, TransitiveTagKeys=["kept"], SourceIdentity="me",
                                          DurationSeconds=7200)
            two = await one.assume(second)
            await two.call("dynamodb", "ListTables")
            chain = {"RoleArn": second, "RoleSessionName": "x1"}
            error = await one.error("sts", "AssumeRole", **chain, DurationSeconds=3601)
            assert (error.error_code, error.message) == (
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
            error = await one.error("sts", "AssumeRole", **chain, Tags=[{"Key": "kept", "Value": "3"}])
            assert error.error_code == "InvalidParameterValue"
            await one.denied("sts", "AssumeRole", **chain, SourceIdentity="other")
            error = await sky.root().error("sts", "AssumeRole", **chain, DurationSeconds=7201)
            assert error.message == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."

    run(main())


# A user's session may what the user may, but not ask IAM, nor for more sessions.
def test_session_tokens(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            alice = await sky.user("alice", {"Action": "*", "Resource": "*"})
            session = sky.session((await alice.call("sts", "GetSessionToken"))["Credentials"])
            assert await session.call("sts", "GetCallerIdentity") == await alice.call("sts", "GetCallerIdentity")
            await session.call("dynamodb", "GetItem", **GET)
            assert (await session.error("iam", "ListUsers")).error_code == "InvalidClientTokenId"
            for operation, params in (("GetSessionToken", {}), ("GetFederationToken", {"Name": "bob"})):
                assert await session.denied("sts", operation, **params) == (
                    f"Cannot call {operation} with session credentials")
            example = await sky.root().call("sts", "GetAccessKeyInfo", AccessKeyId="AKIAIOSFODNN7EXAMPLE")
            assert example == {"Account": "581039954779"}                 # as AWS answers of its own example
            assert (await sky.root().call("sts", "GetAccessKeyInfo", AccessKeyId=session.access_key)) == {
                "Account": ACCOUNT}

    run(main())


# A federated user may what both its policy and the user behind it may; without a policy nothing.
def test_federation_tokens(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            alice = await sky.user("alice", DYNAMODB, ASSUME)
            answer = await alice.call("sts", "GetFederationToken", Name="bob", Policy=document(
                READ, {"Action": "iam:*", "Resource": "*"}))
            assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
            bob = sky.session(answer["Credentials"])
            assert await bob.call("sts", "GetCallerIdentity") == {
                "UserId": f"{ACCOUNT}:bob", "Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}
            await bob.call("dynamodb", "GetItem", **GET)
            assert "no session policy" in await bob.denied("dynamodb", "PutItem", **PUT)
            nothing = await sky.root().call("sts", "GetFederationToken", Name="none")
            await sky.session(nothing["Credentials"]).denied("dynamodb", "GetItem", **GET)
            role = await sky.role("r", {"AWS": "*"})
            await bob.denied("sts", "AssumeRole", RoleArn=role, RoleSessionName="x1")

    run(main())


# A service asks for itself, by the services' door alone, and gets the roles that trust it.
def test_services(tmp_path: Path) -> None:
    from actors.runtime.roles import assume
    from bus.client import Client
    from bus.subjects import SERVICE
    from schemas.envelope import Identity
    from schemas.errors import AwsError

    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            role = await sky.role("r", {"Service": "lambda.amazonaws.com"}, READ)
            client = Client(sky.world.connect(), Identity(SERVICE, ACCOUNT, "anonymous"), region="us-east-1")
            session = await assume(client, "lambda", role, "function")
            await client.call("dynamodb", "GetItem", GET, identity=session.identity)
            with pytest.raises(AwsError, match="AccessDenied"):
                await client.call("dynamodb", "PutItem", PUT, identity=session.identity)
            with pytest.raises(AwsError, match="AccessDenied"):
                await assume(client, "ec2", role, "function")
            forged = sky.root()
            forged.access_key = "service-lambda"
            assert (await forged.error("sts", "AssumeRole", RoleArn=role, RoleSessionName="x1")).error_code == \
                "InvalidClientTokenId"

    run(main())
