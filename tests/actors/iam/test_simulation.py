"""The simulators' parameters beyond the plain question: policies left out, scenarios of EC2.

Expected: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html and its types.
"""

from pathlib import Path
from typing import Any

import pytest

from bus.virtual_time import run
from tests.actors.sts.skies import Sky, document, skies
from tests.world import ACCOUNT

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
OWN, TEAM = f"arn:aws:iam::{ACCOUNT}:policy/own-tables", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
INLINE = {"PolicyName": "own", "AttachmentType": "user", "AttachmentName": "alice"}
ACTIONS = {"iam": "iam:ListUsers", "own": "dynamodb:ListTables", "aws": "s3:GetObject"}


async def stage(sky: Sky) -> None:
    """Alice has a policy of each kind, the last by her group; her boundary allows all but IAM."""
    root = sky.root()
    await sky.user("alice", {"Action": "iam:ListUsers", "Resource": "*"})
    await root.call("iam", "CreatePolicy", PolicyName="own-tables", PolicyDocument=document(
        {"Action": "dynamodb:ListTables", "Resource": "*"}))
    await root.call("iam", "AttachUserPolicy", UserName="alice", PolicyArn=OWN)
    await root.call("iam", "CreateGroup", GroupName="team")
    await root.call("iam", "AttachGroupPolicy", GroupName="team", PolicyArn=TEAM)
    await root.call("iam", "AddUserToGroup", GroupName="team", UserName="alice")


async def allowed(sky: Sky, *excluded: dict[str, Any]) -> set[str]:
    answer = await sky.root().call("iam", "SimulatePrincipalPolicy", PolicySourceArn=ALICE,
                                   ActionNames=list(ACTIONS.values()), PolicyExclusionList=list(excluded))
    names = {action: name for name, action in ACTIONS.items()}
    return {names[each["EvalActionName"]] for each in answer["EvaluationResults"] if each["EvalDecision"] == "allowed"}


EVERYTHING = {"iam", "own", "aws"}


@pytest.mark.parametrize(("excluded", "left"), [
    ([], EVERYTHING),
    ([{"PolicyType": "inline"}], {"own", "aws"}),
    ([{"PolicyType": "aws-managed"}], {"iam", "own"}),
    ([{"PolicyType": "user-managed"}], {"iam", "aws"}),
    ([{"PolicyType": "inline"}, {"PolicyArn": OWN}], {"aws"}),
    ([{"PolicyArn": TEAM}], {"iam", "own"}),
    ([{"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/own*"}], {"iam", "aws"}),
    ([{"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/own-table?"}], {"iam", "aws"}),
    ([{"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/own"}], EVERYTHING),
    ([{"InlinePolicyIdentifier": INLINE}], {"own", "aws"}),
    ([{"InlinePolicyIdentifier": {**INLINE, "AttachmentName": "al*"}}], {"own", "aws"}),
    ([{"InlinePolicyIdentifier": {**INLINE, "AttachmentType": "role"}}], EVERYTHING),
    ([{"PolicyType": "rcp"}, {"PolicyType": "scp"}], EVERYTHING),
])
def test_exclusions(tmp_path: Path, excluded: list[dict[str, Any]], left: set[str]) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await stage(sky)
            assert await allowed(sky, *excluded) == left

    run(main())


def test_a_boundary_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await stage(sky)
            await sky.root().call("iam", "PutUserPermissionsBoundary", UserName="alice", PermissionsBoundary=TEAM)
            assert await allowed(sky) == {"aws"}
            assert await allowed(sky, {"PolicyType": "permission-boundary"}) == EVERYTHING

    run(main())


EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
VPC = [f"{EC2}:instance/*", "arn:aws:ec2:us-east-1::image/ami-1", f"{EC2}:security-group/sg-1",
       f"{EC2}:network-interface/*"]


def test_what_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            await stage(sky)
            asked: dict[str, Any] = {"PolicySourceArn": ALICE, "ActionNames": ["ec2:RunInstances"]}
            for wrong in (
                {"PolicyExclusionList": [{"PolicyArn": "arn:aws:iam::aws:policy/*a*"}]},
                {"PolicyExclusionList": [{"PolicyArn": "arn:aws:iam::*:policy/a"}]},
                {"PolicyExclusionList": [{"PolicyArn": "this-is-not-an-arn-at-all"}]},
                {"PolicyExclusionList": [{"InlinePolicyIdentifier": {**INLINE, "AttachmentName": "*a*"}}]},
                {"ResourceHandlingOption": "EC2-Moon", "ResourceArns": VPC},
                {"ResourceHandlingOption": "EC2-VPC-InstanceStore"},
                {"ResourceHandlingOption": "EC2-VPC-EBS", "ResourceArns": VPC},
                {"ResourceHandlingOption": "EC2-VPC-InstanceStore-Subnet", "ResourceArns": VPC},
            ):
                error = await sky.root().error("iam", "SimulatePrincipalPolicy", **asked, **wrong)
                assert error.error_code == "InvalidInput", wrong
            for option, more in (("EC2-VPC-InstanceStore", []), ("EC2-VPC-EBS", [f"{EC2}:volume/*"]),
                                 ("EC2-VPC-EBS-Subnet", [f"{EC2}:volume/*", f"{EC2}:subnet/subnet-1"])):
                answer = await sky.root().call("iam", "SimulatePrincipalPolicy", **asked, ResourceArns=[*VPC, *more],
                                               ResourceHandlingOption=option)
                assert len(answer["EvaluationResults"]) == len(VPC) + len(more)

    run(main())
