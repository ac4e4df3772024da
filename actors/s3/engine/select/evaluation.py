"""A query as functions of a row: what it selects, and what it adds up.

A row is a list of text (CSV, whose columns have places) or a value with members (JSON, Parquet). An expression becomes
a function once, so that a row costs calls and no decisions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import DivisionByZero, InvalidOperation
from typing import Any

from actors.s3.engine.select import functions
from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.syntax import (
    Aggregate,
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expression,
    In,
    Is,
    Like,
    Literal,
    Name,
    Path,
    Query,
    Step,
    Unary,
    Wildcard,
)
from actors.s3.engine.select.values import INTEGER_LIMIT, MISSING, absent, cast, compared, is_like, number

Row = Any
Of = Callable[[Row], Any]                 # an expression's value


class Columns:
    """Where CSV's columns are. `names` None: they have none."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self._named = names is not None
        self._exact: dict[str, int] = {}
        self._folded: dict[str, list[int]] = {}
        for place, name in enumerate(names or ()):
            self._exact.setdefault(name, place)
            self._folded.setdefault(name.lower(), []).append(place)

    def place(self, name: Name) -> int:
        """SelectError."""
        if name.text in self._exact:
            return self._exact[name.text]
        places = [] if name.exact else self._folded.get(name.text.lower(), [])
        if len(places) > 1:
            raise SelectError("AmbiguousFieldName")
        if places:
            return places[0]
        if name.text[:1] == "_" and name.text[1:].isdigit() and int(name.text[1:]) > 0:
            return int(name.text[1:]) - 1
        if self._named:
            raise SelectError("MissingHeaders")
        raise SelectError("InvalidColumnIndex", f"The column index {name.text} is invalid. Please check the service "
                                                "documentation and try again.")


class Evaluation:
    """A query against rows. `columns` None: they are values with members."""

    def __init__(self, query: Query, columns: Columns | None) -> None:
        self._columns = columns
        self.sums: list[functions.Sum] = []
        self._collecting = any(_has_aggregate(each.expression) for each in query.projections)
        self.where = None if query.where is None else self._compile_where(query.where)
        self.selected = [self._compile(each.expression) for each in query.projections]
        if self._collecting:
            for projection in query.projections:
                _check_collected(projection.expression)

    @property
    def collects(self) -> bool:
        """Is the answer one row, about all?"""
        return self._collecting

    def holds(self, row: Row) -> bool:
        return self.where is None or self.where(row) is True

    def collect(self, row: Row) -> None:
        for sum_ in self.sums:
            sum_.add(row)

    def values(self, row: Row) -> list[Any]:
        return [of(row) for of in self.selected]

    def _compile_where(self, expression: Expression) -> Of:
        if _has_aggregate(expression):
            raise SelectError("UnsupportedSqlStructure")
        return self._compile(expression)

    def _compile(self, node: Expression) -> Of:
        return _COMPILERS[type(node)](self, node)

    def _literal(self, node: Literal) -> Of:
        value = node.value
        return lambda row: value

    def _path(self, node: Path) -> Of:
        if any(isinstance(step, Wildcard) for step in node.steps):
            raise SelectError("UnsupportedSqlStructure")
        if self._columns is None or not node.steps:
            return _member(node.steps)
        first = node.steps[0]
        if not isinstance(first, Name) or len(node.steps) > 1:
            raise SelectError("InvalidKeyPath", "The key path in the SQL expression is not valid.")
        place = self._columns.place(first)
        return lambda row: row[place] if place < len(row) else MISSING

    def _unary(self, node: Unary) -> Of:
        of = self._compile(node.operand)
        return (lambda row: _negated(of(row))) if node.operator == "not" else (lambda row: _minus(of(row)))

    def _binary(self, node: Binary) -> Of:
        name, left, right = node.operator, self._compile(node.left), self._compile(node.right)
        if name in ("and", "or"):
            decides = name == "or"
            return lambda row: _joined(left, right, row, decides)
        if name in ("=", "!=", "<", "<=", ">", ">="):
            return lambda row: compared(name, left(row), right(row))
        if name == "||":
            return lambda row: _concatenated(left(row), right(row))
        return lambda row: _computed(name, left(row), right(row))

    def _between(self, node: Between) -> Of:
        return self._compile(Binary("and", Binary(">=", node.value, node.low), Binary("<=", node.value, node.high)))

    def _in(self, node: In) -> Of:
        of, among = self._compile(node.value), [self._compile(each) for each in node.among]
        return lambda row: _is_among(of(row), [each(row) for each in among])

    def _like(self, node: Like) -> Of:
        of, pattern = self._compile(node.value), self._compile(node.pattern)
        escape = self._compile(node.escape) if node.escape is not None else lambda row: ""
        return lambda row: _like(of(row), pattern(row), escape(row))

    def _is(self, node: Is) -> Of:
        of = self._compile(node.value)
        return (lambda row: of(row) is MISSING) if node.what == "missing" else (lambda row: absent(of(row)))

    def _case(self, node: Case) -> Of:
        otherwise = self._compile(node.otherwise)
        branches = [(self._compile(condition if node.subject is None else Binary("=", node.subject, condition)),
                     self._compile(value)) for condition, value in node.branches]
        return lambda row: next((value for holds, value in branches if holds(row) is True), otherwise)(row)

    def _cast(self, node: Cast) -> Of:
        of, type_ = self._compile(node.value), node.type
        return lambda row: cast(of(row), type_)

    def _call(self, node: Call) -> Of:
        function = functions.function(node.name, len(node.arguments))
        arguments = [self._compile(each) for each in node.arguments]
        return lambda row: function(*[each(row) for each in arguments])

    def _aggregate(self, node: Aggregate) -> Of:
        if node.argument is not None and _has_aggregate(node.argument):
            raise SelectError("UnsupportedSqlStructure")
        of = None if node.argument is None else self._compile(node.argument)
        sum_ = functions.AGGREGATES[node.name](of)
        self.sums.append(sum_)
        return lambda row: sum_.result()


