"""application/vnd.amazon.eventstream: frames of output streams, and a decoder.

A frame is total length, headers length, CRC-32 of those 8 bytes, headers, payload, CRC-32 of everything before it;
integers big-endian. https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zlib import crc32

from gateway.protocols import scalars
from gateway.protocols.wire import error_members, find_error, malformed
from schemas.errors import AwsError
from schemas.models import Member, Operation, Shape

CONTENT_TYPE = "application/vnd.amazon.eventstream"
HEADERS_MAX_BYTES = 128 * 1024
PAYLOAD_MAX_BYTES = 24 * 1024 * 1024               # the form's own limits
_OVERHEAD_BYTES = 16

# (the shape, its members to send, are they the whole shape?) -> payload and its content type
Payload = Callable[[Shape, Mapping[str, Any], bool], tuple[bytes, str]]

_PRELUDE = struct.Struct(">II")
_TRUE, _FALSE, _BYTE, _SHORT, _INTEGER, _LONG, _BYTES, _STRING, _TIMESTAMP, _UUID = range(10)
_FIXED = {_BYTE: ">b", _SHORT: ">h", _INTEGER: ">i", _LONG: ">q", _TIMESTAMP: ">q"}


def frame(headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One message. Header values: str, bytes, bool, int (as a long where it needs one), datetime (milliseconds)."""
    head = b"".join([_header(name, value) for name, value in headers.items()])
    assert len(head) <= HEADERS_MAX_BYTES
    assert len(payload) <= PAYLOAD_MAX_BYTES
    prelude = _PRELUDE.pack(len(head) + len(payload) + _OVERHEAD_BYTES, len(head))
    message = b"".join([prelude, struct.pack(">I", crc32(prelude)), head, payload])
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: Any) -> bytes:
    encoded = name.encode()
    return struct.pack(">B", len(encoded)) + encoded + _value(value)


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return struct.pack(">BH", _STRING, len(text)) + text
    if isinstance(value, bool):
        return bytes([_TRUE if value else _FALSE])
    if isinstance(value, bytes):
        return struct.pack(">BH", _BYTES, len(value)) + value
    if isinstance(value, datetime):
        return struct.pack(">Bq", _TIMESTAMP, round(scalars.epoch_number(value) * 1000))
    assert isinstance(value, int)
    return struct.pack(">Bi", _INTEGER, value) if -(2**31) <= value < 2**31 else struct.pack(">Bq", _LONG, value)


def initial_frame(payload: bytes, content_type: str) -> bytes:
    """The members beside the stream, which the RPC protocols send first."""
    return frame({":message-type": "event", ":event-type": "initial-response", ":content-type": content_type}, payload)


def event_frame(operation: Operation, event: Mapping[str, Any], payload: Payload) -> bytes:
    """`event` is {member of the union: its members}."""
    (name, members), = event.items()
    member = _union(operation).members[name]
    shape = member.shape
    if shape.traits.get("exception"):
        kind = {":message-type": "exception", ":exception-type": name}
    else:
        kind = {":message-type": "event", ":event-type": name}
    headers, body = _split(shape, members, payload)
    return frame({**kind, **headers}, body)


def _union(operation: Operation) -> Shape:
    assert operation.output is not None
    assert operation.event_stream_out, f"{operation!r} does not stream"
    return operation.output.members[operation.event_stream_out].shape


def _split(shape: Shape, members: Mapping[str, Any], payload: Payload) -> tuple[dict[str, Any], bytes]:
    """eventheader members into headers, the eventpayload (else all others) into the payload."""
    given = {name: value for name, value in members.items() if value is not None and name in shape.members}
    in_headers = {name: value for name, value in given.items() if shape.members[name].traits.get("eventheader")}
    body_member = next((member for member in shape.members.values() if member.traits.get("eventpayload")), None)
    if body_member is not None:
        body, content_type = _payload_member(body_member, given.get(body_member.name), payload)
    else:
        body, content_type = payload(
            shape, {name: value for name, value in given.items() if name not in in_headers}, not in_headers
        )
    return {":content-type": content_type, **in_headers}, body


def _payload_member(member: Member, value: Any, payload: Payload) -> tuple[bytes, str]:
    if member.shape.kind == "blob":
        return value or b"", "application/octet-stream"
    if member.shape.kind == "string":
        return (value or "").encode(), "text/plain"
    return payload(member.shape, value or {}, True)


def error_frame(operation: Operation, error: AwsError, payload: Payload) -> bytes:
    """A modelled error of the stream is an exception event; any other ends it with an error message."""
    union = _union(operation)
    shape = find_error(operation.service, operation, error)
    if shape is not None:
        for name, member in union.members.items():
            if member.shape is shape.shape:
                return event_frame(operation, {name: error_members(error, shape)}, payload)
    return frame({":message-type": "error", ":error-code": error.error_code, ":error-message": error.message})


class Frame(NamedTuple):
    headers: dict[str, Any]
    payload: bytes


def decode(data: bytes) -> tuple[Frame | None, int]:
    """The first frame and its length in bytes; (None, 0) while it is incomplete. SerializationException."""
    if len(data) < _PRELUDE.size + 4:
        return None, 0
    total, head_length = _PRELUDE.unpack_from(data)
    if total > HEADERS_MAX_BYTES + PAYLOAD_MAX_BYTES + _OVERHEAD_BYTES or head_length + _OVERHEAD_BYTES > total:
        raise malformed("An event's lengths are out of bounds.")
    if int.from_bytes(data[8:12], "big") != crc32(data[:8]):
        raise malformed("An event's prelude does not match its checksum.")
    if len(data) < total:
        return None, 0
    if int.from_bytes(data[total - 4:total], "big") != crc32(data[:total - 4]):
        raise malformed("An event does not match its checksum.")
    end = 12 + head_length
    return Frame(_headers(data[12:end]), bytes(data[end:total - 4])), total


def _headers(data: bytes) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    at = 0
    try:
        while at < len(data):
            length = data[at]
            name = data[at + 1:at + 1 + length].decode()
            headers[name], at = _read_value(data, at + 1 + length)
    except (IndexError, ValueError, struct.error):
        raise malformed("An event's headers are malformed.") from None
    return headers


def _read_value(data: bytes, at: int) -> tuple[Any, int]:
    kind = data[at]
    at += 1
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in (_BYTES, _STRING):
        length = int.from_bytes(data[at:at + 2], "big")
        value = data[at + 2:at + 2 + length]
        if len(value) != length:
            raise IndexError
        return value if kind == _BYTES else value.decode(), at + 2 + length
    if kind == _UUID:
        return UUID(bytes=bytes(data[at:at + 16])), at + 16
    form = _FIXED.get(kind, "")
    if not form:
        raise ValueError(f"header type {kind}")
    (number,) = struct.unpack_from(form, data, at)
    return scalars.from_epoch(number / 1000) if kind == _TIMESTAMP else number, at + struct.calcsize(form)
