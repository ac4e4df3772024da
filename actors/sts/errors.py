"""STS's own errors. Source: the API reference's pages of its operations; sentences from public captures of AWS's."""

from schemas.errors import AwsError


class AccessDenied(AwsError):
    code = "AccessDenied"


class ValidationError(AwsError):
    code = "ValidationError"


class MalformedPolicyDocument(AwsError):
    code = "MalformedPolicyDocument"


class PackedPolicyTooLarge(AwsError):
    code = "PackedPolicyTooLarge"


class InvalidIdentityToken(AwsError):
    code = "InvalidIdentityToken"


class ExpiredTokenException(AwsError):
    code = "ExpiredTokenException"


class IDPCommunicationError(AwsError):
    code = "IDPCommunicationError"


class IDPRejectedClaim(AwsError):
    code = "IDPRejectedClaim"


class InvalidAuthorizationMessage(AwsError):
    code = "InvalidAuthorizationMessageException"


class InvalidParameterValue(AwsError):
    code = "InvalidParameterValue"
