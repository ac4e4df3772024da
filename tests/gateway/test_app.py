"""The gateway over real sockets with a bus of the test's own: requests in, answers out, whatever comes.

Expected behaviour: schemas/dialects.py (errors), botocore's clients for what SDKs understand, RFC 9110 and 9112.
"""

import asyncio
import gzip
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EventStreamError
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bus.bodies import BodyTooLarge
from bus.codec import Unencodable
from bus.transport import NoResponders, Overloaded, RequestTimeout
from gateway.connection import BodyReader
from schemas.envelope import Fault, Identity, Reply
from tests.gateway.fakes import Asked
from tests.gateway.running import Connection, ask, client, dynamodb, http, run, running, signed

LIST = b'{"Limit":1}'


async def call(gateway: Any, service: str, operation: str, **params: Any) -> Any:
    with client(gateway, service) as made:
        return await asyncio.to_thread(getattr(made, operation), **params)


async def refused(gateway: Any, service: str, operation: str, keys: tuple[str, str] = ("test", "test"),
                  **params: Any) -> tuple[int, str, str]:
    """Status, code and message as botocore's client understands them."""
    with client(gateway, service, *keys) as made, pytest.raises(ClientError) as caught:
        await asyncio.to_thread(getattr(made, operation), **params)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


# A boto client's call arrives on the bus as AWS's own params, and the actor's answer comes back to it.
def test_a_call_and_its_answer() -> None:
    async def main() -> None:
        item = {"pk": {"S": "a"}, "b": {"B": b"\x00\xff"}, "l": {"L": [{"N": "1"}, {"BOOL": True}]}}

        def answer(asked: Asked) -> Reply:
            return Reply(asked.request.id, ok={"Attributes": asked.request.params["Item"]})

        async with running(answer) as gateway:
            answered = await call(gateway, "dynamodb", "put_item", TableName="T", Item=item)
            assert answered["Attributes"] == item
            (asked,) = gateway.bus.asked
            assert (asked.identity, asked.service, asked.operation) == (
                Identity("gw", "000000000000", "test"), "dynamodb", "PutItem")
            assert asked.request.params == {"TableName": "T", "Item": item}
            assert asked.request.region == "us-east-1"
            assert asked.request.id == answered["ResponseMetadata"]["RequestId"]
            source = asked.request.source or {}
            assert source["ip"] == "127.0.0.1"
            assert "Botocore" in source["user_agent"]

    run(main)


# An operation without an actor is 501 in its own protocol: each of AWS's six, as botocore's parser reads them.
@pytest.mark.parametrize(("service", "operation", "params"), [
    ("kms", "list_keys", {}), ("iam", "list_users", {}), ("ec2", "describe_regions", {}),
    ("lambda", "list_functions", {}), ("route53", "list_hosted_zones", {}), ("cloudwatch", "list_metrics", {}),
    ("s3", "list_buckets", {}), ("bedrock", "list_foundation_models", {}), ("sqs", "list_queues", {}),
])
def test_not_implemented_in_every_protocol(service: str, operation: str, params: dict[str, Any]) -> None:
    async def main() -> None:
        async with running(services=("dynamodb",)) as gateway:
            status, code, message = await refused(gateway, service, operation, **params)
            assert (status, code) == (501, "NotImplemented")
            assert message.startswith(f"Skybus does not implement {service}:")

    run(main)


# Who is believed, by mode: known keys must sign rightly in both; unknown ones are root in open mode alone.
@pytest.mark.parametrize(("open_mode", "keys", "account"), [
    (True, ("test", "test"), "000000000000"), (True, ("123456789012", "any"), "123456789012"),
    (True, ("AKIAIOSFODNN7EXAMPLE", "any"), "000000000000"), (False, ("test", "test"), "000000000000"),
    (True, ("test", "wrong"), ""), (False, ("test", "wrong"), ""), (False, ("123456789012", "any"), ""),
    (False, ("AKIAIOSFODNN7EXAMPLE", "any"), ""), (True, ("anonymous", "any"), ""), (True, ("a.b", "any"), ""),
    (True, ("*", "any"), ""), (True, ("a>", "any"), ""),
])
def test_who_is_believed(open_mode: bool, keys: tuple[str, str], account: str) -> None:
    async def main() -> None:
        async with running(open_mode=open_mode) as gateway:
            answer = await ask(gateway, dynamodb("ListTables", keys=keys))
            if account:
                assert answer.status == 200
                assert gateway.bus.asked[0].identity == Identity("gw", account, keys[0])
            else:
                assert answer.status == 400
                assert gateway.bus.asked == []

    run(main)


