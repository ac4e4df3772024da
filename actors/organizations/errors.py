"""Organizations' own errors. Source: the API reference's pages of its operations; sentences from public captures."""

from schemas.errors import AwsError


class AccessDenied(AwsError):
    code = "AccessDeniedException"

    def __init__(self) -> None:
        super().__init__("You don't have permissions to access this resource.")


class NotInUse(AwsError):
    code = "AWSOrganizationsNotInUseException"

    def __init__(self) -> None:
        super().__init__("Your account is not a member of an organization.")


class AlreadyInOrganization(AwsError):
    code = "AlreadyInOrganizationException"

    def __init__(self) -> None:
        super().__init__("The provided account is already a member of an organization.")


class OrganizationNotEmpty(AwsError):
    code = "OrganizationNotEmptyException"

    def __init__(self) -> None:
        super().__init__("To delete an organization you must first remove all member accounts (except the master).")


class Missing(AwsError):
    """What was named is not there; the code says what."""


def missing(kind: str) -> Missing:
    return Missing(_SENTENCES[kind], code=f"{kind}NotFoundException")


_SENTENCES = {
    "Account": "You specified an account that doesn't exist.",
    "Child": "You specified a child that doesn't exist.",
    "CreateAccountStatus": "You specified a request that doesn't exist.",
    "DestinationParent": "You specified a destination parent that doesn't exist.",
    "Handshake": "We can't find a handshake with the HandshakeId that you specified.",
    "OrganizationalUnit": "You specified an organizational unit that doesn't exist.",
    "Parent": "You specified parent that doesn't exist.",
    "Policy": "You specified a policy that doesn't exist.",
    "Root": "You specified a root that doesn't exist.",
    "SourceParent": "You specified a source parent that doesn't exist.",
    "Target": "You specified a target that doesn't exist.",
}


class InvalidInput(AwsError):
    code = "InvalidInputException"


class ConstraintViolation(AwsError):
    code = "ConstraintViolationException"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, Reason=reason)


class Duplicate(AwsError):
    """Of a kind: OrganizationalUnit, Policy, PolicyAttachment, Account."""


def duplicate(kind: str, message: str) -> Duplicate:
    return Duplicate(message, code=f"Duplicate{kind}Exception")


class OrganizationalUnitNotEmpty(AwsError):
    code = "OrganizationalUnitNotEmptyException"

    def __init__(self) -> None:
        super().__init__("The specified organizational unit contains accounts or other organizational units.")


class MasterCannotLeave(AwsError):
    code = "MasterCannotLeaveOrganizationException"

    def __init__(self) -> None:
        super().__init__("The master account of an organization cannot be removed from it.")


class AccountAlreadyClosed(AwsError):
    code = "AccountAlreadyClosedException"

    def __init__(self) -> None:
        super().__init__("The provided account is already closed.")


class AccountAlreadyRegistered(AwsError):
    code = "AccountAlreadyRegisteredException"

    def __init__(self) -> None:
        super().__init__("The provided account is already a delegated administrator for your organization.")


class AccountNotRegistered(AwsError):
    code = "AccountNotRegisteredException"

    def __init__(self) -> None:
        super().__init__("The provided account is not a registered delegated administrator for your organization.")


class DuplicateHandshake(AwsError):
    code = "DuplicateHandshakeException"

    def __init__(self) -> None:
        super().__init__("A handshake with the same action and target already exists.")


class InvalidHandshakeTransition(AwsError):
    code = "InvalidHandshakeTransitionException"

    def __init__(self) -> None:
        super().__init__("You can't perform the operation on the handshake in its current state.")


class HandshakeConstraintViolation(AwsError):
    code = "HandshakeConstraintViolationException"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, Reason=reason)


class InvitedByNumber(AwsError):
    """The honest 501: accounts have no e-mail addresses of their own here."""

    code = "NotImplemented"

    def __init__(self) -> None:
        super().__init__("Skybus invites accounts by their number, not by an e-mail address.", status=501)


class MalformedPolicyDocument(AwsError):
    code = "MalformedPolicyDocumentException"

    def __init__(self) -> None:
        super().__init__("The provided policy document does not meet the requirements of the specified policy type.")


class PolicyInUse(AwsError):
    code = "PolicyInUseException"

    def __init__(self) -> None:
        super().__init__("The policy is attached to one or more entities. You must detach it from all roots, OUs, and "
                         "accounts before performing this operation.")


class PolicyNotAttached(AwsError):
    code = "PolicyNotAttachedException"

    def __init__(self) -> None:
        super().__init__("The policy isn't attached to the specified target.")


class PolicyTypeNotEnabled(AwsError):
    code = "PolicyTypeNotEnabledException"

    def __init__(self) -> None:
        super().__init__("This operation can be performed only for enabled policy types.")


class PolicyTypeAlreadyEnabled(AwsError):
    code = "PolicyTypeAlreadyEnabledException"

    def __init__(self) -> None:
        super().__init__("The specified policy type is already enabled.")


class PolicyTypeNotAvailable(AwsError):
    code = "PolicyTypeNotAvailableForOrganizationException"

    def __init__(self, kind: str) -> None:
        super().__init__(f"Skybus has no policies of the type {kind}.")


class EffectivePolicyNotFound(AwsError):
    code = "EffectivePolicyNotFoundException"

    def __init__(self) -> None:
        super().__init__("The account doesn't have an effective policy of this type.")


class TagsNotEnforced(AwsError):
    """The honest 501."""

    code = "NotImplemented"

    def __init__(self) -> None:
        super().__init__("Skybus does not enforce tag policies; leave out enforced_for.", status=501)
