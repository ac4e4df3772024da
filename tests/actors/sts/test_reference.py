"""Resources and condition keys of the service authorization reference that policies in the wild rely on.

Expected: https://docs.aws.amazon.com/service-authorization/latest/reference/ (IAM, Organizations, S3, Bedrock) and the
policies that AWS's guides print, linked at each test.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from actors.bedrock.service import Bedrock
from actors.bedrock_runtime.service import BedrockRuntime
from actors.cloudtrail.service import CloudTrail
from actors.organizations.service import Organizations
from actors.s3.service import S3
from bus.virtual_time import run
from tests.actors.sts.skies import document, skies
from tests.world import ACCOUNT, clock


# A delegate gives permissions to users of one boundary alone.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
def test_delegated_administration(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root = sky.root()
            boundary = (await root.call("iam", "CreatePolicy", PolicyName="XCompanyBoundaries", PolicyDocument=document(
                {"Action": "s3:*", "Resource": "*"})))["Policy"]["Arn"]
            carol = await sky.user("carol", {
                "Action": ["iam:CreateUser", "iam:PutUserPolicy", "iam:PutUserPermissionsBoundary",
                           "iam:DeleteUserPermissionsBoundary"], "Resource": "*",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}}}, {
                "Effect": "Deny", "Action": "iam:DeleteUserPermissionsBoundary", "Resource": "*"})
            own = {"PolicyName": "own", "PolicyDocument": document({"Action": "*", "Resource": "*"})}
            await carol.denied("iam", "CreateUser", UserName="free")
            await carol.call("iam", "CreateUser", UserName="bound", PermissionsBoundary=boundary)
            await root.call("iam", "CreateUser", UserName="free")
            await carol.denied("iam", "PutUserPolicy", UserName="free", **own)
            await carol.call("iam", "PutUserPolicy", UserName="bound", **own)
            other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
            await carol.denied("iam", "PutUserPermissionsBoundary", UserName="bound", PermissionsBoundary=other)
            await carol.call("iam", "PutUserPermissionsBoundary", UserName="free", PermissionsBoundary=boundary)
            await carol.denied("iam", "DeleteUserPermissionsBoundary", UserName="bound")

    run(main())


def test_credentials_of_services_and_keys(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path) as sky:
            root = sky.root()
            alice = await sky.user("alice")
            key = {"iam:ServiceSpecificCredentialServiceName": "codecommit.amazonaws.com"}
            carol = await sky.user(
                "carol", {"Action": "iam:*ServiceSpecificCredential", "Resource": "*", "Condition": {
                    "StringEquals": key}}, {"Action": "iam:GetAccessKeyLastUsed",
                                            "Resource": f"arn:aws:iam::{ACCOUNT}:user/alice"})
            for service, may in (("codecommit.amazonaws.com", True), ("cassandra.amazonaws.com", False)):
                made = await root.call("iam", "CreateServiceSpecificCredential", UserName="alice", ServiceName=service)
                asked = {"UserName": "alice", "Status": "Inactive", "ServiceSpecificCredentialId":
                         made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]}
                if may:
                    await carol.call("iam", "UpdateServiceSpecificCredential", **asked)
                else:
                    await carol.denied("iam", "UpdateServiceSpecificCredential", **asked)
            await carol.call("iam", "GetAccessKeyLastUsed", AccessKeyId=alice.access_key)
            await carol.denied("iam", "GetAccessKeyLastUsed", AccessKeyId=carol.access_key)

    run(main())


# Accounts, units and policies have ARNs of their own; what concerns two of them needs both.
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_permissions_iam-policies.html
def test_organizations(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            root = sky.root()

            async def org(operation: str, **params: Any) -> dict[str, Any]:
                return await root.call("organizations", operation, **params)

            await org("CreateOrganization")
            top = (await org("ListRoots"))["Roots"][0]
            await org("EnablePolicyType", RootId=top["Id"], PolicyType="SERVICE_CONTROL_POLICY")
            unit = (await org("CreateOrganizationalUnit", ParentId=top["Id"], Name="unit", Tags=[
                {"Key": "stage", "Value": "test"}]))["OrganizationalUnit"]
            policy = (await org("CreatePolicy", Name="p", Description="", Type="SERVICE_CONTROL_POLICY",
                                Content=document({"Action": "*", "Resource": "*"})))["Policy"]["PolicySummary"]
            carol = await sky.user(
                "carol", {"Action": "organizations:DescribeOrganizationalUnit", "Resource": "*", "Condition": {
                    "StringEquals": {"aws:ResourceTag/stage": "test"}}},
                {"Action": "organizations:AttachPolicy", "Resource": [policy["Arn"], unit["Arn"]]},
                {"Action": "organizations:ListPolicies", "Resource": "*", "Condition": {
                    "StringEquals": {"organizations:PolicyType": "SERVICE_CONTROL_POLICY"}}},
                {"Action": "organizations:EnableAWSServiceAccess", "Resource": "*", "Condition": {
                    "StringEquals": {"organizations:ServicePrincipal": "config.amazonaws.com"}}})

            async def denied(operation: str, **params: Any) -> str:
                return await carol.denied("organizations", operation, **params)

            await carol.call("organizations", "DescribeOrganizationalUnit", OrganizationalUnitId=unit["Id"])
            await org("UntagResource", ResourceId=unit["Id"], TagKeys=["stage"])
            assert unit["Arn"] in await denied("DescribeOrganizationalUnit", OrganizationalUnitId=unit["Id"])
            await carol.call("organizations", "AttachPolicy", PolicyId=policy["Id"], TargetId=unit["Id"])
            assert top["Arn"] in await denied("AttachPolicy", PolicyId=policy["Id"], TargetId=top["Id"])
            assert f"arn:aws:organizations::{ACCOUNT}:account/" in await denied("DescribeAccount", AccountId=ACCOUNT)
            await carol.call("organizations", "ListPolicies", Filter="SERVICE_CONTROL_POLICY")
            await denied("ListPolicies", Filter="TAG_POLICY")
            await carol.call("organizations", "EnableAWSServiceAccess", ServicePrincipal="config.amazonaws.com")
            await denied("EnableAWSServiceAccess", ServicePrincipal="sso.amazonaws.com")

    run(main())


# Whoever is of the organization, and of this part of it.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
def test_members_of_an_organization(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            root = sky.root()
            organization = (await root.call("organizations", "CreateOrganization"))["Organization"]["Id"]
            top = (await root.call("organizations", "ListRoots"))["Roots"][0]["Id"]
            unit = (await root.call("organizations", "CreateOrganizationalUnit", ParentId=top, Name="unit"))
            unit_id = unit["OrganizationalUnit"]["Id"]
            member = (await root.call("organizations", "CreateAccount", AccountName="m", Email="m@example.com"))[
                "CreateAccountStatus"]["AccountId"]
            table = await sky.table("music")
            get = {"TableName": table, "Key": {"pk": {"S": "a"}}}

            async def admit(condition: dict[str, Any]) -> None:
                await root.call("dynamodb", "PutResourcePolicy", ResourceArn=table, Policy=document({
                    "Principal": "*", "Action": "dynamodb:GetItem", "Resource": table, "Condition": condition}))

            mine = await sky.user("mine", {"Action": "dynamodb:*", "Resource": "*"}, account=member)
            strange = await sky.user("strange", {"Action": "dynamodb:*", "Resource": "*"}, account="333333333333")
            await admit({"StringEquals": {"aws:PrincipalOrgID": organization}})
            await mine.call("dynamodb", "GetItem", **get)
            await strange.denied("dynamodb", "GetItem", **get)
            await admit({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{organization}/{top}/{unit_id}/*"}})
            await mine.denied("dynamodb", "GetItem", **get)
            await root.call("organizations", "MoveAccount", AccountId=member, SourceParentId=top,
                            DestinationParentId=unit_id)
            await mine.call("dynamodb", "GetItem", **get)
            perimeter = {"StringNotEqualsIfExists": {"aws:ResourceOrgID": organization}}
            await sky.root(member).call("iam", "PutUserPolicy", UserName="mine", PolicyName="perimeter",
                                        PolicyDocument=document({"Effect": "Deny", "Action": "*", "Resource": "*",
                                                                 "Condition": perimeter}))
            await mine.call("dynamodb", "ListTables")

    run(main())


# Of several trails each must be allowed.
def test_tags_of_trails(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, CloudTrail()) as sky:
            one, other = (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{name}" for name in ("one", "other"))
            carol = await sky.user("carol", {"Action": "cloudtrail:ListTags", "Resource": one})
            for arns, may in (([one], True), ([one, other], False), ([], False)):
                error = await carol.error("cloudtrail", "ListTags", ResourceIdList=arns)
                assert (error.error_code != "AccessDeniedException") == may, (arns, error)

    run(main())


# Objects are made where none is, and of parts that are put before; locks are short; buckets are of this account.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html,
# …/object-lock-managing.html#object-lock-managing-retention-limits
def test_s3(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            await sky.root().call("s3", "CreateBucket", Bucket="bucket", ObjectLockEnabledForBucket=True)
            carol = await sky.user(
                "carol", {"Action": "s3:*", "Resource": "*", "Condition": {
                    "StringEquals": {"s3:ResourceAccount": ACCOUNT}}},
                {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {
                    "Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}},
                {"Effect": "Deny", "Action": "s3:PutObjectRetention", "Resource": "*", "Condition": {
                    "NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}}})
            one = {"Bucket": "bucket", "Key": "key"}
            await carol.denied("s3", "PutObject", **one, Body=b"x")
            await carol.call("s3", "PutObject", **one, Body=b"x", IfNoneMatch="*")
            upload = (await carol.call("s3", "CreateMultipartUpload", Bucket="bucket", Key="parts"))["UploadId"]
            await carol.call("s3", "UploadPart", Bucket="bucket", Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
            for days, may in ((5, True), (20, False)):
                until = datetime.fromtimestamp(clock() + days * 86_400 + 60, UTC)
                asked = {**one, "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until}}
                if may:
                    await carol.call("s3", "PutObjectRetention", **asked)
                else:
                    await carol.denied("s3", "PutObjectRetention", **asked)

    run(main())


# That a bucket is not there, or in another region, is told to whoever may do nothing (measured on AWS by ministack's
# tests for GetObject, HeadObject, HeadBucket and DeleteObject). Tags of a new bucket need s3:TagResource:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
def test_what_the_refused_hear(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, S3()) as sky:
            await sky.root().call("s3", "CreateBucket", Bucket="here")
            await sky.root().call("s3", "CreateBucket", Bucket="there",
                                  CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            carol = await sky.user("carol", {"Action": "s3:CreateBucket", "Resource": "*"})
            for name, code in (("here", "AccessDenied"), ("none", "NoSuchBucket"), ("there", "PermanentRedirect")):
                for operation in ("GetObject", "HeadObject", "DeleteObject", "GetObjectTagging"):
                    assert (await carol.error("s3", operation, Bucket=name, Key="k")).error_code == code
                assert (await carol.error("s3", "HeadBucket", Bucket=name)).error_code == code
            await carol.denied("s3", "CreateBucket", Bucket="new", CreateBucketConfiguration={
                "Tags": [{"Key": "a", "Value": "b"}]})
            await carol.call("s3", "CreateBucket", Bucket="new")

    run(main())


# Inference only behind a guardrail. https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-permissions-id.html
def test_guardrails(tmp_path: Path) -> None:
    guardrail = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abcdefghij12"

    async def main() -> None:
        async with skies(tmp_path, Bedrock(), BedrockRuntime()) as sky:
            carol = await sky.user(
                "carol", {"Action": "bedrock:InvokeModel", "Resource": "*", "Condition": {
                    "StringEquals": {"bedrock:GuardrailIdentifier": f"{guardrail}:1"}}},
                {"Action": "bedrock:ApplyGuardrail", "Resource": "*"})
            asked = {"modelId": "skybus.none", "messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
            for version, may in (("", False), ("1", True), ("2", False), ("DRAFT", False)):
                config = {"guardrailConfig": {"guardrailIdentifier": "abcdefghij12", "guardrailVersion": version}}
                error = await carol.error("bedrock-runtime", "Converse", **asked, **(config if version else {}))
                assert (error.error_code != "AccessDeniedException") == may, (version, error)

    run(main())


# Bedrock is given a role by who may pass it on, to Bedrock; a profile is made of a model that one may use for it.
# https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-permissions.html,
# …/inference-profiles-prereq.html
def test_bedrocks_roles_and_profiles(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Bedrock()) as sky:
            role = await sky.role("batch", {"Service": "bedrock.amazonaws.com"})
            model = "arn:aws:bedrock:us-east-1::foundation-model/skybus.tiny-toy-v1"
            carol = await sky.user(
                "carol", {"Action": "bedrock:CreateModelInvocationJob", "Resource": "*"},
                {"Action": "bedrock:CreateInferenceProfile", "Resource": [
                    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/*", model]})
            job: dict[str, Any] = {
                "jobName": "job", "roleArn": role, "modelId": "skybus.tiny-toy-v1",
                "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in"}},
                "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}}}
            refused = await carol.denied("bedrock", "CreateModelInvocationJob", **job)
            assert f"iam:PassRole on resource: {role}" in refused
            for service, may in (("lambda.amazonaws.com", False), ("bedrock.amazonaws.com", True)):
                passing = document({"Action": "iam:PassRole", "Resource": role, "Condition": {
                    "StringEquals": {"iam:PassedToService": service}}})
                await sky.root().call(
                    "iam", "PutUserPolicy", UserName="carol", PolicyName="pass", PolicyDocument=passing)
                if may:
                    assert (await carol.call("bedrock", "CreateModelInvocationJob", **job))["jobArn"]
                else:
                    await carol.denied("bedrock", "CreateModelInvocationJob", **job)
            made = {"inferenceProfileName": "mine", "modelSource": {"copyFrom": model}}
            await carol.call("bedrock", "CreateInferenceProfile", **made)
            made["modelSource"] = {"copyFrom": model.replace("tiny", "other")}
            await carol.denied("bedrock", "CreateInferenceProfile", **made)

    run(main())
