"""What S3's operations need to be allowed, and what stands around a bucket: its owner's account, its policy and ACLs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html. DeleteObjects needs a
permission for every key and tells each key's refusal on its own (objects.py). ACLs: ownership.py.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from actors.runtime.access import Access, Guard
from actors.runtime.actions import action_of
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from actors.runtime.policy.decision import root_arn
from actors.runtime.principal import Principal
from actors.runtime.store.transaction import Snapshot
from actors.s3 import acls, keys, ownership, points, publicity, replicating, replication, state, tags
from actors.s3.access import bucket_name, is_anonymous
from actors.s3.buckets import check_name
from actors.s3.conditions import bare
from actors.s3.errors import HEADERS, AccessDenied, NoSuchBucket, PermanentRedirect, S3Error
from actors.s3.log_targets import LOGGER
from actors.s3.publicity import POLICY
from actors.s3.state import Bucket, Record
from schemas.errors import AwsError

ARN = "arn:aws:s3:::"
# Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
_MENDING = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
_VERSION = "s3:versionid"
_NONE: Mapping[str, str] = {}
# Operations whose action is another where the request names a version.
OF_VERSIONS = frozenset({
    "GetObject", "HeadObject", "DeleteObject", "GetObjectAcl", "PutObjectAcl", "GetObjectTagging", "PutObjectTagging",
    "DeleteObjectTagging", "GetObjectAttributes",
})

# What nobody in particular may do, whatever a policy lets everyone do. AWS's sentences: issues of aws/aws-sdk-cpp
# (1575), reports of users, and versitygw's tests of public buckets.
_ANYONE = "Anonymous users cannot invoke this API. Please authenticate."
_OWNERSHIP = "s3:{}BucketOwnershipControls does not support Anonymous requests!"
_NOT_OF_NOBODY = {
    "CreateMultipartUpload": "Anonymous users cannot initiate multipart uploads.  Please authenticate.",
    "CopyObject": "Anonymous users cannot copy objects.  Please authenticate.",
    **dict.fromkeys(("CreateBucket", "PutBucketAcl", "PutObjectAcl", "SelectObjectContent"), _ANYONE),
    **dict.fromkeys(("PutBucketOwnershipControls", "DeleteBucketOwnershipControls"), _OWNERSHIP.format("Put")),
    "GetBucketOwnershipControls": _OWNERSHIP.format("Get"),
}
_TELLING_WHERE = frozenset({"HeadBucket", "ListObjects", "ListObjectsV2"})

Request = Mapping[str, Any]


def accesses(context: Context, request: Request) -> Sequence[Access]:
    """Of what a request does to its bucket; what it copies, entering.py adds."""
    if context.part:
        return replicating.accesses(request)
    operation = context.operation
    name, bucket = operation.name, request.get("Bucket")
    if name in _NOT_OF_NOBODY and is_anonymous(context):
        raise AccessDenied(_NOT_OF_NOBODY[name])
    if name == "DeleteObjects":
        return _bypass(request, "*")
    if not isinstance(bucket, str):
        return (Access(action_of(operation)),)
    key = request.get("Key")
    if isinstance(key, str):
        keys.check(key)
    arn = arn_of(bucket, key)
    action, version_id = action_of(operation), request.get("VersionId")
    if version_id and name in OF_VERSIONS:
        action = of_version(action)
    found = [Access(action, arn, _naming(version_id))]
    if _heeds_conditions(name, request):
        found += _of_match(request.get("IfMatch"), arn)
    if name == "CreateBucket":
        check_name(bucket)                # of who may not make one, too
        found += [Access(f"s3:{needed}", arn) for member, needed in _BY_CREATION if request.get(member)]
        if (request.get("CreateBucketConfiguration") or {}).get("Tags"):
            found.append(Access("s3:TagResource", arn))
    elif name == "GetObjectAttributes":
        found.append(Access(action.removesuffix("Attributes"), arn, _naming(version_id)))
    elif name in _MAKING and not _BY_MAKING.keys().isdisjoint(request) and not _is_service(context.principal):
        # AWS's documented policies let the headers of its services be
        found += [Access(f"s3:{needed}", arn) for member, needed in _BY_MAKING.items() if request.get(member)]
    elif name == "PutBucketReplication":
        role = str((request["ReplicationConfiguration"] or {}).get("Role") or "")
        if replication.is_role(role):     # what is none, the operation refuses
            found.append(Access("iam:PassRole", role, {"iam:passedtoservice": "s3.amazonaws.com"}))
    elif request.get("BypassGovernanceRetention"):
        found += _bypass(request, key)
    return found


# What more it takes to say these things of a bucket that is made, and of an object.
_GRANTS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
_BY_CREATION = (
    *((member, "PutBucketAcl") for member in _GRANTS), ("ObjectOwnership", "PutBucketOwnershipControls"),
    ("ObjectLockEnabledForBucket", "PutBucketObjectLockConfiguration"),
    ("ObjectLockEnabledForBucket", "PutBucketVersioning"),
)
_MAKING = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_BY_MAKING = {
    **dict.fromkeys(_GRANTS, "PutObjectAcl"), "Tagging": "PutObjectTagging", "ObjectLockMode": "PutObjectRetention",
    "ObjectLockLegalHoldStatus": "PutObjectLegalHold",
}


def _bypass(request: Request, key: Any) -> Sequence[Access]:
    if not request.get("BypassGovernanceRetention"):
        return ()
    return (Access("s3:BypassGovernanceRetention", arn_of(request["Bucket"], key)),)


def arn_of(bucket: str, key: Any = None) -> str:
    arn = f"{ARN}{bucket_name(bucket)}"
    return f"{arn}/{key}" if isinstance(key, str) else arn


def of_source(bucket: str, key: str, version_id: str) -> Access:
    """What it takes to copy this. KeyTooLong, InvalidURI."""
    keys.check(key)
    return Access("s3:GetObjectVersion" if version_id else "s3:GetObject", arn_of(bucket, key), _naming(version_id))


def of_copied_tags(view: Snapshot, request: Request, source: Access) -> Sequence[Access]:
    """What CopyObject needs of its source and of its target for the source's tags, where it has some and they are not
    replaced."""
    if request.get("TaggingDirective") == "REPLACE" or not _tags_of(view, source):
        return ()
    return (Access(f"{source.action}Tagging", source.resource, source.keys),
            Access("s3:PutObjectTagging", arn_of(request["Bucket"], request["Key"])))


def _naming(version_id: str | None) -> Mapping[str, str]:
    """The keys of an access to this version: its guard and its tags are that version's."""
    return {_VERSION: version_id} if version_id else _NONE


