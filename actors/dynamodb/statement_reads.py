"""SELECT: from a statement to ranges of keys, from ranges to a page and its token.

A statement with an equality on the partition key in every branch reads those partitions, any other the whole table or
index. The whole WHERE is the filter of what is read, unless the ranges say it all. Wording and order of checks: the
public dynamodb-conformance suite (tier2/partiql/indexQualifier, tier3/error-messages/partiql*) and Floci's tests, both
measured on AWS.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from actors.dynamodb import queries
from actors.dynamodb.capacity import consumed, is_told, read_units
from actors.dynamodb.catalogue import Catalogue
from actors.dynamodb.engine.expressions import Condition, KeyRange
from actors.dynamodb.engine.expressions.comparison import equal
from actors.dynamodb.engine.expressions.evaluation import compile_path
from actors.dynamodb.engine.partiql import Order, Select
from actors.dynamodb.engine.partiql.keys import Branch, KeyTerm, attributes_of, branches
from actors.dynamodb.engine.partiql.nodes import Column
from actors.dynamodb.engine.values import INVALID, Item, Value
from actors.dynamodb.parameters import check_paths
from actors.dynamodb.queries import PAGE_LIMIT_BYTES, Page, Tally
from actors.dynamodb.ranges import Range, around, segment
from actors.dynamodb.state import ENCODERS, NOT_VALID, Index, Space, Table
from actors.dynamodb.statement_values import Bound
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot
from bus.codec import pack
from schemas.errors import ValidationException

PROJECTIONS_MAX = 512                  # compiled ones kept
TOKEN_VERSION = b"\x01"
TOKEN_DIGEST_BYTES = 16

NO_INDEX = "The table does not have the specified index"
NOT_CONSISTENT = "Strongly consistent read is not supported on Global Secondary Indexes"
MULTI_ATTRIBUTE = ("PartiQL statements cannot be executed on tables with multi-attribute HASH keys or "
                   "multi-attribute RANGE keys.")
KEY_TYPE = "Key attribute's data type should match its data type in table's schema: Key {}"
OVERLAPPING = "Overlapping conditions with range keys are not supported in where clause"
BAD_TOKEN, OTHER_TOKEN = "Invalid NextToken", "NextToken does not match request"
ORDER_WITHOUT_WHERE = "Must have WHERE clause in the statement when using ORDER BY clause."
ORDER_WITHOUT_KEY = "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause."
ORDER_WITHOUT_HASH = ("Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE "
                      "clause.")

Request = Mapping[str, Any]
Paging = Generator[None, None, dict[str, Any]]


class Read(NamedTuple):
    """One key read. `order`: bytes that sort as its partition key does; `merges`: overlaps are no error."""

    order: bytes
    start: bytes
    stop: bytes
    merges: bool


@dataclass(slots=True)
class Plan:
    """What a SELECT reads, in the order in which it does."""

    table: Table
    space: Space
    reads: list[Range]
    reverse: bool
    condition: Condition | None
    columns: tuple[Column, ...] | None

    @property
    def project(self) -> Callable[[Item], Item] | None:
        return None if self.columns is None else projection(self.columns)

    @property
    def fetches(self) -> bool:
        """Is an attribute wanted that a local index does not keep?"""
        space = self.space
        return (self.columns is not None and isinstance(space, Index) and not space.is_global
                and space.projected is not None and any(each.path[0] not in space.projected for each in self.columns))


def select(tables: Catalogue, context: Context, snapshot: Snapshot, request: Request, bound: Bound) -> Paging:
    body = bound.statement.body
    assert isinstance(body, Select)
    condition = None if body.where is None else body.where.bind(bound.placeholders)
    table = tables.table(snapshot, context.scope, body.target.table)
    plan = planned(table, body, bound, condition, bool(request.get("ConsistentRead")))
    tally = Tally()
    units = 0.0
    limit = request.get("Limit") or 0
    for start, stop in _left(plan, request, bound):
        size = tally.size
        yield from queries.walk(snapshot, Page(
            table, plan.space, start, stop, plan.reverse, limit, plan.condition, plan.project, plan.fetches, False,
        ), tally)
        units += read_units(tally.size - size, bool(request.get("ConsistentRead")))
        if tally.last is not None or tally.size >= PAGE_LIMIT_BYTES:
            break
    return _answer(plan, request, bound, tally, units)


def _answer(plan: Plan, request: Request, bound: Bound, tally: Tally, units: float) -> dict[str, Any]:
    answer: dict[str, Any] = {"Items": tally.items}
    if tally.last is not None:
        answer["NextToken"] = _token(bound, tally.last_row)
        answer["LastEvaluatedKey"] = queries.last_key(plan.table, plan.space, tally.last)
    if is_told(request):
        by_index: dict[str, float] = {}
        if isinstance(plan.space, Index):
            by_index[plan.space.name] = units
            units = tally.fetched_units if request.get("ConsistentRead") else tally.fetched_units / 2
        answer["ConsumedCapacity"] = consumed(request, plan.table, units, by_index)
    return answer


@lru_cache(PROJECTIONS_MAX)
def projection(columns: tuple[Column, ...]) -> Callable[[Item], Item]:
    """A column is named by the end of its path; one that leads nowhere is left out."""
    getters = [(column.name, compile_path(column.path)) for column in columns]

    def project(item: Item) -> Item:
        found = {name: get(item, {}) for name, get in getters}
        return {name: value for name, value in found.items() if value is not None}

    return project


# Plans


def planned(table: Table, body: Select, bound: Bound, condition: Condition | None, consistent: bool) -> Plan:
    space = space_of(table, body.target.index_name)
    if isinstance(space, Index) and space.is_global and consistent:
        raise ValidationException(NOT_CONSISTENT)
    if condition is not None:
        check_paths(table, condition.nested)
    (hash_, _), sort = space.hash[0], space.sort[0][0] if space.sort else None
    found = branches(bound.text, hash_, sort)
    ascending = _order(body, space, found)
    if found is None:
        plan = Plan(table, space, [segment(space, {})], False, condition, body.columns)
    else:
        reads = _reads(space, found, bound.values)
        _check_filters(space, found, bound.values)
        exact = not any(branch.others for branch in found)
        plan = Plan(table, space, _sorted(reads, body.order, space, ascending), not ascending,
                    None if exact else condition, body.columns)
    _check_columns(plan)
    return plan


def space_of(table: Table, name: str | None) -> Space:
    if name is None:
        return table
    index = table.index(name)
    if index is None:
        raise ValidationException(NO_INDEX)
    if len(index.hash) > 1 or len(index.sort) > 1:
        raise ValidationException(MULTI_ATTRIBUTE)
    if index.is_filling:
        raise ValidationException(f"Cannot read from backfilling global secondary index: {name}")
    return index


def _order(body: Select, space: Space, found: tuple[Branch, ...] | None) -> bool:
    """Is a partition read upwards: also when nothing is said of order, not when the sort key is left out of it."""
    if not body.order:
        return True
    if body.where is None:
        raise ValidationException(ORDER_WITHOUT_WHERE)
    for each in body.order:
        if each.attribute not in space.names:
            raise ValidationException(
                f"Attribute {each.attribute} in ORDER BY clause must be part of the primary key")
    if found is None:
        raise ValidationException(ORDER_WITHOUT_KEY)
    hash_ = space.hash[0][0]
    partitions = {term.values for branch in found for term in branch.keys if term.attribute == hash_}
    if len(partitions) > 1 and all(each.attribute != hash_ for each in body.order):
        raise ValidationException(ORDER_WITHOUT_HASH)
    return any(each.ascending for each in body.order if each.attribute != hash_)


def _reads(space: Space, found: tuple[Branch, ...], values: Mapping[str, Value]) -> list[Read]:
    """The branches' ranges, apart from each other. ValidationException where two overlap."""
    for branch in found:
        for term in branch.keys:
            _check_type(space, term, values)
    reads = [read for branch in found if (read := _read_of(space, branch, values)) is not None]
    reads.sort(key=lambda read: (read.start, read.stop))
    apart: list[Read] = []
    for read in reads:
        before = apart[-1] if apart else None
        if before is None or before.stop <= read.start:
            apart.append(read)
        elif before.merges or read.merges:
            apart[-1] = Read(before.order, before.start, max(before.stop, read.stop), True)
        else:
            raise ValidationException(OVERLAPPING)
    return apart


