"""AwsError: an answer that is an error, and the codes all services share.

A service's own errors live in its `errors.py`. Status and fault of a modelled error come from the service's model;
those that no model lists come from COMMON_STATUS below. What is not an AwsError and not a BusError is a bug of ours.
"""

from typing import Any, ClassVar

# https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html and the same page of other services.
COMMON_STATUS: dict[str, int] = {
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "AuthFailure": 401,
    "ExpiredToken": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignature": 400,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidAction": 400,
    "InvalidClientTokenId": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationToken": 403,
    "NotImplemented": 501,
    "RequestEntityTooLarge": 413,
    "RequestExpired": 400,
    "RequestTimeout": 400,
    "SerializationException": 400,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
    "ThrottlingException": 400,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 400,
    "ValidationException": 400,
}


class AwsError(Exception):
    """An error AWS would answer. `fields` are the modelled members beside code and message, by AWS's names.

    Source of the form: https://smithy.io/2.0/aws/protocols/index.html (error serialisation per protocol).
    """

    code: ClassVar[str] = "InternalFailure"

    def __init__(self, message: str = "", *, code: str | None = None, status: int | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.status = status                      # None: the model's, else COMMON_STATUS, else 400
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.error_code}: {self.message}"


class ValidationException(AwsError):
    code = "ValidationException"


class SerializationException(AwsError):
    code = "SerializationException"


class AccessDeniedException(AwsError):
    code = "AccessDeniedException"


class ThrottlingException(AwsError):
    code = "ThrottlingException"


class InternalFailure(AwsError):
    code = "InternalFailure"


class NotImplementedByUs(AwsError):
    """The honest 501: AWS has this operation, Skybus does not."""

    code = "NotImplemented"

    def __init__(self, service: str, operation: str) -> None:
        super().__init__(f"Skybus does not implement {service}:{operation}.", status=501)


class UnknownOperation(AwsError):
    code = "UnknownOperationException"


class ServiceUnavailable(AwsError):
    """503: SDKs retry it. Overload, no responder, a time-out."""

    code = "ServiceUnavailable"

    def __init__(self, message: str = "Service is unable to handle request.") -> None:
        super().__init__(message, status=503)
