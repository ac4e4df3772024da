"""Shapes to and from trees of dicts and lists: JSON and CBOR bodies, event payloads.

Each shape becomes one closure that checks and converts in one pass, compiled once per service and remembered. A
subtree that needs no conversion on the way out (DynamoDB's items) is not walked at all: bytes and times in it meet
scalars.json_default inside orjson.

The wordings of SerializationException are DynamoDB's, as dynalite's tests against AWS have them
(https://github.com/architect/dynalite, test/helpers.js, assertType).
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gateway.protocols import scalars
from gateway.protocols.wire import malformed
from schemas.errors import SerializationException
from schemas.models import Member, Shape

Convert = Callable[[Any], Any]

_CONTAINERS = ("structure", "list", "map")
_JAVA = {
    "string": "java.lang.String", "character": "java.lang.String", "boolean": "java.lang.Boolean",
    "integer": "java.lang.Integer", "long": "java.lang.Long", "float": "java.lang.Float", "double": "java.lang.Double",
    "blob": "java.nio.ByteBuffer", "timestamp": "java.util.Date",
}

# Where a container stands: it decides what AWS says of a scalar in its place.
FIELD, ELEMENT = "field", "element"
_NOT_CAST = (
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class "
    "(sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of "
    "loader 'bootstrap')"
)
_NO_ELEMENT = {"structure": "Unexpected value type in payload", "list": _NOT_CAST, "map": _NOT_CAST}
_BOOLEAN_TEXTS = {"TRUE": True, "YES": True, "1": True, "FALSE": False, "NO": False, "0": False}


def wire_name(member: Member) -> str:
    name: str = member.traits.get("locationName", member.name)
    return name


def unexpected(value: Any, kind: str, java: str = "", place: str = "") -> SerializationException:
    """`value` stands where a `kind` should: AWS's words for it. `java`, `place`: see `Trees.reader`."""
    if type(value) is dict:
        return malformed("Start of structure or map found where not expected")
    if type(value) is list:
        return malformed(f"Unrecognized collection type {java or f'class {_JAVA[kind]}'}")
    if kind in _CONTAINERS:
        return malformed("Unexpected field type" if place == FIELD else _NO_ELEMENT[kind])
    if kind == "blob":
        return malformed("only base-64-encoded strings are convertible to bytes")
    if kind == "boolean" and type(value) is str:
        return malformed("Unexpected token received from parser")
    return malformed(f"{_token(value)} cannot be converted to {_JAVA[kind].rpartition('.')[2]}")


