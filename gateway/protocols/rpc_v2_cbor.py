"""Smithy RPC v2 CBOR: the path names the operation, bodies are CBOR.

https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols import cbor, eventstream
from gateway.protocols.json import error_tree, query_error
from gateway.protocols.trees import Trees
from gateway.protocols.wire import (
    HttpRequest,
    HttpResponse,
    error_status,
    find_error,
    unknown_operation,
)
from schemas.errors import AwsError
from schemas.models import Operation, Service, Shape

CONTENT_TYPE = "application/cbor"


class RpcV2Cbor:
    name = "smithy-rpc-v2-cbor"

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        """/service/<target prefix>/operation/<name>, whatever stands before it."""
        name = request.path.rpartition("/operation/")[2] if "/service/" in request.path else ""
        try:
            return service.operations[name]
        except KeyError:
            raise unknown_operation(name) from None

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        if operation.input is None:
            return {}
        params: dict[str, Any] = _trees(operation.service).reader(operation.input)(
            cbor.decode(request.body) if request.body else {}
        )
        return params

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        body = self._body(operation, result) if operation.output is not None else b""
        return self._response(operation.status, body, request_id)

    def _body(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        members = operation.output.members if operation.output else {}
        stream = operation.event_stream_out
        return cbor.encode({n: item for n, item in result.items() if item is not None and n in members and n != stream})

    def _response(self, status: int, body: bytes, request_id: str) -> HttpResponse:
        headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-RequestId": request_id}
        if body:
            headers["content-type"] = CONTENT_TYPE
        return HttpResponse(status, headers, body)

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        shape = find_error(service, operation, error)
        status = error_status(error, shape)
        name = shape.name if shape else error.error_code
        body = cbor.encode({"__type": name, **error_tree(_trees(service), error, shape)})
        response = self._response(status, body, request_id)
        if "awsQueryCompatible" in service.metadata:
            response.headers["x-amzn-query-error"] = query_error(error, shape, status)
        return response

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        headers = {
            "smithy-protocol": "rpc-v2-cbor", "content-type": eventstream.CONTENT_TYPE, "x-amzn-RequestId": request_id,
        }
        return HttpResponse(operation.status, headers, b"")

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        return eventstream.initial_frame(self._body(operation, result), CONTENT_TYPE)

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        return eventstream.event_frame(operation, event, _payload)

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        return eventstream.error_frame(operation, error, _payload)


def _payload(shape: Shape, members: Mapping[str, Any], whole: bool) -> tuple[bytes, str]:
    return cbor.encode({name: value for name, value in members.items() if value is not None}), CONTENT_TYPE


def _trees(service: Service) -> Trees:
    found = service.codecs.get("cbor")
    if found is None:
        found = service.codecs["cbor"] = Trees(json=False)
    trees: Trees = found
    return trees
