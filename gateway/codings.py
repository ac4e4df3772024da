"""In what a request's body comes, beside what it is: aws-chunked and gzip, as its headers name them."""

from collections.abc import Mapping

from gateway import bodies
from gateway.protocols import HttpRequest
from gateway.sigv4 import S3_LIKE, STREAMING, Claim, SigningKey, signing_key

CHUNKED, GZIP, TRAILER = "aws-chunked", "gzip", "x-amz-trailer"


def chunked_form(claim: Claim | None, headers: Mapping[str, str]) -> str:
    """The form of aws-chunked that a body comes in, "" where in none. Who signs nothing may send one too."""
    stated = claim.content_hash if claim is not None else headers.get("x-amz-content-sha256", "")
    return stated if stated in STREAMING else ""


def decoded(request: HttpRequest, claim: Claim | None, secret: str) -> HttpRequest:
    """The request with its body out of aws-chunked, or out of gzip where gzip is not the object's own encoding."""
    body = request.body or b""
    headers = without_chunked(request.headers)
    signed_for_s3 = claim is not None and claim.signer.service in S3_LIKE
    form = chunked_form(claim, headers)
    if TRAILER in headers and signed_for_s3 and not form:
        bodies.refuse_trailers(headers)
    if form:
        body, headers = bodies.decode_chunked(body, form, claim, chunk_key(claim, secret), dict(headers))
    codings = _named(headers.get("content-encoding", ""))
    looks_like_s3 = claim is None and request.method != "POST"
    if codings and codings[-1].lower() == GZIP and not (signed_for_s3 or looks_like_s3):
        body = bodies.inflate(body)
        headers = _encoded(headers, codings[:-1])
    return HttpRequest(request.method, request.path, request.query, dict(headers), body)


def chunk_key(claim: Claim | None, secret: str) -> SigningKey | None:
    """That of the chunks' signatures; None where nothing is verified."""
    if claim is None or not secret:
        return None
    signer = claim.signer
    return signing_key(secret, signer.date, signer.region, signer.service)


def without_chunked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """aws-chunked is how a body travels, not what the object is encoded in, even where it does not travel so."""
    codings = _named(headers.get("content-encoding", ""))
    left = [coding for coding in codings if coding.lower() != CHUNKED]
    return headers if left == codings else _encoded(headers, left)


def _encoded(headers: Mapping[str, str], codings: list[str]) -> Mapping[str, str]:
    others = {name: value for name, value in headers.items() if name != "content-encoding"}
    return {**others, "content-encoding": ",".join(codings)} if codings else others


def _named(text: str) -> list[str]:
    return [coding.strip() for coding in text.split(",") if coding.strip()]
