"""Nonsense over HTTP: an error of AWS's each time, nothing of our inside, no process dies, memory stays flat.

Forms of errors: https://smithy.io/2.0/aws/protocols/index.html
"""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.sigv4 import ALGORITHM
from tests import servers
from tests.faults.conftest import BODY_LIMIT_BYTES
from tests.faults.probing import Wire, all_well, anonymous_bytes, once
from tests.gateway.running import dynamodb, http, signed

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
OPERATIONS = st.sampled_from([
    "CreateTable", "DescribeTable", "ListTables", "DeleteTable", "PutItem", "GetItem", "DeleteItem", "BatchWriteItem",
    "BatchGetItem", "Query", "Scan", "UpdateItem", "TransactWriteItems", "NoSuchOperation", "",
])
NAMES = st.sampled_from([
    "TableName", "Item", "Key", "RequestItems", "KeySchema", "AttributeDefinitions", "Limit", "S", "N", "B", "M", "L",
    "NULL", "KeyConditionExpression", "ExpressionAttributeValues", "ExclusiveStartKey", "ConditionExpression",
]) | st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20,
)
DEEP = [b"[" * 10_000, b'{"a":' * 10_000, b'{"Item":{"a":' + b'{"L":[' * 10_000 + b"]}" * 10_000 + b"}}",
        b'{"Item":{"a":' + b'{"M":{"a":' * 5_000 + b'{"S":"x"}' + b"}}" * 5_000 + b'}, "TableName": "t"}']
BODIES = (
    st.binary(max_size=300) | st.sampled_from(DEEP)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(NAMES, VALUES, max_size=5).map(lambda value: json.dumps(value).encode())
    | st.binary(min_size=1, max_size=9).map(lambda noise: b'{"TableName": "' + noise + b'\xff"}')
    | st.sampled_from([b"", b"{}", b"null", b"{", b'{"TableName": "a", "TableName": 1}', b'{"Limit": 1e999}',
                       b'{"TableName": "\\ud800"}', b"\xef\xbb\xbf{}", b'{"Limit": NaN}', b"1" * 5_000])
)
KEYS = st.sampled_from(["", "test", "000000000001", "AKIA", "ä", "x" * 200])


# Signed, so that the bytes get as far as they can: what is no valid request is told so. A body that by chance is one
# (ListTables takes {}) may succeed.
@FEW
@given(operation=OPERATIONS, body=BODIES)
def test_bodies(skybus: servers.Server, operation: str, body: bytes) -> None:
    heard = once(skybus, dynamodb(operation, body))
    assert heard is not None
    if heard.status != 200 or operation not in ("ListTables", "CreateTable"):
        heard.assert_an_error_of_aws()
        assert heard.status in (400, 404, 501), heard


# The other protocols: forms, CBOR, REST; of services we have and services we do not.
@FEW
@given(body=st.binary(max_size=200) | st.text(max_size=60).map(lambda text: f"Action={text}".encode()),
       way=st.sampled_from(["sts", "ec2", "cbor", "s3", "lambda", "none"]))
def test_other_protocols(skybus: servers.Server, body: bytes, way: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    cbor = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    request = {
        "sts": lambda: signed("sts", "POST", "/", form, b"Version=2011-06-15&" + body),
        "ec2": lambda: signed("ec2", "POST", "/", form, b"Version=2016-11-15&" + body),
        "cbor": lambda: signed("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData",
                               cbor, body),
        "s3": lambda: signed("s3", "PUT", "/bucket/key", {}, body),
        "lambda": lambda: signed("lambda", "POST", "/2015-03-31/functions", {}, body),
        "none": lambda: http("POST", "/", {}, body),
    }[way]()
    heard = once(skybus, request)
    assert heard is not None
    if b"Action=GetCallerIdentity" not in body:
        heard.assert_an_error_of_aws()


# Bytes that are no HTTP, and heads that lie: an answer of 400 or a closed connection, at once.
@FEW
@given(st.binary(max_size=400).map(lambda data: data + b"\r\n\r\n")
       | st.tuples(st.sampled_from([b"GET", b"POST", b"PRI", b"\x16\x03\x01"]), st.binary(max_size=60),
                   st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=6)).map(
           lambda parts: parts[0] + b" /" + parts[1] + b" HTTP/1.1\r\n"
           + b"".join(name + b": " + value + b"\r\n" for name, value in parts[2]) + b"\r\n"))
def test_no_http(skybus: servers.Server, data: bytes) -> None:
    heard = once(skybus, data, finished=True)
    if heard is not None:
        assert heard.status >= 400, heard
        assert b"Traceback" not in heard.body


@FEW
@given(st.text(max_size=80).map(lambda text: text.replace("\r", "").replace("\n", "").replace("\0", ""))
       | st.tuples(KEYS, st.text("0123456789abc/", max_size=60), st.text("0123456789abcdef", max_size=70)).map(
           lambda parts: f"{ALGORITHM} Credential={parts[0]}/{parts[1]}, SignedHeaders=host, Signature={parts[2]}"))
def test_garbage_signatures(skybus: servers.Server, authorization: str) -> None:
    request = http("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables", "authorization": authorization,
                                 "content-type": "application/x-amz-json-1.0", "x-amz-date": "20260101T000000Z"}, b"{}")
    heard = once(skybus, request)
    assert heard is not None
    heard.assert_an_error_of_aws()
    assert heard.status in (400, 401, 403), heard


