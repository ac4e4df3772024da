"""A statement with its parameters: checked and normalised, before the text is looked at, as AWS does.

Source: the public dynamodb-conformance suite, tier3/error-messages/partiqlParameterNumbers, measured on AWS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.dynamodb.engine.expressions import Placeholders
from actors.dynamodb.engine.expressions.comparison import SETS
from actors.dynamodb.engine.partiql import Statement, parse
from actors.dynamodb.engine.values import INVALID, NESTING_LIMIT, Value, admit_value
from schemas.errors import ValidationException

STATEMENT_CHARS_MAX = 8192             # the model's limits, for what is looked at before it is validated
MEMBERS_MAX = 100
TOO_FEW = "Number of parameters in request and statement don't match."

Request = Mapping[str, Any]


@dataclass(slots=True)
class Bound:
    """One request's statement. `values`: literals and parameters by their names in the trees."""

    text: str
    statement: Statement
    parameters: Sequence[Value]
    values: Mapping[str, Value]
    placeholders: Placeholders
    tells_item: bool = False              # a failed condition tells what stood there


def bind(request: Request) -> Bound:
    """Of a request, or a member of a batch or transaction: Statement and Parameters. ValidationException."""
    parameters: Sequence[Value] = request.get("Parameters") or ()
    admit_parameters(parameters)
    return bind_admitted(request)


def bind_admitted(request: Request) -> Bound:
    parameters: Sequence[Value] = request.get("Parameters") or ()
    text = request["Statement"]
    statement = parse(text)
    if statement.parameters > len(parameters):
        raise ValidationException(TOO_FEW)
    values = statement.literals
    if statement.parameters:
        values = {**values, **{f":p{at}": value for at, value in enumerate(parameters)}}
    for operand in statement.sets:
        if next(iter(values[operand.name])) not in SETS:
            raise ValidationException(operand.complaint)
    tells_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return Bound(text, statement, parameters, values, Placeholders(None, values or None), tells_item)


def reads(request: Request) -> bool:
    """Is it a SELECT? False also of what is no statement: that error is found later."""
    text = request.get("Statement")
    if not isinstance(text, str) or len(text) > STATEMENT_CHARS_MAX:
        return False
    try:
        return parse(text).reads
    except ValidationException:
        return False


def target(request: Request) -> tuple[str | None, str | None]:
    """The table and the index of a request that is validated; (None, None) where its statement is none."""
    try:
        return parse(request["Statement"]).target
    except ValidationException:
        return None, None


def named(request: Request) -> set[str]:
    """The tables that a statement, or a batch's or transaction's statements, name. Of what is not validated yet."""
    members = request.get("Statements") or request.get("TransactStatements") or [request]
    found = set()
    for member in members if isinstance(members, list) and len(members) <= MEMBERS_MAX else ():
        text = member.get("Statement") if isinstance(member, dict) else None
        if isinstance(text, str) and len(text) <= STATEMENT_CHARS_MAX:
            table, _ = target({"Statement": text})
            found.add(table)
    return {table for table in found if table is not None}


def only_reads(request: Request) -> bool:
    """Are all of a batch's or transaction's?"""
    members = request.get("Statements") or request.get("TransactStatements")
    if not isinstance(members, list) or len(members) > MEMBERS_MAX:
        return False
    return all(isinstance(member, dict) and reads(member) for member in members)


def admit_parameters(parameters: Sequence[Value]) -> None:
    for value in parameters:
        if _says_false_is_null(value, NESTING_LIMIT):
            raise ValidationException(f"{INVALID}Null attribute value types must have the value of true")
        admit_value(value)


def _says_false_is_null(value: object, levels: int) -> bool:
    """PartiQL refuses what other operations take for true. Deeper than `levels` documents nothing is allowed."""
    if levels == 0 or not isinstance(value, dict):
        return False
    document = value.get("M") or value.get("L") or ()
    members = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return value.get("NULL") is False or any(_says_false_is_null(member, levels - 1) for member in members)
