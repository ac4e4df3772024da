"""Envelopes and records as msgpack bytes, and back; the only importer of msgpack.

A map with short keys, members at their default left out, unknown members ignored; bus/README.md documents the bytes.
Blobs are bin, timestamps the timestamp extension (aware datetimes in UTC), text valid UTF-8, integers -2^63 … 2^64-1.
Whatever bytes arrive, the answer is an envelope or MalformedEnvelope; whatever is to be sent, bytes or Unencodable.
Not here: what a member of `params` must be (schemas/validate.py) and how a large envelope travels (bus/bodies.py).
"""

from typing import Any, NamedTuple, NoReturn

import msgpack

from bus.subjects import is_token
from schemas.envelope import DEFAULT_REGION, VERSION, Fault, Reply, Request

NESTING_LIMIT = 128                       # containers inside each other; DynamoDB's 32 levels need 66
NAME_LIMIT_CHARS = 256                    # of id, trace, codes, and each value of `source`
SOURCE_LIMIT_MEMBERS = 16

PULL = "pull"                             # the kind of claim every door understands


class MalformedEnvelope(ValueError):
    """These bytes are no envelope of ours. The message says why, and never quotes them."""


class Unencodable(ValueError):
    """This value cannot cross the bus: a lone surrogate, an integer past 64 bits, a naive datetime, a foreign type."""


class Claim(NamedTuple):
    """Stands in a message for an envelope too large for one. `inbox` answers pulls for `body`; see bus/bodies.py."""

    body: str                             # unguessable name of the body at its sender
    size: int                             # bytes of the encoded envelope
    crc32: int                            # of the same
    inbox: str = ""                       # in a reply: empty, its NATS reply subject says it
    id: str = ""                          # of the request
    deadline_ms: int = 0
    kind: str = PULL


def _refuse_extension(code: int, _data: bytes) -> NoReturn:
    raise ValueError(f"extension type {code}")


_packer = msgpack.Packer(datetime=True)
_pack = _packer.pack
_unpackb = msgpack.unpackb
_OUTGOING_ERRORS = (ValueError, TypeError, OverflowError)
_INCOMING_ERRORS = (ValueError, TypeError, OverflowError, msgpack.exceptions.UnpackException)
# Every byte that cannot open a map or an array: what is left of a message bounds its nesting from above.
_NOT_CONTAINERS = bytes(byte for byte in range(256) if not (0x80 <= byte <= 0x9F or 0xDC <= byte <= 0xDF))


def pack(value: Any) -> bytes:
    """Unencodable."""
    try:
        return _pack(value)  # type: ignore[no-any-return]
    except _OUTGOING_ERRORS as error:
        raise Unencodable(f"cannot be msgpack: {error}") from error


def unpack(data: bytes) -> Any:
    """One value and nothing after it; for records and messages of our own. MalformedEnvelope."""
    try:
        return _unpackb(data, timestamp=3, strict_map_key=False, ext_hook=_refuse_extension)
    except _INCOMING_ERRORS as error:
        raise MalformedEnvelope(f"not msgpack: {type(error).__name__}") from error


def encode_request(request: Request) -> bytes:
    """Unencodable."""
    members: dict[str, Any] = {"params": request.params}
    if request.id:
        members["id"] = request.id
    if request.region != DEFAULT_REGION:
        members["region"] = request.region
    if request.deadline_ms:
        members["deadline_ms"] = request.deadline_ms
    if request.trace:
        members["trace"] = request.trace
    if request.source:
        members["source"] = request.source
    return pack(members)


def decode_request(data: bytes) -> Request | Claim:
    """MalformedEnvelope; also when nested deeper than NESTING_LIMIT, since direct publishers write what they like."""
    members = _envelope(data)
    if len(data) > NESTING_LIMIT and len(data.translate(None, _NOT_CONTAINERS)) > NESTING_LIMIT:
        _check_nesting(members)
    get = members.get
    request_id = get("id", "")
    deadline_ms = get("deadline_ms", 0)
    if type(request_id) is not str or len(request_id) > NAME_LIMIT_CHARS:
        raise MalformedEnvelope("`id` must be a string of at most 256 characters")
    if type(deadline_ms) is not int or deadline_ms < 0:
        raise MalformedEnvelope("`deadline_ms` must be a non-negative integer")
    if "body" in members:
        return _claim(members["body"], request_id, deadline_ms)
    params = get("params")
    region = get("region", DEFAULT_REGION)
    trace = get("trace", "")
    source = get("source")
    if type(params) is not dict:
        raise MalformedEnvelope("`params` must be a map")
    if region != DEFAULT_REGION and (type(region) is not str or not is_token(region)):
        raise MalformedEnvelope("`region` must be a region's name")
    if type(trace) is not str or len(trace) > NAME_LIMIT_CHARS:
        raise MalformedEnvelope("`trace` must be a string of at most 256 characters")
    if source is not None:
        _check_source(source)
    return Request(params, request_id, region, deadline_ms, trace, source)


