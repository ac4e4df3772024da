"""What the refused are told, in each service's words.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html ("Access denied message
examples"); https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html (S3 says why within an
account only); https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (UnauthorizedOperation).
"""

from actors.runtime.access import Access
from actors.runtime.context import Context
from actors.runtime.policy import Decision, Level
from schemas.dialects import Said, dialect_of, family_of, key_faults
from schemas.errors import AwsError
from schemas.models import Service

_S3 = ("s3", "s3control")


def denied(context: Context, access: Access, decision: Decision, encoded: str = "") -> AwsError:
    """User: <ARN> is not authorized to perform: <action> on resource: <ARN> because <reason>. JSON services say it with
    status 400, all others 403. `encoded`: authorization_messages.py."""
    service = context.operation.service
    status = 400 if family_of(service) == "json" else 403
    sentence = _sentence(service, context, access, decision)
    if encoded:
        sentence = f"{sentence}. Encoded authorization failure message: {encoded}"
    return AwsError(sentence, code=dialect_of(service).denied, status=status)


def _sentence(service: Service, context: Context, access: Access, decision: Decision) -> str:
    principal = context.principal
    resource = access.resource
    if service.name in _S3:
        if decision.level is Level.RESOURCE and not decision.explicit:
            return "Access Denied"
        resource = f'"{resource}"'
    who = principal.arn or "anonymous"
    sentence = f"User: {who} is not authorized to perform: {access.action} on resource: {resource}"
    if service.name != "sts":                     # whose messages end here
        sentence = f"{sentence} {decision.reason(access.action)}"
    return f"You are not authorized to perform this operation. {sentence}" if service.protocol == "ec2" else sentence


def stranger(service: Service) -> AwsError:
    """The key was good at the door and is nobody's any more."""
    return _said(key_faults(service).unknown)


def expired(service: Service) -> AwsError:
    return _said(key_faults(service).expired_token)


def _said(said: Said) -> AwsError:
    return AwsError(said.message, code=said.code, status=said.status)
