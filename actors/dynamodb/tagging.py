"""TagResource, UntagResource, ListTagsOfResource. Tags stand in the table's record.

Wording: measured on AWS by the public ack-api-quirks notes (DDB-TABLE-105 to 110, 372, 442). The 50 tags there may be
are one page, so a NextToken is never given out.
"""

import re
from collections.abc import Mapping
from typing import Any

from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.errors import ResourceNotFoundException
from actors.dynamodb.schema import refuse
from actors.dynamodb.state import Table
from actors.dynamodb.table_records import record_of, save
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import AccessDeniedException, ValidationException

TAGS_LIMIT, KEY_LIMIT_CHARS, VALUE_LIMIT_CHARS = 50, 128, 256
TOO_MANY = "Number of Tags exceed the current limit for the provided ResourceArn"

_CHARACTERS = re.compile(r"[\w\s_.:/=+\-@]*\Z")          # letters, digits and spaces of any script

Request = Mapping[str, Any]


def tag(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    arn = _checked(context, request["ResourceArn"], "TagResource")
    if not request["Tags"]:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    check(request["Tags"])
    table = _table(tables, context, transaction, arn, "Requested resource not found")
    record = record_of(transaction, table)
    record["tags"] |= {each["Key"]: each["Value"] for each in request["Tags"]}
    if len(record["tags"]) > TAGS_LIMIT:
        raise ValidationException(TOO_MANY)
    save(transaction, record)
    return {}


def untag(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    arn = _checked(context, request["ResourceArn"], "UntagResource")
    if not request["TagKeys"]:
        raise ValidationException("Atleast one Tag Key needs to be provided as Input.")
    for key in request["TagKeys"]:
        _check_key(key)
    if len(request["TagKeys"]) > TAGS_LIMIT:
        raise ValidationException(TOO_MANY)
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


def check(tags: list[dict[str, Any]]) -> None:
    """ValidationException unless these may be a resource's tags."""
    for each in tags:
        _check_key(each.get("Key"))
        if not _is_text(each.get("Value"), VALUE_LIMIT_CHARS):
            raise ValidationException(f"The Tag Value provided is invalid, Value: {_shown(each.get('Value'))}")
    keys = [each["Key"] for each in tags]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ValidationException(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {twice}")
    if len(keys) > TAGS_LIMIT:
        raise ValidationException(TOO_MANY)


def _check_key(key: Any) -> None:
    if not key or not _is_text(key, KEY_LIMIT_CHARS):
        raise ValidationException(f"The Tag Key provided is invalid, Key: {_shown(key)}")
    if key.lower().startswith("aws:"):
        raise ValidationException(f"Tag Key cannot be prefixed with aws:, Key: {key}")


def _is_text(text: Any, limit_chars: int) -> bool:
    return isinstance(text, str) and len(text) <= limit_chars and _CHARACTERS.match(text) is not None


def _shown(text: Any) -> str:
    return "null" if text is None else str(text)


def _checked(context: Context, arn: str, operation: str) -> str:
    """The ARN, when it may be a table's."""
    if not arn.startswith("arn:"):
        raise refuse(f"ARNs must start with 'arn:': {arn}")
    parts = arn.split(":", 5)
    kinds = parts[5].split("/")[0::2] if len(parts) == 6 else []
    if parts[2:3] != ["dynamodb"] or kinds[:1] != ["table"] or kinds[1:2] in (["backup"], ["export"], ["import"]):
        raise refuse(f"Provided Arn is not a DynamoDB resource arn: {arn}")
    if kinds[1:2] == ["index"]:
        raise refuse(f"Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}")
    if parts[4] != context.account:
        raise AccessDeniedException(
            f"User: {context.principal.arn} is not authorized to perform: dynamodb:{operation} "
            f"on resource: {arn}")
    if parts[3] != context.region or len(kinds) != 1:
        raise ValidationException(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
    return arn


def _table(tables: Catalogue, context: Context, snapshot: Snapshot, arn: str, missing: str) -> Table:
    table = tables.find(snapshot, context.scope, arn)
    if table is None:
        raise ResourceNotFoundException(missing)
    return table
