"""The operations on ACLs and ownership controls. What they mean: acls.py, ownership.py."""

from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import acls, publicity, reading, versions
from actors.s3.access import bucket_of
from actors.s3.errors import MalformedXML
from actors.s3.events import Happened
from actors.s3.ownership import (
    ACL,
    ENFORCED,
    OWNERSHIP,
    OWNERSHIPS,
    AclsNotSupported,
    InvalidBucketAcl,
    OwnershipControlsNotFound,
    acl_of,
    bucket_acl,
    of_bucket,
)
from actors.s3.state import Bucket, Record

Request = Mapping[str, Any]
Answer = dict[str, Any]


def get_object(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket, record = reading.find(context, snapshot, request)
    if of_bucket(bucket) == ENFORCED:
        told = acls.told(acls.private(bucket.owner), bucket.owner)
    else:
        told = acls.told(acl_of(record), record["owner"])
    return told | _version(bucket, record)


def put_object(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket, record = reading.find_version(context, transaction, request, "PUT")
    if of_bucket(bucket) == ENFORCED:
        return _unchanged(request, bucket) | _version(bucket, record)
    acl = acls.of_put(request, record["owner"], bucket.owner)
    publicity.check_acl(context, bucket, acl)
    if not acls.same(acl, acl_of(record)):
        event = Happened("ObjectAcl:Put", request["Key"], {**record, "acl": acl})
        versions.change(transaction, bucket, event, context)
    return _version(bucket, record)


def _version(bucket: Bucket, record: Record) -> Answer:
    """S3's model has no member for it: a header (gateway/protocols/rest_xml.py)."""
    return {"VersionId": record["id"]} if bucket.versioning else {}


def get_bucket(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    acl = acls.private(bucket.owner) if of_bucket(bucket) == ENFORCED else bucket_acl(bucket)
    return acls.told(acl, bucket.owner)


def put_bucket(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    if of_bucket(bucket) == ENFORCED:
        return _unchanged(request, bucket)
    acl = acls.of_put(request, bucket.owner, bucket.owner)
    publicity.check_acl(context, bucket, acl)
    bucket.configure(ACL, acl)
    return {}


def _unchanged(request: Request, bucket: Bucket) -> Answer:
    """Where ACLs are off, one that gives the bucket's owner full control and nobody else anything may be put, in a
    header or as XML. AccessControlListNotSupported, and what is refused of any ACL before."""
    acl = acls.of_put(request, bucket.owner, bucket.owner)
    is_harmless = request.get("ACL") == "bucket-owner-full-control" if acls.is_stated(request) else acls.same(
        acl, acls.private(bucket.owner))
    if not is_harmless:
        raise AclsNotSupported
    return {}


def get_controls(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    ownership = bucket.configuration(OWNERSHIP)
    if ownership is None:
        raise OwnershipControlsNotFound(BucketName=bucket.name)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}


def put_controls(context: Context, transaction: Transaction, request: Request) -> Answer:
    """ACLs end with BucketOwnerEnforced, which a bucket that grants anybody anything refuses."""
    bucket = bucket_of(context, transaction, request)
    rules = request["OwnershipControls"].get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise MalformedXML
    ownership = rules[0]["ObjectOwnership"]
    mine = acls.private(bucket.owner)[0][0]
    if ownership == ENFORCED and any(grantee != mine for grantee, _ in bucket_acl(bucket)):
        raise InvalidBucketAcl(ownership)
    bucket.configure(OWNERSHIP, ownership)
    return {}


def delete_controls(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket_of(context, transaction, request).configure(OWNERSHIP, None)
    return {}
