"""Roles for those whom an identity provider vouches for: does the role's trust policy admit them, and what session do
they get? Whose word it is, the callers have verified (web_identity.py, saml_identity.py).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.iam.state import Book, Record
from actors.iam.vault import Vault
from actors.runtime.context import Context
from actors.runtime.policy import Caller, Policy, Question, Use, compile_document, decide
from actors.runtime.store.transaction import Transaction
from actors.sts import narrowing, roles
from actors.sts.errors import AccessDenied

Request = Mapping[str, Any]
Answer = dict[str, Any]
Keys = dict[str, str | tuple[str, ...]]


class Vouched(NamedTuple):
    """What a provider says of whoever asks, verified."""

    provider: str                             # its ARN
    action: str                               # sts:AssumeRoleWithWebIdentity or its like
    session_name: str
    keys: Keys                                # condition keys, in lower case
    tags: Answer                              # {tags, transitive}
    source_identity: str = ""
    seconds_left: float | None = None         # until the provider's own session ends


def begin(transaction: Transaction, vault: Vault, context: Context, request: Request, vouched: Vouched) -> Answer:
    """{Credentials, AssumedRoleUser, …}. AccessDenied where the role is not there or does not trust the provider."""
    found = roles.find(transaction, request["RoleArn"])
    actions = [vouched.action, *(["sts:TagSession"] if vouched.tags["tags"] else []),
               *(["sts:SetSourceIdentity"] if vouched.source_identity else [])]
    if found is None or not all(_trusts(found, vouched, action, context) for action in actions):
        raise AccessDenied(f"Not authorized to perform {vouched.action}")
    keys = {"aws:federatedprovider": vouched.provider}
    if vouched.source_identity:
        keys["aws:sourceidentity"] = vouched.source_identity
    session = {**narrowing.policies(found[0], request), **vouched.tags, "keys": keys}
    seconds: float = roles.duration(request, found[1])
    if vouched.seconds_left is not None:
        seconds = min(seconds, vouched.seconds_left)
    answer = roles.begin(transaction, vault, found, vouched.session_name, seconds, session)
    answer |= narrowing.packed_size(request, session)
    return {**answer, "SourceIdentity": vouched.source_identity} if vouched.source_identity else answer


def _trusts(role: tuple[Book, Record], vouched: Vouched, action: str, context: Context) -> bool:
    book, record = role
    keys: Keys = {**vouched.keys, "sts:rolesessionname": vouched.session_name,
                  "aws:federatedprovider": vouched.provider}
    if vouched.source_identity:
        keys["sts:sourceidentity"] = vouched.source_identity
    if context.source.get("ip"):
        keys["aws:sourceip"] = context.source["ip"]
    keys |= {f"aws:requesttag/{name.lower()}": value for name, value in vouched.tags["tags"].items()}
    if vouched.tags["tags"]:
        keys["aws:tagkeys"] = tuple(vouched.tags["tags"])
    trust = Policy("trust", compile_document(record["trust"], Use.TRUST))
    question = Question(action, book.arn(record), keys, book.account)
    return decide(Caller.provider(vouched.provider), question, trust, resource_decides=True).allowed
