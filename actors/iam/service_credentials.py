"""Service-specific credentials: a name and password for CodeCommit or Keyspaces, or Bedrock's long-term API key.

A credential is good for its service alone: what a gateway is told of Bedrock's (`found`) proves a bearer token and
never a signature. Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-generate.html.
"""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from itertools import chain
from math import inf
from typing import Any

from actors.iam import shapes
from actors.iam.errors import InvalidInput, NotSupportedService, quota
from actors.iam.owned import Owned
from actors.iam.paging import Answer, after, page
from actors.iam.state import USER, Book, Record, new_id
from actors.iam.vault import Vault
from actors.runtime.store.transaction import Snapshot

BEDROCK = "bedrock.amazonaws.com"
SERVICES = (BEDROCK, "cassandra.amazonaws.com", "codecommit.amazonaws.com")
CREDENTIALS = Owned("service", "ServiceSpecificCredentialId", "No such credential {} exists")
PER_SERVICE_LIMIT = 2                         # of one user
SECRET_BYTES = 33                             # 44 characters of base64
DAY_S = 86_400
BEARER_BEGINS, KEY_NAME_BEGINS = "ABSK", "BedrockAPIKey-"
KEY_CHANCE_BYTES = 4

Request = Mapping[str, Any]


def create(book: Book, vault: Vault, user: Record, request: Request, now: float) -> Answer:
    service = _supported(request["ServiceName"])
    own = [row for _, row in CREDENTIALS.rows(book, user) if row["service"] == service]
    if len(own) >= PER_SERVICE_LIMIT:
        raise quota("ServiceSpecificCredentialsPerUser", PER_SERVICE_LIMIT)
    days = request.get("CredentialAgeDays")
    if days and service != BEDROCK:
        raise InvalidInput("CredentialAgeDays is only supported for Bedrock API keys.")
    name = _key_name(book, vault) if service == BEDROCK else _user_name(book, user, own)
    row = {"id": new_id("ACCA"), "service": service, "name": name, "status": "Active", "created": now,
           "expires": now + days * DAY_S if days else None}
    return {"ServiceSpecificCredential": _renew(book, vault, user, row)}


def _supported(service: str) -> str:
    if service not in SERVICES:
        raise NotSupportedService(f"No such service {service} is supported for Service Specific Credentials")
    return service


def _key_name(book: Book, vault: Vault) -> str:
    return f"{KEY_NAME_BEGINS}{vault.marked(os.urandom(KEY_CHANCE_BYTES).hex())}-at-{book.account}"


def made(vault: Vault, name: str) -> bool:
    """Is this the name of an API key that was made here, though it may be gone?"""
    marked, at, _ = name.removeprefix(KEY_NAME_BEGINS).partition("-at-")
    return name.startswith(KEY_NAME_BEGINS) and bool(at) and vault.is_marked(marked)


def _user_name(book: Book, user: Record, own: list[Record]) -> str:
    names = {row["name"] for row in own}
    return next(name for number in range(PER_SERVICE_LIMIT)
                if (name := f"{user['name']}{f'+{number}' if number else ''}-at-{book.account}") not in names)


def _renew(book: Book, vault: Vault, user: Record, row: Record) -> Answer:
    """A new secret for it, shown this once."""
    secret = b64encode(os.urandom(SECRET_BYTES)).decode()
    row["secret"] = vault.seal_text(secret, _sealed_for(row))
    CREDENTIALS.put(book, user, row)
    shared = book.elsewhere("")
    shared.put({"account": book.account, "parts": ["service", user["id"], row["id"]]}, "sealed", _sealed_for(row))
    if row["service"] != BEDROCK:
        return {**_metadata(user, row), "ServicePassword": secret}
    token = BEARER_BEGINS + b64encode(f"{row['name']}:{secret}".encode()).decode()
    return {**_metadata(user, row), "ServiceCredentialSecret": token}


def _sealed_for(row: Record) -> str:
    """Bedrock's are looked up by name; the others' names may be several services'."""
    return str(row["name"] if row["service"] == BEDROCK else row["id"])


def _metadata(user: Record, row: Record) -> Answer:
    name = "ServiceCredentialAlias" if row["service"] == BEDROCK else "ServiceUserName"
    shown = {"UserName": user["name"], "Status": row["status"], name: row["name"],
             "CreateDate": shapes.moment(row["created"]), "ServiceSpecificCredentialId": row["id"],
             "ServiceName": row["service"]}
    return shown if row["expires"] is None else {**shown, "ExpirationDate": shapes.moment(row["expires"])}


def listed(book: Book, users: Iterator[Record], request: Request) -> Answer:
    wanted, start = request.get("ServiceName"), after(request)
    if wanted:
        _supported(wanted)
    rows = chain.from_iterable(((f"{user['id']}/{key}", (user, row)) for key, row in CREDENTIALS.rows(book, user))
                               for user in users)
    return page("ServiceSpecificCredentials", (
        row for row in rows if row[0] > start and wanted in (None, row[1][1]["service"])), request,
        lambda pair: _metadata(*pair))


def all_users(book: Book) -> Iterator[Record]:
    return (record for _, record in sorted(book.rows(USER), key=lambda each: str(each[1]["id"])))


def update(book: Book, user: Record, request: Request) -> Answer:
    return CREDENTIALS.set_status(book, user, request)


def reset(book: Book, vault: Vault, user: Record, request: Request) -> Answer:
    return {"ServiceSpecificCredential": _renew(book, vault, user, CREDENTIALS.get(book, user, request))}


def delete(book: Book, user: Record, request: Request) -> Answer:
    book.elsewhere("").drop("sealed", _sealed_for(CREDENTIALS.remove(book, user, request)))
    return {}


def found(view: Snapshot, name: str) -> tuple[Book, Record, Record] | None:
    """(book, user, credential) of a Bedrock key by its name, good or not."""
    pointer = Book(view, "").row("sealed", name)
    if pointer is None or pointer["parts"][0] != "service":
        return None
    book = Book(view, pointer["account"])
    row = book.row(*pointer["parts"])
    assert row is not None, name
    return (book, book.by_id(pointer["parts"][1]), row) if row["service"] == BEDROCK else None


def usable_until(row: Record) -> float:
    """Seconds since the epoch; 0.0 of one that is inactive."""
    if row["status"] != "Active":
        return 0.0
    return inf if row["expires"] is None else float(row["expires"])
