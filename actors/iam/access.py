"""What IAM's operations are about, for authorisation: the entity's ARN with its path, its tags, roles passed on.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.iam import access_keys
from actors.iam.principals import LINKED_PATH
from actors.iam.state import ARN_WORDS, CERTIFICATE, GROUP, MFA, PROFILE, ROLE, USER, Book, Record, checked_path
from actors.runtime.access import Access
from actors.runtime.context import Context
from actors.runtime.policy.decision import root_arn
from actors.runtime.store.transaction import Snapshot

Request = Mapping[str, Any]

# The first that a request has says what it is about: AddUserToGroup is about the group, a role's policy about the role.
_NAMED = (("InstanceProfileName", PROFILE), ("GroupName", GROUP), ("RoleName", ROLE), ("UserName", USER),
          ("ServerCertificateName", CERTIFICATE))
_CALLED = (("InstanceProfileName", "instance profile"), ("GroupName", "group"), ("RoleName", "role"),
           ("UserName", "user"))
_LISTS = {"ListUsers": "user", "ListGroups": "group", "ListRoles": "role", "ListInstanceProfiles": "instance-profile"}
# About the caller's own user where no name is given.
_OWN = frozenset({
    "ChangePassword", "CreateAccessKey", "CreateLoginProfile", "DeactivateMFADevice", "DeleteAccessKey",
    "DeleteLoginProfile", "DeleteServiceSpecificCredential", "DeleteSigningCertificate", "GetLoginProfile",
    "GetMFADevice", "GetUser", "ListAccessKeys", "ListMFADevices", "ListSSHPublicKeys",
    "ListServiceSpecificCredentials", "ListSigningCertificates", "ResetServiceSpecificCredential", "UpdateAccessKey",
    "UpdateServiceSpecificCredential", "UpdateSigningCertificate", "UploadSigningCertificate",
})
_ARNS = ("PolicyArn", "OpenIDConnectProviderArn", "SAMLProviderArn", "PolicySourceArn", "Arn")
# About the device itself; what else names a SerialNumber is about the user.
_DEVICES = frozenset({"DeleteVirtualMFADevice", "ListMFADeviceTags", "TagMFADevice", "UntagMFADevice"})
_ATTACHED = ("Attach", "Detach")
# Judged by the boundary that the user or role has (iam:PermissionsBoundary); who is given one, by that.
_BOUNDED = frozenset({
    "AttachRolePolicy", "AttachUserPolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy",
    "DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DetachRolePolicy", "DetachUserPolicy", "GetRole",
    "PutRolePolicy", "PutUserPolicy", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
})


def accesses(view: Snapshot, context: Context, action: str, request: Request) -> Sequence[Access]:
    name = context.operation.name
    found = [Access(action, resource(view, context, name, request), _keys(name, request), called(context, request))]
    if name == "AddRoleToInstanceProfile":
        role = _arn(Book(view, context.account), ROLE, request["RoleName"], None)
        found.append(Access("iam:PassRole", role, {"iam:passedtoservice": "ec2.amazonaws.com"}))
    return found


def resource(view: Snapshot, context: Context, name: str, request: Request) -> str:
    """An entity's ARN as it is, or as it will be; "*" where AWS has none."""
    book = Book(view, context.account)
    if name in _LISTS:
        return f"arn:aws:iam::{book.account}:{_LISTS[name]}{request.get('PathPrefix') or '/'}"
    if not name.startswith(_ATTACHED):
        for member in _ARNS:
            if isinstance(request.get(member), str):
                return str(request[member])
    if name in _DEVICES:
        return str(request["SerialNumber"])
    for member, kind in _NAMED:
        if isinstance(request.get(member), str):
            made = name in (f"Create{member.removesuffix('Name')}", f"Upload{member.removesuffix('Name')}")
            return _arn(book, kind, request[member], (request.get("Path") or "/") if made else None)
    if name == "CreatePolicy":
        return f"arn:aws:iam::{book.account}:policy{request.get('Path') or '/'}{request['PolicyName']}"
    if name == "CreateVirtualMFADevice":
        return _arn(book, MFA, request["VirtualMFADeviceName"], request.get("Path") or "/")
    if name == "CreateSAMLProvider":
        return f"arn:aws:iam::{book.account}:saml-provider/{request['Name']}"
    if name == "CreateOpenIDConnectProvider":
        host = str(request["Url"]).removeprefix("https://").rstrip("/")
        return f"arn:aws:iam::{book.account}:oidc-provider/{host}"
    if name == "GetAccessKeyLastUsed":
        holder = access_keys.holder(view, request["AccessKeyId"])
        if holder is None or holder.account != book.account:
            return "*"
        return root_arn(book.account) if holder.user["kind"] == access_keys.ROOT else book.arn(holder.user)
    if name == "GetServiceLinkedRoleDeletionStatus":
        role = str(request["DeletionTaskId"]).removeprefix("task/").rpartition("/")[0]
        return f"arn:aws:iam::{book.account}:role/{role}" if role.startswith(LINKED_PATH.strip("/")) else "*"
    if name == "CreateServiceLinkedRole":
        service = request["AWSServiceName"]
        return f"arn:aws:iam::{book.account}:role/aws-service-role/{service}/*"
    return context.principal.arn if name in _OWN else "*"


