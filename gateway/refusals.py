"""A Refusal in the service's own words: AWS answers the same offence with another code by service family.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (s3),
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (ec2),
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html (query), and answers of AWS measured in
ministack issue 1745 (which family answers which code, and the statuses 400, 401, 403), for S3 by brekkylab/backlot in
September 2026 (its sentences on headers and credentials: s3/scopes.py).
"""

from collections.abc import Callable
from operator import attrgetter

from gateway.sigv4 import Reason, Refusal
from schemas.dialects import KeyFaults, Said, family_of, key_faults
from schemas.errors import AwsError
from schemas.models import Service

_CHECK_KEY = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
              "Access Key and signing method. Consult the service documentation for details.")
_MISSING_TOKEN = "Request is missing Authentication Token"  # noqa: S105 - a message
_EC2_AUTH = "AWS was not able to validate the provided access credentials"
_UNSIGNED = "There were headers present in the request which were not signed"
_MECHANISM = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_UNSUPPORTED = "Unsupported Authorization Type"
_BEARER = "Skybus does not accept bearer tokens for this operation."

_Answer = tuple[str, int, str]                       # code, status, message where the refusal brings none

_QUERY: dict[Reason, _Answer] = {
    Reason.INCOMPLETE: ("IncompleteSignature", 400, ""),
    Reason.QUERY_PARAMETERS: ("IncompleteSignature", 400, ""),
    Reason.MECHANISM: ("IncompleteSignature", 400, _MECHANISM),
    Reason.BEARER: ("AccessDenied", 403, _BEARER),
    Reason.MISSING: ("MissingAuthenticationToken", 403, _MISSING_TOKEN),
    Reason.DATE: ("IncompleteSignature", 400, ""),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403, _CHECK_KEY),
    Reason.SCOPE: ("SignatureDoesNotMatch", 403, ""),
    Reason.EXPIRED: ("SignatureDoesNotMatch", 403, ""),
    Reason.NOT_YET: ("SignatureDoesNotMatch", 403, ""),
    Reason.PRESIGN_EXPIRED: ("SignatureDoesNotMatch", 403, ""),
    Reason.PRESIGN_NOT_YET: ("SignatureDoesNotMatch", 403, ""),
    Reason.UNSIGNED_HEADERS: ("SignatureDoesNotMatch", 403, _UNSIGNED),
    Reason.CONTENT_HASH_MISSING: ("SignatureDoesNotMatch", 403, _CHECK_KEY),
    Reason.CONTENT_HASH_FORM: ("SignatureDoesNotMatch", 403, _CHECK_KEY),
    Reason.CONTENT_MISMATCH: ("SignatureDoesNotMatch", 403, _CHECK_KEY),
}

_JSON: dict[Reason, _Answer] = {
    **{reason: ("InvalidSignatureException", status, message) for reason, (_, status, message) in _QUERY.items()},
    Reason.INCOMPLETE: ("IncompleteSignatureException", 400, ""),
    Reason.DATE: ("IncompleteSignatureException", 400, ""),
    Reason.QUERY_PARAMETERS: ("IncompleteSignatureException", 400, ""),
    Reason.MECHANISM: ("IncompleteSignatureException", 400, _MECHANISM),
    Reason.BEARER: ("AccessDeniedException", 403, _BEARER),
    Reason.MISSING: ("MissingAuthenticationTokenException", 403, _MISSING_TOKEN),
}

_EC2: dict[Reason, _Answer] = {
    **dict.fromkeys(_QUERY, ("AuthFailure", 401, _EC2_AUTH)),
    Reason.MISSING: ("MissingAuthenticationToken", 403, _MISSING_TOKEN),
    Reason.MECHANISM: ("AuthFailure", 401, _MECHANISM),
    Reason.BEARER: ("AuthFailure", 401, _BEARER),
    Reason.EXPIRED: ("RequestExpired", 400, "Request has expired."),
    Reason.PRESIGN_EXPIRED: ("RequestExpired", 400, "Request has expired."),
}

_S3: dict[Reason, _Answer] = {
    Reason.INCOMPLETE: ("AuthorizationHeaderMalformed", 400, ""),
    Reason.QUERY_PARAMETERS: ("AuthorizationQueryParametersError", 400, ""),
    Reason.MECHANISM: ("InvalidArgument", 400, _UNSUPPORTED),
    Reason.BEARER: ("InvalidArgument", 400, ""),
    Reason.MISSING: ("AccessDenied", 403, "Access Denied"),
    Reason.DATE: ("AccessDenied", 403, ""),
    Reason.MISMATCH: ("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature "
                                                    "you provided. Check your key and signing method."),
    Reason.SCOPE: ("AuthorizationHeaderMalformed", 400, ""),
    Reason.EXPIRED: ("RequestTimeTooSkewed", 403, ""),
    Reason.NOT_YET: ("RequestTimeTooSkewed", 403, ""),
    Reason.PRESIGN_EXPIRED: ("AccessDenied", 403, ""),
    Reason.PRESIGN_NOT_YET: ("AccessDenied", 403, ""),
    Reason.UNSIGNED_HEADERS: ("AccessDenied", 403, _UNSIGNED),
    Reason.CONTENT_HASH_MISSING: ("InvalidRequest", 400, "Missing required header for this request: "
                                                         "x-amz-content-sha256"),
    Reason.CONTENT_HASH_FORM: ("InvalidArgument", 400, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                               "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                               "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
                               "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value."),
    Reason.CONTENT_MISMATCH: ("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not "
                                                                "match what was computed."),
}

# S3 says its own sentence where everyone else quotes the clock.
_S3_SENTENCES: dict[Reason, str] = {
    Reason.BEARER: _UNSUPPORTED,
    Reason.DATE: "AWS authentication requires a valid Date or x-amz-date header",
    Reason.EXPIRED: "The difference between the request time and the current time is too large.",
    Reason.NOT_YET: "The difference between the request time and the current time is too large.",
    Reason.PRESIGN_EXPIRED: "Request has expired",
    Reason.PRESIGN_NOT_YET: "Request is not yet valid",
}


def as_error(refusal: Refusal, service: Service | None) -> AwsError:
    """What this service answers to that refusal: its family's code, status and sentence. None: no service is known."""
    family = family_of(service)
    about_key = _ABOUT_KEYS.get(refusal.reason)
    if about_key is not None:
        said = about_key(key_faults(service))
        return AwsError(said.message, code=said.code, status=said.status, **(refusal.fields if family == "s3" else {}))
    table = _TABLES.get(family, _JSON)
    code, status, message = table[refusal.reason]
    message = refusal.detail or message
    fields = {}
    if family == "s3":
        message = _S3_SENTENCES.get(refusal.reason) or refusal.s3 or message
        fields = refusal.fields
    elif family == "ec2" and code in ("AuthFailure", "RequestExpired"):
        message = table[refusal.reason][2]
    elif family == "json":
        status = 400
    elif refusal.reason is Reason.MISSING and family == "rest-json":
        message = "Missing Authentication Token"
    return AwsError(message, code=code, status=status, **fields)


_TABLES = {"s3": _S3, "ec2": _EC2, "query": _QUERY}
_ABOUT_KEYS: dict[Reason, Callable[[KeyFaults], Said]] = {
    Reason.UNKNOWN_KEY: attrgetter("unknown"), Reason.INVALID_TOKEN: attrgetter("invalid_token"),
    Reason.EXPIRED_TOKEN: attrgetter("expired_token"),
}
