"""The functions of S3 Select, and its aggregates.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-sql-functions.html
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from actors.s3.engine.select import timestamps
from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.values import absent, compared, number

Of = Callable[[Any], Any]


def function(name: str, count: int) -> Callable[..., Any]:
    """For so many arguments. SelectError."""
    found = _FUNCTIONS.get(name)
    if found is None:
        raise SelectError("UnsupportedFunction")
    made, least, most = found
    if not least <= count <= most:
        raise SelectError("EvaluatorInvalidArguments")
    return made


def _of_text(made: Callable[[str], Any]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        return None if absent(value) else made(_text(value))

    return apply


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SelectError("IncorrectSqlFunctionArgumentType")
    return value


def _integer(value: Any) -> int:
    found = number(value)
    if found is None or found != int(found):
        raise SelectError("IncorrectSqlFunctionArgumentType")
    return int(found)


def _time(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise SelectError("IncorrectSqlFunctionArgumentType")
    return value


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if not absent(value)), None)


def _nullif(value: Any, other: Any) -> Any:
    return None if compared("=", value, other) is True else value


def _substring(value: Any, start: Any, length: Any = 2**62) -> Any:
    """From 1; what stands before the text counts towards the length."""
    if absent(value) or absent(start) or absent(length):
        return None
    begin, count = _integer(start), _integer(length)
    if count < 0:
        raise SelectError("EvaluatorInvalidArguments")
    return _text(value)[max(begin - 1, 0):max(begin - 1 + count, 0)]


def _trim(where: str, characters: Any, value: Any) -> Any:
    if absent(value) or absent(characters):
        return None
    text, cut = _text(value), _text(characters)
    return {"leading": text.lstrip, "trailing": text.rstrip, "both": text.strip}[where](cut)


def _date_add(part: str, quantity: Any, time: Any) -> Any:
    return None if absent(quantity) or absent(time) else timestamps.added(part, _integer(quantity), _time(time))


def _date_diff(part: str, first: Any, second: Any) -> Any:
    return None if absent(first) or absent(second) else timestamps.difference(part, _time(first), _time(second))


def _extract(part: str, time: Any) -> Any:
    return None if absent(time) else timestamps.extracted(part, _time(time))


def _to_string(time: Any, pattern: Any) -> Any:
    return None if absent(time) or absent(pattern) else timestamps.formatted(_time(time), _text(pattern))


# name: what it does, and with how many arguments at least and at most
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "coalesce": (_coalesce, 1, 1000), "nullif": (_nullif, 2, 2),
    "char_length": (_of_text(len), 1, 1), "character_length": (_of_text(len), 1, 1),
    "lower": (_of_text(str.lower), 1, 1), "upper": (_of_text(str.upper), 1, 1),
    "substring": (_substring, 2, 3), "trim": (_trim, 3, 3),
    "date_add": (_date_add, 3, 3), "date_diff": (_date_diff, 3, 3), "extract": (_extract, 2, 2),
    "to_string": (_to_string, 2, 2), "to_timestamp": (_of_text(timestamps.timestamp), 1, 1),
    "utcnow": (lambda: datetime.now(UTC), 0, 0),
}


# Aggregates


class Sum:
    """What is known of all rows so far. `of` None: the row itself."""

    def __init__(self, of: Of | None) -> None:
        self._of = of
        self.count = 0

    def add(self, row: Any) -> None:
        value = True if self._of is None else self._of(row)
        if not absent(value):
            self.count += 1
            self._take(value)

    def _take(self, value: Any) -> None:
        """One more that is there."""

    def result(self) -> Any:
        return self.count


class _Total(Sum):
    def __init__(self, of: Of | None) -> None:
        super().__init__(of)
        self._total: Any = 0

    def _take(self, value: Any) -> None:
        found = number(value)
        if found is None:
            raise SelectError("IncorrectSqlFunctionArgumentType")
        if isinstance(found, float) != isinstance(self._total, float):
            found, self._total = float(found), float(self._total)
        self._total += found

    def result(self) -> Any:
        return self._total if self.count else None


class _Average(_Total):
    def result(self) -> Any:
        if not self.count:
            return None
        return self._total / self.count if isinstance(self._total, float) else Decimal(self._total) / self.count


class _Extreme(Sum):
    better = "<"

    def __init__(self, of: Of | None) -> None:
        super().__init__(of)
        self._found: Any = None

    def _take(self, value: Any) -> None:
        if self._found is None or compared(self.better, value, self._found) is True:
            self._found = value

    def result(self) -> Any:
        return self._found


class _Most(_Extreme):
    better = ">"


AGGREGATES: dict[str, Callable[[Of | None], Sum]] = {
    "count": Sum, "sum": _Total, "avg": _Average, "min": _Extreme, "max": _Most,
}
