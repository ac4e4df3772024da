"""Principal: who a request is from, with the policies that are theirs, ready to decide with.

The access key in a request's subject is proven; IAM says whose it is (a record, see `principal_of`). principals.py
remembers them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from math import inf
from typing import Any

from actors.runtime.policy import Caller, Decision, Policy, compile_document
from actors.runtime.policy.decision import root_arn

Record = Mapping[str, Any]
Settled = dict[tuple[str, str], tuple[Decision, str]]      # by action and resource: the decision, whose the resource is


class Standing(Enum):
    """May its key be used at all?"""

    GOOD = "good"
    UNKNOWN = "unknown"                   # nobody's, or no longer
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """`keys` are its condition keys, in lower case. `unbounded`: root, and nobody above limits it. `settled`: what the
    authoriser has found for it alone (chain/authorise.py); it goes when the principal is forgotten."""

    account: str                          # "": nobody's
    arn: str
    user_id: str                          # AIDA…, AROA…:session, the account for its root
    caller: Caller
    name: str = ""                        # a user's
    keys: dict[str, str] = field(default_factory=dict)
    expires: float = inf                  # seconds since the epoch
    unbounded: bool = False
    standing: Standing = Standing.GOOD
    record: Record = field(default_factory=dict)   # as IAM gave it, for what a session hands on
    settled: Settled = field(default_factory=dict)

    @property
    def in_account(self) -> str:
        """What stands in every ARN of its account."""
        return f":{self.account}:"


NOBODY = Principal("", "", "", Caller.anonymous(), standing=Standing.ANONYMOUS, keys={
    "aws:principaltype": "Anonymous", "aws:userid": "anonymous"})
STRANGER = replace(NOBODY, standing=Standing.UNKNOWN, settled={})


def root(account: str) -> Principal:
    arn = root_arn(account)
    keys = {
        "aws:principalarn": arn, "aws:principalaccount": account, "aws:principaltype": "Account",
        "aws:userid": account, "aws:principalisawsservice": "false",
    }
    return Principal(account, arn, account, Caller.account_root(account), keys=keys, unbounded=True)


def service(name: str) -> Principal:
    """An AWS service that asks for itself: "lambda.amazonaws.com"."""
    keys = {"aws:principaltype": "Service", "aws:principalservicename": name, "aws:principalisawsservice": "true"}
    return Principal("", name, name, Caller.service(name), name, keys)


def principal_of(record: Record) -> Principal:
    """From IAM's record (actors/iam/identities.py):

        kind        user, role, federated or root
        account, arn, id, name, tags                        a session's id and name are "AROA…:session", "session"
        source      ARN of the role behind a session, of the user behind a federated one; source_id: its id
        policies    [[name, document]] of its identity (a root's only deny); boundary: the same or None
        session     a session's policies, or None
        scps        a list of policies for each level of the organization
        organization    what its organization adds to its condition keys
        expires, issued                                     of a session, seconds since the epoch
        keys        further condition keys, in lower case
    """
    account, arn, kind = record["account"], record["arn"], record["kind"]
    given: dict[str, Any] = {
        "boundary": None if record.get("boundary") is None else _policies([record["boundary"]])[0],
        "session": None if record.get("session") is None else _policies(record["session"]),
        "scps": [_policies(level) for level in record.get("scps", ())],
    }
    identity = _policies(record.get("policies", ()))
    if kind == "root":
        caller = Caller.account_root(account, identity=identity, **given)
    elif kind == "user":
        caller = Caller.user(account, arn, record["id"], identity=identity, **given)
    elif kind == "role":
        caller = Caller.role_session(
            account, arn, record["source"], record["source_id"], identity=identity, **given)
    else:
        caller = Caller.federated_user(account, arn, record["source"], identity=identity, **given)
    unbounded = kind == "root" and not given["scps"] and not identity and given["session"] is None
    return Principal(account, arn, record["id"], caller, record["name"] if kind == "user" else "", _keys(record),
                     record.get("expires", inf), unbounded, record=record)


def _policies(texts: Any) -> list[Policy]:
    return [Policy(name, compile_document(text)) for name, text in texts]


_TYPES = {"user": "User", "role": "AssumedRole", "federated": "FederatedUser", "root": "Account"}


def _keys(record: Record) -> dict[str, str]:
    """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    kind, arn = record["kind"], record["arn"]
    keys = {
        "aws:principalarn": record["source"] if kind == "role" else arn, "aws:principalaccount": record["account"],
        "aws:principaltype": _TYPES[kind], "aws:userid": record["id"], "aws:principalisawsservice": "false",
        **{f"aws:principaltag/{name.lower()}": value for name, value in record.get("tags", {}).items()},
        **record.get("organization", {}), **record.get("keys", {}),
    }
    if kind == "user":
        keys["aws:username"] = record["name"]
    if "issued" in record:
        keys["aws:tokenissuetime"] = datetime.fromtimestamp(int(record["issued"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        keys.setdefault("aws:multifactorauthpresent", "false")
    return keys
