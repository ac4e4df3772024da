"""Managed policies and their versions."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from actors.iam import documents, managed, shapes, tagging
from actors.iam.documents import get_policy
from actors.iam.errors import AccessDenied, DeleteConflict, LimitExceeded, NoSuchEntity, quota
from actors.iam.paging import Answer, after, page
from actors.iam.state import GROUP, POLICY, ROLE, USER, Book, Record
from actors.runtime.context import Context
from actors.runtime.policy import size_of

VERSIONS_LIMIT = 5

Request = Mapping[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    text = _sized(request["PolicyDocument"])
    record = book.create(
        POLICY, request["PolicyName"], request.get("Path") or "/", context.now, updated=context.now, default=1,
        last_version=1, description=request.get("Description") or "",
    )
    record["tags"] = tagging.read(request.get("Tags"))
    book.save(record)
    _put_version(book, record, 1, text, context.now)
    shown = shapes.policy(book, record)
    shown.pop("Description", None)            # as AWS's answer, which leaves it to GetPolicy
    return {"Policy": shown}


def _sized(text: str) -> str:
    if size_of(text) > documents.POLICY_LIMIT_CHARACTERS:
        raise quota("PolicySize", documents.POLICY_LIMIT_CHARACTERS)
    return documents.checked(text)


def _put_version(book: Book, record: Record, number: int, text: str, now: float) -> Record:
    row = {"number": number, "created": now, "document": text}
    book.put(row, "version", record["id"], f"{number:04}")
    return row


def own(book: Book, arn: str, missing: NoSuchEntity | None = None) -> Record:
    """The account's, to be changed: AWS's are not."""
    record = get_policy(book, arn, missing)
    if record.get("aws"):
        raise AccessDenied("Policy is outside your own account.")
    return record


def delete(book: Book, arn: str) -> Answer:
    record = own(book, arn)
    if book.any("attached", arn) or book.any("bounded", arn):
        raise DeleteConflict("Cannot delete a policy attached to entities.")
    versions = [key for key, _ in book.rows("version", record["id"])]
    if len(versions) > 1:
        raise DeleteConflict("This policy has more than one version. Before you delete a policy, you must delete the "
                             "policy's versions. The default version is deleted with the policy.")
    for key in versions:
        book.drop("version", record["id"], key)
    book.remove(record)
    return {}


def listed(book: Book, request: Request) -> Answer:
    """AWS's and the account's, as Scope says, in order of ARN."""
    scope, start = request.get("Scope") or "All", after(request)
    rows = chain(
        _aws() if scope in ("All", "AWS") else (),
        ((f"own/{key}", record) for key, record in book.rows(POLICY)) if scope in ("All", "Local") else (),
    )
    return page("Policies", (row for row in rows if row[0] > start and _wanted(book, row[1], request)), request,
                lambda record: shapes.policy(book, record, listed=True))


def _aws() -> Iterator[tuple[str, Record]]:
    for arn in managed.arns():
        record = managed.find(arn)
        assert record is not None
        yield f"aws/{record['name']}", record


def _wanted(book: Book, record: Record, request: Request) -> bool:
    if not record["path"].startswith(request.get("PathPrefix") or "/"):
        return False
    arn = managed.arn(record) if record.get("aws") else book.arn(record)
    usage = request.get("PolicyUsageFilter")
    if usage:
        return book.any("attached" if usage == "PermissionsPolicy" else "bounded", arn)
    return not request.get("OnlyAttached") or book.any("attached", arn)


# Versions

def create_version(book: Book, context: Context, request: Request) -> Answer:
    record, text = own(book, request["PolicyArn"]), _sized(request["PolicyDocument"])
    if sum(1 for _ in book.rows("version", record["id"])) >= VERSIONS_LIMIT:
        raise LimitExceeded("A managed policy can have up to 5 versions. Before you create a new version, you must "
                            "delete an existing version.")
    record["last_version"] += 1
    record["updated"] = context.now
    if request.get("SetAsDefault"):
        record["default"] = record["last_version"]
    book.save(record)
    row = _put_version(book, record, record["last_version"], text, context.now)
    return {"PolicyVersion": shapes.version(record, row, whole=False)}


def get_version(book: Book, request: Request) -> Answer:
    record = documents.find_policy(book, request["PolicyArn"])
    if record is None:
        raise _no_version(request)
    return {"PolicyVersion": shapes.version(record, _version(book, record, request))}


def list_versions(book: Book, request: Request) -> Answer:
    record = get_policy(book, request["PolicyArn"])
    start = after(request)
    rows = [("", documents.version_row(book, record, record["default"]))] if record.get("aws") else \
        sorted(book.rows("version", record["id"]), reverse=True)
    return page("Versions", ((key, row) for key, row in rows if not start or key < start), request,
                lambda row: shapes.version(record, row, whole=False))


def delete_version(book: Book, request: Request) -> Answer:
    record = own(book, request["PolicyArn"], missing=_no_version(request))
    row = _version(book, record, request)
    if row["number"] == record["default"]:
        raise DeleteConflict("Cannot delete the default version of a policy.")
    book.drop("version", record["id"], f"{row['number']:04}")
    return {}


def set_default(book: Book, context: Context, request: Request) -> Answer:
    record = own(book, request["PolicyArn"], missing=_no_version(request))
    record["default"] = _version(book, record, request)["number"]
    record["updated"] = context.now
    book.save(record)
    return {}


def _version(book: Book, record: Record, request: Request) -> Record:
    number = request["VersionId"].removeprefix("v").partition(".")[0]
    row = documents.version_row(book, record, int(number)) if number.isdecimal() and len(number) <= 4 else None
    if row is None:
        raise _no_version(request)
    return row


def _no_version(request: Request) -> NoSuchEntity:
    return NoSuchEntity(
        f"Policy {request['PolicyArn']} version {request['VersionId']} does not exist or is not attachable.")


# Who has it

def entities(book: Book, request: Request) -> Answer:
    """ListEntitiesForPolicy: users, groups and roles that have it, attached or as their boundary."""
    arn = request["PolicyArn"]
    get_policy(book, arn, documents.not_attachable(arn))
    usage, prefix = request.get("PolicyUsageFilter"), request.get("PathPrefix") or "/"
    relations = {"PermissionsPolicy": ["attached"], "PermissionsBoundary": ["bounded"]}
    found = {key for relation in relations.get(usage or "", ["attached", "bounded"])
             for key, _ in book.rows(relation, arn)}
    wanted = {"User": USER, "Group": GROUP, "Role": ROLE}.get(request.get("EntityFilter") or "")
    start = after(request)
    rows = ((key, record) for key in sorted(found) if key > start
            if (record := book.by_id(key))["path"].startswith(prefix) and wanted in (None, record["kind"]))
    paged = page("rows", rows, request, lambda record: record)
    answer: Answer = {"PolicyUsers": [], "PolicyGroups": [], "PolicyRoles": []}
    for record in paged.pop("rows"):
        name = record["kind"].capitalize()
        answer[f"Policy{name}s"].append({f"{name}Name": record["name"], f"{name}Id": record["id"]})
    return {**answer, **paged}
