"""PutObject and DeleteObject(s): what makes an object, and what ends one."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.s3 import checksums, conditions, contents, due, encryption, locks, ownership, state, tags, versions
from actors.s3.access import bucket_of
from actors.s3.archives import STORAGE_CLASSES
from actors.s3.contents import Body
from actors.s3.engine.sealing import OurKey
from actors.s3.errors import (
    AccessDenied,
    InvalidRedirectLocation,
    InvalidStorageClass,
    InvalidVersionId,
    MalformedXML,
    MetadataTooLarge,
    NoSuchVersion,
    NotImplementedHeader,
)
from actors.s3.events import Happened
from actors.s3.state import Bucket, Record
from schemas.checksums import MD5
from schemas.errors import AwsError

METADATA_LIMIT_BYTES = 2048               # of user metadata, names and values together
DELETE_LIMIT = 1000                       # keys of one DeleteObjects
_OF_DIRECTORIES = frozenset({"LastModifiedTime", "Size"})     # conditions of directory buckets' DeleteObjects
STANDARD = "STANDARD"
DEFAULT_TYPE = "binary/octet-stream"
# The last is Expires where it is written otherwise than as the timestamp that it stands for, or stands for none.
HEADERS = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires",
           "ExpiresString")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def put(context: Context, transaction: Transaction, request: Request, body: Body, ours: OurKey) -> Answer:
    bucket = bucket_of(context, transaction, request)
    key = request["Key"]
    algorithm, digest = checksums.check(request, body.sums)
    record = described(context, transaction, bucket, request)
    if not _is_form(context):
        locks.check_digest(record, request, "Object")
    current = bucket.current(key)
    conditions.check_write(request, key, current)
    sealer = encryption.sealer_of_new(ours, record, request)
    record.update(size=body.size, etag=encryption.etag(record, body.sums[MD5]), sums={algorithm: digest},
                  content=contents.keep(transaction, body, sealer))
    versions.put(transaction, bucket, Happened(_created(context), key, record), current, context)
    answer: Answer = {
        "ETag": f'"{record["etag"]}"', f"Checksum{algorithm}": b64encode(digest).decode(),
        "ChecksumType": checksums.FULL_OBJECT, **encryption.told_of_new(record, request),
        **due.told(bucket, key, record),
    }
    answer.update(version_of(bucket, record))
    return answer


def _created(context: Context) -> str:
    """A form's upload is a PUT to us; its gateway says what it was."""
    return "ObjectCreated:Post" if _is_form(context) else "ObjectCreated:Put"


def _is_form(context: Context) -> bool:
    return bool(context.source.get("request", "").startswith("POST "))


def described(context: Context, transaction: Transaction, bucket: Bucket, request: Request) -> Record:
    """What a request that makes an object or begins an upload says of it, checked. AwsError."""
    storage_class = request.get("StorageClass") or STANDARD
    if storage_class not in STORAGE_CLASSES:
        raise InvalidStorageClass(StorageClassRequested=storage_class)
    refuse_unbuilt(request)
    record: Record = {
        "time": second(transaction), "class": storage_class, **ownership.of_new_object(context, bucket, request),
        **locks.of_new_object(bucket, request, transaction.now()),
    }
    record["headers"] = headers = {"ContentType": DEFAULT_TYPE}
    for name in HEADERS:
        value = request.get(name)
        if value is not None:
            headers[name] = value
    if request.get("Metadata"):
        record["meta"] = checked_metadata(request["Metadata"])
    if request.get("Tagging"):
        record["tags"] = tags.from_header(request["Tagging"])
    if request.get("WebsiteRedirectLocation"):
        record["redirect"] = checked_redirect(request["WebsiteRedirectLocation"])
    record.update(encryption.of_new_object(context, bucket, request))
    return record


def second(transaction: Transaction) -> float:
    """The time of what is made now: S3 tells no fractions of seconds, and its conditions must agree with what it tells.
    """
    return float(int(transaction.now()))


