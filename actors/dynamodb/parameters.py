"""What a request's parameters say, apart from its table and keys: conditions, projections, updates, old and new style.

Between the requests, which name things, and engine/expressions, which knows no request. Checks in dynalite's order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.dynamodb.engine.expressions import (
    Condition,
    KeyCondition,
    Placeholders,
    Projection,
    Update,
    attribute_update,
    attributes_to_get,
    check_conditional_operator,
    check_mixing,
    expected_condition,
    filter_condition,
    key_condition,
    parse_condition,
    parse_key_condition,
    parse_projection,
    parse_update,
)
from actors.dynamodb.engine.values import Item, admit, admit_value
from actors.dynamodb.engine.wording import ENVELOPE, in_current_words
from actors.dynamodb.state import Index, Space, Table
from schemas.errors import ValidationException

Request = Mapping[str, Any]

CONDITION, EXPECTED = ("ConditionExpression",), ("Expected", "ConditionalOperator")
UPDATE, ATTRIBUTE_UPDATES = ("UpdateExpression", *CONDITION), ("AttributeUpdates", *EXPECTED)
PROJECTION, ATTRIBUTES = ("ProjectionExpression",), ("AttributesToGet",)
QUERY = ("ProjectionExpression", "FilterExpression", "KeyConditionExpression")
QUERY_LEGACY = ("AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions")
SCAN = ("ProjectionExpression", "FilterExpression")
SCAN_LEGACY = ("AttributesToGet", "ScanFilter", "ConditionalOperator")


def check_return_values(request: Request) -> None:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise ValidationException("ReturnValues can only be ALL_OLD or NONE")


def condition_of(request: Request) -> Condition | None:
    """The condition of a write, in either style."""
    text = request.get("ConditionExpression")
    if text is not None:
        placeholders = placeholders_of(request)
        condition = parse_condition(text).bind(placeholders)
        placeholders.check_unused()
        return condition
    check_conditional_operator(request.get("ConditionalOperator"), request.get("Expected"))
    if request.get("Expected"):
        return expected_condition(request["Expected"], request.get("ConditionalOperator"), admit_value)
    return None


def update_of(request: Request) -> tuple[Update | None, Condition | None]:
    """The change and the condition of an UpdateItem, in either style."""
    text, condition_text = request.get("UpdateExpression"), request.get("ConditionExpression")
    if text is None and condition_text is None:
        update = None
        if request.get("AttributeUpdates"):
            update = attribute_update(request["AttributeUpdates"], admit_value)
        return update, condition_of(request)
    placeholders = placeholders_of(request)
    update = None if text is None else parse_update(text).bind(placeholders)
    condition = None if condition_text is None else parse_condition(condition_text).bind(placeholders)
    placeholders.check_unused()
    return update, condition


def projection_of(request: Request) -> Projection | None:
    """What a GetItem, or one table of a BatchGetItem, wants of its items; None: all."""
    check_mixing(request, PROJECTION, ATTRIBUTES)
    text = request.get("ProjectionExpression")
    if text is None:
        names = request.get("AttributesToGet")
        return None if names is None else attributes_to_get(names)
    placeholders = placeholders_of(request)
    projection = parse_projection(text).bind(placeholders)
    placeholders.check_unused()
    return projection


def placeholders_of(request: Request) -> Placeholders:
    return Placeholders(
        request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues"), admit_value
    )


@dataclass(slots=True)
class Read:
    """What a Query or Scan says of its rows. `keys`: a Query's; `filter_words`: what AWS calls the filter."""

    keys: KeyCondition | None
    filter: Condition | None
    filter_words: str
    projection: Projection | None


def query_parameters(request: Request) -> Read:
    check_mixing(request, QUERY, QUERY_LEGACY)
    check_select(request)
    try:
        return _query_parameters(request)
    except ValidationException as error:
        raise in_current_words(error) from error


