"""Reading a family's JSON body: what is missing, what does not belong, what is of the wrong type.

The words are those of the JSON schema validator that AWS runs bodies through (everit), as public reports quote them:
"Malformed input request: #: required key [messages] not found, please reformat your input and try again."
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

import orjson

from schemas.errors import ValidationException

Body = dict[str, Any]
Kind = TypeVar("Kind")
_NAMES = {str: "String", int: "Integer", float: "Number", bool: "Boolean", list: "JSONArray", dict: "JSONObject"}


class Malformed(ValidationException):
    def __init__(self, violations: str) -> None:
        super().__init__(f"Malformed input request: {violations}, please reformat your input and try again.")


def load(data: bytes) -> Body:
    """ValidationException."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ValidationException("Malformed input request, please reformat your input and try again.") from error
    if not isinstance(body, dict):
        raise Malformed(f"#: expected type: JSONObject, found: {_found(body)}")
    return cast("Body", body)


def check(body: Mapping[str, Any], types: Mapping[str, type], required: Iterable[str] = (), at: str = "#", *,
          closed: bool = True) -> None:
    """Malformed. `closed`: keys that `types` does not have are refused. A float may be an integer; null is absent."""
    violations = [f"{at}: required key [{key}] not found" for key in required if body.get(key) is None]
    for key, value in body.items():
        expected = types.get(key)
        if expected is None:
            if closed:
                violations.append(f"{at}: extraneous key [{key}] is not permitted")
        elif value is not None and not _is(value, expected):
            violations.append(f"{at}/{key}: expected type: {_NAMES[expected]}, found: {_found(value)}")
    if violations:
        raise Malformed("".join(violations))


def member(value: Any, key: str, expected: type[Kind], at: str) -> Kind:
    """value[key], which must be there and of that type. Malformed."""
    if not isinstance(value, dict):
        raise Malformed(f"{at}: expected type: JSONObject, found: {_found(value)}")
    check(value, {key: expected}, (key,), at, closed=False)
    found: Kind = value[key]
    return found


def texts(values: Any, at: str) -> list[str]:
    """A list of strings; None is an empty one. Malformed."""
    if values is not None and not isinstance(values, list):
        raise Malformed(f"{at}: expected type: JSONArray, found: {_found(values)}")
    for place, value in enumerate(values or ()):
        if not isinstance(value, str):
            raise Malformed(f"{at}/{place}: expected type: String, found: {_found(value)}")
    return list(values or ())


def bounded(body: Mapping[str, Any], key: str, least: float, most: float, at: str = "#") -> None:
    """Malformed where a number is out of bounds."""
    value = body.get(key)
    if value is not None and value < least:
        raise Malformed(f"{at}/{key}: {value} is not greater or equal to {least:g}")
    if value is not None and value > most:
        raise Malformed(f"{at}/{key}: {value} is not less or equal to {most:g}")


def _is(value: Any, expected: type) -> bool:
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is object:
        return True
    return isinstance(value, expected) and not (expected is int and isinstance(value, bool))


def _found(value: Any) -> str:
    return "Null" if value is None else _NAMES.get(type(value), type(value).__name__)
