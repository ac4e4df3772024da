"""The access advisor: reports of what was used last, by service and by action, of users, groups, roles and policies.

Expected: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html, its
neighbours and https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html.
"""

from pathlib import Path
from typing import Any

import pytest

from actors.iam import advisor
from actors.runtime.actions import prefix_of
from bus.virtual_time import run
from deploy.topology import services
from schemas.models import load
from tests.actors.sts.skies import Sky, Who, document, skies
from tests.world import ACCOUNT, clock

USER = f"arn:aws:iam::{ACCOUNT}:user/alice"


async def report(who: Who, arn: str, **params: Any) -> dict[str, Any]:
    job = (await who.call("iam", "GenerateServiceLastAccessedDetails", Arn=arn, **params))["JobId"]
    answer = await who.call("iam", "GetServiceLastAccessedDetails", JobId=job)
    assert (answer["JobStatus"], answer["IsTruncated"]) == ("COMPLETED", False)
    assert answer["JobType"] == params.get("Granularity", "SERVICE_LEVEL")
    return {each["ServiceNamespace"]: each for each in answer["ServicesLastAccessed"]}


async def stage(sky: Sky) -> tuple[Who, str, str]:
    """Alice lists tables, users and herself, of which her group's policy lets her use DynamoDB; (she, that policy, a
    role that has it too)."""
    root = sky.root()
    alice = await sky.user("alice", {"Action": ["iam:*", "s3:List*"], "Resource": "*"})
    policy = (await root.call("iam", "CreatePolicy", PolicyName="tables", PolicyDocument=document(
        {"Action": "dynamodb:*", "Resource": "*"})))["Policy"]["Arn"]
    role = await sky.role("worker", {"AWS": ACCOUNT})
    await root.call("iam", "CreateGroup", GroupName="g")
    await root.call("iam", "AttachGroupPolicy", GroupName="g", PolicyArn=policy)
    await root.call("iam", "AttachRolePolicy", RoleName="worker", PolicyArn=policy)
    await root.call("iam", "AddUserToGroup", GroupName="g", UserName="alice")
    await alice.call("dynamodb", "ListTables")
    await alice.call("iam", "ListUsers")
    await alice.call("iam", "GetUser")
    await alice.call("sts", "GetCallerIdentity")
    await sky.world.uses.tell(sky.world.transport)
    return alice, policy, role


