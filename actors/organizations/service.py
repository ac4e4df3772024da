"""Organizations, operation by operation: a table of contents. Its state stands in IAM's shard.

Not here yet: README.md, coverage.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.organizations import access, accounts, handshakes, organizations, policies, tagging, trust
from actors.organizations.state import Tree
from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.actor import ServiceActor, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.system import IDENTITIES

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Organizations(ServiceActor):
    service: ClassVar[str] = "organizations"
    state_of: ClassVar[str] = "iam"

    # The organization

    @operation("CreateOrganization")
    def create_organization(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.create(transaction, context, request)

    @query("DescribeOrganization")
    def describe_organization(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.describe(snapshot, context)

    @operation("DeleteOrganization")
    def delete_organization(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.delete(transaction, context)

    @operation("LeaveOrganization")
    def leave_organization(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.remove(Tree(transaction, context, members_too=True), context.account)

    @query("ListRoots")
    def list_roots(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.roots(snapshot, context, request)

    @operation("EnablePolicyType")
    def enable_policy_type(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.enable(transaction, context, request)

    @operation("DisablePolicyType")
    def disable_policy_type(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.disable(transaction, context, request)

    # Organizational units

    @operation("CreateOrganizationalUnit")
    def create_organizational_unit(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.create_unit(transaction, context, request)

    @query("DescribeOrganizationalUnit")
    def describe_organizational_unit(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.describe_unit(snapshot, context, request)

    @operation("UpdateOrganizationalUnit")
    def update_organizational_unit(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.update_unit(transaction, context, request)

    @operation("DeleteOrganizationalUnit")
    def delete_organizational_unit(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return organizations.delete_unit(transaction, context, request)

    @query("ListOrganizationalUnitsForParent")
    def list_organizational_units_for_parent(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.units(snapshot, context, request)

    @query("ListChildren")
    def list_children(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.children(snapshot, context, request)

    @query("ListParents")
    def list_parents(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return organizations.parents(snapshot, context, request)

    # Accounts

    @operation("CreateAccount")
    def create_account(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.create(transaction, context, request)

    @query("DescribeCreateAccountStatus")
    def describe_create_account_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.status(snapshot, context, request)

    @query("ListCreateAccountStatus")
    def list_create_account_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.statuses(snapshot, context, request)

    @query("DescribeAccount")
    def describe_account(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.describe(snapshot, context, request)

    @query("ListAccounts")
    def list_accounts(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.listed(snapshot, context, request)

    @query("ListAccountsForParent")
    def list_accounts_for_parent(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return accounts.of_parent(snapshot, context, request)

    @operation("MoveAccount")
    def move_account(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.move(transaction, context, request)

    @operation("CloseAccount")
    def close_account(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.close(transaction, context, request)

    @operation("RemoveAccountFromOrganization")
    def remove_account_from_organization(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return accounts.remove(Tree(transaction, context), request["AccountId"])

    # Invitations

    @operation("InviteAccountToOrganization")
    def invite_account_to_organization(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return handshakes.invite(transaction, context, request)

    @operation("AcceptHandshake")
    def accept_handshake(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return handshakes.accept(transaction, context, request)

    @operation("DeclineHandshake")
    def decline_handshake(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return handshakes.decline(transaction, context, request)

    @operation("CancelHandshake")
    def cancel_handshake(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return handshakes.cancel(transaction, context, request)

    @query("DescribeHandshake")
    def describe_handshake(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return handshakes.describe(snapshot, context, request)

    @query("ListHandshakesForAccount")
    def list_handshakes_for_account(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return handshakes.of_account(snapshot, context, request)

    @query("ListHandshakesForOrganization")
    def list_handshakes_for_organization(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return handshakes.of_organization(snapshot, context, request)

    # Trusted services, delegated administrators

    @operation("EnableAWSServiceAccess")
    def enable_aws_service_access(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trust.enable(transaction, context, request)

    @operation("DisableAWSServiceAccess")
    def disable_aws_service_access(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trust.disable(transaction, context, request)

    @query("ListAWSServiceAccessForOrganization")
    def list_aws_service_access(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trust.services(snapshot, context, request)

    @operation("RegisterDelegatedAdministrator")
    def register_administrator(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trust.register(transaction, context, request)

    @operation("DeregisterDelegatedAdministrator")
    def deregister_administrator(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return trust.deregister(transaction, context, request)

    @query("ListDelegatedAdministrators")
    def list_delegated_administrators(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trust.administrators(snapshot, context, request)

    @query("ListDelegatedServicesForAccount")
    def list_delegated_services_for_account(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return trust.delegated_services(snapshot, context, request)

    # Policies

    @operation("CreatePolicy")
    def create_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.create(transaction, context, request)

    @query("DescribePolicy")
    def describe_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.describe(snapshot, context, request)

    @query("DescribeEffectivePolicy")
    def describe_effective_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.describe_effective(snapshot, context, request)

    @operation("UpdatePolicy")
    def update_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.update(transaction, context, request)

    @operation("DeletePolicy")
    def delete_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete(transaction, context, request)

    @query("ListPolicies")
    def list_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.listed(snapshot, context, request)

    @operation("AttachPolicy")
    def attach_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.attach(transaction, context, request)

    @operation("DetachPolicy")
    def detach_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.detach(transaction, context, request)

    @query("ListPoliciesForTarget")
    def list_policies_for_target(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.of_target(snapshot, context, request)

    @query("ListTargetsForPolicy")
    def list_targets_for_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.targets(snapshot, context, request)

    # Tags

    @operation("TagResource")
    def tag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.tag(Tree(transaction, context), request)

    @operation("UntagResource")
    def untag_resource(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return tagging.untag(Tree(transaction, context), request)

    @query("ListTagsForResource")
    def list_tags_for_resource(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(Tree(snapshot, context), request)

    # Authorisation. What an account of the organization may not, the operations say: nothing is another account's here.

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        action = action_of(context.operation)
        found: Sequence[Access] = self.surroundings.shard.read(
            lambda view: access.accesses(view, context, action, request))
        return found

    def guard(self, context: Context, asked: Access) -> Guard:
        return Guard(context.identity.account)

    def tags(self, context: Context, asked: Access) -> Mapping[str, str]:
        found: Mapping[str, str] = self.surroundings.shard.read(lambda view: access.tags(view, context, asked))
        return found

    def condition_keys(self, context: Context, asked: Access, request: Request) -> Mapping[str, str | tuple[str, ...]]:
        found: Mapping[str, str] = self.surroundings.shard.read(
            lambda view: access.condition_keys(view, context, asked, request))
        return found

    def committed(self, context: Context) -> None:
        """Told ahead of the answer, of all accounts: a change may concern any of the organization's."""
        self.surroundings.tell(IDENTITIES, {"account": ""})
