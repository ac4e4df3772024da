"""On-demand backups: made, described, listed, deleted, restored from.

A backup is a space of its own with the table's rows at the moment of the call (copies.py), and the table's
description. Deleting a table with point-in-time recovery leaves a SYSTEM backup for 35 days, as AWS does; it is the
table's own rows.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateBackup.html and its neighbours; wording
of errors as the SDKs' users quote it.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from actors.dynamodb import catalogue, copies, history, ledger, restores, schema, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import INDEX_MEMBERS, billing_mode, moment
from actors.dynamodb.errors import BackupInUseException, BackupNotFoundException, TableNotFoundException
from actors.dynamodb.ledger import BACKUPS, Record
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import CLEAR_JOB, record_of, release_history, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

LIST_LIMIT_BACKUPS = 100
SYSTEM_BACKUP_S = 35 * 24 * 3600.0
EXPIRE_JOB = "expire_backup"
IN_USE = (
    "There is another ongoing conflicting backup control plane operation on the table. "
    "The backup is either being created, deleted or restored to a table."
)

Request = Mapping[str, Any]
Answer = dict[str, Any]


def create(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    table = tables.backed_up(transaction, context.scope, request["TableName"])
    if not table.is_made:
        raise TableNotFoundException(f"Table not found: {table.table_name}")
    kept = record_of(transaction, table)
    history_space = history.begin(transaction, kept)
    save(transaction, kept)
    space = state.next_space(transaction)
    record = _new(transaction, table, request["BackupName"], "USER", state.CREATING, space)
    ledger.put(transaction, BACKUPS, context.scope, record)
    copies.start(
        transaction, "backup", table.space_number, space, history_space=history_space,
        moment=history.take_moment(transaction, history_space), arn=record["arn"],
        owner=[*context.scope, table.table_name],
    )
    return {"BackupDetails": _details(record)}


def _new(transaction: Transaction, table: Table, name: str, kind: str, status: str, space: int) -> Record:
    counts = state.statistics(transaction, table)
    return {
        "arn": ledger.new_arn(BACKUPS, table.arn, transaction.now()), "name": name, "type": kind, "status": status,
        "space": space, "created": transaction.now(), "items": counts.items, "size": counts.size,
        "description": table.description,
    }


def keep_deleted(transaction: Transaction, table: Table) -> None:
    """The rows of a table that is just being deleted become its SYSTEM backup."""
    name = f"{table.table_name}$DeletedTableBackup"
    record = _new(transaction, table, name, "SYSTEM", "AVAILABLE", table.space_number)
    record["expires"] = transaction.now() + SYSTEM_BACKUP_S
    scope = (table.account, table.region)
    ledger.put(transaction, BACKUPS, scope, record)
    transaction.start_job(EXPIRE_JOB, {"scope": list(scope), "arn": record["arn"], "wake_at": record["expires"]})


def expire_step(transaction: Transaction, job: Answer) -> Answer | None:
    """Deletes a SYSTEM backup at its time; a restore from it under way is waited for."""
    scope = tuple(job["scope"])
    record = ledger.find(transaction, BACKUPS, scope, job["arn"])
    if record is not None:
        _drop(transaction, scope, record)
    return None


def filled(tables: Catalogue, transaction: Transaction, job: Answer) -> None:
    """The copy of a backup is whole."""
    account, region, name = job["owner"]
    record = ledger.find(transaction, BACKUPS, (account, region), job["arn"])
    assert record is not None, "a backup being made cannot be deleted"
    ledger.put(transaction, BACKUPS, (account, region), {**record, "status": "AVAILABLE"})
    release_history(tables, transaction, (account, region), name, job["history"])


def described(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"BackupDescription": _description(_found(snapshot, context, request["BackupArn"]))}


def delete(context: Context, transaction: Transaction, request: Request) -> Answer:
    record = _found(transaction, context, request["BackupArn"])
    if record["type"] == "SYSTEM":
        expiry = moment(record["expires"]).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        raise restores.invalid(f"User is not allowed to delete the system backup with arn {record['arn']}. "
                               f"It will automatically expire on {expiry}")
    if record["status"] != "AVAILABLE" or history.copied_from(transaction, record["space"]) is not None:
        raise BackupInUseException(IN_USE)
    _drop(transaction, context.scope, record)
    return {"BackupDescription": _description({**record, "status": "DELETED"})}


def _drop(transaction: Transaction, scope: tuple[str, str], record: Record) -> None:
    ledger.delete(transaction, BACKUPS, scope, record["arn"])
    transaction.start_job(CLEAR_JOB, {"spaces": [record["space"]]})


def listed(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    limit = request.get("Limit") or LIST_LIMIT_BACKUPS
    lower, upper = request.get("TimeRangeLowerBound"), request.get("TimeRangeUpperBound")
    if lower is not None and upper is not None and lower > upper:
        raise schema.refuse("Time range lower bound must be less than or equal to upper bound")
    after = request.get("ExclusiveStartBackupArn") or ""
    wanted = (each for each in ledger.listed(snapshot, BACKUPS, context.scope, after)
              if _is_wanted(context, request, each))
    found = list(islice(wanted, limit + 1))
    answer: Answer = {"BackupSummaries": [_summary(each) for each in found[:limit]]}
    if len(found) > limit:
        answer["LastEvaluatedBackupArn"] = found[limit - 1]["arn"]
    return answer


def _is_wanted(context: Context, request: Request, record: Record) -> bool:
    name, lower, upper = (request.get(each) for each in ("TableName", "TimeRangeLowerBound", "TimeRangeUpperBound"))
    if name is not None and catalogue.local_name(context.scope, name) != record["description"]["TableName"]:
        return False
    if lower is not None and record["created"] < lower.timestamp():
        return False
    if upper is not None and record["created"] >= upper.timestamp():
        return False
    return request.get("BackupType", "USER") in ("ALL", record["type"])


def to_restore(context: Context, transaction: Transaction, request: Request) -> restores.Source:
    """BackupNotFoundException, BackupInUseException."""
    record = _found(transaction, context, request["BackupArn"])
    if record["status"] != "AVAILABLE":
        raise BackupInUseException(IN_USE)
    source = record["description"]
    summary = {"SourceBackupArn": record["arn"], "SourceTableArn": source["TableArn"],
               "RestoreDateTime": record["created"], "RestoreInProgress": True}
    return restores.Source(record["space"], source, summary)


def _found(snapshot: Snapshot, context: Context, arn: str) -> Record:
    if arn.split(":", 5)[-1].split("/")[2:3] != ["backup"]:
        raise ValidationException("Invalid Backup ARN")
    record = ledger.find(snapshot, BACKUPS, context.scope, arn)
    if record is None:
        raise BackupNotFoundException(f"Backup not found: {arn}")
    return record


def _details(record: Record) -> Answer:
    details = {
        "BackupArn": record["arn"], "BackupName": record["name"], "BackupStatus": record["status"],
        "BackupType": record["type"], "BackupCreationDateTime": moment(record["created"]),
        "BackupSizeBytes": record["size"],
    }
    if "expires" in record:
        details["BackupExpiryDateTime"] = moment(record["expires"])
    return details


def _summary(record: Record) -> Answer:
    source = record["description"]
    return {"TableName": source["TableName"], "TableId": source["TableId"], "TableArn": source["TableArn"],
            **_details(record)}


def _description(record: Record) -> Answer:
    source = record["description"]
    throughput = source["ProvisionedThroughput"]
    table = {
        "TableName": source["TableName"], "TableId": source["TableId"], "TableArn": source["TableArn"],
        "TableSizeBytes": record["size"], "ItemCount": record["items"], "KeySchema": source["KeySchema"],
        "TableCreationDateTime": moment(source["CreationDateTime"]), "BillingMode": billing_mode(source),
        "ProvisionedThroughput": {each: throughput[each] for each in ("ReadCapacityUnits", "WriteCapacityUnits")},
    }
    if "OnDemandThroughput" in source:
        table["OnDemandThroughput"] = source["OnDemandThroughput"]
    features: Answer = {}
    for member in INDEX_MEMBERS:
        if member in source:
            features[member] = [_index(each) for each in source[member]]
    if "SSEDescription" in source:
        features["SSEDescription"] = source["SSEDescription"]
    return {"BackupDetails": _details(record), "SourceTableDetails": table, "SourceTableFeatureDetails": features}


def _index(index: Request) -> Answer:
    kept = ("IndexName", "KeySchema", "Projection", "OnDemandThroughput")
    described = {each: index[each] for each in kept if each in index}
    if "ProvisionedThroughput" in index:
        throughput = index["ProvisionedThroughput"]
        described["ProvisionedThroughput"] = {
            each: throughput[each] for each in ("ReadCapacityUnits", "WriteCapacityUnits")}
    return described
