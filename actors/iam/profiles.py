"""Instance profiles: a role, as EC2 is given it."""

from collections.abc import Mapping
from typing import Any

from actors.iam import shapes, tagging
from actors.iam.errors import DeleteConflict, NoSuchEntity, quota
from actors.iam.paging import Answer, after, page
from actors.iam.principals import modifiable
from actors.iam.state import PROFILE, ROLE, Book
from actors.runtime.context import Context

Request = Mapping[str, Any]


def create(book: Book, context: Context, request: Request) -> Answer:
    name, path = request["InstanceProfileName"], request.get("Path") or "/"
    record = book.create(PROFILE, name, path, context.now, role="")
    record["tags"] = tagging.read(request.get("Tags"))
    book.save(record)
    return {"InstanceProfile": {**shapes.profile(book, record), **shapes.tagged(record)}}


def delete(book: Book, request: Request) -> Answer:
    record = book.get(PROFILE, request["InstanceProfileName"])
    if record["role"]:
        raise DeleteConflict("Cannot delete entity, must remove roles from instance profile first.")
    book.remove(record)
    return {}


def add_role(book: Book, request: Request) -> Answer:
    record = book.get(PROFILE, request["InstanceProfileName"])
    role = modifiable(book.get(ROLE, request["RoleName"]))
    if record["role"]:
        raise quota("InstanceSessionsPerInstanceProfile", 1)
    record["role"] = role["id"]
    book.save(record)
    book.put({}, "inprofile", role["id"], record["id"])
    return {}


def remove_role(book: Book, request: Request) -> Answer:
    record, role = book.get(PROFILE, request["InstanceProfileName"]), book.get(ROLE, request["RoleName"])
    if record["role"] != role["id"]:
        raise NoSuchEntity(f"Role {role['name']} in Instance Profile {record['name']} cannot be found.")
    record["role"] = ""
    book.save(record)
    book.drop("inprofile", role["id"], record["id"])
    return {}


def of_role(book: Book, request: Request) -> Answer:
    role = book.get(ROLE, request["RoleName"])
    rows = ((key, book.by_id(key)) for key, _ in book.rows("inprofile", role["id"], after=after(request)))
    return page("InstanceProfiles", rows, request, lambda record: shapes.profile(book, record))