def of_version(action: str) -> str:
    """s3:GetObjectTagging -> s3:GetObjectVersionTagging."""
    return action.replace("Object", "ObjectVersion", 1)


def of_deletion(bucket: str, each: Request) -> Sequence[Access]:
    """What one key of DeleteObjects needs. KeyTooLong, InvalidURI."""
    keys.check(each["Key"])
    arn, version_id, etag = arn_of(bucket, each["Key"]), each.get("VersionId"), each.get("ETag")
    if version_id:
        return (Access("s3:DeleteObjectVersion", arn, _naming(version_id)),)
    given = {"s3:if-match": bare(etag)} if etag else _NONE
    return (Access("s3:DeleteObject", arn, given), *_of_match(etag, arn))


def _heeds_conditions(name: str, request: Request) -> bool:
    return _CREATES.get(name, False) or (name == "DeleteObject" and not request.get("VersionId"))


def _of_match(match: str | None, arn: str) -> Sequence[Access]:
    """Who names an ETag hears whether it is the object's. Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html and conditional-deletes.html"""
    return () if match in (None, "", "*") else (Access("s3:GetObject", arn),)


def of_listing(bucket: str) -> Access:
    """What it takes to be told that a key is not there."""
    return Access("s3:ListBucket", arn_of(bucket))


