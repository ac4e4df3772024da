"""S3's CORS rules, and what pages may ask of buckets in both modes."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.s3 import cors
from tests.gateway.running import Running, ask, http, run, running, signed

ORIGIN = "https://app.example"
RULE = {"AllowedOrigins": [ORIGIN], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"], "MaxAgeSeconds": 3000}

_words = st.text("ab:/.*-", max_size=6)


# One `*` at most, for any text, also none: ceph/s3-tests' test_cors_origin_response. The twin is a regular expression.
@given(_words.filter(lambda text: text.count("*") < 2), _words)
def test_origins(pattern: str, origin: str) -> None:
    rules = [{"AllowedOrigins": [pattern], "AllowedMethods": ["GET"]}]
    expected = re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), origin) is not None
    assert (cors.grants(rules, "GET", {"origin": origin}) is not None) == expected


# As AWS answered in LocalStack's snapshots: test_cors_match_origins, …_methods, …_headers, test_cors_expose_headers.
@pytest.mark.parametrize(("rule", "method", "headers", "granted"), [
    (RULE, "GET", {}, {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Allow-Credentials": "true",
                       "Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Max-Age": "3000"}),
    ({**RULE, "AllowedOrigins": ["*"], "MaxAgeSeconds": 0, "ExposeHeaders": ["ETag", "x-amz-id-2"]}, "PUT", {},
     {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Max-Age": "0",
      "Access-Control-Expose-Headers": "ETag, x-amz-id-2"}),
    (RULE, "DELETE", {}, None),
    (RULE, "GET", {"access-control-request-method": "POST"}, None),      # S3 reads it in every request
    ({**RULE, "AllowedHeaders": ["x-AMZ-*", "etag"]}, "GET", {"access-control-request-headers": "X-Amz-Date,ETag"},
     {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Allow-Credentials": "true",
      "Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Max-Age": "3000",
      "Access-Control-Allow-Headers": "x-amz-date, etag"}),
    ({**RULE, "AllowedHeaders": []}, "GET", {"access-control-request-headers": "x-amz-date"}, None),
    ({**RULE, "AllowedHeaders": ["etag"]}, "GET", {"access-control-request-headers": "etag, x-other"}, None),
])
def test_grants(
    rule: dict[str, Any], method: str, headers: dict[str, str], granted: dict[str, str] | None
) -> None:
    expected = None if granted is None else {**granted, "Vary": cors.VARY}
    assert cors.grants([{**RULE, "AllowedOrigins": ["https://other"]}, rule], method,
                       {"origin": ORIGIN, **headers}) == expected


def tell(gateway: Running, rules: list[dict[str, Any]] | None) -> None:
    document = None if rules is None else {"CORSRules": rules}
    gateway.transport.buckets["bucket"] = {"region": "us-east-1", "document": document}


# The order of S3's questions: is there an origin, are the words that are there some, a bucket, a configuration, a
# method, a rule (LocalStack's snapshots: test_cors_http_options_*, test_cors_match_*;
# test_cors_options_fails_partial_origin for BUCKET; versitygw's tests for words).
@pytest.mark.parametrize(("path", "rules", "headers", "status", "words"), [
    ("/bucket/k", [RULE], {}, 400, ["BadRequest", "Insufficient information. Origin request header needed."]),
    ("/none/k", [RULE], {"origin": ORIGIN}, 403, [cors.NOT_FOUND, "<Method>OPTIONS<", ">BUCKET<"]),
    ("/bucket/k", None, {"origin": ORIGIN}, 403, ["AccessForbidden", cors.NOT_ENABLED, "<Method>OPTIONS<", ">BUCKET<"]),
    ("/bucket/k", [RULE], {"origin": ORIGIN}, 400, ["BadRequest", "Invalid Access-Control-Request-Method: null"]),
    ("/bucket/k", [RULE], {"origin": ORIGIN, "access-control-request-method": "PATCH"}, 400,
     ["BadRequest", "Invalid Access-Control-Request-Method: PATCH"]),
    ("/bucket/k", None, {"origin": ORIGIN, "access-control-request-method": "get"}, 400,
     ["BadRequest", "Invalid Access-Control-Request-Method: get"]),
    *[("/bucket", None, {"origin": ORIGIN, "access-control-request-method": "GET",
                         "access-control-request-headers": f"x-amz-date,{name}"}, 400,
       ["BadRequest", f'Access-Control-Request-Headers "{name}" contains invalid character.'])
      for name in ("a b", "X(Custom)", " Bad/Header", "bad@char")],
    ("/bucket/k", [RULE], {"origin": ORIGIN, "access-control-request-method": "POST"}, 403,
     ["AccessForbidden", "evalution of Origin", "<Method>POST<", ">OBJECT<"]),
    ("/bucket", [RULE], {"origin": "https://x", "access-control-request-method": "GET"}, 403, [">BUCKET<"]),
    ("/bucket/k", [RULE], {"origin": ORIGIN, "access-control-request-method": "GET"}, 200, []),
])
def test_preflights(
    path: str, rules: list[dict[str, Any]] | None, headers: dict[str, str], status: int, words: list[str]
) -> None:
    async def main() -> None:
        async with running() as gateway:
            tell(gateway, rules)
            name, _, rest = path[1:].partition("/")
            for host, target in [("s3.localhost.localstack.cloud:4566", path), (f"{name}.s3.amazonaws.com", f"/{rest}"),
                                 ("127.0.0.1:4566", path)]:
                if (host, name) == ("127.0.0.1:4566", "none"):
                    continue                        # nothing says that S3 is meant
                answer = await ask(gateway, http("OPTIONS", target, {"host": host, **headers}))
                body = answer.body.decode().replace("&apos;", "'")
                assert (answer.status, [word for word in words if word not in body]) == (status, []), (host, body)
                assert answer.headers.get("access-control-allow-origin") == (ORIGIN if status == 200 else None)
                assert "x-amz-request-id" in answer.headers
            assert not gateway.bus.asked

    run(main)


# DESIGN.md, Pages and buckets. `asked`: does the request reach the actor?
@pytest.mark.parametrize(("open_mode", "rules", "key", "origin", "asked", "allowed"), [
    (True, [RULE], True, ORIGIN, True, ORIGIN),
    (True, [RULE], True, "https://evil.example", False, None),          # its scripts know everybody's keys
    (True, [RULE], False, "https://evil.example", True, None),          # nobody in particular: as on AWS
    (True, None, True, ORIGIN, False, None),
    (True, None, True, "http://localhost:3000", True, "http://localhost:3000"),
    (True, [RULE], True, "http://localhost:3000", True, None),          # a configuration decides alone
    (False, [RULE], True, ORIGIN, True, ORIGIN),
    (False, [RULE], True, "https://evil.example", True, None),          # it would need somebody's keys
    (False, None, True, "http://localhost:3000", True, None),
])
def test_requests_of_pages(
    open_mode: bool, rules: list[dict[str, Any]] | None, key: bool, origin: str, asked: bool, allowed: str | None
) -> None:
    async def main() -> None:
        async with running(open_mode=open_mode) as gateway:
            tell(gateway, rules)
            request = signed("s3", "GET", "/bucket/k", {}) if key else http("GET", "/bucket/k", {})
            answer = await ask(gateway, request.replace(b"\r\n", f"\r\norigin: {origin}\r\n".encode(), 1))
            assert (len(gateway.bus.asked), answer.headers.get("access-control-allow-origin")) == (asked, allowed)
            assert answer.status == (200 if asked else 403)

    run(main)


# A page can send a form without asking first, and in open mode sign its policy.
def test_forms_of_pages() -> None:
    async def main() -> None:
        async with running() as gateway:
            tell(gateway, None)
            answer = await ask(gateway, http("POST", "/bucket", {
                "origin": "https://evil.example", "content-type": "multipart/form-data; boundary=x"}, b"--x--"))
            assert answer.status == 403
            assert not gateway.bus.asked

    run(main)