_COMPILERS: Mapping[type, Callable[[Evaluation, Any], Of]] = {
    Literal: Evaluation._literal, Path: Evaluation._path, Unary: Evaluation._unary, Binary: Evaluation._binary,
    Between: Evaluation._between, In: Evaluation._in, Like: Evaluation._like, Is: Evaluation._is,
    Case: Evaluation._case, Cast: Evaluation._cast, Call: Evaluation._call, Aggregate: Evaluation._aggregate,
}


# Rows out of documents


def rows_of(document: Any, steps: Sequence[Step]) -> Iterator[Any]:
    """What the source's path names in a document: each of what a wildcard stands for. What is not there is a row too,
    MISSING: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-select.html
    """
    found = [document]
    for step in steps:
        found = [inner for each in found for inner in (
            _all_in(each, step) if isinstance(step, Wildcard) else (_stepped(each, step),))]
    yield from found


def _all_in(value: Any, step: Wildcard) -> Sequence[Any]:
    """A wildcard gives one row at least."""
    if step is Wildcard.ELEMENTS:
        return value if isinstance(value, list) and value else (MISSING,)
    return list(value.values()) if isinstance(value, dict) and value else (MISSING,)


def _member(steps: Sequence[Step]) -> Of:
    def of(row: Row) -> Any:
        for step in steps:
            row = _stepped(row, step)
        return row

    return of


def _stepped(value: Any, step: Step) -> Any:
    if isinstance(step, Name):
        if not isinstance(value, dict):
            return value if step.text == "_1" and not isinstance(value, list) and not absent(value) else MISSING
        found = value.get(step.text, MISSING)
        if found is not MISSING or step.exact:
            return found
        folded = step.text.lower()
        return next((inner for name, inner in value.items() if name.lower() == folded), MISSING)
    assert not isinstance(step, Wildcard), "it stands in a source only"
    return value[step] if isinstance(value, list) and step < len(value) else MISSING


# What operators do


def _negated(value: Any) -> bool | None:
    return None if not isinstance(value, bool) else not value


def _minus(value: Any) -> Any:
    operand = _operand(value)
    return None if operand is None else -operand


def _joined(left: Of, right: Of, row: Row, decides: bool) -> bool | None:
    """AND (which False decides), OR (True): with NULL for unknown."""
    known = [first := left(row)]
    if first is not decides:
        known.append(right(row))
    if any(each is decides for each in known):
        return decides
    return not decides if all(isinstance(each, bool) for each in known) else None


def _concatenated(left: Any, right: Any) -> str | None:
    if absent(left) or absent(right):
        return None
    if not isinstance(left, str) or not isinstance(right, str):
        raise SelectError("IncorrectSqlFunctionArgumentType")
    return left + right


def _operand(value: Any) -> Any:
    if absent(value):
        return None
    found = number(value)
    if found is None:
        raise SelectError("IncorrectSqlFunctionArgumentType")
    return found


def _computed(name: str, left: Any, right: Any) -> Any:
    first, second = _operand(left), _operand(right)
    if first is None or second is None:
        return None
    if isinstance(first, float) != isinstance(second, float):
        first, second = float(first), float(second)
    try:
        made = _ARITHMETIC[name](first, second)
    except (ZeroDivisionError, DivisionByZero, InvalidOperation) as error:
        raise SelectError("ExternalEvalException") from error
    if isinstance(made, int) and not -INTEGER_LIMIT <= made < INTEGER_LIMIT:
        raise SelectError("IntegerOverflow")
    return made


def _quotient(left: Any, right: Any) -> Any:
    if isinstance(left, int) and isinstance(right, int):
        whole = abs(left) // abs(right)
        return whole if (left < 0) == (right < 0) else -whole
    return left / right


def _remainder(left: Any, right: Any) -> Any:
    return left - right * _quotient(left, right) if isinstance(left, int) and isinstance(right, int) else left % right


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right, "-": lambda left, right: left - right,
    "*": lambda left, right: left * right, "/": _quotient, "%": _remainder,
}


def _is_among(value: Any, among: list[Any]) -> bool | None:
    found = [compared("=", value, each) for each in among]
    return True if True in found else None if None in found else False


def _like(value: Any, pattern: Any, escape: Any) -> bool | None:
    if absent(value) or absent(pattern) or absent(escape):
        return None
    if not (isinstance(value, str) and isinstance(pattern, str) and isinstance(escape, str) and len(escape) <= 1):
        raise SelectError("LikeInvalidInputs")
    return is_like(value, pattern, escape)


# What a list of projections may be


def _has_aggregate(node: Any) -> bool:
    if isinstance(node, Aggregate):
        return True
    return isinstance(node, tuple) and any(_has_aggregate(each) for each in node)


def _check_collected(node: Any) -> None:
    """Beside an aggregate nothing may depend on one row. SelectError."""
    if isinstance(node, Path):
        raise SelectError("UnsupportedSqlStructure")
    if isinstance(node, tuple) and not isinstance(node, Aggregate):
        for each in node:
            _check_collected(each)
