"""ExecuteTransaction: statements as the actions of a transaction, all reads or all writes.

Parameters are checked first, of all statements; then what each statement alone can be refused for; a table that is not
there and a key that is none are reasons to cancel. Wording and order: the public dynamodb-conformance suite
(tier2/partiql/executeTransaction, tier3/error-messages/partiql*) and Floci's tests, both measured on AWS.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from actors.dynamodb import transactions
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition, Placeholders
from actors.dynamodb.engine.expressions.conditions import ConditionForm
from actors.dynamodb.engine.expressions.nodes import Call, Or, Path
from actors.dynamodb.engine.partiql import Delete, Exists, Insert, Select, Update, parse
from actors.dynamodb.engine.partiql.keys import checked_key
from actors.dynamodb.engine.partiql.parser import STATEMENTS_MAX
from actors.dynamodb.engine.values import Item
from actors.dynamodb.errors import TransactionCanceledException
from actors.dynamodb.state import NO_MATCH, KeyMismatch, Table
from actors.dynamodb.statement_reads import KEY_TYPE
from actors.dynamodb.statement_values import Bound, admit_parameters, bind_admitted
from actors.dynamodb.statement_writes import inserted, key_of
from actors.dynamodb.statements import point, shown
from actors.dynamodb.transactions import CHECK, DELETE, DUPLICATE, NONE, PUT, UPDATE, Action, Target
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from schemas.errors import ValidationException

MIXED = "ExecuteTransaction API does not support both read and write operations in the same request."
NEEDS_KEY = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
NO_RETURNING = "RETURNING clause is not supported in ExecuteTransaction."
READS_INDEX = "Reads on indices are not supported within transactions."
CHECKS_INDEX = "Operations on indices are not supported in transactions"
EXISTS_NEEDS_MORE = "EXISTS() must contain a single item read with additional condition"
NOT_FOUND = {"Code": "ResourceNotFound", "Message": "Requested resource not found"}

Request = Mapping[str, Any]
Result = TypeVar("Result")


def write(tables: Catalogue, context: Context, transaction: Transaction, request: Request) -> dict[str, Any]:
    done = actions(tables, context, transaction, request)
    answer = transactions.run(tables, context, transaction, request, done, request["TransactStatements"])
    return {"Responses": [], **answer}


def actions(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request) -> list[Action]:
    """What the statements do."""
    statements = bound_all(request)
    return _each(_tables(tables, context, snapshot, statements), statements, _action, _positions(request))


def _positions(request: Request) -> Sequence[int]:
    """Where the statements stood before one shard's were picked out of them."""
    about = request.get("Transaction")
    return about["Positions"] if about is not None else range(len(request["TransactStatements"]))


def read(
    tables: Catalogue, context: Context, snapshot: Snapshot, request: Request
) -> Generator[None, None, dict[str, Any]]:
    bound = bound_all(request)
    found = _tables(tables, context, snapshot, bound)
    targets = _each(found, bound, _target, _positions(request))
    if any(target.key is None for target in targets):
        invalid = {"Code": "ValidationError", "Message": NO_MATCH}
        raise TransactionCanceledException([invalid if target.key is None else NONE for target in targets])
    transactions.check_distinct(targets)
    answer = yield from transactions.read(snapshot, request, targets, [None] * len(targets))
    for each, response in zip(bound, answer["Responses"], strict=True):
        if "Item" in response:
            response["Item"] = shown(each, response["Item"])
    return answer


def bound_all(request: Request) -> list[Bound]:
    """The statements, checked as far as that needs no table. ValidationException."""
    members: Sequence[Request] = request["TransactStatements"]
    for member in members:
        admit_parameters(member.get("Parameters") or ())
    bound = [_said(at, bind_admitted, member) for at, member in enumerate(members)]
    if len({each.statement.reads for each in bound}) > 1:
        raise ValidationException(MIXED)
    return bound


