"""What is wrong with a request, in its service's words. Reached only by requests that schemas/validate.py refused.

The form of AWS's own framework (Coral), which most services share:

    2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null;
    Value '-1' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: Member must have value …

Paths are lower camel case with `.1.member` for list items and `.key.member` for map values; a scalar in a list or map
is reported at the container ("Member must satisfy constraint: […]", "Map keys must satisfy constraint: […]"). Captured
in dynalite's tests (https://github.com/architect/dynalite), and in public reports of Lambda, KMS and Config errors.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from schemas.dialects import Constraint, Dialect, Words, table_name_fault
from schemas.errors import AwsError, SerializationException
from schemas.patterns import matcher
from schemas.shapes import Member, Operation, Shape
from schemas.validate import ARN, DEPTH_LIMIT, integer_bounds, opaque, unread

VIOLATIONS_LIMIT = 10                              # as many as AWS reports at once
ECHO_LIMIT_CHARACTERS = 4096                       # of an offending value; AWS prints all of it
ECHO_LIMIT_ENTRIES = 100

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
NOT_NULL = "Member must not be null"
_UNION = (
    "Supplied {name} is empty, must contain exactly one of the supported datatypes",
    "Supplied {name} has more than one datatypes set, must contain exactly one of the supported datatypes",
)
_JAVA_NAMES = {
    "string": "String", "character": "String", "integer": "Integer", "long": "Long", "float": "Float",
    "double": "Double", "boolean": "Boolean", "timestamp": "Date", "blob": "Blob",
}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "character": (str,), "integer": (int,), "long": (int,), "float": (float, int),
    "double": (float, int), "boolean": (bool,), "timestamp": (datetime,), "blob": (bytes,), "structure": (dict,),
    "map": (dict,), "list": (list,),
}


def refuse(operation: Operation, request: dict[str, Any], dialect: Dialect, itself: frozenset[str]) -> None:
    """Raises what the service would answer. Returns when removing members that are None was all it took."""
    left_out = unread(operation)
    types = _Types(itself)
    if operation.input is None:
        types.expect(request, "structure")
        return
    types.structure(operation.input, request, DEPTH_LIMIT, left_out)
    first = table_name_fault(operation, dialect, request.get("TableName"))
    if first:
        raise AwsError(first, code=dialect.invalid)
    complete = all(name in request for name in dialect.required(operation.input) - left_out)
    words = (dialect.words or {}).get(operation.name, {}) if complete else {}
    walk = _Violations(dialect, itself, words, as_json=operation.name in dialect.echoes_json)
    walk.structure(operation.input, request, Path("", ""), left_out)
    if walk.found and dialect.malformed and walk.missing_inside:
        raise AwsError(MALFORMED, code=dialect.malformed, status=400)
    if walk.missing and not dialect.constrains:
        said = (dialect.missing or {}).get(walk.missing) or f"The request must contain the parameter {walk.missing}"
        raise AwsError(said, code=dialect.invalid)
    if walk.found and dialect.plain:
        plain = next(each for each in dialect.plain if walk.found[0].message.startswith(each.constraint))
        raise AwsError(plain.sentence, code=dialect.invalid, Reason=plain.reason)
    if walk.found:
        raise AwsError(_told(walk.found), code=dialect.invalid)
    if walk.unions:
        raise AwsError(walk.unions[0], code=dialect.invalid)


class Path(NamedTuple):
    """Where a value stands, as most services write it and as the model does: requestItems.t.member.keys, Requ…"""

    lower: str
    upper: str

    def member(self, name: str) -> "Path":
        return self.down(_lower_first(name), name)

    def down(self, lower: str, upper: str) -> "Path":
        return Path(f"{self.lower}.{lower}", f"{self.upper}.{upper}") if self.lower else Path(lower, upper)

    def entry(self, key: object) -> "Path":
        return self.down(f"{key}.member", f"{key}.member")


class Violation(NamedTuple):
    text: str
    message: str                                   # of the constraint alone
    words: Words                                   # of the member it was found in


_NO_WORDS = Words()


def _told(found: list[Violation]) -> str:
    """The service's message: how many, and what."""
    found = [each for each in found if not each.words.gives_way] or found
    found = next(([each] for each in found if each.words.alone), found)
    if found[0].words.bare:
        return found[0].text
    count, texts = len(found), "; ".join(each.text for each in found)
    return f"{count} validation error{'' if count == 1 else 's'} detected: {texts}"


