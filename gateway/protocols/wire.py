"""What every protocol speaks in: the request, the response, the Protocol itself, and what errors share.

Import these from gateway.protocols. No HTTP library, no I/O: bytes in, dictionaries out, and back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from typing import Protocol as Interface

from schemas.errors import COMMON_STATUS, AwsError, SerializationException, UnknownOperation
from schemas.models import ErrorShape, Operation, Service

# Levels of nesting in a body. DynamoDB allows items of 32 levels (69 in JSON); orjson writes 254, msgpack packs 511,
# and Python's stack holds 1,000 frames, of which a level takes one.
NESTING_MAX = 128


@dataclass(slots=True)
class HttpRequest:
    """`body` None: a streaming payload, left unread; its member is then absent from the params."""

    method: str
    path: str                                      # raw, percent-encoded
    query: str                                     # raw
    headers: Mapping[str, str]                     # lower-case names
    body: bytes | None
    named: Any = field(default=None, compare=False, repr=False)   # what operation() learnt and parse() needs


@dataclass(slots=True)
class HttpResponse:
    status: int
    headers: dict[str, str]
    body: bytes


class Protocol(Interface):
    """One wire protocol, both directions. Without state: what it compiles is kept in Service.codecs."""

    name: str                                      # the model's word: json, query, ec2, rest-json, …

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        """Which operation the bytes name. UnknownOperation."""

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        """Params by AWS's member names; blobs are bytes, timestamps aware datetimes. SerializationException."""

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse: ...

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse: ...

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        """Status and headers of a streaming answer; its body stays empty, frames follow."""

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        """The members beside the stream, where the protocol sends them as a first frame; else b""."""

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        """One event of the output stream: {member of the union: payload}."""

    def frame_error(self, operation: Operation, error: AwsError) -> bytes: ...


def find_error(service: Service, operation: Operation | None, error: AwsError) -> ErrorShape | None:
    """The modelled shape of this error: the operation's own of that code first, then the service's."""
    code = error.error_code
    if operation is not None and code in operation.errors:
        return operation.errors[code]
    return service.error(code)


def error_status(error: AwsError, shape: ErrorShape | None) -> int:
    if error.status is not None:
        return error.status
    return shape.status if shape else COMMON_STATUS.get(error.error_code, 400)


def is_sender(status: int, shape: ErrorShape | None) -> bool:
    """Whose fault: `Sender` or `Receiver` in the query protocols."""
    return shape.sender if shape else status < 500


def error_members(error: AwsError, shape: ErrorShape | None) -> dict[str, Any]:
    """The fields, and the message under the name the shape gives it (message, Message)."""
    members = dict(error.fields)
    name = message_member(shape)
    if error.message and name:
        members.setdefault(name, error.message)
    return members


def message_member(shape: ErrorShape | None) -> str:
    """ "" when the shape has no member for it."""
    names = shape.shape.members if shape else ()
    return next((name for name in names if name.lower() == "message"), "")


def unknown_operation(name: str, status: int | None = None) -> UnknownOperation:
    return UnknownOperation(f"The requested operation {name[:128]!r} is not known to this service.", status=status)


def malformed(message: str = "") -> SerializationException:
    return SerializationException(message)


def check_nesting(levels: Iterator[Any]) -> None:
    """`levels` yields once per level of a document. SerializationException beyond NESTING_MAX."""
    for depth, _ in enumerate(levels, 1):
        if depth > NESTING_MAX:
            raise malformed(f"The request is nested deeper than {NESTING_MAX} levels.")


def tree_levels(value: Any) -> Iterator[list[Any]]:
    """The containers of a JSON-like value, level by level."""
    level: list[Any] = [value] if type(value) in (dict, list) else []
    while level:
        yield level
        level = [
            child
            for node in level
            for child in _children(node)
            if type(child) is dict or type(child) is list
        ]


def _children(node: Any) -> Iterable[Any]:
    return node.values() if type(node) is dict else node
