"""Requests through an access point: which are let through, and what they need to be allowed. Both must allow, the
access point by its policy and the bucket by its own; the caller's policies are asked about both ARNs.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html,
…/access-points-service-api-support.html (which operations), …/access-points-restrictions-limitations-naming-rules.html
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from actors.runtime.access import Access, Guard
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from actors.runtime.principal import Principal
from actors.runtime.store.transaction import Snapshot
from actors.s3 import permissions, points, publicity, state
from actors.s3.access import alias_of
from actors.s3.copying import parse_source
from actors.s3.errors import AccessDenied, InvalidArgument, InvalidRequest, MethodNotAllowed, PermanentRedirect, S3Error
from actors.s3.points import Point

OPERATIONS = frozenset({
    "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
    "DeleteObjects", "DeleteObjectTagging", "GetBucketAcl", "GetBucketCors", "GetBucketLocation",
    "GetBucketNotificationConfiguration", "GetBucketPolicy", "GetObject", "GetObjectAcl", "GetObjectAttributes",
    "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "HeadBucket", "HeadObject", "ListMultipartUploads",
    "ListObjects", "ListObjectsV2", "ListObjectVersions", "ListParts", "PutObject", "PutObjectAcl",
    "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "UploadPart", "UploadPartCopy",
})

Request = Mapping[str, Any]


def concerns(request: Request) -> bool:
    """May it name an access point? Of a request whose members are what the model says."""
    return points.may_stand(request.get("Bucket")) or "CopySource" in request


def accesses(view: Snapshot, context: Context, request: Request) -> Sequence[Access]:
    """What it needs of the buckets and the access points that it names. AwsError for what goes through none."""
    if context.operation.name == "CreateBucket":
        return permissions.accesses(context, request)
    target = _target(view, context, request["Bucket"])
    context.authorised_as = {request["Bucket"]: alias_of(target)}
    asked = request if target is None else {**request, "Bucket": target.bucket}
    found = list(through(target, permissions.accesses(context, asked)))
    if not isinstance(request.get("CopySource"), str):
        return found
    try:
        name, key, version_id = parse_source(request["CopySource"])
    except InvalidArgument:
        return found                      # the operation says what is wrong with it
    source = _source(view, context, name)
    context.authorised_as = {**context.authorised_as, name: alias_of(source)}
    read = permissions.of_source(name if source is None else source.bucket, key, version_id)
    found += through(source, (read,))
    if context.operation.name == "CopyObject":
        for point, access in zip((source, target), permissions.of_copied_tags(view, asked, read), strict=False):
            found += through(point, (access,))
    return found


def also(view: Snapshot, context: Context, request: Request, asked: Sequence[Access]) -> Sequence[Access]:
    """Accesses to the bucket as a request names it, as they are needed where that is an access point."""
    name = request["Bucket"]
    point = points.find(view, name, context.region)
    if point is None:
        return asked
    given, arn = permissions.arn_of(name), permissions.arn_of(point.bucket)
    return tuple(through(point, (access._replace(resource=access.resource.replace(given, arn, 1)) for access in asked)))


def through(point: Point | None, found: Iterable[Access]) -> Iterator[Access]:
    """Accesses to a bucket, and with each the one to the access point; a denial of either names this one."""
    for access in found:
        if point is None:
            yield access
            continue
        _, slash, key = access.resource.removeprefix(permissions.ARN).partition("/")
        arn = f"{point.arn}/object/{key}" if slash else point.arn
        keys = {**access.keys, **point.condition_keys}
        yield Access(access.action, access.resource, keys, f'"{arn}"')
        yield Access(access.action, arn, keys)


def _target(view: Snapshot, context: Context, name: str) -> Point | None:
    point = points.find(view, name, context.region)
    if point is None:
        return None
    _check(context, point)
    operation = context.operation
    if operation.name not in OPERATIONS:
        raise MethodNotAllowed(Method=operation.method, ResourceType="ACCESSPOINT")
    if point.key.region != context.region:
        raise PermanentRedirect(name, point.key.region)
    return point


def _source(view: Snapshot, context: Context, name: str) -> Point | None:
    """Through what a copy's source is read."""
    point = points.find(view, name, context.region)
    if point is not None:
        _check(context, point)
        if point.key.region != context.region:
            raise AccessDenied("Cannot access through this access point")
    return point


def _check(context: Context, point: Point) -> None:
    """InvalidRequest; AccessDenied for one of a VPC, from which no request comes here."""
    if context.source.get("signature_version") == "AWS":
        raise InvalidRequest("Please use Signature Version 4")
    if point.vpc:
        raise AccessDenied


# What stands around an access point


def guard(view: Snapshot, context: Context, access: Access) -> Guard | None:
    """Of an access point's ARN, or of an object's in one."""
    key = points.key_of_arn(access.resource)
    point = None if key is None else points.get(view, key)
    if point is None:
        return None
    return Guard(point.key.account, _policy(view, point, context.principal))


def _policy(view: Snapshot, point: Point, principal: Principal) -> Policy | None:
    """None also where a public one may not count for strangers."""
    if point.policy is None:
        return None
    if not permissions.is_at_home(principal, point.key.account) and is_public(point) and publicity.united(
            settings(view, point), publicity.of_bucket(state.get_bucket(view, point.bucket))).get(
            "RestrictPublicBuckets"):
        return None
    return Policy("AccessPointPolicy", compile_document(point.policy, Use.RESOURCE))


def settings(view: Snapshot, point: Point) -> Mapping[str, bool]:
    """Its public-access block: its own, its account's, and its bucket's where this is of the same account."""
    bucket = state.get_bucket(view, point.bucket)
    of_bucket = publicity.of_bucket(bucket) if bucket.owner == point.key.account else {}
    return publicity.united(point.block, publicity.of_account(view, point.key.account), of_bucket)


def is_public(point: Point) -> bool:
    """One of a VPC never is."""
    return point.policy is not None and not point.vpc and publicity.is_public(point.policy)


def tags(view: Snapshot, access: Access) -> Mapping[str, str]:
    """Of the access point whose ARN it is."""
    point = points.place(view, access)[2]
    return {} if point is None else point.tags


def passed(view: Snapshot, context: Context, request: Request) -> Sequence[str]:
    """Bucket and access point, of a request through one.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-monitoring-logging.html
    """
    name = request["Bucket"]
    try:
        point = points.find(view, name, context.region)
    except S3Error:
        return ()
    return () if point is None else (permissions.arn_of(point.bucket), point.arn)