def refuse_unbuilt(request: Request) -> None:
    """NotImplementedHeader: never stored as if it did something."""
    if request.get("WriteOffsetBytes"):
        raise NotImplementedHeader(Header="x-amz-write-offset-bytes")


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_LIMIT_BYTES:
        raise MetadataTooLarge(Size=str(size), MaxSizeAllowed=str(METADATA_LIMIT_BYTES))
    return {name.lower(): value for name, value in metadata.items()}


def checked_redirect(location: str) -> str:
    """InvalidRedirectLocation."""
    if not location.startswith(("/", "http://", "https://")):
        raise InvalidRedirectLocation
    return location


def version_of(bucket: Bucket, record: Record) -> Answer:
    """VersionId, where the bucket has ever had versioning."""
    return {"VersionId": record["id"]} if bucket.versioning == state.ENABLED else {}


# Deleting


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    conditions.refuse_delete(request)
    return delete_one(context, transaction, bucket, request, bypass=locks.bypass(bucket, request))


def delete_one(
    context: Context, transaction: Transaction, bucket: Bucket, request: Request, *, bypass: bool
) -> Answer:
    """What became of one Key (and VersionId). `bypass`: of governance. AwsError."""
    key, version_id = request["Key"], request.get("VersionId")
    if version_id:
        return _delete_version(context, transaction, bucket, request, bypass=bypass)
    current = bucket.current(key)
    conditions.check_delete(request, key, current)
    if not bucket.versioning:
        if current is not None:
            versions.remove(transaction, bucket, Happened("ObjectRemoved:Delete", key, current), context)
        return {}
    marker: Record = {"marker": True, "time": second(transaction), "owner": bucket.owner, "etag": "", "size": 0}
    versions.put(transaction, bucket, Happened("ObjectRemoved:DeleteMarkerCreated", key, marker), current, context)
    return {"DeleteMarker": True, "VersionId": marker["id"]}


def _delete_version(
    context: Context, transaction: Transaction, bucket: Bucket, request: Request, *, bypass: bool
) -> Answer:
    key, version_id = request["Key"], request["VersionId"]
    record = bucket.version(key, version_id)
    if record is None and not state.may_be_version_id(version_id):
        raise InvalidVersionId(version_id)
    conditions.check_delete(request, key, record)
    answer: Answer = {"VersionId": version_id}
    if record is None:
        return answer
    locks.check_removal(record, transaction.now(), bypass=bypass)
    versions.remove(transaction, bucket, Happened("ObjectRemoved:Delete", key, record), context)
    return answer | ({"DeleteMarker": True} if record.get("marker") else {})


def delete_many(
    context: Context, transaction: Transaction, request: Request, may: Callable[[Request], bool]
) -> Answer:
    """Each on its own: an error of one is told of it alone. `may` says whether the caller may delete it."""
    bucket = bucket_of(context, transaction, request)
    wanted = request["Delete"].get("Objects") or []
    if not wanted or len(wanted) > DELETE_LIMIT or any(not _OF_DIRECTORIES.isdisjoint(each) for each in wanted):
        raise MalformedXML
    bypass = bool(request.get("BypassGovernanceRetention"))
    deleted: list[Answer] = []
    errors: list[Answer] = []
    for each in wanted:
        named = {name: each[name] for name in ("Key", "VersionId") if each.get(name)}
        try:
            if not may(each):
                raise AccessDenied
            try:
                outcome = delete_one(context, transaction, bucket, each, bypass=bypass)
            except InvalidVersionId as error:
                raise NoSuchVersion(each["Key"], each["VersionId"]) from error
        except AwsError as error:
            errors.append({**named, "Code": error.error_code, "Message": error.message})
            continue
        if outcome.get("DeleteMarker"):
            named |= {"DeleteMarker": True, "DeleteMarkerVersionId": outcome["VersionId"]}
        deleted.append(named)
    answer: Answer = {"Errors": errors} if errors else {}
    if not request["Delete"].get("Quiet"):
        answer["Deleted"] = deleted
    return answer


def version_or_raise(bucket: Bucket, key: str, version_id: str) -> Record:
    """NoSuchVersion, InvalidArgument."""
    record = bucket.version(key, version_id)
    if record is None:
        raise NoSuchVersion(key, version_id) if state.may_be_version_id(version_id) else InvalidVersionId(version_id)
    return record
