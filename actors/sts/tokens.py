"""GetSessionToken and GetFederationToken: sessions of a user, or of the root, without a role.

Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html, …/API_GetFederationToken.html.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from actors.iam import sessions
from actors.iam.state import USER, Book
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.sts import narrowing, second_factor
from actors.sts.errors import AccessDenied, ValidationError

DEFAULT_S = 43_200
ROOT_LIMIT_S = 3600                           # longer ones become this

Request = Mapping[str, Any]
Answer = dict[str, Any]


def session_token(transaction: Transaction, vault: Vault, context: Context, request: Request) -> Answer:
    seconds, behind = _behind(transaction, context, request)
    keys = second_factor.spend(transaction, vault, context, request)
    session = {**behind, "name": "", "policies": None, "arns": [], "tags": {}, "transitive": [], "keys": keys}
    return {"Credentials": sessions.create(transaction, vault, seconds, session)}


def account_in(access_key: str) -> str:
    """The account of a key that was not made here, as AWS's own ids hold it: 40 bits of the base32 behind their prefix.

    Source: https://awsteele.com/blog/2020/09/26/aws-access-key-format.html. ValidationError for what is no such id.
    """
    try:
        number = int.from_bytes(base64.b32decode(access_key[4:20])[:6], "big")
    except (binascii.Error, ValueError) as error:
        raise ValidationError(f"The access key id {access_key} does not exist.") from error
    return f"{(number & 0x7FFF_FFFF_FF80) >> 7:012}"


def federation_token(transaction: Transaction, vault: Vault, context: Context, request: Request) -> Answer:
    """Without a policy nothing is allowed but what a resource's policy allows."""
    seconds, behind = _behind(transaction, context, request)
    name, account = request["Name"], context.identity.account
    given = narrowing.policies(Book(transaction, account), request)
    session = {**behind, "kind": "federated", "name": name, **given, **narrowing.tags(request), "keys": {}}
    answer = {
        "Credentials": sessions.create(
            transaction, vault, seconds, {**session, "policies": given["policies"] or []}),
        "FederatedUser": {"FederatedUserId": f"{account}:{name}",
                          "Arn": f"arn:aws:sts::{account}:federated-user/{name}"},
    }
    return {**answer, "PackedPolicySize": 0, **narrowing.packed_size(request, session)}


def _behind(transaction: Transaction, context: Context, request: Request) -> tuple[float, Answer]:
    """Seconds, and {kind, account, id} of who asks; sessions do not get others."""
    asking, account = context.principal, context.identity.account
    seconds = float(request.get("DurationSeconds") or DEFAULT_S)
    if asking.record.get("token"):
        raise AccessDenied(f"Cannot call {context.operation.name} with session credentials")
    if asking.caller.root:
        return min(seconds, ROOT_LIMIT_S), {"kind": "root", "account": account, "id": ""}
    record = Book(transaction, account).get(USER, asking.name)
    return seconds, {"kind": "user", "account": account, "id": record["id"]}
