"""Exports as files in S3, laid out as AWS lays them out (engine/interchange): written by a job that waits.

A file a step, through S3, under the principal that asked for the export. A file written twice after a crash is the same
file: its name comes from where it starts. What S3 refuses, or that there is none, ends the export FAILED in its words.
"""

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from actors.dynamodb import ledger, state
from actors.dynamodb.engine.expressions import Placeholders, parse_condition, parse_key_condition, parse_projection
from actors.dynamodb.engine.interchange import lines, manifests
from actors.dynamodb.engine.values import Item, admit_value
from actors.dynamodb.increments import Change, unpack_change
from actors.dynamodb.ledger import EXPORTS, Record, Scope
from actors.dynamodb.table_records import CLEAR_JOB
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from bus.transport import BusError
from schemas import checksums
from schemas.errors import AwsError

UPLOAD_JOB = "upload_export"
FILE_LIMIT_BYTES = 8 * 1024 * 1024        # of lines, before compression
CHUNK_ROWS = 128                          # read and compressed before others are let in
GZIP = 16 + zlib.MAX_WBITS
INCREMENT_MIN_BYTES = 10_000_000          # that an incremental export is billed for

Request = Mapping[str, Any]
Answer = dict[str, Any]
Line = tuple[bytes, int]                  # what is written, and the bytes it is billed for


def begin(transaction: Transaction, scope: Scope, arn: str) -> None:
    transaction.start_job(UPLOAD_JOB, {"scope": [*scope], "arn": arn, "after": b"", "files": [], "items": 0, "size": 0})


async def upload_step(surroundings: Surroundings, now: float, job: Answer) -> Answer | None:
    """Writes one data file, or after the last the manifests."""
    scope: Scope = tuple(job["scope"])
    record = surroundings.shard.read(lambda snapshot: ledger.find(snapshot, EXPORTS, scope, job["arn"]))
    if record is None or record["description"]["ExportStatus"] != "IN_PROGRESS":
        return None                                    # the last step was done, and the crash came before it was noted
    try:
        after = await _write_file(surroundings, scope, record, job)
        if after is not None:
            return after
        ended = await _write_manifests(surroundings, scope, record, job, now)
    except AwsError as error:
        ended = {"ExportStatus": "FAILED", "FailureCode": f"S3{error.error_code}", "FailureMessage": error.message}
    except BusError as error:
        ended = {"ExportStatus": "FAILED", "FailureCode": "S3Unavailable",
                 "FailureMessage": f"S3 could not be reached: {error}"}
    await surroundings.shard.transact(lambda transaction: _end(transaction, scope, record, {"EndTime": now, **ended}))
    return None


def _end(transaction: Transaction, scope: Scope, record: Record, ended: Answer) -> None:
    ledger.put(transaction, EXPORTS, scope, {**record, "description": {**record["description"], **ended}})
    transaction.start_job(CLEAR_JOB, {"spaces": [record["space"]]})


async def _write_file(surroundings: Surroundings, scope: Scope, record: Record, job: Answer) -> Answer | None:
    """The job after one more file; None when there is nothing left and at least one was written."""
    shard = surroundings.shard
    prefix = state.space_prefix(record["space"])
    description = record["description"]
    if not job["files"]:
        await _put(surroundings, scope, record, f"{_folder(record)}/_started", b"")
    line_of = _lines(record)
    packer, packed = zlib.compressobj(wbits=GZIP), bytearray()
    after, items, size, done = job["after"], 0, 0, 0
    while size < FILE_LIMIT_BYTES:
        found = shard.read(partial(_chunk, (after or prefix) + b"\0", state.past(prefix)))
        for _, row in found:
            for line, billed in line_of(row):
                packed += packer.compress(line)
                items, size = items + 1, size + len(line)
                job["size"] += billed
        if not found:
            break
        after, done = found[-1][0], done + len(found)
        await asyncio.sleep(0)
    if not done and job["files"]:
        return None
    packed += packer.flush()
    name = hashlib.blake2b(record["arn"].encode() + (job["after"] or prefix), digest_size=13).hexdigest()
    key, content = f"{manifests.data_folder(description, ledger.id_of(record['arn']))}/{name}.json.gz", bytes(packed)
    etag = await _put(surroundings, scope, record, key, content)
    entry = manifests.data_file(key, items, manifests.md5(content), etag)
    return {**job, "after": after, "files": [*job["files"], entry], "items": job["items"] + items}


