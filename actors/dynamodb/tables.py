"""Operations on tables: create, describe, list, delete, and the job that clears a deleted table's rows.

CreateTable answers CREATING, as AWS does, and the table serves from its commit on: DescribeTable says ACTIVE at once.
DeleteTable answers DELETING; from its commit on the table is gone, and a job removes its rows in steps.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from actors.dynamodb import catalogue, expiry, schema, state, streams
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import INDEX_MEMBERS, describe, new_description
from actors.dynamodb.errors import NotImplementedMember, ResourceInUseException
from actors.dynamodb.state import Table
from actors.runtime.actor import JOB_STEP_ROWS
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

LIST_LIMIT_TABLES = 100
CLEAR_JOB = "clear_spaces"

# What AWS has and we do not yet: refused when present and, where it can be switched, on.
_MISSING_ON_CREATE = ("SSESpecification", "WarmThroughput", "ResourcePolicy",
                      "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode", "VectorIndexes")
_ON_SWITCHES = {"SSESpecification": "Enabled"}

Request = Mapping[str, Any]


def create(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.local_name(context.scope, catalogue.checked_own_name(request["TableName"]))
    schema.check_table(request)
    refuse_missing("CreateTable", request, _MISSING_ON_CREATE)
    has_stream = streams.check_new(request)
    if tables.find(transaction, context.scope, name) is not None:
        raise ResourceInUseException(f"Table already exists: {name}")
    indexes = [each["IndexName"] for member in INDEX_MEMBERS for each in request.get(member) or ()]
    account, region = context.scope
    record: dict[str, Any] = {
        "account": account,
        "region": region,
        "space": state.next_space(transaction),
        "index_spaces": {index: state.next_space(transaction) for index in indexes},
        "tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()},
        "description": new_description(request, name, state.arn(account, region, name), context.now),
    }
    if has_stream:
        streams.begin(transaction, record, request["StreamSpecification"]["StreamViewType"], context.now)
    return {"TableDescription": describe(transaction, save(transaction, record), "CREATING")}


def save(transaction: Transaction, record: dict[str, Any]) -> Table:
    table = Table(record)
    transaction.put(state.table_key(table.account, table.region, table.table_name), state.pack_table(record))
    return table


def refuse_missing(operation: str, request: Request, members: tuple[str, ...]) -> None:
    for member in members:
        value = request.get(member)
        if value and (member not in _ON_SWITCHES or value.get(_ON_SWITCHES[member])):
            raise NotImplementedMember(operation, member)


def described(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    table = tables.described(snapshot, context.scope, catalogue.checked_own_name(request["TableName"]))
    return {"Table": describe(snapshot, table)}


def listed(snapshot: Snapshot, context: Context, request: Request) -> dict[str, Any]:
    limit = request.get("Limit") or LIST_LIMIT_TABLES
    after = request.get("ExclusiveStartTableName") or ""
    found = list(islice(catalogue.names(snapshot, context.scope, after), limit + 1))
    if len(found) > limit:
        return {"TableNames": found[:limit], "LastEvaluatedTableName": found[limit - 1]}
    return {"TableNames": found}


def delete(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    table = tables.described(transaction, context.scope, catalogue.checked_own_name(request["TableName"]))
    if table.description["DeletionProtectionEnabled"]:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    description = describe(transaction, table, "DELETING")
    key = state.table_key(table.account, table.region, table.table_name)
    record = state.unpack_table(transaction.get(key) or b"")
    spaces = [table.space_number, *table.index_spaces.values(), *expiry.end(transaction, record)]
    streams.end(transaction, record, context.now)
    transaction.delete(key)
    transaction.start_job(CLEAR_JOB, {"spaces": spaces})
    kept = ("TableName", "TableStatus", "ProvisionedThroughput", "TableSizeBytes", "ItemCount", "TableArn", "TableId",
            "BillingModeSummary", "TableClassSummary", "DeletionProtectionEnabled")
    return {"TableDescription": {member: description[member] for member in kept if member in description}}


def clear_step(transaction: Transaction, job: dict[str, Any]) -> dict[str, Any] | None:
    """One step of removing all rows of spaces nobody can name any more. `job`: {"spaces": numbers}."""
    spaces: list[int] = job["spaces"]
    left = JOB_STEP_ROWS
    while spaces:
        start = state.space_prefix(spaces[0])
        keys = [key for key, _ in islice(transaction.scan(start, state.past(start)), left)]
        for key in keys:
            transaction.delete(key)
        left -= len(keys)
        if left == 0:
            return {"spaces": spaces}
        spaces = spaces[1:]
    return None
