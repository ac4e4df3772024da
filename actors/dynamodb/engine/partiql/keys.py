"""What a WHERE says of keys: which partitions a SELECT reads, which item a write changes.

A SELECT whose WHERE has an equality (or IN) on the partition key in every branch of its ORs is read by key: its clause
is turned into branches, each the conjunction of conditions on keys and of the rest. Otherwise it is a scan. A branch's
shape does not depend on values, so it is worked out once per text and key.
Measured on AWS: Floci's integration tests (DynamoDbPartiQLEdgeCase), the public dynamodb-conformance suite
(tier2/partiql/indexQualifier, whereOverlap).
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from actors.dynamodb.engine.expressions.binding import leaves
from actors.dynamodb.engine.expressions.nodes import (
    And,
    Between,
    Call,
    Clause,
    Compare,
    In,
    Operand,
    Or,
    Path,
    ValueName,
    operands,
    primaries,
)
from actors.dynamodb.engine.partiql.nodes import Delete, Exists, Select, Update
from actors.dynamodb.engine.partiql.parser import INCOMPLETE_KEY, STATEMENTS_MAX, parse
from schemas.errors import ValidationException

READS_MAX = 50                         # branches: key reads of one SELECT
TOO_MANY_READS = "Too many decomposed read operations for a given query."

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class KeyTerm(NamedTuple):
    """A condition on one key attribute. Values by name: two for BETWEEN, else one."""

    attribute: str
    operator: str                      # = < <= > >= BETWEEN begins_with
    values: tuple[str, ...]


class Branch(NamedTuple):
    keys: tuple[KeyTerm, ...]          # of the partition key equalities only
    others: tuple[Clause, ...]


def attributes_of(clauses: Iterable[Clause]) -> tuple[str, ...]:
    """The top-level attributes they name, in source order."""
    found = [operands(primary) for clause in clauses for primary in primaries(clause)]
    paths = [leaf for each in found for leaf in leaves(each) if isinstance(leaf, Path)]
    return tuple(dict.fromkeys(str(path.steps[0]) for path in paths))


@lru_cache(STATEMENTS_MAX)
def branches(text: str, hash_: str, sort: str | None) -> tuple[Branch, ...] | None:
    """Of the SELECT `text`; None: it is a scan. ValidationException when there are too many."""
    body = parse(text).body
    assert isinstance(body, Select)
    if body.where is None or not _is_keyed(body.where.clause, hash_):
        return None
    return tuple([_branch(each, hash_, sort) for each in _expanded(body.where.clause, hash_, sort)])


@lru_cache(STATEMENTS_MAX)
def written_key(text: str, names: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Of an UPDATE or DELETE: each key attribute with the names of the values it shall equal.

    ValidationException unless each has one: only an equality beside others, joined by AND, counts.
    """
    body = parse(text).body
    assert isinstance(body, (Update, Delete))
    terms = [] if body.where is None else [_term(each, names) for each in _conjuncts(body.where.clause)]
    equal = [term for term in terms if term is not None and term.operator == "="]
    found = tuple((name, tuple(term.values[0] for term in equal if term.attribute == name)) for name in names)
    if not all(values for _, values in found):
        raise ValidationException(INCOMPLETE_KEY)
    return found


@lru_cache(STATEMENTS_MAX)
def checked_key(text: str, names: tuple[str, ...]) -> tuple[dict[str, str], bool]:
    """Of an EXISTS: the key attributes it names with the first value each shall equal; does it ask anything else?"""
    body = parse(text).body
    assert isinstance(body, Exists)
    where = body.select.where
    key: dict[str, str] = {}
    others = False
    for clause in [] if where is None else _conjuncts(where.clause):
        term = _term(clause, names)
        if term is not None and term.operator == "=":
            key.setdefault(term.attribute, term.values[0])
        else:
            others = True
    return key, others


def _conjuncts(clause: Clause) -> list[Clause]:
    if not isinstance(clause, And):
        return [clause]
    return [each for term in clause.terms for each in _conjuncts(term)]


def _term(clause: Clause, names: tuple[str | None, ...]) -> KeyTerm | None:
    """The clause as a condition on a key attribute, if it is one."""
    match clause:
        case Compare(operator, Path((str(name),)), ValueName(value)) if operator in _MIRRORED:
            term = KeyTerm(name, operator, (value,))
        case Compare(operator, ValueName(value), Path((str(name),))) if operator in _MIRRORED:
            term = KeyTerm(name, _MIRRORED[operator], (value,))
        case Between(Path((str(name),)), ValueName(low), ValueName(high)):
            term = KeyTerm(name, "BETWEEN", (low, high))
        case Call("begins_with", (Path((str(name),)), ValueName(value))):
            term = KeyTerm(name, "begins_with", (value,))
        case _:
            return None
    return term if term.attribute in names else None


def _options(clause: Clause, names: tuple[str | None, ...]) -> list[Clause] | None:
    """IN on a key attribute as so many equalities."""
    if not isinstance(clause, In) or not isinstance(clause.operand, Path):
        return None
    if len(clause.operand.steps) != 1 or clause.operand.steps[0] not in names:
        return None
    values: list[Operand] = [option for option in clause.options if isinstance(option, ValueName)]
    if len(values) != len(clause.options):
        return None
    return [Compare("=", clause.operand, value) for value in values]


def _is_keyed(clause: Clause, hash_: str) -> bool:
    """Has every branch an equality on the partition key?"""
    if isinstance(clause, And):
        return any(_is_keyed(term, hash_) for term in clause.terms)
    if isinstance(clause, Or):
        return all(_is_keyed(term, hash_) for term in clause.terms)
    term = _term(clause, (hash_,))
    return (term is not None and term.operator == "=") or _options(clause, (hash_,)) is not None


def _names_keys(clause: Clause, hash_: str, sort: str | None) -> bool:
    """Is there a condition on a key anywhere but below a NOT?"""
    if isinstance(clause, (And, Or)):
        return any(_names_keys(term, hash_, sort) for term in clause.terms)
    return _term(clause, (hash_, sort)) is not None or _options(clause, (hash_, sort)) is not None


def _expanded(clause: Clause, hash_: str, sort: str | None) -> list[tuple[Clause, ...]]:
    """OR of ANDs, as far as conditions on keys stand in ORs."""
    if isinstance(clause, And):
        parts = [_expanded(term, hash_, sort) for term in clause.terms]
        count = 1
        for part in parts:
            count *= len(part)
        _check_count(count)
        return [tuple(each for group in groups for each in group) for groups in product(*parts)]
    if isinstance(clause, Or) and _names_keys(clause, hash_, sort):
        found = [each for term in clause.terms for each in _expanded(term, hash_, sort)]
        _check_count(len(found))
        return found
    options = _options(clause, (hash_, sort))
    if options is None:
        return [(clause,)]
    _check_count(len(options))
    return [(option,) for option in options]


def _check_count(count: int) -> None:
    if count > READS_MAX:
        raise ValidationException(TOO_MANY_READS)


def _branch(clauses: tuple[Clause, ...], hash_: str, sort: str | None) -> Branch:
    keys: list[KeyTerm] = []
    others: list[Clause] = []
    for clause in clauses:
        term = _term(clause, (hash_, sort))
        if term is None or (term.attribute == hash_ and term.operator != "="):
            others.append(clause)
        else:
            keys.append(term)
    return Branch(tuple(keys), tuple(others))


__all__ = ["Branch", "KeyTerm", "attributes_of", "branches", "checked_key", "written_key"]
