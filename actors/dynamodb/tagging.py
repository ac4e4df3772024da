"""TagResource, UntagResource, ListTagsOfResource. Tags stand in the table's record.

Wording and order: dynalite's validations, which follow AWS. The 50 tags there may be are one page, so a NextToken is
never given out.
"""

import re
from collections.abc import Mapping
from typing import Any

from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import ResourceNotFoundException
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import record_of, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import AccessDeniedException, ValidationException

TAGS_LIMIT = 50

_RESOURCE = re.compile(r".+:.+:.+:.+:.+:.+/.+\Z")
_TABLE_ARN = re.compile(r"arn:aws:dynamodb:.+:\d+:table/[^/]{3,}\Z")

Request = Mapping[str, Any]


def tag(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    arn = _checked(context, request["ResourceArn"], "TagResource")
    if not request["Tags"]:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    table = _table(tables, context, transaction, arn, "Requested resource not found")
    record = record_of(transaction, table)
    record["tags"] |= {each["Key"]: each["Value"] for each in request["Tags"]}
    if len(record["tags"]) > TAGS_LIMIT:
        raise ValidationException("Number of tags exceed the current limit for the provided ResourceArn")
    save(transaction, record)
    return {}


def untag(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    arn = _checked(context, request["ResourceArn"], "UntagResource")
    if not request["TagKeys"]:
        raise ValidationException("Atleast one Tag Key needs to be provided as Input.")
    table = _table(tables, context, transaction, arn, "Requested resource not found")
    record = record_of(transaction, table)
    for key in request["TagKeys"]:
        record["tags"].pop(key, None)
    save(transaction, record)
    return {}


def listed(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> dict[str, Any]:
    arn = _checked(context, request["ResourceArn"], "ListTagsOfResource")
    table = _table(tables, context, snapshot, arn, f"Requested resource not found: ResourcArn: {arn} not found")
    if request.get("NextToken"):
        raise ValidationException("Invalid NextToken")
    return {"Tags": [{"Key": key, "Value": value} for key, value in record_of(snapshot, table)["tags"].items()]}


def _checked(context: Context, arn: str, operation: str) -> str:
    scope = arn.split(":")[3:5]
    if operation == "ListTagsOfResource" and (not _RESOURCE.match(arn) or scope != [context.region, context.account]):
        raise AccessDeniedException(
            f"User: {context.principal.arn} is not authorized to perform: dynamodb:{operation} "
            f"on resource: {arn}")
    if not _TABLE_ARN.match(arn):
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return arn


def _table(tables: Catalogue, context: Context, snapshot: Snapshot, arn: str, missing: str) -> Table:
    table = tables.find(snapshot, context.scope, arn)
    if table is None:
        raise ResourceNotFoundException(missing)
    return table
