"""Service control policies bound what member accounts may, their roots included, from the answer to the change on.

Expected: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html and
…/orgs_manage_policies_scps_evaluation.html
"""

from pathlib import Path
from typing import Any

from actors.organizations.service import Organizations
from bus.virtual_time import run
from tests.actors.sts.skies import OTHER, Sky, Who, document, skies
from tests.world import ACCOUNT

SCP = "SERVICE_CONTROL_POLICY"
FULL = "p-FullAWSAccess"
NO_TABLES = document({"Effect": "Deny", "Action": "dynamodb:List*", "Resource": "*"})


async def founded(sky: Sky) -> tuple[Who, str, str]:
    """(the management account's root, the organization's root, a member account)."""
    master = sky.root()
    await master.call("organizations", "CreateOrganization")
    root = (await master.call("organizations", "ListRoots"))["Roots"][0]["Id"]
    await master.call("organizations", "EnablePolicyType", RootId=root, PolicyType=SCP)
    status = (await master.call("organizations", "CreateAccount", AccountName="dev", Email="dev@example.com"))
    return master, root, status["CreateAccountStatus"]["AccountId"]


async def policy(master: Who, name: str, content: str, *targets: str) -> str:
    answer = await master.call("organizations", "CreatePolicy", Name=name, Description="", Type=SCP, Content=content)
    identity: str = answer["Policy"]["PolicySummary"]["Id"]
    for target in targets:
        await master.call("organizations", "AttachPolicy", PolicyId=identity, TargetId=target)
    return identity


