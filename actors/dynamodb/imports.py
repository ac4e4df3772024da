"""Imports: a new table from objects in S3, DynamoDB JSON or CSV, plain, gzip or Zstandard.

A job that waits takes one object a step, in the order of their keys, under the principal that asked; it goes through a
temporary file, whatever its size. Lines that are no item, or no item of this table, are counted as errors: with any the
import ends FAILED, but the table serves the others. The table is CREATING until the end; what S3 refuses, or that there
is none, ends the import FAILED, and the table goes.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.HowItWorks.html and
S3DataImport.Validation.html
"""

import codecs
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from actors.dynamodb import catalogue, ledger, restores, rows, schema, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import moment as to_datetime
from actors.dynamodb.engine.interchange import lines, packing
from actors.dynamodb.engine.values import Item, admit_item
from actors.dynamodb.errors import (
    ImportConflictException,
    ImportNotFoundException,
    NotImplementedMember,
    ResourceInUseException,
)
from actors.dynamodb.ledger import IMPORTS, Record, Scope
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import CLEAR_JOB, new_record, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from bus.transport import BusError
from schemas.errors import AwsError, ValidationException

READ_JOB = "read_import"
CHUNK_ITEMS = 64
RANGE_BYTES = 8 * 1024 * 1024             # of an object, asked of S3 at a time
LIST_LIMIT = 25
SOME_REFUSED = {"FailureCode": "ItemValidationError", "FailureMessage": (
    "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for more "
    "details.")}
TOKEN_MIN_CHARS = 112                     # of ListImports' NextToken, by the model

Request = Mapping[str, Any]
Answer = dict[str, Any]
Ask = Callable[[Answer], Awaitable[Answer]]
_KEPT = ("ClientToken", "S3BucketSource", "InputFormat", "InputFormatOptions", "TableCreationParameters")


