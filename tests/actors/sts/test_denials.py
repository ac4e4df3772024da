"""What the refused are told they lack: which services name a resource where AWS has none, and what IAM calls its own.

Expected: answers of AWS's as users quote them in public repositories and issues, 2022 to 2026; account and names are
ours.
"""

from pathlib import Path
from typing import Any

from bus.virtual_time import run
from deploy.process_actors import actor_of
from tests.actors.sts.skies import Sky
from tests.world import ACCOUNT, world

IAM = f"arn:aws:iam::{ACCOUNT}"
TRUST = '{"Version": "2012-10-17", "Statement": []}'
NAMED: list[tuple[str, str, dict[str, Any], str]] = [
    ("s3", "ListBuckets", {}, "s3:ListAllMyBuckets"),
    ("bedrock", "ListFoundationModels", {}, "bedrock:ListFoundationModels"),
    ("bedrock", "GetModelInvocationLoggingConfiguration", {}, "bedrock:GetModelInvocationLoggingConfiguration"),
    ("cloudtrail", "LookupEvents", {}, "cloudtrail:LookupEvents"),
    ("cloudtrail", "DescribeTrails", {}, "cloudtrail:DescribeTrails"),
    ("cloudtrail", "StopLogging", {"Name": "t"},
     f"cloudtrail:StopLogging on resource: arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/t"),
    ("dynamodb", "ListTables", {}, f"dynamodb:ListTables on resource: arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*"),
    ("dynamodb", "DescribeLimits", {}, "dynamodb:DescribeLimits on resource: *"),
    ("iam", "ListAccountAliases", {}, "iam:ListAccountAliases on resource: *"),
    ("iam", "GetAccountSummary", {}, "iam:GetAccountSummary on resource: *"),
    ("iam", "ListRoles", {}, f"iam:ListRoles on resource: {IAM}:role/"),
    ("iam", "ListVirtualMFADevices", {}, f"iam:ListVirtualMFADevices on resource: {IAM}:mfa/"),
    ("iam", "ListPolicies", {}, "iam:ListPolicies on resource: policy path /"),
    ("iam", "GetUser", {}, "iam:GetUser on resource: user alice"),
    ("iam", "GetUser", {"UserName": "bob"}, "iam:GetUser on resource: user bob"),
    ("iam", "UpdateAccessKey", {"UserName": "bob", "AccessKeyId": "A" * 20, "Status": "Active"},
     "iam:UpdateAccessKey on resource: user bob"),
    ("iam", "CreateUser", {"UserName": "bob"}, f"iam:CreateUser on resource: {IAM}:user/bob"),
    ("iam", "GetRole", {"RoleName": "r"}, "iam:GetRole on resource: role r"),
    ("iam", "AttachRolePolicy", {"RoleName": "r", "PolicyArn": f"{IAM}:policy/p"},
     "iam:AttachRolePolicy on resource: role r"),
    ("iam", "CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST},
     f"iam:CreateRole on resource: {IAM}:role/r"),
    ("iam", "GetGroup", {"GroupName": "g"}, "iam:GetGroup on resource: group g"),
    ("iam", "RemoveUserFromGroup", {"GroupName": "g", "UserName": "bob"},
     "iam:RemoveUserFromGroup on resource: group g"),
    ("iam", "GetInstanceProfile", {"InstanceProfileName": "i"},
     "iam:GetInstanceProfile on resource: instance profile i"),
    ("iam", "CreatePolicy", {"PolicyName": "p", "PolicyDocument": TRUST}, "iam:CreatePolicy on resource: policy p"),
    ("iam", "GetPolicy", {"PolicyArn": f"{IAM}:policy/p"}, f"iam:GetPolicy on resource: policy {IAM}:policy/p"),
    ("iam", "CreateVirtualMFADevice", {"VirtualMFADeviceName": "m"},
     f"iam:CreateVirtualMFADevice on resource: {IAM}:mfa/m"),
    ("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": f"{IAM}:user/bob", "ActionNames": ["s3:GetObject"]},
     f"iam:SimulatePrincipalPolicy on resource: {IAM}:user/bob"),
]


def test_what_they_name(tmp_path: Path) -> None:
    async def main() -> None:
        services = ("iam", "sts", *dict.fromkeys(service for service, *_ in NAMED if service != "iam"))
        async with world(tmp_path, [actor_of(service) for service in services]) as made:
            alice = await Sky(made).user("alice")
            for service, operation, request, named in NAMED:
                action = named.split(" ")[0]
                assert (await alice.error(service, operation, **request)).message == (
                    f"User: {IAM}:user/alice is not authorized to perform: {named} because no identity-based policy "
                    f"allows the {action} action"), operation

    run(main())