def _query_parameters(request: Request) -> Read:
    check_conditional_operator(request.get("ConditionalOperator"), request.get("QueryFilter"))
    filter_ = _legacy_filter(request, "QueryFilter")
    projection = _legacy_projection(request)
    if request.get("ExclusiveStartKey") is not None:
        admit(request["ExclusiveStartKey"])
    key_text, old_keys = request.get("KeyConditionExpression"), request.get("KeyConditions")
    if key_text is None and old_keys is None:
        raise ValidationException(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    placeholders = placeholders_of(request)
    keys = None if key_text is None else parse_key_condition(key_text).bind(placeholders)
    expressions = _bound(request, placeholders)
    placeholders.check_unused()
    if keys is None:
        assert old_keys is not None
        keys = key_condition(old_keys, admit_value)
    keys.check()
    words = "Filter Expression" if filter_ is None else "QueryFilter"
    return Read(keys, filter_ or expressions[0], words, projection or expressions[1])


def scan_parameters(request: Request) -> Read:
    check_mixing(request, SCAN, SCAN_LEGACY)
    check_select(request)
    projection = _legacy_projection(request)
    check_conditional_operator(request.get("ConditionalOperator"), request.get("ScanFilter"))
    filter_ = _legacy_filter(request, "ScanFilter")
    _admit_start(request)
    _check_segment(request)
    placeholders = placeholders_of(request)
    expressions = _bound(request, placeholders)
    placeholders.check_unused()
    return Read(None, filter_ or expressions[0], "", projection or expressions[1])


def _bound(request: Request, placeholders: Placeholders) -> tuple[Condition | None, Projection | None]:
    text, wanted = request.get("FilterExpression"), request.get("ProjectionExpression")
    filter_ = None if text is None else parse_condition(text, "FilterExpression").bind(placeholders)
    projection = None if wanted is None else parse_projection(wanted).bind(placeholders)
    return filter_, projection


def _legacy_filter(request: Request, member: str) -> Condition | None:
    conditions = request.get(member)
    return filter_condition(conditions, request.get("ConditionalOperator"), admit_value) if conditions else None


def _legacy_projection(request: Request) -> Projection | None:
    names = request.get("AttributesToGet")
    return None if names is None else attributes_to_get(names)


def _admit_start(request: Request) -> None:
    start: Item | None = request.get("ExclusiveStartKey")
    if start is None:
        return
    try:
        admit(start)
    except ValidationException as error:
        raise ValidationException(f"The provided starting key is invalid: {error.message}") from error


def check_select(request: Request) -> None:
    """Select and the projection must go together; enveloped in Query as in Scan.

    Source: the public dynamodb-conformance suite, tier1/{query,scan}/select and tier3/error-messages, and
    moto's test_dynamodb_select, verified on AWS.
    """
    select = request.get("Select")
    if select is None:
        return
    member = next((each for each in (*PROJECTION, *ATTRIBUTES) if request.get(each) is not None), None)
    if select == "SPECIFIC_ATTRIBUTES":
        if member is None:
            raise ValidationException(
                f"{ENVELOPE}Must specify the AttributesToGet or ProjectionExpression when choosing to get {select}"
            )
    elif member is not None:
        wanted = "only the Count" if select == "COUNT" else select
        raise ValidationException(f"{ENVELOPE}Cannot specify the {member} when choosing to get {wanted}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and request.get("IndexName") is None:
        raise ValidationException(f"{ENVELOPE}{select} can be used only when Querying using an IndexName")


def _check_segment(request: Request) -> None:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is not None and total is None:
        raise ValidationException(
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present"
        )
    if total is None:
        return
    if segment is None:
        raise ValidationException(
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present"
        )
    if segment >= total:
        raise ValidationException(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )


def check_paths(table: Table, nested: frozenset[str]) -> None:
    """No path may lead into a key attribute of the table or of an index."""
    if not nested:
        return
    for space in (table, *table.indexes):
        for name in space.names:
            if name in nested:
                role = "Key" if space is table else "IndexKey"
                raise ValidationException(
                    "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                    f"{role}: {name}"
                )


def check_update_paths(table: Table, update: Update) -> None:
    """An update may not touch the table's key, nor look into an index's."""
    for name in table.names:
        if name in update.touched.attributes:
            raise ValidationException(
                "One or more parameter values were invalid: "
                f"Cannot update attribute {name}. This attribute is part of the key"
            )
    check_paths(table, update.touched.nested)


def check_kept(space: Space, projection: Projection) -> None:
    """A global index can give only what it keeps."""
    if isinstance(space, Index) and space.is_global and space.projected is not None:
        missing = sorted(projection.attributes - space.projected)
        if missing:
            raise ValidationException(
                "One or more parameter values were invalid: Global secondary index "
                f"{space.name} does not project [{', '.join(missing)}]"
            )