# What the policies let in, used or not; what was used and is not let in is not shown. It survives a restart.
def test_of_a_user(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await stage(sky)
            await sky.world.restart()
            found = await report(sky.root(), USER)
            assert list(found) == ["dynamodb", "iam", "s3"]
            used = found["dynamodb"]
            assert abs(used.pop("LastAuthenticated").timestamp() - clock()) < 60
            assert used == {
                "ServiceName": "Amazon DynamoDB", "ServiceNamespace": "dynamodb", "TotalAuthenticatedEntities": 1,
                "LastAuthenticatedEntity": USER, "LastAuthenticatedRegion": "us-east-1"}
            assert found["s3"] == {
                "ServiceName": "Amazon S3", "ServiceNamespace": "s3", "TotalAuthenticatedEntities": 0}

    run(main())


# By action: management actions, each with its last use; what works on data is known by its service alone.
def test_by_action(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice, _, _ = await stage(sky)
            await sky.table("music")
            await alice.call("dynamodb", "GetItem", TableName="music", Key={"pk": {"S": "a"}})
            await sky.world.uses.tell(sky.world.transport)
            found = await report(sky.root(), USER, Granularity="ACTION_LEVEL")
            names = {namespace: [action["ActionName"] for action in each["TrackedActionsLastAccessed"]]
                     for namespace, each in found.items()}
            assert names == {"dynamodb": ["ListTables"], "iam": ["GetUser", "ListUsers"], "s3": []}
            [action] = found["dynamodb"]["TrackedActionsLastAccessed"]
            assert (action["LastAccessedEntity"], action["LastAccessedRegion"]) == (USER, "us-east-1")

    run(main())


# Groups' and policies' reports are about their users and roles; entities come the latest first.
def test_of_groups_and_policies(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            _, policy, role = await stage(sky)
            root = sky.root()
            group = await report(root, f"arn:aws:iam::{ACCOUNT}:group/g")
            assert {name: each["LastAuthenticatedEntity"] for name, each in group.items()} == {"dynamodb": USER}
            assert (await report(root, role))["dynamodb"]["TotalAuthenticatedEntities"] == 0
            worker = await root.assume(role)
            await worker.call("dynamodb", "ListTables")
            await sky.world.uses.tell(sky.world.transport)
            found = (await report(root, policy))["dynamodb"]
            assert (found["TotalAuthenticatedEntities"], found["LastAuthenticatedEntity"]) == (2, role)
            job = (await root.call("iam", "GenerateServiceLastAccessedDetails", Arn=policy))["JobId"]
            asked: dict[str, Any] = {"JobId": job, "ServiceNamespace": "dynamodb", "MaxItems": 1}
            first = await root.call("iam", "GetServiceLastAccessedDetailsWithEntities", **asked)
            second = await root.call(
                "iam", "GetServiceLastAccessedDetailsWithEntities", **asked, Marker=first["Marker"])
            entities = [*first["EntityDetailsList"], *second["EntityDetailsList"]]
            assert [(each["EntityInfo"]["Name"], each["EntityInfo"]["Type"]) for each in entities] == [
                ("worker", "ROLE"), ("alice", "USER")]
            assert all(each["LastAuthenticated"] for each in entities)
            assert not second["IsTruncated"]

    run(main())


# A job is for who asked for it; reports of what is not there are not made; the oldest of too many go.
def test_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisor, "REPORTS_LIMIT", 2)

    async def main() -> None:
        async with skies(tmp_path) as sky:
            alice, _, _ = await stage(sky)
            jobs = [(await alice.call("iam", "GenerateServiceLastAccessedDetails", Arn=USER))["JobId"]
                    for _ in range(3)]
            for who, job, good in ((alice, jobs[2], True), (alice, jobs[1], True), (alice, jobs[0], False),
                                   (sky.root(), jobs[2], False), (alice, "0" * 36, False)):
                if good:
                    await who.call("iam", "GetServiceLastAccessedDetails", JobId=job)
                else:
                    assert (await who.error("iam", "GetServiceLastAccessedDetails", JobId=job)).error_code == \
                        "NoSuchEntity"
            for arn in (f"{USER}x", f"arn:aws:iam::{ACCOUNT}:policy/none", f"arn:aws:iam::{ACCOUNT}:group/none"):
                error = await sky.root().error("iam", "GenerateServiceLastAccessedDetails", Arn=arn)
                assert error.error_code == "NoSuchEntity"
            await sky.root().call("iam", "RemoveUserFromGroup", GroupName="g", UserName="alice")
            assert "dynamodb" not in await report(alice, USER)

    run(main())


def test_policies_that_grant(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            _, policy, _ = await stage(sky)
            answer = await sky.root().call(
                "iam", "ListPoliciesGrantingServiceAccess", Arn=USER, ServiceNamespaces=["iam", "dynamodb", "sqs"])
            assert answer["PoliciesGrantingServiceAccess"] == [
                {"ServiceNamespace": "iam", "Policies": [
                    {"PolicyName": "own", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "alice"}]},
                {"ServiceNamespace": "dynamodb", "Policies": [
                    {"PolicyName": "tables", "PolicyType": "MANAGED", "PolicyArn": policy}]},
                {"ServiceNamespace": "sqs", "Policies": []}]

    run(main())


@pytest.mark.parametrize(("statements", "granted"), [
    ([{"Action": "*", "Resource": "*"}], True),
    ([{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}], True),
    ([{"Action": "S*:Get*", "Resource": "*"}], True),
    ([{"Action": "sqs:*", "Resource": "*"}], False),
    ([{"NotAction": "iam:*", "Resource": "*"}], True),
    ([{"NotAction": "s3:*", "Resource": "*"}], False),
    ([{"NotAction": "s3:Get*", "Resource": "*"}], True),
    ([{"Effect": "Deny", "Action": "*", "Resource": "*"}], False),
    ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}], False),
    ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}], True),
    ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}], False),
    ([{"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {
        "Bool": {"aws:SecureTransport": "false"}}}], True),
])
def test_what_lets_use_s3(statements: list[dict[str, Any]], granted: bool) -> None:
    assert advisor.grants([document(*statements)], "s3") is granted


# Reports know every service that is here.
def test_services_are_known() -> None:
    assert {prefix_of(load(service)) for service in services(())} == set(advisor.SERVICES)
