"""Temporary credentials: what STS hands out, kept here so that any process can tell whose they are, until they expire.

A session's row holds what it was given (its policies, tags, times); whose it is, is looked up when it is used: a role's
policies count as they are now, and a session of what has been deleted is nobody's. Records are for STS to make:

    kind        role, user, federated or root
    account, id      of the role or user behind it ("" for root)
    name             the session's, a federated user's
    policies         [[name, document]] it was narrowed by, or None; arns: managed ones, by ARN
    tags, transitive     session tags, and the keys of those that roles assumed from it keep
    keys             condition keys it brought, in lower case; chained: was a role assumed with a role's session?
"""

import os
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from actors.iam import access_keys
from actors.iam.state import Book, Record
from actors.iam.vault import Vault
from actors.runtime.store.transaction import Snapshot, Transaction

TOKEN_BYTES = 240
FORGET_JOB = "forget_sessions"
FORGET_LIMIT = 128                            # sessions per step of the job
FORGET_WAIT_S = 600.0                         # how long an expired session is still told apart from an unknown one
_TOKEN_BEGINS = "IQoJb3JpZ2luX2Vj"            # noqa: S105 - as AWS's do

Answer = dict[str, Any]


def find(view: Snapshot, access_key: str) -> Record | None:
    """Also one that has expired, for a while."""
    return Book(view, "").row("session", access_key)


def create(transaction: Transaction, vault: Vault, seconds: float, session: Mapping[str, Any]) -> Answer:
    """The Credentials of STS's answers, good from now on for `seconds`."""
    shared = Book(transaction, "")
    now = transaction.now()
    expires = float(int(now + seconds))
    access_key, secret = vault.new_key_id("ASIA"), access_keys.new_secret()
    token = _TOKEN_BEGINS + b64encode(os.urandom(TOKEN_BYTES)).decode()
    if not shared.any("expiry"):
        transaction.start_job(FORGET_JOB, {})
    shared.put({
        **session, "issued": now, "expires": expires, "secret": vault.seal_text(secret, access_key),
        "token": digest(token),
    }, "session", access_key)
    shared.put({}, "expiry", _moment(expires), access_key)
    return {"AccessKeyId": access_key, "SecretAccessKey": secret, "SessionToken": token,
            "Expiration": datetime.fromtimestamp(expires, UTC)}


def digest(token: str) -> str:
    """What is kept of a session token, and compared."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _moment(seconds: float) -> str:
    return f"{int(seconds):012}"


def forget_step(transaction: Transaction, now: float) -> dict[str, Any] | None:
    """One step of the job that removes expired sessions; it ends with the last of them."""
    shared = Book(transaction, "")
    rows = transaction.scan(b"\0expiry\0", b"\0expiry\1")
    for count, (key, _) in enumerate(rows):
        _, _, moment, access_key = key.decode().split("\0")
        if int(moment) + FORGET_WAIT_S > now:
            return {"wake_at": int(moment) + FORGET_WAIT_S}
        if count >= FORGET_LIMIT:
            return {}
        shared.drop("session", access_key)
        shared.drop("expiry", moment, access_key)
    return None
