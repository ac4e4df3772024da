"""The chain as every actor gets it: what goes in, what comes out, what audit, meter and trace have seen."""

import asyncio
from typing import Any

import pytest
import structlog

from actors.runtime.bounded.process import Full
from actors.runtime.chain import OK, Call, Chain, weave
from actors.runtime.chain.errors import fault_of
from actors.runtime.context import Context
from actors.runtime.principal import NOBODY, STRANGER, Principal, principal_of
from bus.transport import NoResponders
from schemas.envelope import Reply
from schemas.errors import AwsError
from schemas.models import load
from tests.actors.runtime.chain.calls import ACCOUNT, TABLE_ARN, Table, call


def answer(chain: Chain, one: Call, error: BaseException | None = None) -> Reply:
    """Through the chain as the host takes it; the operation answers {} or `error`."""
    try:
        chain.enter(one)
    except Exception as refused:
        error = refused
    return chain.leave(one, {} if error is None else None, error)


def test_a_good_request_passes() -> None:
    one = call()
    reply = answer(weave(), one)
    assert reply == Reply("request-1", ok={})
    assert (one.outcome, one.action, one.resource) == (OK, "dynamodb:PutItem", TABLE_ARN)


# An operation whose output has no members may return nothing.
def test_no_result_is_an_empty_one() -> None:
    chain, one = weave(), call()
    chain.enter(one)
    assert chain.leave(one, None, None) == Reply("request-1", ok={})


# What an operation may raise, and what goes out. InternalServerError and its status: DynamoDB's "Common errors" page,
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (AwsError("exists", code="ResourceInUseException"), "ResourceInUseException", 0),
        (AwsError("slow", code="SlowDown", status=503), "SlowDown", 503),
        (NoResponders("nobody"), "ServiceUnavailable", 503),
        (TimeoutError(), "ServiceUnavailable", 503),
        (asyncio.CancelledError(), "RequestCancelled", 499),
        (ZeroDivisionError("secret detail"), "InternalServerError", 500),
    ],
)
def test_errors_are_translated(error: BaseException, code: str, status: int) -> None:
    with structlog.testing.capture_logs() as logged:
        fault = answer(weave(), call(), error).error
    assert fault is not None
    assert (fault.code, fault.status) == (code, status)
    assert "secret" not in fault.message
    bugs = [entry for entry in logged if entry["event"] == "bug"]
    assert len(bugs) == isinstance(error, ZeroDivisionError), "a traceback is logged once, for bugs alone"


def test_a_modelled_error_keeps_its_members() -> None:
    fault = answer(weave(), call(), AwsError("failed", code="ConditionalCheckFailedException", Item={"a": 1})).error
    assert fault is not None
    assert fault.fields == {"Item": {"a": 1}}


def test_a_bad_request_is_refused_in_the_services_words() -> None:
    fault = answer(weave(), call(request={"TableName": "Music"})).error
    assert fault is not None
    assert fault.code == "ValidationException"
    assert fault.message == (
        "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"
    )


# The sentence is AWS's: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
def test_anonymous_is_refused() -> None:
    fault = answer(weave(), call(principal=NOBODY)).error
    assert fault is not None
    assert (fault.code, fault.status) == ("AccessDeniedException", 400)
    assert fault.message == (
        f"User: anonymous is not authorized to perform: dynamodb:PutItem on resource: {TABLE_ARN} "
        "because no resource-based policy allows the dynamodb:PutItem action"
    )


def user(*policies: str, **members: Any) -> Principal:
    return principal_of({
        "kind": "user", "account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/reader", "id": "AIDAREADER",
        "name": "reader", "tags": {}, "policies": [["reader", text] for text in policies], **members,
    })


READER = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:List*","Resource":"*"}]}'


def test_policies_decide() -> None:
    assert answer(weave(), call("ListTables", {}, principal=user(READER))).error is None
    fault = answer(weave(), call(principal=user(READER))).error
    assert fault is not None
    assert (fault.code, fault.status) == ("AccessDeniedException", 400)
    assert fault.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: dynamodb:PutItem on resource: "
        f"{TABLE_ARN} because no identity-based policy allows the dynamodb:PutItem action"
    )


# The dry run lets through what it says it would deny.
def test_dry_run() -> None:
    with structlog.testing.capture_logs() as lines:
        assert answer(weave(enforcing=False), call(principal=user(READER))).error is None
    assert [line["event"] for line in lines] == ["would_deny"]
    assert "dynamodb:PutItem" in lines[0]["reason"]


# A key that was good at the door may be nobody's by now, or too old.
def test_keys_that_are_no_good() -> None:
    for principal, code in (
        (STRANGER, "UnrecognizedClientException"), (user(READER, expires=1.0), "ExpiredTokenException"),
    ):
        fault = answer(weave(), call("ListTables", {}, principal=principal)).error
        assert fault is not None
        assert fault.code == code


class Broken(Table):
    def accesses(self, context: Context, request: Any) -> Any:
        raise LookupError("policy store")


# Fail closed: an actor that cannot say what a request needs lets nobody in, dry run or not.
@pytest.mark.parametrize("enforcing", [True, False])
def test_a_broken_actor_refuses(enforcing: bool) -> None:
    with structlog.testing.capture_logs():
        one = call()
        one.actor = Broken()
        fault = answer(weave(enforcing=enforcing), one).error
    assert fault is not None
    assert fault.code == "InternalServerError"


# An unreadable request has no call; the host asks for its fault alone.
def test_fault_without_a_call() -> None:
    fault = weave().fault(AwsError("cannot be read", code="SerializationException"), "request-9")
    assert (fault.code, fault.message) == ("SerializationException", "cannot be read")


# Each service says in its own words that there is no room for more work of a kind.
@pytest.mark.parametrize(("service", "code", "status"), [("sts", "Throttling", 400), ("s3", "SlowDown", 503)])
def test_no_room_is_throttling(service: str, code: str, status: int) -> None:
    fault = fault_of(Full(), "request-9", load(service))
    assert (fault.code, fault.message, fault.status) == (code, "Rate exceeded", status)


# Who may call without an identity: the model's noAuth trait, as for web identities.
def test_operations_for_anyone() -> None:
    from actors.runtime.actions import action_of, needs_no_identity

    sts = load("sts").operations
    assert needs_no_identity(sts["AssumeRoleWithWebIdentity"])
    assert not needs_no_identity(sts["AssumeRole"])
    assert action_of(load("s3").operations["HeadObject"]) == "s3:GetObject"
    assert action_of(load("bedrock-runtime").operations["Converse"]) == "bedrock:InvokeModel"
    assert action_of(load("cloudwatch").operations["PutMetricData"]) == "cloudwatch:PutMetricData"
