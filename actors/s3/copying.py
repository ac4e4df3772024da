"""CopyObject and UploadPartCopy: bytes that are here already become another object's, by hard links where they can.

The source is read first, its files are linked (or read, where a digest is asked for that nobody has), and the
transaction that names the copy follows.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import (
    access,
    archives,
    checksums,
    collecting,
    conditions,
    contents,
    due,
    encryption,
    multipart,
    objects,
    reading,
    tags,
    uploads,
    versions,
)
from actors.s3.contents import Body, Content
from actors.s3.engine.blobs import Blobs
from actors.s3.engine.sealing import OurKey, Sealer
from actors.s3.errors import InvalidArgument, InvalidRequest, NoSuchKey
from actors.s3.events import Happened
from actors.s3.state import NULL, Bucket, Record
from bus.files import Piece
from schemas.checksums import MD5

SOURCE_LIMIT_BYTES = 5 * 1024**3          # of one copy; larger ones are copied in parts
_SOURCE = "x-amz-copy-source"
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_ITSELF = ("This copy request is illegal because it is trying to copy an object to itself without changing the "
           "object's metadata, storage class, website redirect location or encryption attributes.")
_CHANGES = ("StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSEKMSKeyId", "SSECustomerAlgorithm")

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Source(NamedTuple):
    """What is copied, as it was read."""

    bucket: Bucket
    key: str
    record: Record
    content: Content


def source_of(context: Context, snapshot: Snapshot, request: Request, ours: OurKey) -> Source:
    """The object that CopySource names, where its conditions hold. AwsError."""
    name, key, version_id = parse_source(request["CopySource"])
    bucket = access.named(context, snapshot, name, request.get("ExpectedSourceBucketOwner"))
    record = objects.version_or_raise(bucket, key, version_id) if version_id else bucket.current(key)
    if record is None:
        raise NoSuchKey(key)
    if record.get("marker") and not version_id:
        raise reading.removed(key, record)
    if record.get("marker"):
        raise InvalidRequest("The source of a copy request may not specifically refer to a delete marker by version "
                             "id.")
    archives.check_copyable(record, context.now)
    conditions.check_copy(request, record)
    sealer = encryption.sealer_of(ours, record, request, encryption.SOURCE)
    content = record.get("content")
    found = Content(b"", []) if content is None else contents.load(snapshot, content, sealer)
    return Source(bucket, key, record, found)


def parse_source(text: str) -> tuple[str, str, str]:
    """Bucket, key and version id of `[/]bucket/key[?versionId=…]`, encoded as in a form: a plus is a space (aws-cli's
    issue 614, and what s5cmd sends). An access point's ARN stands before `/object/key`. InvalidArgument."""
    path, _, query = text.partition("?")
    try:
        name, _, key = unquote_plus(path, errors="strict").removeprefix("/").partition("/")
    except UnicodeDecodeError as error:
        raise InvalidArgument("Invalid copy source encoding", _SOURCE, text) from error
    if name.startswith("arn:") and name.endswith(":accesspoint"):
        point, _, key = key.partition("/object/")
        name = f"{name}/{point}"
    if _NO_ESCAPE.search(path):
        raise InvalidArgument("Invalid copy source encoding", _SOURCE, text)
    version_id = query.removeprefix("versionId=") if query.startswith("versionId=") else ""
    if query == "versionId=":
        raise InvalidArgument("Version id cannot be the empty string", _SOURCE, "")
    if query and not version_id:
        raise InvalidArgument("Unsupported copy source parameter.", _SOURCE, text)
    if not name:
        raise InvalidArgument("Invalid copy source bucket name", _SOURCE, text)
    if not key:
        raise InvalidArgument("Invalid copy source object key", _SOURCE, text)
    return name, key, version_id


# CopyObject


