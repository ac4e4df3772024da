"""UpdateTable: billing, throughput, protection, indexes made and removed on a live table; the job that fills one."""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.dynamodb import catalogue, rows, schema, state, streams, update_checks
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import (
    INDEX_MEMBERS,
    billing_mode,
    changed_throughput,
    describe,
    global_index_description,
    on_demand_summary,
)
from actors.dynamodb.errors import LimitExceededException, ResourceNotFoundException
from actors.dynamodb.specifications import change_encryption, keep_warm, put_on_demand, put_warm
from actors.dynamodb.state import Index, Table
from actors.dynamodb.table_records import CLEAR_JOB, record_of, refuse_missing, save
from actors.dynamodb.update_checks import action_of
from actors.runtime.actor import JOB_STEP_ROWS, bounded
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from schemas.errors import ValidationException

FILL_JOB = "fill_index"
ONE_INDEX = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"

_MISSING_ON_UPDATE = ("ReplicaUpdates", "MultiRegionConsistency", "GlobalTableWitnessUpdates",
                      "GlobalTableSettingsReplicationMode", "DisassociationProtectionEnabled", "VectorIndexUpdates")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def update(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> Answer:
    name = catalogue.checked_name(request["TableName"])
    refuse_missing("UpdateTable", request, _MISSING_ON_UPDATE)
    update_checks.check(request)
    table = tables.changeable(transaction, context.scope, name)
    before, record = describe(transaction, table), record_of(transaction, table)
    description = record["description"]
    streams.update(transaction, record, request, context.now)
    _change_billing(description, request, context.now)
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    if request.get("DeletionProtectionEnabled") is not None:
        description["DeletionProtectionEnabled"] = request["DeletionProtectionEnabled"]
    if request.get("TableClass"):
        description["TableClassSummary"] = {"TableClass": request["TableClass"], "LastUpdateDateTime": context.now}
    put_on_demand(description, request.get("OnDemandThroughput"), on_demand=on_demand)
    change_encryption(description, request.get("SSESpecification"), *context.scope)
    put_warm(description, request.get("WarmThroughput"), on_demand=on_demand)
    changes = request.get("GlobalSecondaryIndexUpdates") or ()
    if sum("Update" not in change for change in changes) > 1:
        raise LimitExceededException(ONE_INDEX)
    for change in changes:
        _change_index(transaction, table, record, request, change, context.now)
    return {"TableDescription": _answer(request, before, describe(transaction, save(transaction, record)))}


def _answer(request: Request, before: Answer, after: Answer) -> Answer:
    """What AWS says at once: the change is under way, throughput is still the old, an index to go still there.

    Source: ack-api-quirks DDB-TABLE-138, 148, 149, 165, 370, 410; of encryption that ends LocalStack's snapshot of AWS.
    """
    actions = {wanted["IndexName"]: action for action, wanted in
               map(action_of, request.get("GlobalSecondaryIndexUpdates") or ())}
    is_long = any(request.get(member) for member in _LONG) or any(each != "Update" for each in actions.values())
    answer = {**after, "TableStatus": "UPDATING" if is_long else "ACTIVE"}
    if request.get("ProvisionedThroughput") and request.get("BillingMode") is None:
        answer["ProvisionedThroughput"] = before["ProvisionedThroughput"]
    if "SSEDescription" in before and "SSEDescription" not in after:
        answer["SSEDescription"] = {**before["SSEDescription"], "Status": "UPDATING"}
    if request.get("WarmThroughput"):
        answer["WarmThroughput"] = {**before["WarmThroughput"], "Status": "UPDATING"}
    if actions:
        answer["GlobalSecondaryIndexes"] = _answered_indexes(actions, before, after)
    if "Delete" in actions.values():
        answer["AttributeDefinitions"] = before["AttributeDefinitions"]
    return answer


def _answered_indexes(actions: Mapping[str, str], before: Answer, after: Answer) -> list[Answer]:
    known = {each["IndexName"]: each for each in before.get("GlobalSecondaryIndexes", ())}
    made = {each["IndexName"]: {**each, "Backfilling": False}
            for each in after.get("GlobalSecondaryIndexes", ()) if each["IndexName"] not in known}
    states = {"Update": "UPDATING", "Delete": "DELETING"}
    shown = {name: {**each, "IndexStatus": states[actions[name]]} if name in actions else each
             for name, each in known.items()}
    return [*shown.values(), *made.values()]


_LONG = ("BillingMode", "ProvisionedThroughput", "StreamSpecification", "TableClass")


def _change_billing(description: Answer, request: Request, now: float) -> None:
    """BillingMode and the table's own ProvisionedThroughput."""
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    wanted, mode = request.get("ProvisionedThroughput"), request.get("BillingMode")
    if mode == schema.PAY_PER_REQUEST and not on_demand:
        _make_on_demand(description, now)
    elif mode == schema.PROVISIONED and on_demand:
        _make_provisioned(description, request, now)
    elif wanted is not None and on_demand:
        raise schema.refuse(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
    elif wanted is not None:
        _change_throughput(description, wanted, now, "the table", "the table")


def _make_on_demand(description: Answer, now: float) -> None:
    description["BillingModeSummary"] = on_demand_summary(now)
    for each in (description, *description.get("GlobalSecondaryIndexes", ())):
        keep_warm(each, on_demand=False)
        each["ProvisionedThroughput"] = {**each["ProvisionedThroughput"], "ReadCapacityUnits": 0,
                                         "WriteCapacityUnits": 0}


def _make_provisioned(description: Answer, request: Request, now: float) -> None:
    """Each index must be given its throughput in the same request. Limits on demand go."""
    actions = map(action_of, request.get("GlobalSecondaryIndexUpdates") or ())
    given = {wanted["IndexName"] for action, wanted in actions if action == "Delete" or
             wanted.get("ProvisionedThroughput")}
    for index in description.get("GlobalSecondaryIndexes", ()):
        if index["IndexName"] not in given:
            raise schema.refuse(f"ProvisionedThroughput must be specified for index: {index['IndexName']}")
    description["BillingModeSummary"] = {**description["BillingModeSummary"], "BillingMode": schema.PROVISIONED}
    for each in (description, *description.get("GlobalSecondaryIndexes", ())):
        keep_warm(each, on_demand=True)
        each.pop("OnDemandThroughput", None)
    description["ProvisionedThroughput"] = changed_throughput(
        description["ProvisionedThroughput"], request["ProvisionedThroughput"], now)


def _change_throughput(description: Answer, wanted: Request, now: float, what: str, of: str) -> None:
    """Of the table or of an index, which AWS names in two ways."""
    current = description["ProvisionedThroughput"]
    if all(current[member] == wanted[member] for member in wanted):
        raise ValidationException(_UNCHANGED.format(
            what, of, current["ReadCapacityUnits"], wanted["ReadCapacityUnits"], current["WriteCapacityUnits"],
            wanted["WriteCapacityUnits"]))
    keep_warm(description, on_demand=False)
    description["ProvisionedThroughput"] = changed_throughput(current, wanted, now)


_UNCHANGED = (
    "The provisioned throughput for {0} will not change. The requested value equals the current value. "
    "Current ReadCapacityUnits provisioned for {1}: {2}. Requested ReadCapacityUnits: {3}. "
    "Current WriteCapacityUnits provisioned for {1}: {4}. Requested WriteCapacityUnits: {5}. "
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
)


def _change_index(
    transaction: Transaction, table: Table, record: Answer, request: Request, change: Request, now: float
) -> None:
    """One of GlobalSecondaryIndexUpdates: {Create|Update|Delete: …}, on the record to be saved."""
    action, wanted = action_of(change)
    if action == "Create":
        _create_index(transaction, table, record, request, wanted)
        return
    description, name = record["description"], wanted["IndexName"]
    known = next((each for each in description.get("GlobalSecondaryIndexes", ()) if each["IndexName"] == name), None)
    if known is None and name in record["index_spaces"]:
        raise ValidationException(f"Cannot {action.lower()} an index that is not a GlobalSecondaryIndex: {name}")
    if known is None:
        raise ResourceNotFoundException(f"Requested resource not found: Index {name} for table {table.table_name}")
    if action == "Update":
        _update_index(description, known, wanted, now)
        return
    _drop_index(description, name)
    record["filling"] = [each for each in record.get("filling", ()) if each != name]
    transaction.start_job(CLEAR_JOB, {"spaces": [record["index_spaces"].pop(name)]})


def _update_index(description: Answer, index: Answer, wanted: Request, now: float) -> None:
    name, throughput = index["IndexName"], wanted.get("ProvisionedThroughput")
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    if throughput and on_demand:
        raise schema.refuse(f"The only Updates for index: {name} when TableThroughputMode is PAY_PER_REQUEST can be to "
                            "OnDemandThroughput, WarmThroughput")
    if throughput:
        schema.check_throughput(throughput)
        _change_throughput(index, throughput, now, f"the index {name}", f"index {name}")
    put_on_demand(index, wanted.get("OnDemandThroughput"), on_demand=on_demand)
    put_warm(index, wanted.get("WarmThroughput"), on_demand=on_demand)


def _create_index(
    transaction: Transaction, table: Table, record: dict[str, Any], request: Request, wanted: Request
) -> None:
    description, name = record["description"], wanted["IndexName"]
    indexes: list[dict[str, Any]] = description.get("GlobalSecondaryIndexes", [])
    if name in record["index_spaces"]:
        raise ValidationException("Attempting to create an index which already exists")
    definitions = request.get("AttributeDefinitions") or ()
    if not definitions:
        raise schema.refuse(f"AttributeDefinitions is not specified for index: {name}")
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    if not on_demand and not wanted.get("ProvisionedThroughput"):
        raise schema.refuse(f"Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}")
    if on_demand and wanted.get("ProvisionedThroughput"):
        raise schema.refuse(f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when "
                            "BillingMode is PAY_PER_REQUEST")
    schema.check_global_index(
        wanted, [each["AttributeName"] for each in definitions], billing_mode(description)
    )
    keys = {each["AttributeName"] for each in wanted["KeySchema"]}
    _define_attributes(description, [each for each in definitions if each["AttributeName"] in keys])
    if len(indexes) >= schema.GLOBAL_INDEXES_LIMIT:
        raise LimitExceededException("Subscriber limit exceeded: Number of global secondary indexes exceeds per-table "
                                     f"limit of {schema.GLOBAL_INDEXES_LIMIT}")
    if record.get("filling"):
        raise LimitExceededException(ONE_INDEX)
    space = state.next_space(transaction)
    record["index_spaces"][name] = space
    record["filling"] = [name]
    description["GlobalSecondaryIndexes"] = [
        *indexes, global_index_description(wanted, table.arn, on_demand=on_demand)]
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
