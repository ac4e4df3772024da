"""What IAM refuses, in its words. Expected: public captures of IAM's answers (moto's, versitygw's, terraform's,
localstack's)."""

from pathlib import Path
from typing import Any

import pytest

from tests.actors.iam.caller import ACCOUNT, ALLOW, TRUST, open_caller

POLICY = f"arn:aws:iam::{ACCOUNT}:policy/p"
MISSING = f"arn:aws:iam::{ACCOUNT}:policy/missing"
LONG = ALLOW.replace("s3:*", "s3:" + "a" * 2048)
LINKED = "AWSServiceRoleForRDS"

# alice is in g, has policy p, an inline policy and two keys; role r has a profile; p has five versions.
SETUP: list[tuple[str, dict[str, Any]]] = [
    ("CreateUser", {"UserName": "alice"}), ("CreateUser", {"UserName": "bob"}), ("CreateGroup", {"GroupName": "g"}),
    ("CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST}),
    ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": ALLOW}),
    ("AddUserToGroup", {"UserName": "bob", "GroupName": "g"}),
    ("AttachUserPolicy", {"UserName": "alice", "PolicyArn": POLICY}),
    ("PutGroupPolicy", {"GroupName": "g", "PolicyName": "i", "PolicyDocument": ALLOW}),
    *[("CreateAccessKey", {"UserName": "alice"})] * 2, ("CreateInstanceProfile", {"InstanceProfileName": "ip"}),
    ("AddRoleToInstanceProfile", {"InstanceProfileName": "ip", "RoleName": "r"}),
    *[("CreatePolicyVersion", {"PolicyArn": POLICY, "PolicyDocument": ALLOW})] * 4,
    ("CreateServiceLinkedRole", {"AWSServiceName": "rds.amazonaws.com"}),
    ("CreateUser", {"UserName": "carol"}), ("AttachUserPolicy", {"UserName": "carol", "PolicyArn": POLICY}),
    ("CreateUser", {"UserName": "dave"}),
    ("PutUserPolicy", {"UserName": "dave", "PolicyName": "i", "PolicyDocument": ALLOW}),
]

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("GetUser", {"UserName": "eve"}, "NoSuchEntity", "The user with name eve cannot be found."),
    ("GetGroup", {"GroupName": "eve"}, "NoSuchEntity", "The group with name eve cannot be found."),
    ("GetRole", {"RoleName": "eve"}, "NoSuchEntity", "The role with name eve cannot be found."),
    ("GetInstanceProfile", {"InstanceProfileName": "eve"}, "NoSuchEntity", "Instance Profile eve cannot be found."),
    ("GetPolicy", {"PolicyArn": MISSING}, "NoSuchEntity", f"Policy {MISSING} was not found."),
    ("GetPolicy", {"PolicyArn": POLICY.replace("/p", "/path/p")}, "NoSuchEntity",
     f"Policy {POLICY.replace('/p', '/path/p')} was not found."),
    ("GetPolicyVersion", {"PolicyArn": POLICY, "VersionId": "v9"}, "NoSuchEntity",
     f"Policy {POLICY} version v9 does not exist or is not attachable."),
    ("AttachRolePolicy", {"RoleName": "r", "PolicyArn": MISSING}, "NoSuchEntity",
     f"Policy {MISSING} does not exist or is not attachable."),
    ("DetachRolePolicy", {"RoleName": "r", "PolicyArn": POLICY}, "NoSuchEntity", f"Policy {POLICY} was not found."),
    ("GetUserPolicy", {"UserName": "bob", "PolicyName": "x"}, "NoSuchEntity",
     "The user policy with name x cannot be found."),
    ("DeleteGroupPolicy", {"GroupName": "g", "PolicyName": "x"}, "NoSuchEntity",
     "The group policy with name x cannot be found."),
    ("DeleteAccessKey", {"UserName": "bob", "AccessKeyId": "AKIA" + "A" * 16}, "NoSuchEntity",
     "The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found."),
    ("CreateUser", {"UserName": "ALICE"}, "EntityAlreadyExists", "User with name ALICE already exists."),
    ("UpdateUser", {"UserName": "alice", "NewUserName": "Bob"}, "EntityAlreadyExists",
     "User with name Bob already exists."),
    ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": ALLOW}, "EntityAlreadyExists",
     "A policy called p already exists. Duplicate names are not allowed."),
    ("DeleteUser", {"UserName": "alice"}, "DeleteConflict", "Cannot delete entity, must delete access keys first."),
    ("DeleteUser", {"UserName": "bob"}, "DeleteConflict", "Cannot delete entity, must remove users from group first."),
    ("DeleteUser", {"UserName": "carol"}, "DeleteConflict", "Cannot delete entity, must detach all policies first."),
    ("DeleteUser", {"UserName": "dave"}, "DeleteConflict", "Cannot delete entity, must delete policies first."),
    ("DeleteGroup", {"GroupName": "g"}, "DeleteConflict", "Cannot delete entity, must remove users from group first."),
    ("DeleteRole", {"RoleName": "r"}, "DeleteConflict",
     "Cannot delete entity, must remove roles from instance profile first."),
    ("DeleteInstanceProfile", {"InstanceProfileName": "ip"}, "DeleteConflict",
     "Cannot delete entity, must remove roles from instance profile first."),
    ("DeletePolicy", {"PolicyArn": POLICY}, "DeleteConflict", "Cannot delete a policy attached to entities."),
    ("DeletePolicyVersion", {"PolicyArn": POLICY, "VersionId": "v1"}, "DeleteConflict",
     "Cannot delete the default version of a policy."),
    ("CreatePolicyVersion", {"PolicyArn": POLICY, "PolicyDocument": ALLOW}, "LimitExceeded",
     "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing "
     "version."),
    ("CreateAccessKey", {"UserName": "alice"}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"),
    ("AddRoleToInstanceProfile", {"InstanceProfileName": "ip", "RoleName": "r"}, "LimitExceeded",
     "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"),
    ("PutUserPolicy", {"UserName": "bob", "PolicyName": "i", "PolicyDocument": LONG}, "LimitExceeded",
     "Maximum policy size of 2048 bytes exceeded for user bob"),
    ("CreatePolicy", {"PolicyName": "q", "PolicyDocument": LONG.replace("aaa", "aaaaaaaaaa")}, "LimitExceeded",
     "Cannot exceed quota for PolicySize: 6144"),
    ("CreateRole", {"RoleName": "q", "AssumeRolePolicyDocument": TRUST.replace("ec2", "e" * 2048)}, "LimitExceeded",
     "Cannot exceed quota for ACLSizePerRole: 2048"),
    ("CreatePolicy", {"PolicyName": "q", "PolicyDocument": "{}"}, "MalformedPolicyDocument",
     "Syntax errors in policy."),
    ("PutRolePermissionsBoundary", {"RoleName": "r", "PermissionsBoundary": MISSING}, "NoSuchEntity",
     f"Scope ARN: {MISSING} does not exist or is not attachable."),
    ("PutRolePermissionsBoundary", {"RoleName": "r", "PermissionsBoundary": MISSING.replace("policy", "not_a_policy")},
     "InvalidInput", f"ARN {MISSING.replace('policy', 'not_a_policy')} is not valid."),
    ("CreateUser", {"UserName": "x", "PermissionsBoundary": "longpolicynamebutnoarn"}, "InvalidInput",
     "ARN longpolicynamebutnoarn is not valid."),
    ("ListEntitiesForPolicy", {"PolicyArn": MISSING}, "NoSuchEntity",
     f"Policy {MISSING} does not exist or is not attachable."),
    ("RemoveRoleFromInstanceProfile", {"InstanceProfileName": "ip", "RoleName": LINKED}, "NoSuchEntity",
     f"Role {LINKED} in Instance Profile ip cannot be found."),
    ("UntagPolicy", {"PolicyArn": POLICY, "TagKeys": ["a", "!"]}, "ValidationError",
     "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: "
     "[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member "
     "must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+, Member must not be null]"),
    ("UpdateRole", {"RoleName": LINKED, "Description": "d", "MaxSessionDuration": 3600}, "UnmodifiableEntity",
     f"Cannot perform the operation on the protected role '{LINKED}' - this role is only modifiable by AWS"),
    ("CreateServiceLinkedRole", {"AWSServiceName": "backup.amazonaws.com", "CustomSuffix": "x"}, "InvalidInput",
     "Custom suffix is not allowed for backup.amazonaws.com"),
    ("AttachRolePolicy", {"RoleName": LINKED, "PolicyArn": POLICY}, "UnmodifiableEntity",
     f"Cannot perform the operation on the protected role '{LINKED}' - this role is only modifiable by AWS"),
    ("CreateUser", {"UserName": "a b"}, "ValidationError",
     "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must satisfy "
     "regular expression pattern: [\\w+=,.@-]+"),
    ("CreateUser", {"UserName": "x", "Path": "no/"}, "ValidationError",
     "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters "
     "and/or / characters."),
    ("CreateUser", {"UserName": "x", "Path": f"/{'a' * 512}/"}, "ValidationError",
     "1 validation error detected: Value at 'path' failed to satisfy constraint: Member must have length less than or "
     "equal to 512"),
    ("GetPolicyVersion", {"PolicyArn": MISSING, "VersionId": "v1"}, "NoSuchEntity",
     f"Policy {MISSING} version v1 does not exist or is not attachable."),
    ("AttachUserPolicy", {"UserName": "bob", "PolicyArn": "longpolicynamebutnoarn"}, "ValidationError",
     "ARN longpolicynamebutnoarn is not valid."),
    ("AttachUserPolicy", {"UserName": "bob", "PolicyArn":
     "arn:aws:iam::aws:policy/aws-service-role/AWSSupportServiceRolePolicy"}, "PolicyNotAttachable",
     "Cannot attach a Service Role Policy to a Customer Role."),
    ("RemoveUserFromGroup", {"UserName": "eve", "GroupName": "eve"}, "NoSuchEntity",
     "The user with name eve cannot be found."),
    ("AddUserToGroup", {"UserName": "eve", "GroupName": "eve"}, "NoSuchEntity",
     "The user with name eve cannot be found."),
    ("GetAccessKeyLastUsed", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}, "AccessDenied",
     f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key "
     "AKIAIOSFODNN7EXAMPLE"),
    ("CreateOpenIDConnectProvider", {"Url": "http://a.example"}, "ValidationError",
     "Invalid Open ID Connect Provider URL"),
    ("CreatePolicy", {"PolicyName": "q", "PolicyDocument": ALLOW, "Tags": [{"Key": "a", "Value": ""}] * 2},
     "InvalidInput", "Duplicate tag keys found."),
    ("ListUsers", {"Marker": "é"}, "ValidationError", "Invalid Marker."),
    ("ListUsers", {"Marker": "////"}, "ValidationError", "Invalid Marker."),
    ("ListSigningCertificates", {}, "NotImplemented", ""),
    ("TagUser", {"UserName": "bob", "Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "InvalidInput",
     "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
    ("DeletePolicy", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, "AccessDenied",
     "Policy is outside your own account."),
    ("CreateRole", {"RoleName": "q", "AssumeRolePolicyDocument": TRUST.replace("Principal", "NotPrincipal")},
     "MalformedPolicyDocument", "Allow with NotPrincipal is not allowed."),
    ("UpdateAssumeRolePolicy", {"RoleName": "r", "PolicyDocument": TRUST.replace("Principal", "NotPrincipal")
                                .replace("Allow", "Deny")},
     "MalformedPolicyDocument", "AssumeRole policy must not contain NotPrincipal field."),
]


@pytest.fixture(scope="module")
def iam(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_caller(tmp_path_factory.mktemp("iam")) as caller:
        for name, request in SETUP:
            caller.call(name, **request)
        yield caller


@pytest.mark.parametrize(("name", "request_", "code", "message"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_refusals(iam: Any, name: str, request_: dict[str, Any], code: str, message: str) -> None:
    answered = iam.error(name, **request_)
    assert answered == (code, message or answered[1])


# Attachments have a quota of ten a principal ("IAM quotas").
def test_attachment_quota(tmp_path: Path) -> None:
    with open_caller(tmp_path) as caller:
        caller.call("CreateGroup", GroupName="g")
        for number in range(11):
            arn = caller.call("CreatePolicy", PolicyName=f"p{number}", PolicyDocument=ALLOW)["Policy"]["Arn"]
            if number < 10:
                caller.call("AttachGroupPolicy", GroupName="g", PolicyArn=arn)
        assert caller.error("AttachGroupPolicy", GroupName="g", PolicyArn=arn) == (
            "LimitExceeded", "Cannot exceed quota for PoliciesPerGroup: 10")
