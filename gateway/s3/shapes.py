"""Requests for an object that say everything by their method and path, as nearly all do that S3 gets: what one of them
means, all of its shape mean, so that the router can remember it."""

from gateway.protocols import HttpRequest
from gateway.sigv4 import Claim
from schemas.models import Operation

_TELLING = ("x-amz-copy-source", "x-amz-target", "smithy-protocol")    # headers by which something else may be meant
_CONTROL = "/v20180820/"                  # S3 Control's paths

Shape = tuple[str, str, str]              # method, host, scope


def shape_of(request: HttpRequest, claim: Claim | None) -> Shape | None:
    """None: it may need more than its method and path, `/bucket/key` without an escape."""
    path, headers = request.path, request.headers
    if claim is None or request.query or claim.presigned or claim.signer.service != "s3" or "%" in path \
            or path.count("/", 0, -1) < 2 or path.startswith(("//", _CONTROL)):
        return None
    for header in _TELLING:
        if header in headers:
            return None
    return request.method, headers.get("host", ""), claim.signer.scope


def name(request: HttpRequest, operation: Operation) -> None:
    """What its protocol would have learnt of such a request on the way to its operation."""
    bucket, _, key = request.path[1:].partition("/")
    request.named = operation, {"Bucket": bucket, "Key": key}, {}
