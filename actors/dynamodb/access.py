"""What DynamoDB's operations need to be allowed, and whose a table is. Condition keys: access_keys.py.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html;
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html and …/ql-iam.html:
transactions and PartiQL need the actions of their parts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actors.dynamodb import policies
from actors.dynamodb.engine.partiql import Delete, Exists, Insert, Select, parse
from actors.dynamodb.state import arn
from actors.runtime.access import Access, Guard
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from actors.runtime.store.transaction import Snapshot
from schemas.errors import ValidationException

Request = Mapping[str, Any]

_ARNS = ("ResourceArn", "BackupArn", "ExportArn", "ImportArn", "StreamArn", "TableArn", "SourceTableArn")
_NO_RESOURCE = frozenset({
    "DescribeEndpoints", "DescribeLimits", "ListBackups", "ListContributorInsights", "ListExports", "ListGlobalTables",
    "ListImports", "ListTables",
})
_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_STATEMENTS = {Select: "PartiQLSelect", Exists: "PartiQLSelect", Insert: "PartiQLInsert", Delete: "PartiQLDelete"}


def accesses(context: Context, action: str, request: Request) -> Sequence[Access]:
    name = context.operation.name
    several = _SEVERAL.get(name)
    if several is not None:
        found = {(each.action, each.resource): each for each in several(context, request)}
        return tuple(found.values()) or (Access(action),)
    return (Access(action, resource(context, name, request)),)


def resource(context: Context, name: str, request: Request) -> str:
    """The ARN of the one thing an operation is about."""
    table = request.get("TableName")
    if isinstance(table, str) and name not in _NO_RESOURCE:
        found = table if table.startswith("arn:") else arn(context.account, context.region, table)
        index = request.get("IndexName")
        return found if index is None else f"{found}/index/{index}"
    if name in _NO_RESOURCE:
        return "*"
    for member in _ARNS:
        if isinstance(request.get(member), str):
            return str(request[member])
    if isinstance(request.get("GlobalTableName"), str):
        return f"arn:aws:dynamodb::{context.account}:global-table/{request['GlobalTableName']}"
    return "*"


def table_arn(context: Context, name: str, index: str | None = None) -> str:
    found = name if name.startswith("arn:") else arn(context.account, context.region, name)
    return found if index is None else f"{found}/index/{index}"


# Operations that need several, or speak of one thing in other words

def _list_tables(context: Context, request: Request) -> Iterator[Access]:
    yield Access("dynamodb:ListTables", called=table_arn(context, "*"))


def _create(context: Context, request: Request) -> Iterator[Access]:
    table = table_arn(context, request["TableName"])
    yield Access("dynamodb:CreateTable", table)
    if request.get("Tags"):
        yield Access("dynamodb:TagResource", table)
    if request.get("ResourcePolicy"):
        yield Access("dynamodb:PutResourcePolicy", table)


def _batch_get(context: Context, request: Request) -> Iterator[Access]:
    return (Access("dynamodb:BatchGetItem", table_arn(context, name)) for name in request["RequestItems"])


def _batch_write(context: Context, request: Request) -> Iterator[Access]:
    return (Access("dynamodb:BatchWriteItem", table_arn(context, name)) for name in request["RequestItems"])


_ENCLOSED = {name: {"dynamodb:enclosingoperation": name}
             for name in ("TransactGetItems", "TransactWriteItems", "ExecuteTransaction")}


def _transact_get(context: Context, request: Request) -> Iterator[Access]:
    for each in request["TransactItems"]:
        yield _enclosed("TransactGetItems", "GetItem", table_arn(context, each["Get"]["TableName"]))


def _transact_write(context: Context, request: Request) -> Iterator[Access]:
    for each in request["TransactItems"]:
        for member, action in _WRITES.items():
            if each.get(member):
                yield _enclosed("TransactWriteItems", action, table_arn(context, each[member]["TableName"]))


def _enclosed(operation: str, action: str, resource_arn: str) -> Access:
    return Access(f"dynamodb:{action}", resource_arn, _ENCLOSED[operation])


def _batch_statement(context: Context, request: Request) -> Iterator[Access]:
    for each in request["Statements"]:
        yield from _of_statement(context, each)


def _execute_transaction(context: Context, request: Request) -> Iterator[Access]:
    for each in request["TransactStatements"]:
        for access in _of_statement(context, each):
            yield access._replace(keys=_ENCLOSED["ExecuteTransaction"])


def _of_statement(context: Context, request: Request) -> Iterator[Access]:
    """None for what is no statement: that error is found later, and nothing is touched."""
    try:
        statement = parse(request["Statement"])
    except ValidationException:
        return
    action = _STATEMENTS.get(type(statement.body), "PartiQLUpdate")
    yield Access(f"dynamodb:{action}", table_arn(context, statement.target.table, statement.target.index_name))


def _restore(context: Context, request: Request) -> Iterator[Access]:
    """Of a backup, or of a table to a time: the source, and the table that is made."""
    name = context.operation.name
    if name == "RestoreTableToPointInTime":
        source = request.get("SourceTableArn") or table_arn(context, request.get("SourceTableName") or "")
    else:
        source = request["BackupArn"]
    yield Access(f"dynamodb:{name}", source)
    yield Access(f"dynamodb:{name}", table_arn(context, request["TargetTableName"]))


def _import(context: Context, request: Request) -> Iterator[Access]:
    yield Access("dynamodb:ImportTable", table_arn(context, request["TableCreationParameters"]["TableName"]))


_SEVERAL = {
    "ListTables": _list_tables, "CreateTable": _create, "BatchGetItem": _batch_get, "BatchWriteItem": _batch_write,
    "TransactGetItems": _transact_get, "TransactWriteItems": _transact_write, "ExecuteStatement": _of_statement,
    "BatchExecuteStatement": _batch_statement, "ExecuteTransaction": _execute_transaction,
    "RestoreTableFromBackup": _restore, "RestoreTableToPointInTime": _restore, "ImportTable": _import,
}


# What stands around

def guard(snapshot: Snapshot, resource_arn: str) -> Guard | None:
    """The policy of the table or stream; an index is its table's."""
    text = policies.text_of(snapshot, resource_arn.partition("/index/")[0])
    return None if text is None else Guard(policy=Policy("ResourcePolicy", compile_document(text, Use.RESOURCE)))
