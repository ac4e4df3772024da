"""DynamoDB's expressions: parse (cached by text), bind to a request's placeholders, evaluate on items.

Knows no request and no store. DESIGN.md tells how it is built, `placeholders` in which order a request is checked.
"""

from actors.dynamodb.engine.expressions.conditions import Condition, ConditionForm, parse_condition
from actors.dynamodb.engine.expressions.key_conditions import (
    KeyClause,
    KeyCondition,
    KeyConditionForm,
    KeyRange,
    parse_key_condition,
)
from actors.dynamodb.engine.expressions.legacy import (
    attribute_update,
    attributes_to_get,
    expected_condition,
    filter_condition,
    key_condition,
)
from actors.dynamodb.engine.expressions.placeholders import (
    Placeholders,
    check_conditional_operator,
    check_mixing,
)
from actors.dynamodb.engine.expressions.projections import Projection, ProjectionForm, parse_projection
from actors.dynamodb.engine.expressions.updates import Update, UpdateForm, parse_update

__all__ = [
    "Condition",
    "ConditionForm",
    "KeyClause",
    "KeyCondition",
    "KeyConditionForm",
    "KeyRange",
    "Placeholders",
    "Projection",
    "ProjectionForm",
    "Update",
    "UpdateForm",
    "attribute_update",
    "attributes_to_get",
    "check_conditional_operator",
    "check_mixing",
    "expected_condition",
    "filter_condition",
    "key_condition",
    "parse_condition",
    "parse_key_condition",
    "parse_projection",
    "parse_update",
]
