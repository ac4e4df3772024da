"""An unmodified boto3 program against IAM: expectations are AWS's documented behaviour."""

import json
import uuid
from typing import Any

import boto3
import pytest

from tests import servers

DOCUMENT = {"Version": "2012-10-17", "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}]}
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


@pytest.fixture
def iam(skybus: servers.Server) -> Any:
    """An account of its own, by its 12-digit key."""
    account = f"{uuid.uuid4().int % 10**12:012}"
    return boto3.Session(account, "any", region_name="eu-west-1").client("iam", endpoint_url=skybus.endpoint)


def test_users_groups_and_their_policies(iam: Any) -> None:
    user = iam.create_user(UserName="alice", Path="/staff/", Tags=[{"Key": "Team", "Value": "blue"}])["User"]
    assert user["Arn"].endswith(":user/staff/alice")
    assert user["UserId"].startswith("AIDA")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException) as caught:
        iam.create_user(UserName="Alice")
    assert caught.value.response["Error"]["Message"] == "User with name Alice already exists."
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    arn = iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(DOCUMENT))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    iam.put_user_policy(UserName="alice", PolicyName="inline", PolicyDocument=json.dumps(DOCUMENT))
    assert iam.get_user_policy(UserName="alice", PolicyName="inline")["PolicyDocument"] == DOCUMENT
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == DOCUMENT
    details = iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]
    assert [(each["GroupList"], each["UserPolicyList"][0]["PolicyDocument"]) for each in details] == \
        [(["readers"], DOCUMENT)]
    assert iam.get_user(UserName="alice")["User"]["Tags"] == [{"Key": "Team", "Value": "blue"}]
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="alice")
    simulated = iam.simulate_principal_policy(
        PolicySourceArn=user["Arn"], ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::b/alice/k"],
        ContextEntries=[{"ContextKeyName": "aws:username", "ContextKeyType": "string", "ContextKeyValues": ["alice"]}],
    )["EvaluationResults"]
    assert [each["EvalDecision"] for each in simulated] == ["allowed", "implicitDeny"]


def test_roles(iam: Any) -> None:
    trust = json.dumps(TRUST)
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust, MaxSessionDuration=7200)["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    iam.get_waiter("role_exists").wait(RoleName="worker")
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    [profile] = iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"]
    assert profile["Roles"][0]["Arn"] == role["Arn"]
    iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException) as caught:
        iam.update_assume_role_policy(RoleName="worker", PolicyDocument="no json")
    assert caught.value.response["Error"]["Message"] == "This policy contains invalid Json"
    [attached] = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert attached["PolicyName"] == "AdministratorAccess"


def test_access_keys_and_pages(iam: Any) -> None:
    for number in range(7):
        iam.create_user(UserName=f"user{number}")
    pages = list(iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["Users"]) for page in pages] == [3, 3, 1]
    key = iam.create_access_key(UserName="user0")["AccessKey"]
    assert (len(key["AccessKeyId"]), len(key["SecretAccessKey"])) == (20, 40)
    [listed] = iam.list_access_keys(UserName="user0")["AccessKeyMetadata"]
    assert "SecretAccessKey" not in listed
    with pytest.raises(iam.exceptions.NoSuchEntityException) as caught:
        iam.get_user(UserName="nobody")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert caught.value.response["Error"] == {
        "Type": "Sender", "Code": "NoSuchEntity", "Message": "The user with name nobody cannot be found."}
