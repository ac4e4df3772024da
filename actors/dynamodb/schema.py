"""What a table may look like: CreateTable's and UpdateTable's checks on keys, indexes and throughput, in AWS's words.

Not here: what the model itself says (enums, lengths, required members), which was checked before.
Order and wording: dynalite's validations, the public dynamodb-conformance and Alternator suites, which run against AWS.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from actors.dynamodb.engine.values import INVALID
from schemas.errors import ValidationException

PAY_PER_REQUEST, PROVISIONED = "PAY_PER_REQUEST", "PROVISIONED"
CAPACITY_LIMIT_UNITS = 1_000_000_000_000
LOCAL_INDEXES_LIMIT = 5
GLOBAL_INDEXES_LIMIT = 20
INDEX_KEY_ATTRIBUTES_LIMIT = 4            # of each role, in a global index
PROJECTED_LIMIT = 100                     # attributes an INCLUDE projection names, over all indexes

Request = Mapping[str, Any]


def refuse(message: str) -> ValidationException:
    return ValidationException(f"{INVALID}{message}")


def check_table(request: Request) -> None:
    """ValidationException unless this CreateTable makes sense."""
    for member in ("AttributeDefinitions", "KeySchema"):
        if request.get(member) is None:
            at = member[0].lower() + member[1:]
            raise ValidationException(
                f"1 validation error detected: Value null at '{at}' failed to satisfy constraint: "
                "Member must not be null"
            )
    if len(request["KeySchema"]) > 2:
        shown = ", ".join(
            f"KeySchemaElement(attributeName={each['AttributeName']}, keyType={each['KeyType']})"
            for each in request["KeySchema"]
        )
        raise ValidationException(
            f"1 validation error detected: Value '[{shown}]' at 'keySchema' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )
    check_billing(request)
    defined = [each["AttributeName"] for each in request["AttributeDefinitions"]]
    if len(set(defined)) != len(defined):
        twice = next(name for name in defined if defined.count(name) > 1)
        raise ValidationException(f"Attribute Name is duplicated: {twice}")
    _check_table_keys(request["KeySchema"], defined)
    _check_indexes(request, defined)


def _check_table_keys(schema: list[dict[str, str]], defined: list[str]) -> None:
    keys = [each["AttributeName"] for each in schema]
    undefined = any(name not in defined for name in keys)
    if not defined or (len(keys) == 2 and (undefined or (keys[0] == keys[1] and len(defined) == 1))):
        raise ValidationException("Invalid KeySchema: Some index key attribute have no definition")
    check_keys_defined(keys, defined)
    _check_roles(schema)


def check_keys_defined(keys: list[str], defined: Iterable[str]) -> None:
    names = list(defined)
    if any(name not in names for name in keys):
        raise refuse(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(keys)}], AttributeDefinitions: [{', '.join(names)}]"
        )


def _check_roles(schema: list[dict[str, str]], limit: int = 1) -> None:
    """Hash keys, then range keys, at most `limit` of each, no name twice."""
    names = [each["AttributeName"] for each in schema]
    roles = [each["KeyType"] for each in schema]
    for role in ("HASH", "RANGE") if limit > 1 else ():
        of_role = [name for name, of in zip(names, roles, strict=True) if of == role]
        if len(of_role) > limit:
            raise refuse(f"The KeySchema exceeds the maximum allowed number of {role} key attributes")
        if len(set(of_role)) != len(of_role):
            raise ValidationException("The KeySchema contains multiple key attributes with the same name")
    if len(set(names)) != len(names):
        raise ValidationException("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if roles[0] != "HASH":
        raise ValidationException("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    runs = [(role, len(list(run))) for role, run in groupby(roles)]
    if len(runs) > 2 and limit > 1:
        raise refuse("All HASH key attributes must precede RANGE key attributes in the KeySchema")
    if len(runs) > 2 or any(length > limit for _, length in runs):
        raise ValidationException("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")


def check_billing(request: Request) -> None:
    throughput = request.get("ProvisionedThroughput")
    if request.get("BillingMode") == PAY_PER_REQUEST:
        if throughput:
            raise refuse(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return
    if not throughput:
        raise refuse(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_throughput(throughput)


def check_throughput(throughput: Mapping[str, int]) -> None:
    for member in ("ReadCapacityUnits", "WriteCapacityUnits"):
        if throughput[member] > CAPACITY_LIMIT_UNITS:
            raise ValidationException(f"Given value {throughput[member]} for {member} is out of bounds")


def _check_indexes(request: Request, defined: list[str]) -> None:
    local = request.get("LocalSecondaryIndexes")
    global_ = request.get("GlobalSecondaryIndexes")
    if local is not None:
        _check_local_indexes(local, request["KeySchema"], defined)
    if global_ is not None:
        if not global_:
            raise refuse("List of GlobalSecondaryIndexes is empty")
        for index in global_:
            check_global_index(index, defined, request.get("BillingMode"))
        if len(global_) > GLOBAL_INDEXES_LIMIT:
            raise refuse(f"GlobalSecondaryIndex count exceeds the per-table limit of {GLOBAL_INDEXES_LIMIT}")
    every = [*(local or ()), *(global_ or ())]
    _check_names(every)
    _check_definitions_used(request["KeySchema"], every, defined)


def _check_local_indexes(indexes: list[dict[str, Any]], table: list[dict[str, str]], defined: list[str]) -> None:
    if not indexes:
        raise refuse("List of LocalSecondaryIndexes is empty")
    if len(table) != 2:
        raise refuse(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    for index in indexes:
        name, schema = index["IndexName"], index["KeySchema"]
        check_keys_defined([each["AttributeName"] for each in schema], defined)
        _check_roles(schema)
        if len(schema) != 2:
            raise refuse(f"Index KeySchema does not have a range key for index: {name}")
        hash_, table_hash = schema[0]["AttributeName"], table[0]["AttributeName"]
        if hash_ != table_hash:
            raise refuse(
                f"Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. "
                f"index hash key: {hash_}, table hash key: {table_hash}"
            )
        _check_projection(index["Projection"])
    if len(indexes) > LOCAL_INDEXES_LIMIT:
        raise refuse(f"Number of LocalSecondaryIndexes exceeds per-table limit of {LOCAL_INDEXES_LIMIT}")


def check_global_index(index: Request, defined: Iterable[str], billing: str | None) -> None:
    check_keys_defined([each["AttributeName"] for each in index["KeySchema"]], defined)
    _check_roles(index["KeySchema"], INDEX_KEY_ATTRIBUTES_LIMIT)
    _check_projection(index["Projection"])
    throughput = index.get("ProvisionedThroughput")
    if billing == PAY_PER_REQUEST:
        if throughput:
            raise refuse(
                f"ProvisionedThroughput should not be specified for index: {index['IndexName']} "
                "when BillingMode is PAY_PER_REQUEST"
            )
    elif not throughput:
        raise refuse(
            f"ProvisionedThroughput is not specified for index: {index['IndexName']}"
        )
    else:
        check_throughput(throughput)


def _check_projection(projection: Request) -> None:
    kind = projection.get("ProjectionType")
    others: list[str] = projection.get("NonKeyAttributes") or []
    if kind is None:
        raise refuse("Unknown ProjectionType: null")
    twice = next((name for name in others if others.count(name) > 1), None)
    if twice is not None:
        raise refuse(f"Duplicate element in NonKeyAttributes: {twice}")
    if others and kind != "INCLUDE":
        raise refuse(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not others:
        raise refuse(f"ProjectionType is {kind}, but NonKeyAttributes is not specified")


def _check_names(indexes: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for index in indexes:
        if index["IndexName"] in seen:
            raise refuse(f"Duplicate index name: {index['IndexName']}")
        seen.add(index["IndexName"])
    projected = sum(len(index["Projection"].get("NonKeyAttributes", ())) for index in indexes)
    if projected > PROJECTED_LIMIT:
        raise refuse(
            f"Number of NonKeyAttributes across all indexes exceeds the per-table limit of {PROJECTED_LIMIT}"
        )


def _check_definitions_used(table: list[dict[str, str]], indexes: list[dict[str, Any]], defined: list[str]) -> None:
    used = {each["AttributeName"] for schema in (table, *(index["KeySchema"] for index in indexes)) for each in schema}
    if len(used) == len(defined):
        return
    if not indexes:
        raise refuse(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    raise refuse(
        f"Some AttributeDefinitions are not used. AttributeDefinitions: [{', '.join(defined)}], "
        f"keys used: [{', '.join(sorted(used))}]"
    )
