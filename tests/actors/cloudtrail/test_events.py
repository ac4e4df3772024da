"""Calls as CloudTrail tells of them: who, what, where from, what came of it, and no secrets.

Expected: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html and
…-user-identity.html.
"""

import asyncio
from pathlib import Path
from typing import Any

from actors.cloudtrail.service import CloudTrail
from bus.virtual_time import run
from schemas.envelope import Identity
from tests.actors.cloudtrail.looking import lookup
from tests.actors.sts.skies import OTHER, Sky, skies
from tests.world import ACCOUNT

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
ITEM = {"pk": {"S": "a"}}


def test_a_management_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            root = sky.root()
            root.source = {"ip": "192.0.2.7", "user_agent": "aws-cli/2"}
            await root.call("iam", "CreateUser", UserName="alice", Tags=[{"Key": "team", "Value": "red"}])
            [event] = await lookup(root, EventName="CreateUser")
            created = event["responseElements"]["user"].pop("createDate")
            user_id = event["responseElements"]["user"].pop("userId")
            assert created.startswith("Nov 14, 2023, 10:13:2"), created
            assert user_id.startswith("AIDA")
            assert len(event.pop("eventID")) == 36
            assert event.pop("eventTime").startswith("2023-11-14T22:13:2")
            assert event.pop("requestID")
            arn = f"arn:aws:iam::{ACCOUNT}:user/alice"
            assert event == {
                "eventVersion": "1.11",
                "userIdentity": {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root",
                                 "accountId": ACCOUNT, "accessKeyId": "test"},
                "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "awsRegion": "us-east-1",
                "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2",
                "requestParameters": {"userName": "alice", "tags": [{"key": "team", "value": "red"}]},
                "responseElements": {"user": {
                    "path": "/", "userName": "alice", "arn": arn, "tags": [{"key": "team", "value": "red"}]}},
                "readOnly": False, "resources": [{"accountId": ACCOUNT, "type": "AWS::IAM::User", "ARN": arn}],
                "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT,
                "eventCategory": "Management",
            }

    run(main())


# Sessions say who made them and when; their secrets, and those of access keys, are nowhere.
def test_identities_and_secrets(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            root = sky.root()
            alice = await sky.user("alice", {"Action": "sts:*", "Resource": "*"})
            role = await sky.role("reader", {"AWS": ACCOUNT}, {"Action": "iam:ListUsers", "Resource": "*"})
            session = await alice.assume(role, "lunch")
            await session.call("iam", "ListUsers")
            [made] = await lookup(root, EventName="CreateAccessKey")
            assert made["responseElements"]["accessKey"]["secretAccessKey"] == HIDDEN
            assert made["responseElements"]["accessKey"]["accessKeyId"] == alice.access_key
            [assumed] = await lookup(root, EventName="AssumeRole")
            identity = assumed["userIdentity"]
            assert identity.pop("principalId").startswith("AIDA")
            assert identity == {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice", "accountId": ACCOUNT,
                                "accessKeyId": alice.access_key, "userName": "alice"}
            credentials = assumed["responseElements"]["credentials"]
            assert (credentials["accessKeyId"], credentials["secretAccessKey"], credentials["sessionToken"]) == (
                session.access_key, HIDDEN, HIDDEN)
            [listed] = await lookup(root, EventName="ListUsers")
            assert listed["responseElements"] is None
            identity = listed["userIdentity"]
            assert identity["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/lunch"
            issuer = identity["sessionContext"].pop("sessionIssuer")
            assert identity["principalId"] == f"{issuer.pop('principalId')}:lunch"
            assert issuer == {"type": "Role", "arn": role, "accountId": ACCOUNT, "userName": "reader"}
            assert identity["sessionContext"]["attributes"]["mfaAuthenticated"] == "false"
            text = str(await lookup(root))
            assert session.secret not in text
            assert session.token not in text
            assert alice.secret not in text

    run(main())


# Denials are recorded with their words, of data operations as well, but LookupEvents knows management events only.
def test_denials(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            await sky.table("music")
            alice = await sky.user("alice")
            words = await alice.denied("dynamodb", "DescribeTable", TableName="music")
            await alice.denied("dynamodb", "GetItem", TableName="music", Key=ITEM)
            [event] = await lookup(sky.root(), EventName="DescribeTable")
            assert (event["errorCode"], event["errorMessage"]) == ("AccessDeniedException", words)
            assert event["resources"][0]["type"] == "AWS::DynamoDB::Table"
            assert await verified(sky)
            journal = (sky.world.directory / "audit.jsonl").read_text()
            assert '"eventName":"GetItem"' in journal
            assert not (await sky.root().call("cloudtrail", "LookupEvents", LookupAttributes=[
                {"AttributeKey": "EventName", "AttributeValue": "GetItem"}]))["Events"]

    run(main())


# What happens in another account, both accounts hear of: the same event under one sharedEventID.
def test_two_accounts(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            role = await sky.role("guest", {"AWS": OTHER})
            await sky.root(OTHER).call("iam", "CreateUser", UserName="bob")
            bob = await sky.user("bob2", {"Action": "sts:AssumeRole", "Resource": role}, account=OTHER)
            await bob.assume(role)
            [theirs] = await lookup(sky.root(OTHER), EventName="AssumeRole")
            [ours] = await lookup(sky.root(), EventName="AssumeRole")
            assert theirs["sharedEventID"] == ours["sharedEventID"]
            assert theirs["eventID"] != ours["eventID"]
            assert (theirs["recipientAccountId"], ours["recipientAccountId"]) == (OTHER, ACCOUNT)
            assert not await lookup(sky.root(), 0, EventName="CreateUser")

    run(main())


def test_regions(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            client = sky.world.client(Identity("gw", ACCOUNT, "test"))
            await client.call("dynamodb", "ListTables", {}, region="eu-west-1")
            await client.call("iam", "ListUsers", {}, region="eu-west-1")
            [listed] = await lookup(sky.root(), EventName="ListUsers")
            assert listed["awsRegion"] == "us-east-1", "IAM is global"
            answer = await client.call("cloudtrail", "LookupEvents", {}, region="eu-west-1")
            assert [each["EventName"] for each in answer["Events"]] == ["ListTables"]

    run(main())


# Who asks with parameters that are none is told of all the same.
def test_invalid_requests(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            root = sky.root()
            for params in ({"UserName": 7}, {"UserName": None}, {"UserName": "a" * 70_000}, {"UserName": {"a": [1]}},
                           {"Tags": [7, None]}):
                await root.error("iam", "CreateUser", **params)
            found = await lookup(root, 5, EventName="CreateUser")
            assert all(event["errorCode"] for event in found)

    run(main())


# Neither a restart of everything nor records sent twice cost or double an event.
def test_restarts(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            root = sky.root()
            for round_ in range(3):
                for number in range(5):
                    await root.call("iam", "CreateUser", UserName=f"u{round_}{number}")
                if round_ == 1:
                    await asyncio.sleep(1)
                    (sky.world.directory / "audit.jsonl.delivered").unlink()
                await sky.world.restart()
            names = [event["requestParameters"]["userName"] for event in await lookup(root, 15, EventName="CreateUser")]
            assert sorted(names) == sorted(f"u{round_}{number}" for round_ in range(3) for number in range(5))
            assert await verified(sky)

    run(main())


async def verified(sky: Sky) -> bool:
    from bus.system import ask

    answer: dict[str, Any] = await ask(sky.world.transport, "verify", {}, 5.0)
    return answer["broken"] is None and answer["records"] > 0