def _check_type(space: Space, term: KeyTerm, values: Mapping[str, Value]) -> None:
    kind = dict(space.hash + space.sort)[term.attribute]
    for name in term.values:
        if kind not in values[name]:
            raise ValidationException(KEY_TYPE.format(term.attribute))
        if term.operator == "=" and not values[name][kind]:
            noun = "binary" if kind == "B" else "string"
            raise ValidationException(f"{NOT_VALID}The AttributeValue for a key attribute cannot contain an empty "
                                      f"{noun} value. Key: {term.attribute}")


def _read_of(space: Space, branch: Branch, values: Mapping[str, Value]) -> Read | None:
    """None: nothing can be in it."""
    hash_, kind = space.hash[0]
    key = key_value(branch, hash_, values)
    if key is None:
        return None
    partition = space.partition({hash_: key})
    start, stop = around(space, partition, KeyRange((key,), (), None, ()))
    for term in branch.keys:
        if term.attribute != hash_:
            wanted = KeyRange((key,), (), term.operator, tuple([values[name] for name in term.values]))
            low, high = around(space, partition, wanted)
            start, stop = max(start, low), min(stop, high)
    if start >= stop:
        return None
    merges = bool(branch.others and space.sort) and space.sort[0][0] in attributes_of(branch.others)
    return Read(ENCODERS[kind](key[kind]), start, stop, merges)


