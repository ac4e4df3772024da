"""Uploads under way and their parts: found, ended, and listed."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import checksums, contents, due, state
from actors.s3.access import bucket_of
from actors.s3.errors import InvalidArgument, NoSuchUpload
from actors.s3.listing import integer, writer
from actors.s3.owners import owner
from actors.s3.state import Bucket, Record
from bus.codec import unpack

PAGE_LIMIT = 1000
PARTS_LIMIT = 10_000

Request = Mapping[str, Any]
Answer = dict[str, Any]


def check_part_number(number: int) -> None:
    """InvalidArgument."""
    if not 1 <= number <= PARTS_LIMIT:
        raise InvalidArgument(f"Part number must be an integer between 1 and {PARTS_LIMIT}, inclusive", "partNumber",
                              number)


def save(transaction: Transaction, bucket: Bucket, upload: Record) -> None:
    state.write(transaction, _row(bucket, upload["key"], upload["upload"]), upload)


def get(view: Snapshot, bucket: Bucket, request: Request) -> Record:
    """NoSuchUpload."""
    id_ = request["UploadId"]
    is_one = 0 < len(id_) <= state.UPLOAD_ID_LIMIT_CHARACTERS
    found = state.read(view, _row(bucket, request["Key"], id_)) if is_one else None
    if found is None:
        raise NoSuchUpload(id_)
    return found


def end(transaction: Transaction, bucket: Bucket, upload: Record, keep: set[int] | None = None) -> None:
    """It is no more, nor are its parts; the contents of those in `keep` have become an object's."""
    for key, row in parts(transaction, upload["upload"]):
        transaction.delete(key)
        if keep is None or state.part_number(key) not in keep:
            contents.release(transaction, row["content"])
    transaction.delete(_row(bucket, upload["key"], upload["upload"]))


def end_all(transaction: Transaction, bucket: Bucket) -> None:
    """With their bucket."""
    for _, upload in under_way(bucket, b""):
        end(transaction, bucket, upload)


def part(view: Snapshot, upload: Record, number: int) -> Record | None:
    return state.read(view, state.part_key(upload["upload"], number)) if number <= PARTS_LIMIT else None


def sums_of(upload: Record, part: Record) -> Answer:
    """A part's checksum as others than UploadPart tell it: not of an upload that was begun without an algorithm."""
    return checksums.of_part(part) if upload["algorithm"] else {}


def parts(view: Snapshot, upload_id: str, after: int = 0) -> Iterator[tuple[bytes, Record]]:
    """(row's key, part) in the order of their numbers."""
    start = state.part_key(upload_id, after + 1)
    for key, row in view.scan(start, state.past(state.part_prefix(upload_id))):
        yield key, cast("Record", unpack(row))


def under_way(bucket: Bucket, start: bytes) -> Iterator[tuple[bytes, Record]]:
    for key, row in bucket.scan(b"u", start, b""):
        yield key, cast("Record", unpack(row))


def _row(bucket: Bucket, key: str, upload_id: str) -> bytes:
    return bucket.row(b"u", key) + upload_id.encode()


# Listed


def list_parts(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    upload = get(snapshot, bucket, request)
    limit = _limit(request, "MaxParts", "max-parts")
    marker = integer(request.get("PartNumberMarker") or 0, "part-number-marker")
    told: list[Answer] = []
    answer: Answer = {
        "Bucket": bucket.name, "Key": upload["key"], "UploadId": upload["upload"], "PartNumberMarker": marker,
        "NextPartNumberMarker": 0, "MaxParts": limit, "IsTruncated": False, "Parts": told,
        "StorageClass": upload["class"], **_whose(upload), **due.told_of_upload(bucket, upload),
    }
    if upload["algorithm"]:
        answer |= {"ChecksumAlgorithm": upload["algorithm"], "ChecksumType": upload["sum_type"]}
    for key, part in parts(snapshot, upload["upload"], marker):
        if len(told) == limit:
            answer["IsTruncated"] = True
            break
        told.append({"PartNumber": state.part_number(key), "ETag": f'"{part["etag"]}"', "Size": part["size"],
                     "LastModified": datetime.fromtimestamp(int(part["time"]), UTC), **sums_of(upload, part)})
    if told:
        answer["NextPartNumberMarker"] = told[-1]["PartNumber"]
    return answer


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """ListMultipartUploads: by key, then by when they began."""
    bucket = bucket_of(context, snapshot, request)
    write = writer(request)
    limit = _limit(request, "MaxUploads", "max-uploads")
    prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
    key_marker, id_marker = request.get("KeyMarker") or "", request.get("UploadIdMarker") or ""
    if key_marker and id_marker and not state.is_upload_id(id_marker):
        raise InvalidArgument("Invalid uploadId marker", "upload-id-marker", id_marker)
    told: list[Answer] = []
    groups: list[str] = []
    last = last_id = ""
    answer: Answer = {
        "Bucket": bucket.name, "KeyMarker": write(key_marker), "UploadIdMarker": id_marker if key_marker else "",
        "MaxUploads": limit, "IsTruncated": False, "Uploads": told, "NextKeyMarker": "", "NextUploadIdMarker": "",
    }
    if prefix:
        answer["Prefix"] = write(prefix)
    if delimiter:
        answer["Delimiter"] = write(delimiter)
    if request.get("EncodingType"):
        answer["EncodingType"] = request["EncodingType"]
    for upload in _behind(bucket, key_marker, id_marker):
        key = upload["key"]
        if not key.startswith(prefix):
            if key.encode() > prefix.encode():
                break
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        group = key[:cut + len(delimiter)] if cut >= 0 else ""
        if group and (group in groups or group <= key_marker):
            continue
        if len(told) + len(groups) == limit:
            answer["IsTruncated"] = bool(limit)
            break
        last, last_id = (group, "") if group else (key, upload["upload"])
        if group:
            groups.append(group)
        else:
            told.append(_upload(upload, write))
    if last_id or answer["IsTruncated"]:          # S3 names no prefix here at all, and then no page follows
        answer |= {"NextKeyMarker": write(last), "NextUploadIdMarker": last_id}
    answer["CommonPrefixes"] = [{"Prefix": write(group)} for group in groups]
    return answer


def _behind(bucket: Bucket, key: str, id_: str) -> Iterator[Record]:
    """Uploads behind a key, or behind one upload of it."""
    start = b""
    if key:
        start = state.closed(key) + (id_.encode() + b"\0" if id_ else b"\xff")
    for _, upload in under_way(bucket, start):
        yield upload


def _upload(upload: Record, write: Any) -> Answer:
    told: Answer = {
        "UploadId": upload["upload"], "Key": write(upload["key"]), "StorageClass": upload["class"],
        "Initiated": datetime.fromtimestamp(int(upload["time"]), UTC), **_whose(upload),
    }
    if upload["algorithm"]:
        told |= {"ChecksumAlgorithm": upload["algorithm"], "ChecksumType": upload["sum_type"]}
    return told


def _whose(upload: Record) -> Answer:
    """Whose the object will be, and who began: where that is no account, it is told by its ARN."""
    whose = owner(upload["owner"])
    return {"Owner": whose, "Initiator": upload.get("initiator", whose)}


def _limit(request: Request, member: str, name: str) -> int:
    return min(integer(request.get(member, PAGE_LIMIT), name), PAGE_LIMIT)
