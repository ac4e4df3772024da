"""IAM's own errors. Status from the model; wording as IAM's, from public captures (moto's and terraform's suites)."""

from actors.runtime.policy import MalformedPolicy
from schemas.errors import AwsError


class NoSuchEntity(AwsError):
    code = "NoSuchEntity"


class EntityAlreadyExists(AwsError):
    code = "EntityAlreadyExists"


class DeleteConflict(AwsError):
    code = "DeleteConflict"


class LimitExceeded(AwsError):
    code = "LimitExceeded"


class InvalidInput(AwsError):
    code = "InvalidInput"


class ValidationError(AwsError):
    code = "ValidationError"


class UnmodifiableEntity(AwsError):
    code = "UnmodifiableEntity"


class MalformedPolicyDocument(AwsError):
    code = "MalformedPolicyDocument"

    def __init__(self, error: MalformedPolicy) -> None:
        super().__init__(str(error))


class NotForRoot(AwsError):
    """The honest 501: AWS lets the account's root do this for itself, Skybus does not."""

    code = "NotImplemented"

    def __init__(self, operation: str) -> None:
        super().__init__(f"Skybus does not implement iam:{operation} for the root user; name a user.", status=501)


def quota(name: str, limit: int) -> LimitExceeded:
    return LimitExceeded(f"Cannot exceed quota for {name}: {limit}")
