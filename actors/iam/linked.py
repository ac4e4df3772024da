"""Service-linked roles: a service's own, which nobody else changes."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from actors.iam import documents, managed, shapes
from actors.iam.errors import InvalidInput, NoSuchEntity
from actors.iam.linked_services import LINKED, SUFFIXED, Linked
from actors.iam.paging import Answer
from actors.iam.principals import LINKED_PATH, SESSION_S
from actors.iam.state import ROLE, Book
from actors.runtime.context import Context

Request = Mapping[str, Any]

_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")


def create(book: Book, context: Context, request: Request) -> Answer:
    service = request["AWSServiceName"]
    if not service.endswith(_DOMAINS):
        raise InvalidInput(f"{service} is not a valid service name.")
    first = service.partition(".amazonaws.")[0]
    linked = LINKED.get(first) or Linked("".join(part.capitalize() for part in first.split(".")[0].split("-")), "")
    suffix = f"_{request['CustomSuffix']}" if request.get("CustomSuffix") else ""
    if suffix and first in LINKED and first not in SUFFIXED:
        raise InvalidInput(f"Custom suffix is not allowed for {service}")
    name = f"AWSServiceRoleFor{linked.name}{suffix}"
    if book.find(ROLE, name) is not None:
        raise InvalidInput(f"Service role name {name} has been taken in this account, please try a different suffix.")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": [service]}, "Action": ["sts:AssumeRole"]}]}
    record = book.create(
        ROLE, name, f"{LINKED_PATH}{service}/", context.now, policies=[], boundary="", trust=json.dumps(trust),
        description=request.get("Description") or "", session_limit_s=SESSION_S,
    )
    if linked.policy:
        documents.attach_own(book, record, f"{managed.PREFIX}{documents.SERVICES_OWN}{linked.policy}")
    return {"Role": shapes.new_role(book, record)}


def delete(book: Book, request: Request) -> Answer:
    """Gone at once; the task that AWS names has succeeded by the time one asks."""
    record = book.get(ROLE, request["RoleName"])
    if not record["path"].startswith(LINKED_PATH):
        raise InvalidInput(f"The role {record['name']} is not a service-linked role.")
    for arn in list(record["policies"]):
        documents.detach(book, record, arn)
    book.remove(record)
    return {"DeletionTaskId": f"task{record['path']}{record['name']}/{uuid.uuid4()}"}


def deletion_status(book: Book, request: Request) -> Answer:
    task, path, _, name, *rest = (request["DeletionTaskId"].split("/") + [""] * 4)[:5]
    if task != "task" or f"/{path}/" != LINKED_PATH or not rest[0] or book.find(ROLE, name) is not None:
        raise NoSuchEntity(f"Deletion task {request['DeletionTaskId']} cannot be found.")
    return {"Status": "SUCCEEDED"}