def _chunk(start: bytes, stop: bytes, snapshot: Snapshot) -> list[tuple[bytes, bytes]]:
    return list(islice(snapshot.scan(start, stop), CHUNK_ROWS))


def _lines(record: Record) -> Callable[[bytes], Iterator[Line]]:
    """What a row of the export's space gives to be written: nothing, or one line."""
    spec = record["description"].get("IncrementalExportSpecification")
    if spec is not None:
        return partial(_change_lines, record["keys"], spec["ExportViewType"])
    wanted = record["description"].get("FilterSpecification")
    return partial(_item_lines, (lambda item: item) if wanted is None else filter_of(wanted))


def _item_lines(shown: Callable[[Item], Item | None], row: bytes) -> Iterator[Line]:
    item = shown(state.unpack_item(row))
    if item is not None:
        yield lines.write_json(item), state.item_size(row)


def _change_lines(keys: list[str], view: str, row: bytes) -> Iterator[Line]:
    """Nothing of what came and went within the window."""
    change: Change = unpack_change(row)
    before, after = (None if each is None else state.unpack_item(each) for each in (change.before, change.after))
    there = after or before
    if there is not None:
        key = {name: there[name] for name in keys}
        old = before if view == "NEW_AND_OLD_IMAGES" else None
        size = sum(state.item_size(each) for each in (change.before, change.after) if each is not None)
        yield lines.write_change(change.written, key, old, after), size


def filter_of(wanted: Request) -> Callable[[Item], Item | None]:
    """What a FilterSpecification leaves of an item; None: nothing. ValidationException when it makes no sense."""
    placeholders = Placeholders(
        wanted.get("ExpressionAttributeNames"), wanted.get("ExpressionAttributeValues"), admit_value)
    if wanted.get("KeyConditionExpression") is not None:
        parse_key_condition(wanted["KeyConditionExpression"]).bind(placeholders).check()
    conditions = [
        parse_condition(wanted[member], member).bind(placeholders)
        for member in ("KeyConditionExpression", "FilterExpression") if wanted.get(member) is not None]
    projection = None
    if wanted.get("ProjectionExpression") is not None:
        projection = parse_projection(wanted["ProjectionExpression"]).bind(placeholders)
    placeholders.check_unused()

    def shown(item: Item) -> Item | None:
        if not all(condition.holds(item) for condition in conditions):
            return None
        return item if projection is None else projection.apply(item)

    return shown


async def _write_manifests(
    surroundings: Surroundings, scope: Scope, record: Record, job: Answer, now: float
) -> Answer:
    description, folder = record["description"], _folder(record)
    size = job["size"]
    if "IncrementalExportSpecification" in description:
        size = max(size, INCREMENT_MIN_BYTES)
    files = manifests.files(job["files"])
    summary = manifests.summary(description, ended=now, items=job["items"], size=size,
                                key_of_files=f"{folder}/manifest-files.json")
    for name, content in (("manifest-files", files), ("manifest-summary", summary)):
        await _put(surroundings, scope, record, f"{folder}/{name}.json", content)
        await _put(surroundings, scope, record, f"{folder}/{name}.md5", manifests.md5(content).encode())
    return {"ExportStatus": "COMPLETED", "ExportManifest": f"{folder}/manifest-summary.json",
            "ItemCount": job["items"], "BilledSizeBytes": size}


def _folder(record: Record) -> str:
    return manifests.folder(record["description"].get("S3Prefix", ""), ledger.id_of(record["arn"]))


async def _put(surroundings: Surroundings, scope: Scope, record: Record, key: str, content: bytes) -> str:
    """The object's ETag."""
    description = record["description"]
    params = {"Bucket": description["S3Bucket"], "Key": key, "Body": content,
              "ContentMD5": checksums.md5_text(content)}            # a bucket with a lock asks for a digest
    if description.get("S3BucketOwner"):
        params["ExpectedBucketOwner"] = description["S3BucketOwner"]
    if description["S3SseAlgorithm"] == "KMS":
        params["ServerSideEncryption"] = "aws:kms"
        if description.get("S3SseKmsKeyId"):
            params["SSEKMSKeyId"] = description["S3SseKmsKeyId"]
    answer = await ledger.ask_s3(surroundings, scope, record, "PutObject", params)
    return str(answer.get("ETag", "")).strip('"')
