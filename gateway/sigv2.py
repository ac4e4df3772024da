"""S3's old signatures, version 2, which botocore still makes for presigned URLs of us-east-1: in the query
(AWSAccessKeyId, Expires, Signature) or in `Authorization: AWS key:signature`.

They say no region, and of the body nothing that x-amz-content-sha256 does not. Claims are sigv4's, with V2 for a scope.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html; refusals as AWS has them
in ceph/s3-tests (test_headers.py), openstack/swift (test/s3api/test_input_errors.py) and brekkylab/backlot.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from hashlib import sha256
from hmac import digest as hmac_digest
from urllib.parse import unquote

from gateway.sigv4 import (
    READING,
    SKEW_S,
    STREAMING,
    UNSIGNED_PAYLOAD,
    Claim,
    Reason,
    Refusal,
    Signer,
    format_time,
    same,
    told_bytes,
)

V2 = "AWS2"
EXPIRES_LIMIT_DIGITS = 12
# The query parameters that are part of what is signed.
_SIGNED_QUERY = frozenset({
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
    "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
})


def is_header(authorization: str) -> bool:
    return authorization.startswith("AWS ")


def is_query(query: str) -> bool:
    return "AWSAccessKeyId=" in query and "Signature=" in query


def header_claim(authorization: str, headers: Mapping[str, str]) -> Claim:
    """An x-amz-date, even one that nobody can read, is what says when. Refusal."""
    key, colon, signature = authorization.removeprefix("AWS ").strip().partition(":")
    if not colon or not key or not signature or ":" in signature:
        raise Refusal(Reason.MECHANISM, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
                      ArgumentName="Authorization", ArgumentValue=authorization)
    date = headers["x-amz-date"] if "x-amz-date" in headers else headers.get("date", "")
    if _moment(date) is None:
        raise Refusal(Reason.DATE)
    return _claim(key, signature, date, None, headers.get("x-amz-security-token", ""), headers)


def query_claim(query: str, headers: Mapping[str, str]) -> Claim:
    """Refusal."""
    values = {name: unquote(value) for name, value in _pairs(query)}
    expires = values.get("Expires", "")
    if not expires:
        raise Refusal(Reason.MISSING, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
                                      "parameters")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= EXPIRES_LIMIT_DIGITS):
        raise Refusal(Reason.MISSING, f"Invalid date (should be seconds since epoch): {expires}")
    return _claim(values.get("AWSAccessKeyId", ""), values.get("Signature", ""), expires, int(expires),
                  values.get("x-amz-security-token", ""), headers)


def _claim(
    key: str, signature: str, date: str, expires: int | None, token: str, headers: Mapping[str, str]
) -> Claim:
    return Claim(Signer(key, "", "", "s3", V2), (), signature, date, token, expires, expires is not None,
                 headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD))


def _moment(date: str) -> float | None:
    """Seconds since the epoch; None: it cannot be read, or was before it."""
    try:
        moment = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
    return moment if moment >= 0 else None


def verify(
    claim: Claim, secret: str | None, method: str, path: str, query: str, headers: Mapping[str, str],
    body: bytes | None, now: float,
) -> None:
    """As sigv4.verify. The bucket of a virtual host stands before the path in what was signed, and a bucket alone may
    have been signed with a slash behind it, as SDKs do (botocore's remove_bucket_from_url_paths_from_model)."""
    _check_time(claim, now, secret is not None)
    if secret is None:
        return
    host = headers.get("host", "").partition(":")[0]
    bucket = host.partition(".s3")[0] if ".s3" in host else host.partition(".")[0]
    resources = [path, f"/{bucket}{path}", *([f"{path}/"] if path.rfind("/") == 0 and path != "/" else [])]
    signed = [_to_sign(claim, method, resource, query, headers) for resource in resources]
    if not any(same(_signature(secret, text), claim.signature) for text in signed):
        raise Refusal(Reason.MISMATCH, AWSAccessKeyId=claim.signer.access_key, StringToSign=signed[0],
                      SignatureProvided=claim.signature, StringToSignBytes=told_bytes(signed[0]))
    stated = claim.content_hash
    if stated == UNSIGNED_PAYLOAD or stated in STREAMING or body is None or method in READING:
        return
    computed = sha256(body).hexdigest()
    if stated.lower() != computed:
        raise Refusal(Reason.CONTENT_MISMATCH, ClientComputedContentSHA256=stated, S3ComputedContentSHA256=computed)


def _signature(secret: str, text: str) -> str:
    signature = hmac_digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")
    return b64encode(signature).decode()


def _to_sign(claim: Claim, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    date = claim.timestamp if claim.presigned else "" if "x-amz-date" in headers else headers.get("date", "")
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    amz = {name: " ".join(value.split()) for name, value in headers.items() if name.startswith("x-amz-")}
    if claim.presigned:
        amz |= {name: unquote(value) for name, value in _pairs(query) if name.startswith("x-amz-")}
    lines += [f"{name}:{value}" for name, value in sorted(amz.items())]
    wanted = sorted((name, value) for name, value in _pairs(query) if name in _SIGNED_QUERY)
    resources = "&".join(f"{name}={unquote(value)}" if value else name for name, value in wanted)
    return "\n".join(lines) + "\n" + (f"{path}?{resources}" if resources else path)


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        yield name, value


def _check_time(claim: Claim, now: float, verified: bool) -> None:
    if claim.expires_s is not None:
        if now > claim.expires_s:
            raise Refusal(Reason.PRESIGN_EXPIRED, Expires=format_time(claim.expires_s), ServerTime=format_time(now))
        return
    if not verified:
        return
    signed_at = _moment(claim.timestamp)
    assert signed_at is not None, "header_claim has read it"
    if abs(now - signed_at) > SKEW_S:
        raise Refusal(Reason.EXPIRED if now > signed_at else Reason.NOT_YET)