def key_value(branch: Branch, name: str, values: Mapping[str, Value]) -> Value | None:
    """What the branch's conditions on a key attribute, all of them equalities, agree on."""
    wanted = [values[term.values[0]] for term in branch.keys if term.attribute == name]
    return wanted[0] if wanted and all(equal(wanted[0], each) for each in wanted) else None


def _sorted(reads: list[Read], order: tuple[Order, ...], space: Space, ascending: bool) -> list[Range]:
    """By partition as ORDER BY says, else as a scan meets them; inside one as `ascending` says."""
    hash_ = space.hash[0][0]
    reads = sorted(reads, key=lambda read: read.start, reverse=not ascending)
    if order:
        descending = any(not each.ascending for each in order if each.attribute == hash_)
        reads.sort(key=lambda read: read.order, reverse=descending)
    return [(read.start, read.stop) for read in reads]


def _check_filters(space: Space, found: tuple[Branch, ...], values: Mapping[str, Value]) -> None:
    """A keyed read of an index may not filter on what the index does not keep, unless a branch can do without."""
    if not isinstance(space, Index) or space.projected is None:
        return
    hash_, kind = space.hash[0]
    missing: dict[bytes, list[str]] = {}
    for branch in found:
        names = [name for name in attributes_of(branch.others) if name not in space.projected]
        key = key_value(branch, hash_, values)
        if not names or key is None or kind not in key:
            return
        missing.setdefault(ENCODERS[kind](key[kind]), names)
    listed = sorted(missing[max(missing)], key=_bucket)
    raise ValidationException(f"{INVALID}Secondary index {space.name} does not project one or more filter attributes: "
                              f"[{', '.join(listed)}]")


def _bucket(name: str) -> int:
    """Where a name stands in AWS's messages, which list them as a Java HashSet of 16 buckets holds them."""
    code = 0
    for character in name:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return (code ^ (code >> 16)) & 15


def _check_columns(plan: Plan) -> None:
    space = plan.space
    if plan.columns is None or not isinstance(space, Index) or not space.is_global or space.projected is None:
        return
    missing = dict.fromkeys(str(each.path[0]) for each in plan.columns if each.path[0] not in space.projected)
    if missing:
        raise ValidationException(
            f"{INVALID}Global secondary index {space.name} does not project [{', '.join(missing)}]")


# Tokens: version | digest of statement and parameters | the row the page ended at


def _token(bound: Bound, row: bytes) -> str:
    return b64encode(TOKEN_VERSION + _digest(bound) + row).decode()


def _digest(bound: Bound) -> bytes:
    return blake2b(pack([bound.text, bound.parameters]), digest_size=TOKEN_DIGEST_BYTES).digest()


def _left(plan: Plan, request: Request, bound: Bound) -> list[Range]:
    """The plan's reads beyond its NextToken. A forged row can only name a place inside what may be read anyway."""
    text = request.get("NextToken")
    if text is None:
        return plan.reads
    try:
        token = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise ValidationException(BAD_TOKEN) from None
    body = len(TOKEN_VERSION) + TOKEN_DIGEST_BYTES
    if len(token) <= body or not token.startswith(TOKEN_VERSION):
        raise ValidationException(BAD_TOKEN)
    row = token[body:]
    for at, (start, stop) in enumerate(plan.reads):
        if start <= row < stop and token[len(TOKEN_VERSION):body] == _digest(bound):
            rest = (start, row) if plan.reverse else (row + b"\0", stop)
            return [rest, *plan.reads[at + 1:]]
    raise ValidationException(OTHER_TOKEN)


