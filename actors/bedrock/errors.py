"""Bedrock's errors; statuses come from the model."""

from schemas.errors import AwsError


class ResourceNotFoundException(AwsError):
    code = "ResourceNotFoundException"


class ConflictException(AwsError):
    code = "ConflictException"


class ResourceInUseException(AwsError):
    code = "ResourceInUseException"


class ServiceQuotaExceededException(AwsError):
    code = "ServiceQuotaExceededException"


class TooManyTagsException(AwsError):
    code = "TooManyTagsException"


class NotImplementedMember(AwsError):
    """The honest 501 for a part of an operation that Skybus has not."""

    code = "NotImplemented"

    def __init__(self, operation: str, what: str) -> None:
        super().__init__(f"Skybus does not implement bedrock:{operation} with {what}.", status=501)
