"""What concerns the whole account: its alias, its summary, everything about it at once."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from actors.iam import access_keys, documents, managed, policies, principals, shapes, usage
from actors.iam.errors import EntityAlreadyExists, NoSuchEntity, ValidationError
from actors.iam.paging import Answer, after, page
from actors.iam.state import CERTIFICATE, GROUP, MFA, OIDC, POLICY, PROFILE, ROLE, SAML, USER, Book, Record

_ALIAS = re.compile(r"[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]\Z")

# The defaults, as GetAccountSummary has them:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
QUOTAS = {
    "AccessKeysPerUserQuota": access_keys.KEYS_PER_USER_LIMIT,
    "AssumeRolePolicySizeQuota": documents.TRUST_LIMIT_CHARACTERS,
    "AttachedPoliciesPerGroupQuota": documents.ATTACHED_LIMIT, "AttachedPoliciesPerRoleQuota": documents.ATTACHED_LIMIT,
    "AttachedPoliciesPerUserQuota": documents.ATTACHED_LIMIT,
    "GroupPolicySizeQuota": documents.INLINE_LIMIT_CHARACTERS[GROUP],
    "GroupsPerUserQuota": principals.GROUPS_PER_USER_LIMIT,
    "GroupsQuota": 300, "InstanceProfilesQuota": 1000, "PoliciesQuota": 1500,
    "PolicySizeQuota": documents.POLICY_LIMIT_CHARACTERS, "PolicyVersionsInUseQuota": 10_000,
    "RolePolicySizeQuota": documents.INLINE_LIMIT_CHARACTERS[ROLE], "RolesQuota": 1000, "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2, "UserPolicySizeQuota": documents.INLINE_LIMIT_CHARACTERS[USER],
    "UsersQuota": 5000, "VersionsPerPolicyQuota": policies.VERSIONS_LIMIT,
}
_ROOTS = ("AccountMFAEnabled", "AccountPasswordPresent", "AccountSigningCertificatesPresent")      # it has none here


def create_alias(book: Book, alias: str) -> Answer:
    if not _ALIAS.match(alias):
        raise ValidationError(
            f"1 validation error detected: Value '{alias}' at 'accountAlias' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"
        )
    shared = book.elsewhere("")
    held = shared.row("alias", alias)
    if held is not None:
        raise EntityAlreadyExists(f"The account alias {alias} already exists.")
    _forget_alias(book)
    book.put({"alias": alias}, "alias")
    shared.put({"account": book.account}, "alias", alias)
    return {}


def delete_alias(book: Book, alias: str) -> Answer:
    row = book.row("alias")
    if row is None or row["alias"] != alias:
        raise NoSuchEntity(f"The account alias with name {alias} cannot be found.")
    _forget_alias(book)
    return {}


def _forget_alias(book: Book) -> None:
    """An account has one alias at most; a new one takes the place of the old."""
    row = book.row("alias")
    if row is not None:
        book.elsewhere("").drop("alias", row["alias"])
        book.drop("alias")


def aliases(book: Book) -> Answer:
    row = book.row("alias")
    return {"AccountAliases": [row["alias"]] if row else [], "IsTruncated": False}


def prefer_tokens(book: Book, version: str) -> Answer:
    """SetSecurityTokenServicePreferences. Kept and shown; our tokens are the same everywhere."""
    book.put({"token_version": int(version.removeprefix("v").removesuffix("Token"))}, "preferences")
    return {}


def summary(book: Book) -> Answer:
    counts = {name: sum(1 for _ in book.rows(kind)) for name, kind in (
        ("Users", USER), ("Groups", GROUP), ("Roles", ROLE), ("Policies", POLICY), ("InstanceProfiles", PROFILE),
        ("MFADevices", MFA), ("ServerCertificates", CERTIFICATE),
    )}
    counts["Providers"] = sum(1 for kind in (OIDC, SAML) for _ in book.rows(kind))
    counts["GlobalEndpointTokenVersion"] = (book.row("preferences") or {"token_version": 1})["token_version"]
    counts["AccountAccessKeysPresent"] = int(book.any("key", book.account))
    counts["MFADevicesInUse"] = sum(1 for _, device in book.rows(MFA) if device["user"])
    versions = sum(1 for _, record in book.rows(POLICY) for _ in book.rows("version", record["id"]))
    return {"SummaryMap": {**QUOTAS, **dict.fromkeys(_ROOTS, 0), **counts, "PolicyVersionsInUse": versions}}


# GetAccountAuthorizationDetails

_DETAILS = (("User", "UserDetailList"), ("Group", "GroupDetailList"), ("Role", "RoleDetailList"),
            ("LocalManagedPolicy", "Policies"), ("AWSManagedPolicy", "Policies"))


def authorization_details(book: Book, request: Mapping[str, Any]) -> Answer:
    wanted = set(request.get("Filter") or ()) or {name for name, _ in _DETAILS}
    start = after(request)
    rows = (row for place, (name, _) in enumerate(_DETAILS) if name in wanted
            for row in _detail_rows(book, name, str(place)) if row[0] > start)
    paged = page("rows", rows, request, lambda row: row)
    answer: Answer = {member: [] for _, member in _DETAILS}
    for name, record in paged.pop("rows"):
        answer[dict(_DETAILS)[name]].append(_detail(book, record))
    return {**answer, **paged}


def _detail_rows(book: Book, name: str, place: str) -> Iterator[tuple[str, tuple[str, Record]]]:
    if name == "AWSManagedPolicy":
        for arn in managed.arns():
            record = managed.find(arn)
            assert record is not None
            if book.any("attached", arn) or book.any("bounded", arn):
                yield f"{place}/{record['name']}", (name, record)
        return
    kind = {"User": USER, "Group": GROUP, "Role": ROLE, "LocalManagedPolicy": POLICY}[name]
    for key, record in book.rows(kind):
        yield f"{place}/{key}", (name, record)


def _detail(book: Book, record: Record) -> Answer:
    kind = record["kind"]
    if kind == POLICY:
        rows = [documents.version_row(book, record, record["default"])] if record.get("aws") else \
            [row for _, row in book.rows("version", record["id"])]
        return {**shapes.policy(book, record), "PolicyVersionList": [
            shapes.version(record, row) for row in reversed(rows) if row is not None]}
    inline = [{"PolicyName": name, "PolicyDocument": shapes.encoded(row["document"])}
              for name, row in book.rows("inline", record["id"])]
    attached = {"AttachedManagedPolicies": [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in sorted(record["policies"])]}
    if kind == USER:
        groups = [group["name"] for _, group in principals.groups_of(book, record)]
        own = {"UserPolicyList": inline} if inline else {}
        return {**shapes.user(book, record), **own, "GroupList": groups, **attached, "Tags": shapes.tags(record)}
    if kind == GROUP:
        return {**shapes.group(book, record), "GroupPolicyList": inline, **attached}
    profiles = [shapes.profile(book, book.by_id(key)) for key, _ in book.rows("inprofile", record["id"])]
    return {**shapes.new_role(book, record), "RoleLastUsed": usage.shown_of_role(book, record),
            "RolePolicyList": inline, "InstanceProfileList": profiles, **attached, "Tags": shapes.tags(record)}
