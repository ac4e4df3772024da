"""Multipart uploads: begun, their parts taken, completed by a list and without moving a byte, or aborted.

Every part is a file (contents.py); completing joins their contents into one. Source:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html and the API pages of the operations.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from actors.runtime.context import Context
from actors.runtime.policy.decision import root_arn
from actors.runtime.principal import Principal
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import checksums, conditions, contents, due, encryption, locks, state, uploads, versions
from actors.s3.access import bucket_of
from actors.s3.contents import Body
from actors.s3.engine.sealing import OurKey, Sealer
from actors.s3.errors import (
    BadDigest,
    EntityTooSmall,
    InvalidArgument,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    MalformedXML,
)
from actors.s3.events import Happened
from actors.s3.objects import described, version_of
from actors.s3.owners import owner
from actors.s3.state import Bucket, Record
from schemas.checksums import CRC_BYTES, MD5, combined

_OF_UPLOADS = frozenset({"key", "algorithm", "disturbed", "initiator"})   # what an object's record has no more
LEAST_PART_BYTES = 5 * 1024 * 1024        # of every part but the last

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    key = request["Key"]
    record = described(context, transaction, bucket, request)
    algorithm, kind = _checksum_of_upload(request)
    upload_id = state.upload_id(int(transaction.now() * 1e6), secrets.token_urlsafe(36))
    record |= {"upload": upload_id, "key": key, "algorithm": algorithm, "sum_type": kind,
               "initiator": _initiator(context.principal)}
    uploads.save(transaction, bucket, record)
    answer: Answer = {"Bucket": bucket.name, "Key": key, "UploadId": record["upload"],
                      **encryption.told_of_new(record, request), **due.told_of_upload(bucket, record)}
    if algorithm:
        answer |= {"ChecksumAlgorithm": algorithm, "ChecksumType": kind}
    return answer


def _initiator(principal: Principal) -> dict[str, str]:
    """An account's root as its account, others by their ARN."""
    if principal.arn == root_arn(principal.account):
        return owner(principal.account)
    return {"ID": principal.arn, "DisplayName": principal.name or principal.arn.partition("/")[2]}


def _checksum_of_upload(request: Request) -> tuple[str, str]:
    """Algorithm and type; ("", FULL_OBJECT) where the request leaves them to us. InvalidRequest."""
    kind, algorithm = _kind(request), checksums.asked(request)
    if not algorithm:
        if kind:
            raise InvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
                                 "header.")
        return "", checksums.FULL_OBJECT
    if not kind:
        return algorithm, checksums.FULL_OBJECT if algorithm == checksums.DEFAULT else checksums.COMPOSITE
    refused = (kind == checksums.COMPOSITE and algorithm == checksums.DEFAULT) or (
        kind == checksums.FULL_OBJECT and algorithm not in CRC_BYTES)
    if refused:
        raise InvalidRequest(f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum "
                             "algorithm.")
    return algorithm, kind


def _kind(request: Request) -> str:
    """The checksum type that is asked for, "" where none is. InvalidRequest."""
    kind: str = (request.get("ChecksumType") or "").upper()
    if kind not in ("", checksums.COMPOSITE, checksums.FULL_OBJECT):
        raise InvalidRequest("Value for x-amz-checksum-type header is invalid.")
    return kind


# Parts


def check_part(context: Context, view: Snapshot, request: Request) -> tuple[Bucket, Record]:
    """May this part come? Asked before its bytes are settled, and again with them. NoSuchUpload, InvalidArgument."""
    bucket = bucket_of(context, view, request)
    uploads.check_part_number(request["PartNumber"])
    return bucket, uploads.get(view, bucket, request)


def needed_of_part(upload: Record) -> str:
    """The algorithm whose digest makes the whole's, whatever a part itself states."""
    algorithm: str = upload["algorithm"] or checksums.DEFAULT
    return algorithm if upload["sum_type"] == checksums.FULL_OBJECT else ""


def put_part(context: Context, transaction: Transaction, request: Request, body: Body, ours: OurKey) -> Answer:
    _, upload = check_part(context, transaction, request)
    sealer = encryption.sealer_of_part(ours, upload, request)
    locks.check_digest(upload, request, "Part")
    _check_algorithm(upload, request)
    algorithm, digest = checksums.check(request, body.sums)
    needed = needed_of_part(upload)
    if checksums.stated(request) is None and needed:
        algorithm, digest = needed, body.sums[needed]
    part = keep_part(transaction, upload, request["PartNumber"], body, {algorithm: digest}, sealer)
    return {"ETag": f'"{part["etag"]}"', **encryption.told(upload, request), **checksums.of_part(part)}


