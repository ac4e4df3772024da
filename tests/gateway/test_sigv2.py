"""S3's version 2 signatures: the examples of AWS's documentation, and what must not pass."""

from base64 import b64encode
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import HmacV1Auth, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bus.files import FOLDER, INCOMING
from gateway import sigv2
from gateway.sigv4 import Claim, Reason, Refusal
from schemas.envelope import INLINE_LIMIT_BYTES
from tests.gateway.running import ask, http, run, running

# https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html, "Request Authentication Examples"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = 1_175_024_202.0                     # Tue, 27 Mar 2007 19:36:42 +0000
EXAMPLES = [
    ("GET", "/photos/puppy.jpg", "", {"date": "Tue, 27 Mar 2007 19:36:42 +0000"}, "qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
    ("PUT", "/photos/puppy.jpg", "", {"date": "Tue, 27 Mar 2007 21:15:45 +0000", "content-type": "image/jpeg"},
     "iqRzw+ileNPu1fhspnRs8nOjjIA="),
    ("GET", "/", "prefix=photos&max-keys=50&marker=puppy", {"date": "Tue, 27 Mar 2007 19:42:41 +0000"},
     "m0WP8eCtspQl5Ahe6L1SozdX9YA="),
    ("GET", "/", "acl", {"date": "Tue, 27 Mar 2007 19:44:46 +0000"}, "82ZHiFIjc+WbcwFKGUVEQspPn+0="),
]


def header(signature: str) -> str:
    return f"AWS AKIAIOSFODNN7EXAMPLE:{signature}"


def check(claim: Claim, method: str, path: str, query: str, headers: dict[str, str], now: float) -> None:
    sigv2.verify(claim, SECRET, method, path, query, headers, b"", now)


@pytest.mark.parametrize(("method", "path", "query", "more", "signature"), EXAMPLES)
def test_the_published_examples(
    method: str, path: str, query: str, more: dict[str, str], signature: str
) -> None:
    headers = {"host": "awsexamplebucket1.s3.us-west-1.amazonaws.com", **more}
    claim = sigv2.header_claim(header(signature), headers)
    now = NOW + (6000 if method == "PUT" else 0)
    check(claim, method, path, query, headers, now)
    for changed in (("DELETE", path, query), (method, path + "x", query), (method, path, "versionId=1")):
        with pytest.raises(Refusal) as caught:
            check(claim, *changed, headers, now)
        assert caught.value.reason is Reason.MISMATCH
    with pytest.raises(Refusal) as caught:
        check(claim, method, path, query, headers, now + 3600)
    assert caught.value.reason is Reason.EXPIRED


def test_expired() -> None:
    claim = sigv2.query_claim("AWSAccessKeyId=a&Signature=b&Expires=100", {})
    for secret in (SECRET, None):
        with pytest.raises(Refusal) as caught:
            sigv2.verify(claim, secret, "GET", "/b/k", "", {}, b"", 101.0)
        assert caught.value.reason is Reason.PRESIGN_EXPIRED


@pytest.mark.parametrize("authorization", ["AWS a", "AWS :x", "AWS a:", "AWS "])
def test_malformed_headers(authorization: str) -> None:
    with pytest.raises(Refusal):
        sigv2.header_claim(authorization, {"date": "Tue, 27 Mar 2007 19:36:42 +0000"})


@pytest.mark.parametrize("query", ["AWSAccessKeyId=a&Signature=b", "AWSAccessKeyId=a&Signature=b&Expires=x"])
def test_malformed_queries(query: str) -> None:
    with pytest.raises(Refusal):
        sigv2.query_claim(query, {})


def put(signer: Any, body: bytes, **given: str) -> bytes:
    """A signed upload. botocore states the payload's hash itself in version 4, unless it is given."""
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    request = AWSRequest("PUT", "http://localhost/bucket/key", headers=dict(headers), data=body)
    signer.add_auth(request)
    return http("PUT", "/bucket/key", dict(request.headers.items()), body)


def hash_of(body: bytes) -> str:
    return sha256(body).hexdigest()


BODY, KEYS = b"body", Credentials("test", "test")
BAD_MD5 = b64encode(md5(b"").digest()).decode()


# openstack/swift, test/s3api/test_input_errors.py, which its authors run against AWS: the body is held to the hash that
# a header states, in capitals too; a Content-MD5 that is none is told before it, one of another body after it.
@pytest.mark.parametrize(("headers", "code"), [
    ({}, ""),
    ({"x_amz_content_sha256": "RIGHT"}, ""),
    ({"x_amz_content_sha256": "UPPER"}, ""),
    ({"x_amz_content_sha256": "UNSIGNED-PAYLOAD"}, ""),
    ({"x_amz_content_sha256": hash_of(b"")}, "XAmzContentSHA256Mismatch"),
    ({"x_amz_content_sha256": "invalid"}, "XAmzContentSHA256Mismatch"),
    ({"x_amz_content_sha256": "unsigned-payload"}, "XAmzContentSHA256Mismatch"),
    ({"x_amz_content_sha256": "invalid", "content_md5": "invalid"}, "InvalidDigest"),
    ({"x_amz_content_sha256": hash_of(b""), "content_md5": "invalid"}, "InvalidDigest"),
    ({"x_amz_content_sha256": hash_of(b""), "content_md5": BAD_MD5}, "XAmzContentSHA256Mismatch"),
    ({"x_amz_content_sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "MissingContentLength"),
])
@pytest.mark.parametrize("body", [BODY, BODY * (INLINE_LIMIT_BYTES // len(BODY) + 1)], ids=["small", "in a file"])
def test_the_payload(tmp_path: Path, headers: dict[str, str], code: str, body: bytes) -> None:
    (tmp_path / "s3" / FOLDER / INCOMING).mkdir(parents=True)
    stated = {name: hash_of(body).upper() if value == "UPPER" else hash_of(body) if value == "RIGHT" else value
              for name, value in headers.items()}

    async def main() -> None:
        async with running(state=tmp_path) as gateway:
            answer = await ask(gateway, put(HmacV1Auth(KEYS), body, **stated))
            assert (answer.status == 200) == (code == ""), answer
            assert f"<Code>{code}</Code>".encode() in answer.body or not code
            assert len(gateway.bus.asked) == (code == "")

    run(main)


class OfNothing(S3SigV4Auth):
    """States the hash of an empty body."""

    def payload(self, request: Any) -> str:
        return hash_of(b"")


@pytest.mark.parametrize(("md5_given", "code"), [("invalid", "InvalidDigest"), (BAD_MD5, "XAmzContentSHA256Mismatch")])
def test_digests_that_are_none_in_version_4(md5_given: str, code: str) -> None:
    async def main() -> None:
        async with running() as gateway:
            answer = await ask(gateway, put(OfNothing(KEYS, "s3", "us-east-1"), BODY, content_md5=md5_given))
            assert (answer.status, f"<Code>{code}</Code>".encode() in answer.body) == (400, True), answer

    run(main)
