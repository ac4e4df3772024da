"""The chain as every actor gets it: what goes in, what comes out, what audit, meter and trace have seen."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import structlog

from actors.runtime.chain import OK, Call, Chain, weave
from actors.runtime.chain.audit import Journal
from actors.runtime.chain.authorise import Decision
from actors.runtime.chain.meter import Meter
from actors.runtime.context import Context
from bus.tracing import Untraced
from bus.transport import NoResponders
from schemas.envelope import ANONYMOUS, Reply
from schemas.errors import AwsError
from schemas.models import load
from tests.actors.runtime.chain.calls import ACCOUNT, TABLE_ARN, call


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
    fault = answer(weave(), call(principal=ANONYMOUS)).error
    assert fault is not None
    assert (fault.code, fault.status) == ("AccessDeniedException", 403)
    assert fault.message == (
        f"User: anonymous is not authorized to perform: dynamodb:PutItem on resource: {TABLE_ARN}"
    )


class ReadersAlone:
    def decide(self, context: Context, action: str, resource: str) -> Decision:
        user = f"arn:aws:iam::{context.account}:user/reader"
        return Decision(action == "dynamodb:ListTables", f"no identity-based policy allows the {action} action", user)


def test_another_authoriser_decides() -> None:
    chain = weave(authoriser=ReadersAlone())
    assert answer(chain, call("ListTables", {})).error is None
    fault = answer(chain, call()).error
    assert fault is not None
    assert fault.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: dynamodb:PutItem on resource: "
        f"{TABLE_ARN} because no identity-based policy allows the dynamodb:PutItem action"
    )


class Broken:
    def decide(self, context: Context, action: str, resource: str) -> Decision:
        raise LookupError("policy store")


# Fail closed: an authoriser that breaks lets nobody in.
def test_a_broken_authoriser_refuses() -> None:
    with structlog.testing.capture_logs():
        one = call()
        fault = answer(weave(authoriser=Broken()), one).error
    assert fault is not None
    assert fault.code == "InternalServerError"


def test_late_requests_are_not_run() -> None:
    fault = answer(weave(), call(deadline=1_799_999_999.0)).error
    assert fault is not None
    assert fault.status == 503


def test_the_limit_counts_what_is_under_way() -> None:
    chain = weave(in_flight_limit=2)
    under_way = [call(), call()]
    for one in under_way:
        chain.enter(one)
    fault = answer(chain, call()).error
    assert fault is not None
    assert (fault.code, fault.message) == ("ThrottlingException", "Rate exceeded")
    assert answer(chain, call("ExecuteStatement", {"Statement": "x"})).error is None, "what waits is bounded apart"
    chain.leave(under_way[0], {}, None)
    assert answer(chain, call()).error is None


def test_meter_sees_every_outcome() -> None:
    meter = Meter()
    chain = weave(meter=meter)
    answer(chain, call())
    answer(chain, call(request={}))
    waiting = call()
    chain.enter(waiting)
    one = call("ListTables", {})
    answer(chain, one)
    meter.answered(one, 1000)
    samples = {(name, *sorted(labels.items())): value for name, labels, value in meter.snapshot()}
    put = (("code", OK), ("operation", "PutItem"), ("service", "dynamodb"))
    assert samples["skybus_requests_total", *put] == 1
    assert samples["skybus_request_bytes_total", *put] == 319
    bad = (("code", "ValidationException"), ("operation", "PutItem"), ("service", "dynamodb"))
    assert samples["skybus_requests_total", *bad] == 1
    assert samples["skybus_requests_in_flight",] == 1
    listed = (("code", OK), ("operation", "ListTables"), ("service", "dynamodb"))
    assert samples["skybus_response_bytes_total", *listed] == 1000
    assert samples["skybus_request_duration_seconds_count", *listed] == 1
    last = (*listed[:1], ("le", "+Inf"), *listed[1:])
    assert samples["skybus_request_duration_seconds_bucket", *last] == 1


class Recorded:
    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent
        self.outcome = ""

    def end(self, outcome: str) -> None:
        self.outcome = outcome


class RecordingTracer:
    def __init__(self) -> None:
        self.spans: list[tuple[str, str, Recorded]] = []

    def start(self, name: str, parent: str, attributes: Mapping[str, str]) -> Recorded:
        span = Recorded("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        self.spans.append((name, parent, span))
        return span


def test_trace_spans_the_call() -> None:
    tracer = RecordingTracer()
    one = call(principal=ANONYMOUS)
    one.context.trace = "parent"
    answer(weave(tracer=tracer), one)
    ((name, parent, span),) = tracer.spans
    assert (name, parent, span.outcome) == ("dynamodb.PutItem", "parent", "AccessDeniedException")
    assert one.context.trace == span.traceparent, "what the operation calls is its child"
    untraced = call()
    untraced.context.trace = "parent"
    assert answer(weave(tracer=Untraced()), untraced).error is None
    assert untraced.context.trace == "parent"


# CloudTrail's default: management events yes, data events no; and every refusal.
def test_audit_records_management_and_refusals(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "audit.log")
    chain = weave(journal=journal)
    answer(chain, call())
    answer(chain, call("ListTables", {}, source={"ip": "192.0.2.1"}))
    answer(chain, call("ListTables", {"Limit": 0}))
    answer(chain, call(principal=ANONYMOUS))
    journal.close()
    records = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [(record["operation"], record["outcome"]) for record in records] == [
        ("ListTables", OK), ("ListTables", "error"), ("PutItem", "refused"),
    ]
    assert records[0] == {
        "time": "2027-01-15T08:00:00.000Z", "request_id": "request-1", "account": ACCOUNT,
        "principal": "AKIAIOSFODNN7EXAMPLE", "door": "gw", "service": "dynamodb", "operation": "ListTables",
        "region": "us-east-1", "resource": "*", "source": {"ip": "192.0.2.1"}, "outcome": OK,
    }
    assert records[1]["code"] == "ValidationException"
    assert records[2]["resource"] == TABLE_ARN
    assert "Arthur Russell" not in (tmp_path / "audit.log").read_text()


# An unreadable request has no call; the host asks for its fault alone.
def test_fault_without_a_call() -> None:
    fault = weave().fault(AwsError("cannot be read", code="SerializationException"), "request-9")
    assert (fault.code, fault.message) == ("SerializationException", "cannot be read")


# Who may call without an identity: the model's noAuth trait, as for web identities.
def test_operations_for_anyone() -> None:
    from actors.runtime.chain.actions import action_of, needs_no_identity

    sts = load("sts").operations
    assert needs_no_identity(sts["AssumeRoleWithWebIdentity"])
    assert not needs_no_identity(sts["AssumeRole"])
    assert action_of(load("s3").operations["HeadObject"]) == "s3:GetObject"
    assert action_of(load("bedrock-runtime").operations["Converse"]) == "bedrock:InvokeModel"
    assert action_of(load("cloudwatch").operations["PutMetricData"]) == "cloudwatch:PutMetricData"
