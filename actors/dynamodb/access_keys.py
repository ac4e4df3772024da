"""DynamoDB's condition keys, worked out when a policy asks for one.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html: LeadingKeys are the
partition keys a request names, Attributes the top-level attributes it names in whatever member.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.partiql import Exists, Insert, Select, parse
from actors.dynamodb.engine.partiql.keys import attributes_of, branches, checked_key, written_key
from actors.dynamodb.engine.values import Item
from actors.dynamodb.parameters import query_parameters
from actors.dynamodb.state import Space, Table
from actors.dynamodb.statement_values import bind
from actors.dynamodb.table_records import record_of
from actors.runtime.access import Access
from actors.runtime.store.transaction import Snapshot
from schemas.errors import AwsError
from schemas.routing import resource_name

Request = Mapping[str, Any]
Keys = dict[str, str | tuple[str, ...]]

# A path's first name in an expression: no value, no step behind a dot, no function. Keywords cannot be names.
_NAME = re.compile(r"(?<![\w.:#-])(#?[A-Za-z_]\w*)(?!\w*\s*\()")
_KEYWORDS = frozenset({"and", "or", "not", "in", "between", "set", "remove", "add", "delete"})
_EXPRESSIONS = ("ProjectionExpression", "ConditionExpression", "UpdateExpression", "FilterExpression",
                "KeyConditionExpression")
_BY_NAME = ("Key", "Item", "Expected", "AttributeUpdates", "ScanFilter", "QueryFilter", "KeyConditions")
_PARTS = ("Put", "Update", "Delete", "ConditionCheck", "Get")


def keys_of(tables: Catalogue, snapshot: Snapshot, access: Access, request: Request) -> Keys:
    keys: Keys = dict(access.keys)
    keys["dynamodb:returnvalues"] = request.get("ReturnValues") or "NONE"
    keys["dynamodb:returnconsumedcapacity"] = request.get("ReturnConsumedCapacity") or "NONE"
    table = _table(tables, snapshot, access.resource)
    parts = list(_parts(access, request))
    if table is not None:
        leading = tuple(dict.fromkeys(key for part in parts for key in _leading(table, part)))
        if leading:
            keys["dynamodb:leadingkeys"] = leading
        if any("Statement" in part for part in parts):
            keys["dynamodb:fulltablescan"] = "false" if leading else "true"
    attributes = tuple(dict.fromkeys(name for part in parts for name in _attributes(part)))
    if attributes:
        keys["dynamodb:attributes"] = attributes
    select = request.get("Select")
    if select is None and access.action in ("dynamodb:Query", "dynamodb:Scan"):
        narrowed = any(request.get(member) for member in ("ProjectionExpression", "AttributesToGet"))
        select = "SPECIFIC_ATTRIBUTES" if narrowed else "ALL_ATTRIBUTES"
    if select is not None:
        keys["dynamodb:select"] = select
    return keys


def tags_of(tables: Catalogue, snapshot: Snapshot, access: Access) -> Mapping[str, str] | None:
    """A table's own, which are its indexes' and streams' as well."""
    table = _table(tables, snapshot, access.resource)
    if table is None:
        return None
    tags: Mapping[str, str] = record_of(snapshot, table)["tags"]
    return tags


def _table(tables: Catalogue, snapshot: Snapshot, arn: str) -> Table | None:
    parts = arn.split(":", 5)
    return tables.find(snapshot, (parts[4], parts[3]), resource_name(arn)) if len(parts) == 6 else None


def _parts(access: Access, request: Request) -> Iterator[Request]:
    """What of a request is about the access's table: itself, or its parts for that table."""
    name = resource_name(access.resource)
    for key, given in (request.get("RequestItems") or {}).items():
        if resource_name(key) == name and isinstance(given, list):
            yield from (write.get("PutRequest") or write.get("DeleteRequest") or {} for write in given)
        elif resource_name(key) == name:
            yield given
            yield from ({"Key": item} for item in given.get("Keys") or ())
    for each in request.get("TransactItems") or ():
        yield from (each[part] for part in _PARTS if each.get(part) and resource_name(each[part]["TableName"]) == name)
    for each in (*(request.get("Statements") or ()), *(request.get("TransactStatements") or ())):
        if resource_name(parse(each["Statement"]).target.table) == name:
            yield each
    if not any(request.get(member) for member in ("RequestItems", "TransactItems", "Statements", "TransactStatements")):
        yield request


def _leading(table: Table, part: Request) -> Iterator[str]:
    item: Item | None = part.get("Key") or part.get("Item")
    if item is not None:
        yield from _shown(item.get(table.hash_names[0]))
    elif "Statement" in part:
        yield from _leading_of_statement(table, part)
    elif part.get("KeyConditionExpression") or part.get("KeyConditions"):
        found = query_parameters(part).keys
        space: Space | None = table.index(part["IndexName"]) if part.get("IndexName") else table
        if found is not None and space is not None:
            for clause in found.check():
                if clause.attribute == space.hash_names[0] and clause.operator in ("=", "EQ"):
                    yield from _shown(clause.values[0])


def _leading_of_statement(table: Table, part: Request) -> Iterator[str]:
    """None for a scan, and for what cannot be bound: that error is found later."""
    hash_name = table.hash_names[0]
    try:
        bound = bind(part)
        body = bound.statement.body
        if isinstance(body, Insert):
            names = [body.item[hash_name]] if hash_name in body.item else []
        elif isinstance(body, Select):
            found = branches(bound.text, hash_name, table.sort_names[0] if table.sort_names else None) or ()
            terms = [term for each in found for term in each.keys if term.attribute == hash_name]
            names = [name for term in terms for name in term.values]
        elif isinstance(body, Exists):
            named, _ = checked_key(bound.text, tuple(table.names))
            names = [named[hash_name]] if hash_name in named else []
        else:
            names = [name for key, values in written_key(bound.text, tuple(table.names)) if key == hash_name
                     for name in values]
    except AwsError:
        return
    for name in names:
        yield from _shown(bound.values.get(name))


def _shown(value: Any) -> Iterator[str]:
    """A key's value as policies write it."""
    if isinstance(value, dict):
        for content in value.values():
            yield content.decode("latin-1") if isinstance(content, bytes) else str(content)


def _attributes(part: Request) -> Iterator[str]:
    names: Mapping[str, str] = part.get("ExpressionAttributeNames") or {}
    for member in _EXPRESSIONS:
        for name in _NAME.findall(part.get(member) or ""):
            if name.lower() not in _KEYWORDS:
                yield names.get(name, name)
    for member in _BY_NAME:
        yield from part.get(member) or ()
    yield from part.get("AttributesToGet") or ()
    if "Statement" in part:
        yield from _attributes_of_statement(part["Statement"])


def _attributes_of_statement(text: str) -> Iterator[str]:
    body = parse(text).body
    if isinstance(body, Exists):
        body = body.select
    if isinstance(body, Insert):
        yield from body.item
        return
    if isinstance(body, Select):
        yield from (str(column.path[0]) for column in body.columns or ())
    if body.where is not None:
        yield from attributes_of([body.where.clause])
