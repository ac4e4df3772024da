"""The compiled engine and the naive one (naive.py) agree on generated documents, callers and questions.

Expected behaviour: AWS's documentation, read twice. Patterns and values come from few characters, so that they meet.
"""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.policy import Caller, Policy, Question, Use, compile_document, decide
from actors.runtime.policy.patterns import arn_like, glob, resource
from tests.actors.runtime.policy import naive

ACCOUNT, OTHER = "111111111111", "222222222222"
USER = f"arn:aws:iam::{ACCOUNT}:user/u"
ROLE, SESSION = f"arn:aws:iam::{ACCOUNT}:role/r", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NOBODY = f"arn:aws:iam::{OTHER}:user/x"

ACTIONS = ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"]
ACTION_PATTERNS = ["*", "s3:*", "S3:get*", "s3:?etObject", "sqs:SendMessage", "s3:PutObject", "*:Get*", "s*:*Object"]
RESOURCES = ["arn:aws:s3:::b/u", "arn:aws:s3:::b/v", "arn:aws:s3:::c", "arn:aws:sqs:us-east-1:1:q", "*"]
RESOURCE_PATTERNS = [
    "*", "arn:aws:s3:::b/*", "arn:aws:s3:::?/u", "arn:aws:s3:::b/${aws:username}", "arn:aws:s*:::*", "arn:aws:sqs:*",
    "arn:aws:sqs:us-*-1:1:q", "arn:aws:s3:::${aws:PrincipalTag/team, 'c'}", "arn:*:q", "arn:aws:s3:::b/${*}",
]
KEYS: dict[str, list[str]] = {
    "aws:username": ["u", "v", "*"], "aws:PrincipalTag/team": ["c", "b"], "aws:TagKeys": ["a", "b", "ab"],
    "s3:max-keys": ["5", "10", "10.0"], "aws:SecureTransport": ["true", "false"],
    "aws:SourceArn": ["arn:aws:s3:::b/u", "arn:aws:sqs:us-east-1:1:q", "b"],
}
VALUES: dict[str, list[str]] = {
    **KEYS, "aws:username": ["u", "V", "*", "?", "u*", "${aws:PrincipalTag/team}", "${*}", "${none}", "${none, 'v'}"],
    "aws:SourceArn": ["arn:aws:s3:::*", "arn:aws:s*:::b/?", "arn:*:*:*:*:q", "*", "arn:aws:s3:b", "arn:aws:s3:::b/u"],
    "aws:TagKeys": ["a", "b", "a*", "A"],
}
STRING = ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
          "StringNotLike"]
OPERATORS: dict[str, list[str]] = {
    "aws:username": STRING, "aws:PrincipalTag/team": STRING, "aws:TagKeys": STRING, "aws:SecureTransport": ["Bool"],
    "s3:max-keys": ["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"],
    "aws:SourceArn": ["ArnLike", "ArnNotLike", "StringLike"],
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(sorted(KEYS)), max_size=2, unique=True)):
        if draw(st.booleans()) and draw(st.booleans()):
            block.setdefault("Null", {})[key] = draw(st.sampled_from(["true", "false"]))
            continue
        quantifier = draw(st.sampled_from(["", "", "ForAllValues:", "ForAnyValue:"]))
        name = quantifier + draw(st.sampled_from(OPERATORS[key])) + draw(st.sampled_from(["", "", "IfExists"]))
        values = draw(st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=3))
        block.setdefault(name, {})[key.swapcase() if draw(st.booleans()) else key] = values
    return block


@st.composite
def documents(draw: st.DrawFn, principal: bool = False, statement_limit: int = 3) -> dict[str, Any]:
    statements = []
    for _ in range(draw(st.integers(1, statement_limit))):
        statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
        for element, values in (("Action", ACTION_PATTERNS), ("Resource", RESOURCE_PATTERNS)):
            name = draw(st.sampled_from([element, element, f"Not{element}"]))
            statement[name] = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
        if draw(st.booleans()):
            statement["Condition"] = draw(conditions())
        if principal:
            names = st.sampled_from(["*", USER, ROLE, SESSION, ROOT, ACCOUNT, NOBODY, OTHER])
            statement["Principal"] = draw(st.one_of(
                st.just("*"), st.fixed_dictionaries({"AWS": st.lists(names, min_size=1, max_size=2)})))
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


@st.composite
def keys(draw: st.DrawFn) -> dict[str, str | tuple[str, ...]]:
    made: dict[str, str | tuple[str, ...]] = {}
    for key, values in KEYS.items():
        if draw(st.booleans()):
            several = key == "aws:TagKeys"
            made[key.lower()] = tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))) if several \
                else draw(st.sampled_from(values))
    return made


