"""Operations on tables: create, describe, list, delete.

CreateTable answers CREATING, as AWS does, and the table serves from its commit on: DescribeTable says ACTIVE at once.
DeleteTable answers DELETING; from its commit on the table is gone, and a job removes its rows in steps.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from actors.dynamodb import backups, catalogue, expiry, policies, recovery, schema, state, streams, tagging
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import describe
from actors.dynamodb.errors import ResourceInUseException
from actors.dynamodb.table_records import CLEAR_JOB, new_record, record_of, refuse_missing, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

LIST_LIMIT_TABLES = 100

# What AWS has and we do not yet: refused when present.
_MISSING_ON_CREATE = ("GlobalTableSourceArn", "GlobalTableSettingsReplicationMode", "VectorIndexes")

Request = Mapping[str, Any]


def create(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.local_name(context.scope, catalogue.checked_name(request["TableName"]))
    schema.check_table(request)
    refuse_missing("CreateTable", request, _MISSING_ON_CREATE)
    has_stream = streams.check_new(request)
    tagging.check(request.get("Tags") or [])
    if tables.find(transaction, context.scope, name) is not None:
        raise ResourceInUseException(f"Table already exists: {name}")
    record = new_record(context.scope, transaction, request, name)
    if has_stream:
        streams.begin(transaction, record, request["StreamSpecification"]["StreamViewType"], context.now)
    table = save(transaction, record)
    if request.get("ResourcePolicy"):
        policies.put_new(context, transaction, table, policies.checked_text(request["ResourcePolicy"]))
    return {"TableDescription": describe(transaction, table, state.CREATING)}


def described(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    return {"Table": describe(snapshot, table)}


def listed(snapshot: Snapshot, context: Context, request: Request) -> dict[str, Any]:
    limit = request.get("Limit") or LIST_LIMIT_TABLES
    after = request.get("ExclusiveStartTableName") or ""
    found = list(islice(catalogue.names(snapshot, context.scope, after), limit + 1))
    if len(found) > limit:
        return {"TableNames": found[:limit], "LastEvaluatedTableName": found[limit - 1]}
    return {"TableNames": found}


def delete(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    table = tables.changeable(transaction, context.scope, catalogue.checked_name(request["TableName"]))
    if table.description["DeletionProtectionEnabled"]:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    if table.has_locks:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is in a transaction: {table.table_name}")
    description = describe(transaction, table, "DELETING")
    record = record_of(transaction, table)
    spaces = [*table.derived_spaces, *expiry.end(transaction, record)]
    streams.end(transaction, record, context.now)
    if recovery.is_on(transaction, table):
        backups.keep_deleted(transaction, table)
    else:
        spaces.append(table.space_number)
    if "history" in record:
        spaces.append(record["history"]["space"])
    transaction.delete(state.table_key(table.account, table.region, table.table_name))
    policies.forget(transaction, table)
    transaction.start_job(CLEAR_JOB, {"spaces": spaces})
    kept = ("TableName", "TableStatus", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId",
            "BillingModeSummary", "TableClassSummary", "DeletionProtectionEnabled")
    return {"TableDescription": {member: description[member] for member in kept if member in description}}