def _token(value: Any) -> str:
    if value is None or type(value) is bool:
        return f"{str(value).upper().replace('NONE', 'NULL')}_VALUE"
    return {str: "STRING_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}.get(type(value), "EMBEDDED_OBJECT_VALUE")


def string(value: Any) -> str:
    if type(value) is str:
        return value
    raise unexpected(value, "string")


def boolean(value: Any) -> bool:
    """Some texts stand for one, as on DynamoDB."""
    if value is True or value is False:
        return value
    found = _BOOLEAN_TEXTS.get(value.upper()) if type(value) is str else None
    if found is None:
        raise unexpected(value, "boolean")
    return found


def _integer(kind: str) -> Convert:
    def integer(value: Any) -> int:
        """A fraction is cut off, as DynamoDB does."""
        if type(value) is int:
            return scalars.int64(value)
        if type(value) is float and math.isfinite(value):
            return scalars.int64(int(value))
        raise unexpected(value, kind)

    return integer


def _number(kind: str) -> Convert:
    def number(value: Any) -> float:
        if type(value) is float:
            return value
        if type(value) is int:
            return float(scalars.int64(value))
        if type(value) is str and value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
        raise unexpected(value, kind)

    return number


def _json_blob(value: Any) -> bytes:
    if type(value) is str:
        return scalars.base64_bytes(value)
    raise unexpected(value, "blob")


def _json_time(value: Any) -> datetime:
    if type(value) is int or type(value) is float:
        return scalars.from_epoch(value)
    if type(value) is str:
        return scalars.read_time(value)
    raise unexpected(value, "timestamp")


def _cbor_blob(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    raise unexpected(value, "blob")


def _cbor_time(value: Any) -> datetime:
    if type(value) is datetime:
        return value
    raise unexpected(value, "timestamp")


def _finite(value: Any) -> Any:
    return scalars.write_float(value) if type(value) is float and not math.isfinite(value) else value


def same(value: Any) -> Any:
    return value


class Trees:
    """The closures of one service in one format. `json` False: CBOR, where blobs and times are values of their own.
    `package`: what AWS's messages put before the names of its structures."""

    def __init__(self, json: bool, package: str = "") -> None:
        self._json = json
        self._package = package
        self._readers: dict[tuple[str, str], Convert] = {}
        self._writers: dict[str, Convert | None] = {}
        self._plain: dict[str, bool] = {}
        self._leaves: dict[str, Convert] = {
            "string": string, "character": string, "boolean": boolean,
            "integer": _integer("integer"), "long": _integer("long"),
            "float": _number("float"), "double": _number("double"),
            "blob": _json_blob if json else _cbor_blob, "timestamp": _json_time if json else _cbor_time,
        }

    # ---- in

    def reader(self, shape: Shape, place: str = ELEMENT) -> Convert:
        """tree -> params. Raises SerializationException; keys that no member has are ignored.

        `place`: FIELD, a member of a structure, or ELEMENT, of a list or a map, or the whole.
        """
        found = self._readers.get((shape.name, place))
        return found if found is not None else self._compile_reader(shape, place)

    def _compile_reader(self, shape: Shape, place: str) -> Convert:
        key = shape.name, place
        if shape.kind not in _CONTAINERS:
            return self._readers.setdefault(key, self._leaves[shape.kind])
        if shape.traits.get("document"):
            return same
        java = self._java(shape)
        if shape.kind == "structure":
            members: dict[str, tuple[str, Convert]] = {}
            texts = {name for name, member in shape.members.items() if _is_text(member)}
            make_structure = _structure_reader if shape.required or not texts else _choice_reader
            reader = self._readers[key] = make_structure(members, f"class {java}", place, texts)
            for name, member in shape.members.items():
                members[wire_name(member)] = name, self.reader(member.shape, FIELD)
            return reader
        assert shape.item is not None
        make = _list_reader if shape.kind == "list" else _map_reader
        reader = make(self.reader(shape.item.shape), bool(shape.traits.get("sparse")), java, place)
        return self._readers.setdefault(key, reader)

    def _java(self, shape: Shape) -> str:
        """The type as AWS's messages name it."""
        if shape.kind not in _CONTAINERS:
            return _JAVA[shape.kind]
        if shape.kind == "structure":
            return f"{self._package}{shape.name}"
        assert shape.item is not None
        item = self._java(shape.item.shape)
        return f"java.util.List<{item}>" if shape.kind == "list" else f"java.util.Map<java.lang.String, {item}>"

    def body_reader(self, members: Mapping[str, Member]) -> Convert:
        """For a body that holds only these members of its structure (REST)."""
        table = {wire_name(member): (name, self.reader(member.shape, FIELD)) for name, member in members.items()}
        return _structure_reader(table, "class java.lang.Object", ELEMENT, set())

    # ---- out

    def writer(self, member: Shape | Member) -> Convert | None:
        """result -> tree; None: as it is. A member's timestampFormat is its own, so it may differ from its shape's."""
        shape = member.shape if isinstance(member, Member) else member
        if shape.kind == "timestamp":
            form = (member.trait if isinstance(member, Member) else shape.traits.get)("timestampFormat")
            return self._time_writer(form)
        if shape.kind in ("float", "double"):
            return _finite if self._json else None
        if shape.kind not in _CONTAINERS or shape.traits.get("document") or self._is_plain(shape):
            return None
        if shape.name in self._writers:
            return self._writers[shape.name]
        return self._compile_writer(shape)

    def _time_writer(self, form: str | None) -> Convert | None:
        if not self._json or form in (None, scalars.EPOCH):
            return None
        return lambda moment: scalars.write_time(moment, form)

    def _compile_writer(self, shape: Shape) -> Convert:
        if shape.kind == "structure":
            members: dict[str, tuple[str, Convert | None]] = {}
            writer = self._writers[shape.name] = structure_writer(members)
            for name, member in shape.members.items():
                members[name] = self._wire_name(member), self.writer(member)
            return writer
        assert shape.item is not None
        writer = (_list_writer if shape.kind == "list" else _map_writer)(self.writer(shape.item) or same)
        self._writers[shape.name] = writer
        return writer

    def body_writer(self, members: Mapping[str, Member]) -> Convert:
        """For a body that holds only these members of its structure (REST, events)."""
        return structure_writer({name: (self._wire_name(each), self.writer(each)) for name, each in members.items()})

    def _wire_name(self, member: Member) -> str:
        return wire_name(member) if self._json else member.name

    def _is_plain(self, shape: Shape) -> bool:
        """Does nothing it reaches need converting? Found without recursion: shapes refer to themselves."""
        found = self._plain.get(shape.name)
        if found is None:
            found = self._plain[shape.name] = not any(map(self._is_converted, reachable(shape)))
        return found

    def _is_converted(self, shape: Shape) -> bool:
        members = shape.members.values()
        if any(self._wire_name(member) != member.name for member in members):
            return True
        items = (member for member in (shape.item, shape.key) if member is not None)
        return any(map(self._converts, (*members, *items)))

    def _converts(self, member: Member) -> bool:
        if not self._json:
            return False
        if member.shape.kind in ("float", "double"):
            return True
        return member.shape.kind == "timestamp" and member.trait("timestampFormat") not in (None, scalars.EPOCH)


def reachable(shape: Shape) -> list[Shape]:
    """The shape and every shape below it, once."""
    found = {shape.name: shape}
    pending = [shape]
    while pending:
        current = pending.pop()
        for member in (*current.members.values(), current.item, current.key):
            if member is not None and member.shape.name not in found:
                found[member.shape.name] = member.shape
                pending.append(member.shape)
    return list(found.values())


def _is_text(member: Member) -> bool:
    return member.shape.kind == "string" and wire_name(member) == member.name


def _structure_reader(
    members: Mapping[str, tuple[str, Convert]], java: str, place: str, texts: set[str]
) -> Convert:
    find = members.get                             # filled after this call: shapes refer to themselves

    def structure(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise unexpected(value, "structure", java, place)
        made = {}
        for key, item in value.items():
            if item is not None:
                found = find(key)
                if found is not None:
                    made[found[0]] = found[1](item)
        return made

    return structure


def _choice_reader(members: Mapping[str, tuple[str, Convert]], java: str, place: str, texts: set[str]) -> Convert:
    """For structures that mostly hold one text (DynamoDB's {"S": …}): such a one is taken as it is, uncopied."""
    read = _structure_reader(members, java, place, texts)

    def choice(value: Any) -> Any:
        if type(value) is dict and len(value) == 1:
            for key in value:
                if key in texts and type(value[key]) is str:
                    return value
        return read(value)

    return choice


def _list_reader(read: Convert, sparse: bool, java: str, place: str) -> Convert:
    def items(value: Any) -> list[Any]:
        if type(value) is not list:
            raise unexpected(value, "list", java, place)
        if None in value:
            return [None if item is None else read(item) for item in value if sparse or item is not None]
        return [read(item) for item in value]

    return items


def _map_reader(read: Convert, sparse: bool, java: str, place: str) -> Convert:
    def entries(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise unexpected(value, "map", java, place)
        if sparse:                                 # keys are texts: JSON has no others, cbor.decode allows none
            return {key: None if item is None else read(item) for key, item in value.items()}
        return {key: read(item) for key, item in value.items() if item is not None}

    return entries


def structure_writer(members: Mapping[str, tuple[str, Convert | None]]) -> Convert:
    find = members.get

    def structure(value: Any) -> dict[str, Any]:
        made = {}
        for key, item in value.items():
            if item is not None:
                found = find(key)
                if found is not None:
                    name, write = found
                    made[name] = item if write is None else write(item)
        return made

    return structure


def _list_writer(write: Convert) -> Convert:
    return lambda value: [None if item is None else write(item) for item in value]


def _map_writer(write: Convert) -> Convert:
    return lambda value: {key: None if item is None else write(item) for key, item in value.items()}
