"""Passwords of users: login profiles, and the account's policy, which every new password must satisfy.

There is no console to sign in to; a password is proven where it is changed. Kept is what scrypt makes of it, worked out
away from the shard.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html,
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html; sentences: localstack's
captures of IAM's.
"""

import hashlib
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from actors.iam import shapes
from actors.iam.errors import (
    AccessDenied,
    EntityAlreadyExists,
    InvalidUserType,
    NoSuchEntity,
    PasswordPolicyViolation,
    ValidationError,
)
from actors.iam.paging import Answer
from actors.iam.state import Book, Record
from actors.runtime.bounded.threads import Threads
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard

DIGESTS_LIMIT, WAITING_LIMIT = 2, 62          # at a time, and that wait: each takes 16 MiB and some 50 ms
SCRYPT = {"n": 2 ** 14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
HISTORY_LIMIT = 24                            # passwords remembered, the most that a policy can forbid again
DEFAULT_LENGTH, DEFAULT_KINDS = 8, 3          # without a policy: characters, and kinds of them out of four
SYMBOLS = frozenset("!@#$%^&*()_+-=[]{}|'")

_POLICY = {
    "MinimumPasswordLength": 6, "RequireSymbols": False, "RequireNumbers": False, "RequireUppercaseCharacters": False,
    "RequireLowercaseCharacters": False, "AllowUsersToChangePassword": False,
}
_OPTIONAL = ("MaxPasswordAge", "PasswordReusePrevention", "HardExpiry")
_KINDS = {
    "RequireSymbols": SYMBOLS.__contains__, "RequireNumbers": str.isdigit, "RequireUppercaseCharacters": str.isupper,
    "RequireLowercaseCharacters": str.islower,
}

Request = Mapping[str, Any]


# The account's policy

def set_policy(book: Book, request: Request) -> Answer:
    """What the request leaves out has its default again."""
    given = {name: request[name] for name in _OPTIONAL if request.get(name) is not None}
    book.put({"policy": {**{name: request.get(name, usual) for name, usual in _POLICY.items()}, **given}}, "passwords")
    return {}


def policy(book: Book) -> Record | None:
    row = book.row("passwords")
    return None if row is None else row["policy"]


def shown_policy(book: Book) -> Answer:
    found = policy(book)
    if found is None:
        raise NoSuchEntity(f"The Password Policy with domain name {book.account} cannot be found.")
    return {"PasswordPolicy": {**found, "ExpirePasswords": bool(found.get("MaxPasswordAge"))}}


def delete_policy(book: Book) -> Answer:
    if policy(book) is None:
        raise NoSuchEntity("The account policy with name PasswordPolicy cannot be found.")
    book.drop("passwords")
    return {}


def _check(password: str, rules: Record | None, user: Record) -> None:
    """PasswordPolicyViolation."""
    kinds = {rule for rule, belongs in _KINDS.items() if any(belongs(letter) for letter in password)}
    if rules is None:
        good = len(password) >= DEFAULT_LENGTH and len(kinds) >= DEFAULT_KINDS and password != user["name"]
    else:
        needed = {rule for rule in _KINDS if rules[rule]}
        good = len(password) >= rules["MinimumPasswordLength"] and needed <= kinds
    if not good:
        raise PasswordPolicyViolation("Password does not conform to the account password policy.")


# Login profiles

async def create(shard: Shard, digests: Threads, context: Context, user: Record, request: Request) -> Answer:
    password = request.get("Password")
    if password is None:
        raise ValidationError("1 validation error detected: Value at 'password' failed to satisfy constraint: Member "
                              "must not be null")
    made = await digests.run(_digest, password, user)

    def write(view: Any) -> Answer:
        book = Book(view, context.account)
        if book.find_id(user["id"]) is None:      # deleted meanwhile
            raise NoSuchEntity(f"The user with name {user['name']} cannot be found.")
        if find(book, user) is not None:
            raise EntityAlreadyExists(f"Login Profile for user {user['name']} already exists.")
        _check(password, policy(book), user)
        row = {"hashes": [made], "created": context.now, "changed": context.now,
               "reset": bool(request.get("PasswordResetRequired"))}
        book.put(row, "login", user["id"])
        return {"LoginProfile": _shown(user, row)}

    answer: Answer = await shard.transact(write)
    return answer


async def update(shard: Shard, digests: Threads, context: Context, user: Record, request: Request) -> Answer:
    password = request.get("Password")
    made = None if password is None else await digests.run(_digest, password, user)

    def write(view: Any) -> Answer:
        book = Book(view, context.account)
        row = _get(book, user)
        if password is not None and made is not None:
            _change(book, user, row, password, made, context.now)
        if request.get("PasswordResetRequired") is not None:
            row["reset"] = request["PasswordResetRequired"]
        book.put(row, "login", user["id"])
        return {}

    answer: Answer = await shard.transact(write)
    return answer


async def change(
    shard: Shard, digests: Threads, context: Context, user: Record | None, request: Request
) -> Answer:
    """ChangePassword: one's own, which is proven by the old one."""
    if user is None:
        raise InvalidUserType("Only IAM Users can change their own password")
    old = await digests.run(_digest, request["OldPassword"], user)
    made = await digests.run(_digest, request["NewPassword"], user)

    def write(view: Any) -> Answer:
        book = Book(view, context.account)
        row = _get(book, user)
        if not compare_digest(row["hashes"][0], old):
            raise AccessDenied("The old password was incorrect.")
        _change(book, user, row, request["NewPassword"], made, context.now)
        row["reset"] = False
        book.put(row, "login", user["id"])
        return {}

    answer: Answer = await shard.transact(write)
    return answer


def _change(book: Book, user: Record, row: Record, password: str, made: bytes, now: float) -> None:
    rules = policy(book)
    _check(password, rules, user)
    forbidden = (rules or {}).get("PasswordReusePrevention") or 0
    if made in row["hashes"][:forbidden]:
        raise PasswordPolicyViolation("Password does not conform to the account password policy.")
    row["hashes"] = [made, *row["hashes"]][:HISTORY_LIMIT]
    row["changed"] = now


def delete(book: Book, user: Record) -> Answer:
    _get(book, user)
    book.drop("login", user["id"])
    return {}


def find(book: Book, user: Record) -> Record | None:
    return book.row("login", user["id"])


def _get(book: Book, user: Record) -> Record:
    row = find(book, user)
    if row is None:
        raise NoSuchEntity(f"Login Profile for User {user['name']} cannot be found.")
    return row


def shown(book: Book, user: Record) -> Answer:
    return {"LoginProfile": _shown(user, _get(book, user))}


def _shown(user: Record, row: Record) -> Answer:
    return {"UserName": user["name"], "CreateDate": shapes.moment(row["created"]),
            "PasswordResetRequired": row["reset"]}


def _digest(password: str, user: Record) -> bytes:
    """Salted with the user's unique id, so that one computation compares with all that the user had before."""
    return hashlib.scrypt(password.encode("utf-8", "surrogateescape"), salt=user["id"].encode(), dklen=32, **SCRYPT)
