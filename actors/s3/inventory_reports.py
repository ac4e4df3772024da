"""The job of one inventory: at its midnight it writes what is in the bucket, a file a step, then the manifest.

    [<prefix>/]<bucket>/<Id>/data/<uuid>.csv.gz
    [<prefix>/]<bucket>/<Id>/<time>/manifest.json, manifest.checksum

It asks as s3.amazonaws.com, whom the destination's policy must let in. A report that cannot be written is logged and
given up; the next is due all the same.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import asyncio
import gzip
import hashlib
import json
import uuid
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot
from actors.s3 import inventory_rows, state
from actors.s3.access import bucket_name
from actors.s3.delivering import as_s3, place_of
from actors.s3.inventories import MEMBER, RUN, due_after
from actors.s3.state import Bucket
from bus.client import Client
from bus.transport import BusError
from schemas import checksums
from schemas.errors import AwsError

FILE_ROWS = 50_000                        # of one file, and no more once it has
FILE_LIMIT_BYTES = 16 << 20               # bytes of text
ROWS_AT_A_TIME = 64                       # then others have their turn
COMPRESSION = 6

log = structlog.get_logger(__name__)
Job = dict[str, Any]
Content = Mapping[str, Any]


class _Taken(NamedTuple):
    """Text of a file. `after`: the escaped key it came to; b"": there are no more."""

    text: str
    after: bytes


async def step(shard: Shard, client: Client, now: float, job: Job) -> Job | None:
    """None when the configuration is gone, or another."""
    found = shard.read(lambda view: _configuration(view, job))
    if found is None:
        return None
    bucket, configuration = found
    target = configuration["Destination"]["S3BucketDestination"]
    ended = {"bucket": job["bucket"], "id": job["id"], "run": job["run"], "wake_at": due_after(now, configuration)}
    if target["Format"] != "CSV":
        log.warning("inventory_not_written", bucket=bucket.name, id=job["id"], reason="no such format yet")
        return ended
    try:
        begun, files = job.get("begun", now), job.get("files", [])
        taken = await _take(shard, job, configuration)
        if taken.text:
            files = [*files, await _put_file(client, bucket, configuration, taken.text)]
        if taken.after:
            return {**job, "begun": begun, "files": files, "after": taken.after, "wake_at": 0.0}
        await _put_manifest(client, bucket, configuration, begun, files)
    except (AwsError, BusError) as error:
        log.warning("inventory_not_written", bucket=bucket.name, id=job["id"], reason=str(error))
    return ended


def _configuration(view: Snapshot, job: Job) -> tuple[Bucket, Content] | None:
    bucket = state.find_bucket(view, job["bucket"])
    if bucket is None or bucket.configuration(f"{RUN}/{job['id']}") != job["run"]:
        return None
    return bucket, bucket.configuration(f"{MEMBER}/{job['id']}")


async def _take(shard: Shard, job: Job, configuration: Content) -> _Taken:
    """The next rows, as they are in one moment. A long read: it gives way."""
    outcome: asyncio.Future[_Taken] = asyncio.get_running_loop().create_future()

    def done(result: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error)

    reading = shard.read_long(lambda view: _reading(view, job, configuration), done)
    try:
        return await outcome
    finally:
        reading.cancel()


def _reading(view: Snapshot, job: Job, configuration: Content) -> Generator[None, None, _Taken]:
    bucket = state.find_bucket(view, job["bucket"])
    if bucket is None:
        return _Taken("", b"")
    lines: list[str] = []
    size, last = 0, b""
    for row, fields in inventory_rows.rows(bucket, configuration, job.get("after", b"")):
        if row != last and (len(lines) >= FILE_ROWS or size >= FILE_LIMIT_BYTES):
            return _Taken("".join(lines), last)        # between two keys: the next file begins behind this one
        lines.append(inventory_rows.line(fields))
        size, last = size + len(lines[-1]), row
        if len(lines) % ROWS_AT_A_TIME == 0:
            yield
    return _Taken("".join(lines), b"")


async def _put_file(client: Client, bucket: Bucket, configuration: Content, text: str) -> dict[str, Any]:
    body = await asyncio.to_thread(lambda: gzip.compress(text.encode(), COMPRESSION))
    key = f"{_folder(bucket, configuration)}/data/{uuid.uuid4()}.csv.gz"
    await _put(client, bucket, configuration, key, body, "application/x-gzip")
    return {"key": key, "size": len(body), "MD5checksum": hashlib.md5(body, usedforsecurity=False).hexdigest()}


async def _put_manifest(
    client: Client, bucket: Bucket, configuration: Content, begun: float, files: list[dict[str, Any]]
) -> None:
    folder = f"{_folder(bucket, configuration)}/{datetime.fromtimestamp(begun, UTC):%Y-%m-%dT%H-%MZ}"
    target = configuration["Destination"]["S3BucketDestination"]
    manifest = json.dumps({
        "sourceBucket": bucket.name, "destinationBucket": target["Bucket"], "version": "2016-11-30",
        "creationTimestamp": str(int(begun * 1000)), "fileFormat": target["Format"],
        "fileSchema": ", ".join(inventory_rows.columns(configuration)), "files": files}).encode()
    await _put(client, bucket, configuration, f"{folder}/manifest.json", manifest, "application/json")
    checksum = hashlib.md5(manifest, usedforsecurity=False).hexdigest().encode()
    await _put(client, bucket, configuration, f"{folder}/manifest.checksum", checksum, "application/octet-stream")


def _folder(bucket: Bucket, configuration: Content) -> str:
    prefix = configuration["Destination"]["S3BucketDestination"].get("Prefix")
    return "/".join([*([prefix] if prefix else []), bucket.name, configuration["Id"]])


async def _put(
    client: Client, bucket: Bucket, configuration: Content, key: str, body: bytes, content_type: str
) -> None:
    """AwsError, BusError."""
    target = configuration["Destination"]["S3BucketDestination"]
    here = place_of(f"arn:aws:s3:{bucket.record['region']}:{bucket.owner}:{bucket.name}")
    wanted = target.get("Encryption") or {}
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": wanted["SSEKMS"]["KeyId"]} if wanted.get("SSEKMS") \
        else {"ServerSideEncryption": "AES256"} if "SSES3" in wanted else {}
    await client.call("s3", "PutObject", {
        "Bucket": bucket_name(target["Bucket"]), "Key": key, "Body": body, "ContentType": content_type,
        "ContentMD5": checksums.md5_text(body),                     # a bucket with a lock asks for a digest
        "ACL": "bucket-owner-full-control", **({"ExpectedBucketOwner": target["AccountId"]} if target.get("AccountId")
                                               else {}), **sealed,
    }, **as_s3(here, bucket.name, bucket.owner))
