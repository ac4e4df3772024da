"""Nonsense for S3 over HTTP: an error of AWS's each time, nothing half-written, nothing left where bodies arrive.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import base64
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bus.files import FOLDER, INCOMING
from tests import servers
from tests.faults.probing import Heard, all_well, once
from tests.gateway.running import http, signed

CRC32 = "x-amz-checksum-crc32"
SMALL, LARGE = 100, 100_000                # within an envelope, and into a file
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])


@pytest.fixture(scope="module")
def s3(skybus: servers.Server) -> Iterator[Any]:
    client: Any = boto3.Session("test", "test", region_name="us-east-1").client("s3", endpoint_url=skybus.endpoint)
    yield client
    client.close()


@pytest.fixture(scope="module")
def made(skybus: servers.Server, data_dir: Path, s3: Any) -> Iterator[str]:
    name = f"bad-{uuid4().hex}"
    s3.create_bucket(Bucket=name)
    with all_well(skybus, data_dir):
        yield name
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(made: str, data_dir: Path, s3: Any) -> Iterator[str]:
    """One in which nothing may stay; nor may a file where bodies arrive."""
    yield made
    assert "Contents" not in s3.list_objects_v2(Bucket=made)
    assert list((data_dir / "state" / "s3" / FOLDER / INCOMING).iterdir()) == []


def heard(server: servers.Server, data: bytes) -> Heard:
    answer = once(server, data)
    assert answer is not None
    answer.assert_an_error_of_aws()
    return answer


def code(answer: Heard) -> tuple[int, str]:
    return answer.status, answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def chunked(path: str, chunks: list[bytes], trailers: dict[str, str], *, decoded: str | None = None,
            announced: str = CRC32, end: bytes = b"\r\n") -> bytes:
    """An aws-chunked PUT, unsigned but for its head. `decoded`: x-amz-decoded-content-length; "": none."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n"
    body += "".join(f"{name}:{value}\r\n" for name, value in trailers.items()).encode() + end
    stated = str(sum(map(len, chunks))) if decoded is None else decoded
    headers = {"content-encoding": "aws-chunked"}
    headers |= {"x-amz-decoded-content-length": stated} if stated else {}
    headers |= {"x-amz-trailer": announced} if announced else {}
    request = AWSRequest("PUT", f"http://localhost{path}", headers=headers, data=body)
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32"}}
    request.context["payload_signing_enabled"] = False
    S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
    return http("PUT", path, dict(request.headers.items()), body)


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


