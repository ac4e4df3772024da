"""DynamoDB's endpoint beside its protocol: health, the head of a request, compressed answers and their checksums.

Expected behaviour: the public dynalite suite (test/connection.js) and Scylla's Alternator suite (test_health.py,
test_crc.py, test_compressed_response.py), both measured on AWS.
"""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from gateway import dynamodb
from gateway.protocols import HttpResponse
from schemas.envelope import Reply
from tests.gateway.running import Response, ask, http, run, running, signed

LARGE = {"TableNames": [f"table-{number:05}" for number in range(1000)]}
HEAD = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}

UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


def checked(answer: Response) -> Response:
    """The checksum is of the bytes as sent, whatever they are."""
    assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.body)
    assert answer.headers["x-amzn-requestid"]
    return answer


# Anybody may ask; only for the root, only of a host that is DynamoDB's or nobody's.
def test_health() -> None:
    async def main() -> None:
        async with running() as gateway:
            for host in ("dynamodb.us-east-1.amazonaws.com", "127.0.0.1:4566", "localhost:4566"):
                answer = checked(await ask(gateway, http("GET", "/", {"host": host})))
                assert (answer.status, answer.body) == (200, f"healthy: {host} ".encode())
            host = "dynamodb.us-east-1.amazonaws.com"
            assert (await ask(gateway, http("GET", "/abc", {"host": host}))).status == 400
            assert (await ask(gateway, http("GET", "/", {"host": "sqs.us-east-1.amazonaws.com"}))).status != 200
            assert gateway.bus.asked == []

    run(main)


# `aws s3 ls --no-sign-request`: an SDK that gets the root unsigned lists buckets, unless the host is DynamoDB's.
def test_unsigned_list_of_buckets() -> None:
    async def main() -> None:
        async with running() as gateway:
            head = {"host": "127.0.0.1:4566", "amz-sdk-invocation-id": "1"}
            await ask(gateway, http("GET", "/", head))
            assert [(asked.service, asked.operation) for asked in gateway.bus.asked] == [("s3", "ListBuckets")]
            answer = await ask(gateway, http("GET", "/", {**head, "host": "dynamodb.us-east-1.amazonaws.com"}))
            assert answer.body.startswith(b"healthy")

    run(main)


@pytest.mark.parametrize(("method", "head", "body", "status", "expected"), [
    ("POST", {}, b"{}", 200, None),
    ("POST", {"content-type": "application/json"}, b"{}", 200, None),
    ("POST", {"content-type": "application/json; charset=utf-8"}, b"{}", 200, None),
    ("POST", {"content-encoding": "identity"}, b"{}", 200, None),
    ("POST", {"content-type": "application/x-amz-json-1.1"}, b"{}", 404, b"<UnknownOperationException/>\n"),
    ("POST", {"content-type": "text/plain"}, b"{}", 404, b"<UnknownOperationException/>\n"),
    ("POST", {"content-type": ""}, b"{}", 404, b"<UnknownOperationException/>\n"),
    ("PUT", {}, b"{}", 404, b"<UnknownOperationException/>\n"),
    ("POST", {}, b"", 400, b'{"__type":"com.amazon.coral.service#SerializationException"}'),
    ("POST", {"content-encoding": "gzip"}, b"", 400, b'{"__type":"com.amazon.coral.service#SerializationException"}'),
    ("POST", {"content-encoding": "br"}, b"{}", 400, b'{"__type":"com.amazon.coral.service#SerializationException"}'),
])
def test_heads(method: str, head: dict[str, str], body: bytes, status: int, expected: bytes | None) -> None:
    async def main() -> None:
        async with running() as gateway:
            headers = {name: value for name, value in (HEAD | head).items() if value}
            answer = checked(await ask(gateway, signed("dynamodb", method, "/", headers, body)))
            assert answer.status == status
            if expected is not None:
                assert answer.body == expected
            if status != 404:
                plain = headers["content-type"].startswith("application/json")
                assert answer.headers["content-type"] == ("application/json" if plain else HEAD["content-type"])
            assert len(gateway.bus.asked) == (status == 200)

    run(main)


