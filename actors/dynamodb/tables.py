"""Operations on tables: create, describe, list, update, delete, and the jobs that clear rows and fill a new index.

CreateTable answers CREATING, as AWS does, and the table serves from its commit on: DescribeTable says ACTIVE at once.
DeleteTable answers DELETING; from its commit on the table is gone, and a job removes its rows in steps.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import uuid4

from actors.dynamodb import catalogue, rows, schema, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import (
    LimitExceededException,
    NotImplementedMember,
    ResourceInUseException,
    ResourceNotFoundException,
)
from actors.dynamodb.state import Index, Table
from actors.runtime.actor import JOB_STEP_ROWS
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

LIST_LIMIT_TABLES = 100
CLEAR_JOB, FILL_JOB = "clear_spaces", "fill_index"

# What AWS has and we do not yet, by operation: refused when present and switched on.
_MISSING_ON_CREATE = ("SSESpecification", "StreamSpecification", "WarmThroughput", "ResourcePolicy",
                      "GlobalTableSourceArn", "GlobalTableSettingsReplicationMode", "VectorIndexes")
_MISSING_ON_UPDATE = ("SSESpecification", "StreamSpecification", "WarmThroughput", "ReplicaUpdates",
                      "MultiRegionConsistency", "GlobalTableWitnessUpdates", "GlobalTableSettingsReplicationMode",
                      "DisassociationProtectionEnabled", "VectorIndexUpdates")
_ON_SWITCHES = {"StreamSpecification": "StreamEnabled", "SSESpecification": "Enabled"}

Request = Mapping[str, Any]


def create(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.local_name(context.scope, catalogue.checked_own_name(request["TableName"]))
    schema.check_table(request)
    _refuse_missing("CreateTable", request, _MISSING_ON_CREATE)
    if tables.find(transaction, context.scope, name) is not None:
        raise ResourceInUseException(f"Table already exists: {name}")
    indexes = [each["IndexName"] for member in _INDEX_MEMBERS for each in request.get(member) or ()]
    account, region = context.scope
    record = {
        "account": account,
        "region": region,
        "space": state.next_space(transaction),
        "index_spaces": {index: state.next_space(transaction) for index in indexes},
        "tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()},
        "description": _description(request, name, state.arn(account, region, name), context.now),
    }
    return {"TableDescription": describe(transaction, _save(transaction, record), "CREATING")}


_INDEX_MEMBERS = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def _save(transaction: Transaction, record: dict[str, Any]) -> Table:
    table = Table(record)
    transaction.put(state.table_key(table.account, table.region, table.table_name), state.pack_table(record))
    return table


def _refuse_missing(operation: str, request: Request, members: tuple[str, ...]) -> None:
    for member in members:
        value = request.get(member)
        if value and (member not in _ON_SWITCHES or value.get(_ON_SWITCHES[member])):
            raise NotImplementedMember(operation, member)


def _description(request: Request, name: str, arn: str, now: float) -> dict[str, Any]:
    """What the record keeps: AWS's TableDescription less its status and counts; times as seconds since the epoch."""
    on_demand = request.get("BillingMode") == schema.PAY_PER_REQUEST
    description: dict[str, Any] = {
        "AttributeDefinitions": request["AttributeDefinitions"],
        "TableName": name,
        "KeySchema": request["KeySchema"],
        "CreationDateTime": now,
        "ProvisionedThroughput": _throughput(request.get("ProvisionedThroughput")),
        "TableArn": arn,
        "TableId": str(uuid4()),
        "DeletionProtectionEnabled": bool(request.get("DeletionProtectionEnabled", False)),
    }
    if on_demand:
        description["BillingModeSummary"] = _on_demand(now)
    if request.get("TableClass"):
        description["TableClassSummary"] = {"TableClass": request["TableClass"]}
    if request.get("OnDemandThroughput"):
        description["OnDemandThroughput"] = request["OnDemandThroughput"]
    for member in _INDEX_MEMBERS:
        if request.get(member):
            description[member] = [_index(each, arn, member == "GlobalSecondaryIndexes") for each in request[member]]
    return description