def start(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    wanted = request["TableCreationParameters"]
    if request.get("InputFormatOptions") and request["InputFormat"] != "CSV":
        raise restores.invalid(
            f"Unsupported InputFormatOptions for the given input format: {request['InputFormat']}.")
    if request["InputFormat"] == "ION":
        raise NotImplementedMember("ImportTable", "InputFormat ION")
    if wanted.get("VectorIndexes"):
        raise NotImplementedMember("ImportTable", "VectorIndexes")
    schema.check_table(wanted)
    name = catalogue.checked_name(wanted["TableName"])
    again = _same_token(transaction, context, request)
    if again is not None:
        return {"ImportTableDescription": _described(again)}
    if tables.find(transaction, context.scope, name) is not None:
        raise ResourceInUseException(f"Table already exists: {name}")
    table = save(transaction, {**new_record(context.scope, transaction, wanted, name), "status": state.CREATING})
    record: Record = {
        "arn": ledger.new_arn(IMPORTS, table.arn, transaction.now()), **ledger.asked_by(context),
        "asked": _asked(request), "table": name,
        "description": {
            **{member: request[member] for member in _KEPT if request.get(member) is not None},
            "InputCompressionType": request.get("InputCompressionType", "NONE"), "ImportStatus": "IN_PROGRESS",
            "TableArn": table.arn, "TableId": table.description["TableId"], "StartTime": transaction.now(),
        },
    }
    record["description"] |= {"ImportArn": record["arn"], **_counts(0, 0, 0, 0)}
    ledger.put(transaction, IMPORTS, context.scope, record)
    transaction.start_job(READ_JOB, {"scope": [*context.scope], "arn": record["arn"], "after": "", "bytes": 0,
                                     "read": 0, "errors": 0})
    return {"ImportTableDescription": _described(record)}


def _counts(size: int, read: int, imported: int, errors: int) -> Answer:
    return {"ProcessedSizeBytes": size, "ProcessedItemCount": read, "ImportedItemCount": imported, "ErrorCount": errors}


def _same_token(snapshot: Snapshot, context: Context, request: Request) -> Record | None:
    token = request.get("ClientToken")
    for record in ledger.listed(snapshot, IMPORTS, context.scope, reverse=True) if token else ():
        if record["description"].get("ClientToken") == token:
            if record["asked"] != _asked(request):
                raise ImportConflictException("Import with the same ClientToken but other parameters exists")
            return record
    return None


def _asked(request: Request) -> str:
    return repr(sorted((member, str(value)) for member, value in request.items()))


async def read_step(tables: Catalogue, surroundings: Surroundings, now: float, job: Answer) -> Answer | None:
    """Reads one object; after the last the table serves."""
    scope: Scope = tuple(job["scope"])
    shard = surroundings.shard
    record = shard.read(lambda snapshot: ledger.find(snapshot, IMPORTS, scope, job["arn"]))
    if record is None or record["description"]["ImportStatus"] != "IN_PROGRESS":
        return None
    try:
        after = await _read_object(tables, surroundings, scope, record, job)
        if after is not None:
            return after
        ended: Answer = {"ImportStatus": "FAILED", **SOME_REFUSED} if job["errors"] else {"ImportStatus": "COMPLETED"}
    except AwsError as error:
        ended = {"ImportStatus": "FAILED", "FailureCode": f"S3{error.error_code}", "FailureMessage": error.message}
    except BusError as error:
        ended = {"ImportStatus": "FAILED", "FailureCode": "S3Unavailable",
                 "FailureMessage": f"S3 could not be reached: {error}"}
    except (packing.Unpackable, UnicodeDecodeError) as error:
        ended = {"ImportStatus": "FAILED", "FailureCode": "InvalidInput", "FailureMessage": f"{error}"}
    await shard.transact(lambda transaction: _end(tables, transaction, scope, record, job, {**ended, "EndTime": now}))
    return None


def _end(
    tables: Catalogue, transaction: Transaction, scope: Scope, record: Record, job: Answer, ended: Answer
) -> None:
    table = _table(tables, transaction, scope, record)
    counts = _counts(job["bytes"], job["read"], state.statistics(transaction, table).items, job["errors"])
    ledger.put(transaction, IMPORTS, scope, {**record, "description": {**record["description"], **counts, **ended}})
    if ended["ImportStatus"] == "COMPLETED" or ended["FailureCode"] == SOME_REFUSED["FailureCode"]:
        restores.finish(transaction, table)
    else:
        transaction.delete(state.table_key(*scope, table.table_name))
        transaction.start_job(CLEAR_JOB, {"spaces": [table.space_number, *table.derived_spaces]})


async def _read_object(
    tables: Catalogue, surroundings: Surroundings, scope: Scope, record: Record, job: Answer
) -> Answer | None:
    """The job after one more object; None when there is none left."""
    source = record["description"]["S3BucketSource"]
    wanted = {"Bucket": source["S3Bucket"], "Prefix": source.get("S3KeyPrefix", ""), "MaxKeys": 1, **_owner(source)}
    if job["after"]:
        wanted["StartAfter"] = job["after"]
    listed = await ledger.ask_s3(surroundings, scope, record, "ListObjectsV2", wanted)
    if not listed.get("Contents"):
        return None
    found, shard = listed["Contents"][0], surroundings.shard
    table = shard.read(lambda snapshot: _table(tables, snapshot, scope, record))
    read = errors = 0
    surroundings.directory.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=surroundings.directory) as file:
        await _fetch(partial(ledger.ask_s3, surroundings, scope, record, "GetObject"), source, found, file)
        items = _items(record["description"], table, file)
        while chunk := list(islice(items, CHUNK_ITEMS)):
            good = [each for each in chunk if not isinstance(each, lines.Unreadable)]
            refused = await shard.transact(partial(_put_all, tables, scope, record, good))
            read, errors = read + len(chunk), errors + len(chunk) - len(good) + refused
    return {**job, "after": found["Key"], "bytes": job["bytes"] + found["Size"], "read": job["read"] + read,
            "errors": job["errors"] + errors}


