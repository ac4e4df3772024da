"""Audit: a record of every management call and of every refusal, in a bounded local log of JSON lines.

As CloudTrail does by default: operations on the data inside a resource (DATA_OPERATIONS) are not recorded unless they
are refused. Records carry who, what, where and the outcome; never parameters, so never secrets. Source:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

import json
import os
import queue
import threading
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from actors.runtime.chain.call import OK, Call, Link
from schemas.models import Operation

FILE_LIMIT_BYTES = 16 * 1024 * 1024
FILES_LIMIT = 8                                    # the current one and seven rotated ones
QUEUE_LIMIT_RECORDS = 8192                         # not yet written; beyond it records are dropped and counted
BATCH_LIMIT_RECORDS = 256
FIELD_LIMIT_CHARACTERS = 1024
SOURCE_LIMIT_FIELDS = 16

DATA_OPERATIONS: dict[str, frozenset[str]] = {
    "bedrock-runtime": frozenset({
        "ApplyGuardrail", "Converse", "ConverseStream", "CountTokens", "InvokeModel", "InvokeModelWithResponseStream",
    }),
    "dynamodb": frozenset({
        "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement",
        "ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems",
        "UpdateItem",
    }),
    "dynamodbstreams": frozenset({"GetRecords", "GetShardIterator"}),
    "kinesis": frozenset({"GetRecords", "GetShardIterator", "PutRecord", "PutRecords", "SubscribeToShard"}),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "s3": frozenset({
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "DeleteObject",
        "DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectAcl", "GetObjectAttributes",
        "GetObjectLegalHold", "GetObjectRetention", "GetObjectTagging", "HeadObject", "ListMultipartUploads",
        "ListObjectVersions", "ListObjects", "ListObjectsV2", "ListParts", "PutObject", "PutObjectAcl",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "RestoreObject", "SelectObjectContent",
        "UploadPart", "UploadPartCopy",
    }),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset({
        "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
        "ReceiveMessage", "SendMessage", "SendMessageBatch",
    }),
}

# Codes that say "you may not", of all services (schemas/errors.py, schemas/dialects.py).
REFUSALS = frozenset({
    "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
    "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
    "MissingAuthenticationToken", "SignatureDoesNotMatch", "UnauthorizedOperation", "UnrecognizedClientException",
})

Record = dict[str, Any]

log = structlog.get_logger(__name__)


@cache
def is_data_operation(operation: Operation) -> bool:
    return operation.name in DATA_OPERATIONS.get(operation.service.name, ())


class Audit(Link):
    def __init__(self, journal: "Journal") -> None:
        self._append = journal.append

    def leave(self, call: Call) -> None:
        if not is_data_operation(call.context.operation) or call.outcome in REFUSALS:
            self._append(record_of(call))


def record_of(call: Call) -> Record:
    """One line of the log. `outcome` is ok, refused or error; `code` is the error's."""
    context, outcome = call.context, call.outcome
    time = datetime.fromtimestamp(context.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: Record = {
        "time": time,
        "request_id": context.request_id[:FIELD_LIMIT_CHARACTERS],
        "account": context.identity.account,
        "principal": context.identity.principal,
        "arn": context.principal.arn[:FIELD_LIMIT_CHARACTERS],
        "door": context.identity.door,
        "service": context.operation.service.name,
        "operation": context.operation.name,
        "region": context.region[:FIELD_LIMIT_CHARACTERS],
        "resource": call.resource[:FIELD_LIMIT_CHARACTERS],
        "source": _bounded(context.source),
        "outcome": OK if outcome == OK else "refused" if outcome in REFUSALS else "error",
    }
    if outcome != OK:
        record["code"] = outcome
    return record


def _bounded(source: dict[str, str]) -> dict[str, str]:
    limit = FIELD_LIMIT_CHARACTERS
    return {key[:limit]: str(value)[:limit] for key, value in islice(source.items(), SOURCE_LIMIT_FIELDS)}


class Journal:
    """An append-only file of JSON lines, written by a thread of its own and rotated: path, path.1 … path.7.

    append() never blocks. What cannot be queued or written is dropped, counted in `dropped`, and reported.
    """

    def __init__(
        self,
        path: Path,
        *,
        file_limit_bytes: int = FILE_LIMIT_BYTES,
        files_limit: int = FILES_LIMIT,
        queue_limit_records: int = QUEUE_LIMIT_RECORDS,
    ) -> None:
        assert file_limit_bytes > 0
        assert files_limit >= 2
        self.dropped = 0
        self._path = path
        self._file_limit_bytes = file_limit_bytes
        self._files_limit = files_limit
        self._queue_limit = queue_limit_records
        self._queue: queue.SimpleQueue[Record | threading.Event | None] = queue.SimpleQueue()
        self._file = _File(path)
        self._failing = False
        self._thread = threading.Thread(target=self._write_all, name="audit", daemon=True)
        self._thread.start()

    def append(self, record: Record) -> None:
        if self._queue.qsize() >= self._queue_limit:
            self.dropped += 1
            return
        self._queue.put(record)

    def flush(self) -> None:
        """Returns when what was appended before is written (to the operating system, not to the disk)."""
        reached = threading.Event()
        self._queue.put(reached)
        reached.wait()

    def close(self) -> None:
        """Writes what is queued and ends the thread."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def _write_all(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH_LIMIT_RECORDS and not self._queue.empty():
                batch.append(self._queue.get())
            self._write([entry for entry in batch if isinstance(entry, dict)])
            for entry in batch:
                if isinstance(entry, threading.Event):
                    entry.set()
            if None in batch:
                return

    def _write(self, records: list[Record]) -> None:
        lines = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()
        try:
            if self._file.size_bytes and self._file.size_bytes + len(lines) > self._file_limit_bytes:
                self._rotate()
            self._file.append(lines)
        except OSError as error:
            self.dropped += len(records)
            if not self._failing:
                log.error("audit_write_failed", path=str(self._path), reason=str(error))
            self._failing = True
        else:
            if self._failing and lines:
                log.warning("audit_writes_again", path=str(self._path), dropped=self.dropped)
                self._failing = False

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._files_limit - 1, 0, -1):
            older = self._path if number == 1 else Path(f"{self._path}.{number - 1}")
            if older.exists():
                older.replace(f"{self._path}.{number}")


class _File:
    """Opened when needed. A line is there whole or not at all: what a full disk cut short is cut off again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self.size_bytes = path.stat().st_size if path.exists() else 0

    def append(self, lines: bytes) -> None:
        """OSError: nothing of it was written."""
        if not lines:
            return
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self.size_bytes = os.fstat(self._descriptor).st_size
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._descriptor, lines[written:])
        except OSError:
            os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += written

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self.size_bytes = 0
