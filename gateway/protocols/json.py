"""AWS JSON 1.0 and 1.1: X-Amz-Target names the operation, the body is one object.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html; query-compatible errors: aws-query-protocol.html there
"""

from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

import orjson

from gateway.protocols import eventstream, scalars
from gateway.protocols.trees import Trees
from gateway.protocols.wire import (
    NESTING_MAX,
    HttpRequest,
    HttpResponse,
    check_nesting,
    error_members,
    error_status,
    find_error,
    is_sender,
    malformed,
    message_member,
    tree_levels,
    unknown_operation,
)
from schemas.errors import AwsError, UnknownOperation
from schemas.models import ErrorShape, Operation, Service, Shape

# Where `__type` carries a namespace; elsewhere it is the bare name. SDKs drop all before the `#`.
_NAMESPACES = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#", "dynamodbstreams": "com.amazonaws.dynamodb.v20120810#",
    "sqs": "com.amazonaws.sqs#",
}
_CORAL = "com.amazon.coral.service#"
_VALIDATION = "com.amazon.coral.validate#"
# DynamoDB's responses carry the CRC-32 of their bytes, which its SDKs check; its unknown operations have no message,
# and operations without output (TagResource, UntagResource) answer no body at all.
_DYNAMODB = frozenset({"dynamodb", "dynamodbstreams"})
# Errors that speak of "Message", as measured on DynamoDB.
_CAPITAL_MESSAGE = frozenset({"AccessDeniedException", "SerializationException"})

Reader = Callable[[Any], dict[str, Any]]


def load_json(body: bytes) -> Any:
    """SerializationException for what is no JSON or is nested too deep."""
    try:
        value = orjson.loads(body)
    except ValueError:
        raise malformed() from None
    if len(body) > 2 * NESTING_MAX and body.count(b"{") + body.count(b"[") > NESTING_MAX:
        check_nesting(tree_levels(value))
    return value


def dump_json(value: Any) -> bytes:
    return orjson.dumps(value, scalars.json_default, orjson.OPT_PASSTHROUGH_DATETIME)


class _Codecs:
    """What is compiled for one service."""

    __slots__ = ("content_type", "readers", "trees", "writers")

    def __init__(self, service: Service) -> None:
        self.content_type = f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.0')}"
        self.trees = Trees(json=True, package=_NAMESPACES.get(service.name, "").replace("#", "."))
        self.readers: dict[str, Reader] = {}       # by operation
        self.writers: dict[str, Reader | None] = {}

    def reader(self, operation: Operation) -> Reader:
        read = self.trees.reader(operation.input) if operation.input else _nothing
        self.readers[operation.name] = read
        return read

    def writer(self, operation: Operation) -> Reader | None:
        write = self.trees.writer(operation.output) if operation.output else _nothing
        if operation.output is not None and operation.event_stream_out:
            members = {n: m for n, m in operation.output.members.items() if n != operation.event_stream_out}
            write = self.trees.body_writer(members)
        self.writers[operation.name] = write
        return write


def _nothing(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise malformed("Unexpected value type in payload")
    return {}


class Json:
    name = "json"

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
        operation = service.operations.get(name)
        if service.name in _DYNAMODB and (operation is None or prefix != service.metadata["targetPrefix"]):
            raise UnknownOperation(status=400)
        if operation is None:
            raise unknown_operation(name, status=400)
        return operation

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        codecs = _codecs(operation.service)
        read = codecs.readers.get(operation.name) or codecs.reader(operation)
        body = request.body
        return read(load_json(body) if body else {})

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        service = operation.service
        silent = operation.output is None and service.name in _DYNAMODB
        body = b"" if silent else self._body(operation, result)
        return self._response(service, operation.status, body, request_id)

    def _body(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        codecs = _codecs(operation.service)
        try:
            write = codecs.writers[operation.name]
        except KeyError:
            write = codecs.writer(operation)
        return orjson.dumps(
            result if write is None else write(result), scalars.json_default, orjson.OPT_PASSTHROUGH_DATETIME
        )

    def _response(self, service: Service, status: int, body: bytes, request_id: str) -> HttpResponse:
        headers = {"content-type": _codecs(service).content_type, "x-amzn-RequestId": request_id}
        if service.name in _DYNAMODB:
            headers["x-amz-crc32"] = str(crc32(body))
        return HttpResponse(status, headers, body)

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        shape = find_error(service, operation, error)
        status = error_status(error, shape)
        if shape is None and error.status is None and status in (401, 403):
            status = 400                           # docs.aws.amazon.com/amazondynamodb: Programming.Errors
        tree = error_tree(_codecs(service).trees, error, shape)
        body = dump_json({"__type": type_name(service, error, shape), **tree})
        response = self._response(service, status, body, request_id)
        if "awsQueryCompatible" in service.metadata:
            response.headers["x-amzn-query-error"] = query_error(error, shape, status)
        return response

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        headers = {"content-type": eventstream.CONTENT_TYPE, "x-amzn-RequestId": request_id}
        return HttpResponse(operation.status, headers, b"")

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        return eventstream.initial_frame(self._body(operation, result), "application/json")

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        return eventstream.event_frame(operation, event, json_payload(_codecs(operation.service).trees))

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        return eventstream.error_frame(operation, error, json_payload(_codecs(operation.service).trees))


def _codecs(service: Service) -> _Codecs:
    found = service.codecs.get("json")
    if found is None:
        found = service.codecs["json"] = _Codecs(service)
    codecs: _Codecs = found
    return codecs


def json_payload(trees: Trees) -> eventstream.Payload:
    """How an event's members become its payload, in the JSON protocols."""

    def payload(shape: Shape, members: Mapping[str, Any], whole: bool) -> tuple[bytes, str]:
        write = trees.writer(shape) if whole else trees.body_writer({name: shape.members[name] for name in members})
        return dump_json(members if write is None else write(members)), "application/json"

    return payload


def type_name(service: Service, error: AwsError, shape: ErrorShape | None) -> str:
    """`__type`: the shape's name in its service's namespace, or a common error in its framework's."""
    namespace = _NAMESPACES.get(service.name, "")
    if shape is not None:
        return namespace + shape.name
    if not namespace:
        return error.error_code
    return (_VALIDATION if error.error_code == "ValidationException" else _CORAL) + error.error_code


def error_tree(trees: Trees, error: AwsError, shape: ErrorShape | None) -> dict[str, Any]:
    """The error's members; an unmodelled one has only its message."""
    if shape is None:
        name = "Message" if error.error_code in _CAPITAL_MESSAGE else "message"
        return {name: error.message} if error.message else {}
    write = trees.writer(shape.shape)
    members = error_members(error, shape)
    tree: dict[str, Any] = members if write is None else write(members)
    if error.message and not message_member(shape):
        tree = {**tree, "message": error.message}
    return tree


def query_error(error: AwsError, shape: ErrorShape | None, status: int) -> str:
    """x-amzn-query-error: the code a query client knows, and whose fault it is."""
    return f"{shape.code if shape else error.error_code};{'Sender' if is_sender(status, shape) else 'Receiver'}"
