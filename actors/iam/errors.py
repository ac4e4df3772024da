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


class PolicyNotAttachable(AwsError):
    code = "PolicyNotAttachable"


class PasswordPolicyViolation(AwsError):
    code = "PasswordPolicyViolation"


class InvalidUserType(AwsError):
    code = "InvalidUserType"


class InvalidAuthenticationCode(AwsError):
    code = "InvalidAuthenticationCode"


class NotSupportedService(AwsError):
    code = "NotSupportedService"


class InvalidPublicKey(AwsError):
    code = "InvalidPublicKey"


class DuplicateSSHPublicKey(AwsError):
    code = "DuplicateSSHPublicKey"


class UnrecognizedPublicKeyEncoding(AwsError):
    code = "UnrecognizedPublicKeyEncoding"


class MalformedCertificate(AwsError):
    code = "MalformedCertificate"


class KeyPairMismatch(AwsError):
    code = "KeyPairMismatch"


class DuplicateCertificate(AwsError):
    code = "DuplicateCertificate"


class ReportNotPresent(AwsError):
    code = "ReportNotPresent"


class ReportExpired(AwsError):
    code = "ReportExpired"


class AccessDenied(AwsError):
    code = "AccessDenied"


class OrganizationNotFound(AwsError):
    code = "OrganizationNotFoundException"

    def __init__(self) -> None:
        super().__init__("No organization is associated with your account.")


class ServiceAccessNotEnabled(AwsError):
    code = "ServiceAccessNotEnabledException"

    def __init__(self) -> None:
        super().__init__("Trusted access is not enabled for IAM in AWS Organizations.")


class CallerIsNotManagementAccount(AwsError):
    code = "CallerIsNotManagementAccountException"

    def __init__(self) -> None:
        super().__init__("The account making the request is not the management account of the organization.")


class AccountNotManagementOrDelegatedAdministrator(AwsError):
    code = "AccountNotManagementOrDelegatedAdministratorException"

    def __init__(self) -> None:
        super().__init__("The account making the request is neither the management account nor a delegated "
                         "administrator for root access.")


class NotHere(AwsError):
    """The honest 501 to what a request asks beyond what Skybus does."""

    code = "NotImplemented"

    def __init__(self, operation: str, what: str) -> None:
        super().__init__(f"Skybus does not implement iam:{operation} {what}.", status=501)


def quota(name: str, limit: int) -> LimitExceeded:
    return LimitExceeded(f"Cannot exceed quota for {name}: {limit}")
