"""AWS's TableDescription: what a table's record keeps of it, and the whole with status and counts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any
from uuid import uuid4

from actors.dynamodb import schema, state
from actors.dynamodb.specifications import put_on_demand, put_warm, warm
from actors.dynamodb.state import Table
from actors.runtime.store.transaction import Snapshot

Request = Mapping[str, Any]

INDEX_MEMBERS = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def new_description(request: Request, name: str, arn: str, now: float) -> dict[str, Any]:
    """What the record keeps: AWS's TableDescription less its status and counts; times as seconds since the epoch."""
    on_demand = request.get("BillingMode") == schema.PAY_PER_REQUEST
    description: dict[str, Any] = {
        "AttributeDefinitions": request["AttributeDefinitions"],
        "TableName": name,
        "KeySchema": request["KeySchema"],
        "CreationDateTime": now,
        "ProvisionedThroughput": throughput_description(request.get("ProvisionedThroughput")),
        "TableArn": arn,
        "TableId": str(uuid4()),
        "DeletionProtectionEnabled": bool(request.get("DeletionProtectionEnabled", False)),
    }
    if on_demand:
        description["BillingModeSummary"] = on_demand_summary(now)
    if request.get("TableClass"):
        description["TableClassSummary"] = {"TableClass": request["TableClass"]}
    put_on_demand(description, request.get("OnDemandThroughput"), on_demand=on_demand, is_new=True)
    if request.get("LocalSecondaryIndexes"):
        description["LocalSecondaryIndexes"] = [
            _index_description(each, arn) for each in request["LocalSecondaryIndexes"]]
    if request.get("GlobalSecondaryIndexes"):
        description["GlobalSecondaryIndexes"] = [
            global_index_description(each, arn, on_demand=on_demand) for each in request["GlobalSecondaryIndexes"]]
    put_warm(description, request.get("WarmThroughput"), on_demand=on_demand, is_new=True)
    return description


def throughput_description(throughput: Request | None) -> dict[str, Any]:
    given = throughput or {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    return {"NumberOfDecreasesToday": 0, **given}


def changed_throughput(current: Request, wanted: Request, now: float) -> dict[str, Any]:
    """ProvisionedThroughputDescription after a change at `now`; decreases are counted by the day, in UTC."""
    changed = {"NumberOfDecreasesToday": 0, **current, **wanted}
    if any(wanted[member] > current[member] for member in wanted):
        changed["LastIncreaseDateTime"] = now
    if moment(current.get("LastDecreaseDateTime", 0.0)).date() != moment(now).date():
        changed["NumberOfDecreasesToday"] = 0
    if any(wanted[member] < current[member] for member in wanted):
        changed["LastDecreaseDateTime"] = now
        changed["NumberOfDecreasesToday"] += 1
    return changed


def on_demand_summary(now: float) -> dict[str, Any]:
    return {"BillingMode": schema.PAY_PER_REQUEST, "LastUpdateToPayPerRequestDateTime": now}


def billing_mode(description: Request) -> str:
    summary = description.get("BillingModeSummary")
    return schema.PROVISIONED if summary is None else str(summary["BillingMode"])


def _index_description(index: Request, table_arn: str) -> dict[str, Any]:
    return {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexArn": f"{table_arn}/index/{index['IndexName']}",
    }


def global_index_description(index: Request, table_arn: str, *, on_demand: bool) -> dict[str, Any]:
    throughput = throughput_description(index.get("ProvisionedThroughput"))
    description = {**_index_description(index, table_arn), "ProvisionedThroughput": throughput}
    put_on_demand(description, index.get("OnDemandThroughput"), on_demand=on_demand, is_new=True)
    put_warm(description, index.get("WarmThroughput"), on_demand=on_demand, is_new=True)
    return description


def describe(snapshot: Snapshot, table: Table, status: str = "") -> dict[str, Any]:
    """AWS's TableDescription, with exact counts of this moment (AWS's are up to six hours old).

    `status`: what an operation says of the change it makes; else what it is.
    """
    status = status or ("ACTIVE" if table.is_made else state.CREATING)
    counts = state.statistics(snapshot, table)
    description = {
        **table.description, "TableStatus": status, "ItemCount": counts.items, "TableSizeBytes": counts.size,
        "CreationDateTime": moment(table.description["CreationDateTime"]),
        "AttributeDefinitions": sorted(table.description["AttributeDefinitions"], key=itemgetter("AttributeName")),
        "ProvisionedThroughput": _dated(table.description["ProvisionedThroughput"]),
    }
    for member in ("BillingModeSummary", "RestoreSummary", "TableClassSummary"):
        if member in description:
            description[member] = _dated(description[member])
    warm_status = "UPDATING" if status == "UPDATING" else "ACTIVE"
    on_demand = billing_mode(description) == schema.PAY_PER_REQUEST
    description["WarmThroughput"] = warm(description, on_demand=on_demand, status=warm_status)
    for member in INDEX_MEMBERS:
        if member in description:
            description[member] = [_describe_index(snapshot, table, each, status) for each in description[member]]
    return description


def _dated(description: Request) -> dict[str, Any]:
    """Its moments, kept in seconds, as times."""
    times = {member: moment(value) for member, value in description.items() if member.endswith("DateTime")}
    return {**description, **times}


def _describe_index(snapshot: Snapshot, table: Table, description: dict[str, Any], status: str) -> dict[str, Any]:
    index = table.index(description["IndexName"])
    assert index is not None
    counts = state.statistics(snapshot, index)
    described = {**description, "ItemCount": counts.items, "IndexSizeBytes": counts.size}
    if "NonKeyAttributes" in description["Projection"]:
        kept = sorted(description["Projection"]["NonKeyAttributes"])
        described["Projection"] = {**description["Projection"], "NonKeyAttributes": kept}
    if index.is_global:
        described["ProvisionedThroughput"] = _dated(description["ProvisionedThroughput"])
        steady = "ACTIVE" if status == "UPDATING" else status
        described["IndexStatus"] = "CREATING" if index.is_filling else steady
        on_demand = billing_mode(table.description) == schema.PAY_PER_REQUEST
        described["WarmThroughput"] = warm(description, on_demand=on_demand)
        if index.is_filling:
            described["Backfilling"] = True
    return described


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
