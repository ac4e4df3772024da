"""Exports: a table at a moment of its recovery window, written to S3 as AWS lays it out (engine/interchange).

The moment is copied into a space of its own first (copies.py); then a job that waits writes a file a step through S3,
under the principal that asked for the export. A file written twice after a crash is the same file: its name comes from
where it starts. What S3 refuses, or that there is none, ends the export FAILED with its words.
"""

import asyncio
import hashlib
import zlib
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any

from actors.dynamodb import catalogue, copies, ledger, recovery, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import moment as to_datetime
from actors.dynamodb.engine.interchange import lines, manifests
from actors.dynamodb.errors import (
    ExportConflictException,
    ExportNotFoundException,
    InvalidExportTimeException,
    NotImplementedMember,
)
from actors.dynamodb.history import MICROSECONDS
from actors.dynamodb.ledger import EXPORTS, Record, Scope
from actors.dynamodb.table_records import CLEAR_JOB, release_history
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from bus.transport import BusError
from schemas.errors import AwsError

UPLOAD_JOB = "upload_export"
FILE_LIMIT_BYTES = 8 * 1024 * 1024        # of lines, before compression
CHUNK_ROWS = 128                          # read and compressed before others are let in
LIST_LIMIT = 25
GZIP = 16 + zlib.MAX_WBITS

Request = Mapping[str, Any]
Answer = dict[str, Any]
_TIMES = ("StartTime", "EndTime", "ExportTime")
_KEPT = ("S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken")


