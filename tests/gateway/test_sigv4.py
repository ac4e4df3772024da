"""SigV4 against botocore's own signers: what botocore signs is believed, and nothing else.

Expected behaviour: botocore.auth (the signers that every Python SDK call goes through), and
https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
"""

import hashlib
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.canonical import FORM_LIMIT_HEADERS
from gateway.sigv4 import (
    HEAD_LIMIT_CHARACTERS,
    PRESIGN_LIMIT_S,
    READING,
    SHORT_SKEW_S,
    SKEW_S,
    Claim,
    Reason,
    Refusal,
    format_time,
    read_claim,
    signing_key,
    verify,
)

ACCESS_KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

_text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
_header_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(str.strip)
_paths = st.lists(_text, max_size=4).map(lambda parts: "/" + "/".join(quote(part, safe="~") for part in parts))
_queries = st.lists(st.tuples(_text.filter(lambda name: not name.startswith("X-Amz-")), _text), max_size=4).map(
    lambda pairs: "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs))
_requests = st.fixed_dictionaries({
    "method": st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    "path": _paths,
    "query": _queries,
    "headers": st.dictionaries(
        st.sampled_from(["content-type", "x-amz-target", "x-amz-meta-a", "range", "x-custom"]), _header_text),
    "body": st.binary(max_size=200),
    "token": st.sampled_from(["", "FwoGZXIvYXdzEBc/+=="]),
})


class Sent:
    """A request as it comes over the wire once botocore has signed it."""

    def __init__(self, request: AWSRequest) -> None:
        prepared = request.prepare()
        parts = urlsplit(prepared.url)
        self.method: str = prepared.method
        self.path = parts.path or "/"
        self.query = parts.query
        self.headers = {name.lower(): _as_text(value) for name, value in prepared.headers.items()}
        self.headers.setdefault("host", parts.netloc)
        body: Any = prepared.body
        self.body: bytes = body.encode() if isinstance(body, str) else body or b""

    def verify(self, secret: str = SECRET, now: float | None = None) -> Claim:
        claim = read_claim(self.query, self.headers)
        assert claim is not None
        verify(claim, secret, self.method, self.path, self.query, self.headers, self.body,
               now or _signed_at(claim.timestamp))
        return claim


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value


def sign(signer: Any, service: str, *, method: str = "POST", path: str = "/", query: str = "",
         headers: dict[str, str] | None = None, body: bytes = b"", token: str = "", **options: Any) -> Sent:
    url = f"http://localhost:4566{path}{'?' + query if query else ''}"
    request = AWSRequest(method, url, headers=dict(headers or {}), data=body)
    signer(Credentials(ACCESS_KEY, SECRET, token or None), service, "us-east-1", **options).add_auth(request)
    return Sent(request)


# Whatever botocore signs in the header form is believed, for S3 (paths encoded once) and everyone else (twice).
@settings(max_examples=150, deadline=None)
@given(case=_requests, s3=st.booleans())
def test_header_form_agrees_with_botocore(case: dict[str, Any], s3: bool) -> None:
    sent = sign(S3SigV4Auth if s3 else SigV4Auth, "s3" if s3 else "dynamodb", **case)
    claim = sent.verify()
    assert claim.signer[:4] == (ACCESS_KEY, claim.timestamp[:8], "us-east-1", "s3" if s3 else "dynamodb")
    assert claim.token == case["token"]


# The same for presigned URLs. (S3's presigned bodies are not signed; everyone else's are empty.)
@settings(max_examples=100, deadline=None)
@given(case=_requests, s3=st.booleans(), expires=st.integers(1, PRESIGN_LIMIT_S))
def test_presigned_form_agrees_with_botocore(case: dict[str, Any], s3: bool, expires: int) -> None:
    case = {**case, "body": b"", "headers": {}}
    sent = sign(S3SigV4QueryAuth if s3 else SigV4QueryAuth, "s3" if s3 else "sts", expires=expires, **case)
    claim = sent.verify()
    assert (claim.presigned, claim.expires_s, claim.token) == (True, expires, case["token"])


# Any one byte changed in what was signed (method, path, query, a signed header, the body, the signature) is refused;
# but S3 does not look at the body of a read.
@settings(max_examples=200, deadline=None)
@given(case=_requests, s3=st.booleans(), part=st.sampled_from(["method", "path", "query", "header", "body", "auth"]),
       place=st.integers(0, 10_000), flip=st.integers(1, 127))
def test_tampering_is_refused(case: dict[str, Any], s3: bool, part: str, place: int, flip: int) -> None:
    sent = sign(S3SigV4Auth if s3 else SigV4Auth, "s3" if s3 else "dynamodb", **case)
    if part == "method":
        sent.method = {"GET": "PUT"}.get(sent.method, "GET")
    elif part == "path":
        sent.path += "x"
    elif part == "query":
        sent.query = f"{sent.query}&x=1" if sent.query else "x=1"
    elif part == "header":
        name = sorted(set(sent.headers) & {"host", "x-amz-date", *case["headers"]})[place % 2]
        sent.headers[name] += "x"
    elif part == "body":
        at = place % (len(sent.body) + 1)
        sent.body = sent.body[:at] + bytes([flip]) + sent.body[at + 1:] if at < len(sent.body) else sent.body + b"x"
        if sent.body == case["body"] or (s3 and sent.method in READING):
            return                                                   # the flip was no change, or nobody's
    else:
        head, _, signature = sent.headers["authorization"].rpartition("=")
        at = place % len(signature)
        changed = signature[:at] + ("0" if signature[at] != "0" else "1") + signature[at + 1:]
        sent.headers["authorization"] = f"{head}={changed}"
    with pytest.raises(Refusal):
        sent.verify()


# Another secret, however close, is refused; so is a header that changes the meaning and was not signed.
@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], SECRET + "x", SECRET.lower()])
def test_another_secret_is_refused(secret: str) -> None:
    with pytest.raises(Refusal) as caught:
        sign(SigV4Auth, "dynamodb").verify(secret)
    assert caught.value.reason is Reason.MISMATCH


