"""botocore's service-2.json -> a compact form that marshals -> Service objects, made as they are asked for.

The compact form keeps each operation and each shape as its own marshalled bytes: reading it is one dictionary, and a
request pays only for the shapes its operation reaches. Nothing here touches files; schemas/cache.py does.
"""

import marshal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.shapes import NO_TRAITS, ErrorShape, Lazy, Member, Operation, Service, Shape

FORMAT_VERSION = 6                                 # of Compact and of schemas/extras.py; names the cache's folder

_DROPPED = {"documentation", "deprecatedMessage", "deprecatedSince", "examples"}
_SHAPE_PARTS = _DROPPED | {"type", "members", "required", "member", "key", "value"}
_OPERATION_PARTS = _DROPPED | {"name", "http", "input", "output", "errors"}


class Compact(NamedTuple):
    """A service as the cache stores it (a plain tuple there)."""

    metadata: dict[str, Any]
    operations: dict[str, bytes]                   # name -> marshalled _operation()
    shapes: dict[str, bytes]                       # name -> marshalled _shape()
    errors: dict[str, str]                         # shape name -> code


def compact(description: Mapping[str, Any]) -> Compact:
    """From the JSON of service-2.json, extras merged. Documentation is dropped, all else is kept."""
    shapes = description["shapes"]
    errors = {name: _error_code(name, shape) for name, shape in shapes.items() if shape.get("exception")}
    return Compact(
        dict(description["metadata"]),
        {name: marshal.dumps(_operation(name, model)) for name, model in description["operations"].items()},
        {name: marshal.dumps(_shape(model)) for name, model in shapes.items()},
        errors,
    )


def _error_code(name: str, shape: Mapping[str, Any]) -> str:
    code: str = shape.get("error", NO_TRAITS).get("code") or name
    return code


def _traits(model: Mapping[str, Any], left_out: set[str]) -> dict[str, Any] | None:
    return {key: value for key, value in model.items() if key not in left_out} or None


_REFERENCE_PARTS = _DROPPED | {"shape"}


def _reference(name: str, model: Mapping[str, Any] | None) -> tuple[str, str, dict[str, Any] | None] | None:
    return None if model is None else (name, model["shape"], _traits(model, _REFERENCE_PARTS))


def _shape(model: Mapping[str, Any]) -> tuple[Any, ...]:
    members = tuple(_reference(name, member) for name, member in model.get("members", NO_TRAITS).items())
    item = _reference("member", model.get("member")) or _reference("value", model.get("value"))
    key = _reference("key", model.get("key"))
    return model["type"], _traits(model, _SHAPE_PARTS), members, tuple(model.get("required", ())), item, key


def _operation(name: str, model: Mapping[str, Any]) -> tuple[Any, ...]:
    http = model.get("http", NO_TRAITS)
    received, sent = model.get("input", NO_TRAITS), model.get("output", NO_TRAITS)
    traits = _traits(model, _OPERATION_PARTS) or {}
    if wrapper := sent.get("resultWrapper"):
        traits["resultWrapper"] = wrapper
    return (
        name, http.get("method", "POST"), http.get("requestUri", "/"), http.get("responseCode", 200),
        _reference("", received or None), _reference("", sent or None),
        tuple(error["shape"] for error in model.get("errors", ())), traits,
    )


def _loads(stored: bytes) -> Any:
    return marshal.loads(stored)  # noqa: S302 - ours, like a .pyc


def materialise(name: str, parts: Compact) -> Service:
    """The Service; its operations and errors are made when first asked for."""
    shapes = _Shapes(parts.shapes)
    metadata = parts.metadata
    service = Service(
        name, metadata, metadata["protocol"], answered_protocols(metadata), NO_TRAITS,
        Lazy(parts.errors, lambda error: _error(shapes.get(error))),
        {code: error for error, code in parts.errors.items()},
    )
    service.operations = Lazy(
        parts.operations, lambda operation: _make_operation(service, shapes, _loads(parts.operations[operation]))
    )
    return service


def answered_protocols(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(metadata.get("protocols") or (metadata["protocol"],))


class _Shapes:
    """The service's shapes, made with all they reach when first asked for."""

    def __init__(self, compact_shapes: Mapping[str, bytes]) -> None:
        self._compact = compact_shapes
        self._made: dict[str, Shape] = {}

    def get(self, name: str) -> Shape:
        """Without recursion: models nest deeply and refer to themselves."""
        pending: list[tuple[Shape, tuple[Any, ...]]] = []
        asked = self._declare(name, pending)
        while pending:
            shape, (members, item, key) = pending.pop()
            shape.members = {member[0]: self._member(member, pending) for member in members} or NO_TRAITS
            shape.item = self._member(item, pending) if item else None
            shape.key = self._member(key, pending) if key else None
        return asked

    def refer(self, reference: tuple[str, str, dict[str, Any] | None] | None) -> Shape | None:
        """An operation's input or output: its shape, wearing the traits of the reference (payload, locationName …)."""
        if reference is None:
            return None
        _, name, traits = reference
        shape = self.get(name)
        return replace(shape, traits={**shape.traits, **traits}) if traits else shape

    def _declare(self, name: str, pending: list[tuple[Shape, tuple[Any, ...]]]) -> Shape:
        shape = self._made.get(name)
        if shape is None:
            kind, traits, members, required, item, key = _loads(self._compact[name])
            shape = self._made[name] = Shape(name, kind, traits or NO_TRAITS, NO_TRAITS, frozenset(required))
            pending.append((shape, (members, item, key)))
        return shape

    def _member(self, reference: tuple[str, str, dict[str, Any] | None], pending: list[Any]) -> Member:
        name, shape, traits = reference
        return Member(name, self._declare(shape, pending), traits or NO_TRAITS)


def _error(shape: Shape) -> ErrorShape:
    """httpStatusCode and senderFault where modelled; a `fault` is the service's own and answers 500."""
    trait: Mapping[str, Any] = shape.traits.get("error", NO_TRAITS)
    fault = bool(shape.traits.get("fault"))
    status = trait.get("httpStatusCode", 500 if fault else 400)
    sender = trait.get("senderFault", not fault and status < 500)
    return ErrorShape(shape.name, trait.get("code") or shape.name, status, sender, shape)


def _make_operation(service: Service, shapes: _Shapes, parts: tuple[Any, ...]) -> Operation:
    name, method, uri, status, input_reference, output_reference, error_names, traits = parts
    received, sent = shapes.refer(input_reference), shapes.refer(output_reference)
    errors = [_error(shapes.get(error)) for error in error_names]
    payload: str = received.traits.get("payload", "") if received else ""
    body = received.members[payload] if received and payload else None
    return Operation(
        name, service, method, uri, status, received, sent, {error.code: error for error in errors}, traits, payload,
        streams_in=body is not None and body.shape.kind == "blob" and bool(body.trait("streaming")),
        event_stream_in=_event_stream(received),
        event_stream_out=_event_stream(sent),
    )


def _event_stream(shape: Shape | None) -> str:
    members = shape.members.items() if shape else ()
    return next((name for name, member in members if member.shape.traits.get("eventstream")), "")
