"""Who signed this request? AWS Signature Version 4: read the claim, recompute the signature, compare.

Holds the header form, the presigned (query) form and the seed of the chunked forms; chunk signatures are checked in
bodies.py with the same key. Knows no service names beyond the three facts below, no accounts and no error codes: it
raises Refusal, which refusals.py puts into a service's own words.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html and, for S3's differences,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

import time
from calendar import timegm
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from gateway.canonical import Form, canonical_request, form_of
from gateway.s3 import scopes

ALGORITHM = "AWS4-HMAC-SHA256"
_SCHEME = f"{ALGORITHM} "                 # another character behind it makes it another scheme
_ECDSA = "AWS4-ECDSA-P256-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING = frozenset({STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER})

SKEW_S = 15 * 60
SHORT_SKEW_S = 5 * 60
SHORT_SKEW_SERVICES = frozenset({"kms", "lambda", "route53", "monitoring"})    # measured: ministack issue 1745
PRESIGN_LIMIT_S = 7 * 24 * 3600
KEY_CACHE_COUNT = 1024
CLAIM_LIMIT_CHARACTERS = 8192
HEAD_LIMIT_CHARACTERS = 1024              # before a signature, if they are to be remembered; SDKs write 150 to 400

# Signing names whose paths are encoded once, never normalised, and whose payload may stay unsigned.
READING = frozenset({"GET", "HEAD"})
S3_LIKE = frozenset({"s3", "s3express", "s3-outposts", "s3-object-lambda"})

# Of S3's own headers; any other x-amz-* must be signed.
_MAY_BE_UNSIGNED = frozenset({"x-amz-content-sha256", "x-amz-user-agent"})
_EMPTY_HASH = sha256(b"").hexdigest()
_HEX = frozenset("0123456789abcdef")
_new = tuple.__new__                      # half the time of a named tuple's own constructor


class Reason(Enum):
    """Why a request is refused. refusals.py gives each its code in every dialect."""

    INCOMPLETE = "incomplete"                       # the Authorization header lacks or garbles something
    QUERY_PARAMETERS = "query parameters"           # the same for the presigned form
    MECHANISM = "mechanism"                         # not AWS4-HMAC-SHA256
    BEARER = "bearer"
    MISSING = "missing"                             # no authentication where some is needed
    DATE = "date"                                   # none says when it was signed, or one that nobody can read
    UNKNOWN_KEY = "unknown key"
    INVALID_TOKEN = "invalid token"  # noqa: S105 - a reason; the session token is missing or another key's
    EXPIRED_TOKEN = "expired token"  # noqa: S105 - a reason
    MISMATCH = "mismatch"                           # the signature is not ours
    SCOPE = "scope"                                 # signed for another service
    EXPIRED = "expired"
    NOT_YET = "not yet"
    PRESIGN_EXPIRED = "presign expired"
    PRESIGN_NOT_YET = "presign not yet"
    UNSIGNED_HEADERS = "unsigned headers"
    CONTENT_HASH_MISSING = "content hash missing"
    CONTENT_HASH_FORM = "content hash form"
    CONTENT_MISMATCH = "content mismatch"


class Refusal(Exception):
    """This request is not believed. `detail` is AWS's sentence where the reason alone does not give it, `s3` the one
    that S3 says instead."""

    def __init__(self, reason: Reason, detail: str = "", *, s3: str = "", **fields: Any) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.s3 = s3
        self.fields = fields


class Signer(NamedTuple):
    """The Credential of a claim: whose key, and for what it was derived."""

    access_key: str
    date: str                                       # YYYYMMDD
    region: str
    service: str                                    # signing name
    scope: str                                      # date/region/service/aws4_request


class Claim(NamedTuple):
    """What a request says about its signer; nothing in it is proven before `verify`."""

    signer: Signer
    signed_headers: tuple[str, ...]                 # lower-case, in the order in which they were signed
    signature: str                                  # hex
    timestamp: str                                  # YYYYMMDDTHHMMSSZ
    token: str = ""                                 # session token
    expires_s: int | None = None                    # presigned form only
    presigned: bool = False
    content_hash: str = ""                          # x-amz-content-sha256, "" when absent
    form: bool = False                              # it is of a form's policy


class SigningKey:
    """The key of one secret, day, region and service: HMAC-SHA256 with its two key blocks hashed beforehand,
    which costs a quarter of hmac.digest (1.1 against 4.2 us for 140 bytes)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        assert len(key) <= 64, "a longer key would have to be hashed first (RFC 2104)"
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes([byte ^ 0x36 for byte in block]))
        self._outer = sha256(bytes([byte ^ 0x5C for byte in block]))

    def sign(self, text: str) -> str:
        """The signature of `text`, in hex."""
        inner = self._inner.copy()
        inner.update(text.encode("utf-8", "surrogateescape"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def read_claim(query: str, headers: Mapping[str, str]) -> Claim | None:
    """The claim in the headers or the raw query string; None for an anonymous request. Refusal."""
    authorization = headers.get("authorization")
    if authorization:
        return _header_claim(authorization, headers)
    if "X-Amz-" in query and ("X-Amz-Signature=" in query or "X-Amz-Algorithm=" in query):
        return _query_claim(query, headers)
    return None


def verify(
    claim: Claim, secret: str | None, method: str, path: str, query: str, headers: Mapping[str, str],
    body: bytes | None, now: float,
) -> None:
    """Returns when `secret` made the claim's signature over this request; raises Refusal otherwise.

    `path` and `query` are as they came over the wire, `headers` have lower-case names, `body` is as sent (before any
    decoding; None: it proves itself as it passes). `secret` None: the key is accepted unverified (open mode), and
    only a presigned URL's lifetime is looked at.
    """
    _check_time(claim, now, secret is not None)
    if secret is None:
        return
    signer, form = claim.signer, form_of(claim.signed_headers)
    s3 = signer.service in S3_LIKE
    if signer.date != claim.timestamp[:8]:
        raise _other_day(claim)
    payload = _payload_hash(claim, body, s3, reads=method in READING)
    canonical = canonical_request(form, method, path, query, headers, payload, s3=s3, presigned=claim.presigned)
    to_sign = f"{ALGORITHM}\n{claim.timestamp}\n{signer.scope}\n{sha256(canonical).hexdigest()}"
    expected = signing_key(secret, signer.date, signer.region, signer.service).sign(to_sign)
    if not same(expected, claim.signature):
        raise Refusal(
            Reason.MISMATCH, AWSAccessKeyId=signer.access_key, StringToSign=to_sign, SignatureProvided=claim.signature,
            StringToSignBytes=told_bytes(to_sign), CanonicalRequest=canonical.decode("utf-8", "replace"),
            CanonicalRequestBytes=canonical.hex(" "),
        )
    _check_coverage(form, headers, s3)


def same(expected: str, given: str) -> bool:
    """In constant time, whatever characters the client sent; `expected` is ASCII."""
    return given.isascii() and compare_digest(expected, given)


def told_bytes(text: str) -> str:
    """As S3 shows what was signed: two hexadecimal digits a byte."""
    return text.encode("utf-8", "surrogateescape").hex(" ")


@lru_cache(maxsize=KEY_CACHE_COUNT)
def signing_key(secret: str, date: str, region: str, service: str) -> SigningKey:
    """Derived once; the cache holds the KEY_CACHE_COUNT latest."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac_digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return SigningKey(key)


def _header_claim(authorization: str, headers: Mapping[str, str]) -> Claim:
    if not authorization.startswith(_SCHEME):
        raise _unsupported(authorization)
    if len(authorization) > CLAIM_LIMIT_CHARACTERS:
        raise Refusal(Reason.INCOMPLETE, "Authorization header is too long.")
    head, name, signature = authorization.rpartition("Signature=")
    if not name:
        head, signature = authorization, ""
    elif "," in signature:                          # not in the order every SDK writes
        head, _, tail = authorization.partition("Signature=")
        signature, _, rest = tail.partition(",")
        head += rest
    signature = signature.strip()
    timestamp = headers["x-amz-date"] if "x-amz-date" in headers else _from_date(headers.get("date", ""))
    read = _remembered_head if len(head) <= HEAD_LIMIT_CHARACTERS else _head
    signer, signed_headers = read(head, bool(name and signature), bool(timestamp))
    _check_date(timestamp, Reason.DATE)
    return _new(Claim, (
        signer, signed_headers, signature, timestamp, headers.get("x-amz-security-token", ""), None, False,
        headers.get("x-amz-content-sha256", ""), False))


def _head(head: str, signature: bool, timestamp: bool) -> tuple[Signer, tuple[str, ...]]:
    """Credential and SignedHeaders of an Authorization header."""
    parts = {}
    for part in head.removeprefix(ALGORITHM).split(","):
        name, _, value = part.partition("=")
        parts[name.strip()] = value.strip()
    needed = {"Credential": parts.get("Credential"), "Signature": signature,
              "SignedHeaders": parts.get("SignedHeaders")}
    sentences = [f"Authorization header requires '{name}' parameter." for name, value in needed.items() if not value]
    if not timestamp:
        sentences.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if sentences:
        reason = Reason.INCOMPLETE if timestamp else Reason.DATE
        raise Refusal(reason, f"{' '.join(sentences)} Authorization={ALGORITHM}", s3=_component_fault(head, signature))
    return _credential(parts["Credential"], Reason.INCOMPLETE), tuple(parts["SignedHeaders"].split(";"))


def _component_fault(head: str, signature: bool) -> str:
    """In S3's words; the signature itself has been cut out of `head`."""
    text = f"{head.removeprefix(ALGORITHM)},{'Signature=given' if signature else ''}"
    components = [component.strip() for component in text.split(",")]
    return scopes.IN_HEADER + scopes.component_fault([component for component in components if component])


_remembered_head = lru_cache(KEY_CACHE_COUNT)(_head)       # a client repeats its own all day

_QUERY_NAMES = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders")


def _query_claim(query: str, headers: Mapping[str, str]) -> Claim:
    parameters = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name.startswith("X-Amz-"):
            parameters[name] = unquote_to_bytes(value).decode("utf-8", "surrogateescape")
    algorithm = parameters.get("X-Amz-Algorithm", "")
    s3 = parameters.get("X-Amz-Credential", "").rsplit("/", 2)[-2:-1] == ["s3"]
    if algorithm and algorithm != ALGORITHM:
        supported = ALGORITHM if algorithm == _ECDSA else f"{ALGORITHM} and {_ECDSA}"      # what S3 supports
        raise _unsupported(algorithm) if not s3 else Refusal(
            Reason.QUERY_PARAMETERS, f'X-Amz-Algorithm only supports "{supported}"')
    if not all(parameters.get(name) for name in _QUERY_NAMES) or (s3 and "X-Amz-Expires" not in parameters):
        raise Refusal(
            Reason.QUERY_PARAMETERS, "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
    signer = _credential(parameters["X-Amz-Credential"], Reason.QUERY_PARAMETERS)
    _check_date(parameters["X-Amz-Date"], Reason.QUERY_PARAMETERS)
    return Claim(
        signer, tuple(parameters["X-Amz-SignedHeaders"].split(";")), parameters["X-Amz-Signature"],
        parameters["X-Amz-Date"], parameters.get("X-Amz-Security-Token", "") or headers.get("x-amz-security-token", ""),
        _expires(parameters.get("X-Amz-Expires")), True,
        headers.get("x-amz-content-sha256") or parameters.get("X-Amz-Content-Sha256", ""),
    )


def _unsupported(authorization: str) -> Refusal:
    argument = {"ArgumentName": "Authorization", "ArgumentValue": authorization}
    if authorization.startswith("Bearer "):
        return Refusal(Reason.BEARER, **argument)
    if authorization.startswith(_ECDSA):
        return Refusal(Reason.MECHANISM, "Skybus does not verify AWS4-ECDSA-P256-SHA256 (SigV4A) signatures. "
                                         "Please use AWS4-HMAC-SHA256.", **argument)
    return Refusal(Reason.MECHANISM, s3="" if " " in authorization else scopes.ONE_SPACE, **argument)


def _credential(credential: str, reason: Reason) -> Signer:
    """`keyid/date/region/service/aws4_request`; the key id itself may hold no slash."""
    elements = credential.split("/")
    of_s3 = len(elements) == 5 and elements[3] in S3_LIKE
    fault = scopes.credential_fault(elements, S3_LIKE)
    if len(elements) != 5 or elements[4] != scopes.TERMINAL or (of_s3 and fault):
        where = scopes.IN_HEADER if reason is Reason.INCOMPLETE else scopes.IN_QUERY
        raise Refusal(reason, "Credential must have exactly 5 slash-delimited elements, e.g. "
                              f"keyid/date/region/service/term, got '{credential}'", s3=where + fault)
    access_key, date, region, service, _ = elements
    return Signer(access_key, date, region, service, credential.partition("/")[2])


def _check_date(timestamp: str, reason: Reason) -> None:
    if (_epoch_s(timestamp) or 0) <= 0:             # none, or before there were any
        raise Refusal(reason, "Date must be in ISO-8601 'basic format'. "
                              f"Got '{timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601", s3=scopes.LONG_DATE)


def _other_day(claim: Claim) -> Refusal:
    """The key was derived for another day than that on which it signed. S3 has words of its own for it."""
    date, day = claim.signer.date, claim.timestamp[:8]
    if claim.signer.service not in S3_LIKE:
        return Refusal(Reason.MISMATCH, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                                        f"date from HTTP: '{date}' != '{day}', from '{claim.timestamp}'.")
    if claim.presigned:
        return Refusal(Reason.QUERY_PARAMETERS, f'Invalid credential date "{date}". This date is not the same as '
                                                f'X-Amz-Date: "{day}".')
    return Refusal(Reason.INCOMPLETE, f"{scopes.IN_HEADER}Invalid credential date. Date is not the same as X-Amz-Date.")


def _from_date(date: str) -> str:
    """A Date header (RFC 9110, or already ISO 8601) in the form that was signed; "" when there is none."""
    if not date or _epoch_s(date) is not None:
        return date
    try:
        parsed = parsedate_to_datetime(date)
        return format_time(parsed.timestamp())
    except (ValueError, OverflowError, OSError):
        return date


def _expires(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 12):
        raise Refusal(Reason.QUERY_PARAMETERS, "X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 0:
        raise Refusal(Reason.QUERY_PARAMETERS, "X-Amz-Expires must be non-negative")
    if seconds > PRESIGN_LIMIT_S:
        raise Refusal(Reason.QUERY_PARAMETERS, "X-Amz-Expires must be less than a week (in seconds); that is, the "
                                               f"given X-Amz-Expires must be less than {PRESIGN_LIMIT_S} seconds")
    return seconds


def format_time(epoch_s: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(epoch_s))


@lru_cache(maxsize=1024)
def _epoch_s(timestamp: str) -> int | None:
    """Seconds since the epoch of `YYYYMMDDTHHMMSSZ`; None when it is not of that form."""
    if len(timestamp) != 16 or timestamp[8] != "T" or timestamp[15] != "Z" or not timestamp.isascii():
        return None
    digits = timestamp[:8] + timestamp[9:15]
    if not digits.isdigit():
        return None
    try:
        return timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def signed_at(claim: Claim) -> int:
    """In seconds since the epoch."""
    moment = _epoch_s(claim.timestamp)
    assert moment is not None, "read_claim has checked the form"
    return moment


def _check_time(claim: Claim, now: float, verified: bool) -> None:
    moment = signed_at(claim)
    if verified and claim.expires_s is None and -SHORT_SKEW_S <= now - moment <= SHORT_SKEW_S:
        return                                      # nearly all there are
    skew_s = SHORT_SKEW_S if claim.signer.service in SHORT_SKEW_SERVICES else SKEW_S
    lifetime_s = skew_s if claim.expires_s is None else claim.expires_s
    presigned = claim.expires_s is not None
    if not (verified or presigned):
        return
    if now > moment + lifetime_s:
        raise Refusal(
            Reason.PRESIGN_EXPIRED if presigned else Reason.EXPIRED,
            f"Signature expired: {claim.timestamp} is now earlier than {format_time(now - lifetime_s)} "
            f"({format_time(now)} - {lifetime_s // 60} min.)", **_clocks(claim, now),
        )
    if moment > now + skew_s:
        raise Refusal(
            Reason.PRESIGN_NOT_YET if presigned else Reason.NOT_YET,
            f"Signature not yet current: {claim.timestamp} is still later than {format_time(now + skew_s)} "
            f"({format_time(now)} + {skew_s // 60} min.)", **_clocks(claim, now),
        )


def _clocks(claim: Claim, now: float) -> dict[str, str]:
    """What S3 tells of both clocks."""
    if claim.expires_s is None:
        return {"RequestTime": claim.timestamp, "ServerTime": _clock(now),
                "MaxAllowedSkewMilliseconds": str(SKEW_S * 1000)}
    return {"X-Amz-Expires": str(claim.expires_s), "Expires": _clock(signed_at(claim) + claim.expires_s),
            "ServerTime": _clock(now)}


def _clock(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))


def _payload_hash(claim: Claim, body: bytes | None, s3: bool, *, reads: bool) -> str:
    """The last line of the canonical request, checked against the body where it speaks of it; of a read, whose body is
    nothing, S3 does not ask."""
    stated = claim.content_hash
    if not stated:
        if s3 and claim.presigned:
            return UNSIGNED_PAYLOAD
        if s3:
            raise Refusal(Reason.CONTENT_HASH_MISSING)
        return sha256(body).hexdigest() if body else _EMPTY_HASH
    if stated == UNSIGNED_PAYLOAD or stated in STREAMING:
        return stated
    computed = stated if body is None else sha256(body).hexdigest() if body else _EMPTY_HASH
    if body is None or computed != stated:
        lower = stated.lower()
        if (len(lower) != 64 or not _HEX.issuperset(lower)) and not (s3 and claim.presigned):
            raise Refusal(Reason.CONTENT_HASH_FORM, ArgumentName="x-amz-content-sha256", ArgumentValue=stated)
        if computed.lower() != lower and not (s3 and reads):
            raise Refusal(Reason.CONTENT_MISMATCH, ClientComputedContentSHA256=stated,
                          S3ComputedContentSHA256=computed)
    return stated


def _check_coverage(form: Form, headers: Mapping[str, str], s3: bool) -> None:
    """A header that changes the request's meaning must be signed: for S3 every x-amz-* but the payload's hash, in which
    a canonical request ends anyway; elsewhere the binding ones."""
    if "host" not in form.signed:
        raise Refusal(Reason.INCOMPLETE, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    bound = form.loose if not s3 else [
        name for name in headers
        if name.startswith("x-amz-") and name not in form.signed and name not in _MAY_BE_UNSIGNED
    ]
    if bound and (unsigned := [name for name in bound if name in headers]):
        raise Refusal(Reason.UNSIGNED_HEADERS, HeadersNotSigned=", ".join(unsigned))
