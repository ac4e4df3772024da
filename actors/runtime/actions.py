"""IAM's name of what an operation does: "<prefix>:<Operation>", but for those that IAM calls differently.

Source: the service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/) and
each service's own page there; actions.txt holds its names of the services here and to come. One action for one
operation: what needs several, or depends on what a request holds, its actor says (ServiceActor.accesses).
"""

from functools import cache
from pathlib import Path

from schemas.models import Operation, Service

# botocore's service -> IAM's prefix, where the signing name is another.
_PREFIXES = {"cloudwatch": "cloudwatch", "iot-data": "iot", "resourcegroupstaggingapi": "tag"}


def _configurations(kind: str, listing: str) -> dict[str, str]:
    """S3's four kinds of named configurations: read under one action, changed and removed under another."""
    name, get, put = f"Bucket{kind}Configuration", f"Get{kind}Configuration", f"Put{kind}Configuration"
    return {f"Get{name}": get, f"Put{name}": put, f"Delete{name}": put, listing: get}


_ACTIONS = {
    "bedrock-runtime": {
        "Converse": "InvokeModel", "ConverseStream": "InvokeModelWithResponseStream", "StartAsyncInvoke": "InvokeModel",
        "InvokeGuardrailChecks": "ApplyGuardrail",
    },
    "lambda": {
        "Invoke": "InvokeFunction", "InvokeAsync": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction",
    },
    "kms": {"ReEncrypt": "ReEncryptFrom"},
    "s3": {
        **_configurations("Analytics", "ListBucketAnalyticsConfigurations"),
        **_configurations("IntelligentTiering", "ListBucketIntelligentTieringConfigurations"),
        **_configurations("Inventory", "ListBucketInventoryConfigurations"),
        **_configurations("Metrics", "ListBucketMetricsConfigurations"),
        "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
        "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
        "CreateBucketMetadataConfiguration": "CreateBucketMetadataTableConfiguration",
        "GetBucketMetadataConfiguration": "GetBucketMetadataTableConfiguration",
        "DeleteBucketMetadataConfiguration": "DeleteBucketMetadataTableConfiguration",
        "CompleteMultipartUpload": "PutObject", "CopyObject": "PutObject", "CreateMultipartUpload": "PutObject",
        "DeleteBucketCors": "PutBucketCORS", "DeleteBucketEncryption": "PutEncryptionConfiguration",
        "DeleteBucketLifecycle": "PutLifecycleConfiguration", "DeleteBucketReplication": "PutReplicationConfiguration",
        "DeleteBucketTagging": "PutBucketTagging", "DeleteObjects": "DeleteObject",
        "DeletePublicAccessBlock": "PutBucketPublicAccessBlock", "GetBucketCors": "GetBucketCORS",
        "GetBucketEncryption": "GetEncryptionConfiguration", "GetBucketLifecycle": "GetLifecycleConfiguration",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration": "GetBucketNotification",
        "GetBucketReplication": "GetReplicationConfiguration",
        "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock", "HeadBucket": "ListBucket", "HeadObject": "GetObject",
        "ListBuckets": "ListAllMyBuckets", "ListMultipartUploads": "ListBucketMultipartUploads",
        "ListObjectVersions": "ListBucketVersions", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket",
        "ListParts": "ListMultipartUploadParts", "PutBucketCors": "PutBucketCORS",
        "PutBucketEncryption": "PutEncryptionConfiguration", "PutBucketLifecycle": "PutLifecycleConfiguration",
        "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutBucketReplication": "PutReplicationConfiguration",
        "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock", "SelectObjectContent": "GetObject",
        "UploadPart": "PutObject", "UploadPartCopy": "PutObject",
    },
    "s3control": {
        "DeletePublicAccessBlock": "PutAccountPublicAccessBlock",
        "GetPublicAccessBlock": "GetAccountPublicAccessBlock",
        "PutPublicAccessBlock": "PutAccountPublicAccessBlock",
    },
    "sns": {"PublishBatch": "Publish"},
    "sqs": {
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility", "DeleteMessageBatch": "DeleteMessage",
        "SendMessageBatch": "SendMessage",
    },
}


@cache
def prefix_of(service: Service) -> str:
    """What IAM calls a service: its namespace."""
    metadata = service.metadata
    return str(_PREFIXES.get(service.name) or metadata.get("signingName") or metadata["endpointPrefix"])


@cache
def action_of(operation: Operation) -> str:
    service = operation.service
    return f"{prefix_of(service)}:{_ACTIONS.get(service.name, {}).get(operation.name, operation.name)}"


@cache
def known_actions() -> frozenset[str]:
    """As AWS spells them, "s3:GetObject"; of no other services than the file has."""
    found, prefix = set(), ""
    for line in Path(__file__).with_name("actions.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            prefix = line.strip("[]")
        elif not line.startswith("#"):
            found |= {f"{prefix}:{name}" for name in line.split()}
    return frozenset(found)


@cache
def needs_no_identity(operation: Operation) -> bool:
    """Operations AWS answers to anyone, such as AssumeRoleWithWebIdentity: the model says so."""
    return operation.traits.get("authtype") == "none" or "smithy.api#noAuth" in operation.traits.get("auth", ())