def _throughput(throughput: Request | None) -> dict[str, Any]:
    given = throughput or {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    return {"NumberOfDecreasesToday": 0, **given}


def _on_demand(now: float) -> dict[str, Any]:
    return {"BillingMode": schema.PAY_PER_REQUEST, "LastUpdateToPayPerRequestDateTime": now}


def _index(index: Request, table_arn: str, is_global: bool) -> dict[str, Any]:
    description = {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexArn": f"{table_arn}/index/{index['IndexName']}",
    }
    if is_global:
        description["ProvisionedThroughput"] = _throughput(index.get("ProvisionedThroughput"))
        if index.get("OnDemandThroughput"):
            description["OnDemandThroughput"] = index["OnDemandThroughput"]
    return description


def describe(snapshot: Snapshot, table: Table, status: str = "ACTIVE") -> dict[str, Any]:
    """AWS's TableDescription, with exact counts of this moment (AWS's are up to six hours old)."""
    counts = state.statistics(snapshot, table)
    description = {
        **table.description, "TableStatus": status, "ItemCount": counts.items, "TableSizeBytes": counts.size,
        "CreationDateTime": _moment(table.description["CreationDateTime"]),
    }
    if "BillingModeSummary" in description:
        since = description["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"]
        description["BillingModeSummary"] = _on_demand(since) | {"LastUpdateToPayPerRequestDateTime": _moment(since)}
    for member in _INDEX_MEMBERS:
        if member in description:
            description[member] = [_describe_index(snapshot, table, each, status) for each in description[member]]
    return description


def _describe_index(snapshot: Snapshot, table: Table, description: dict[str, Any], status: str) -> dict[str, Any]:
    index = table.index(description["IndexName"])
    assert index is not None
    counts = state.statistics(snapshot, index)
    described = {**description, "ItemCount": counts.items, "IndexSizeBytes": counts.size}
    if index.is_global:
        described["IndexStatus"] = "CREATING" if index.is_filling else status
        if index.is_filling:
            described["Backfilling"] = True
    return described


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


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
    transaction.delete(state.table_key(table.account, table.region, table.table_name))
    spaces = [table.space_number, *table.index_spaces.values()]
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


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.checked_own_name(request["TableName"])
    _refuse_missing("UpdateTable", request, _MISSING_ON_UPDATE)
    if not any(request.get(member) is not None for member in _UPDATES):
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    if request.get("BillingMode") == schema.PAY_PER_REQUEST:
        schema.check_billing(request)
    table = tables.described(transaction, context.scope, name)
    record = state.unpack_table(_record(transaction, table))
    description = record["description"]
    _change_billing(description, request, context.now)
    if request.get("DeletionProtectionEnabled") is not None:
        description["DeletionProtectionEnabled"] = request["DeletionProtectionEnabled"]
    if request.get("TableClass"):
        description["TableClassSummary"] = {"TableClass": request["TableClass"]}
    if request.get("OnDemandThroughput"):
        description["OnDemandThroughput"] = request["OnDemandThroughput"]
    for change in request.get("GlobalSecondaryIndexUpdates") or ():
        _change_index(transaction, table, record, request, change)
    return {"TableDescription": describe(transaction, _save(transaction, record), "UPDATING")}


_UPDATES = ("ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates", "DeletionProtectionEnabled",
            "TableClass", "OnDemandThroughput", "StreamSpecification", "SSESpecification")


def _record(snapshot: Snapshot, table: Table) -> bytes:
    record = snapshot.get(state.table_key(table.account, table.region, table.table_name))
    assert record is not None, "the table was just found"
    return record


def _change_billing(description: dict[str, Any], request: Request, now: float) -> None:
    if request.get("BillingMode") == schema.PAY_PER_REQUEST:
        description.setdefault("BillingModeSummary", _on_demand(now))
        description["ProvisionedThroughput"] = _throughput(None)
        return
    wanted = request.get("ProvisionedThroughput")
    on_demand = "BillingModeSummary" in description
    if request.get("BillingMode") == schema.PROVISIONED:
        schema.check_billing(request)
        description.pop("BillingModeSummary", None)
    if wanted is None:
        return
    schema.check_throughput(wanted)
    current = description["ProvisionedThroughput"]
    if not on_demand and all(current[member] == wanted[member] for member in wanted):
        raise ValidationException(_UNCHANGED.format(
            current["ReadCapacityUnits"], wanted["ReadCapacityUnits"], current["WriteCapacityUnits"],
            wanted["WriteCapacityUnits"],
        ))
    description["ProvisionedThroughput"] = _throughput(wanted)


_UNCHANGED = (
    "The provisioned throughput for the table will not change. The requested value equals the current value. "
    "Current ReadCapacityUnits provisioned for the table: {}. Requested ReadCapacityUnits: {}. "
    "Current WriteCapacityUnits provisioned for the table: {}. Requested WriteCapacityUnits: {}. "
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
)


def _change_index(
    transaction: Transaction, table: Table, record: dict[str, Any], request: Request, change: Request
) -> None:
    """One of GlobalSecondaryIndexUpdates: {Create|Update|Delete: …}, on the record to be saved."""
    if len(change) != 1:
        raise schema.refuse("Only one of Create, Update or Delete may be specified in a GlobalSecondaryIndexUpdate")
    (action, wanted), = change.items()
    if action == "Create":
        _create_index(transaction, table, record, request, wanted)
        return
    description, name = record["description"], wanted["IndexName"]
    known = next((each for each in description.get("GlobalSecondaryIndexes", ()) if each["IndexName"] == name), None)
    if known is None:
        raise ResourceNotFoundException("Requested resource not found")
    if action == "Delete":
        _drop_index(description, name)
        record["filling"] = [each for each in record.get("filling", ()) if each != name]
        transaction.start_job(CLEAR_JOB, {"spaces": [record["index_spaces"].pop(name)]})
    elif wanted.get("ProvisionedThroughput"):
        schema.check_throughput(wanted["ProvisionedThroughput"])
        known["ProvisionedThroughput"] = _throughput(wanted["ProvisionedThroughput"])


def _create_index(
    transaction: Transaction, table: Table, record: dict[str, Any], request: Request, wanted: Request
) -> None:
    description, name = record["description"], wanted["IndexName"]
    indexes: list[dict[str, Any]] = description.get("GlobalSecondaryIndexes", [])
    if name in record["index_spaces"]:
        raise schema.refuse(f"Duplicate index name: {name}")
    _define_attributes(description, request.get("AttributeDefinitions") or ())
    billing = schema.PAY_PER_REQUEST if "BillingModeSummary" in description else schema.PROVISIONED
    defined = [each["AttributeName"] for each in description["AttributeDefinitions"]]
    schema.check_global_index(wanted, defined, billing)
    if len(indexes) >= schema.GLOBAL_INDEXES_LIMIT:
        raise schema.refuse(
            f"GlobalSecondaryIndex count exceeds the per-table limit of {schema.GLOBAL_INDEXES_LIMIT}"
        )
    if record.get("filling"):
        raise LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )
    space = state.next_space(transaction)
    record["index_spaces"][name] = space
    record["filling"] = [name]
    description["GlobalSecondaryIndexes"] = [*indexes, _index(wanted, table.arn, is_global=True)]
    transaction.start_job(FILL_JOB, {
        "account": table.account, "region": table.region, "table": table.table_name, "index": name, "space": space,
        "after": b"",
    })


