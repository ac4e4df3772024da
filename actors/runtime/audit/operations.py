"""What CloudTrail calls an operation: management or data, reading or writing, which service's, about which resource.

Sources: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html,
…/cloudtrail-event-reference-record-contents.html, https://docs.aws.amazon.com/config/latest/developerguide/
resource-config-reference.html (types of resources).
"""

from functools import cache
from typing import NamedTuple

from schemas.models import Operation

# What works on the data inside a resource. Recorded only where a trail asks for it, or where it was refused.
DATA_OPERATIONS: dict[str, frozenset[str]] = {
    "bedrock-runtime": frozenset({
        "ApplyGuardrail", "Converse", "ConverseStream", "CountTokens", "InvokeModel", "InvokeModelWithResponseStream",
    }),
    "dynamodb": frozenset({
        "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement",
        "ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems",
        "UpdateItem",
    }),
    "dynamodbstreams": frozenset({"GetRecords", "GetShardIterator"}),
    "kinesis": frozenset({"GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard"}),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "s3": frozenset({
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
        "DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl", "GetObjectAttributes",
        "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "HeadObject", "ListMultipartUploads",
        "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts", "PutObject", "PutObjectAcl",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "SelectObjectContent",
        "UploadPart", "UploadPartCopy",
    }),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset({
        "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
        "ReceiveMessage", "SendMessage", "SendMessageBatch",
    }),
}

# What a service's data events are about, as selectors name it.
DATA_TYPES = {
    "bedrock-runtime": "AWS::Bedrock::Model", "dynamodb": "AWS::DynamoDB::Table",
    "dynamodbstreams": "AWS::DynamoDB::Stream", "kinesis": "AWS::Kinesis::Stream", "lambda": "AWS::Lambda::Function",
    "s3": "AWS::S3::Object", "sns": "AWS::SNS::Topic", "sqs": "AWS::SQS::Queue",
}

_READING = ("Get", "List", "Describe", "Head", "BatchGet", "TransactGet", "Query", "Scan", "Select", "Lookup", "Search",
            "Simulate", "Count", "Check", "Preview", "Estimate", "Validate", "Discover", "Detect", "Decode",
            "GenerateCredentialReport", "Receive")
_SESSIONS = frozenset({                            # STS makes credentials and changes nothing
    "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetFederationToken", "GetSessionToken",
})

# Services that are everywhere: their events are us-east-1's.
GLOBAL_SERVICES = frozenset({"budgets", "ce", "cloudfront", "iam", "organizations", "route53", "waf"})
GLOBAL_REGION = "us-east-1"

_SOURCES = {"bedrock-runtime": "bedrock", "bedrock-agent-runtime": "bedrock", "dynamodbstreams": "dynamodb"}

_TYPES = {
    "bedrock": {"foundation-model": "Bedrock::Model", "guardrail": "Bedrock::Guardrail"},
    "cloudtrail": {"trail": "CloudTrail::Trail"},
    "dynamodb": {"table": "DynamoDB::Table", "global-table": "DynamoDB::GlobalTable"},
    "ec2": {
        "image": "EC2::Image", "instance": "EC2::Instance", "key-pair": "EC2::KeyPair",
        "security-group": "EC2::SecurityGroup", "subnet": "EC2::Subnet", "volume": "EC2::Volume", "vpc": "EC2::VPC",
    },
    "events": {"rule": "Events::Rule"},
    "iam": {
        "group": "IAM::Group", "instance-profile": "IAM::InstanceProfile", "oidc-provider": "IAM::OIDCProvider",
        "policy": "IAM::Policy", "role": "IAM::Role", "saml-provider": "IAM::SAMLProvider", "user": "IAM::User",
    },
    "kinesis": {"stream": "Kinesis::Stream"},
    "kms": {"alias": "KMS::Alias", "key": "KMS::Key"},
    "lambda": {"function": "Lambda::Function", "layer": "Lambda::LayerVersion"},
    "logs": {"log-group": "Logs::LogGroup"},
    "organizations": {
        "account": "Organizations::Account", "organization": "Organizations::Organization",
        "ou": "Organizations::OrganizationalUnit", "policy": "Organizations::Policy",
    },
    "secretsmanager": {"secret": "SecretsManager::Secret"},
    "sns": {"": "SNS::Topic"},
    "sqs": {"": "SQS::Queue"},
    "ssm": {"parameter": "SSM::Parameter"},
}


class Resource(NamedTuple):
    type: str                                      # "AWS::IAM::User"
    name: str                                      # "alice"
    arn: str


@cache
def is_data_operation(operation: Operation) -> bool:
    return operation.name in DATA_OPERATIONS.get(operation.service.name, ())


@cache
def reads_only(operation: Operation) -> bool:
    return operation.name.startswith(_READING) or makes_session(operation)


def makes_session(operation: Operation) -> bool:
    """Its answer is recorded although it reads only."""
    return operation.service.name == "sts" and operation.name in _SESSIONS


@cache
def source_of(operation: Operation) -> str:
    """The eventSource: "dynamodb.amazonaws.com"."""
    service = operation.service
    return f"{_SOURCES.get(service.name) or service.metadata['endpointPrefix']}.amazonaws.com"


def resource_of(arn: str) -> Resource | None:
    """What an ARN names; None where CloudTrail has no type for it, or it names many."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or "*" in arn:
        return None
    service, rest = parts[2], parts[5]
    if service == "s3":
        if rest.startswith("accesspoint/"):
            return Resource("AWS::S3::AccessPoint", rest.partition("/")[2], arn)
        kind = "AWS::S3::Object" if "/" in rest else "AWS::S3::Bucket"
        return Resource(kind, rest, arn)
    head, separator, _ = rest.replace(":", "/", 1).partition("/")
    found = _TYPES.get(service, {}).get(head if separator else "")
    if found is None:
        return None
    if service == "dynamodb" and "/stream/" in rest:
        return Resource("AWS::DynamoDB::Stream", rest.rpartition("/")[2], arn)
    name = rest.split("/")[1] if service == "dynamodb" else rest.replace(":", "/").rpartition("/")[2]
    return Resource(f"AWS::{found}", name, arn)