def encode_reply(reply: Reply) -> bytes:
    """Unencodable."""
    members: dict[str, Any] = {}
    if reply.id:
        members["id"] = reply.id
    if reply.ok is not None:
        assert reply.error is None, "a reply is an answer or an error"
        members["ok"] = reply.ok
    if reply.error is not None:
        members["error"] = _fault_members(reply.error)
    if reply.event is not None:
        members["event"] = reply.event
    if reply.end:
        members["end"] = True
    return pack(members)


def decode_reply(data: bytes) -> Reply | Claim:
    """MalformedEnvelope."""
    members = _envelope(data)
    get = members.get
    reply_id = get("id", "")
    if type(reply_id) is not str:
        raise MalformedEnvelope("`id` must be a string")
    ok = get("ok")
    if type(ok) is dict and len(members) == 2 and "id" in members:
        return Reply(reply_id, ok)        # nearly every reply
    if "body" in members:
        return _claim(members["body"], reply_id, 0)
    error, event = get("error"), get("event")
    if (ok is not None and type(ok) is not dict) or (event is not None and type(event) is not dict):
        raise MalformedEnvelope("`ok` and `event` must be maps")
    if ok is not None and error is not None:
        raise MalformedEnvelope("a reply is an answer or an error")
    end = get("end", False)
    fault = None if error is None else _fault(error)
    if ok is None and fault is None and event is None and end is not True:
        raise MalformedEnvelope("a reply must say something")
    return Reply(reply_id, ok, fault, event, end is True)


def encode_claim(claim: Claim) -> bytes:
    """The message that stands for the body."""
    body = {"kind": claim.kind, "body": claim.body, "size": claim.size, "crc32": claim.crc32}
    if claim.inbox:
        body["inbox"] = claim.inbox
    members: dict[str, Any] = {"body": body}
    if claim.id:
        members["id"] = claim.id
    if claim.deadline_ms:
        members["deadline_ms"] = claim.deadline_ms
    return pack(members)


def _envelope(data: bytes) -> dict[str, Any]:
    try:
        members = _unpackb(data, timestamp=3, ext_hook=_refuse_extension)
    except _INCOMING_ERRORS as error:
        raise MalformedEnvelope(f"not msgpack: {type(error).__name__}") from error
    if type(members) is not dict:
        raise MalformedEnvelope("an envelope must be a map")
    if members.get("v", VERSION) != VERSION:
        raise MalformedEnvelope(f"this envelope's version is not {VERSION}")
    return members


def _check_nesting(outermost: dict[str, Any]) -> None:
    level: list[Any] = [outermost]
    for _ in range(NESTING_LIMIT):
        level = [
            inner
            for container in level
            for inner in (container.values() if type(container) is dict else container)
            if type(inner) in (dict, list)
        ]
        if not level:
            return
    raise MalformedEnvelope(f"nested deeper than {NESTING_LIMIT} levels")


def _check_source(source: Any) -> None:
    if type(source) is not dict or len(source) > SOURCE_LIMIT_MEMBERS:
        raise MalformedEnvelope("`source` must be a map of at most 16 members")
    for name, value in source.items():
        if type(name) is not str or type(value) is not str or len(value) > 4 * NAME_LIMIT_CHARS:
            raise MalformedEnvelope("`source` must map strings to strings of at most 1,024 characters")


def _claim(body: Any, request_id: str, deadline_ms: int) -> Claim:
    if type(body) is not dict:
        raise MalformedEnvelope("`body` must be a map")
    name, size, crc32, inbox, kind = (body.get(key) for key in ("body", "size", "crc32", "inbox", "kind"))
    if kind != PULL:
        raise MalformedEnvelope("this kind of body is not known here")
    if type(name) is not str or not is_token(name):
        raise MalformedEnvelope("a body's name must be a token")
    if type(size) is not int or size < 0 or type(crc32) is not int or not 0 <= crc32 < 1 << 32:
        raise MalformedEnvelope("a body needs its size and crc32")
    if inbox is not None and type(inbox) is not str:
        raise MalformedEnvelope("a body's inbox must be a subject")
    return Claim(name, size, crc32, inbox or "", request_id, deadline_ms)


def _fault_members(fault: Fault) -> dict[str, Any]:
    members: dict[str, Any] = {"code": fault.code, "message": fault.message}
    if fault.fields:
        members["fields"] = fault.fields
    if fault.status:
        members["status"] = fault.status
    return members


def _fault(error: Any) -> Fault:
    if type(error) is not dict:
        raise MalformedEnvelope("`error` must be a map")
    code, message = error.get("code"), error.get("message", "")
    fields, status = error.get("fields", {}), error.get("status", 0)
    if type(code) is not str or type(message) is not str or type(fields) is not dict or type(status) is not int:
        raise MalformedEnvelope("`error` needs code, message, fields and status of their types")
    return Fault(code, message, fields, status)


__all__ = [
    "PULL", "Claim", "MalformedEnvelope", "Unencodable", "decode_reply", "decode_request", "encode_claim",
    "encode_reply", "encode_request", "pack", "unpack",
]
