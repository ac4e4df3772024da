"""Users, groups and roles themselves: made, shown, listed, renamed, removed; who is in which group."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from actors.iam import documents, shapes, tagging, usage
from actors.iam.errors import DeleteConflict, UnmodifiableEntity, quota
from actors.iam.paging import Answer, after, page
from actors.iam.state import GROUP, ROLE, USER, Book, Record, checked_path
from actors.runtime.context import Context
from actors.runtime.policy import Use

GROUPS_PER_USER_LIMIT = 10
SESSION_S = 3600                              # a role's MaxSessionDuration where none is given
LINKED_PATH = "/aws-service-role/"

Request = Mapping[str, Any]

DETACH = "Cannot delete entity, must detach all policies first."
DELETE_POLICIES = "Cannot delete entity, must delete policies first."
_CREDENTIALS = (
    ("key", "Cannot delete entity, must delete access keys first."),
    ("signing", "Cannot delete entity, must delete certificates first."),
    ("device", "Cannot delete entity, must delete MFA device first."),
    ("ssh", "Cannot delete entity, must remove referenced objects first."),
    ("service", "Cannot delete entity, must remove referenced objects first."),
)
LEAVE_GROUP = "Cannot delete entity, must remove users from group first."


def create_user(book: Book, context: Context, request: Request) -> Answer:
    record = book.create(
        USER, request["UserName"], request.get("Path") or "/", context.now, policies=[], boundary="",
    )
    record["tags"] = tagging.read(request.get("Tags"), USER)
    documents.set_boundary(book, record, request.get("PermissionsBoundary"))
    book.save(record)
    return {"User": shapes.user(book, record)}


def create_group(book: Book, context: Context, request: Request) -> Answer:
    record = book.create(GROUP, request["GroupName"], request.get("Path") or "/", context.now, policies=[])
    return {"Group": shapes.group(book, record)}


def create_role(book: Book, context: Context, request: Request) -> Answer:
    path = request.get("Path") or "/"
    record = book.create(
        ROLE, request["RoleName"], path, context.now, policies=[], boundary="",
        trust=documents.checked(request["AssumeRolePolicyDocument"], Use.TRUST),
        description=request.get("Description") or "", session_limit_s=request.get("MaxSessionDuration") or SESSION_S,
    )
    record["tags"] = tagging.read(request.get("Tags"), ROLE)
    documents.set_boundary(book, record, request.get("PermissionsBoundary"))
    book.save(record)
    return {"Role": shapes.new_role(book, record)}


def listed(
    book: Book, kind: str, member: str, request: Request, shown: Callable[[Book, Record], Answer]
) -> Answer:
    """Entities of a kind under a PathPrefix, in order of name."""
    prefix = request.get("PathPrefix") or "/"
    rows = ((key, record) for key, record in book.rows(kind, after=after(request)) if record["path"].startswith(prefix))
    return page(member, rows, request, lambda record: shown(book, record))


def update(book: Book, kind: str, request: Request, member: str) -> Answer:
    """UpdateUser, UpdateGroup: a new name, a new path."""
    record = book.get(kind, request[member])
    record["path"] = checked_path(kind, request.get("NewPath") or record["path"])
    book.rename(record, request.get(f"New{member}") or record["name"])
    return {}


def update_role(book: Book, request: Request) -> Answer:
    _update_role(book, request)
    return {}


def describe_role(book: Book, request: Request) -> Answer:
    """UpdateRoleDescription, the older form."""
    record = _update_role(book, request)
    return {"Role": {**shapes.new_role(book, record), "Description": record["description"]}}


def _update_role(book: Book, request: Request) -> Record:
    """A service-linked role's description may be another; that and its tags alone."""
    record = book.get(ROLE, request["RoleName"])
    if request.get("MaxSessionDuration") is not None:
        modifiable(record)
    if request.get("Description") is not None:
        record["description"] = request["Description"]
    record["session_limit_s"] = request.get("MaxSessionDuration") or record["session_limit_s"]
    book.save(record)
    return record


def update_trust(book: Book, request: Request) -> Answer:
    record = modifiable(book.get(ROLE, request["RoleName"]))
    record["trust"] = documents.checked(request["PolicyDocument"], Use.TRUST)
    book.save(record)
    return {}


def modifiable(record: Record) -> Record:
    """A role that is not a service's own."""
    if record["kind"] == ROLE and record["path"].startswith(LINKED_PATH):
        raise UnmodifiableEntity(
            f"Cannot perform the operation on the protected role '{record['name']}' - "
            "this role is only modifiable by AWS"
        )
    return record


def delete(book: Book, kind: str, name: str) -> Answer:
    """DeleteConflict while anything hangs on it."""
    record = modifiable(book.get(kind, name))
    unique = record["id"]
    for rows, sentence in _CREDENTIALS:
        if kind == USER and book.any(rows, unique):
            raise DeleteConflict(sentence)
    if kind == USER and book.row("login", unique) is not None:
        raise DeleteConflict("Cannot delete entity, must delete login profile first.")
    if book.any("groups", unique) or book.any("member", unique):
        raise DeleteConflict(LEAVE_GROUP)
    if book.any("inprofile", unique):
        raise DeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
    if record["policies"]:
        raise DeleteConflict(DETACH)
    if book.any("inline", unique):
        raise DeleteConflict(DELETE_POLICIES)
    documents.set_boundary(book, record, None)
    usage.forget(book, record)
    book.remove(record)
    return {}


# Groups

def join(book: Book, request: Request) -> Answer:
    user, group = book.get(USER, request["UserName"]), book.get(GROUP, request["GroupName"])
    if book.row("groups", user["id"], group["id"]) is None:
        if sum(1 for _ in book.rows("groups", user["id"])) >= GROUPS_PER_USER_LIMIT:
            raise quota("GroupsPerUser", GROUPS_PER_USER_LIMIT)
        book.put({}, "groups", user["id"], group["id"])
        book.put({}, "member", group["id"], user["id"])
    return {}


def leave(book: Book, request: Request) -> Answer:
    """Who is no member is left alone."""
    user, group = book.get(USER, request["UserName"]), book.get(GROUP, request["GroupName"])
    book.drop("groups", user["id"], group["id"])
    book.drop("member", group["id"], user["id"])
    return {}


def get_group(book: Book, request: Request) -> Answer:
    record = book.get(GROUP, request["GroupName"])
    rows = ((key, book.by_id(key)) for key, _ in book.rows("member", record["id"], after=after(request)))
    users = page("Users", rows, request, lambda user: shapes.user(book, user, listed=True))
    return {"Group": shapes.group(book, record), **users}


def groups_of(book: Book, user: Record, start: str = "") -> Iterator[tuple[str, Record]]:
    return ((key, book.by_id(key)) for key, _ in book.rows("groups", user["id"], after=start))


def list_groups_for_user(book: Book, request: Request) -> Answer:
    user = book.get(USER, request["UserName"])
    return page("Groups", groups_of(book, user, after(request)), request, lambda group: shapes.group(book, group))
