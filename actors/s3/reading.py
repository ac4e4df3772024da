"""GetObject and HeadObject: which version, whether, which bytes of it, and under what headers."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from actors.s3 import archives, checksums, conditions, contents, due, encryption, locks, uploads
from actors.s3.access import bucket_of, is_anonymous
from actors.s3.contents import Content
from actors.s3.engine.sealing import OurKey
from actors.s3.errors import (
    InvalidPartNumber,
    InvalidRange,
    InvalidRequest,
    MethodNotAllowed,
    NoSuchKey,
)
from actors.s3.objects import STANDARD, version_or_raise
from actors.s3.state import Bucket, Record

RANGE_DIGITS_LIMIT = 19
_OVERRIDES = {
    "ResponseCacheControl": "CacheControl", "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding", "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType", "ResponseExpires": "Expires", "ResponseExpiresString": "ExpiresString",
}
_EXPIRES = ("ResponseExpires", "ResponseExpiresString")       # one that is overridden is no longer as it was written

Request = Mapping[str, Any]
Answer = dict[str, Any]


def find(context: Context, snapshot: Snapshot, request: Request) -> tuple[Bucket, Record]:
    """The version a request means. InvalidArgument of a part that no object has, NoSuchKey, NoSuchVersion,
    MethodNotAllowed of a delete marker."""
    bucket = bucket_of(context, snapshot, request)
    if "PartNumber" in request:
        uploads.check_part_number(request["PartNumber"])
    return bucket, version_of(bucket, request["Key"], request.get("VersionId"))


def version_of(bucket: Bucket, key: str, version_id: str | None) -> Record:
    if version_id:
        record = version_or_raise(bucket, key, version_id)
        return _no_marker(record, "GET")
    current = bucket.current(key)
    if current is None:
        raise NoSuchKey(key)
    if current.get("marker"):
        raise removed(key, current)
    return current


def removed(key: str, marker: Record) -> NoSuchKey:
    """Of a key that ends in a delete marker."""
    return NoSuchKey(key, {"x-amz-delete-marker": "true", "x-amz-version-id": marker["id"]})


def find_version(context: Context, snapshot: Snapshot, request: Request, method: str) -> tuple[Bucket, Record]:
    """As `find`, for what is set of a version itself."""
    bucket = bucket_of(context, snapshot, request)
    return bucket, version_itself(bucket, request, method)


def version_itself(bucket: Bucket, request: Request, method: str) -> Record:
    """A delete marker is one too, and refused wherever it stands. NoSuchKey, NoSuchVersion, MethodNotAllowed."""
    if request.get("VersionId"):
        return _no_marker(version_or_raise(bucket, request["Key"], request["VersionId"]), method)
    current = bucket.current(request["Key"])
    if current is None:
        raise NoSuchKey(request["Key"])
    return _no_marker(current, method)


def _no_marker(record: Record, method: str) -> Record:
    """MethodNotAllowed."""
    if record.get("marker"):
        raise MethodNotAllowed(Method=method, ResourceType="DeleteMarker", headers={
            "x-amz-delete-marker": "true", "x-amz-version-id": record["id"], "Allow": "DELETE",
            "Last-Modified": _http_date(record)})
    return record


def get(context: Context, snapshot: Snapshot, request: Request, ours: OurKey) -> tuple[Answer, Content]:
    """The answer without its Body, and what that is."""
    bucket, record = find(context, snapshot, request)
    sealer = encryption.sealer_of(ours, record, request)
    archives.check_readable(record, context.now)
    answer, start, stop = _answer(context, bucket, record, request, snapshot)
    content = record.get("content")
    if content is None or start == stop:
        return answer, Content(b"", [])
    return answer, contents.load(snapshot, content, sealer, start, None if stop == record["size"] else stop)


def head(context: Context, snapshot: Snapshot, request: Request, ours: OurKey) -> Answer:
    bucket, record = find(context, snapshot, request)
    encryption.sealer_of(ours, record, request)
    return _answer(context, bucket, record, request, snapshot)[0]


def _answer(
    context: Context, bucket: Bucket, record: Record, request: Request, view: Snapshot
) -> tuple[Answer, int, int]:
    """With the bytes asked for: from the first to before the second."""
    conditions.check_read(request, record)
    answer: Answer = {
        "AcceptRanges": "bytes", "ETag": f'"{record["etag"]}"', **record["headers"], **encryption.told(record, request),
        "LastModified": datetime.fromtimestamp(int(record["time"]), UTC), "Metadata": record.get("meta", {}),
    }
    if not _OVERRIDES.keys().isdisjoint(request):
        if is_anonymous(context):
            raise InvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
        if not request.keys().isdisjoint(_EXPIRES):
            answer.pop("ExpiresString", None)
        answer |= {named: request[member] for member, named in _OVERRIDES.items() if request.get(member) is not None}
    if bucket.versioning:
        answer["VersionId"] = record["id"]
    if record["class"] != STANDARD:
        answer["StorageClass"] = record["class"]
    if record.get("tags"):
        answer["TagCount"] = len(record["tags"])
    if record.get("replication"):
        answer["ReplicationStatus"] = record["replication"]
    if record.get("redirect"):
        answer["WebsiteRedirectLocation"] = record["redirect"]
    answer |= locks.told(record)
    answer |= archives.told(record, context.now)
    if not request.get("VersionId"):
        answer |= due.told(bucket, request["Key"], record)
    start, stop = _stretch(record, request, view)
    number = request.get("PartNumber")
    if number is not None and record.get("parts"):
        answer["PartsCount"] = record["parts"]
    whole = (start, stop) == (0, record["size"])
    if stop > start and (number is not None or not whole or _is_range(request, record)):
        answer["ContentRange"] = f"bytes {start}-{stop - 1}/{record['size']}"
    if request.get("ChecksumMode") == "ENABLED":
        answer |= _sums(record, number, view) if whole or number is not None else {}
    answer["ContentLength"] = stop - start
    return answer, start, stop


def _sums(record: Record, number: int | None, view: Snapshot) -> Answer:
    """The checksum of what is answered: of the object, or of one of its parts."""
    if number is None or not record.get("parts") or not record["sums"]:
        return checksums.members(record)
    [algorithm] = record["sums"]
    digest = contents.parts(view, record["content"])[number - 1][2]
    return {f"Checksum{algorithm}": b64encode(digest).decode(), "ChecksumType": record["sum_type"]}


def _stretch(record: Record, request: Request, view: Snapshot) -> tuple[int, int]:
    """InvalidRange, InvalidPartNumber, InvalidRequest."""
    asked, number, size = request.get("Range"), request.get("PartNumber"), record["size"]
    if number is not None:
        if asked:
            raise InvalidRequest("Cannot specify both Range header and partNumber query parameter")
        return _part(record, number, view)
    return (0, size) if not asked else parse_range(asked, size) or (0, size)


def _is_range(request: Request, record: Record) -> bool:
    """Was a part asked for, even one that is all of it?"""
    return bool(request.get("Range")) and parse_range(request["Range"], record["size"]) is not None


def _part(record: Record, number: int, view: Snapshot) -> tuple[int, int]:
    count = record.get("parts") or 1
    if number > count:
        raise InvalidPartNumber(number, count)
    if not record.get("parts"):
        return 0, record["size"]
    sizes = contents.sizes(view, record["content"])
    start = sum(sizes[:number - 1])
    return start, start + sizes[number - 1]


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """`bytes=a-b`, `a-`, `-n` as (first, past the last). None: not to be understood, for a space in it too, and then it
    is ignored, as S3 does with several ranges, and with the end of what is empty (versitygw's tests). InvalidRange."""
    unit, equals, spec = text.strip().partition("=")
    first, dash, last = spec.partition("-")
    if unit.lower() != "bytes" or not equals or not dash or "," in spec:
        return None
    if not all(part == "" or (part.isascii() and part.isdigit() and len(part) <= RANGE_DIGITS_LIMIT)
               for part in (first, last)) or not (first or last):
        return None
    if not first:
        length = int(last)
        if length == 0:
            raise InvalidRange(text, size)
        return (max(0, size - length), size) if size else None
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise InvalidRange(text, size)
    return start, min(int(last) + 1, size) if last else size


def _http_date(record: Record) -> str:
    return datetime.fromtimestamp(int(record["time"]), UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
