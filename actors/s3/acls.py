"""Access control lists: what they are made of, read from a request, told, and judged.

A list is pairs of a grantee and a permission; a grantee is "id=<canonical user id>" or "uri=<group>". Whom a list lets
in is asked by permissions.py; who may set one at all, ownership.py says.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actors.s3.errors import InvalidArgument, InvalidRequest, S3Error
from actors.s3.owners import canonical_id, owner

GRANTS_LIMIT = 100
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
PERMISSIONS = frozenset({"FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"})
_EVERYONE = frozenset({f"uri={ALL_USERS}", f"uri={AUTHENTICATED_USERS}"})
_HEADERS = {
    "GrantFullControl": ("FULL_CONTROL", "x-amz-grant-full-control"), "GrantRead": ("READ", "x-amz-grant-read"),
    "GrantReadACP": ("READ_ACP", "x-amz-grant-read-acp"), "GrantWrite": ("WRITE", "x-amz-grant-write"),
    "GrantWriteACP": ("WRITE_ACP", "x-amz-grant-write-acp"),
}
_STATING = frozenset({"ACL", *_HEADERS})
_ID_DIGITS = 64
_HEX = frozenset("0123456789abcdef")

Request = Mapping[str, Any]
Grant = tuple[str, str]
Acl = Sequence[Grant]


class MalformedAcl(S3Error):
    code = "MalformedACLError"
    words = "The XML you provided was not well-formed or did not validate against our published schema"


class UnresolvableGrantByEmailAddress(S3Error):
    code = "UnresolvableGrantByEmailAddress"
    words = "The e-mail address you provided does not match any account on record."


class MissingSecurityHeader(S3Error):
    code, words = "MissingSecurityHeader", "Your request was missing a required header"


class UnexpectedContent(S3Error):
    code, words = "UnexpectedContent", "This request does not support content"


def private(account: str) -> Acl:
    return [(f"id={canonical_id(account)}", "FULL_CONTROL")]


def is_stated(request: Request) -> bool:
    """Does a request's header say anything of an ACL?"""
    return not _STATING.isdisjoint(request) and any(request.get(member) for member in _STATING)


def of_headers(request: Request, account: str, bucket_owner: str) -> Acl:
    """What the headers give a bucket or an object of `account`; private where they are silent.
    InvalidRequest, InvalidArgument."""
    granted = [member for member in _HEADERS if request.get(member)]
    if request.get("ACL"):
        if granted:
            raise InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
        return [*private(account), *_canned(request["ACL"], account, bucket_owner)]
    if not granted:
        return private(account)
    found = [(grantee, _HEADERS[member][0]) for member in granted
             for grantee in _grantees(request[member], _HEADERS[member][1])]
    return _bounded(found)


def of_put(request: Request, account: str, bucket_owner: str) -> Acl:
    """What PutBucketAcl or PutObjectAcl says, in headers or in XML, never in both."""
    document = request.get("AccessControlPolicy")
    if is_stated(request):
        if document is not None:
            raise UnexpectedContent
        return of_headers(request, account, bucket_owner)
    if document is None:
        raise MissingSecurityHeader(MissingHeaderName="x-amz-acl")
    stated_owner = (document.get("Owner") or {}).get("ID")
    if not stated_owner or document.get("Grants") is None:
        raise MalformedAcl
    if stated_owner != canonical_id(account):
        raise InvalidArgument("Invalid id", "CanonicalUser/ID", stated_owner)
    return _bounded([_of_grant(grant) for grant in document["Grants"]])


