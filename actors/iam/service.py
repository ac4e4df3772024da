"""IAM, operation by operation: a table of contents. What each does stands in the module it names.

IAM is global: its state knows accounts and no regions. Not here yet: README.md, coverage.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.iam import (
    access,
    access_keys,
    certificates,
    documents,
    identities,
    linked,
    passwords,
    policies,
    principals,
    profiles,
    rotation,
    sessions,
    shapes,
    tagging,
    usage,
)
from actors.iam.account_wide import AccountWide
from actors.iam.federation import Federation
from actors.iam.state import CERTIFICATE, GROUP, PROFILE, ROLE, USER, Book
from actors.iam.user_credentials import UserCredentials
from actors.iam.vault import Vault
from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.actor import ServiceActor, job, operation, query
from actors.runtime.bounded.threads import Threads
from actors.runtime.chain.denials import stranger
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from actors.runtime.vault import KEY_FILE
from bus.system import IDENTITIES

Request = Mapping[str, Any]
Answer = dict[str, Any]


class IAM(AccountWide, Federation, UserCredentials, ServiceActor):
    service: ClassVar[str] = "iam"
    stateful: ClassVar[bool] = True
    private_files: ClassVar[tuple[str, ...]] = (KEY_FILE,)

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self.vault = Vault(surroundings.directory)
        self.digests = Threads("digests", passwords.DIGESTS_LIMIT, passwords.WAITING_LIMIT)

    # Users

    @operation("CreateUser")
    def create_user(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.create_user(Book(transaction, context.account), context, request)

    @query("GetUser")
    def get_user(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return self._get_user(Book(snapshot, context.account), context, request)

    @query("ListUsers")
    def list_users(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.listed(Book(snapshot, context.account), USER, "Users", request, shapes.listed_user)

    @operation("UpdateUser")
    def update_user(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.update(Book(transaction, context.account), USER, request, "UserName")

    @operation("DeleteUser")
    def delete_user(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.delete(Book(transaction, context.account), USER, request["UserName"])

    # Groups

    @operation("CreateGroup")
    def create_group(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.create_group(Book(transaction, context.account), context, request)

    @query("GetGroup")
    def get_group(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.get_group(Book(snapshot, context.account), request)

    @query("ListGroups")
    def list_groups(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.listed(Book(snapshot, context.account), GROUP, "Groups", request, shapes.group)

    @operation("UpdateGroup")
    def update_group(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.update(Book(transaction, context.account), GROUP, request, "GroupName")

    @operation("DeleteGroup")
    def delete_group(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.delete(Book(transaction, context.account), GROUP, request["GroupName"])

    @operation("AddUserToGroup")
    def add_user_to_group(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.join(Book(transaction, context.account), request)

    @operation("RemoveUserFromGroup")
    def remove_user_from_group(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.leave(Book(transaction, context.account), request)

    @query("ListGroupsForUser")
    def list_groups_for_user(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.list_groups_for_user(Book(snapshot, context.account), request)

    # Roles

    @operation("CreateRole")
    def create_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.create_role(Book(transaction, context.account), context, request)

    @query("GetRole")
    def get_role(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        record = book.get(ROLE, request["RoleName"])
        return {"Role": {**shapes.role(book, record), "RoleLastUsed": usage.shown_of_role(book, record)}}

    @query("ListRoles")
    def list_roles(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.listed(Book(snapshot, context.account), ROLE, "Roles", request, shapes.listed_role)

    @operation("UpdateRole")
    def update_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.update_role(Book(transaction, context.account), request)

    @operation("UpdateRoleDescription")
    def update_role_description(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.describe_role(Book(transaction, context.account), request)

    @operation("UpdateAssumeRolePolicy")
    def update_assume_role_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.update_trust(Book(transaction, context.account), request)

    @operation("DeleteRole")
    def delete_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return principals.delete(Book(transaction, context.account), ROLE, request["RoleName"])

    @operation("CreateServiceLinkedRole")
    def create_service_linked_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return linked.create(Book(transaction, context.account), context, request)

    @operation("DeleteServiceLinkedRole")
    def delete_service_linked_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return linked.delete(Book(transaction, context.account), request)

    @query("GetServiceLinkedRoleDeletionStatus")
    def get_service_linked_role_deletion_status(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return linked.deletion_status(Book(snapshot, context.account), request)

    # Instance profiles

    @operation("CreateInstanceProfile")
    def create_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.create(Book(transaction, context.account), context, request)

    @query("GetInstanceProfile")
    def get_instance_profile(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        record = book.get(PROFILE, request["InstanceProfileName"])
        return {"InstanceProfile": {**shapes.profile(book, record), "Tags": shapes.tags(record)}}

    @query("ListInstanceProfiles")
    def list_instance_profiles(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return principals.listed(Book(snapshot, context.account), PROFILE, "InstanceProfiles", request, shapes.profile)

    @query("ListInstanceProfilesForRole")
    def list_instance_profiles_for_role(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return profiles.of_role(Book(snapshot, context.account), request)

    @operation("DeleteInstanceProfile")
    def delete_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.delete(Book(transaction, context.account), request)

    @operation("AddRoleToInstanceProfile")
    def add_role_to_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.add_role(Book(transaction, context.account), request)

    @operation("RemoveRoleFromInstanceProfile")
    def remove_role_from_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return profiles.remove_role(Book(transaction, context.account), request)

    # Managed policies

    @operation("CreatePolicy")
    def create_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.create(Book(transaction, context.account), context, request)

    @query("GetPolicy")
    def get_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        record = documents.get_policy(book, request["PolicyArn"])
        return {"Policy": {**shapes.policy(book, record), "Tags": shapes.tags(record)}}

    @query("ListPolicies")
    def list_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.listed(Book(snapshot, context.account), request)

    @operation("DeletePolicy")
    def delete_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete(Book(transaction, context.account), request["PolicyArn"])

    @operation("CreatePolicyVersion")
    def create_policy_version(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.create_version(Book(transaction, context.account), context, request)

    @query("GetPolicyVersion")
    def get_policy_version(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.get_version(Book(snapshot, context.account), request)

    @query("ListPolicyVersions")
    def list_policy_versions(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.list_versions(Book(snapshot, context.account), request)

    @operation("DeletePolicyVersion")
    def delete_policy_version(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.delete_version(Book(transaction, context.account), request)

    @operation("SetDefaultPolicyVersion")
    def set_default_policy_version(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return policies.set_default(Book(transaction, context.account), context, request)

    @query("ListEntitiesForPolicy")
    def list_entities_for_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return policies.entities(Book(snapshot, context.account), request)

    # Policies of users

    @operation("AttachUserPolicy")
    def attach_user_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.attach(book, book.get(USER, request["UserName"]), request["PolicyArn"])

    @operation("DetachUserPolicy")
    def detach_user_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.detach(book, book.get(USER, request["UserName"]), request["PolicyArn"])

    @query("ListAttachedUserPolicies")
    def list_attached_user_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_attached(book, book.get(USER, request["UserName"]), request)

    @operation("PutUserPolicy")
    def put_user_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.put_inline(book, book.get(USER, request["UserName"]), request)

    @query("GetUserPolicy")
    def get_user_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.get_inline(book, book.get(USER, request["UserName"]), request["PolicyName"])

    @query("ListUserPolicies")
    def list_user_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_inline(book, book.get(USER, request["UserName"]), request)

    @operation("DeleteUserPolicy")
    def delete_user_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.delete_inline(book, book.get(USER, request["UserName"]), request["PolicyName"])

    @operation("PutUserPermissionsBoundary")
    def put_user_permissions_boundary(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.set_boundary(book, book.get(USER, request["UserName"]), request["PermissionsBoundary"])

    @operation("DeleteUserPermissionsBoundary")
    def delete_user_permissions_boundary(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.delete_boundary(book, book.get(USER, request["UserName"]))

    # Policies of groups

    @operation("AttachGroupPolicy")
    def attach_group_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.attach(book, book.get(GROUP, request["GroupName"]), request["PolicyArn"])

    @operation("DetachGroupPolicy")
    def detach_group_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.detach(book, book.get(GROUP, request["GroupName"]), request["PolicyArn"])

    @query("ListAttachedGroupPolicies")
    def list_attached_group_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_attached(book, book.get(GROUP, request["GroupName"]), request)

    @operation("PutGroupPolicy")
    def put_group_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.put_inline(book, book.get(GROUP, request["GroupName"]), request)

    @query("GetGroupPolicy")
    def get_group_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.get_inline(book, book.get(GROUP, request["GroupName"]), request["PolicyName"])

    @query("ListGroupPolicies")
    def list_group_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_inline(book, book.get(GROUP, request["GroupName"]), request)

    @operation("DeleteGroupPolicy")
    def delete_group_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.delete_inline(book, book.get(GROUP, request["GroupName"]), request["PolicyName"])

    # Policies of roles

    @operation("AttachRolePolicy")
    def attach_role_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.attach(book, principals.modifiable(book.get(ROLE, request["RoleName"])), request["PolicyArn"])

    @operation("DetachRolePolicy")
    def detach_role_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.detach(book, principals.modifiable(book.get(ROLE, request["RoleName"])), request["PolicyArn"])

    @query("ListAttachedRolePolicies")
    def list_attached_role_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_attached(book, book.get(ROLE, request["RoleName"]), request)

    @operation("PutRolePolicy")
    def put_role_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.put_inline(book, principals.modifiable(book.get(ROLE, request["RoleName"])), request)

    @query("GetRolePolicy")
    def get_role_policy(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.get_inline(book, book.get(ROLE, request["RoleName"]), request["PolicyName"])

    @query("ListRolePolicies")
    def list_role_policies(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book = Book(snapshot, context.account)
        return documents.list_inline(book, book.get(ROLE, request["RoleName"]), request)

    @operation("DeleteRolePolicy")
    def delete_role_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        role = principals.modifiable(book.get(ROLE, request["RoleName"]))
        return documents.delete_inline(book, role, request["PolicyName"])

    @operation("PutRolePermissionsBoundary")
    def put_role_permissions_boundary(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        role = principals.modifiable(book.get(ROLE, request["RoleName"]))
        return documents.set_boundary(book, role, request["PermissionsBoundary"])

    @operation("DeleteRolePermissionsBoundary")
    def delete_role_permissions_boundary(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return documents.delete_boundary(book, principals.modifiable(book.get(ROLE, request["RoleName"])))

    # Tags

    @operation("TagUser")
    def tag_user(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, book.get(USER, request["UserName"]), request)

    @operation("UntagUser")
    def untag_user(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, book.get(USER, request["UserName"]), request)

    @query("ListUserTags")
    def list_user_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(Book(snapshot, context.account).get(USER, request["UserName"]), request)

    @operation("TagRole")
    def tag_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, book.get(ROLE, request["RoleName"]), request)

    @operation("UntagRole")
    def untag_role(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, book.get(ROLE, request["RoleName"]), request)

    @query("ListRoleTags")
    def list_role_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(Book(snapshot, context.account).get(ROLE, request["RoleName"]), request)

    @operation("TagPolicy")
    def tag_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, policies.own(book, request["PolicyArn"]), request)

    @operation("UntagPolicy")
    def untag_policy(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, policies.own(book, request["PolicyArn"]), request)

    @query("ListPolicyTags")
    def list_policy_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(documents.get_policy(Book(snapshot, context.account), request["PolicyArn"]), request)

    @operation("TagInstanceProfile")
    def tag_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, book.get(PROFILE, request["InstanceProfileName"]), request)

    @operation("UntagInstanceProfile")
    def untag_instance_profile(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, book.get(PROFILE, request["InstanceProfileName"]), request)

    @query("ListInstanceProfileTags")
    def list_instance_profile_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(Book(snapshot, context.account).get(PROFILE, request["InstanceProfileName"]), request)

    @operation("TagServerCertificate")
    def tag_server_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.tag(book, certificates.get(book, request), request)

    @operation("UntagServerCertificate")
    def untag_server_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.account)
        return tagging.untag(book, certificates.get(book, request), request)

    @query("ListServerCertificateTags")
    def list_server_certificate_tags(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return tagging.listed(certificates.get(Book(snapshot, context.account), request), request)

    # Server certificates

    @operation("UploadServerCertificate")
    def upload_server_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return certificates.upload(Book(transaction, context.account), self.vault, context, request)

    @query("GetServerCertificate")
    def get_server_certificate(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return certificates.shown(Book(snapshot, context.account), request)

    @query("ListServerCertificates")
    def list_server_certificates(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        book, member = Book(snapshot, context.account), "ServerCertificateMetadataList"
        return principals.listed(book, CERTIFICATE, member, request, certificates.metadata)

    @operation("UpdateServerCertificate")
    def update_server_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return certificates.update(Book(transaction, context.account), request)

    @operation("DeleteServerCertificate")
    def delete_server_certificate(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        return certificates.delete(Book(transaction, context.account), request)

    def _get_user(self, book: Book, context: Context, request: Request) -> Answer:
        """Without a name, the one who asks: a user, or the account's root."""
        if not request.get("UserName") and context.principal.caller.root:
            return {"User": shapes.root(book.account)}
        return {"User": shapes.user(book, access_keys.user_of(book, context, request))}

    # For the runtime and the gateways

    @job(sessions.FORGET_JOB)
    def forget_sessions(self, transaction: Transaction, now: float, state: Answer) -> Answer | None:
        return sessions.forget_step(transaction, now)

    def system_answers(self) -> Mapping[str, Any]:
        return {"principal": self._principal, "credential": self._credential, "rotate": self._rotate,
                "used": self._used}

    async def _used(self, told: Answer) -> Answer:
        uses = [tuple(use) for use in told["uses"]]
        await self.shard.transact(lambda transaction: usage.keep(transaction, uses))
        return {}

    async def _rotate(self, question: Answer) -> Answer:
        return {"secrets": await rotation.rotate(self.shard, self.vault)}

    def _principal(self, question: Answer) -> Answer:
        account, access_key = question["account"], question["access_key"]
        record = self.shard.read(lambda view: identities.principal(view, self.vault, account, access_key))
        return {"unknown": True} if record is None else {"record": record}

    def _credential(self, question: Answer) -> Answer:
        access_key = question["access_key"]
        known: Answer | None = self.shard.read(lambda view: identities.credential(view, self.vault, access_key))
        return {"unknown": True} if known is None else known or {"refused": True}

    def committed(self, context: Context) -> None:
        """Told ahead of the answer: whoever has it finds everyone knowing."""
        self.surroundings.tell(IDENTITIES, {"account": context.account})

    def accesses(self, context: Context, request: Request) -> Sequence[Access]:
        principal = context.principal
        record = principal.record                  # no session tokens without MFA, but for tasks of a root (AssumeRoot)
        task = record.get("token") == "root" and bool(record.get("policies"))
        if record.get("token") not in (None, "role") and not task \
                and principal.keys.get("aws:multifactorauthpresent") != "true":
            raise stranger(context.operation.service)
        action = action_of(context.operation)
        found: Sequence[Access] = self.shard.read(lambda view: access.accesses(view, context, action, request))
        return found

    def guard(self, context: Context, asked: Access) -> Guard | None:
        """Everyone may change their own password where the account's policy says so, unless it is denied them."""
        if asked.action != "iam:ChangePassword":
            return None
        rules = self.shard.read(lambda view: passwords.policy(Book(view, context.account)))
        return Guard(granted=bool(rules and rules["AllowUsersToChangePassword"]))

    def tags(self, context: Context, asked: Access) -> Mapping[str, str]:
        found: Mapping[str, str] = self.shard.read(lambda view: access.tags(view, context, asked))
        return found

    def condition_keys(self, context: Context, asked: Access, request: Request) -> Mapping[str, str | tuple[str, ...]]:
        found: Mapping[str, str] = self.shard.read(lambda view: access.condition_keys(view, context, asked, request))
        return found