async def copy(shard: Shard, blobs: Blobs, ours: OurKey, context: Context, request: Request) -> Answer:
    asked = checksums.asked(request)
    source: Source = shard.read(lambda snapshot: _checked(context, snapshot, request, ours))
    algorithm = asked or next(iter(source.record.get("sums", ())), checksums.DEFAULT)
    copied = await asyncio.to_thread(_copied, blobs, source, algorithm)
    async with collecting.named_or_removed(shard, blobs, [file.name for file in copied.files]):
        answer: Answer = await shard.transact(
            lambda transaction: _put(context, transaction, request, source, copied, ours))
    return answer


def _checked(context: Context, snapshot: Snapshot, request: Request, ours: OurKey) -> Source:
    bucket = access.bucket_of(context, snapshot, request)
    source = source_of(context, snapshot, request, ours)
    for member, name in (("MetadataDirective", "metadata"), ("TaggingDirective", "tagging")):
        if request.get(member) not in (None, "COPY", "REPLACE"):
            raise InvalidArgument(f"Unknown {name} directive.", f"x-amz-{name}-directive", request[member])
    if source.record["size"] > SOURCE_LIMIT_BYTES:
        raise InvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: "
                             f"{SOURCE_LIMIT_BYTES}")
    itself = (source.bucket.name, source.key) == (bucket.name, request["Key"]) and "?" not in request["CopySource"]
    if itself and not _changes(bucket, source.record, request):
        raise InvalidRequest(_ITSELF)
    return source


def _changes(bucket: Bucket, old: Record, request: Request) -> bool:
    """May anything of an object be another in a copy onto itself? Its encryption, too, where the bucket states one or
    the object's was not S3's own."""
    states_encryption = bucket.configuration("encryption") is not None
    return states_encryption or "customer" in old or encryption.is_by_kms(old) \
        or request.get("MetadataDirective") == "REPLACE" or any(request.get(name) for name in _CHANGES)


class _Copied(NamedTuple):
    data: bytes
    files: list[Piece]
    sums: Mapping[str, bytes]             # of the whole: MD5 and the algorithm


def _copied(blobs: Blobs, source: Source, algorithm: str) -> _Copied:
    """The source's bytes under names of their own. In a thread."""
    content, record = source.content, source.record
    sums = _known(record, algorithm) or blobs.digests(*content, (MD5, algorithm))
    if not content.pieces:
        return _Copied(content.data, [], sums)
    return _Copied(b"", [blobs.link(file) for file in content.pieces], sums)


def _known(record: Record, algorithm: str) -> Mapping[str, bytes] | None:
    """What is known of the whole object without reading it."""
    if not encryption.has_md5(record) or record.get("sum_type", checksums.FULL_OBJECT) != checksums.FULL_OBJECT \
            or algorithm not in record.get("sums", ()):
        return None
    return {MD5: bytes.fromhex(record["etag"]), algorithm: record["sums"][algorithm]}


def _put(
    context: Context, transaction: Transaction, request: Request, source: Source, copied: _Copied, ours: OurKey
) -> Answer:
    bucket = access.bucket_of(context, transaction, request)
    key, old = request["Key"], source.record
    record = objects.described(context, transaction, bucket, _of_copy(request))
    current = bucket.current(key)
    conditions.check_write(request, key, current)
    if request.get("MetadataDirective") != "REPLACE":
        record["headers"] = dict(old["headers"])
        if old.get("meta"):
            record["meta"] = old["meta"]
    replaces = request.get("TaggingDirective") == "REPLACE"
    kept = old.get("tags") if not replaces else tags.from_header(request["Tagging"]) if request.get("Tagging") else {}
    if kept:
        record["tags"] = kept
    algorithm = next((name for name in copied.sums if name != MD5), MD5)
    digest = copied.sums[algorithm]
    sealer = encryption.sealer_of_new(ours, record, request)
    record |= {"size": old["size"], "etag": encryption.etag(record, copied.sums[MD5]), "sums": {algorithm: digest}}
    record["content"] = contents.keep_files(transaction, copied.files, sealer) if copied.files else contents.keep(
        transaction, Body(copied.data, None, old["size"], copied.sums), sealer)
    versions.put(transaction, bucket, Happened("ObjectCreated:Copy", key, record), current, context)
    answer: Answer = {
        "CopyObjectResult": {
            "ETag": f'"{record["etag"]}"', "LastModified": datetime.fromtimestamp(record["time"], UTC),
            f"Checksum{algorithm}": b64encode(digest).decode(),
        }, **encryption.told_of_new(record, request), **due.told(bucket, key, record),
    }
    if bucket.versioning:
        answer["VersionId"] = record["id"]                   # a PUT tells no "null"
    return answer | _copied_version(old)


