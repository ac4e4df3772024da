"""boto3 keeps an organization: units, accounts, policies, pages, and each refusal by its own name."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import servers

SCP = "SERVICE_CONTROL_POLICY"
CONTENT = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    code: str = caught.value.response["Error"]["Code"]
    return code


def test_an_organization(skybus: servers.Server) -> None:
    client: Any = skybus.client("organizations")
    made = client.create_organization(FeatureSet="ALL")["Organization"]
    assert made["Arn"] == f"arn:aws:organizations::000000000000:organization/{made['Id']}"
    assert refused(client.create_organization) == "AlreadyInOrganizationException"
    [root] = client.list_roots()["Roots"]
    assert (root["Name"], root["PolicyTypes"]) == ("Root", [])

    unit = client.create_organizational_unit(ParentId=root["Id"], Name="ou01")["OrganizationalUnit"]
    assert unit["Id"].startswith(f"ou-{root['Id'][2:]}-")
    assert refused(client.create_organizational_unit, ParentId=root["Id"], Name="ou01") == (
        "DuplicateOrganizationalUnitException")
    assert refused(client.list_children, ParentId=root["Id"], ChildType="BLEE") == "InvalidInputException"
    assert refused(client.list_organizational_units_for_parent, ParentId="r-zzzz") == "ParentNotFoundException"

    for number in range(24):
        status = client.create_account(AccountName=f"a{number}", Email=f"a{number}@example.com")["CreateAccountStatus"]
        described = client.describe_create_account_status(CreateAccountRequestId=status["Id"])
        assert described["CreateAccountStatus"] == status
    again = client.create_account(AccountName="again", Email="A0@example.com")["CreateAccountStatus"]
    assert (again["State"], again["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    accounts = [each for page in client.get_paginator("list_accounts").paginate() for each in page["Accounts"]]
    assert [each["Name"] for each in accounts] == ["master", *(f"a{number}" for number in range(24))]
    last = accounts[-1]["Id"]
    client.move_account(AccountId=last, SourceParentId=root["Id"], DestinationParentId=unit["Id"])
    assert [each["Id"] for each in client.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"]] == [last]
    assert client.list_parents(ChildId=last)["Parents"] == [{"Id": unit["Id"], "Type": "ORGANIZATIONAL_UNIT"}]
    children = client.list_children(ParentId=unit["Id"], ChildType="ACCOUNT")["Children"]
    assert children == [{"Id": last, "Type": "ACCOUNT"}]
    assert refused(client.delete_organizational_unit, OrganizationalUnitId=unit["Id"]) == (
        "OrganizationalUnitNotEmptyException")

    policy = client.create_policy(Name="no s3", Description="d", Type=SCP, Content=CONTENT)["Policy"]
    identity = policy["PolicySummary"]["Id"]
    assert policy["Content"] == CONTENT
    assert refused(client.create_policy, Name="x", Description="", Type=SCP, Content="{}") == (
        "MalformedPolicyDocumentException")
    assert refused(client.attach_policy, PolicyId=identity, TargetId=last) == "PolicyTypeNotEnabledException"
    client.enable_policy_type(RootId=root["Id"], PolicyType=SCP)
    client.attach_policy(PolicyId=identity, TargetId=last)
    assert refused(client.attach_policy, PolicyId=identity, TargetId=last) == "DuplicatePolicyAttachmentException"
    assert [each["Name"] for each in client.list_policies_for_target(TargetId=last, Filter=SCP)["Policies"]] == [
        "FullAWSAccess", "no s3"]
    [target] = client.list_targets_for_policy(PolicyId=identity)["Targets"]
    assert (target["TargetId"], target["Type"], target["Name"]) == (last, "ACCOUNT", "a23")
    assert refused(client.delete_policy, PolicyId=identity) == "PolicyInUseException"
    client.detach_policy(PolicyId=identity, TargetId=last)
    client.tag_resource(ResourceId=identity, Tags=[{"Key": "k", "Value": "v"}])
    assert client.list_tags_for_resource(ResourceId=identity)["Tags"] == [{"Key": "k", "Value": "v"}]
    client.delete_policy(PolicyId=identity)
    assert refused(client.describe_policy, PolicyId=identity) == "PolicyNotFoundException"

    assert refused(client.delete_organization) == "OrganizationNotEmptyException"
    for account in accounts[1:]:
        client.remove_account_from_organization(AccountId=account["Id"])
    client.delete_organizational_unit(OrganizationalUnitId=unit["Id"])
    client.delete_organization()
    assert refused(client.describe_organization) == "AWSOrganizationsNotInUseException"
