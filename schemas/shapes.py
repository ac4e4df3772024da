"""Service, Operation and Shape: AWS's models as plain objects. Import them from schemas.models; no I/O here.

The model's own words are kept: names, traits and constraints are Smithy's and botocore's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, TypeVar

NO_TRAITS: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, eq=False, repr=False)
class Shape:
    """One shape. `kind` is botocore's type name: structure, list, map, string, character, integer, long, float,
    double, boolean, blob, timestamp. Shapes may be recursive: members refer to Shape objects, never to copies."""

    name: str
    kind: str
    traits: Mapping[str, Any]                      # botocore's keys, e.g. min, max, pattern, enum, box, union, document
    members: Mapping[str, "Member"]                # structure: by AWS's member name, in the model's order
    required: frozenset[str]                       # structure
    item: "Member | None" = None                   # list: its member; map: its value
    key: "Member | None" = None                    # map

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


@dataclass(slots=True, eq=False, repr=False)
class Member:
    """A reference to a shape with its own traits: location, locationName, queryName, flattened, xmlAttribute,
    xmlNamespace, timestampFormat, streaming, eventpayload, eventheader, idempotencyToken, hostLabel, jsonvalue …"""

    name: str
    shape: Shape
    traits: Mapping[str, Any]

    def trait(self, name: str, default: Any = None) -> Any:
        """The reference's own trait, else its shape's: what botocore means by a member's trait."""
        value = self.traits.get(name)
        return self.shape.traits.get(name, default) if value is None else value

    def __repr__(self) -> str:
        return f"<{self.name}: {self.shape!r}>"


@dataclass(slots=True, eq=False)
class ErrorShape:
    """A modelled error. `code` is what the wire says (the error trait's code, else the shape's name)."""

    name: str
    code: str
    status: int                                    # httpStatusCode, else 400 (sender) or 500 (fault)
    sender: bool                                   # whose fault it is
    shape: Shape


@dataclass(slots=True, eq=False, repr=False)
class Operation:
    name: str
    service: "Service"
    method: str
    uri: str                                       # requestUri, with its labels and constant query
    status: int                                    # responseCode of a success
    input: Shape | None
    output: Shape | None
    errors: Mapping[str, ErrorShape]               # by code
    traits: Mapping[str, Any]                      # authtype, endpoint, httpChecksum, requestcompression, resultWrapper
    payload: str = ""                              # input member that is the whole body
    streams_in: bool = False                       # that member is a streaming blob: the gateway leaves it unread
    event_stream_in: str = ""                      # input member that is an event stream
    event_stream_out: str = ""                     # output member that is an event stream

    def __repr__(self) -> str:
        return f"<operation {self.service.name}:{self.name}>"


@dataclass(slots=True, eq=False, repr=False)
class Service:
    """`name` is botocore's folder name, e.g. "dynamodb"; `metadata` is the model's own."""

    name: str
    metadata: Mapping[str, Any]
    protocol: str                                  # the model's first: json, query, ec2, rest-json, rest-xml or
                                                   # smithy-rpc-v2-cbor
    protocols: tuple[str, ...]                     # all that are answered
    operations: Mapping[str, Operation]            # made one at a time, when first asked for
    errors: Mapping[str, ErrorShape]               # all of the service, by shape name
    error_codes: Mapping[str, str]                 # code -> shape name; the last of several, as in botocore
    codecs: dict[str, Any] = field(default_factory=dict)   # what gateway/protocols has compiled for it; theirs alone

    def error(self, code: str) -> ErrorShape | None:
        """The modelled error of that code, or of that shape name (they differ in query services)."""
        return self.errors.get(self.error_codes.get(code, code))

    def __repr__(self) -> str:
        return f"<service {self.name}>"


class UnknownService(LookupError):
    """No model of that name."""


Value = TypeVar("Value")


class Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping whose values are made when first asked for. Names, length and membership make nothing."""

    __slots__ = ("_made", "_make", "_names")

    def __init__(self, names: Mapping[str, Any], make: Callable[[str], Value]) -> None:
        self._names = names
        self._make = make
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        made = self._made.get(name)
        if made is None:
            if name not in self._names:
                raise KeyError(name)
            made = self._made[name] = self._make(name)
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names
