"""Access keys: made with a secret that is shown once, kept sealed, found by whoever verifies signatures.

The root user has keys as users have, under its id, which is the account's number.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html (UserName)
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.iam import shapes
from actors.iam.errors import NotHere, ValidationError, quota
from actors.iam.owned import Owned
from actors.iam.paging import Answer, after, page
from actors.iam.state import USER, Book, Record
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot

ROOT = "root"
KEYS_PER_USER_LIMIT = 2
KEYS = Owned("key", "AccessKeyId", "The Access Key with id {} cannot be found.")
SECRET_BYTES = 30                             # 40 characters of base64

Request = Mapping[str, Any]


class Holder(NamedTuple):
    """Whose an access key is."""

    account: str
    user: Record
    key: Record


def holder(view: Snapshot, access_key: str) -> Holder | None:
    """Of an access key of any account, active or not."""
    shared = Book(view, "")
    pointer = shared.row("key", access_key)
    if pointer is None:
        return None
    book = shared.elsewhere(pointer["account"])
    key = book.row("key", pointer["user"], access_key)
    assert key is not None, access_key
    root = pointer["user"] == pointer["account"]
    return Holder(pointer["account"], root_user(pointer["account"]) if root else book.by_id(pointer["user"]), key)


def root_user(account: str) -> Record:
    """As a holder of keys; it is no entity."""
    return {"kind": ROOT, "id": account, "name": ""}


def owner_of(book: Book, context: Context, request: Request) -> Record:
    """Whose keys are meant: `user_of`, or the root user that asks for itself."""
    if context.principal.caller.root and not request.get("UserName"):
        return root_user(book.account)
    return user_of(book, context, request)


def user_of(book: Book, context: Context, request: Request) -> Record:
    """The user a request names, else the one who asks. NotHere: the root user asks for itself; ValidationError: a
    session that is no user's."""
    if request.get("UserName"):
        return book.get(USER, request["UserName"])
    asking = context.principal
    if asking.name:
        return book.get(USER, asking.name)
    if asking.caller.root:
        raise NotHere(context.operation.name, "for the root user; name a user")
    raise ValidationError("Must specify userName when calling with non-User credentials")


def create(book: Book, vault: Vault, user: Record, now: float) -> Answer:
    if sum(1 for _ in KEYS.rows(book, user)) >= KEYS_PER_USER_LIMIT:
        raise quota("AccessKeysPerUser", KEYS_PER_USER_LIMIT)
    access_key = vault.new_key_id("AKIA")
    secret = new_secret()
    key = {"id": access_key, "status": "Active", "created": now, "secret": vault.seal_text(secret, access_key)}
    KEYS.put(book, user, key)
    book.elsewhere("").put({"account": book.account, "user": user["id"]}, "key", access_key)
    return {"AccessKey": {**_shown(user, key), "SecretAccessKey": secret}}


def new_secret() -> str:
    return b64encode(os.urandom(SECRET_BYTES)).decode()


def _shown(user: Record, key: Record) -> Answer:
    return {**named(user), "AccessKeyId": key["id"], "Status": key["status"],
            "CreateDate": shapes.moment(key["created"])}


def named(user: Record) -> Answer:
    """The root user has no name."""
    return {"UserName": user["name"]} if user["name"] else {}


def listed(book: Book, user: Record, request: Request) -> Answer:
    rows = KEYS.rows(book, user, after(request))
    return page("AccessKeyMetadata", rows, request, lambda key: _shown(user, key))


def update(book: Book, user: Record, request: Request) -> Answer:
    return KEYS.set_status(book, user, request)


def delete(book: Book, user: Record, request: Request) -> Answer:
    key = KEYS.remove(book, user, request)
    book.drop("keyuse", key["id"])
    book.elsewhere("").drop("key", key["id"])
    return {}
