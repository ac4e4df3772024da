"""What belongs together stays together: renames, secrets, accounts, tags, pages, documents.

Expected behaviour: the IAM API reference, operation by operation.
"""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag

from actors.iam import access
from actors.iam.linked_services import LINKED
from actors.iam.service import IAM
from actors.iam.vault import Vault
from actors.runtime.vault import KEY_FILE
from bus.subjects import DIRECT
from schemas.envelope import Identity
from schemas.routing import slot
from tests.actors.iam.caller import ACCOUNT, ALLOW, TRUST, open_caller
from tests.world import world

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


# A renamed user keeps its id, groups, policies, keys and boundary; only the ARN changes ("Renaming an IAM user").
def test_a_new_name_changes_nothing_else(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        before = iam.call("CreateUser", UserName="alice", PermissionsBoundary=ADMINISTRATOR)["User"]
        iam.call("CreateGroup", GroupName="g")
        iam.call("AddUserToGroup", GroupName="g", UserName="alice")
        iam.call("PutUserPolicy", UserName="alice", PolicyName="i", PolicyDocument=ALLOW)
        iam.call("AttachUserPolicy", UserName="alice", PolicyArn=ADMINISTRATOR)
        key = iam.call("CreateAccessKey", UserName="alice")["AccessKey"]["AccessKeyId"]
        iam.call("UpdateUser", UserName="alice", NewUserName="Alicia", NewPath="/a/")
        assert iam.error("GetUser", UserName="alice")[0] == "NoSuchEntity"
        after = iam.call("GetUser", UserName="Alicia")["User"]
        assert after == {**before, "UserName": "Alicia", "Path": "/a/",
                         "Arn": "arn:aws:iam::111111111111:user/a/Alicia"}
        assert [each["UserName"] for each in iam.call("GetGroup", GroupName="g")["Users"]] == ["Alicia"]
        assert iam.call("ListUserPolicies", UserName="Alicia")["PolicyNames"] == ["i"]
        assert iam.acting(key).call("GetUser")["User"]["UserName"] == "Alicia"
        found = iam.call("ListEntitiesForPolicy", PolicyArn=ADMINISTRATOR)
        assert [each["UserName"] for each in found["PolicyUsers"]] == ["Alicia"]
        assert iam.call("GetAccessKeyLastUsed", AccessKeyId=key)["UserName"] == "Alicia"


# Secrets are in the store only as ciphertext, under a key in a private file; another name or key does not open them.
def test_secrets_at_rest(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        iam.call("CreateUser", UserName="alice")
        made = iam.call("CreateAccessKey", UserName="alice")["AccessKey"]
        rows = iam.store.read(lambda snapshot: list(snapshot.scan(b"", b"\xff" * 8)))
    assert not any(made["SecretAccessKey"].encode() in value for _, value in rows)
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    sealed = Vault(tmp_path).seal_text("secret", "AKIA1")
    assert Vault(tmp_path).open_text(sealed, "AKIA1") == "secret"
    with pytest.raises(InvalidTag):
        Vault(tmp_path).open_text(sealed, "AKIA2")
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(ValueError, match="is no file of keys"):
        Vault(tmp_path)


# Accounts do not see one another, whatever the names; an alias is unique among all ("Account alias").
def test_accounts_are_apart(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        other = iam.acting("test", "222222222222")
        key = iam.call("CreateUser", UserName="alice") and iam.call("CreateAccessKey", UserName="alice")["AccessKey"]
        assert other.call("ListUsers")["Users"] == []
        assert other.error("GetAccessKeyLastUsed", AccessKeyId=key["AccessKeyId"])[0] == "AccessDenied"
        iam.call("CreateAccountAlias", AccountAlias="acme")
        assert other.error("CreateAccountAlias", AccountAlias="acme")[0] == "EntityAlreadyExists"
        iam.call("CreateAccountAlias", AccountAlias="acme2")
        other.call("CreateAccountAlias", AccountAlias="acme")
        assert iam.call("ListAccountAliases")["AccountAliases"] == ["acme2"]
        assert iam.call("GetUser")["User"]["Arn"] == "arn:aws:iam::111111111111:root"
        assert iam.call("GetAccountSummary")["SummaryMap"]["Users"] == 1


# API_SetSecurityTokenServicePreferences: the summary tells the version.
def test_token_versions(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        for version, told in (("v2Token", 2), ("v1Token", 1)):
            iam.call("SetSecurityTokenServicePreferences", GlobalEndpointTokenVersion=version)
            assert iam.call("GetAccountSummary")["SummaryMap"]["GlobalEndpointTokenVersion"] == told


# Versions: numbers are never used again, the default decides, five at most ("Versioning IAM policies").
def test_versions(tmp_path: Path) -> None:
    deny = ALLOW.replace("Allow", "Deny")
    with open_caller(tmp_path) as iam:
        arn = iam.call("CreatePolicy", PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
        iam.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=deny)
        iam.call("DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
        made = iam.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=deny, SetAsDefault=True)["PolicyVersion"]
        assert (made["VersionId"], made["IsDefaultVersion"]) == ("v3", True)
        assert [each["VersionId"] for each in iam.call("ListPolicyVersions", PolicyArn=arn)["Versions"]] == ["v3", "v1"]
        iam.call("CreateUser", UserName="u")
        iam.call("AttachUserPolicy", UserName="u", PolicyArn=arn)
        user = "arn:aws:iam::111111111111:user/u"

        def decision() -> str:
            [result] = iam.call("SimulatePrincipalPolicy", PolicySourceArn=user,
                                ActionNames=["s3:GetObject"])["EvaluationResults"]
            return str(result["EvalDecision"])

        assert decision() == "explicitDeny"
        iam.call("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
        assert decision() == "allowed"
        assert iam.error("DeletePolicy", PolicyArn=arn)[0] == "DeleteConflict"
        iam.call("DetachUserPolicy", UserName="u", PolicyArn=arn)
        iam.call("DeletePolicyVersion", PolicyArn=arn, VersionId="v3")
        iam.call("DeletePolicy", PolicyArn=arn)
        assert iam.call("ListPolicies", Scope="Local")["Policies"] == []


# Every list gives everything once, whatever the page size, while something behind it is removed ("Marker").
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_pages(tmp_path: Path, size: int) -> None:
    with open_caller(tmp_path) as iam:
        names = [f"r{number}" for number in range(7)]
        for name in names:
            iam.call("CreateRole", RoleName=name, Path="/p/", AssumeRolePolicyDocument=TRUST)
            iam.call("TagRole", RoleName="r0", Tags=[{"Key": name, "Value": ""}])
        iam.call("CreateRole", RoleName="elsewhere", AssumeRolePolicyDocument=TRUST)

        def everything(operation: str, member: str, **request: Any) -> list[Any]:
            found: list[Any] = []
            while True:
                answer = iam.call(operation, MaxItems=size, **request)
                found += answer[member]
                if not answer["IsTruncated"]:
                    return found
                request["Marker"] = answer["Marker"]

        assert [each["RoleName"] for each in everything("ListRoles", "Roles", PathPrefix="/p/")] == names
        assert [each["Key"] for each in everything("ListRoleTags", "Tags", RoleName="r0")] == names
        everywhere = everything("ListPolicies", "Policies")
        assert len({each["Arn"] for each in everywhere}) == len(everywhere) > 20
        details = everything("GetAccountAuthorizationDetails", "RoleDetailList", Filter=["Role", "User"])
        assert len(details) == 8


# Expected: localstack's captures. Only a user's inline policies are left out where there are none.
def test_details_of_what_has_nothing(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        iam.call("CreateUser", UserName="alice")
        iam.call("CreateGroup", GroupName="g")
        iam.call("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
        details = iam.call("GetAccountAuthorizationDetails")
        [user], [group], [role] = details["UserDetailList"], details["GroupDetailList"], details["RoleDetailList"]
        assert "UserPolicyList" not in user
        assert user["Tags"] == user["GroupList"] == user["AttachedManagedPolicies"] == []
        assert group["GroupPolicyList"] == group["AttachedManagedPolicies"] == []
        assert role["Tags"] == role["RolePolicyList"] == role["InstanceProfileList"] == []
        assert role["RoleLastUsed"] == {}


# A service-linked role takes a description and tags of ours ("Edit a service-linked role", terraform's tests on AWS).
def test_service_linked_roles_and_providers(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        role = iam.call("CreateServiceLinkedRole", AWSServiceName="rds.amazonaws.com")["Role"]
        assert role["Arn"].endswith(":role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS")
        iam.call("UpdateRole", RoleName=role["RoleName"], Description="mine")
        iam.call("TagRole", RoleName=role["RoleName"], Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
        iam.call("UntagRole", RoleName=role["RoleName"], TagKeys=["c"])
        shown = iam.call("GetRole", RoleName=role["RoleName"])["Role"]
        assert (shown["Description"], shown["Tags"]) == ("mine", [{"Key": "a", "Value": "b"}])
        task = iam.call("DeleteServiceLinkedRole", RoleName=role["RoleName"])["DeletionTaskId"]
        assert iam.call("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task)["Status"] == "SUCCEEDED"
        arn = iam.call("CreateOpenIDConnectProvider", Url="https://token.example.com/x", ClientIDList=["a"])[
            "OpenIDConnectProviderArn"]
        assert arn == "arn:aws:iam::111111111111:oidc-provider/token.example.com/x"
        iam.call("AddClientIDToOpenIDConnectProvider", OpenIDConnectProviderArn=arn, ClientID="b")
        assert iam.call("GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a", "b"]
        iam.call("DeleteOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
        assert iam.call("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": []}


# Boundaries, organization policies, a resource's policy and missing keys, as the simulator reports them.
def test_simulation(tmp_path: Path) -> None:
    by_team = json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}})
    nothing = ALLOW.replace("s3:*", "ec2:*")
    with open_caller(tmp_path) as iam:
        def asked(**request: Any) -> dict[str, Any]:
            results = iam.call("SimulateCustomPolicy", ActionNames=["s3:GetObject"], **request)["EvaluationResults"]
            return dict(results[0])

        missing = asked(PolicyInputList=[by_team])
        assert (missing["EvalDecision"], missing["MissingContextValues"]) == ("implicitDeny", ["aws:PrincipalTag/team"])
        team = {"ContextKeyName": "aws:principaltag/TEAM", "ContextKeyType": "string", "ContextKeyValues": ["blue"]}
        known = asked(PolicyInputList=[by_team], ContextEntries=[team])
        assert known["EvalDecision"] == "allowed"
        assert [each["SourcePolicyId"] for each in known["MatchedStatements"]] == ["PolicyInputList.1"]
        bounded = asked(PolicyInputList=[ALLOW], PermissionsBoundaryPolicyInputList=[nothing])
        assert bounded["EvalDecision"] == "implicitDeny"
        assert bounded["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
        limited = asked(PolicyInputList=[ALLOW], OrderedOrganizationPolicyInputList=[
            {"ServiceControlPolicyInputList": [nothing]}])
        assert limited["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
        by_name = ALLOW.replace('"Resource":"*"', '"Resource":"arn:aws:s3:::${aws:username}"')
        assert iam.call("GetContextKeysForCustomPolicy", PolicyInputList=[by_team, by_name]) == {
            "ContextKeyNames": ["aws:PrincipalTag/team", "aws:username"]}
        assert iam.error("SimulateCustomPolicy", PolicyInputList=["{"], ActionNames=["s3:a"])[0] == "InvalidInput"
        much = [ALLOW + " " * 100_000] * 3
        assert iam.error("SimulateCustomPolicy", PolicyInputList=much, ActionNames=["s3:a"])[0] == "InvalidInput"


# Over the bus, by slot of the account in whatever region, and after a restart.
def test_on_the_bus(tmp_path: Path) -> None:
    assert slot("iam", "1", "eu-west-1", {"UserName": "a"}) == slot("iam", "1", "us-east-1", {}) != "any"

    async def main() -> None:
        async with world(tmp_path, [IAM()]) as skies:
            client = skies.client(Identity(DIRECT, "111111111111", "test"))
            await client.call("iam", "CreateUser", {"UserName": "alice"})
            await skies.restart()
            answer = await client.call("iam", "ListUsers", {}, region="eu-west-1")
            assert [each["UserName"] for each in answer["Users"]] == ["alice"]

    asyncio.run(main())


# What authorisation is asked about: the entity as it stands, with its path.
def test_resources(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        def arns(operation: str, **request: str) -> list[str]:
            context = iam.context(operation)
            found: Any = iam.store.read(lambda view: access.accesses(view, context, f"iam:{operation}", request))
            return [each.resource.removeprefix(f"arn:aws:iam::{ACCOUNT}:") for each in found]

        iam.call("CreateUser", UserName="known", Path="/staff/")
        assert arns("CreateUser", UserName="u", Path="/a/") == ["user/a/u"]
        assert arns("DeleteUser", UserName="known") == ["user/staff/known"]
        assert arns("AttachRolePolicy", RoleName="r", PolicyArn=ADMINISTRATOR) == ["role/r"]
        assert arns("DeletePolicy", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/p") == ["policy/p"]
        assert arns("AddUserToGroup", UserName="u", GroupName="g") == ["group/g"]
        assert arns("AddRoleToInstanceProfile", InstanceProfileName="p", RoleName="r") == [
            "instance-profile/p", "role/r"]
        assert arns("ListUsers") == ["user/"]
        assert arns("GetAccountSummary") == ["*"]
        assert arns("GetUser") == ["root"]


# Every policy of AWS's is one that the engine reads, and anybody may attach but the services' own.
def test_policies_of_aws(tmp_path: Path) -> None:
    from actors.iam import managed
    from actors.runtime.policy.document import Document
    from actors.runtime.policy.grammar import Use

    arns = list(managed.arns())
    assert len(arns) > 1500
    for arn in arns:
        record = managed.find(arn)
        assert record is not None
        Document(record["document"], Use.IDENTITY)
    with open_caller(tmp_path) as iam:
        iam.call("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
        for name in ("job-function/ViewOnlyAccess", "service-role/AWSLambdaBasicExecutionRole",
                     "AmazonEC2ContainerRegistryReadOnly", "AmazonEKSClusterPolicy"):
            iam.call("AttachRolePolicy", RoleName="r", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
        shown = iam.call("GetPolicy", PolicyArn="arn:aws:iam::aws:policy/IAMUserChangePassword")["Policy"]
        assert (shown["DefaultVersionId"][0], shown["Tags"]) == ("v", [])
        version = iam.call("GetPolicyVersion", PolicyArn=shown["Arn"], VersionId=shown["DefaultVersionId"])
        assert version["PolicyVersion"]["IsDefaultVersion"]
        listed = iam.call("ListPolicies", Scope="AWS", MaxItems=1000)
        assert (len(listed["Policies"]), listed["IsTruncated"]) == (1000, True)


# Tags of users and roles are alike in whatever case, others differ: captures of IAM's answers by localstack, and
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
def test_tags_by_case(tmp_path: Path) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    with open_caller(tmp_path) as iam:
        made = iam.call("CreatePolicy", PolicyName="p", PolicyDocument=ALLOW, Tags=tags)["Policy"]
        assert made["Tags"] == tags
        iam.call("UntagPolicy", PolicyArn=made["Arn"], TagKeys=["a"])
        assert iam.call("ListPolicyTags", PolicyArn=made["Arn"])["Tags"] == tags[1:]
        assert iam.error("CreateUser", UserName="u", Tags=tags)[0] == "InvalidInput"
        assert iam.error("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=tags)[0] == "InvalidInput"
        iam.call("CreateInstanceProfile", InstanceProfileName="i", Tags=tags)
        assert len(iam.call("ListInstanceProfileTags", InstanceProfileName="i")["Tags"]) == 2


# Names of service-linked roles: each service's own page in AWS's documentation, and moto's suite.
@pytest.mark.parametrize(("service", "suffix", "name"), [
    ("elasticbeanstalk", "", "AWSServiceRoleForElasticBeanstalk"),
    ("autoscaling", "suf", "AWSServiceRoleForAutoScaling_suf"),
    ("custom-resource.application-autoscaling", "", "AWSServiceRoleForApplicationAutoScaling_CustomResource"),
    ("dynamodb.application-autoscaling", "", "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"),
])
def test_names_of_service_linked_roles(tmp_path: Path, service: str, suffix: str, name: str) -> None:
    with open_caller(tmp_path) as iam:
        more = {"CustomSuffix": suffix} if suffix else {}
        made = iam.call("CreateServiceLinkedRole", AWSServiceName=f"{service}.amazonaws.com", **more)
        assert made["Role"]["RoleName"] == name


# Every role of the table can be made and has AWS's policy, one that is published; it goes with the role.
def test_policies_of_service_linked_roles(tmp_path: Path) -> None:
    with open_caller(tmp_path) as iam:
        for service, (name, policy) in LINKED.items():
            role = iam.call("CreateServiceLinkedRole", AWSServiceName=f"{service}.amazonaws.com")["Role"]["RoleName"]
            attached = iam.call("ListAttachedRolePolicies", RoleName=role)["AttachedPolicies"]
            assert [each["PolicyName"] for each in attached] == ([policy] if policy else []), name
            if policy:
                arn = attached[0]["PolicyArn"]
                assert arn == f"arn:aws:iam::aws:policy/aws-service-role/{policy}"
                assert iam.call("GetPolicy", PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
                assert iam.error("DetachRolePolicy", RoleName=role, PolicyArn=arn)[0] == "UnmodifiableEntity"
                iam.call("DeleteServiceLinkedRole", RoleName=role)
                assert iam.call("GetPolicy", PolicyArn=arn)["Policy"]["AttachmentCount"] == 0


# The deciding statement's place, as AWS's example of SimulateCustomPolicy shows it: from 1, the end behind the brace.
# Missing are the keys that statements about the action ask for, no others'.
def test_positions_in_simulations(tmp_path: Path) -> None:
    text = """{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Action": "dynamodb:*",
    "Resource": "*"
  }
}"""
    several = """{"Statement": [{"Effect":"Deny","Action":"s3:Put*","Resource":"*",
      "Condition":{"Bool":{"aws:SecureTransport":"false"}}},
  {"Effect":"Allow","Action":"s3:Get*","Resource":"*"}], "Version":"2012-10-17"}"""
    with open_caller(tmp_path) as iam:
        def answers(document: str, action: str) -> Any:
            asked = iam.call("SimulateCustomPolicy", PolicyInputList=[document], ActionNames=[action])
            return asked["EvaluationResults"][0]

        matched = answers(text, "dynamodb:GetItem")["MatchedStatements"][0]
        assert matched["StartPosition"] == {"Line": 3, "Column": 16}
        assert matched["EndPosition"] == {"Line": 7, "Column": 4}
        second = answers(several, "s3:GetObject")
        assert second["MissingContextValues"] == []
        assert second["MatchedStatements"][0]["StartPosition"] == {"Line": 3, "Column": 3}
        third = answers(several, "s3:PutObject")
        assert (third["MatchedStatements"], third["MissingContextValues"]) == ([], ["aws:SecureTransport"])
