"""Attribute values as they come off the wire: checked in AWS's words, brought to normal form, measured.

A value is a dict of one member naming its type: {"S": "x"}, {"N": "1"}, {"B": b""}, {"M": {…}}, {"L": […]},
{"SS": […]}, {"NS": […]}, {"BS": […]}, {"BOOL": True}, {"NULL": True}. An item is {attribute name: value}. `admit`
normalises numbers and sorts sets in place (strings and binaries bytewise, numbers by value, as AWS gives them back),
and returns the size, in one walk, because every write pays for it.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (sizes),
.../Constraints.html (limits); messages and limits as measured on AWS by the public dynalite and dynamodb-conformance
suites.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any

from actors.dynamodb.engine import number
from actors.dynamodb.engine.wording import Reworded
from schemas.errors import SerializationException, ValidationException

Value = dict[str, Any]
Item = dict[str, Value]

ITEM_LIMIT_BYTES = 400 * 1024
NESTING_LIMIT = 32                    # levels, the attribute's own value being the first
NAME_LIMIT_BYTES = 65_535
DOCUMENT_BYTES = 3                    # what a list or a map costs whatever it holds
ELEMENT_BYTES = 1                     # and each of its elements

INVALID = "One or more parameter values were invalid: "
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
TOO_LARGE = "Item size has exceeded the maximum allowed size"
TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: "
    "Attributes in the item have nested levels beyond supported limit"
)
NO_NAME = "Empty attribute name"
NAME_TOO_LONG = f"{INVALID}Attribute name is too large, must be less than {NAME_LIMIT_BYTES + 1} bytes"


def admit(item: Item, depth: int = 1) -> int:
    """Checks and normalises an item's (or a map's) attributes in place; their size in bytes, names included."""
    if depth == 1 and "" in item:
        raise ValidationException(NO_NAME)
    size = 0
    for name, value in item.items():
        name_size = len(name) if name.isascii() else len(name.encode())
        if name_size > NAME_LIMIT_BYTES:
            raise ValidationException(NAME_TOO_LONG)
        size += name_size
        if len(value) == 1:
            if (text := value.get("S")).__class__ is str:
                size += len(text) if text.isascii() else len(text.encode())
                continue
            ((kind, content),) = value.items()
            size += _MEASURES.get(kind, _unknown)(value, content, depth)
        else:
            size += admit_value(value, depth)
    return size


def admit_item(item: Item) -> int:
    """`admit`, and no more than AWS stores in one item."""
    size = admit(item)
    if size > ITEM_LIMIT_BYTES:
        raise ValidationException(TOO_LARGE)
    return size


def admit_value(value: Value, depth: int = 1) -> int:
    """Checks and normalises one value in place; its size in bytes. `depth`: on which nesting level it stands."""
    _expect(value, dict, "AttributeValue")
    if len(value) == 1:
        ((kind, content),) = value.items()
        if content is not None and kind in _MEASURES:
            return _MEASURES[kind](value, content, depth)
    size = known = 0
    for kind, content in value.items():
        if kind in _MEASURES and content is not None:
            size += _MEASURES[kind](value, content, depth)
            known += 1
    if known == 0:
        raise ValidationException(EMPTY)
    if known > 1:
        raise ValidationException(SEVERAL)
    if len(value) > 1:
        _drop_unknown(value)
    return size


def measure(item: Item) -> int:
    """The size in bytes of an item already admitted."""
    return admit(item)


def kind_of(value: Value) -> str:
    """The type's name of an admitted value."""
    for kind in value:
        return kind
    raise AssertionError("an admitted value has a type")


def _drop_unknown(value: Value) -> None:
    for kind in [kind for kind, content in value.items() if kind not in _MEASURES or content is None]:
        del value[kind]


def _string(_value: Value, content: Any, _depth: int) -> int:
    _expect(content, str, "String")
    return len(content) if content.isascii() else len(content.encode())


def _number(value: Value, content: Any, _depth: int) -> int:
    if content.__class__ is not str:
        _expect(content, str, "String")
    plain = number.normalise(content)
    if plain is not content:
        value["N"] = plain
    return number.size_bytes(plain)


def _binary(_value: Value, content: Any, _depth: int) -> int:
    _expect(content, bytes, "Blob")
    return len(content)