@pytest.mark.parametrize(("service", "signer", "header"), [
    ("dynamodb", SigV4Auth, "x-amz-target"), ("dynamodb", SigV4Auth, "x-amz-security-token"),
    ("s3", S3SigV4Auth, "x-amz-meta-added"), ("s3", S3SigV4Auth, "x-amz-acl"),
])
def test_unsigned_headers_are_refused(service: str, signer: Any, header: str) -> None:
    sent = sign(signer, service)
    sent.headers[header] = "added on the way"
    with pytest.raises(Refusal) as caught:
        sent.verify()
    assert caught.value.reason is Reason.UNSIGNED_HEADERS


class _HashUnsigned(S3SigV4Auth):
    def headers_to_sign(self, request: Any) -> Any:
        signed = super().headers_to_sign(request)
        del signed["x-amz-content-sha256"]
        return signed


# The hash of the payload binds also where its header is not among the signed: the canonical request ends in it. AWS
# takes that, as Scality found (Arsenal's pull request 2590) and ds_proxy (164).
def test_the_payloads_hash_need_not_be_a_signed_header() -> None:
    sent = sign(_HashUnsigned, "s3", method="PUT", path="/b/k", body=b"body")
    assert "x-amz-content-sha256" not in sent.headers["authorization"]
    sent.verify()
    sent.body = b"another"
    sent.headers["x-amz-content-sha256"] = hashlib.sha256(sent.body).hexdigest()
    with pytest.raises(Refusal) as caught:
        sent.verify()
    assert caught.value.reason is Reason.MISMATCH


# Clocks: 15 minutes, 5 for KMS, Lambda, Route 53 and CloudWatch (measured on AWS), with AWS's sentence.
@pytest.mark.parametrize(("service", "skew_s"), [
    ("dynamodb", SKEW_S), ("sts", SKEW_S), ("kms", SHORT_SKEW_S), ("lambda", SHORT_SKEW_S),
    ("route53", SHORT_SKEW_S), ("monitoring", SHORT_SKEW_S),
])
def test_clock_skew(service: str, skew_s: int) -> None:
    sent = sign(SigV4Auth, service)
    signed_at = _signed_at(sent.headers["x-amz-date"])
    for now in (signed_at, signed_at + skew_s, signed_at - skew_s):
        sent.verify(now=now)
    with pytest.raises(Refusal) as late:
        sent.verify(now=signed_at + skew_s + 1)
    timestamp = sent.headers["x-amz-date"]
    assert late.value.reason is Reason.EXPIRED
    assert late.value.detail == (
        f"Signature expired: {timestamp} is now earlier than {format_time(signed_at + 1)} "
        f"({format_time(signed_at + skew_s + 1)} - {skew_s // 60} min.)")
    with pytest.raises(Refusal) as early:
        sent.verify(now=signed_at - skew_s - 1)
    assert early.value.reason is Reason.NOT_YET
    assert early.value.detail.startswith(f"Signature not yet current: {timestamp} is still later than ")


def _signed_at(timestamp: str) -> int:
    import calendar

    return calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))


# A presigned URL lives as long as it says, and a week at most.
def test_presigned_lifetime() -> None:
    sent = sign(S3SigV4QueryAuth, "s3", method="GET", path="/bucket/key", expires=60)
    claim = sent.verify()
    signed_at = time.time()
    with pytest.raises(Refusal) as caught:
        sent.verify(now=signed_at + 62)
    assert caught.value.reason is Reason.PRESIGN_EXPIRED
    with pytest.raises(Refusal) as caught:
        verify(claim, None, "GET", "/bucket/key", sent.query, sent.headers, b"", signed_at + 62)
    assert caught.value.reason is Reason.PRESIGN_EXPIRED
    for expires in (PRESIGN_LIMIT_S + 1, -1):
        with pytest.raises(Refusal) as caught:
            sign(S3SigV4QueryAuth, "s3", method="GET", expires=expires).verify()
        assert caught.value.reason is Reason.QUERY_PARAMETERS


