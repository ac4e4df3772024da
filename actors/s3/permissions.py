"""What S3's operations need to be allowed, and what stands around a bucket: its owner's account and its policy.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html. DeleteObjects needs a
permission for every key and tells each key's refusal on its own (objects.py); ACLs grant nothing yet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from actors.runtime.store.transaction import Snapshot
from actors.s3 import state
from actors.s3.access import bucket_name
from actors.s3.copying import parse_source
from actors.s3.errors import InvalidArgument

POLICY = "policy"                         # the kind of configuration it is
_ARN = "arn:aws:s3:::"
# Operations whose action is another where the request names a version.
_OF_VERSIONS = frozenset({
    "GetObject", "HeadObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl", "GetObjectTagging", "PutObjectTagging",
    "DeleteObjectTagging", "GetObjectAttributes",
})

Request = Mapping[str, Any]


def accesses(context: Context, request: Request) -> Sequence[Access]:
    operation = context.operation
    name, bucket = operation.name, request.get("Bucket")
    if name == "DeleteObjects":
        return ()
    if not isinstance(bucket, str):
        return (Access(action_of(operation)),)
    key = request.get("Key")
    arn = _arn(bucket, key)
    action = action_of(operation)
    if request.get("VersionId") and name in _OF_VERSIONS:
        action = _of_version(action)
    found = [Access(action, arn)]
    if isinstance(request.get("CopySource"), str):
        found += _of_source(request["CopySource"])
    if request.get("Tagging") and name in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        found.append(Access("s3:PutObjectTagging", arn))
    return found


def _arn(bucket: str, key: Any = None) -> str:
    arn = f"{_ARN}{bucket_name(bucket)}"
    return f"{arn}/{key}" if isinstance(key, str) else arn


def _of_source(text: str) -> Sequence[Access]:
    """Nothing for what names no object: the operation says what is wrong with it."""
    try:
        bucket, key, version_id = parse_source(text)
    except InvalidArgument:
        return ()
    return (Access("s3:GetObjectVersion" if version_id else "s3:GetObject", _arn(bucket, key)),)


def _of_version(action: str) -> str:
    """s3:GetObjectTagging -> s3:GetObjectVersionTagging."""
    return action.replace("Object", "ObjectVersion", 1)


def of_deletion(bucket: str, each: Request) -> Access:
    """What one key of DeleteObjects needs."""
    return Access("s3:DeleteObjectVersion" if each.get("VersionId") else "s3:DeleteObject", _arn(bucket, each["Key"]))


def guard(view: Snapshot, access: Access) -> Guard | None:
    """The bucket's owner and policy; None where there is no such bucket, which the operation says."""
    name = access.resource.removeprefix(_ARN).partition("/")[0]
    bucket = state.find_bucket(view, name) if access.resource.startswith(_ARN) else None
    if bucket is None:
        return None
    text = bucket.configuration(POLICY)
    policy = None if text is None else Policy("BucketPolicy", compile_document(text, Use.RESOURCE))
    return Guard(bucket.owner, policy)


def condition_keys(request: Request) -> Mapping[str, str | tuple[str, ...]]:
    """S3's own, from the request's members."""
    keys: dict[str, str | tuple[str, ...]] = {}
    for key, member in _KEYS.items():
        value = request.get(member)
        if value is not None:
            keys[key] = str(value)
    return keys


_KEYS = {
    "s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys", "s3:versionid": "VersionId",
    "s3:x-amz-acl": "ACL", "s3:x-amz-copy-source": "CopySource", "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption", "s3:x-amz-storage-class": "StorageClass",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId", "s3:locationconstraint": "LocationConstraint",
}