def start(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    for member, known in (("ExportFormat", "DYNAMODB_JSON"), ("ExportType", "FULL_EXPORT")):
        if request.get(member, known) != known:
            raise NotImplementedMember("ExportTableToPointInTime", f"{member} {request[member]}")
    if request.get("FilterSpecification"):
        raise NotImplementedMember("ExportTableToPointInTime", "FilterSpecification")
    again = _same_token(transaction, context, request)
    if again is not None:
        return {"ExportDescription": _described(again)}
    table = tables.backed_up(transaction, context.scope, request["TableArn"])
    moment, space = recovery.at_moment(transaction, table, request.get("ExportTime"), InvalidExportTimeException)
    record: Record = {
        "arn": ledger.new_arn(EXPORTS, table.arn, transaction.now()), **ledger.asked_by(context),
        "space": state.next_space(transaction), "asked": _asked(request),
        "description": {
            **{member: request[member] for member in _KEPT if request.get(member) is not None},
            "ExportStatus": "IN_PROGRESS", "StartTime": transaction.now(), "ExportTime": moment / MICROSECONDS,
            "TableArn": table.arn, "TableId": table.description["TableId"], "ExportFormat": "DYNAMODB_JSON",
            "ExportType": "FULL_EXPORT", "S3SseAlgorithm": request.get("S3SseAlgorithm", "AES256"),
        },
    }
    record["description"]["ExportArn"] = record["arn"]
    ledger.put(transaction, EXPORTS, context.scope, record)
    copies.start(transaction, "export", table.space_number, record["space"], history_space=space, moment=moment,
                 arn=record["arn"], owner=[*context.scope, table.table_name])
    return {"ExportDescription": _described(record)}


def _same_token(snapshot: Snapshot, context: Context, request: Request) -> Record | None:
    """The export that an earlier request with this ClientToken began. ExportConflictException if it asked otherwise."""
    token = request.get("ClientToken")
    for record in ledger.listed(snapshot, EXPORTS, context.scope, reverse=True) if token else ():
        if record["description"].get("ClientToken") == token:
            if record["asked"] != _asked(request):
                raise ExportConflictException("Export with the same ClientToken but other parameters exists")
            return record
    return None


def _asked(request: Request) -> str:
    return repr(sorted((member, str(value)) for member, value in request.items()))


def filled(tables: Catalogue, transaction: Transaction, job: Answer) -> None:
    """The moment is copied: now it is to be written."""
    account, region, name = job["owner"]
    release_history(tables, transaction, (account, region), name, job["history"])
    transaction.start_job(UPLOAD_JOB, {"scope": [account, region], "arn": job["arn"], "after": b"", "files": [],
                                       "items": 0, "size": 0})


async def upload_step(surroundings: Surroundings, now: float, job: Answer) -> Answer | None:
    """Writes one data file, or after the last the manifests."""
    scope: Scope = tuple(job["scope"])
    assert surroundings.shard is not None
    record = surroundings.shard.read(lambda snapshot: ledger.find(snapshot, EXPORTS, scope, job["arn"]))
    if record is None or record["description"]["ExportStatus"] != "IN_PROGRESS":
        return None                                    # the last step was done, and the crash came before it was noted
    try:
        after = await _write_file(surroundings, scope, record, job)
        if after is not None:
            return after
        ended = await _write_manifests(surroundings, scope, record, job, now)
    except AwsError as error:
        ended = {"ExportStatus": "FAILED", "FailureCode": error.error_code, "FailureMessage": error.message}
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
    assert shard is not None
    prefix = state.space_prefix(record["space"])
    folder = manifests.folder(record["description"].get("S3Prefix", ""), ledger.id_of(record["arn"]))
    if not job["files"]:
        await _put(surroundings, scope, record, f"{folder}/_started", b"")
    packer, packed = zlib.compressobj(wbits=GZIP), bytearray()
    after, items, size = job["after"], 0, 0
    while size < FILE_LIMIT_BYTES:
        begin = (after or prefix) + b"\0"
        found = shard.read(partial(_chunk, begin, state.past(prefix)))
        for _, row in found:
            line = lines.write_json(state.unpack_item(row))
            packed += packer.compress(line)
            size += len(line)
            job["size"] += state.item_size(row)
        if not found:
            break
        after, items = found[-1][0], items + len(found)
        await asyncio.sleep(0)
    if not items and job["files"]:
        return None
    packed += packer.flush()
    name = hashlib.blake2b(job["after"] or prefix, digest_size=13).hexdigest()
    key, content = f"{folder}/data/{name}.json.gz", bytes(packed)
    etag = await _put(surroundings, scope, record, key, content)
    entry = manifests.data_file(key, items, manifests.md5(content), etag)
    return {**job, "after": after, "files": [*job["files"], entry], "items": job["items"] + items}


def _chunk(start: bytes, stop: bytes, snapshot: Snapshot) -> list[tuple[bytes, bytes]]:
    return list(islice(snapshot.scan(start, stop), CHUNK_ROWS))


async def _write_manifests(
    surroundings: Surroundings, scope: Scope, record: Record, job: Answer, now: float
) -> Answer:
    description = record["description"]
    folder = manifests.folder(description.get("S3Prefix", ""), ledger.id_of(record["arn"]))
    files = manifests.files(job["files"])
    summary = manifests.summary(description, ended=now, items=job["items"], size=job["size"],
                                key_of_files=f"{folder}/manifest-files.json")
    for name, content in (("manifest-files", files), ("manifest-summary", summary)):
        await _put(surroundings, scope, record, f"{folder}/{name}.json", content)
        await _put(surroundings, scope, record, f"{folder}/{name}.md5", manifests.md5(content).encode())
    return {"ExportStatus": "COMPLETED", "ExportManifest": f"{folder}/manifest-summary.json",
            "ItemCount": job["items"], "BilledSizeBytes": job["size"]}


async def _put(surroundings: Surroundings, scope: Scope, record: Record, key: str, content: bytes) -> str:
    """The object's ETag."""
    description = record["description"]
    params = {"Bucket": description["S3Bucket"], "Key": key, "Body": content}
    if description.get("S3BucketOwner"):
        params["ExpectedBucketOwner"] = description["S3BucketOwner"]
    answer = await surroundings.client.call(
        "s3", "PutObject", params, identity=ledger.asker(scope, record), region=scope[1])
    return str(answer.get("ETag", "")).strip('"')


def described(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    record = ledger.find(snapshot, EXPORTS, context.scope, request["ExportArn"])
    if record is None:
        raise ExportNotFoundException(f"Export not found: {request['ExportArn']}")
    return {"ExportDescription": _described(record)}


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """The newest first. NextToken: the last one told."""
    wanted = request.get("TableArn")
    name = None if wanted is None else catalogue.local_name(context.scope, wanted)
    found = [each for each in ledger.listed(snapshot, EXPORTS, context.scope, request.get("NextToken") or "",
                                            reverse=True)
             if name is None or each["description"]["TableArn"].endswith(f"/{name}")]
    limit = request.get("MaxResults") or LIST_LIMIT
    members = ("ExportArn", "ExportStatus", "ExportType")
    answer: Answer = {"ExportSummaries": [
        {member: each["description"][member] for member in members} for each in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = found[limit - 1]["arn"]
    return answer


def _described(record: Record) -> Answer:
    description = record["description"]
    return {**description, **{time: to_datetime(description[time]) for time in _TIMES if time in description}}