def _define_attributes(description: dict[str, Any], definitions: Any) -> None:
    types = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
    for each in definitions:
        if types.setdefault(each["AttributeName"], each["AttributeType"]) != each["AttributeType"]:
            raise schema.refuse(f"Attribute {each['AttributeName']} is already defined with another type")
    description["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": kind} for name, kind in types.items()
    ]


def _drop_index(description: dict[str, Any], name: str) -> None:
    """Takes the index, and the definitions no key uses without it, out of the description."""
    left = [each for each in description["GlobalSecondaryIndexes"] if each["IndexName"] != name]
    if left:
        description["GlobalSecondaryIndexes"] = left
    else:
        del description["GlobalSecondaryIndexes"]
    used = {each["AttributeName"] for keys in _schemas(description) for each in keys}
    description["AttributeDefinitions"] = [
        each for each in description["AttributeDefinitions"] if each["AttributeName"] in used
    ]


def _schemas(description: dict[str, Any]) -> Iterator[list[dict[str, str]]]:
    yield description["KeySchema"]
    for member in _INDEX_MEMBERS:
        for index in description.get(member, ()):
            yield index["KeySchema"]


def fill_step(tables: Catalogue, transaction: Transaction, job: dict[str, Any]) -> dict[str, Any] | None:
    """One step of filling a new index from its table's rows. `after`: the last row done.

    Writes keep the index from its creation on, so the job may meet entries that are there; it ends early when table or
    index is gone.
    """
    table = tables.find(transaction, (job["account"], job["region"]), job["table"])
    index = None if table is None else table.index(job["index"])
    if table is None or index is None or index.prefix != state.space_prefix(job["space"]):
        return None
    items, stop = table.item_range()
    start = job["after"] + b"\0" if job["after"] else items
    done = list(islice(transaction.scan(start, stop), JOB_STEP_ROWS // 2))
    for key, record in done:
        rows.reindex(transaction, index, key, None, state.unpack_item(record))
    if done:
        return {**job, "after": done[-1][0]}
    _finish_filling(transaction, table, index)
    return None


def _finish_filling(transaction: Transaction, table: Table, index: Index) -> None:
    record = state.unpack_table(_record(transaction, table))
    record["filling"] = [name for name in record["filling"] if name != index.name]
    _save(transaction, record)
