"""DynamoDB's PartiQL: parse (cached by text), bind to a request's parameters, plan which keys a SELECT reads.

Conditions and updates become the trees of engine/expressions, literals and parameters their values: there is one
evaluator. Knows no request and no store.
"""

from actors.dynamodb.engine.partiql.nodes import (
    Delete,
    Exists,
    Insert,
    Order,
    Returning,
    Select,
    Statement,
    Target,
    Update,
)
from actors.dynamodb.engine.partiql.parser import parse

__all__ = ["Delete", "Exists", "Insert", "Order", "Returning", "Select", "Statement", "Target", "Update", "parse"]
