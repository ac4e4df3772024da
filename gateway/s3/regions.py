"""Buckets in other regions than a request names: S3 leads a client there with a redirect or with its signature's error.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html, …/VirtualHosting.html, and what botocore's
S3RegionRedirector reads of the answers.
"""

import re

from gateway.hosts import Host
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


def check(host: Host, claim: Claim | None) -> None:
    """AwsError for a signature for another region than the host's, or for none: s3cmd learns from it where it is."""
    region = claim.signer.region if claim is not None else ""
    if claim is None or not region or region == (host.region or DEFAULT_REGION):
        return
    expected = host.region or (region if _FORM.fullmatch(region) else DEFAULT_REGION)
    if region != expected:
        raise _wrong(claim, expected)


def of(error: AwsError) -> str:
    """Where an ELSEWHERE says the bucket is."""
    region: str = error.fields["Headers"][_HEADER]
    return region


def told(error: AwsError, host: Host, claim: Claim | None) -> AwsError:
    """An ELSEWHERE as this host's endpoint tells it: DNS leads `bucket.s3.amazonaws.com` to the bucket's own region, so
    that there only the signature is wrong."""
    if claim is None or not claim.signer.region or host.region or not host.bucket:
        return error
    return _wrong(claim, of(error))


def _wrong(claim: Claim, expected: str) -> AwsError:
    wrong = f"the region '{claim.signer.region}' is wrong; expecting '{expected}'"
    fields = {"Region": expected, "Headers": {_HEADER: expected}}
    if not claim.signed_headers:                    # a form's
        given = "/".join((claim.signer.access_key, claim.signer.scope))
        return AwsError(wrong, code="InvalidArgument", status=400, ArgumentName="X-Amz-Credential",
                        ArgumentValue=given, **fields)
    code, about = _MALFORMED[claim.presigned]
    return AwsError(f"{about}; {wrong}", code=code, status=400, **fields)