def _said(at: int, check: Callable[..., Result], *arguments: Any) -> Result:
    """What `check` returns; what it complains of, with the number of the statement."""
    try:
        return check(*arguments)
    except ValidationException as error:
        raise ValidationException(f"Validation failed in TransactStatements[{at}]: {error.message}") from error


def _tables(
    tables: Catalogue, context: Context, snapshot: Snapshot, bound: Sequence[Bound]
) -> list[Table | None]:
    return [tables.find(snapshot, context.scope, each.statement.target.table) for each in bound]


def _each(
    found: Sequence[Table | None], bound: Sequence[Bound], made: Callable[[Table, Bound], Result],
    positions: Sequence[int],
) -> list[Result]:
    """`made` of every statement whose table is there; TransactionCanceledException where one is not."""
    results = [_said(at, made, table, each) if table is not None else None
               for at, table, each in zip(positions, found, bound, strict=True)]
    if any(table is None for table in found):
        raise TransactionCanceledException([NOT_FOUND if table is None else NONE for table in found])
    return [result for result in results if result is not None]


# Reads


def _target(table: Table, bound: Bound) -> Target:
    if bound.statement.target.index_name is not None:
        raise ValidationException(READS_INDEX)
    try:
        return Target(table, table.key(point(table, bound, NEEDS_KEY)))
    except KeyMismatch:
        return Target(table, None, NO_MATCH)
    except ValidationException as error:
        if error.message in {KEY_TYPE.format(name) for name in table.names}:
            return Target(table, None, NO_MATCH)
        raise


# Writes


def _action(table: Table, bound: Bound) -> Action:
    body = bound.statement.body
    name = bound.statement.target.table
    match body:
        case Insert():
            item, size = inserted(body, bound)
            return Action(PUT, name, item, size, _absent(table.names[0]), failure=DUPLICATE)
        case Update():
            if body.returning is not None:
                raise ValidationException(NO_RETURNING)
            change, condition = body.change.bind(bound.placeholders), _condition(bound)
            return Action(UPDATE, name, _key(table, bound), 0, condition, change, bound.tells_item)
        case Delete():
            if body.returning is not None:
                raise ValidationException(NO_RETURNING)
            condition = None if body.where is None else _unless_absent(bound.text, table.names[0]).bind(
                bound.placeholders)
            return Action(DELETE, name, _key(table, bound), 0, condition, None, bound.tells_item)
        case Exists():
            return Action(CHECK, name, _checked_key(table, bound, body.select), 0, _condition(bound), None,
                          bound.tells_item)
    raise AssertionError(body)


def _condition(bound: Bound) -> Condition | None:
    body = bound.statement.body
    where = body.select.where if isinstance(body, Exists) else None if isinstance(body, Insert) else body.where
    return None if where is None else where.bind(bound.placeholders)


def _key(table: Table, bound: Bound) -> Item:
    """The key, or nothing, which fits no table: that is a reason to cancel."""
    try:
        return key_of(table, bound)
    except ValidationException:
        return {}


def _checked_key(table: Table, bound: Bound, select: Select) -> Item:
    if select.target.index_name is not None:
        raise ValidationException(CHECKS_INDEX)
    key, others = checked_key(bound.text, table.names)
    if not others or any(name not in key for name in table.names):
        raise ValidationException(EXISTS_NEEDS_MORE)
    return {name: bound.values[value] for name, value in key.items()}


@lru_cache(STATEMENTS_MAX)
def _unless_absent(text: str, hash_: str) -> ConditionForm:
    """A DELETE's condition: of what is not there it asks nothing."""
    body = parse(text).body
    assert isinstance(body, Delete)
    assert body.where is not None
    return ConditionForm(Or((Call("attribute_not_exists", (Path((hash_,)),)), body.where.clause)), "")


def _absent(hash_: str) -> Condition:
    return _absence(hash_).bind(Placeholders())


@lru_cache(STATEMENTS_MAX)
def _absence(hash_: str) -> ConditionForm:
    return ConditionForm(Call("attribute_not_exists", (Path((hash_,)),)), "")
