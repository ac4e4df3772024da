"""The table that a restore makes: from a source's description and the request's overrides, CREATING until it is filled.

As on AWS, indexes may be left out but not added; tags, policies, streams, TTL and recovery settings are not restored.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableFromBackup.html
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.dynamodb import catalogue, copies, schema, state
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.descriptions import INDEX_MEMBERS, billing_mode, describe
from actors.dynamodb.errors import TableAlreadyExistsException, TableInUseException
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import new_record, record_of, refuse_missing, release_history, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from schemas.errors import ValidationException

OVERRIDES = {"LocalSecondaryIndexes": "LocalSecondaryIndexOverride",
             "GlobalSecondaryIndexes": "GlobalSecondaryIndexOverride"}

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Source(NamedTuple):
    """What is restored. `description`: its TableDescription; `summary`: the RestoreSummary of the table it becomes;
    `history`, `moment`, `owner`: of a table at a moment, whose history that is."""

    space: int
    description: Request
    summary: Answer
    history: int | None = None
    moment: int = 0
    owner: Table | None = None


def source_of(request: Request) -> str:
    """The name or ARN under which what is restored is found: its backup's, or its table's. "" where none is said."""
    named = (request.get(member) for member in ("BackupArn", "SourceTableName", "SourceTableArn"))
    return next((name for name in named if isinstance(name, str)), "")


def named(request: Request) -> set[str]:
    """The tables a restore is about: what is restored, and the target, which is in the same account. Of what is not
    validated yet."""
    source, target = source_of(request), request.get("TargetTableName")
    if source.startswith("arn:") and isinstance(target, str):
        target = ":".join((*source.split(":", 5)[:5], f"table/{target}"))
    return {name for name in (source, target) if isinstance(name, str)}


def restore(tables: Catalogue, context: Context, transaction: Transaction, request: Request, found: Source) -> Answer:
    """Into a table of this shard; transfers.py has the others."""
    made = make(tables, context, transaction, request, found.description, found.summary)
    owner = found.owner
    copies.start(
        transaction, "restore", found.space, made.space_number, history_space=found.history, moment=found.moment,
        owner=None if owner is None else [owner.account, owner.region, owner.table_name],
        table=[made.account, made.region, made.table_name],
    )
    return answer(transaction, made)


def make(
    tables: Catalogue, context: Context, transaction: Transaction, request: Request, source: Request, summary: Answer
) -> Table:
    """The new table, saved. `source`: TableDescription of what is restored; `summary`: the RestoreSummary it shows."""
    name = request["TargetTableName"]
    refuse_missing("RestoreTable", request, ("VectorIndexOverride",))
    wanted = _wanted(request, source)
    schema.check_table(wanted)
    existing = tables.find(transaction, context.scope, name)
    if existing is not None and "RestoreSummary" in existing.description:
        source_arn = summary.get("SourceBackupArn") or summary["SourceTableArn"]
        raise TableInUseException(f"Table: {name} is already being restored from backup: {source_arn}")
    if existing is not None:
        raise TableAlreadyExistsException(f"Table already exists: {name}")
    record = new_record(context.scope, transaction, wanted, catalogue.checked_name(name))
    record["status"] = state.CREATING
    record["description"]["RestoreSummary"] = summary
    return save(transaction, record)


def answer(transaction: Transaction, made: Table) -> Answer:
    return {"TableDescription": describe(transaction, made)}


def filled(tables: Catalogue, transaction: Transaction, job: Answer) -> None:
    """All its rows are there."""
    account, region, name = job["table"]
    table = tables.find(transaction, (account, region), name)
    assert table is not None, "a table being made cannot be deleted"
    finish(transaction, table)
    if job["owner"] is not None:
        account, region, name = job["owner"]
        release_history(tables, transaction, (account, region), name, job["history"])


def finish(transaction: Transaction, table: Table) -> None:
    """From now on it serves, and nothing tells where it is from."""
    record = record_of(transaction, table)
    del record["status"]
    record.pop("transfer", None)
    record["description"].pop("RestoreSummary", None)
    save(transaction, record)


def _wanted(request: Request, source: Request) -> Answer:
    """The CreateTable request this restore amounts to: keys, billing, encryption and indexes are restored, no more."""
    billing = request.get("BillingModeOverride") or billing_mode(source)
    _check_overrides(request, billing)
    wanted: Answer = {"TableName": request["TargetTableName"], "KeySchema": source["KeySchema"], "BillingMode": billing}
    if billing == schema.PROVISIONED:
        wanted["ProvisionedThroughput"] = _units(
            request.get("ProvisionedThroughputOverride") or source["ProvisionedThroughput"])
    else:
        wanted["OnDemandThroughput"] = request.get("OnDemandThroughputOverride") or source.get("OnDemandThroughput")
    wanted["SSESpecification"] = request.get("SSESpecificationOverride") or _encryption(source)
    for member in INDEX_MEMBERS:
        indexes = _indexes(request, source, member, billing)
        if indexes:
            wanted[member] = indexes
    wanted["AttributeDefinitions"] = _definitions(wanted, source)
    return wanted


def _check_overrides(request: Request, billing: str) -> None:
    """Throughput goes with the mode that the table will have."""
    override, throughput = request.get("BillingModeOverride"), request.get("ProvisionedThroughputOverride")
    if billing == schema.PROVISIONED and override and not throughput:
        raise invalid("Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED")
    if billing != schema.PROVISIONED and throughput:
        raise invalid("Cannot override ProvisionedThroughput " + (
            "if BillingMode is overridden to PAY_PER_REQUEST" if override else "unless BillingMode is PROVISIONED"))
    for member, units in (request.get("OnDemandThroughputOverride") or {}).items():
        if billing == schema.PROVISIONED:
            raise invalid(f"Cannot override {member} for OnDemandThroughput unless BillingModeOverride is "
                          "PAY_PER_REQUEST")
        if units < 1:
            raise invalid(f"Requested {member} for OnDemandThroughput is outside of valid range")


def _encryption(source: Request) -> Answer | None:
    shown = source.get("SSEDescription")
    return shown and {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": shown["KMSMasterKeyArn"]}


def invalid(message: str) -> ValidationException:
    return ValidationException(f"Invalid Request: {message}")


def _indexes(request: Request, source: Request, member: str, billing: str) -> list[Answer]:
    """The source's indexes, or those of them that the request names, maybe by other names."""
    known = source.get(member, ())
    overrides = request.get(OVERRIDES[member])
    indexes = []
    for each in known if overrides is None else overrides:
        original = next((one for one in known if all(one[part] == each[part] for part in ("KeySchema", "Projection"))),
                        None)
        if original is None:
            raise invalid(f"Index {each['IndexName']} does not match a secondary index that existed in the source "
                          "table and cannot be created during the restore operation")
        index = {part: each[part] for part in ("IndexName", "KeySchema", "Projection")}
        if member == "GlobalSecondaryIndexes":
            index |= _throughput(each, original, billing, is_override=overrides is not None)
        indexes.append(index)
    return indexes


def _throughput(index: Request, original: Request, billing: str, *, is_override: bool) -> Answer:
    """Of a global index to be made."""
    name, given = index["IndexName"], index.get("ProvisionedThroughput")
    if billing == schema.PROVISIONED:
        units = given or original["ProvisionedThroughput"]
        if (is_override and not given) or not units["ReadCapacityUnits"]:
            raise invalid(f"Must specify provisioned throughput for index {name}")
        return {"ProvisionedThroughput": _units(units)}
    if is_override and given:
        raise invalid("Cannot override ProvisionedThroughput if BillingMode is overridden to PAY_PER_REQUEST for index "
                      f"{name}")
    return {"OnDemandThroughput": index.get("OnDemandThroughput")}


def _definitions(wanted: Request, source: Request) -> list[Answer]:
    schemas = [wanted["KeySchema"], *(each["KeySchema"] for member in INDEX_MEMBERS for each in wanted.get(member, ()))]
    used = {key["AttributeName"] for keys in schemas for key in keys}
    return [each for each in source["AttributeDefinitions"] if each["AttributeName"] in used]


def _units(throughput: Request) -> Answer:
    return {member: throughput[member] for member in ("ReadCapacityUnits", "WriteCapacityUnits")}
