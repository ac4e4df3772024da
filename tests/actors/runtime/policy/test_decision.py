"""The tables of AWS's evaluation logic, row by row, and what a decision tells.

Source: IAM User Guide, "Policy evaluation logic", "…for requests within a single account", "Cross-account policy
evaluation logic", "Permissions boundaries" (evaluating effective permissions), "Principal".
"""

import json
from typing import Any

import pytest

from actors.runtime.policy import Caller, Decision, Level, Policy, Question, Use, compile_document, decide

ACCOUNT, OTHER = "111111111111", "222222222222"
USER, ROOT = f"arn:aws:iam::{ACCOUNT}:user/carlos", f"arn:aws:iam::{ACCOUNT}:root"
ROLE, SESSION = f"arn:aws:iam::{ACCOUNT}:role/r", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
FEDERATED = f"arn:aws:sts::{ACCOUNT}:federated-user/f"
BUCKET = "arn:aws:s3:::b"


def policy(effect: str = "Allow", name: str = "p", **elements: Any) -> Policy:
    statement = {"Effect": effect, "Action": "s3:*", "Resource": "*", **elements}
    use = Use.RESOURCE if {"Principal", "NotPrincipal"} & elements.keys() else Use.IDENTITY
    return Policy(name, compile_document(json.dumps({"Version": "2012-10-17", "Statement": statement}), use))


YES, NO, SILENT = policy(), policy("Deny"), policy(Action="ec2:*")


def to(name: Any, effect: str = "Allow") -> Policy:
    return policy(effect, Principal=name if name == "*" else {"AWS": name})


def user(**policies: Any) -> Caller:
    return Caller.user(ACCOUNT, USER, "AIDAEXAMPLE", **policies)


def session(**policies: Any) -> Caller:
    return Caller.role_session(ACCOUNT, SESSION, ROLE, "AROAEXAMPLE", **policies)


def federated(**policies: Any) -> Caller:
    return Caller.federated_user(ACCOUNT, FEDERATED, USER, **policies)


def ask(caller: Caller, resource_policy: Policy | None = None, owner: str = ACCOUNT, **options: bool) -> Decision:
    return decide(caller, Question("s3:GetObject", BUCKET, {}, owner), resource_policy, **options)


# Nothing says yes; an allow; a deny beats it, wherever it stands.
@pytest.mark.parametrize(("caller", "resource_policy", "allowed", "level"), [
    (user(), None, False, Level.IDENTITY), (user(identity=[YES]), None, True, Level.IDENTITY),
    (user(identity=[SILENT]), None, False, Level.IDENTITY), (user(identity=[YES, NO]), None, False, Level.IDENTITY),
    (user(identity=[YES]), to("*", "Deny"), False, Level.RESOURCE),
    (user(identity=[YES], boundary=NO), None, False, Level.BOUNDARY),
    (session(identity=[YES], session=[NO]), None, False, Level.SESSION),
    (user(identity=[YES], scps=[[YES], [YES, NO]]), None, False, Level.SCP),
    (user(identity=[YES], scps=[[YES], [SILENT]]), None, False, Level.SCP),
    (user(identity=[YES], scps=[[YES], [SILENT, YES]]), None, True, Level.IDENTITY),
    (user(identity=[YES], boundary=SILENT), None, False, Level.BOUNDARY),
    (user(identity=[YES], boundary=YES), None, True, Level.IDENTITY),
    (user(boundary=YES), None, False, Level.IDENTITY),
    (session(identity=[YES], session=[SILENT]), None, False, Level.SESSION),
    (session(identity=[YES], session=[]), None, False, Level.SESSION),
    (session(identity=[YES], session=[YES], boundary=YES), None, True, Level.IDENTITY),
    (Caller.account_root(ACCOUNT), None, True, Level.ROOT),
    (Caller.account_root(ACCOUNT, scps=[[SILENT]]), None, False, Level.SCP),
    (Caller.account_root(ACCOUNT), to("*", "Deny"), False, Level.RESOURCE),
])
def test_one_account(caller: Caller, resource_policy: Policy | None, allowed: bool, level: Level) -> None:
    decision = ask(caller, resource_policy)
    assert (decision.allowed, decision.level) == (allowed, level)


