"""botocore's service models as compact Service, Operation and Shape objects.

Compiled once per botocore version into a cache beside the environment, loaded lazily per service; botocore itself is
never imported. The model's own words are kept: names, traits and constraints are Smithy's and botocore's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
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


@dataclass(slots=True, eq=False)
class Member:
    """A reference to a shape with its own traits: location, locationName, queryName, flattened, xmlAttribute,
    xmlNamespace, timestampFormat, streaming, eventpayload, eventheader, idempotencyToken, hostLabel, jsonvalue …"""

    name: str
    shape: Shape
    traits: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class ErrorShape:
    """A modelled error. `code` is what the wire says (the error trait's code, else the shape's name)."""

    name: str
    code: str
    status: int                                    # httpStatusCode, else 400 (sender) or 500 (fault)
    sender: bool                                   # whose fault it is
    shape: Shape


@dataclass(slots=True, eq=False)
class Operation:
    name: str
    service: "Service"
    method: str
    uri: str                                       # requestUri, with its labels and constant query
    status: int                                    # responseCode of a success
    input: Shape | None
    output: Shape | None
    errors: Mapping[str, ErrorShape]               # by code
    traits: Mapping[str, Any]                      # authtype, endpoint, httpChecksum, requestcompression, resultWrapper …
    payload: str = ""                              # input member that is the whole body
    streams_in: bool = False                       # that member is a streaming blob: the gateway leaves it unread
    event_stream_in: str = ""                      # input member that is an event stream
    event_stream_out: str = ""                     # output member that is an event stream


@dataclass(slots=True, eq=False)
class Service:
    """`name` is botocore's folder name, e.g. "dynamodb"; `metadata` is the model's own."""

    name: str
    metadata: Mapping[str, Any]
    protocol: str                                  # the one most clients use: json, query, ec2, rest-json, rest-xml, smithy-rpc-v2-cbor
    protocols: tuple[str, ...]                     # all that are answered
    operations: Mapping[str, Operation]


def compile_service(name: str, description: Mapping[str, Any]) -> Service:
    """From the JSON of botocore's service-2.json. Pure; used by the cache and by the wire checks."""
    raise NotImplementedError


def load(name: str) -> Service:
    """The service's latest model, remembered for the life of the process. UnknownService."""
    raise NotImplementedError


class UnknownService(LookupError):
    """No model of that name."""