# Each family's own words for an unknown key and for a wrong secret. Measured on AWS: ministack issue 1745.
@pytest.mark.parametrize(("service", "operation", "unknown", "mismatch"), [
    ("dynamodb", "list_tables", (400, "UnrecognizedClientException"), (400, "InvalidSignatureException")),
    ("lambda", "list_functions", (403, "UnrecognizedClientException"), (403, "InvalidSignatureException")),
    ("sts", "get_caller_identity", (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch")),
    ("sqs", "list_queues", (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch")),
    ("cloudwatch", "list_metrics", (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch")),
    ("ec2", "describe_regions", (401, "AuthFailure"), (401, "AuthFailure")),
    ("s3", "list_buckets", (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch")),
])
def test_refusals_by_family(service: str, operation: str, unknown: tuple[int, str], mismatch: tuple[int, str]) -> None:
    async def main() -> None:
        async with running(open_mode=False) as gateway:
            assert (await refused(gateway, service, operation, ("AKIAUNKNOWN", "x")))[:2] == unknown
            assert (await refused(gateway, service, operation, ("test", "wrong")))[:2] == mismatch
            assert gateway.bus.asked == []

    run(main)


# No signature: refused where AWS needs one, let through where its model needs none, and S3's policies will decide.
def test_anonymous_requests() -> None:
    async def main() -> None:
        form = {"content-type": "application/x-www-form-urlencoded"}
        async with running() as gateway:
            answer = await ask(gateway, http("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}, b"{}"))
            assert answer.status == 400
            assert json.loads(answer.body)["__type"].endswith("#MissingAuthenticationTokenException")
            answer = await ask(gateway, http("POST", "/", form, b"Action=GetCallerIdentity&Version=2011-06-15"))
            assert answer.status == 403
            assert b"<Code>MissingAuthenticationToken</Code>" in answer.body
            answer = await ask(gateway, http("POST", "/", {**form, "authorization": "AWS4-HMAC-SHA256 Signature=0"},
                                             b"Action=GetCallerIdentity&Version=2011-06-15"))
            assert answer.status == 400
            assert b"<Code>IncompleteSignature</Code>" in answer.body          # XML, where nothing but its body says so
            answer = await ask(gateway, http("POST", "/", form, b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                                             b"&RoleArn=r&RoleSessionName=s&WebIdentityToken=t"))
            assert answer.status == 200
            assert (await ask(gateway, http("GET", "/bucket/key", {}))).status == 200
            assert [(asked.operation, asked.identity.principal) for asked in gateway.bus.asked] == [
                ("AssumeRoleWithWebIdentity", "anonymous"), ("GetObject", "anonymous")]
            answer = await ask(gateway, http("PUT", "/", {}))
            assert (answer.status, json.loads(answer.body)["__type"]) == (501, "UnknownService")

    run(main)


# An actor's error keeps its code, message, members and modelled status; what is no answer becomes 503 or 500 without
# a word of ours outside.
@pytest.mark.parametrize(("outcome", "status", "code"), [
    (Fault("ResourceNotFoundException", "no T", {}), 400, "ResourceNotFoundException"),
    (Fault("InternalServerError", "", {}), 500, "InternalServerError"),
    (Fault("Odd", "odd", {"message": "x", "code": "y", "status": 1}, 418), 418, "Odd"),
    (NoResponders("x"), 503, "ServiceUnavailable"), (RequestTimeout("x"), 503, "ServiceUnavailable"),
    (Overloaded("x"), 503, "ServiceUnavailable"), (BodyTooLarge("x"), 413, "RequestEntityTooLarge"),
    (Unencodable("lone surrogate"), 400, "SerializationException"),
    (ZeroDivisionError("secret detail"), 500, "InternalServerError"),
])
def test_errors_from_behind(outcome: Fault | Exception, status: int, code: str) -> None:
    async def main() -> None:
        def answer(asked: Asked) -> Reply:
            if isinstance(outcome, Exception):
                raise outcome
            return Reply(asked.request.id, error=outcome)

        async with running(answer) as gateway:
            response = await ask(gateway, dynamodb("DescribeTable", b'{"TableName":"T"}'))
            assert (response.status, json.loads(response.body)["__type"].rpartition("#")[2]) == (status, code)
            assert b"secret detail" not in response.body
            assert b"Traceback" not in response.body
            assert response.headers["x-amzn-requestid"]
            assert ("retry-after" in response.headers) == (status == 503)

    run(main)


# While an actor restarts, every request fails: one log line a second tells of them all.
def test_failures_of_the_bus_do_not_flood_the_log() -> None:
    now = [1000.0]

    def answer(asked: Asked) -> Reply:
        raise NoResponders("nobody")

    async def main() -> None:
        async with running(answer, open_mode=True, clock=lambda: now[0]) as gateway:
            request = dynamodb("ListTables", keys=("AKIAIOSFODNN7EXAMPLE", "any"))
            for _ in range(5):
                assert (await ask(gateway, request)).status == 503
            now[0] += 1.0
            assert (await ask(gateway, request)).status == 503

    with capture_logs() as lines:
        run(main)
    assert [line["failures"] for line in lines if line["event"] == "bus_failed"] == [1, 5]


# Bodies that are not what they should be: AWS's error each time, and the bus hears of none.
@pytest.mark.parametrize(("body", "headers", "status", "code"), [
    (b"{", {}, 400, "SerializationException"), (b"\xff\xfe", {}, 400, "SerializationException"),
    (b"[" * 10_000 + b"]" * 10_000, {}, 400, "SerializationException"),
    (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, {}, 400, "SerializationException"),
    (b'{"TableName":5}', {}, 400, "SerializationException"),
    (gzip.compress(bytes(8 << 20), 9), {"content-encoding": "gzip"}, 413, "RequestEntityTooLarge"),
    (b"not gzip", {"content-encoding": "gzip"}, 400, "SerializationException"),
    (b"x" * 3000, {}, 413, "RequestEntityTooLarge"),
])
def test_bad_bodies(body: bytes, headers: dict[str, str], status: int, code: str) -> None:
    async def main() -> None:
        limit = 2000 if code == "RequestEntityTooLarge" and not headers else 1 << 20
        async with running(body_reader=BodyReader(limit)) as gateway:
            head = {"x-amz-target": "DynamoDB_20120810.DescribeTable", "content-type": "application/x-amz-json-1.0"}
            answer = await ask(gateway, signed("dynamodb", "POST", "/", {**head, **headers}, body))
            assert (answer.status, json.loads(answer.body)["__type"].rpartition("#")[2]) == (status, code)
            assert gateway.bus.asked == []

    run(main)


# A gzip body is inflated after its signature is checked over what was sent.
def test_gzip_bodies() -> None:
    async def main() -> None:
        async with running() as gateway:
            head = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-encoding": "gzip",
                    "content-type": "application/x-amz-json-1.0"}
            assert (await ask(gateway, signed("dynamodb", "POST", "/", head, gzip.compress(LIST)))).status == 200
            assert gateway.bus.asked[0].request.params == {"Limit": 1}

    run(main)


# More under way than the limit: 503 at once, in the service's words, with Retry-After; afterwards all is well again.
def test_overload_is_answered_at_once() -> None:
    async def main() -> None:
        release = asyncio.Event()

        async def answer(asked: Asked) -> Reply:
            await release.wait()
            return Reply(ok={})

        async with running(answer, max_in_flight=2) as gateway:
            waiting = [asyncio.create_task(ask(gateway, dynamodb("ListTables"))) for _ in range(2)]
            for _ in waiting:
                await gateway.bus.arrivals.get()
            refused = await ask(gateway, dynamodb("ListTables"))
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert b"ServiceUnavailable" in refused.body
            slow_down = await ask(gateway, signed("s3", "GET", "/b/k", {}))
            assert slow_down.status == 503
            assert b"<Code>SlowDown</Code>" in slow_down.body
            release.set()
            assert [(await task).status for task in waiting] == [200, 200]
            assert (await ask(gateway, dynamodb("ListTables"))).status == 200
            assert gateway.metrics.in_flight == 0

    run(main)


# A client that goes away takes its request with it.
def test_disconnect_cancels() -> None:
    async def main() -> None:
        async def answer(asked: Asked) -> Reply:
            await asyncio.Event().wait()
            raise AssertionError

        async with running(answer) as gateway:
            connection = await Connection.open(gateway)
            connection.send(dynamodb("ListTables"))
            await gateway.bus.arrivals.get()
            await connection.close()
            await gateway.bus.cancelled.wait()
            assert (gateway.metrics.in_flight, gateway.metrics.disconnects) == (0, 1)

    run(main)


# A streaming answer is framed as botocore reads it; its errors come as a status before the first event, as a frame
# after it; who hangs up ends it.
CONVERSE: dict[str, Any] = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
STOP: dict[str, Any] = {"messageStop": {"stopReason": "end_turn"}}


async def converse(gateway: Any) -> list[Any]:
    with client(gateway, "bedrock-runtime") as made:
        answer = await asyncio.to_thread(made.converse_stream, **CONVERSE)
        with closing(answer["stream"]) as stream:
            return await asyncio.to_thread(list, stream)


def test_event_streams() -> None:
    async def main() -> None:
        deltas: list[dict[str, Any]] = [
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}}} for text in ("a", "bé")]
        events = [Reply(event=event) for event in (*deltas, STOP)]
        async with running(events=events) as gateway:
            assert await converse(gateway) == [*deltas, STOP]
            assert gateway.bus.asked[0].request.params["modelId"] == "m"
            assert gateway.bus.closed_streams == 1
            gateway.bus.events = [Reply(error=Fault("ThrottlingException", "slow", {}))]
            assert (await refused(gateway, "bedrock-runtime", "converse_stream", **CONVERSE))[:2] == (
                429, "ThrottlingException")
            gateway.bus.events = [events[0], Reply(error=Fault("ThrottlingException", "slow", {}))]
            with pytest.raises(EventStreamError, match="slow"):
                await converse(gateway)

    run(main)


def test_hanging_up_ends_a_stream() -> None:
    async def main() -> None:
        async with running(events=[Reply(event=STOP), Reply(end=True)]) as gateway:
            connection = await Connection.open(gateway)
            connection.send(signed("bedrock", "POST", "/model/m/converse-stream", {"content-type": "application/json"},
                                   json.dumps(CONVERSE).encode()))
            await connection.reader.readuntil(b"messageStop")
            assert gateway.metrics.in_flight == 1
            await connection.close()
            await gateway.bus.cancelled.wait()
            assert gateway.metrics.in_flight == 0

    run(main)


# HTTP itself: keep-alive, pipelining in order, HEAD without a body, 1.0 closing, absolute targets, 100-continue.
def test_connections() -> None:
    async def main() -> None:
        async with running() as gateway:
            connection = await Connection.open(gateway)
            for _ in range(3):
                connection.send(dynamodb("ListTables"))
            assert [(await connection.response()).status for _ in range(3)] == [200, 200, 200]
            connection.send(signed("s3", "HEAD", "/b/k", {}))
            assert (await connection.response("HEAD")).status == 200
            body = b'{"Limit":7}'
            head, _, _ = dynamodb("ListTables", body).partition(b"\r\n\r\n")
            connection.send(head + b"\r\nexpect: 100-continue\r\n\r\n")
            assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.send(body)
            assert (await connection.response()).status == 200
            assert gateway.bus.asked[-1].request.params == {"Limit": 7}
            connection.send(dynamodb("ListTables").replace(b"POST / ", b"POST http://localhost/ "))
            assert (await connection.response()).status == 200
            connection.send(dynamodb("ListTables").replace(b"HTTP/1.1", b"HTTP/1.0"))
            assert (await connection.response()).headers["connection"] == "close"
            assert await connection.closed() == b""
            await connection.close()

    run(main)


# Who waits for an invitation and is refused may send its body all the same, or another request in its place: nobody can
# tell which it is, so that the connection ends (RFC 9110, 10.1.1).
def test_a_refused_expectation(tmp_path: Path) -> None:
    (tmp_path / "s3/blobs/incoming").mkdir(parents=True)

    async def main() -> None:
        async with running(open_mode=False, state=tmp_path) as gateway:
            connection = await Connection.open(gateway)
            head = signed("s3", "PUT", "/b/k", {"expect": "100-continue"}, bytes(100_000), keys=("test", "wrong"))
            connection.send(head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            answer = await connection.response()
            assert (answer.status, answer.headers["connection"]) == (403, "close")
            await connection.close()

    run(main)


# An invitation for no body too: botocore takes the answer that comes in its place for that of the next such request.
def test_an_empty_body_is_invited() -> None:
    async def main() -> None:
        async with running() as gateway:
            connection = await Connection.open(gateway)
            for _ in range(2):
                connection.send(signed("s3", "PUT", "/b/k", {"expect": "100-continue"}))
                assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
                assert (await connection.response()).status == 200
            await connection.close()

    run(main)


# Chunked transfer-encoding carries a body as well as Content-Length does.
def test_chunked_requests() -> None:
    async def main() -> None:
        async with running() as gateway:
            head = dynamodb("ListTables", LIST).partition(b"\r\n\r\n")[0].decode()
            lines = [line for line in head.split("\r\n") if not line.lower().startswith("content-length")]
            chunked = "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode()
            answer = await ask(gateway, chunked + b"5\r\n" + LIST[:5] + b"\r\n6\r\n" + LIST[5:] + b"\r\n0\r\n\r\n")
            assert answer.status == 200
            assert gateway.bus.asked[0].request.params == {"Limit": 1}

    run(main)


# A body that is longer, shorter or slower than its client says, a head that never ends: an error, and the end.
def test_lies_about_length() -> None:
    async def main() -> None:
        reader = BodyReader(1 << 20, idle_limit_s=0.05)
        async with running(body_reader=reader, head_limit_s=0.2) as gateway:
            whole = dynamodb("ListTables", LIST)
            short = await Connection.open(gateway)                    # says more than it sends
            short.send(whole.replace(b"content-length: 11", b"content-length: 99").replace(
                b"Content-Length: 11", b"Content-Length: 99"))
            answer = await short.response()
            assert (answer.status, answer.headers["connection"]) == (400, "close")
            assert b"RequestTimeout" in answer.body
            await short.close()
            huge = await ask(gateway, whole.replace(b"ontent-length: 11", b"ontent-length: 99999999999").replace(
                b"ontent-Length: 11", b"ontent-Length: 99999999999"))
            assert huge.status == 413
            long = await Connection.open(gateway)                     # sends more than it says
            long.send(whole + b"and more of it\r\n\r\n")
            assert (await long.closed()).startswith((b"HTTP/1.1 400", b"HTTP/1.1 200"))
            await long.close()
            idle = await Connection.open(gateway)                     # never ends its head
            idle.send(b"POST / HTTP/1.1\r\nhost: localhost\r\nx-a: ")
            assert await idle.closed() == b""
            await idle.close()
            assert reader.held_bytes == 0
            assert (await ask(gateway, whole)).status == 200

    run(main)


# A handful of requests that are not HTTP, or barely: 400 or an AWS error, and the gateway serves on.
@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 3 + b"x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
    b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % number for number in range(300)) + b"\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
])
def test_bad_http(data: bytes) -> None:
    async def main() -> None:
        async with running() as gateway:
            connection = await Connection.open(gateway)
            connection.send(data)
            connection.writer.write_eof()
            answer = await connection.closed()
            assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))
            await connection.close()
            assert (await ask(gateway, dynamodb("ListTables"))).status == 200

    run(main)


# Whatever a client sends in any header, path or body, signed or not: one well-formed answer below 500 or an honest
# 501, and no traceback. The gateway serves on.
@settings(max_examples=150, deadline=None)
@given(cases=st.lists(st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    st.dictionaries(
        st.sampled_from(["x-amz-target", "authorization", "x-amz-date", "content-type", "content-encoding", "origin",
                         "smithy-protocol", "x-amz-content-sha256", "user-agent", "traceparent", "x-amz-checksum-sha1",
                         "content-md5", "x-amz-security-token", "host"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f"), max_size=40)
        | st.sampled_from(["DynamoDB_20120810.PutItem", "rpc-v2-cbor", "gzip", "application/x-amz-json-1.0",
                           "AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=0",
                           "20260101T000000Z", "http://localhost:3000", "a.s3.localhost",
                           "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])),
    st.binary(max_size=60) | st.just(b"Action=ListUsers&Version=2010-05-08") | st.just(b'{"Item":{"a":{"S":"x"}}}'),
), min_size=1, max_size=4), service=st.none() | st.sampled_from(["dynamodb", "s3", "sts", "sqs", "bedrock", "lambda"]))
def test_any_request_is_answered(
    cases: list[tuple[str, str, dict[str, str], bytes]], service: str | None,
) -> None:
    async def main() -> None:
        async with running() as gateway:
            for method, path, headers, body in cases:
                if service is None:
                    request = http(method, f"/{path}", headers, body)
                else:
                    headers = {name: value for name, value in headers.items() if name != "host" and value.isascii()}
                    request = signed(service, method, f"/{path}".split("#")[0], headers, body)
                answer = await ask(gateway, request, method)
                assert answer.status < 500 or answer.status == 501, answer
                assert b"Traceback" not in answer.body
            assert (await ask(gateway, dynamodb("ListTables"))).status == 200

    run(main)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400))
def test_random_bytes_do_no_harm(data: bytes) -> None:
    async def main() -> None:
        async with running() as gateway:
            connection = await Connection.open(gateway)
            connection.send(data + b"\r\n\r\n")
            connection.writer.write_eof()
            await connection.closed()
            await connection.close()
            assert (await ask(gateway, dynamodb("ListTables"))).status == 200

    run(main)