# Whom a resource's policy names decides what still limits it: the page's table of principals, one account.
@pytest.mark.parametrize(("caller", "name", "allowed"), [
    (user(), USER, True), (user(boundary=SILENT), USER, True), (user(), "*", True), (user(), "AIDAEXAMPLE", True),
    (user(), ACCOUNT, False), (user(), ROOT, False), (user(identity=[YES]), ACCOUNT, True),
    (session(), ROLE, True), (session(boundary=SILENT), ROLE, False), (session(session=[SILENT]), ROLE, False),
    (session(boundary=YES, session=[YES]), ROLE, True), (session(), "AROAEXAMPLE", True),
    (session(session=[SILENT]), "AROAEXAMPLE", False),
    (session(), SESSION, True), (session(boundary=SILENT, session=[SILENT]), SESSION, True),
    (session(boundary=SILENT), "*", True),
    (federated(session=[SILENT]), FEDERATED, True), (federated(session=[SILENT]), USER, False),
    (federated(session=[YES]), USER, True), (Caller.account_root(ACCOUNT), ACCOUNT, True),
    (Caller.anonymous(), "*", True), (Caller.anonymous(), USER, False), (Caller.service("s3.amazonaws.com"), "*", True),
    (user(identity=[policy("Deny")]), USER, False), (user(scps=[[SILENT]]), USER, False),
])
def test_resource_policies_in_one_account(caller: Caller, name: str, allowed: bool) -> None:
    assert ask(caller, to(name)).allowed == allowed


# Between accounts both sides must say yes, whoever is named.
@pytest.mark.parametrize(("caller", "resource_policy", "allowed", "level"), [
    (user(identity=[YES]), None, False, Level.RESOURCE), (user(), to(USER), False, Level.IDENTITY),
    (user(identity=[YES]), to(USER), True, Level.IDENTITY), (user(identity=[YES]), to(ACCOUNT), True, Level.IDENTITY),
    (user(identity=[YES]), to("*"), True, Level.IDENTITY), (user(identity=[YES]), to(OTHER), False, Level.RESOURCE),
    (session(identity=[YES]), to(SESSION), True, Level.IDENTITY), (session(), to(SESSION), False, Level.IDENTITY),
    (session(identity=[YES], session=[SILENT]), to(SESSION), False, Level.SESSION),
    (user(identity=[YES], boundary=SILENT), to(USER), False, Level.BOUNDARY),
    (Caller.account_root(ACCOUNT), to(ACCOUNT), True, Level.ROOT),
    (Caller.account_root(ACCOUNT), None, False, Level.RESOURCE),
])
def test_two_accounts(caller: Caller, resource_policy: Policy | None, allowed: bool, level: Level) -> None:
    decision = ask(caller, resource_policy, OTHER)
    assert (decision.allowed, decision.level) == (allowed, level)


# KMS keys and roles: identity policies alone open nothing; the key's policy may hand the decision to them.
@pytest.mark.parametrize(("caller", "resource_policy", "allowed"), [
    (user(identity=[YES]), None, False), (user(identity=[YES]), to(ACCOUNT), True), (user(), to(ACCOUNT), False),
    (user(), to(USER), True), (Caller.account_root(ACCOUNT), None, False),
    (Caller.account_root(ACCOUNT), to(ROOT), True),
])
def test_where_the_resource_decides(caller: Caller, resource_policy: Policy | None, allowed: bool) -> None:
    assert ask(caller, resource_policy, resource_decides=True).allowed == allowed


# NotPrincipal with Deny spares a role's session only if account, role and session are all listed ("NotPrincipal").
@pytest.mark.parametrize(("names", "denied"), [
    ([ACCOUNT, ROLE, SESSION], False), ([ROLE, SESSION], True), ([ACCOUNT, ROLE], True), (["*"], False), ([USER], True),
])
def test_not_principal(names: list[str], denied: bool) -> None:
    decision = ask(session(identity=[YES]), policy("Deny", NotPrincipal={"AWS": names}))
    assert decision.allowed is not denied
    assert ask(session(), policy(NotPrincipal={"AWS": [USER]})).allowed
    assert not ask(session(), policy(NotPrincipal={"AWS": [ACCOUNT]})).allowed


