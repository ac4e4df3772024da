"""Who owns what is in a bucket, whether ACLs count there, and whom they let in for what.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html; what each ACL permission
allows: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions
"""

from collections.abc import Callable, Mapping
from typing import Any

from actors.runtime.context import Context
from actors.s3 import acls, publicity
from actors.s3.acls import Acl
from actors.s3.errors import InvalidArgument, S3Error
from actors.s3.state import Bucket, Record

OWNERSHIP, ACL = "ownership", "acl"       # the kinds of configuration they are
ENFORCED, PREFERRED, WRITER = "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"
OWNERSHIPS = frozenset({ENFORCED, PREFERRED, WRITER})
_HARMLESS = frozenset({"private", "bucket-owner-full-control"})   # say of an object what is so in an enforcing bucket

Request = Mapping[str, Any]


class AclsNotSupported(S3Error):
    code, words = "AccessControlListNotSupported", "The bucket does not allow ACLs"


class InvalidBucketAcl(S3Error):
    code = "InvalidBucketAclWithObjectOwnership"

    def __init__(self, ownership: str) -> None:
        super().__init__(f"Bucket cannot have ACLs set with ObjectOwnership's {ownership} setting")


class OwnershipControlsNotFound(S3Error):
    code, status_code = "OwnershipControlsNotFoundError", 404
    words = "The bucket ownership controls were not found"


def of_bucket(bucket: Bucket) -> str:
    """Without controls a bucket is as all were once."""
    return bucket.configuration(OWNERSHIP) or WRITER


def begin(context: Context, bucket: Bucket, request: Request) -> None:
    """CreateBucket's ownership and ACL. InvalidArgument, InvalidBucketAclWithObjectOwnership, AccessDenied."""
    ownership = request.get("ObjectOwnership", ENFORCED)
    if ownership not in OWNERSHIPS:
        raise InvalidArgument(f"Invalid x-amz-object-ownership header: {ownership}", "x-amz-object-ownership")
    bucket.configure(OWNERSHIP, ownership)
    reset_acl(context, bucket, request)


def reset_acl(context: Context, bucket: Bucket, request: Request) -> None:
    """To what CreateBucket says of it. InvalidArgument, InvalidBucketAclWithObjectOwnership, AccessDenied."""
    stated = acls.is_stated(request)
    acl = acls.of_headers(request, bucket.owner, bucket.owner) if stated else None
    if stated and of_bucket(bucket) == ENFORCED and request.get("ACL") != "private":
        raise InvalidBucketAcl(ENFORCED)
    if acl is not None:
        publicity.check_acl(context, bucket, acl)
    if acl is not None or bucket.configuration(ACL) is not None:
        bucket.configure(ACL, acl)


# Objects


def of_new_object(context: Context, bucket: Bucket, request: Request) -> Record:
    """`owner` and `acl` of an object that is put. AccessControlListNotSupported, AccessDenied."""
    ownership = of_bucket(bucket)
    if ownership == ENFORCED:
        if acls.is_stated(request):
            acls.of_headers(request, bucket.owner, bucket.owner)         # what cannot be said is told first
            if request.get("ACL") not in _HARMLESS:
                raise AclsNotSupported
        return {"owner": bucket.owner}
    writer = context.principal.account or context.identity.account
    if ownership == PREFERRED and request.get("ACL") == "bucket-owner-full-control":
        writer = bucket.owner
    if not acls.is_stated(request):
        return {"owner": writer}
    acl = acls.of_headers(request, writer, bucket.owner)
    publicity.check_acl(context, bucket, acl)
    return {"owner": writer, "acl": acl}


def owners_in(bucket: Bucket) -> Callable[[Record], str]:
    """Whose a version is told to be."""
    if of_bucket(bucket) == ENFORCED:
        return lambda record: bucket.owner
    return lambda record: str(record["owner"])


def acl_of(record: Record) -> Acl:
    """A version's; canned names that stand in old records granted nothing, and still do not."""
    acl = record.get("acl")
    return acl if isinstance(acl, list) else acls.private(record["owner"])


# Buckets


def bucket_acl(bucket: Bucket) -> Acl:
    """What stands, which may be nothing at all; whether it counts, `of_bucket` says."""
    stands: Acl | None = bucket.configuration(ACL)
    return acls.private(bucket.owner) if stands is None else stands


# What an ACL lets somebody in for. Of a bucket's, and of an object's.
_OF_BUCKETS = {
    "s3:ListBucket": "READ", "s3:ListBucketVersions": "READ", "s3:ListBucketMultipartUploads": "READ",
    "s3:PutObject": "WRITE", "s3:DeleteObject": "WRITE", "s3:AbortMultipartUpload": "WRITE",
    "s3:ListMultipartUploadParts": "WRITE", "s3:GetBucketAcl": "READ_ACP", "s3:PutBucketAcl": "WRITE_ACP",
}
_OF_OBJECTS = {
    "s3:GetObject": "READ", "s3:GetObjectVersion": "READ", "s3:GetObjectAcl": "READ_ACP",
    "s3:GetObjectVersionAcl": "READ_ACP", "s3:PutObjectAcl": "WRITE_ACP", "s3:PutObjectVersionAcl": "WRITE_ACP",
}


def granted(bucket: Bucket, action: str, record: Record | None, account: str) -> bool:
    """Does an ACL let this account in, "" for nobody's? `record`: the version an object's action is about."""
    if of_bucket(bucket) == ENFORCED:
        return False
    groups = not publicity.of_bucket(bucket).get("IgnorePublicAcls")
    permission = _OF_BUCKETS.get(action)
    if permission is not None:
        return acls.lets_in(bucket_acl(bucket), account, permission, groups=groups)
    permission = _OF_OBJECTS.get(action)
    if permission is None:
        return False
    if record is None:                    # that it is not there is told to who may list
        return acls.lets_in(bucket_acl(bucket), account, "READ", groups=groups)
    return acls.lets_in(acl_of(record), account, permission, groups=groups)


def is_strangers(bucket: Bucket, action: str, record: Record | None) -> bool:
    """Does what is asked for belong to the account that wrote it, and not to the bucket's?"""
    return record is not None and action in _OF_OBJECTS and record["owner"] != bucket.owner \
        and of_bucket(bucket) != ENFORCED
