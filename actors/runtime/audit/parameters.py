"""What of a request or an answer an event shows: the model's members in lower camel case, secrets hidden.

Bodies (blobs) are left out, items of tables are shown by their attributes' names. Requests may be invalid: what does
not fit its shape is shown as text. Source: the events on the pages "Logging … with CloudTrail" of each service's guide.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

from schemas.models import Shape

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
LIMIT_BYTES = 100 * 1024                           # of requestParameters, of responseElements: CloudTrail's own
TEXT_LIMIT_CHARACTERS = 16 * 1024
ITEMS_LIMIT = 1000                                 # of one list or map
DEPTH_LIMIT = 24

# Not marked as sensitive by the models.
_SECRETS = frozenset({"SessionToken", "SAMLAssertion", "WebIdentityToken", "TokenCode", "AuthenticationCode1",
                      "AuthenticationCode2"})
# Services whose events name a member otherwise.
_NAMES = {("s3", "Bucket"): "bucketName"}
_LEFT_OUT = object()


def shown(service: str, shape: Shape | None, value: Any, member: str) -> dict[str, Any] | None:
    """`value` of `shape`, as the event's `member`; None where there is nothing to show."""
    if shape is None or not isinstance(value, dict) or not value:
        return None
    found: dict[str, Any] = _structure(service, shape, value, 0)
    size = len(orjson.dumps(found))
    if size > LIMIT_BYTES:
        return {"omitted": True, "originalSize": size, "reason": f"{member} too large"}
    return found or None


def _value(service: str, shape: Shape, value: Any, depth: int) -> Any:
    if value is None or shape.kind == "blob" or shape.traits.get("eventstream"):
        return _LEFT_OUT
    if shape.traits.get("sensitive"):
        return HIDDEN
    if depth > DEPTH_LIMIT:
        return "…"
    write = _WRITERS.get(shape.kind)
    return _scalar(value) if write is None else write(service, shape, value, depth)


def _structure(service: str, shape: Shape, value: Any, depth: int) -> Any:
    if not isinstance(value, dict):
        return _scalar(value)
    if shape.name == "AttributeValue":
        return HIDDEN
    found = {}
    for name, inner in value.items():
        member = shape.members.get(name)
        if member is None:
            continue
        written = HIDDEN if name in _SECRETS else _value(service, member.shape, inner, depth + 1)
        if written is not _LEFT_OUT:
            found[_NAMES.get((service, name)) or lower_camel(name)] = written
    return found


def _list(service: str, shape: Shape, value: Any, depth: int) -> Any:
    if not isinstance(value, list | tuple):
        return _scalar(value)
    assert shape.item is not None
    written = (_value(service, shape.item.shape, inner, depth + 1) for inner in value[:ITEMS_LIMIT])
    return [inner for inner in written if inner is not _LEFT_OUT]


def _map(service: str, shape: Shape, value: Any, depth: int) -> Any:
    if not isinstance(value, dict):
        return _scalar(value)
    assert shape.item is not None
    names = [str(name)[:TEXT_LIMIT_CHARACTERS] for name in list(value)[:ITEMS_LIMIT]]
    if shape.item.shape.name == "AttributeValue":              # an item: which attributes, not what is in them
        if shape.name == "Key":
            return {name: _plain(value[name]) for name in names if name in value}
        return names
    written = {name: _value(service, shape.item.shape, value.get(name), depth + 1) for name in names}
    return {name: inner for name, inner in written.items() if inner is not _LEFT_OUT}


def _plain(attribute: Any) -> Any:
    """A key's value: DynamoDB's events show keys."""
    if isinstance(attribute, dict) and len(attribute) == 1:
        [(kind, inner)] = attribute.items()
        if kind in ("S", "N"):
            return _scalar(inner)
    return HIDDEN


_WRITERS: dict[str, Callable[[str, Shape, Any, int], Any]] = {"structure": _structure, "list": _list, "map": _map}


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | float | int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, datetime):                # as Java's default format has it, which is what events show
        moment = value.astimezone(UTC)
        return f"{moment:%b} {moment.day}, {moment:%Y}, {int(f'{moment:%I}')}:{moment:%M:%S %p}"
    text = value if isinstance(value, str) else type(value).__name__
    return text[:TEXT_LIMIT_CHARACTERS].encode("utf-8", "replace").decode()


@cache
def lower_camel(name: str) -> str:
    return name[:1].lower() + name[1:]