def test_services_and_providers() -> None:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/x"
    trust = policy(Principal={"Service": "lambda.amazonaws.com", "Federated": provider})
    assert ask(Caller.service("lambda.amazonaws.com"), trust).allowed
    assert not ask(Caller.service("ec2.amazonaws.com"), trust).allowed
    assert ask(Caller.provider(provider), trust).allowed


# The statement that decided, its policy, and AWS's words ("Troubleshoot access denied error messages").
def test_explanations() -> None:
    document = compile_document(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"},
        {"Sid": "NotHere", "Effect": "Deny", "Action": "*", "Resource": BUCKET}]}))
    caller = user(identity=[SILENT, Policy("Readers", document)])
    denied, allowed = ask(caller), decide(caller, Question("s3:GetObject", f"{BUCKET}/k"))
    assert (denied.policy, denied.statement and denied.statement.sid) == ("Readers", "NotHere")
    assert denied.reason("s3:GetObject") == "with an explicit deny in an identity-based policy"
    assert (allowed.policy, allowed.statement and allowed.statement.index) == ("Readers", 0)
    assert ask(user()).reason("s3:GetObject") == "because no identity-based policy allows the s3:GetObject action"
    assert ask(user(identity=[YES], boundary=SILENT)).reason("s3:GetObject") == \
        "because no permissions boundary allows the s3:GetObject action"


# Values that only some operators know; missing keys ("Condition operators", "IfExists", "Null").
@pytest.mark.parametrize(("condition", "keys", "holds"), [
    ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8::/32"]}}, {"aws:sourceip": "203.0.113.9"}, True),
    ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:DB8::/32"]}}, {"aws:sourceip": "2001:db8::1"}, True),
    ({"IpAddress": {"aws:SourceIp": "203.0.113.7"}}, {"aws:sourceip": "203.0.113.9"}, False),
    ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {"aws:sourceip": "198.51.100.1"}, True),
    ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {}, True),
    ({"IpAddress": {"aws:SourceIp": "no address"}}, {"aws:sourceip": "no address"}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, {"aws:currenttime": "2020-01-01T00:01:00Z"},
     True),
    ({"DateLessThan": {"aws:EpochTime": "2020-01-01T01:00:00+01:00"}}, {"aws:epochtime": "1577836799"}, True),
    ({"DateEquals": {"aws:EpochTime": "2020"}}, {"aws:epochtime": "1577836800"}, True),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01"}}, {"aws:currenttime": "today"}, False),
    ({"BinaryEquals": {"k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}}, {"k": "QmluYXJ5VmFsdWVJbkJhc2U2NA=="}, True),
    ({"BinaryEquals": {"k": "QmluYXJ5"}}, {"k": "no base64!"}, False),
    ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "1e1"}, True),
    ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"s3:max-keys": "NaN"}, False),
    ({"Bool": {"aws:MultiFactorAuthPresent": True}}, {"aws:multifactorauthpresent": "true"}, True),
    ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, {}, True),
    ({"Null": {"aws:TokenIssueTime": "true"}}, {}, True), ({"Null": {"aws:TokenIssueTime": False}}, {}, False),
    ({"StringEquals": {"a": "x"}, "StringLike": {"b": "y*"}}, {"a": "x", "b": "z"}, False),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, {"aws:tagkeys": ("",)}, True),
    ({"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}, {}, False),
    ({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}}, {"aws:tagkeys": ("a", "b")}, True),
])
def test_conditions(condition: dict[str, Any], keys: dict[str, Any], holds: bool) -> None:
    caller = user(identity=[policy(Condition=condition)])
    assert decide(caller, Question("s3:GetObject", BUCKET, keys)).allowed is holds


# Version 2008-10-17 knows no variables ("Policy variables").
def test_variables_are_of_the_new_version() -> None:
    def asked(version: str) -> bool:
        document = {"Version": version, "Statement": {
            "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}}
        bucket_policy = Policy("b", compile_document(json.dumps(document), Use.RESOURCE))
        return decide(user(), Question("s3:GetObject", BUCKET, {"aws:username": "b"}), bucket_policy).allowed

    assert asked("2012-10-17")
    assert not asked("2008-10-17")