def _canned(name: str, account: str, bucket_owner: str) -> Acl:
    everyone, known = f"uri={ALL_USERS}", f"uri={AUTHENTICATED_USERS}"
    match name:
        case "private" | "aws-exec-read":
            return []
        case "public-read":
            return [(everyone, "READ")]
        case "public-read-write":
            return [(everyone, "READ"), (everyone, "WRITE")]
        case "authenticated-read":
            return [(known, "READ")]
        case "log-delivery-write":
            return [(f"uri={LOG_DELIVERY}", "WRITE"), (f"uri={LOG_DELIVERY}", "READ_ACP")]
        case "bucket-owner-read" | "bucket-owner-full-control":
            permission = "READ" if name == "bucket-owner-read" else "FULL_CONTROL"
            return [] if account == bucket_owner else [(f"id={canonical_id(bucket_owner)}", permission)]
    raise InvalidArgument("", "x-amz-acl", name)


def _grantees(header: str, name: str) -> Iterator[str]:
    """`id="…", uri="…"`, each checked."""
    for each in header.split(","):
        kind, equals, value = each.strip().partition("=")
        value = value.strip().strip('"')
        if not equals:
            raise InvalidArgument("Argument format not recognized", name, header)
        match kind.strip().lower():
            case "id":
                yield _of_id(value, "id")
            case "uri":
                yield _of_group(value, "uri")
            case "emailaddress":
                raise UnresolvableGrantByEmailAddress(GranteeEmailAddress=value)
            case _:
                raise InvalidArgument("Argument format not recognized", name, header)


def _of_grant(grant: Request) -> Grant:
    grantee, permission = grant.get("Grantee") or {}, grant.get("Permission")
    if permission not in PERMISSIONS:
        raise MalformedAcl
    match grantee.get("Type"):
        case "CanonicalUser" if grantee.get("ID"):
            return _of_id(grantee["ID"], "CanonicalUser/ID"), permission
        case "Group" if grantee.get("URI"):
            return _of_group(grantee["URI"], "Group/URI"), permission
        case "AmazonCustomerByEmail" if grantee.get("EmailAddress"):
            raise UnresolvableGrantByEmailAddress(GranteeEmailAddress=grantee["EmailAddress"])
    raise MalformedAcl


def _of_id(value: str, name: str) -> str:
    if len(value) != _ID_DIGITS or not _HEX.issuperset(value):
        raise InvalidArgument("Invalid id", name, value)
    return f"id={value}"


def _of_group(value: str, name: str) -> str:
    if value not in GROUPS:
        raise InvalidArgument("Invalid group uri", name, value)
    return f"uri={value}"


def _bounded(acl: Acl) -> Acl:
    if len(acl) > GRANTS_LIMIT:
        raise MalformedAcl
    return acl


def told(acl: Acl, account: str) -> dict[str, Any]:
    """As GetBucketAcl and GetObjectAcl answer."""
    return {"Owner": owner(account), "Grants": [
        {"Grantee": _described(grantee, account), "Permission": permission} for grantee, permission in acl]}


def _described(grantee: str, account: str) -> dict[str, str]:
    kind, _, value = grantee.partition("=")
    if kind == "uri":
        return {"Type": "Group", "URI": value}
    named = {"DisplayName": account} if value == canonical_id(account) else {}
    return {"Type": "CanonicalUser", "ID": value, **named}


def same(one: Acl, other: Acl) -> bool:
    return [tuple(grant) for grant in one] == [tuple(grant) for grant in other]


def delivers_logs(acl: Acl) -> bool:
    """May the group of S3's log delivery write?"""
    given = {permission for grantee, permission in acl if grantee == f"uri={LOG_DELIVERY}"}
    return "FULL_CONTROL" in given or {"WRITE", "READ_ACP"} <= given


def is_public(acl: Acl) -> bool:
    return any(grantee in _EVERYONE for grantee, _ in acl)


def lets_in(acl: Acl, account: str, permission: str, *, groups: bool = True) -> bool:
    """Is this account, "" for nobody's, granted the permission? `groups`: count grants to everyone."""
    mine = {f"id={canonical_id(account)}"} if account else set()
    if groups:
        mine |= _EVERYONE if account else {f"uri={ALL_USERS}"}
    return any(grantee in mine and given in (permission, "FULL_CONTROL") for grantee, given in acl)
