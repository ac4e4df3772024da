"""A decision that the authoriser remembers is the one it would take anew, and only such a one is remembered.

Expected behaviour: the same question asked of a principal who has been asked nothing yet.
"""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.access import Access
from actors.runtime.chain.authorise import SETTLED_LIMIT, allowed
from actors.runtime.context import Context
from actors.runtime.principal import Principal, principal_of
from schemas.envelope import Identity
from schemas.models import load
from tests.actors.runtime.chain.calls import ACTOR
from tests.actors.runtime.policy.test_differential import (
    ACCOUNT,
    ACTIONS,
    RESOURCES,
    ROLE,
    callers,
    documents,
    keys,
)

Question = tuple[str, str, Mapping[str, Any]]

_questions = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), keys()), min_size=2, max_size=8)


def principal(caller: Mapping[str, Any], policies: list[dict[str, Any]]) -> Principal:
    return principal_of({
        "kind": "role" if caller["role"] else "root" if caller["root"] else "user", "account": ACCOUNT,
        "arn": caller["arn"], "id": "A", "name": "u", "source": ROLE, "source_id": "AROA",
        "policies": named(caller["identity"] + policies),
        "boundary": named([caller["boundary"]])[0] if caller["boundary"] else None,
        "session": None if caller["session"] is None else named(caller["session"]),
        "scps": [named(level) for level in caller["scps"]],
    })


def named(policies: list[dict[str, Any]]) -> list[list[str]]:
    return [["p", json.dumps(each)] for each in policies]


def may(who: Principal, question: Question) -> bool:
    context = Context(Identity("gw", ACCOUNT, "AKIAIOSFODNN7EXAMPLE"), "us-east-1",
                      load("dynamodb").operations["PutItem"], "request-1", 2e9, 1e9, principal=who)
    return allowed(context, ACTOR, Access(*question), {})


@settings(max_examples=200, deadline=None, print_blob=True)
@given(callers(), st.lists(documents(), max_size=2), _questions)
def test_decisions_stay_those_of_a_stranger(
    caller: dict[str, Any], policies: list[dict[str, Any]], questions: list[Question]
) -> None:
    """Each question twice, among others that differ in their circumstances alone."""
    one = principal(caller, policies)
    for question in questions * 2:
        assert may(one, question) == may(principal(caller, policies), question)


def test_what_a_policy_asks_circumstances_about_is_not_settled() -> None:
    for statement in (
        {"Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}},
        {"Resource": "*", "Condition": {"Null": {"aws:SourceVpc": "false"}}},
        {"Resource": "arn:aws:dynamodb:us-east-1:111111111111:table/${aws:SourceVpc}"},
    ):
        who = user({"Effect": "Allow", "Action": "*", **statement})
        inside: Question = ("dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/vpc-1",
                            {"aws:sourcevpc": "vpc-1"})
        assert may(who, inside)
        assert not may(who, (*inside[:2], {}))
        assert not who.settled


def test_what_is_settled_is_bounded() -> None:
    who = user({"Effect": "Allow", "Action": "*", "Resource": "*"})
    for number in range(3 * SETTLED_LIMIT):
        assert may(who, ("dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t{number}", {}))
        assert 0 < len(who.settled) <= SETTLED_LIMIT


def user(statement: dict[str, Any]) -> Principal:
    return principal_of({
        "kind": "user", "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/u", "id": "A", "name": "u",
        "policies": named([{"Version": "2012-10-17", "Statement": [statement]}])})