# The rest never comes, and the client goes: there is nobody to answer.
@SIZES
def test_a_body_that_breaks_off(skybus: servers.Server, bucket: str, size: int) -> None:
    for request in (signed("s3", "PUT", f"/{bucket}/k", {}, b"x" * size),
                    chunked(f"/{bucket}/k", [b"x" * size], {CRC32: crc32(b"x" * size)})):
        for left in (1, size // 2, size + 20):
            assert once(skybus, request[:-left], finished=True) is None


# Content-Length says less than comes: the rest is no request, and what was there no body that was signed.
@SIZES
def test_a_length_too_short(skybus: servers.Server, bucket: str, size: int) -> None:
    request = signed("s3", "PUT", f"/{bucket}/k", {}, b"x" * size)
    stated = f"content-length: {size}\r\n".encode()
    assert stated in request
    assert heard(skybus, request.replace(stated, f"content-length: {size - 7}\r\n".encode())).status == 400


@SIZES
@pytest.mark.parametrize(("decoded", "expected"), [
    (1, (400, "IncompleteBody")), (-1, (400, "IncompleteBody")), ("", (411, "MissingContentLength")),
    ("abc", (411, "MissingContentLength")), ("-5", (411, "MissingContentLength")),
    ("9" * 12, (400, "EntityTooLarge")),
])
def test_a_decoded_length_that_lies(
    skybus: servers.Server, bucket: str, size: int, decoded: Any, expected: tuple[int, str]
) -> None:
    body = b"x" * size
    stated = str(size + decoded) if isinstance(decoded, int) else decoded
    if size == SMALL and expected[1] == "EntityTooLarge":
        expected = (400, "IncompleteBody")          # all of it is here before that matters
    answer = heard(skybus, chunked(f"/{bucket}/k", [body], {CRC32: crc32(body)}, decoded=stated))
    assert code(answer) == expected


# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
@SIZES
@pytest.mark.parametrize(("trailers", "announced", "expected"), [
    ({CRC32: crc32(b"other")}, CRC32, "BadDigest"), ({CRC32: "!"}, CRC32, "InvalidRequest"),
    ({}, CRC32, "MalformedTrailerError"), ({"x-amz-checksum-crc32c": "AAAAAA=="}, CRC32, "MalformedTrailerError"),
    ({CRC32: "right", "x-amz-meta-a": "b"}, CRC32, "MalformedTrailerError"),
    ({CRC32: "right"}, "", "MalformedTrailerError"), ({"x-amz-foo": "b"}, "x-amz-foo", "InvalidRequest"),
])
def test_trailers_that_lie(
    skybus: servers.Server, bucket: str, size: int, trailers: dict[str, str], announced: str, expected: str
) -> None:
    body = b"x" * size
    sent = {name: value.replace("right", crc32(body)) for name, value in trailers.items()}
    request = chunked(f"/{bucket}/k", [body], sent, announced=announced)
    assert code(heard(skybus, request)) == (400, expected)


@SIZES
def test_framing_that_lies(skybus: servers.Server, bucket: str, size: int) -> None:
    body, path = b"x" * size, f"/{bucket}/k"
    right = {CRC32: crc32(body)}
    for request, expected in [
        (chunked(path, [b"x", b"y" * size], right), (403, "InvalidChunkSizeError")),
        (chunked(path, [body], right).replace(b"\r\n%x\r\n" % size, b"\r\n%xg\r\n" % size), (400, "IncompleteBody")),
        (chunked(path, [body], right).replace(b"\r\n%x\r\n" % size, b"\r\n%x\r\n" % (size + 1)),
         (400, "IncompleteBody")),
    ]:
        assert code(heard(skybus, request)) == expected


# Keys, whatever is asked of them; and other names that are too long to be any.
@pytest.mark.parametrize(("path", "expected"), [
    ("k" * 1025, "KeyTooLongError"), ("k" * 8192, "KeyTooLongError"), ("%00" * 1025, "KeyTooLongError"),
    ("..", "InvalidURI"), ("a/../../b", "InvalidURI"), ("%2E%2E/b", "InvalidURI"), ("a/./../../b", "InvalidURI"),
    ("%ff", "InvalidURI"), ("a%C3", "InvalidURI"), ("%ED%A0%80", "InvalidURI"), ("%zz", "InvalidURI"),
    ("%", "InvalidURI"), ("a%2", "InvalidURI"),
])
def test_keys_that_are_none(skybus: servers.Server, bucket: str, path: str, expected: str) -> None:
    for request in (http("GET", f"/{bucket}/{path}", {}), http("PUT", f"/{bucket}/{path}", {}, b"x" * LARGE),
                    signed("s3", "GET", f"/{bucket}/{path}", {}), signed("s3", "DELETE", f"/{bucket}/{path}", {}),
                    signed("s3", "PUT", f"/{bucket}/{path}", {}, b"x")):
        if b"%2E" not in request or b"uthorization" not in request:   # botocore signs this one as it is, S3 as `..`
            assert code(heard(skybus, request)) == (400, expected)


def test_names_that_are_too_long(skybus: servers.Server, bucket: str) -> None:
    long = "x" * 8192
    for method, path, expected in [
        ("GET", f"/{long}", (400, "InvalidBucketName")), ("PUT", f"/{long}/k", (400, "InvalidBucketName")),
        ("GET", f"/{bucket}/k?uploadId={long}", (404, "NoSuchUpload")),
        ("PUT", f"/{bucket}/k?partNumber=1&uploadId={long}", (404, "NoSuchUpload")),
        ("DELETE", f"/{bucket}/k?uploadId={long}", (404, "NoSuchUpload")),
        ("GET", f"/{bucket}/k?versionId={long}", (400, "InvalidArgument")),
    ]:
        for body in ((b"x", b"x" * LARGE) if method == "PUT" else (b"",)):
            assert code(heard(skybus, signed("s3", method, path, {}, body))) == expected, path
    source = signed("s3", "PUT", f"/{bucket}/k", {"x-amz-copy-source": f"/{bucket}/{long}"})
    assert code(heard(skybus, source)) == (400, "KeyTooLongError")
    for query in ("prefix", "marker", "list-type=2&start-after", "versions&key-marker", "uploads&key-marker"):
        answer = once(skybus, signed("s3", "GET", f"/{bucket}?{query}={long}", {}))
        assert answer is not None
        assert answer.status == 200


# Odd keys are keys all the same.
def test_odd_keys(skybus: servers.Server, bucket: str, s3: Any) -> None:
    for key in ("\0", "\0" * 1024, "a\0b", "\n", "a/../b", "./a", "a//b", "/", "+", "%", "\u200b", "ä" * 512):
        for body in (b"x", b"x" * LARGE):
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body
        assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["Key"] == key
        s3.delete_object(Bucket=bucket, Key=key)


# S3 inflates nothing: a bomb is an object as it is, and no XML.
def test_gzip(skybus: servers.Server, bucket: str, s3: Any) -> None:
    bomb = gzip.compress(bytes(1 << 26))
    s3.put_object(Bucket=bucket, Key="k", Body=bomb, ContentEncoding="gzip")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == len(bomb)
    for method, query in [("PUT", "/k?tagging"), ("PUT", "?versioning")]:
        answer = heard(skybus, signed("s3", method, f"/{bucket}{query}", {"content-encoding": "gzip"}, bomb))
        assert code(answer) == (400, "MalformedXML")
    s3.delete_object(Bucket=bucket, Key="k")


# A form that breaks off, has no end, or too much in it or before it.
def test_forms(skybus: servers.Server, bucket: str, s3: Any) -> None:
    form = s3.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 0, 10]])
    head = "".join(f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                   for name, value in form["fields"].items())
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    end = "\r\n--x--"
    for body, expected in [
        (head + file + "y" * 11 + end, "EntityTooLarge"), (head + file + "y" * LARGE + end, "EntityTooLarge"),
        (head + file + "y", "MalformedPOSTRequest"), (head + "--x--", "InvalidArgument"), ("--x--", "InvalidArgument"),
        (file.replace('"file"', '"a"') + "z" * 30_000 + end, "MaxPostPreDataLengthExceeded"),
        ("nonsense", "InvalidArgument"),
    ]:
        assert code(heard(skybus, http("POST", f"/{bucket}", kind, body.encode()))) == (400, expected)
    whole = http("POST", f"/{bucket}", kind, (head + file + "y" + end).encode())
    assert once(skybus, whole[:-8], finished=True) is None