# AWS's own words for what an Authorization header lacks.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CommonErrors.html and answers of AWS.
@pytest.mark.parametrize(("authorization", "sentence"), [
    ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=a", "Authorization header requires 'Credential' parameter."),
    ("AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request, SignedHeaders=host",
     "Authorization header requires 'Signature' parameter."),
    ("AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request, Signature=a",
     "Authorization header requires 'SignedHeaders' parameter."),
    ("AWS4-HMAC-SHA256 Credential=a/r/s/aws4_request, SignedHeaders=host, Signature=a",
     "Credential must have exactly 5 slash-delimited elements"),
])
def test_incomplete_headers(authorization: str, sentence: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_claim("", {"authorization": authorization, "x-amz-date": "20260101T000000Z"})
    assert caught.value.reason is Reason.INCOMPLETE
    assert sentence in caught.value.detail


# Forms we do not verify are refused as such, never taken for anonymous.
@pytest.mark.parametrize(("query", "headers", "reason"), [
    ("", {"authorization": "AWS4-ECDSA-P256-SHA256 Credential=a"}, Reason.MECHANISM),
    ("", {"authorization": "Basic dGVzdDp0ZXN0"}, Reason.MECHANISM),
    ("", {"authorization": "Bearer abc"}, Reason.BEARER),
    ("X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Signature=0", {}, Reason.MECHANISM),
    ("X-Amz-Algorithm=AWS4&X-Amz-Credential=a%2F20260101%2Fr%2Fs3%2Faws4_request", {}, Reason.QUERY_PARAMETERS),
    ("X-Amz-Signature=0", {}, Reason.QUERY_PARAMETERS),
])
def test_other_forms_are_refused(query: str, headers: dict[str, str], reason: Reason) -> None:
    with pytest.raises(Refusal) as caught:
        read_claim(query, headers)
    assert caught.value.reason is reason


@pytest.mark.parametrize("more", [{}, {"authorization": ""}])
def test_no_signature_is_no_claim(more: dict[str, str]) -> None:
    assert read_claim("Action=ListUsers&X-Amz-Foo=1", {"host": "localhost", **more}) is None


# Whatever bytes an Authorization header or a query holds: a claim or a Refusal, and no claim of them verifies.
@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=120) | st.from_regex(
    r"AWS4-HMAC-SHA256 Credential=[^,]{0,20}(/[0-9a-z_]{0,12}){4}, ?SignedHeaders=[a-z;-]{0,20}, ?Signature=.{0,70}",
    fullmatch=True), date=st.text(max_size=20) | st.just("20260101T000000Z"), in_query=st.booleans())
def test_random_claims_are_refused(text: str, date: str, in_query: bool) -> None:
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={text}&X-Amz-Date={date}" if in_query else ""
    headers = {"x-amz-date": date} if in_query else {"authorization": text, "x-amz-date": date, "date": text}

    assume(in_query or text)

    def believe() -> None:
        claim = read_claim(query, headers)
        assert claim is not None
        verify(claim, SECRET, "GET", "/", query, headers, b"", time.time())

    with pytest.raises(Refusal):
        believe()


# AWS's published key-derivation example.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (deriving a signing key)
def test_signing_key_matches_hmac() -> None:
    import hashlib
    import hmac

    key = b"AWS4" + SECRET.encode()
    for part in ("20150830", "us-east-1", "iam", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, b"text", hashlib.sha256).hexdigest()
    assert signing_key(SECRET, "20150830", "us-east-1", "iam").sign("text") == expected


# AWS's own test suite for Signature Version 4, as botocore and other SDKs carry it: one key, one time, one host.
VECTORS = [
    ("GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "/example/..", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "/./", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "//", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("GET", "/\u1234", "", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    ("GET", "/example space/", "", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"),
    ("GET", "/", "Param1=value1", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
    ("GET", "/", "Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("GET", "/", "%E1%88%B4=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    ("POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("POST", "/", "Param1=value1", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
]


@pytest.mark.parametrize(("method", "path", "query", "signature"), VECTORS)
def test_awss_vectors(method: str, path: str, query: str, signature: str) -> None:
    headers = {
        "host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                         f"SignedHeaders=host;x-amz-date, Signature={signature}",
    }
    claim = read_claim(query, headers)
    assert claim is not None
    verify(claim, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", method, path, query, headers, b"",
           _signed_at("20150830T123600Z"))


def test_many_signed_headers() -> None:
    """More than are remembered, of the names and of the header that lists them: verified all the same."""
    headers = {f"x-custom-{number}": str(number) for number in range(2 * FORM_LIMIT_HEADERS)}
    sent = sign(SigV4Auth, "dynamodb", headers=headers)
    assert len(sent.headers["authorization"]) > HEAD_LIMIT_CHARACTERS
    sent.verify()
    sent.headers["x-custom-7"] = "8"
    with pytest.raises(Refusal) as caught:
        sent.verify()
    assert caught.value.reason is Reason.MISMATCH