# 16 MB and no more as sent, though other services take more: dynalite's connection.js, Alternator's
# test_manual_requests.py; what a compressed one holds is no matter (its test_compressed_request.py).
def test_bodies_of_more_than_16_megabytes() -> None:
    async def main() -> None:
        async with running() as gateway:
            for size, status in ((dynamodb.BODY_LIMIT_BYTES, 200), (dynamodb.BODY_LIMIT_BYTES + 1, 413)):
                answer = await ask(gateway, signed("dynamodb", "POST", "/", HEAD, b"{}".ljust(size)))
                assert answer.status == status
            packed = gzip.compress(b"{}".ljust(dynamodb.BODY_LIMIT_BYTES + 1), 1)
            answer = await ask(gateway, signed("dynamodb", "POST", "/", HEAD | {"content-encoding": "gzip"}, packed))
            assert answer.status == 200
            assert len(gateway.bus.asked) == 2

    run(main)


# What has no output has no body: dynalite's actions, Alternator's test_manual_requests.py.
def test_operations_without_output() -> None:
    async def main() -> None:
        async with running() as gateway:
            head = HEAD | {"x-amz-target": "DynamoDB_20120810.TagResource"}
            body = json.dumps({"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/a", "Tags": []}).encode()
            answer = checked(await ask(gateway, signed("dynamodb", "POST", "/", head, body)))
            assert (answer.status, answer.body) == (200, b"")

    run(main)


# Only what is large, only for who accepts it, errors as results; the checksum is of the compressed bytes.
@pytest.mark.parametrize(("accepted", "coding"), [
    (None, None), ("identity", None), ("gzip", "gzip"), ("deflate", "deflate"), ("deflate;q=0.5, gzip", "gzip"),
])
def test_compressed_answers(accepted: str | None, coding: str | None) -> None:
    tables = dict(LARGE)

    async def main() -> None:
        async with running(lambda asked: Reply(asked.request.id, ok=tables)) as gateway:
            head = HEAD if accepted is None else HEAD | {"accept-encoding": accepted}
            answer = checked(await ask(gateway, signed("dynamodb", "POST", "/", head, b"{}")))
            assert answer.headers.get("content-encoding") == coding
            body = answer.body if coding is None else UNPACK[coding](answer.body)
            assert json.loads(body) == LARGE
            tables["TableNames"] = []
            answer = checked(await ask(gateway, signed("dynamodb", "POST", "/", head, b"{}")))
            assert "content-encoding" not in answer.headers

    run(main)


def test_compression_begins_above_4096_bytes() -> None:
    for size, coding in ((4096, None), (4097, "gzip")):
        response = HttpResponse(200, {}, b"x" * size)
        dynamodb.finish(response, {"accept-encoding": "gzip", "content-type": "application/x-amz-json-1.0"})
        assert response.headers.get("content-encoding") == coding


# As AWS reads Accept-Encoding: measured value by value by Alternator's test_compressed_response_accept_encodings.
@pytest.mark.parametrize(("accepted", "coding"), [
    ("", ""), ("identity", ""), ("br", ""), ("zstd", ""), ("x-gzip", ""), ("gzip, deflate", "gzip"),
    ("br, identity, deflate, gzip", "deflate"), ("GZIP, identity", "gzip"), ("dog, gzip ,, cat", "gzip"),
    ("gzip;q=0.8, deflate;q=0.5", "gzip"), ("br, gzip;q=0, deflate; q = 0.5 , identity;q=0", "deflate"), ("*", "gzip"),
    ("*, deflate;q=0.5", "gzip"), ("*, deflate", "deflate"), ("*, identity", "gzip"), ("*, gzip;q=0.5", "deflate"),
    ("gzip ;q=0", ""), ("identity;q=0", ""), ("*;q=0", ""), ("*;q=0.5,identity", "gzip"),
    ("gzip;q=0.5,identity;q=0.8", "gzip"), ("br;q=0.8,identity;q=0.5,*;q=0", ""), ('"gzip"', ""), ("gzip br", ""),
    ("gzip:q=1", ""), ("deflate;q=0.5, gzip;q=31", "gzip"), ("gzip;q=31,deflate;q=51", "gzip"),
    ("deflate;q=0.5, gzip;q=0.2", "deflate"), ("deflate;q=0.5, gzip;q=1;q=0.2", "gzip"),
    ("deflate;q=0.5,gzip;q=0.", "deflate"), ("deflate;q=0.5,gzip;q=0.x", "gzip"), ("deflate;q=-0.5,gzip;q=0.2", "gzip"),
    ("gzip;nq=1;q=0 ", ""), ("gzip;q=0, gzip;q=1, gzip;q=0", "gzip"), ("br,identity;q=0.5,gzip;q=0.0001", "gzip"),
])
def test_chosen_coding(accepted: str, coding: str) -> None:
    assert dynamodb.chosen_coding(accepted) == coding
