"""Assuming roles: whom a role trusts is decided before (access.py), here is what the session becomes.

Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining.
"""

from collections.abc import Mapping
from typing import Any

from actors.iam import identities, sessions
from actors.iam.state import ROLE, Book, Record
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.principal import Principal
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.sts import narrowing, second_factor
from actors.sts.errors import AccessDenied, ValidationError

DEFAULT_S = 3600
CHAINED_LIMIT_S = 3600

Request = Mapping[str, Any]
Answer = dict[str, Any]


def checked_arn(arn: str) -> str:
    """ValidationError for what is no ARN at all."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        raise ValidationError(f"{arn} is invalid")
    return arn


def find(view: Snapshot, arn: str) -> tuple[Book, Record] | None:
    """A role of any account, by its ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[:3] != ["arn", "aws", "iam"] or not parts[5].startswith("role/"):
        return None
    book = Book(view, parts[4])
    record = book.find_arn(ROLE, arn)
    return None if record is None else (book, record)


def assume(transaction: Transaction, vault: Vault, context: Context, request: Request) -> Answer:
    asking = context.principal
    found = find(transaction, request["RoleArn"])
    if found is None:                             # deleted since it let the caller in
        raise AccessDenied(refusal(asking, "sts:AssumeRole", request["RoleArn"]))
    factor = second_factor.spend(transaction, vault, context, request)
    chained = asking.record.get("kind") == "role"
    seconds = duration(request, found[1], chained=chained)
    inherited = {key: value for key, value in asking.record.get("session_tags", {}).items()
                 if key in asking.record.get("transitive", ())}
    identity = _source_identity(asking, request)
    keys = {"aws:sourceidentity": identity, **factor} if identity else factor
    session = {**narrowing.policies(found[0], request), **narrowing.tags(request, inherited), "keys": keys}
    answer = begin(transaction, vault, found, request["RoleSessionName"], seconds, session)
    answer |= narrowing.packed_size(request, session)
    return {**answer, "SourceIdentity": identity} if identity else answer


def begin(
    transaction: Transaction, vault: Vault, role: tuple[Book, Record], name: str, seconds: float, session: Answer
) -> Answer:
    """The session itself: {Credentials, AssumedRoleUser}."""
    book, record = role
    credentials = sessions.create(
        transaction, vault, seconds,
        {"kind": "role", "account": book.account, "id": record["id"], "name": name, **session})
    return {"Credentials": credentials, "AssumedRoleUser": {
        "AssumedRoleId": f"{record['id']}:{name}", "Arn": identities.session_arn(book.arn(record), name)}}


def duration(request: Request, role: Record, *, chained: bool = False) -> int:
    """Seconds. ValidationError beyond the role's own limit, or the hour that chained roles have."""
    given = request.get("DurationSeconds")
    seconds = int(given or min(DEFAULT_S, role["session_limit_s"]))
    if chained and seconds > CHAINED_LIMIT_S:
        raise ValidationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
                              "role chaining.")
    if seconds > role["session_limit_s"]:
        raise ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    return seconds


def _source_identity(asking: Principal, request: Request) -> str:
    """It stays what it is through all roles that follow."""
    before, given = asking.keys.get("aws:sourceidentity", ""), request.get("SourceIdentity") or ""
    if before and given and before != given:
        raise AccessDenied(refusal(asking, "sts:SetSourceIdentity", request["RoleArn"]))
    return before or given


def refusal(asking: Principal, action: str, resource: str) -> str:
    return f"User: {asking.arn} is not authorized to perform: {action} on resource: {resource}"