def test_a_member_account_is_bound(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, root, account = await founded(sky)
            member = sky.root(account)
            alice = await sky.user("alice", {"Action": "*", "Resource": "*"}, account=account)
            for who in (member, alice):
                assert await who.call("dynamodb", "ListTables") == {"TableNames": []}
            no = await policy(master, "no tables", NO_TABLES, root)
            for who in (member, alice):
                assert (await who.denied("dynamodb", "ListTables")).endswith(
                    "with an explicit deny in a service control policy")
            assert await master.call("dynamodb", "ListTables"), "the management account is never bound"
            assert await sky.root(OTHER).call("dynamodb", "ListTables"), "nor are accounts of no organization"
            answer = await member.call("iam", "SimulatePrincipalPolicy", ActionNames=["dynamodb:ListTables"],
                                       PolicySourceArn=f"arn:aws:iam::{account}:user/alice")
            assert answer["EvaluationResults"][0]["EvalDecision"] == "explicitDeny"
            await sky.world.restart()
            await member.denied("dynamodb", "ListTables")
            await master.call("organizations", "DetachPolicy", PolicyId=no, TargetId=root)
            assert await member.call("dynamodb", "ListTables") == {"TableNames": []}

    run(main())


# Every level must allow: the root, each unit on the way, the account itself.
def test_every_level_must_allow(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, root, account = await founded(sky)
            member = sky.root(account)
            unit = (await master.call("organizations", "CreateOrganizationalUnit", ParentId=root, Name="quiet"))
            unit_id = unit["OrganizationalUnit"]["Id"]
            only_iam = await policy(master, "only iam", document({"Action": "iam:*", "Resource": "*"}), unit_id)
            assert await member.call("dynamodb", "ListTables"), "it is not in the unit yet"
            await master.call("organizations", "MoveAccount", AccountId=account, SourceParentId=root,
                              DestinationParentId=unit_id)
            assert await member.call("dynamodb", "ListTables"), "the unit has FullAWSAccess as well"
            await master.call("organizations", "DetachPolicy", PolicyId=FULL, TargetId=unit_id)
            assert (await member.denied("dynamodb", "ListTables")).endswith(
                "because no service control policy allows the dynamodb:ListTables action")
            assert await member.call("iam", "ListUsers")
            error = await master.error("organizations", "DetachPolicy", PolicyId=only_iam, TargetId=unit_id)
            assert (error.error_code, error.fields["Reason"]) == (
                "ConstraintViolationException", "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
            await master.call("organizations", "DisablePolicyType", RootId=root, PolicyType=SCP)
            assert await member.call("dynamodb", "ListTables")

    run(main())


# The management account comes in by the role that every new account has; the account's policies bind it there too.
def test_the_access_role(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, _, account = await founded(sky)
            boss = await sky.user("boss", {"Action": "sts:AssumeRole", "Resource": "*"})
            inside = await boss.assume(f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole")
            assert await inside.call("dynamodb", "ListTables") == {"TableNames": []}
            await policy(master, "no tables", NO_TABLES, account)
            await inside.denied("dynamodb", "ListTables")
            await master.call("organizations", "CloseAccount", AccountId=account)
            closed: Any = await inside.error("dynamodb", "ListTables")
            assert closed.error_code == "UnrecognizedClientException"
            assert (await sky.root(account).error("iam", "ListUsers")).error_code == "InvalidClientTokenId"

    run(main())


def test_who_may_ask(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            error = await sky.root().error("organizations", "DescribeOrganization")
            assert (error.error_code, error.message) == (
                "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
            master, _, account = await founded(sky)
            member = sky.root(account)
            shown = (await member.call("organizations", "DescribeOrganization"))["Organization"]
            assert shown["MasterAccountId"] == ACCOUNT
            error = await member.error("organizations", "ListAccounts")
            assert (error.error_code, error.message) == (
                "AccessDeniedException", "You don't have permissions to access this resource.")
            assert (await master.error("organizations", "DeleteOrganization")).error_code == (
                "OrganizationNotEmptyException")
            await member.call("organizations", "LeaveOrganization")
            assert (await master.error("organizations", "LeaveOrganization")).error_code == (
                "MasterCannotLeaveOrganizationException")
            await master.call("organizations", "DeleteOrganization")
            await master.error("organizations", "DescribeOrganization")
            await master.call("organizations", "CreateOrganization", FeatureSet="ALL")

    run(main())


# An account is a member from its own acceptance on, and bound from then on; nobody else can answer for it.
def test_invitations(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, root, member = await founded(sky)
            guest = sky.root(OTHER)
            target = {"Target": {"Id": OTHER, "Type": "ACCOUNT"}}
            first = (await master.call("organizations", "InviteAccountToOrganization", **target))["Handshake"]
            assert (first["State"], first["Action"], first["Id"][:2]) == ("OPEN", "INVITE", "h-")
            again = await master.error("organizations", "InviteAccountToOrganization", **target)
            assert again.error_code == "DuplicateHandshakeException"
            stranger = await sky.root(member).error("organizations", "AcceptHandshake", HandshakeId=first["Id"])
            assert stranger.error_code == "HandshakeNotFoundException"
            by_master = await master.error("organizations", "AcceptHandshake", HandshakeId=first["Id"])
            assert by_master.error_code == "AccessDeniedException"
            declined = (await guest.call("organizations", "DeclineHandshake", HandshakeId=first["Id"]))["Handshake"]
            assert declined["State"] == "DECLINED"
            late = await guest.error("organizations", "AcceptHandshake", HandshakeId=first["Id"])
            assert late.error_code == "InvalidHandshakeTransitionException"
            second = (await master.call("organizations", "InviteAccountToOrganization", **target))["Handshake"]
            await policy(master, "no tables", NO_TABLES, root)
            assert await guest.call("dynamodb", "ListTables") == {"TableNames": []}
            await guest.call("organizations", "AcceptHandshake", HandshakeId=second["Id"])
            await guest.denied("dynamodb", "ListTables")
            listed = (await guest.call("organizations", "ListHandshakesForAccount"))["Handshakes"]
            assert [each["State"] for each in listed] == ["DECLINED", "ACCEPTED"]
            joined = (await master.call("organizations", "DescribeAccount", AccountId=OTHER))["Account"]
            assert joined["JoinedMethod"] == "INVITED"
            taken = await master.error("organizations", "InviteAccountToOrganization", **target)
            assert taken.error_code == "HandshakeConstraintViolationException"
            await guest.call("organizations", "LeaveOrganization")
            assert await guest.call("dynamodb", "ListTables") == {"TableNames": []}

    run(main())


# Delegated administrators see what the management account sees, and change nothing.
def test_services_and_delegated_administrators(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, root, account = await founded(sky)
            member, service = sky.root(account), {"ServicePrincipal": "guardduty.amazonaws.com"}
            await master.call("organizations", "EnableAWSServiceAccess", **service)
            trusted = (await master.call("organizations", "ListAWSServiceAccessForOrganization"))
            assert [each["ServicePrincipal"] for each in trusted["EnabledServicePrincipals"]] == list(service.values())
            for name in ("storage-lens.s3", "access-analyzer", "member.org.stacksets.cloudformation"):
                await master.call("organizations", "EnableAWSServiceAccess", ServicePrincipal=f"{name}.amazonaws.com")
            for name in ("guardduty.example", "moto.amazonaws.com", "guardduty.amazonaws.com.example"):
                wrong = await master.error("organizations", "EnableAWSServiceAccess", ServicePrincipal=name)
                assert wrong.message == "You specified an unrecognized service principal."
            assert (await member.error("organizations", "ListAccounts")).error_code == "AccessDeniedException"
            delegated = {"AccountId": account, **service}
            await master.call("organizations", "RegisterDelegatedAdministrator", **delegated)
            twice = await master.error("organizations", "RegisterDelegatedAdministrator", **delegated)
            assert twice.error_code == "AccountAlreadyRegisteredException"
            own = {"AccountId": ACCOUNT, **service}
            self_made = await master.error("organizations", "RegisterDelegatedAdministrator", **own)
            assert self_made.error_code == "ConstraintViolationException"
            assert len((await member.call("organizations", "ListAccounts"))["Accounts"]) == 2
            change = await member.error("organizations", "CreateOrganizationalUnit", ParentId=root, Name="x")
            assert change.error_code == "AccessDeniedException"
            shown = (await master.call("organizations", "ListDelegatedAdministrators", **service))
            assert [(each["Id"], each["State"]) for each in shown["DelegatedAdministrators"]] == [(account, "ACTIVE")]
            its = await master.call("organizations", "ListDelegatedServicesForAccount", AccountId=account)
            assert its["DelegatedServices"][0]["ServicePrincipal"] == "guardduty.amazonaws.com"
            await master.call("organizations", "DeregisterDelegatedAdministrator", **delegated)
            assert (await member.error("organizations", "ListAccounts")).error_code == "AccessDeniedException"

    run(main())


# A member's root for one task: from the management account alone, once switched on, and no more than the task's policy.
# Expected: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html
def test_roots_of_members(tmp_path: Path) -> None:
    async def main() -> None:
        async with skies(tmp_path, Organizations()) as sky:
            master, _, account = await founded(sky)
            tasks = "arn:aws:iam::aws:policy/root-task/"
            asked = {"TargetPrincipal": account, "TaskPolicyArn": {"arn": f"{tasks}IAMAuditRootUserCredentials"}}
            untrusted = await master.error("iam", "EnableOrganizationsRootSessions")
            assert untrusted.error_code == "ServiceAccessNotEnabledException"
            await master.call("organizations", "EnableAWSServiceAccess", ServicePrincipal="iam.amazonaws.com")
            await master.denied("sts", "AssumeRoot", **asked)
            enabled = await master.call("iam", "EnableOrganizationsRootSessions")
            assert enabled["EnabledFeatures"] == ["RootSessions"]
            session = sky.session((await master.call("sts", "AssumeRoot", **asked))["Credentials"], account)
            identity = await session.call("sts", "GetCallerIdentity")
            assert identity["Arn"] == f"arn:aws:iam::{account}:root"
            assert (await session.call("iam", "GetUser"))["User"]["Arn"] == f"arn:aws:iam::{account}:root"
            await session.denied("dynamodb", "ListTables")
            other = {**asked, "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}
            assert (await master.error("sts", "AssumeRoot", **other)).error_code == "ValidationError"
            await sky.root(account).denied("sts", "AssumeRoot", **{**asked, "TargetPrincipal": ACCOUNT})
            await sky.root(OTHER).denied("sts", "AssumeRoot", **asked)
            await (await sky.user("powerless")).denied("sts", "AssumeRoot", **asked)

    run(main())
