"""Records as IAM shows them."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from actors.iam import managed
from actors.iam.state import Book, Record

Answer = dict[str, Any]


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def encoded(document: str) -> str:
    """As RFC 3986 percent-encodes it, which is how IAM gives documents back."""
    return quote(document, safe="")


def tags(record: Record) -> list[Answer]:
    return [{"Key": key, "Value": value} for key, value in record["tags"].items()]


def _common(book: Book, record: Record) -> Answer:
    return {"Path": record["path"], "Arn": book.arn(record), "CreateDate": moment(record["created"])}


def _bounded(record: Record) -> Answer:
    arn = record.get("boundary")
    if not arn:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}


def tagged(record: Record) -> Answer:
    return {"Tags": tags(record)} if record["tags"] else {}


def user(book: Book, record: Record, *, listed: bool = False) -> Answer:
    """`listed`: as lists show it, without tags and boundary."""
    shown = {**_common(book, record), "UserName": record["name"], "UserId": record["id"]}
    return shown if listed else {**shown, **_bounded(record), **tagged(record)}


def listed_user(book: Book, record: Record) -> Answer:
    return user(book, record, listed=True)


def root(account: str) -> Answer:
    """The account's root, which is no entity."""
    return {"UserId": account, "Arn": f"arn:aws:iam::{account}:root", "Path": "/", "UserName": "root",
            "CreateDate": moment(managed.CREATED_S)}


def group(book: Book, record: Record) -> Answer:
    return {**_common(book, record), "GroupName": record["name"], "GroupId": record["id"]}


def _bare_role(book: Book, record: Record) -> Answer:
    return {**_common(book, record), "RoleName": record["name"], "RoleId": record["id"],
            "AssumeRolePolicyDocument": encoded(record["trust"])}


def listed_role(book: Book, record: Record) -> Answer:
    shown = {**_bare_role(book, record), "MaxSessionDuration": record["session_limit_s"]}
    return {**shown, "Description": record["description"]} if record["description"] else shown


def new_role(book: Book, record: Record) -> Answer:
    """As its creation is answered."""
    return {**_bare_role(book, record), **_bounded(record), **tagged(record)}


def role(book: Book, record: Record) -> Answer:
    return {**listed_role(book, record), **_bounded(record), **tagged(record)}


def profile(book: Book, record: Record) -> Answer:
    roles = [_bare_role(book, book.by_id(record["role"]))] if record["role"] else []
    return {**_common(book, record), "InstanceProfileName": record["name"], "InstanceProfileId": record["id"],
            "Roles": roles}


def policy(book: Book, record: Record, *, listed: bool = False) -> Answer:
    """A managed policy, the account's or AWS's."""
    arn = managed.arn(record) if record.get("aws") else book.arn(record)
    shown = {
        "PolicyName": record["name"], "PolicyId": record["id"], "Arn": arn, "Path": record["path"],
        "DefaultVersionId": f"v{record['default']}", "IsAttachable": True, "CreateDate": moment(record["created"]),
        "UpdateDate": moment(record["updated"]), "AttachmentCount": sum(1 for _ in book.rows("attached", arn)),
        "PermissionsBoundaryUsageCount": sum(1 for _ in book.rows("bounded", arn)),
    }
    if record["description"] and not listed:
        shown["Description"] = record["description"]
    return shown if listed else {**shown, **tagged(record)}


def version(record: Record, row: Record, *, whole: bool = True) -> Answer:
    shown: Answer = {
        "VersionId": f"v{row['number']}", "IsDefaultVersion": row["number"] == record["default"],
        "CreateDate": moment(row["created"]),
    }
    return {**shown, "Document": encoded(row["document"])} if whole else shown
