"""Exports as requests: a table at a moment of its recovery window, or what changed between two, is to go to S3.

The moment is copied, or the changes are collected, into a space of its own first (copies.py, increments.py); then a job
writes the files (export_files.py).
Wording: measured on AWS by the public ack-api-quirks notes (DDB-EXPORT-001 to 009).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from actors.dynamodb import catalogue, copies, export_files, increments, ledger, recovery, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import moment as to_datetime
from actors.dynamodb.engine.interchange.manifests import FULL, INCREMENTAL
from actors.dynamodb.errors import (
    ExportConflictException,
    ExportNotFoundException,
    InvalidExportTimeException,
    NotImplementedMember,
)
from actors.dynamodb.history import MICROSECONDS
from actors.dynamodb.ledger import EXPORTS, Record
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import record_of, release_history
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

WINDOW_MIN_S, WINDOW_MAX_S = 15 * 60, 24 * 3600
LIST_LIMIT = 25
BOTH_IMAGES = "NEW_AND_OLD_IMAGES"

Request = Mapping[str, Any]
Answer = dict[str, Any]
_TIMES = ("StartTime", "EndTime", "ExportTime")
_KEPT = ("S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm", "S3SseKmsKeyId", "ClientToken",
         "FilterSpecification")


def start(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    _check(request)
    again = _same_token(transaction, context, request)
    if again is not None:
        return {"ExportDescription": _described(again)}
    table = tables.backed_up(transaction, context.scope, request["TableArn"])
    record = _new_record(context, transaction, request, table)
    (_begin_increment if request.get("ExportType") == INCREMENTAL else _begin_copy)(
        context, transaction, request, table, record)
    ledger.put(transaction, EXPORTS, context.scope, record)
    return {"ExportDescription": _described(record)}


def _check(request: Request) -> None:
    """What the parameters alone can say."""
    arn, spec = request["TableArn"], request.get("IncrementalExportSpecification")
    if not arn.startswith("arn:"):
        raise ValidationException("One or more parameter values were invalid: tableArn is not a valid ARN")
    if arn.split(":", 5)[-1].count("/") != 1:
        raise _invalid("Table ARN is invalid.")
    if request.get("ExportFormat") == "ION":
        raise NotImplementedMember("ExportTableToPointInTime", "ExportFormat ION")
    if request.get("ExportType") == INCREMENTAL:
        if spec is None:
            raise _invalid("Incremental Export Specification expected when export type is set as Incremental Export")
        if spec.get("ExportFromTime") is None:
            raise _invalid("ExportFromTime must be provided in IncrementalExportSpecification")
        if request.get("FilterSpecification"):
            raise NotImplementedMember("ExportTableToPointInTime", "FilterSpecification of incremental exports")
    elif spec is not None and request.get("ExportType") == FULL:
        raise _invalid("When Export Type is Full Export , Incremental Export Specification should not be provided")
    elif spec is not None:
        raise _invalid(
            "Export Type expected to be Incremental Export when incremental export specification is provided")
    if request.get("S3SseKmsKeyId") and request.get("S3SseAlgorithm") != "KMS":
        raise _invalid("KMS Key Id is not supported for this encryption type")
    if request.get("FilterSpecification") is not None:
        if not request["FilterSpecification"]:
            raise _invalid("Invalid FilterSpecification: The specification can not be empty")
        export_files.filter_of(request["FilterSpecification"])


def _invalid(message: str) -> ValidationException:
    return ValidationException(f"Invalid Request: {message}")


def _new_record(context: Context, transaction: Transaction, request: Request, table: Table) -> Record:
    arn = ledger.new_arn(EXPORTS, table.arn, transaction.now())
    return {
        "arn": arn, **ledger.asked_by(context), "space": state.next_space(transaction), "asked": _asked(request),
        "keys": [*table.names],
        "description": {
            **{member: request[member] for member in _KEPT if request.get(member) is not None},
            "ExportArn": arn, "ExportStatus": "IN_PROGRESS", "StartTime": transaction.now(), "TableArn": table.arn,
            "TableId": table.description["TableId"], "ExportFormat": "DYNAMODB_JSON",
            "ExportType": request.get("ExportType", FULL),
            "S3SseAlgorithm": request.get("S3SseAlgorithm", "AES256"),
        },
    }


def _begin_copy(
    context: Context, transaction: Transaction, request: Request, table: Table, record: Record
) -> None:
    """A full export: the table at one moment."""
    when = request.get("ExportTime")
    moment, space = recovery.at_moment(transaction, table, when, _refuse_time(transaction, table, when))
    record["description"]["ExportTime"] = moment / MICROSECONDS
    copies.start(transaction, "export", table.space_number, record["space"], history_space=space, moment=moment,
                 arn=record["arn"], owner=[*context.scope, table.table_name])


def _refuse_time(transaction: Transaction, table: Table, when: datetime | None) -> InvalidExportTimeException:
    seconds = 0.0 if when is None else when.timestamp()
    if table.description["CreationDateTime"] <= seconds <= transaction.now():
        return InvalidExportTimeException("Point in Time Recovery is not available for specified export time")
    return InvalidExportTimeException("Export Time is invalid")


def _begin_increment(
    context: Context, transaction: Transaction, request: Request, table: Table, record: Record
) -> None:
    """An incremental export: what changed from one moment on and before another."""
    spec, now = request["IncrementalExportSpecification"], transaction.now()
    begin = spec["ExportFromTime"].timestamp()
    end = now if spec.get("ExportToTime") is None else spec["ExportToTime"].timestamp()
    _check_window(table, begin, end, now)
    kept = record_of(transaction, table).get("history", {})
    moment, _ = recovery.at_moment(transaction, table, spec["ExportFromTime"], InvalidExportTimeException(
        "Point in Time Recovery is not available for specified export time"))
    view = spec.get("ExportViewType", BOTH_IMAGES)
    record["description"]["IncrementalExportSpecification"] = {
        "ExportFromTime": begin, "ExportToTime": end, "ExportViewType": view}
    increments.start(
        transaction, table.space_number, kept["space"], record["space"], begin=moment, end=int(end * MICROSECONDS),
        arn=record["arn"], owner=[*context.scope, table.table_name])


def _check_window(table: Table, begin: float, end: float, now: float) -> None:
    """All of it is InvalidExportTimeException, in AWS's order."""
    if begin < int(table.description["CreationDateTime"]):
        raise InvalidExportTimeException(
            f"Incremental export period from time cannot be less than the table creation time : {_shown(begin)}")
    if end > now:
        raise InvalidExportTimeException(
            f"Incremental export period to time cannot be greater than the current time : {_shown(end)}")
    if end - begin < WINDOW_MIN_S:
        raise InvalidExportTimeException(
            "Difference between export period from time and export period to time is less than 15 minutes")
    if end - begin > WINDOW_MAX_S:
        raise InvalidExportTimeException(
            "Difference between export period from time and export period to time is greater than 24 hours")


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _same_token(snapshot: Snapshot, context: Context, request: Request) -> Record | None:
    """The export that an earlier request with this ClientToken began. ExportConflictException if it asked otherwise."""
    token = request.get("ClientToken")
    for record in ledger.listed(snapshot, EXPORTS, context.scope, reverse=True) if token else ():
        if record["description"].get("ClientToken") == token:
            if record["asked"] != _asked(request):
                raise ExportConflictException(
                    "Export conflict: Duplicate request detected with conflicting parameters")
            return record
    return None


