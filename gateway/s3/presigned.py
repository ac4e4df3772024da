"""What a presigned URL says in its query and other requests in headers: x-amz-acl, x-amz-meta-*, x-amz-checksum-mode …

SDKs put into a URL what its user could not be trusted to send. Source: AWS's SDKs (the JavaScript SDK hoists every
x-amz-* header of S3, botocore's version 2 does), and
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

Not so the sum of a body: it is the sum of nothing that whoever signs without the body takes (the JavaScript SDK does
since 3.729), and S3 does not look at it: https://github.com/localstack/localstack/issues/12169.
"""

from dataclasses import replace
from urllib.parse import unquote

from gateway.protocols import HttpRequest
from gateway.s3 import metadata
from gateway.sigv4 import Claim

# The signature itself.
_SIGNATURE = frozenset({
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature",
    "x-amz-security-token", "x-amz-content-sha256",
})

_SUMS = ("x-amz-checksum-", "x-amz-sdk-checksum-")
_ABOUT_SUMS = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"})


def with_headers(request: HttpRequest, claim: Claim | None) -> HttpRequest:
    """A request of S3's with these as headers too; one that was sent stands."""
    if claim is None or not claim.presigned:
        return request
    named = (pair.partition("=") for pair in request.query.split("&"))
    found = {name.lower(): metadata.as_header(name.lower(), unquote(value))
             for name, _, value in named if _is_header(name.lower())}
    return replace(request, headers={**found, **request.headers}) if found else request


def _is_header(name: str) -> bool:
    if name.startswith(_SUMS):
        return name in _ABOUT_SUMS
    return name.startswith("x-amz-") and name not in _SIGNATURE
