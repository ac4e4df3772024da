"""What the refused are told, in each service's words.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html ("Access denied message
examples"); https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html (S3 says why within an
account only); https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (UnauthorizedOperation);
which services name a resource where there is none, and what IAM calls its own: answers of AWS's that users quote, those
to s3:ListAllMyBuckets, bedrock:ListFoundationModels, iam:GetRole, dynamodb:ListTables among them.
"""

from actors.runtime.access import Access
from actors.runtime.context import Context
from actors.runtime.policy import Decision, Level
from schemas.dialects import Said, dialect_of, family_of, key_faults
from schemas.errors import AwsError
from schemas.models import Service

_S3 = ("s3", "s3control")


def denied(context: Context, access: Access, decision: Decision, encoded: str = "") -> AwsError:
    """User: <ARN> is not authorized to perform: <action> on resource: <ARN> because <reason>. Most services leave the
    resource out where there is none. JSON services say it with status 400, all others 403. `encoded`:
    authorization_messages.py."""
    service = context.operation.service
    status = 400 if family_of(service) == "json" else 403
    sentence = _sentence(service, context, access, decision)
    if encoded:
        sentence = f"{sentence}. Encoded authorization failure message: {encoded}"
    return AwsError(sentence, code=dialect_of(service).denied, status=status)


def _sentence(service: Service, context: Context, access: Access, decision: Decision) -> str:
    if service.name in _S3 and decision.level is Level.RESOURCE and not decision.explicit:
        return "Access Denied"
    sentence = f"User: {context.principal.arn or 'anonymous'} is not authorized to perform: {access.action}"
    resource = _resource(service, access)
    if resource:
        sentence = f"{sentence} on resource: {resource}"
    if service.name != "sts" or not resource:     # what STS says of a resource ends with it
        sentence = f"{sentence} {decision.reason(access.action)}"
    return f"You are not authorized to perform this operation. {sentence}" if service.protocol == "ec2" else sentence


def _resource(service: Service, access: Access) -> str:
    if access.called or (access.resource == "*" and not dialect_of(service).names_all):
        return access.called
    return f'"{access.resource}"' if service.name in _S3 else access.resource


def stranger(service: Service) -> AwsError:
    """The key was good at the door and is nobody's any more."""
    return _said(key_faults(service).unknown)


def expired(service: Service) -> AwsError:
    return _said(key_faults(service).expired_token)


def _said(said: Said) -> AwsError:
    return AwsError(said.message, code=said.code, status=said.status)