def called(context: Context, request: Request) -> str:
    """What a denial calls that: what is there goes by its kind and name, what is made by its ARN ("")."""
    name, policy = context.operation.name, request.get("PolicyArn")
    if name == "ListPolicies":
        return f"policy path {request.get('PathPrefix') or '/'}"
    if name == "ListVirtualMFADevices":
        return f"arn:aws:iam::{context.account}:mfa/"
    if name == "CreatePolicy":
        return f"policy {request['PolicyName']}"
    if isinstance(policy, str) and not name.startswith(_ATTACHED):
        return f"policy {policy}"
    for member, words in _CALLED:
        if isinstance(request.get(member), str) and name not in _DEVICES:
            return "" if name == f"Create{member.removesuffix('Name')}" else f"{words} {request[member]}"
    return f"user {context.principal.name}" if name in _OWN and context.principal.record.get("kind") == "user" else ""


def _arn(book: Book, kind: str, name: str, path: str | None) -> str:
    record = book.find(kind, name) if path is None else None
    return book.arn(record or {"kind": kind, "path": checked_path(kind, path or "/"), "name": name})


def _keys(name: str, request: Request) -> dict[str, str]:
    """Source: the condition keys of the same page."""
    keys = {}
    if name.startswith(_ATTACHED) and isinstance(request.get("PolicyArn"), str):
        keys["iam:policyarn"] = request["PolicyArn"]
    if isinstance(request.get("PermissionsBoundary"), str):
        keys["iam:permissionsboundary"] = request["PermissionsBoundary"]
    if name == "CreateServiceLinkedRole":
        keys["iam:awsservicename"] = request["AWSServiceName"]
    if name == "CreateServiceSpecificCredential":
        keys["iam:servicespecificcredentialservicename"] = request["ServiceName"]
        if request.get("CredentialAgeDays"):
            keys["iam:servicespecificcredentialagedays"] = str(request["CredentialAgeDays"])
    return keys


def condition_keys(view: Snapshot, context: Context, access: Access, request: Request) -> dict[str, str]:
    """Those that come from what is there."""
    book, name = Book(view, context.account), context.operation.name
    keys = {}
    if name in _BOUNDED:
        record = _entity(book, access.resource)
        if record is not None and record.get("boundary"):
            keys["iam:permissionsboundary"] = record["boundary"]
    elif isinstance(request.get("ServiceSpecificCredentialId"), str):
        user = _entity(book, access.resource)
        row = user and book.row("service", user["id"], request["ServiceSpecificCredentialId"])
        if row:
            keys["iam:servicespecificcredentialservicename"] = row["service"]
    return keys


def tags(view: Snapshot, context: Context, access: Access) -> Mapping[str, str]:
    """The entity's; none of what is not there."""
    record = _entity(Book(view, context.account), access.resource)
    return {} if record is None else record.get("tags") or {}


_KINDS = {word: kind for kind, word in ARN_WORDS.items() if kind != GROUP}       # groups have no tags


def _entity(book: Book, arn: str) -> Record | None:
    word = arn.split(":", 5)[-1].partition("/")[0]
    return None if word not in _KINDS else book.find_arn(_KINDS[word], arn)