def _boolean(_value: Value, content: Any, _depth: int) -> int:
    _expect(content, bool, "Boolean")
    return 1


def _null(value: Value, content: Any, _depth: int) -> int:
    """Whatever it says, it is null: AWS keeps true, since June 2026."""
    _expect(content, bool, "Boolean")
    if not content:
        value["NULL"] = True
    return 1


def _string_set(value: Value, content: Any, _depth: int) -> int:
    size = sum(_string({}, member, 0) for member in _expect(content, list, "List"))
    if not content:
        raise ValidationException(f"{INVALID}An string set  may not be empty")
    if len(set(content)) != len(content):
        quoted = ", ".join(f'"{member}"' for member in _up_to_repeat(content))
        raise Reworded(f"{INVALID}Input collection {_listed(content)} contains duplicates.",
                       f"{INVALID}Input collection [{quoted}] contains duplicates.")
    value["SS"] = sorted(content)
    return size


def _number_set(value: Value, content: Any, _depth: int) -> int:
    for member in _expect(content, list, "List"):
        _expect(member, str, "String")
    if not content:
        raise ValidationException(f"{INVALID}An number set  may not be empty")
    plain = [number.normalise(member) for member in content]
    if len(set(plain)) != len(plain):
        raise Reworded("Input collection contains duplicates", f"{INVALID}Input collection contains duplicates.")
    value["NS"] = sorted(plain, key=number.encode)
    return sum(map(number.size_bytes, plain))


def _binary_set(value: Value, content: Any, _depth: int) -> int:
    size = sum(_binary({}, member, 0) for member in _expect(content, list, "List"))
    if not content:
        raise ValidationException(f"{INVALID}Binary sets should not be empty")
    if len(set(content)) != len(content):
        shown = _listed(b64encode(member).decode() for member in content)
        quoted = ",".join(f'"{b64encode(member).decode()}"' for member in _up_to_repeat(content))
        raise Reworded(f"{INVALID}Input collection {shown}of type BS contains duplicates.",
                       f"{INVALID}Input collection [{quoted}]of type BS contains duplicates.")
    value["BS"] = sorted(content)
    return size


def _up_to_repeat(members: list[Any]) -> list[Any]:
    """As AWS's current layer lists a set with a repeated member: sorted up to the first repeat, then as sent."""
    repeat = next(at for at, member in enumerate(members) if member in members[:at])
    return [*sorted(members[:repeat]), *members[repeat:]]


def _list(_value: Value, content: Any, depth: int) -> int:
    _expect(content, list, "List")
    _check_depth(depth, content)
    return DOCUMENT_BYTES + sum(ELEMENT_BYTES + admit_value(member, depth + 1) for member in content)


def _map(_value: Value, content: Any, depth: int) -> int:
    _expect(content, dict, "Map")
    for name, value in content.items():
        _expect(name, str, "String")
        _expect(value, dict, "AttributeValue")
    _check_depth(depth, content)
    return DOCUMENT_BYTES + ELEMENT_BYTES * len(content) + admit(content, depth + 1)


def _unknown(value: Value, _content: Any, depth: int) -> int:
    return admit_value(value, depth)


def _check_depth(depth: int, content: Any) -> None:
    if depth >= NESTING_LIMIT and content:
        raise ValidationException(TOO_DEEP)


_MEASURES: dict[str, Callable[[Value, Any, int], int]] = {
    "S": _string, "N": _number, "B": _binary, "SS": _string_set, "NS": _number_set, "BS": _binary_set, "M": _map,
    "L": _list, "NULL": _null, "BOOL": _boolean,
}
KINDS = frozenset(_MEASURES)


def _expect(content: Any, kind: type, name: str) -> Any:
    """The content, if it is what the wire format carries for that member; else what AWS's parser says."""
    if content.__class__ is kind:
        return content
    if content.__class__ is list:
        raise SerializationException("Start of list found where not expected")
    if content.__class__ is dict:
        raise SerializationException("Start of structure or map found where not expected.")
    raise SerializationException(f"{_TOKENS.get(content.__class__, 'STRING_VALUE')} cannot be converted to {name}")


_TOKENS: dict[type, str] = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}


def _listed(members: Iterable[str]) -> str:
    return "[" + ", ".join(members) + "]"
