"""How a request was signed, as buckets' policies ask for it: told to S3 once the signature is proven.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
"""

from gateway.sigv2 import V2
from gateway.sigv4 import ALGORITHM, UNSIGNED_PAYLOAD, Claim, signed_at

HEADER, QUERY, FORM = "REST-HEADER", "REST-QUERY-STRING", "POST"


def told(claim: Claim | None) -> dict[str, str]:
    """Members of a request's `source`: auth_type, signature_version, content_sha256; of a presigned URL of version 4
    signed_at, in seconds since the epoch (version 2 says only when it ends). Nothing of who signs nothing."""
    if claim is None:
        return {}
    old = claim.signer.scope == V2
    source = {"auth_type": FORM if claim.form else QUERY if claim.presigned else HEADER,
              "signature_version": "AWS" if old else ALGORITHM,
              "content_sha256": claim.content_hash or UNSIGNED_PAYLOAD}
    if claim.presigned and not old:
        source["signed_at"] = str(signed_at(claim))
    return source