def _copied_version(source: Record) -> Answer:
    return {"CopySourceVersionId": source["id"]} if source["id"] != NULL else {}


def _of_copy(request: Request) -> Request:
    """What a request says of the copy: not what the copy keeps of its source, be it too large (scality/cloudserver,
    objectCopy.js). Tags go their own way; checksums are of no body here."""
    kept = () if request.get("MetadataDirective") == "REPLACE" else ("Metadata", *objects.HEADERS)
    return {name: value for name, value in request.items() if name not in ("Tagging", "ChecksumAlgorithm", *kept)}


# UploadPartCopy


async def copy_part(shard: Shard, blobs: Blobs, ours: OurKey, context: Context, request: Request) -> Answer:
    source, upload = shard.read(lambda snapshot: (
        source_of(context, snapshot, request, ours), multipart.check_part(context, snapshot, request)[1]))
    sealer = encryption.sealer_of_part(ours, upload, request)
    start, stop = _stretch(request, source.record["size"])
    algorithm = upload["algorithm"] or checksums.DEFAULT
    body = await asyncio.to_thread(_copied_part, blobs, source, start, stop, algorithm)
    assert body.file is not None, "every part is a file"
    async with collecting.named_or_removed(shard, blobs, [body.file.name]):
        part = await shard.transact(
            lambda transaction: _put_part(context, transaction, request, body, algorithm, sealer))
    answer: Answer = {"CopyPartResult": {
        "ETag": f'"{part["etag"]}"', "LastModified": datetime.fromtimestamp(int(part["time"]), UTC),
        **uploads.sums_of(upload, part),
    }, **encryption.told(upload, request)}
    return answer | _copied_version(source.record)


def _copied_part(blobs: Blobs, source: Source, start: int, stop: int, algorithm: str) -> Body:
    """One file of those bytes. In a thread."""
    content = source.content if stop - start == source.record["size"] else source.content.between(start, stop)
    sums = _known(source.record, algorithm) if content is source.content else None
    if sums is not None and len(content.pieces) == 1:
        return Body(b"", blobs.link(content.pieces[0]), stop - start, sums)
    file, sums = blobs.copy(*content, (MD5, algorithm))
    return Body(b"", file, stop - start, sums)


def _put_part(
    context: Context, transaction: Transaction, request: Request, body: Body, algorithm: str, sealer: Sealer
) -> Record:
    _, upload = multipart.check_part(context, transaction, request)
    sums = {algorithm: body.sums[algorithm]}
    return multipart.keep_part(transaction, upload, request["PartNumber"], body, sums, sealer)


def _stretch(request: Request, size: int) -> tuple[int, int]:
    """From the first byte to before the second. InvalidArgument, InvalidRequest."""
    text = request.get("CopySourceRange")
    if text is None:
        if size > SOURCE_LIMIT_BYTES:
            raise InvalidRequest("The specified copy source is larger than the maximum allowable size for a copy "
                                 f"source: {SOURCE_LIMIT_BYTES}")
        return 0, size
    first, dash, last = text.removeprefix("bytes=").partition("-")
    if not (text.startswith("bytes=") and dash and first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise InvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
                              "last are the zero-based offsets of the first and last bytes to copy",
                              "x-amz-copy-source-range", text)
    if int(first) >= size:
        raise InvalidRequest("The specified copy range is invalid for the source object size")
    if int(last) >= size:
        raise InvalidArgument(f"Range specified is not valid for source object of size: {size}",
                              "x-amz-copy-source-range", text)
    return int(first), int(last) + 1