class _Types:
    """Wrong Python types and too deep nesting, as SerializationException; removes members that are None."""

    def __init__(self, itself: frozenset[str]) -> None:
        self._itself = itself

    def structure(self, shape: Shape, value: dict[str, Any], depth: int, left_out: frozenset[str]) -> None:
        self.expect(value, "structure")
        for name in [name for name in value if value[name] is None]:
            if name in shape.members and not opaque(shape.members[name]):
                del value[name]
        for name, member in shape.members.items():
            if name in value and name not in left_out:
                self._member(member, value[name], depth - 1)

    def _member(self, member: Member, value: Any, depth: int) -> None:
        if not opaque(member):
            self._shape(member.shape, value, depth)

    def _shape(self, shape: Shape, value: Any, depth: int) -> None:
        kind = shape.kind
        self.expect(value, kind)
        if shape.name in self._itself:
            return
        if depth == 0 and kind in ("structure", "list", "map"):
            raise SerializationException(f"The request is nested deeper than {DEPTH_LIMIT} levels")
        if kind == "structure":
            self.structure(shape, value, depth, frozenset())
        elif kind == "list":
            assert shape.item is not None
            for item in value:
                if item is not None:
                    self._member(shape.item, item, depth - 1)
        elif kind == "map":
            assert shape.item is not None
            assert shape.key is not None
            for key, item in value.items():
                self._member(shape.key, key, depth - 1)
                if item is not None:
                    self._member(shape.item, item, depth - 1)

    def expect(self, value: Any, kind: str) -> None:
        """The wording is DynamoDB's (dynalite's assertType tests); other services differ from one another."""
        if type(value) in _PYTHON_TYPES[kind]:
            return
        if type(value) is dict:
            raise SerializationException("Start of structure or map found where not expected")
        if kind in ("structure", "list", "map"):
            raise SerializationException("Unexpected field type")
        if type(value) is list:
            raise SerializationException(f"Unrecognized collection type class java.lang.{_JAVA_NAMES[kind]}")
        raise SerializationException(f"{_token(value)} cannot be converted to {_JAVA_NAMES[kind]}")


def _token(value: Any) -> str:
    if type(value) is bool:
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}.get(type(value), "BINARY_VALUE")


class _Violations:
    """Collects broken constraints, at most VIOLATIONS_LIMIT. Types are right by now."""

    def __init__(
        self, dialect: Dialect, itself: frozenset[str], words: Mapping[str, Words], *, as_json: bool
    ) -> None:
        self._dialect = dialect
        self._itself = itself
        self._words = words
        self._as_json = as_json
        self.found: list[Violation] = []
        self.unions: list[str] = []
        self.missing, self.missing_inside = "", False          # the first, and whether inside of another

    def structure(self, shape: Shape, value: dict[str, Any], path: Path, left_out: frozenset[str]) -> None:
        required = self._dialect.required(shape)
        for name in self._dialect.members(shape):
            if name in left_out or len(self.found) >= VIOLATIONS_LIMIT:
                continue
            member = shape.members[name]
            if name in value:
                self._member(name, member, value[name], path.member(name))
            elif name in required:
                if not self.missing:
                    self.missing, self.missing_inside = name, bool(path.lower)
                self._add(None, path.member(name), NOT_NULL)
        if shape.traits.get("union"):
            known = sum(name in shape.members for name in value)
            if known != 1:
                self.unions.append(_UNION[known > 1].format(name=shape.name))

    def _member(self, name: str, member: Member, value: Any, path: Path) -> None:
        if opaque(member):
            return
        words = self._words.get(name)
        before = len(self.found)
        sensitive = bool(member.shape.traits.get("sensitive"))
        for message in self._broken(member.shape, value):
            if words is None or words.gives_way or (value and words.only_empty):
                self._add(value, path, message, sensitive, member.shape)
            elif len(self.found) < VIOLATIONS_LIMIT:
                text = words.text or f"Value at '{path.upper}' failed to satisfy constraint: {message}"
                self.found.append(Violation(text, message, words))
        self._inside(member.shape, value, path)
        if words is not None and words.gives_way:
            self.found[before:] = [each._replace(words=words) for each in self.found[before:]]

    def _inside(self, shape: Shape, value: Any, path: Path) -> None:
        """The children of a value whose own constraints have been looked at."""
        if shape.name in self._itself:
            return
        if shape.kind == "structure":
            self.structure(shape, value, path, frozenset())
        elif shape.kind == "list":
            assert shape.item is not None
            self._entries(shape, value, value, path, "Member must satisfy constraint: ")
            for place, item in enumerate(value, 1):
                self._entry(shape, item, path.entry(place))
        elif shape.kind == "map":
            assert shape.key is not None
            own = self._dialect.key_constraint(shape)
            if any(self._broken(shape.key.shape, key, own) for key in value):
                messages = ", ".join(self._messages(shape.key.shape, own))
                self._add(value, path, f"Map keys must satisfy constraint: [{messages}]", shape=shape)
            self._entries(shape, value, list(value.values()), path, "Map value must satisfy constraint: ")
            for key, item in value.items():
                self._entry(shape, item, path.entry(key))

    def _entries(self, shape: Shape, value: Any, items: list[Any], path: Path, words: str) -> None:
        """Constraints on the items themselves are reported once, at their container."""
        assert shape.item is not None
        inner = shape.item.shape
        if not opaque(shape.item) and any(item is not None and self._broken(inner, item) for item in items):
            sensitive = bool(inner.traits.get("sensitive"))
            self._add(value, path, f"{words}[{', '.join(self._messages(inner))}]", sensitive, shape)

    def _entry(self, shape: Shape, item: Any, path: Path) -> None:
        assert shape.item is not None
        if len(self.found) >= VIOLATIONS_LIMIT or opaque(shape.item):
            return
        if item is not None:
            self._inside(shape.item.shape, item, path)
        elif not shape.traits.get("sparse"):
            self._add(None, path, NOT_NULL)

    def _add(
        self, value: Any, path: Path, message: str, sensitive: bool = False, shape: Shape | None = None
    ) -> None:
        if len(self.found) >= VIOLATIONS_LIMIT:
            return
        if value is None:
            shown = " null"
        elif sensitive or not self._dialect.echoes:
            shown = ""
        else:
            echo = _echo_json(value) if self._as_json and isinstance(value, dict) else _echo(value, shape)
            shown = f" '{echo[:ECHO_LIMIT_CHARACTERS]}'"
        text = f"Value{shown} at '{path.lower}' failed to satisfy constraint: {message}"
        self.found.append(Violation(text, message, _NO_WORDS))

    def _broken(self, shape: Shape, value: Any, own: Constraint | None = None) -> list[str]:
        """Messages of the constraints that this value breaks, its children's aside."""
        if shape.name in self._itself and shape.kind in ("structure", "list", "map"):
            return []
        constraint = own or self._dialect.constraint(shape)
        messages = _texts(shape, constraint)
        if constraint.arn_maximum and value.startswith(ARN):
            return [messages["high"]] if len(value) > constraint.arn_maximum else []
        if shape.kind in ("string", "character") and constraint.enum:
            return [] if value in constraint.enum else [messages["enum"]]
        broken = []
        low, high = _measured_bounds(shape, constraint)
        measure = len(value) if shape.kind in _LENGTHS else value
        if shape.kind in _LENGTHS or shape.kind in _NUMBERS:
            if high is not None and not measure <= high:
                broken.append(messages["high"])
            if low is not None and not measure >= low:
                broken.append(messages["low"])
        if constraint.pattern and shape.kind in ("string", "character"):
            matches = matcher(constraint.pattern)
            if matches is not None and not matches(value):
                broken.append(messages["pattern"])
        return broken[:1] if constraint.arn_maximum else broken    # DynamoDB stops at a table name's first fault

    def _messages(self, shape: Shape, own: Constraint | None = None) -> list[str]:
        """All constraints on the shape, as a container reports them."""
        return list(_texts(shape, own or self._dialect.constraint(shape)).values())


