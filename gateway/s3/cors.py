"""Which pages a bucket's CORS configuration lets in, as S3 evaluates it, and what S3 says to the others.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html; headers and errors as AWS answered them in
LocalStack's snapshots (test_s3_cors.snapshot.json), ceph/s3-tests (test_cors_*) and versitygw's tests.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.errors import AwsError

METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
NOT_ENABLED = "CORSResponse: CORS is not enabled for this bucket."
NOT_FOUND = "CORSResponse: Bucket not found"
NOT_ALLOWED = ("CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
               "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted "
               "by the resource's CORS spec.")

Rule = Mapping[str, Any]
_is_name = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]*").fullmatch       # of RFC 9110's tokens; nothing is none


class AccessForbidden(AwsError):
    """`resource`: BUCKET or OBJECT."""

    code = "AccessForbidden"

    def __init__(self, why: str, method: str, resource: str) -> None:
        super().__init__(why, status=403, Method=method, ResourceType=resource)


class BadRequest(AwsError):
    code = "BadRequest"

    def __init__(self, why: str) -> None:
        super().__init__(why, status=400)


def check_preflight(headers: Mapping[str, str]) -> None:
    """BadRequest for what no page would send, whatever the bucket allows."""
    method = headers.get("access-control-request-method", "GET")
    if method not in METHODS:
        raise BadRequest(f"Invalid Access-Control-Request-Method: {method}")
    for name in headers.get("access-control-request-headers", "").split(","):
        if not _is_name(name.strip()):
            raise BadRequest(f'Access-Control-Request-Headers "{name}" contains invalid character.')


def check_method(headers: Mapping[str, str]) -> None:
    """BadRequest: a preflight says what for."""
    if "access-control-request-method" not in headers:
        raise BadRequest("Invalid Access-Control-Request-Method: null")


def grants(rules: Sequence[Rule], method: str, headers: Mapping[str, str]) -> dict[str, str] | None:
    """The headers by the first rule that lets this request in, a preflight or the one that follows; None: none does.

    S3 reads the headers of a preflight in every request.
    """
    origin = headers["origin"]
    method = headers.get("access-control-request-method", method)
    asked = [name.strip().lower() for name in headers.get("access-control-request-headers", "").split(",")
             if name.strip()]
    rule = next((rule for rule in rules if _matches(rule, origin, method, asked)), None)
    return None if rule is None else _headers(rule, origin, asked)


def _matches(rule: Rule, origin: str, method: str, asked: Iterable[str]) -> bool:
    allowed = [pattern.lower() for pattern in rule.get("AllowedHeaders") or ()]
    return method in rule["AllowedMethods"] \
        and any(_fits(pattern, origin) for pattern in rule["AllowedOrigins"]) \
        and all(any(_fits(pattern, name) for pattern in allowed) for name in asked)


def _fits(pattern: str, text: str) -> bool:
    """`pattern` has one `*` at most, which stands for anything."""
    before, star, after = pattern.partition("*")
    if not star:
        return pattern == text
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


def _headers(rule: Rule, origin: str, asked: Sequence[str]) -> dict[str, str]:
    anyone = "*" in rule["AllowedOrigins"]
    headers = {"Access-Control-Allow-Origin": "*" if anyone else origin,
               "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]), "Vary": VARY}
    if not anyone:
        headers["Access-Control-Allow-Credentials"] = "true"
    if asked:
        headers["Access-Control-Allow-Headers"] = ", ".join(asked)
    if rule.get("ExposeHeaders"):
        headers["Access-Control-Expose-Headers"] = ", ".join(rule["ExposeHeaders"])
    if rule.get("MaxAgeSeconds") is not None:
        headers["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    return headers
