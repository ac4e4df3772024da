"""What AWS answers about an account and about other regions, where there is one region and no Kinesis.

Quotas are AWS's initial ones and not enforced. Global tables have nowhere to replicate to: there are none, and making
one is refused.
"""

from collections.abc import Mapping
from typing import Any

from actors.dynamodb import catalogue
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import (
    GlobalTableNotFoundException,
    ResourceNotFoundException,
)
from actors.dynamodb.schema import refuse
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from schemas.errors import ValidationException

LEGACY = ("DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables "
          "version 2019.11.21, instead of version 2017.11.29 (Legacy).")
NO_DESTINATION = "Table is not in a valid state to enable Kinesis Streaming Destination: "
ENDPOINT_CACHE_MINUTES = 1440
ACCOUNT_UNITS, TABLE_UNITS = 80_000, 40_000     # of reads as of writes

Request = Mapping[str, Any]
Answer = dict[str, Any]


def limits() -> Answer:
    """Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"""
    return {"AccountMaxReadCapacityUnits": ACCOUNT_UNITS, "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS,
            "TableMaxReadCapacityUnits": TABLE_UNITS, "TableMaxWriteCapacityUnits": TABLE_UNITS}


def endpoints(context: Context) -> Answer:
    address = f"dynamodb.{context.region}.amazonaws.com"
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": ENDPOINT_CACHE_MINUTES}]}


def no_legacy_global_table() -> Answer:
    """CreateGlobalTable and UpdateGlobalTable are of the first version, which AWS takes no more."""
    raise refuse(LEGACY)


def no_global_table(request: Request) -> Answer:
    name = request["GlobalTableName"]
    raise GlobalTableNotFoundException(f"Global table not found: Global table with name: '{name}' does not exist.")


def replica_scaling(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    status = "ACTIVE" if table.is_made else "CREATING"
    return {"TableAutoScalingDescription": {"TableName": table.table_name, "TableStatus": status, "Replicas": []}}


def update_replica_scaling(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    raise ValidationException(f"Table {table.table_name} is not a global table")


def kinesis_destinations(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    table = tables.described(snapshot, context.scope, catalogue.checked_name(request["TableName"]))
    return {"TableName": table.table_name, "KinesisDataStreamDestinations": []}


def enable_kinesis(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> Answer:
    """No stream can be there to be found: Skybus has no Kinesis yet."""
    kinesis_destinations(tables, context, snapshot, request)
    raise ResourceNotFoundException(
        f"Requested resource not found: Stream: {request['StreamArn']} not found (Skybus does not implement kinesis)")


def no_kinesis(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request, verb: str) -> Answer:
    """Wording: ack-api-quirks DDB-TABLE-442."""
    kinesis_destinations(tables, context, snapshot, request)
    settings = request.get("UpdateKinesisStreamingConfiguration") or {}
    if verb == "UPDATE" and not any(settings.values()):
        raise ValidationException("Streaming destination cannot be updated with given parameters: "
                                  "UpdateKinesisStreamingConfiguration cannot be null or contain only null values")
    if verb == "UPDATE":
        raise ValidationException(
            f"{NO_DESTINATION}Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
            f"TableName: {request['TableName']}, kdsArn: {request['StreamArn']}")
    raise ValidationException(
        f"{NO_DESTINATION}KinesisStreamingDestination must be ACTIVE to perform {verb} operation.")