def guard(view: Snapshot, context: Context, access: Access) -> Guard:
    """The bucket's owner, its policy and what ACLs grant this caller. A bucket that is not there lets nobody in
    particular in: the operation tells them so, as it does all who may by their own policies."""
    assert access.resource.startswith(ARN), "others' are entering.py's"
    name, _, key = access.resource.removeprefix(ARN).partition("/")
    bucket = state.find_bucket(view, name)
    if bucket is None:
        return Guard(granted=not context.principal.account)
    if access.keys:
        bucket = points.used(view, bucket, access)
    account = context.principal.account
    if ownership.of_bucket(bucket) == ownership.ENFORCED:
        return Guard(bucket.owner, _policy(bucket, context.principal, access.action))
    record = _version(bucket, key, access)
    granted = ownership.granted(bucket, access.action, record, account) or (
        context.principal.arn == LOGGER and access.action == "s3:PutObject"
        and acls.delivers_logs(ownership.bucket_acl(bucket)))
    if record is not None and ownership.is_strangers(bucket, access.action, record):
        return Guard(record["owner"], granted=granted)       # the bucket's policy is about its owner's objects
    return Guard(bucket.owner, _policy(bucket, context.principal, access.action), granted)


def refusal(view: Snapshot, context: Context, access: Access, denied: AwsError) -> AwsError:
    """What the refused hear. That a bucket is not there, or is elsewhere, everyone does (ministack's tests have it as
    measured on AWS). Where it is, HeadBucket tells everyone, and lists of objects do:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html#API_GetBucketLocation_RequestSyntax"""
    if not access.resource.startswith(ARN) or context.operation.name == "CreateBucket":
        return denied
    name = access.resource.removeprefix(ARN).partition("/")[0]
    bucket = state.find_bucket(view, name)
    if bucket is None:
        return NoSuchBucket(name)
    region = bucket.record["region"]
    if region != context.region:
        return PermanentRedirect(name, region)
    if context.operation.name in _TELLING_WHERE:
        denied.fields[HEADERS] = {"x-amz-bucket-region": region}
    return denied


def _policy(bucket: Bucket, principal: Principal, action: str) -> Policy | None:
    """None also where a public one may not count for strangers, who are neither of the owner's account nor a service,
    and for the owner's root where it would keep it from changing the policy: nobody else could mend that.
    """
    text = bucket.configuration(POLICY)
    if text is None or (action in _MENDING and principal.arn == root_arn(bucket.owner)):
        return None
    if not is_at_home(principal, bucket.owner) and publicity.of_bucket(bucket).get("RestrictPublicBuckets") \
            and publicity.is_public(text):
        return None
    return Policy("BucketPolicy", compile_document(text, Use.RESOURCE))


def is_at_home(principal: Principal, account: str) -> bool:
    """Of the account, or a service: no stranger, for public-access blocks."""
    return principal.account == account or _is_service(principal)


def _is_service(principal: Principal) -> bool:
    return principal.keys.get("aws:principalisawsservice") == "true"


def _version(bucket: Bucket, key: str, access: Access) -> Record | None:
    """What an access is about, if it is a version that is there and no delete marker."""
    version_id = str(access.keys.get(_VERSION, ""))
    record = None if not key else bucket.version(key, version_id) if version_id else bucket.current(key)
    return None if record is None or record.get("marker") else record


def _tags_of(view: Snapshot, access: Access) -> Mapping[str, str]:
    """Of the object an access is about."""
    bucket, key, _ = points.place(view, access)
    record = None if bucket is None else _version(bucket, key, access)
    return {} if record is None else record.get("tags", {})