async def _fetch(ask: Ask, source: Request, found: Answer, file: BinaryIO) -> None:
    """One object into a file, in ranges: a body on the bus is bounded. AwsError, also when it changes meanwhile."""
    named = {"Bucket": source["S3Bucket"], "Key": found["Key"], "IfMatch": found["ETag"], **_owner(source)}
    for start in range(0, found["Size"], RANGE_BYTES):
        end = min(start + RANGE_BYTES, found["Size"])
        file.write((await ask({**named, "Range": f"bytes={start}-{end - 1}"}))["Body"])
    file.seek(0)


def _owner(source: Request) -> Answer:
    return {"ExpectedBucketOwner": source["S3BucketOwner"]} if source.get("S3BucketOwner") else {}


def _put_all(tables: Catalogue, scope: Scope, record: Record, items: list[Item], transaction: Transaction) -> int:
    """Puts the items; how many the table could not take."""
    table = _table(tables, transaction, scope, record)
    refused = 0
    for item in items:
        try:
            size = admit_item(item)
            key = table.item_key(item)
            for index in table.indexes:
                index.check(item)
            rows.replace(transaction, table, key, item, size, transaction.get(key))
        except AwsError:
            refused += 1
    return refused


def _items(description: Request, table: Table, file: BinaryIO) -> Iterator[Item | lines.Unreadable]:
    pieces = packing.unpacked(file, description["InputCompressionType"])
    found = packing.split(pieces, lines.LINE_LIMIT_BYTES)
    if description["InputFormat"] == "CSV":
        options = description.get("InputFormatOptions", {}).get("Csv", {})
        definitions = table.description["AttributeDefinitions"]
        types = {each["AttributeName"]: each["AttributeType"] for each in definitions}
        texts = (line.decode() for line in _without_mark(found))
        yield from lines.read_csv(texts, types, delimiter=options.get("Delimiter", ","),
                                  header=options.get("HeaderList"))
        return
    for line in found:
        if line.strip():
            yield from lines.read_jsons(line)


def _without_mark(found: Iterator[bytes]) -> Iterator[bytes]:
    """A file's lines without the byte order mark that some programs begin it with."""
    for first in found:
        yield first.removeprefix(codecs.BOM_UTF8)
        break
    yield from found


def _table(tables: Catalogue, snapshot: Snapshot, scope: Scope, record: Record) -> Table:
    table = tables.find(snapshot, scope, record["table"])
    assert table is not None, "a table being made cannot be deleted"
    return table


def described(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    if request["ImportArn"].split(":", 5)[-1].split("/")[2:3] != ["import"]:
        raise ValidationException("Invalid Import ARN")
    record = ledger.find(snapshot, IMPORTS, context.scope, request["ImportArn"])
    if record is None:
        raise ImportNotFoundException(f"Import not found: {request['ImportArn']}")
    return {"ImportTableDescription": _described(record)}


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """The newest first. NextToken: the last one told, as long as AWS's tokens are at least."""
    after = (request.get("NextToken") or "").lstrip("=")
    found = [each for each in ledger.listed(snapshot, IMPORTS, context.scope, after, reverse=True)
             if request.get("TableArn") in (None, each["description"]["TableArn"])]
    limit = request.get("PageSize") or LIST_LIMIT
    members = ("ImportArn", "ImportStatus", "TableArn", "S3BucketSource", "InputFormat", "StartTime", "EndTime")
    shown = [_described(each) for each in found[:limit]]
    answer: Answer = {"ImportSummaryList": [{member: each[member] for member in members if member in each}
                                            for each in shown]}
    if len(found) > limit:
        answer["NextToken"] = token_of(found[limit - 1]["arn"])
    return answer


def token_of(arn: str) -> str:
    return arn.rjust(TOKEN_MIN_CHARS, "=")


def _described(record: Record) -> Answer:
    description = record["description"]
    times = ("StartTime", "EndTime")
    return {**description, **{time: to_datetime(description[time]) for time in times if time in description}}
