"""Buckets in other regions than a request names: S3 leads a client there with a redirect or with its signature's error.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html, …/VirtualHosting.html, and what botocore's
S3RegionRedirector reads of the answers.
"""

import re
from typing import Any

from gateway.hosts import Host
from gateway.protocols import HttpRequest
from gateway.sigv4 import Claim
from schemas.envelope import DEFAULT_REGION
from schemas.errors import AwsError

ELSEWHERE = "PermanentRedirect"           # the actor's code for a bucket of another region
_HEADER = "x-amz-bucket-region"
_FORM = re.compile("[a-z]+(-[a-z]+)+-[0-9]+")
# Code and beginning of the message for a signature in the header, and in the query.
_MALFORMED = {
    False: ("AuthorizationHeaderMalformed", "The authorization header is malformed"),
    True: ("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter"),
}


def check(host: Host, claim: Claim | None, request: HttpRequest) -> None:
    """AwsError for a signature for another region than the host's, or for none: s3cmd learns from it where it is."""
    region = claim.signer.region if claim is not None else ""
    if claim is None or not region or region == (host.region or DEFAULT_REGION):
        return
    expected = host.region or (region if _FORM.fullmatch(region) else DEFAULT_REGION)
    if region != expected:
        raise _wrong(host, claim, request, expected)


def of(error: AwsError) -> str:
    """Where an ELSEWHERE says the bucket is."""
    region: str = error.fields["Headers"][_HEADER]
    return region


def told(error: AwsError, host: Host, claim: Claim | None, request: HttpRequest) -> AwsError:
    """An ELSEWHERE as this host's endpoint tells it: DNS leads `bucket.s3.amazonaws.com` to the bucket's own region, so
    that there only the signature is wrong."""
    if claim is None or not claim.signer.region or host.region or not host.bucket:
        return error
    return _wrong(host, claim, request, of(error))


def _wrong(host: Host, claim: Claim, request: HttpRequest, expected: str) -> AwsError:
    """Of all requests HeadBucket alone is told by a header (ministack's tests, measured in Osaka and Tokyo): others'
    answers have a body, and who asks for an object's head asks for its bucket's next."""
    wrong = f"the region '{claim.signer.region}' is wrong; expecting '{expected}'"
    fields: dict[str, Any] = {"Region": expected}
    names = request.path.strip("/").split("/", 1)
    of_object = bool(names[0] if host.bucket else names[1:])
    if request.method == "HEAD" and not of_object:
        fields["Headers"] = {_HEADER: expected}
    if not claim.signed_headers:                    # a form's
        given = "/".join((claim.signer.access_key, claim.signer.scope))
        return AwsError(wrong, code="InvalidArgument", status=400, ArgumentName="X-Amz-Credential",
                        ArgumentValue=given, **fields)
    code, about = _MALFORMED[claim.presigned]
    return AwsError(f"{about}; {wrong}", code=code, status=400, **fields)