def condition_keys(
    view: Snapshot, context: Context, access: Access, request: Request
) -> Mapping[str, str | tuple[str, ...]]:
    """S3's own: from the request's signature and members, from the tags it brings and from those the object has."""
    keys: dict[str, str | tuple[str, ...]] = {**_of_signature(context)}
    bucket, _, point = points.place(view, access)
    if bucket is not None:
        keys["s3:resourceaccount"] = bucket.owner if point is None else point.key.account
    if point is not None:
        keys |= {f"s3:accesspointtag/{tag.lower()}": value for tag, value in point.tags.items()}
    creates = _CREATES.get(context.operation.name)
    if creates is not None:
        keys["s3:objectcreationoperation"] = "true" if creates else "false"
    request = {**request, **_of_lock(request)}
    if _heeds_conditions(context.operation.name, request):
        keys |= {key: bare(request[member]) for key, member in _CONDITIONS.items() if request.get(member) is not None}
    for key, member in _KEYS.items():
        value = request.get(member)
        if value is not None:
            keys[key] = value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
    until = request.get("ObjectLockRetainUntilDate")
    if isinstance(until, datetime):
        keys["s3:object-lock-remaining-retention-days"] = str(int((until.timestamp() - context.now) // 86_400))
    for tag, value in _tags_of(view, access).items():
        keys[f"s3:existingobjecttag/{tag.lower()}"] = value
    brought = _brought(request)
    for tag, value in brought.items():
        keys[f"s3:requestobjecttag/{tag.lower()}"] = value
    if brought:
        keys["s3:requestobjecttagkeys"] = tuple(brought)
    return keys


def _of_lock(request: Request) -> Mapping[str, Any]:
    """What PutObjectRetention and PutObjectLegalHold say, as PutObject says it."""
    retention, hold = request.get("Retention"), request.get("LegalHold")
    found = {}
    if isinstance(retention, Mapping):
        found = {"ObjectLockMode": retention.get("Mode"), "ObjectLockRetainUntilDate": retention.get("RetainUntilDate")}
    if isinstance(hold, Mapping):
        found["ObjectLockLegalHoldStatus"] = hold.get("Status")
    return found


def _of_signature(context: Context) -> Mapping[str, str]:
    """As the gateway proved it; nothing of requests that came past it."""
    source = context.source
    keys = {key: source[member] for key, member in _SIGNED.items() if member in source}
    if "signed_at" in source:
        keys["s3:signatureage"] = str(int((context.now - int(source["signed_at"])) * 1000))
    return keys


def _brought(request: Request) -> Mapping[str, str]:
    """Nothing of what is no set of tags: the operation says what is wrong with it."""
    given = request.get("Tagging")
    try:
        if isinstance(given, str):
            return tags.from_header(given)
        return {} if given is None else tags.from_set(given, tags.BUCKET_TAGS_LIMIT, "Object")
    except S3Error:
        return {}


# What makes an object, and what belongs to an upload that has made none yet.
_CREATES = {**dict.fromkeys(("PutObject", "CopyObject", "CompleteMultipartUpload"), True),
            **dict.fromkeys(("CreateMultipartUpload", "UploadPart", "UploadPartCopy"), False)}
_SIGNED = {"s3:authtype": "auth_type", "s3:signatureversion": "signature_version",
           "s3:x-amz-content-sha256": "content_sha256"}
_KEYS = {
    "s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys",
    "s3:x-amz-acl": "ACL", "s3:x-amz-copy-source": "CopySource", "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption", "s3:x-amz-storage-class": "StorageClass",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId", "s3:locationconstraint": "LocationConstraint",
    "s3:x-amz-object-ownership": "ObjectOwnership", "s3:x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "s3:x-amz-grant-full-control": "GrantFullControl", "s3:x-amz-grant-read": "GrantRead",
    "s3:x-amz-grant-read-acp": "GrantReadACP", "s3:x-amz-grant-write": "GrantWrite",
    "s3:x-amz-grant-write-acp": "GrantWriteACP", "s3:object-lock-mode": "ObjectLockMode",
    "s3:object-lock-legal-hold": "ObjectLockLegalHoldStatus",
    "s3:object-lock-retain-until-date": "ObjectLockRetainUntilDate",
    "s3:x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
}
_CONDITIONS = {"s3:if-match": "IfMatch", "s3:if-none-match": "IfNoneMatch"}