def keep_part(
    transaction: Transaction, upload: Record, number: int, body: Body, sums: Mapping[str, bytes], sealer: Sealer
) -> Record:
    """The part's record; one of the same number that came before is gone. `sums` is what is told of it."""
    key = state.part_key(upload["upload"], number)
    replaced = state.read(transaction, key)
    if replaced is not None:
        contents.release(transaction, replaced["content"])
    part: Record = {"size": body.size, "etag": encryption.etag(upload, body.sums[MD5]), "sums": dict(sums),
                    "time": transaction.now(), "content": contents.keep(transaction, body, sealer)}
    needed = needed_of_part(upload)
    if needed not in ("", *sums):
        part["whole"] = {needed: body.sums[needed]}
    state.write(transaction, key, part)
    return part


def _check_algorithm(upload: Record, request: Request) -> None:
    stated = checksums.stated(request)
    actual = stated[0] if stated is not None else ""
    is_ours_to_make = not actual and upload["sum_type"] == checksums.FULL_OBJECT
    if upload["algorithm"] and actual != upload["algorithm"] and not is_ours_to_make:
        raise InvalidRequest("Checksum Type mismatch occurred, expected checksum Type: "
                             f"{upload['algorithm'].lower()}, actual checksum Type: {actual.lower() or 'null'}")


# Completing


def complete(context: Context, transaction: Transaction, request: Request, ours: OurKey) -> Answer:
    bucket = bucket_of(context, transaction, request)
    key = request["Key"]
    current = bucket.current(key)
    if current is not None and current.get("upload") == request["UploadId"] and _is_of(current, request):
        return _completed(context, bucket, key, current)
    upload = uploads.get(transaction, bucket, request)
    algorithm, stated = checksums.stated_of_whole(request)
    kind = _kind(request)
    conditions.check_complete(request, key, current, upload)
    if encryption.customer_key(request) is not None:
        encryption.sealer_of_part(ours, upload, request)
    parts = _chosen(transaction, upload, request)
    record = _joined(upload, parts, request)
    _check_whole(upload, record, kind, algorithm, stated)
    algorithm = next(iter(record["sums"]), "")
    record["content"] = contents.join(
        transaction, [part["content"] for _, part in parts],
        [(number, part["size"], _digest(part, algorithm)) for number, part in parts])
    chosen = {number for number, _ in parts}
    uploads.end(transaction, bucket, upload, keep=chosen)
    record["time"] = float(int(transaction.now()))
    event = Happened("ObjectCreated:CompleteMultipartUpload", key, record)
    versions.put(transaction, bucket, event, current, context)
    return _completed(context, bucket, key, record)


def _is_of(record: Record, request: Request) -> bool:
    """Is it these parts that the object was made of?"""
    listed = (request.get("MultipartUpload") or {}).get("Parts") or []
    try:
        return bool(record["etag"] == _etag([str(each.get("ETag")).strip('"') for each in listed]))
    except ValueError:
        return False