_LENGTHS = {"string", "character", "blob", "list", "map"}
_NUMBERS = {"integer", "long", "float", "double"}


def _measured_bounds(shape: Shape, constraint: Constraint) -> tuple[float | None, float | None]:
    if shape.kind in ("integer", "long"):
        return integer_bounds(shape.kind, constraint)
    return constraint.minimum, constraint.maximum


def _texts(shape: Shape, constraint: Constraint) -> dict[str, str]:
    """The wording of each constraint, in the order AWS lists them."""
    if constraint.enum:
        return {"enum": f"Member must satisfy enum value set: [{', '.join(constraint.enum)}]"}
    what = "value" if shape.kind in _NUMBERS else "length"
    low, high = _measured_bounds(shape, constraint)
    texts = {}
    if high is not None:
        texts["high"] = f"Member must have {what} less than or equal to {high}"
    if low is not None:
        texts["low"] = f"Member must have {what} greater than or equal to {low}"
    if constraint.pattern and shape.kind in ("string", "character"):
        texts["pattern"] = f"Member must satisfy regular expression pattern: {constraint.pattern}"
    if constraint.not_null:
        texts["null"] = NOT_NULL
    return texts


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _echo_json(value: dict[str, Any]) -> str:
    entries = dict(islice(value.items(), ECHO_LIMIT_ENTRIES))
    return json.dumps(entries, separators=(",", ":"), ensure_ascii=False, default=lambda blob: b64encode(blob).decode())


def _echo(value: Any, shape: Shape | None) -> str:
    """As Java's toString prints it: [a, b], {k=v}, Name(member=value)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    inner = shape.item.shape if shape is not None and shape.item is not None else None
    if isinstance(value, list):
        return f"[{', '.join(_echo(item, inner) for item in value[:ECHO_LIMIT_ENTRIES])}]"
    if isinstance(value, dict) and shape is not None and shape.kind == "structure":
        members = shape.members
        shown = (f"{_lower_first(name)}={_echo(value[name], members[name].shape)}" for name in members if name in value)
        return f"{shape.name}({', '.join(shown)})"
    if isinstance(value, dict):
        entries = islice(value.items(), ECHO_LIMIT_ENTRIES)
        return f"{{{', '.join(f'{key}={_echo(item, inner)}' for key, item in entries)}}}"
    return "null" if value is None else str(value)