# For the flow chart: what is allowed to whom, and little else, so that most of its ways are taken.
@st.composite
def grants(draw: st.DrawFn, principal: bool = False) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow"] * 5 + ["Deny"]))}
    statement["Action"] = draw(st.sampled_from(["*", "s3:*", "sqs:*", "s3:Get*"]))
    statement["Resource"] = draw(st.sampled_from(["*", "arn:aws:s3:::*", "arn:aws:s3:::b/${aws:username}"]))
    if principal:
        names = draw(st.sampled_from([[USER, ROLE], [ROLE], [SESSION], [ROOT], [NOBODY], [ROLE, ACCOUNT]]))
        statement["Principal"] = draw(st.sampled_from(["*", {"AWS": names}, {"AWS": names}, {"AWS": names}]))
    return {"Version": "2012-10-17", "Statement": [statement]}


@st.composite
def callers(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["user", "session", "session", "root"]))
    some = st.lists(grants(), max_size=2)
    return {
        "account": ACCOUNT, "root": kind == "root", "arn": {"user": USER, "session": SESSION, "root": ROOT}[kind],
        "role": ROLE if kind == "session" else "", "identity": [] if kind == "root" else draw(some),
        "boundary": draw(st.none() | grants()) if kind != "root" else None,
        "session": draw(st.none() | some) if kind == "session" else None,
        "scps": draw(st.lists(st.lists(grants(), min_size=1, max_size=2), max_size=2)),
    }


def policy(document: Mapping[str, Any], use: Use = Use.IDENTITY) -> Policy:
    return Policy("p", compile_document(json.dumps(document), use))


def compiled(caller: Mapping[str, Any]) -> Caller:
    policies: dict[str, Any] = {
        "identity": [policy(each) for each in caller["identity"]],
        "boundary": policy(caller["boundary"]) if caller["boundary"] else None,
        "session": None if caller["session"] is None else [policy(each) for each in caller["session"]],
        "scps": [[policy(each) for each in level] for level in caller["scps"]],
    }
    if caller["root"]:
        return Caller.account_root(ACCOUNT, **policies)
    if caller["role"]:
        return Caller.role_session(ACCOUNT, SESSION, ROLE, **policies)
    return Caller.user(ACCOUNT, USER, **policies)


@settings(max_examples=500, deadline=None, print_blob=True)
@given(callers(), st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), keys(),
       st.one_of(st.none(), grants(principal=True), grants(principal=True),
                 documents(principal=True, statement_limit=2)),
       st.sampled_from([ACCOUNT, ACCOUNT, OTHER]))
def test_decisions(caller: dict[str, Any], action: str, target: str, known: dict[str, Any],
                   resource_policy: dict[str, Any] | None, owner: str) -> None:
    question = Question(action, target, known, owner)
    given_policy = policy(resource_policy, Use.RESOURCE) if resource_policy else None
    decision = decide(compiled(caller), question, given_policy)
    assert decision.allowed == naive.allowed(caller, action, target, known, resource_policy, owner), decision
    assert decision.allowed or decision.reason(action)


# One statement alone, so that conditions and patterns decide more often than the flow chart.
@settings(max_examples=400, deadline=None, print_blob=True)
@given(documents(), st.sampled_from(ACTIONS), st.sampled_from(RESOURCES), keys())
def test_statements(document: dict[str, Any], action: str, target: str, known: dict[str, Any]) -> None:
    concerning = policy(document).document.concerning(action)
    applying = [s.index for s in (*concerning.denies, *concerning.allows) if s.applies(target, known)]
    expected = [index for index, statement in enumerate(document["Statement"])
                if naive.statement_applies(statement, action, target, known)]
    assert sorted(applying) == expected


PATTERN = st.text("ab:*?", max_size=14)
TEXT = st.text("ab:", max_size=14)


@settings(max_examples=1500, deadline=None, print_blob=True)
@given(PATTERN, TEXT)
def test_patterns(pattern: str, text: str) -> None:
    assert glob(pattern)(text, {}) == naive.glob(pattern, text)
    assert resource(pattern, True)(text, {}) == naive.arn_glob(pattern, text)
    parts = pattern.split(":", 5), text.split(":", 5)
    like = pattern.strip("*") == "" != pattern or (
        len(parts[0]) == len(parts[1]) == 6 and all(map(naive.glob, *parts)))
    assert arn_like(pattern, True)(text, {}) == like


# Whatever stands in a pattern, matching it takes no more than quadratic time: this would not end with backtracking.
def test_no_pattern_is_slow() -> None:
    text = "arn:aws:s3:::" + "a" * 2000
    assert not glob("*a" * 60 + "b")(text, {})
    assert not resource("arn:aws:s3:::" + "*a" * 60 + "b", True)(text, {})
    assert not resource("a" + "*a" * 60 + "b:x", True)("a" * 2000 + ":y", {})
