"""Policies decide, for every service and whoever asks: identities, boundaries, resources, accounts, conditions.

Expected: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and its neighbours;
sentences: …/troubleshoot_access-denied.html.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bus.virtual_time import run
from tests.actors.sts.skies import OTHER, Sky, document, skies
from tests.world import ACCOUNT

ITEM = {"pk": {"S": "a"}}
ALL = {"Action": "*", "Resource": "*"}


# A user may what its policies say, from the moment they say it, until they no longer do.
def test_users_policies(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            table = await sky.table("music")
            alice, root = await sky.user("alice"), sky.root()
            assert await alice.denied("dynamodb", "GetItem", TableName="music", Key=ITEM) == (
                f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: dynamodb:GetItem on resource: "
                f"{table} because no identity-based policy allows the dynamodb:GetItem action"
            )
            await root.call("iam", "PutUserPolicy", UserName="alice", PolicyName="p", PolicyDocument=document(
                {"Action": "dynamodb:GetItem", "Resource": table}))
            assert await alice.call("dynamodb", "GetItem", TableName="music", Key=ITEM) == {}
            assert "dynamodb:PutItem" in await alice.denied("dynamodb", "PutItem", TableName="music", Item=ITEM)
            await root.call("iam", "DeleteUserPolicy", UserName="alice", PolicyName="p")
            await alice.denied("dynamodb", "GetItem", TableName="music", Key=ITEM)
            await root.call("iam", "CreateGroup", GroupName="g")
            await root.call("iam", "AttachGroupPolicy", GroupName="g",
                            PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
            await root.call("iam", "AddUserToGroup", GroupName="g", UserName="alice")
            await alice.call("dynamodb", "PutItem", TableName="music", Item=ITEM)
            await root.call("iam", "PutGroupPolicy", GroupName="g", PolicyName="no", PolicyDocument=document(
                {"Effect": "Deny", "Action": "dynamodb:Put*", "Resource": "*"}))
            assert (await alice.denied("dynamodb", "PutItem", TableName="music", Item=ITEM)).endswith(
                "with an explicit deny in an identity-based policy")
            await sky.world.restart()
            await alice.denied("dynamodb", "PutItem", TableName="music", Item=ITEM)
            assert await alice.call("dynamodb", "GetItem", TableName="music", Key=ITEM) == {"Item": ITEM}

    run(main())


# AWS's own policies are in no account: a caller's policies alone say who may read of them.
def test_awss_own_policies(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            asked = {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
            assert (await sky.root().call("iam", "ListEntitiesForPolicy", **asked))["PolicyUsers"] == []
            alice = await sky.user("alice", {"Action": "iam:GetPolicy", "Resource": "*"})
            assert (await alice.call("iam", "GetPolicy", **asked))["Policy"]["Arn"] == asked["PolicyArn"]
            await alice.denied("iam", "ListEntitiesForPolicy", **asked)

    run(main())


def test_boundaries(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            alice = await sky.user("alice", ALL)
            await sky.root().call("iam", "PutUserPermissionsBoundary", UserName="alice",
                                  PermissionsBoundary="arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess")
            await alice.call("dynamodb", "GetItem", TableName="music", Key=ITEM)
            assert (await alice.denied("dynamodb", "PutItem", TableName="music", Item=ITEM)).endswith(
                "because no permissions boundary allows the dynamodb:PutItem action")

    run(main())


# A key that is inactive or deleted is nobody's at once, also in open mode, where keys nobody made are root.
@pytest.mark.parametrize("open_mode", [True, False])
def test_keys_that_are_no_good(tmp_path: Path, open_mode: bool) -> None:
    async def main() -> None:
        async with skies(tmp_path, open_mode=open_mode) as sky:
            alice, root = await sky.user("alice", ALL), sky.root()
            await alice.call("dynamodb", "ListTables")
            key = {"UserName": "alice", "AccessKeyId": alice.access_key}
            for change, members in (("UpdateAccessKey", {"Status": "Inactive"}), ("DeleteAccessKey", {})):
                await root.call("iam", change, **key, **members)
                error = await alice.error("dynamodb", "ListTables")
                assert (error.error_code, error.status) == ("UnrecognizedClientException", 400)
                assert (await alice.error("iam", "ListUsers")).error_code == "InvalidClientTokenId"
            alice.access_key = "AKIANOBODYEVERMADEIT"
            if open_mode:
                assert (await alice.call("sts", "GetCallerIdentity"))["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
            else:
                assert (await alice.error("sts", "GetCallerIdentity")).error_code == "InvalidClientTokenId"

    run(main())


# A key is good for its own account: a publisher that could name another's would still be nobody there.
def test_a_key_in_another_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice = await sky.user("alice", ALL)
            alice.account = OTHER
            assert (await alice.error("sts", "GetCallerIdentity")).error_code == "InvalidClientTokenId"

    run(main())


# Between accounts both sides must allow; the operation then finds the owner's table. In one account either suffices.
def test_resource_policies(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            table = await sky.table("music")
            root = sky.root()
            await root.call("dynamodb", "PutItem", TableName="music", Item={**ITEM, "v": {"S": "owner's"}})
            here, there = await sky.user("here"), await sky.user("there", account=OTHER)
            get = {"TableName": table, "Key": ITEM}
            for who in (here, there, sky.root(OTHER)):
                await who.denied("dynamodb", "GetItem", **get)
            await root.call("dynamodb", "PutResourcePolicy", ResourceArn=table, Policy=document({
                "Action": "dynamodb:GetItem", "Resource": table,
                "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/here", f"arn:aws:iam::{OTHER}:root"]}}))
            assert (await here.call("dynamodb", "GetItem", **get))["Item"]["v"] == {"S": "owner's"}
            assert "no identity-based policy" in await there.denied("dynamodb", "GetItem", **get)
            await sky.root(OTHER).call("iam", "PutUserPolicy", UserName="there", PolicyName="p",
                                       PolicyDocument=document({"Action": "dynamodb:*", "Resource": "*"}))
            assert (await there.call("dynamodb", "GetItem", **get))["Item"]["v"] == {"S": "owner's"}
            assert "no resource-based policy" in await there.denied("dynamodb", "PutItem", TableName=table, Item=ITEM)
            assert (await there.error("dynamodb", "GetItem", TableName="music", Key=ITEM)).error_code == \
                "ResourceNotFoundException"
            await root.call("dynamodb", "PutResourcePolicy", ResourceArn=table, Policy=document(
                {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": "*", "Principal": "*"}))
            for who in (here, there, root):
                assert "explicit deny in a resource-based policy" in await who.denied("dynamodb", "GetItem", **get)
            await root.call("dynamodb", "DeleteResourcePolicy", ResourceArn=table)
            assert "Item" in await root.call("dynamodb", "GetItem", **get)

    run(main())


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # condition, a GetItem-like call that fulfils it, one that does not
    ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["alice"]}},
     {"Key": {"pk": {"S": "alice"}}}, {"Key": {"pk": {"S": "bob"}}}),
    ({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}},
     {"Key": {"pk": {"S": "alice"}}}, {"Key": {"pk": {"S": "bob"}}}),
    ({"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "a", "set"]}},
     {"Key": ITEM, "ProjectionExpression": "pk, a.b[1], #s", "ExpressionAttributeNames": {"#s": "set"}},
     {"Key": ITEM, "ProjectionExpression": "pk, c"}),
    ({"StringEquals": {"dynamodb:ReturnConsumedCapacity": "NONE"}},
     {"Key": ITEM}, {"Key": ITEM, "ReturnConsumedCapacity": "TOTAL"}),
]


@pytest.mark.parametrize(("condition", "good", "bad"), CONDITIONS)
def test_dynamodbs_condition_keys(
    tmp_path: Path, condition: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await sky.table("music")
            alice = await sky.user("alice", {"Action": "dynamodb:GetItem", "Resource": "*", "Condition": condition})
            await alice.call("dynamodb", "GetItem", TableName="music", **good)
            await alice.denied("dynamodb", "GetItem", TableName="music", **bad)

    run(main())


async def leading_alone(sky: Sky) -> Any:
    await sky.table("music")
    return await sky.user("alice", {
        "Action": "dynamodb:*", "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["alice"]}, "Null": {
            "dynamodb:LeadingKeys": "false"}}})


# The partition keys a request names, whatever operation it is.
def test_leading_keys_of_every_operation(tmp_path: Path) -> None:
    def requests(name: str) -> list[tuple[str, dict[str, Any]]]:
        key = {"pk": {"S": name}}
        values = {":p": {"S": name}}
        return [
            ("PutItem", {"TableName": "music", "Item": key}),
            ("UpdateItem", {"TableName": "music", "Key": key}),
            ("Query", {"TableName": "music", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": values}),
            ("Query", {"TableName": "music", "KeyConditions": {
                "pk": {"AttributeValueList": [{"S": name}], "ComparisonOperator": "EQ"}}}),
            ("BatchGetItem", {"RequestItems": {"music": {"Keys": [key]}}}),
            ("BatchWriteItem", {"RequestItems": {"music": [{"PutRequest": {"Item": key}}]}}),
            ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "music", "Key": key}}]}),
            ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "music", "Item": key}}]}),
            ("ExecuteStatement", {"Statement": f"SELECT * FROM music WHERE pk = '{name}'"}),
            ("ExecuteStatement", {"Statement": "SELECT * FROM music WHERE pk = ?", "Parameters": [{"S": name}]}),
            ("ExecuteStatement", {"Statement": f"DELETE FROM music WHERE pk = '{name}'"}),
            ("ExecuteStatement", {"Statement": f"INSERT INTO music VALUE {{'pk': '{name}'}}"}),
            ("ExecuteStatement", {"Statement": f"UPDATE music SET v = 1 WHERE pk = '{name}'"}),
            ("BatchExecuteStatement", {"Statements": [{"Statement": f"SELECT * FROM music WHERE pk = '{name}'"}]}),
            ("ExecuteTransaction", {"TransactStatements": [{"Statement": f"DELETE FROM music WHERE pk = '{name}'"}]}),
            ("DeleteItem", {"TableName": "music", "Key": key}),
        ]

    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice = await leading_alone(sky)
            for operation, request in requests("alice"):
                await alice.call("dynamodb", operation, **request)
            for operation, request in requests("bob"):
                await alice.denied("dynamodb", operation, **request)
            await alice.denied("dynamodb", "Scan", TableName="music")
            await alice.denied("dynamodb", "ExecuteStatement", Statement="SELECT * FROM music")

    run(main())


GENERAL: list[tuple[dict[str, Any], dict[str, str], dict[str, str]]] = [
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"ip": "10.1.2.3"}, {"ip": "11.1.2.3"}),
    ({"StringLike": {"aws:UserAgent": "good*"}}, {"user_agent": "good/1"}, {"user_agent": "bad/1"}),
    ({"Bool": {"aws:SecureTransport": "true"}}, {"ip": "127.0.0.1"}, {"ip": "10.1.2.3"}),
]


@pytest.mark.parametrize(("condition", "good", "bad"), GENERAL)
def test_where_a_request_comes_from(
    tmp_path: Path, condition: dict[str, Any], good: dict[str, str], bad: dict[str, str]
) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice = await sky.user("alice", {"Action": "dynamodb:*", "Resource": "*", "Condition": condition})
            alice.source = good
            await alice.call("dynamodb", "ListTables")
            alice.source = bad
            await alice.denied("dynamodb", "ListTables")

    run(main())


# Tags on who asks, on what is asked for, and on what is asked to be made; IAM's own keys.
def test_tags(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            tags = [{"Key": "Team", "Value": "blue"}]
            blue, plain = await sky.table("blue", Tags=tags), await sky.table("plain")
            same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
            marked = {"StringEquals": {"aws:RequestTag/team": "blue"},
                      "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
            alice = await sky.user(
                "alice", {"Action": "dynamodb:GetItem", "Resource": "*", "Condition": same},
                {"Action": ["dynamodb:CreateTable", "dynamodb:TagResource", "iam:CreateUser", "iam:TagUser"],
                 "Resource": "*", "Condition": marked})
            await alice.denied("dynamodb", "GetItem", TableName="blue", Key=ITEM)
            await sky.root().call("iam", "TagUser", UserName="alice", Tags=[{"Key": "TEAM", "Value": "blue"}])
            await alice.call("dynamodb", "GetItem", TableName=blue, Key=ITEM)
            await alice.denied("dynamodb", "GetItem", TableName=plain, Key=ITEM)
            await alice.call("iam", "CreateUser", UserName="u", Tags=tags)
            await alice.denied("iam", "CreateUser", UserName="v")
            await alice.denied("iam", "CreateUser", UserName="v", Tags=[*tags, {"Key": "x", "Value": "y"}])

    run(main())


# Transactions and PartiQL need the actions of their parts, on each table.
def test_several_accesses(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            one, two = await sky.table("one"), await sky.table("two")
            alice = await sky.user(
                "alice", {"Action": ["dynamodb:PutItem", "dynamodb:PartiQLSelect", "dynamodb:BatchGetItem"],
                          "Resource": one}, {"Action": "dynamodb:ConditionCheckItem", "Resource": two})
            put = {"Put": {"TableName": "one", "Item": ITEM}}
            check = {"ConditionCheck": {"TableName": "two", "Key": ITEM,
                                        "ConditionExpression": "attribute_not_exists(pk)"}}
            await alice.call("dynamodb", "TransactWriteItems", TransactItems=[put, check])
            refused = await alice.denied(
                "dynamodb", "TransactWriteItems", TransactItems=[put, {"Delete": {"TableName": "one", "Key": ITEM}}])
            assert f"dynamodb:DeleteItem on resource: {one}" in refused
            keys = {"one": {"Keys": [ITEM]}}
            await alice.call("dynamodb", "BatchGetItem", RequestItems=keys)
            refused = await alice.denied("dynamodb", "BatchGetItem", RequestItems={**keys, "two": {"Keys": [ITEM]}})
            assert f"dynamodb:BatchGetItem on resource: {two}" in refused
            select = "SELECT * FROM {} WHERE pk = 'a'"
            await alice.call("dynamodb", "ExecuteStatement", Statement=select.format("one"))
            await alice.denied("dynamodb", "ExecuteStatement", Statement=select.format("two"))
            await alice.denied("dynamodb", "BatchExecuteStatement", Statements=[
                {"Statement": select.format(name)} for name in ("one", "two")])
            assert "dynamodb:PartiQLDelete" in await alice.denied(
                "dynamodb", "ExecuteStatement", Statement="DELETE FROM one WHERE pk = 'a'")

    run(main())


# Many at once who are asked about the first time: one question each, and nobody is let in meanwhile.
def test_a_crowd_that_nobody_knows_yet(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            good = await sky.user("good", {"Action": "dynamodb:ListTables", "Resource": "*"})
            bad = await sky.user("bad")
            asked = await asyncio.gather(*(
                who.call("dynamodb", "ListTables") for who in (good, bad) * 50), return_exceptions=True)
            assert [isinstance(each, Exception) for each in asked] == [False, True] * 50

    run(main())


# Who gives a service a role needs to be allowed to pass it on, to that service.
def test_passing_roles(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            role = await sky.role("r", {"Service": "ec2.amazonaws.com"})
            alice = await sky.user("alice", {"Action": "iam:*InstanceProfile*", "Resource": "*"}, {
                "Action": "iam:PassRole", "Resource": f"{role}-not"})
            await alice.call("iam", "CreateInstanceProfile", InstanceProfileName="p")
            request = {"InstanceProfileName": "p", "RoleName": "r"}
            refused = await alice.denied("iam", "AddRoleToInstanceProfile", **request)
            assert f"iam:PassRole on resource: {role}" in refused
            await sky.root().call("iam", "PutUserPolicy", UserName="alice", PolicyName="pass", PolicyDocument=document({
                "Action": "iam:PassRole", "Resource": role,
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}))
            await alice.call("iam", "AddRoleToInstanceProfile", **request)

    run(main())