def _etag(parts: list[str]) -> str:
    """Of the whole, by its parts' own. ValueError of what is none."""
    joined = b"".join(bytes.fromhex(part) for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _completed(context: Context, bucket: Bucket, key: str, record: Record) -> Answer:
    """Told again to who asks again, as long as the object is the current one."""
    answer: Answer = {
        "Location": location(context, bucket.name, key),
        "Bucket": bucket.name, "Key": key, "ETag": f'"{record["etag"]}"', **encryption.ours_told(record),
        **_sums_told(record), **due.told(bucket, key, record),
    }
    return answer | version_of(bucket, record)


def _sums_told(record: Record) -> Answer:
    """Not S3's own of what KMS seals: a read tells it."""
    if encryption.is_by_kms(record) and checksums.DEFAULT in record["sums"]:
        return {}
    return dict(checksums.members(record))


def location(context: Context, bucket: str, key: str) -> str:
    """Where the object is, on the host that was asked and in its style."""
    host = context.source.get("host") or f"{bucket}.s3.{context.region}.amazonaws.com"
    path = "" if host.startswith(f"{bucket}.") else f"{bucket}/"
    return f"http://{host}/{path}{quote(key, safe='')}"


def _chosen(transaction: Transaction, upload: Record, request: Request) -> list[tuple[int, Record]]:
    """(number, part) of those the request lists, checked. MalformedXML, InvalidPart, InvalidPartOrder, …"""
    listed = (request.get("MultipartUpload") or {}).get("Parts") or []
    if not listed:
        raise MalformedXML
    found: list[tuple[int, Record]] = []
    for each in listed:
        number, etag = each.get("PartNumber"), each.get("ETag")
        if number is None or etag is None:
            raise MalformedXML
        if number < 1:
            raise InvalidArgument("PartNumber must be >= 1", "PartNumber", number)
        if found and number <= found[-1][0]:
            raise InvalidPartOrder(UploadId=upload["upload"])
        part = uploads.part(transaction, upload, number)
        if part is None or part["etag"] != etag.strip('"'):
            raise InvalidPart(UploadId=upload["upload"], PartNumber=str(number), ETag=etag.strip('"'))
        _check_part_sum(upload, part, each, number)
        found.append((number, part))
    for number, part in found[:-1]:
        if part["size"] < LEAST_PART_BYTES:
            raise EntityTooSmall(ProposedSize=str(part["size"]), MinSizeAllowed=str(LEAST_PART_BYTES),
                                 PartNumber=str(number), ETag=part["etag"])
    return found


def _check_part_sum(upload: Record, part: Record, listed: Request, number: int) -> None:
    members = checksums.of_part(part)
    algorithm, told = checksums.stated_of_part(listed)
    if algorithm and f"Checksum{algorithm}" not in members and upload["algorithm"]:
        raise BadDigest(f"The {algorithm.lower()} you specified for part {number} did not match what we received.")
    is_ours = algorithm in ("", checksums.DEFAULT)                # the only one where the upload names none
    if not (upload["algorithm"] or is_ours) or members.get(f"Checksum{algorithm}", told) != told:
        raise InvalidPart(UploadId=upload["upload"], PartNumber=str(number), ETag=part["etag"])
    if upload["algorithm"] and upload["sum_type"] == checksums.COMPOSITE and not told:
        raise InvalidRequest(f"The upload was created using a {upload['algorithm'].lower()} checksum. The complete "
                             "request must include the checksum for each part. It was missing for part "
                             f"{number} in the request.")


def _joined(upload: Record, parts: list[tuple[int, Record]], request: Request) -> Record:
    """The object's record. InvalidRequest."""
    size = sum(part["size"] for _, part in parts)
    stated_size = request.get("MpuObjectSize")
    if stated_size is not None and int(stated_size) < 0:
        raise InvalidRequest(f"Value for x-amz-mp-object-size header is less than zero: '{stated_size}'")
    if stated_size is not None and int(stated_size) != size:
        raise InvalidRequest(f"The provided 'x-amz-mp-object-size' header value {stated_size} does not match what was "
                             f"computed: {size}")
    record = {name: value for name, value in upload.items() if name not in _OF_UPLOADS}
    record |= {"size": size, "etag": _etag([part["etag"] for _, part in parts]),
               "parts": len(parts), "sums": _sums(upload, parts)}
    return record


def _digest(part: Record, algorithm: str) -> bytes:
    """b"" where it is not known."""
    found: bytes = part["sums"].get(algorithm) or part.get("whole", {}).get(algorithm, b"")
    return found


def _sums(upload: Record, parts: list[tuple[int, Record]]) -> dict[str, bytes]:
    """The checksum of what the parts make together, without their bytes; {} where a customer's key seals it and no
    algorithm was named, and of uploads that were begun before every part had what makes it."""
    if not upload["algorithm"] and "customer" in upload:
        return {}
    algorithm = upload["algorithm"] or checksums.DEFAULT
    digests = [(_digest(part, algorithm), part["size"]) for _, part in parts]
    if not all(digest for digest, _ in digests):
        return {}
    if upload["sum_type"] == checksums.COMPOSITE:
        return {algorithm: checksums.composite(algorithm, [digest for digest, _ in digests])}
    return {algorithm: combined(algorithm, digests)}


def _check_whole(upload: Record, record: Record, kind: str, algorithm: str, stated: str) -> None:
    """What a request says of the whole: its checksum counts where the upload was begun with an algorithm, and must be
    of that one. BadDigest, InvalidRequest."""
    mode = record["sum_type"] if upload["algorithm"] else "null"
    if kind and kind != mode:
        raise InvalidRequest(f"The upload was created using the {mode} checksum mode. The complete request must use "
                             "the same checksum mode.")
    if not upload["algorithm"] or not algorithm:
        return
    made = checksums.members(record).get(f"Checksum{algorithm}")
    if made is None or stated not in (made, made.partition("-")[0]):
        raise BadDigest(f"The {upload['algorithm'].lower()} you specified did not match the calculated checksum.")


def abort(context: Context, transaction: Transaction, request: Request) -> Answer:
    """NoSuchUpload, PreconditionFailed."""
    bucket = bucket_of(context, transaction, request)
    upload = uploads.get(transaction, bucket, request)
    conditions.check_abort(request, upload)
    uploads.end(transaction, bucket, upload)
    return {}