def _asked(request: Request) -> str:
    return repr(sorted((member, str(value)) for member, value in request.items()))


def filled(tables: Catalogue, transaction: Transaction, job: Answer) -> None:
    """All that is to be written is there."""
    account, region, name = job["owner"]
    release_history(tables, transaction, (account, region), name, job["history"])
    export_files.begin(transaction, (account, region), job["arn"])


def collect_step(tables: Catalogue, transaction: Transaction, job: Answer) -> Answer | None:
    after = increments.step(transaction, job)
    if after is None:
        filled(tables, transaction, job)
    return after


def described(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    arn = request["ExportArn"]
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[5].split("/")[2:3] != ["export"]:
        raise ValidationException("Invalid Export ARN")
    if parts[3] != context.region:
        raise ExportNotFoundException("Export not found: Invalid export arn")
    record = ledger.find(snapshot, EXPORTS, context.scope, arn)
    if record is None:
        raise ExportNotFoundException(f"Export not found: Export not found: {arn}")
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
    description = dict(record["description"])
    if "IncrementalExportSpecification" in description:
        spec = description["IncrementalExportSpecification"]
        times = {time: to_datetime(spec[time]) for time in ("ExportFromTime", "ExportToTime")}
        description["IncrementalExportSpecification"] = {**spec, **times}
    return {**description, **{time: to_datetime(description[time]) for time in _TIMES if time in description}}
