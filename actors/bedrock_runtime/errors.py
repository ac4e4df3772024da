"""bedrock-runtime's errors; statuses come from the model."""

from schemas.errors import AwsError


class ResourceNotFoundException(AwsError):
    code = "ResourceNotFoundException"


class ModelNotReadyException(AwsError):
    code = "ModelNotReadyException"

    def __init__(self) -> None:
        super().__init__("The model is not ready to serve inference requests. Please retry.")


class ModelStreamErrorException(AwsError):
    code = "ModelStreamErrorException"

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message, originalStatusCode=status, originalMessage=message)


class ConflictException(AwsError):
    code = "ConflictException"


INVALID_MODEL = "The provided model identifier is invalid."