def lengths(body: bytes, stated: str) -> bytes:
    request = dynamodb("ListTables", body)
    return request.replace(f"content-length: {len(body)}\r\n".encode(), f"content-length: {stated}\r\n".encode())


# No length at all; and one beyond the limit.
@pytest.mark.parametrize("stated", ["-1", "0x10", "1e3", "", "9" * 18, "9" * 30, "3, 4", "3\r\ncontent-length: 4"])
def test_a_length_that_lies(skybus: servers.Server, stated: str) -> None:
    heard = once(skybus, lengths(b'{"Limit": 1000}', stated))
    assert heard is not None
    heard.assert_an_error_of_aws()
    assert heard.status in (400, 413), heard


# The rest never comes. Who has closed is not answered (a close and a half-close look the same, and a close cancels);
# who keeps the connection is told RequestTimeout (tests/gateway/test_app.py).
@pytest.mark.parametrize("stated", ["1000", "17", "9999999"])
def test_a_length_too_long(skybus: servers.Server, data_dir: Path, stated: str) -> None:
    with all_well(skybus, data_dir):
        assert once(skybus, lengths(b'{"Limit": 1000}', stated), finished=True) is None


# What is left over is the next request, and none.
def test_a_length_too_short(skybus: servers.Server) -> None:
    with Wire(skybus) as wire:
        first = wire.exchange(lengths(b'{"Limit": 1000}', "3"))
        assert first is not None
        first.assert_an_error_of_aws()
        second = wire.answer()
        assert second is None or second.status == 400


# The limit is clear, and said before the body has come, or as soon as it is passed where no length was stated.
def test_oversized_bodies(skybus: servers.Server, data_dir: Path) -> None:
    with all_well(skybus, data_dir):
        for data in (lengths(b"{}", str(BODY_LIMIT_BYTES + 1)),
                     dynamodb("PutItem", b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
                     + b"%x\r\n%b\r\n0\r\n\r\n" % (BODY_LIMIT_BYTES + 1, b"x" * (BODY_LIMIT_BYTES + 1))):
            heard = once(skybus, data)
            assert heard is not None
            heard.assert_an_error_of_aws()
            assert heard.status == 413
            assert str(BODY_LIMIT_BYTES).encode() in heard.body


BOMB = gzip.compress(b"0" * (1 << 26))


@pytest.mark.parametrize("body", [
    b"no gzip", b"", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more", gzip.compress(b"[" * 10_000), BOMB,
    zlib.compress(b"{}"), b"\x1f\x8b" + b"\xff" * 40,
], ids=["none", "empty", "cut", "more", "deep", "bomb", "zlib", "garbage"])
def test_gzip_that_lies(skybus: servers.Server, body: bytes) -> None:
    request = signed("dynamodb", "POST", "/", {
        "x-amz-target": "DynamoDB_20120810.DescribeTable", "content-type": "application/x-amz-json-1.0",
        "content-encoding": "gzip"}, body)
    heard = once(skybus, request)
    assert heard is not None
    heard.assert_an_error_of_aws()


# Thousands of bad requests, most of them over connections that are kept: what they cost is given back.
MEASURED = 4_000
GROWTH_LIMIT_BYTES = 6 * 1024 * 1024       # a leak of 1.5 KiB a request would pass it


def test_memory_stays_flat(skybus: servers.Server, data_dir: Path) -> None:
    bodies = [*DEEP, b"\xff\xfe", b"null", b'{"TableName": 1}', b'{"TableName": "gone", "Key": {"k": {"S": "1"}}}']
    corpus = [
        *[dynamodb(operation, body) for operation in ("PutItem", "Query", "CreateTable", "NoSuchOperation")
          for body in bodies],
        dynamodb("PutItem", b"{}", keys=("test", "wrong")), signed("s3", "PUT", "/b/k", {}, b"x" * 50_000),
        signed("ec2", "POST", "/", {"content-type": "application/x-www-form-urlencoded"}, b"Action=%ff&Version=1"),
        http("POST", "/", {}, b"nothing"), http("POST", "/", {"authorization": "AWS4-HMAC-SHA256 nonsense"}),
    ]

    def feed(numbers: range) -> range:
        """Over one connection, until it closes or 100 were sent; the numbers that are left."""
        with Wire(skybus) as wire:
            for number in numbers[:100]:
                # Principals of their own, as a scan of the internet would bring: nothing may be remembered for ever.
                data = corpus[number % len(corpus)].replace(b"Credential=test/", b"Credential=K%09d/" % number)
                heard = wire.exchange(data)
                assert heard is not None
                assert heard.status >= 400
                if heard.headers.get("connection") == "close":
                    return numbers[numbers.index(number) + 1:]
        return numbers[100:]

    def feed_all(first: int) -> None:
        numbers = range(first, first + MEASURED)
        while numbers:
            numbers = feed(numbers)

    def held() -> dict[str, int]:
        return {name: anonymous_bytes(process) for name, process in skybus.processes().items()}

    with all_well(skybus, data_dir):
        feed_all(0)                               # what is remembered within bounds fills up first
        before: Any = held()
        feed_all(MEASURED)
        grown = {name: now - before[name] for name, now in held().items()}
        assert max(grown.values()) < GROWTH_LIMIT_BYTES, grown
        print("grown by bytes:", grown)
