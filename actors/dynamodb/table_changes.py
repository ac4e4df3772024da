"""UpdateTable: billing, throughput, protection, indexes made and removed on a live table; the job that fills one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actors.dynamodb import catalogue, rows, schema, state, streams
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import (
    INDEX_MEMBERS,
    billing_mode,
    describe,
    index_description,
    on_demand_summary,
    throughput_description,
)
from actors.dynamodb.errors import LimitExceededException, ResourceNotFoundException
from actors.dynamodb.specifications import put_encryption, put_warm
from actors.dynamodb.state import Index, Table
from actors.dynamodb.table_records import CLEAR_JOB, record_of, refuse_missing, save
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from schemas.errors import ValidationException

FILL_JOB = "fill_index"
ONE_INDEX = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"

_MISSING_ON_UPDATE = ("ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates",
                      "GlobalTableSettingsReplicationMode", "DisassociationProtectionEnabled", "VectorIndexUpdates")

Request = Mapping[str, Any]


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    name = catalogue.checked_name(request["TableName"])
    refuse_missing("UpdateTable", request, _MISSING_ON_UPDATE)
    if not any(request.get(member) not in (None, []) for member in _UPDATES):
        raise ValidationException(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    if request.get("BillingMode") == schema.PAY_PER_REQUEST:
        schema.check_billing(request)
    if request.get("ProvisionedThroughput"):
        schema.check_throughput(request["ProvisionedThroughput"])
    _check_index_changes(request.get("GlobalSecondaryIndexUpdates") or ())
    table = tables.changeable(transaction, context.scope, name)
    record = record_of(transaction, table)
    description = record["description"]
    streams.update(transaction, record, request, context.now)
    _change_billing(description, request, context.now)
    if request.get("DeletionProtectionEnabled") is not None:
        description["DeletionProtectionEnabled"] = request["DeletionProtectionEnabled"]
    if request.get("TableClass"):
        description["TableClassSummary"] = {"TableClass": request["TableClass"]}
    if request.get("OnDemandThroughput"):
        description["OnDemandThroughput"] = request["OnDemandThroughput"]
    put_encryption(description, request.get("SSESpecification"), *context.scope)
    put_warm(description, request.get("WarmThroughput"))
    changes = request.get("GlobalSecondaryIndexUpdates") or ()
    if sum("Update" not in change for change in changes) > 1:
        raise LimitExceededException(ONE_INDEX)
    for change in changes:
        _change_index(transaction, table, record, request, change)
    return {"TableDescription": describe(transaction, save(transaction, record), "UPDATING")}


_UPDATES = ("ProvisionedThroughput", "BillingMode", "GlobalSecondaryIndexUpdates", "DeletionProtectionEnabled",
            "TableClass", "OnDemandThroughput", "StreamSpecification", "SSESpecification", "WarmThroughput")


def _change_billing(description: dict[str, Any], request: Request, now: float) -> None:
    if request.get("BillingMode") == schema.PAY_PER_REQUEST:
        if billing_mode(description) != schema.PAY_PER_REQUEST:
            description["BillingModeSummary"] = on_demand_summary(now)
        description["ProvisionedThroughput"] = throughput_description(None)
        return
    wanted = request.get("ProvisionedThroughput")
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    if request.get("BillingMode") == schema.PROVISIONED:
        schema.check_billing(request)
        if on_demand:
            description["BillingModeSummary"] = {**description["BillingModeSummary"], "BillingMode": schema.PROVISIONED}
    if wanted is None:
        return
    current = description["ProvisionedThroughput"]
    if not on_demand and all(current[member] == wanted[member] for member in wanted):
        raise ValidationException(_UNCHANGED.format(
            current["ReadCapacityUnits"], wanted["ReadCapacityUnits"], current["WriteCapacityUnits"],
            wanted["WriteCapacityUnits"],
        ))
    description["ProvisionedThroughput"] = throughput_description(wanted)


_UNCHANGED = (
    "The provisioned throughput for the table will not change. The requested value equals the current value. "
    "Current ReadCapacityUnits provisioned for the table: {}. Requested ReadCapacityUnits: {}. "
    "Current WriteCapacityUnits provisioned for the table: {}. Requested WriteCapacityUnits: {}. "
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
)


def _action(change: Request) -> tuple[str, Request]:
    (action, wanted), = ((action, change[action]) for action in _ACTIONS if action in change)
    return action, wanted


def _check_index_changes(changes: Iterable[Request]) -> None:
    """What the changes alone can say. Sources: dynalite's tests, Alternator's test_gsi_updatetable."""
    names: set[str] = set()
    for change in changes:
        known = sum(action in change for action in _ACTIONS)
        if known == 0:
            raise schema.refuse("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                                "GlobalSecondaryIndexUpdate.Delete must not be null")
        if known > 1:
            raise schema.refuse("Only one of Create, Update or Delete may be specified in a GlobalSecondaryIndexUpdate")
        name = _action(change)[1]["IndexName"]
        if name in names:
            raise schema.refuse(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        names.add(name)


_ACTIONS = ("Update", "Create", "Delete")


def _change_index(
    transaction: Transaction, table: Table, record: dict[str, Any], request: Request, change: Request
) -> None:
    """One of GlobalSecondaryIndexUpdates: {Create|Update|Delete: …}, on the record to be saved."""
    action, wanted = _action(change)
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
        known["ProvisionedThroughput"] = throughput_description(wanted["ProvisionedThroughput"])
    if action == "Update":
        put_warm(known, wanted.get("WarmThroughput"))
        if wanted.get("OnDemandThroughput"):
            known["OnDemandThroughput"] = wanted["OnDemandThroughput"]


def _create_index(
    transaction: Transaction, table: Table, record: dict[str, Any], request: Request, wanted: Request
) -> None:
    description, name = record["description"], wanted["IndexName"]
    indexes: list[dict[str, Any]] = description.get("GlobalSecondaryIndexes", [])
    if name in record["index_spaces"]:
        raise schema.refuse("Attempting to create an index which already exists")
    definitions = request.get("AttributeDefinitions") or ()
    schema.check_global_index(
        wanted, [each["AttributeName"] for each in definitions], billing_mode(description)
    )
    keys = {each["AttributeName"] for each in wanted["KeySchema"]}
    _define_attributes(description, [each for each in definitions if each["AttributeName"] in keys])
    if len(indexes) >= schema.GLOBAL_INDEXES_LIMIT:
        raise schema.refuse(
            f"GlobalSecondaryIndex count exceeds the per-table limit of {schema.GLOBAL_INDEXES_LIMIT}"
        )
    if record.get("filling"):
        raise LimitExceededException(ONE_INDEX)
    space = state.next_space(transaction)
    record["index_spaces"][name] = space
    record["filling"] = [name]
    description["GlobalSecondaryIndexes"] = [*indexes, index_description(wanted, table.arn, is_global=True)]
    transaction.start_job(FILL_JOB, {
        "account": table.account, "region": table.region, "table": table.table_name, "index": name, "space": space,
        "after": b"",
    })


def _define_attributes(description: dict[str, Any], definitions: Any) -> None:
    """An index brings the types of its keys, those that the table knows as well. Others are ignored."""
    types = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
    for each in definitions:
        name, kind = each["AttributeName"], each["AttributeType"]
        if types.setdefault(name, kind) != kind:
            raise schema.refuse(
                "Attributes cannot be redefined. Please check that your attribute has the same type as previously "
                f"defined. Existing schema: Schema:[SchemaElement: key{{{name}:{types[name]}:HASH}}] "
                f"New schema: Schema:[SchemaElement: key{{{name}:{kind}:HASH}}]"
            )
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
    for member in INDEX_MEMBERS:
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
    done = list(bounded(transaction.scan(start, stop), JOB_STEP_ROWS // 2))
    for key, record in done:
        rows.reindex(transaction, index, key, None, state.unpack_item(record))
    if done:
        return {**job, "after": done[-1][0]}
    _finish_filling(transaction, table, index)
    return None


def _finish_filling(transaction: Transaction, table: Table, index: Index) -> None:
    record = record_of(transaction, table)
    record["filling"] = [name for name in record["filling"] if name != index.name]
    save(transaction, record)
