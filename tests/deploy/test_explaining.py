"""Of whom `skybus explain` speaks: what gateways (gateway/credentials.py) and the chain (actors/runtime/principals.py)
make of the same name; and of which actions."""

import asyncio
from typing import Any

import pytest

from deploy.config import Access
from deploy.explain import spelled
from deploy.explaining import principal_named
from deploy.failures import UsageError

DENIES = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}'
BOUND = "111111111111"                    # the root of which a service control policy binds
ALICE = "arn:aws:iam::000000000000:user/alice"
USER = {"kind": "user", "account": "000000000000", "arn": ALICE, "id": "AIDA", "name": "alice", "policies": []}


async def iam(verb: str, question: dict[str, Any]) -> dict[str, Any]:
    """Knows alice and her key, and every account's root."""
    key = question["access_key"]
    if verb == "credential":
        return {"account": "000000000000", "secret": "x"} if key == "AKIAALICE" else {"unknown": True}
    if key in (ALICE, "AKIAALICE"):
        return {"record": USER}
    if key == question["account"]:
        return {"record": {"kind": "root", "account": key, "arn": f"arn:aws:iam::{key}:root", "id": key, "name": "",
                           "scps": [[["nos3", DENIES]]] if key == BOUND else []}}
    return {"record": {}} if key.startswith("arn:") else {"unknown": True}


@pytest.mark.parametrize(("name", "opened", "strict"), [
    (ALICE, ALICE, ALICE),
    ("AKIAALICE", ALICE, ALICE),
    ("rootkey", "arn:aws:iam::222222222222:root", "arn:aws:iam::222222222222:root"),
    (BOUND, f"arn:aws:iam::{BOUND}:root", None),
    ("AKIANOBODY", "arn:aws:iam::222222222222:root", None),
    ("arn:aws:iam::000000000000:user/nobody", None, None),
])
def test_names(name: str, opened: str | None, strict: str | None) -> None:
    for auth, expected in (("open", opened), ("strict", strict)):
        access = Access(auth=auth, root_access_key="rootkey", account_id="222222222222")
        found = asyncio.run(principal_named(name, access, iam))
        assert (found and found.arn) == expected, auth


# A member account's root is bound by its organization, as enforcement has it, whichever way it is named.
@pytest.mark.parametrize("name", [BOUND, f"arn:aws:iam::{BOUND}:root"])
def test_service_control_policies_bind_roots(name: str) -> None:
    found = asyncio.run(principal_named(name, Access(), iam))
    assert found is not None
    assert not found.unbounded


def test_without_iam() -> None:
    for name, expected in (("arn:aws:iam::000000000001:root", "000000000001"), ("test", "000000000000")):
        found = asyncio.run(principal_named(name, Access(), None))
        assert found is not None
        assert (found.account, found.unbounded) == (expected, True)
    assert asyncio.run(principal_named(ALICE, Access(), None)) is None


# An answer about an action that is none would be an answer about nothing: "allowed", for whoever may everything.
@pytest.mark.parametrize(("action", "said"), [
    ("s3:GetObjct", "AWS has no action 's3:GetObjct'.*nearest: s3:GetObject, "),
    ("s3:Get*", r"no action 's3:Get\*'"),
    ("dynamo:GetItem", "no service 'dynamo' .* nearest: dynamodb"),
    ("GetItem", r"SERVICE:NAME.* nearest: dynamodb:GetItem\."),
    ("passrole", r"SERVICE:NAME.* nearest: iam:PassRole\."),
    ("", "SERVICE:NAME"),
])
def test_no_action(action: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spelled(action)


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html: "case-insensitive"
def test_capitals_make_no_difference() -> None:
    assert spelled("S3:getobject") == "s3:GetObject"
