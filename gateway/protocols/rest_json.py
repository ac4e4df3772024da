"""AWS REST JSON 1. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols import eventstream
from gateway.protocols.json import dump_json, error_tree, json_payload, load_json
from gateway.protocols.rest import (
    Input,
    Output,
    ReadBody,
    Rest,
    WriteBody,
    input_body,
    output_body,
    read_text,
    write_raw,
)
from gateway.protocols.trees import Trees
from gateway.protocols.wire import HttpResponse, error_members, error_status, find_error, message_member
from schemas.errors import AwsError
from schemas.models import ErrorShape, Operation, Service, Shape

CONTENT_TYPE = "application/json"
_ERROR_TYPE = "x-amzn-ErrorType"


class _Codecs:
    """What is compiled for one service."""

    def __init__(self) -> None:
        self.trees = Trees(json=True)
        self.inputs: dict[str, Input] = {}         # by operation
        self.outputs: dict[str, Output] = {}
        self.errors: dict[str, Output] = {}        # by shape

    def input(self, operation: Operation) -> Input:
        found = self.inputs.get(operation.name)
        if found is None:
            found = Input(operation, self._body_reader(operation), self._payload(operation), map_holds_all=True)
            self.inputs[operation.name] = found
        return found

    def _body_reader(self, operation: Operation) -> ReadBody | None:
        members = input_body(operation.input) if operation.input else {}
        if not members or operation.payload or operation.event_stream_in:
            return None
        read = self.trees.body_reader(members)
        return lambda body: read(load_json(body))

    def _payload(self, operation: Operation) -> ReadBody | None:
        if not operation.payload or operation.event_stream_in:
            return None
        assert operation.input is not None
        shape = operation.input.members[operation.payload].shape
        if shape.kind == "blob":
            return bytes
        if shape.kind == "string":
            return read_text
        read = self.trees.reader(shape)
        return lambda body: read(load_json(body or b"{}"))

    def output(self, operation: Operation) -> Output:
        found = self.outputs.get(operation.name)
        if found is None:
            found = self.outputs[operation.name] = self.structure(operation.output, operation)
        return found

    def structure(self, shape: Shape | None, operation: Operation | None) -> Output:
        if shape is None:
            return Output(None, None, "", None, CONTENT_TYPE)
        payload: str = shape.traits.get("payload", "")
        if not payload:
            return Output(shape, self._body_writer(shape, operation), "", None, CONTENT_TYPE)
        member = shape.members[payload]
        kind = member.shape.kind
        if operation is not None and operation.event_stream_out == payload:
            return Output(shape, None, "", None, eventstream.CONTENT_TYPE)
        if kind in ("blob", "string"):
            return Output(
                shape, None, payload, write_raw, "application/octet-stream" if kind == "blob" else "text/plain"
            )
        write = self.trees.writer(member)
        return Output(
            shape, None, payload, lambda value: dump_json(value if write is None else write(value)), CONTENT_TYPE
        )

    def _body_writer(self, shape: Shape, operation: Operation | None) -> WriteBody | None:
        streamed = operation.event_stream_out if operation is not None else ""
        members = {name: member for name, member in output_body(shape).items() if name != streamed}
        if not members or (operation is not None and operation.method == "HEAD"):
            return None
        write = self.trees.body_writer(members)
        if operation is not None and operation.status == 204:
            return lambda result: dump_json(tree) if (tree := write(result)) else b""
        return lambda result: dump_json(write(result))


class RestJson(Rest):
    name = "rest-json"

    def input(self, operation: Operation) -> Input:
        return _codecs(operation.service).input(operation)

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        output = _codecs(operation.service).output(operation)
        return output.write(operation.status, result, {"x-amzn-RequestId": request_id})

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        shape = find_error(service, operation, error)
        status = error_status(error, shape)
        headers = {"x-amzn-RequestId": request_id, "content-type": CONTENT_TYPE}
        if shape is None:
            body = dump_json(error_tree(_codecs(service).trees, error, None))
            return HttpResponse(status, {**headers, _ERROR_TYPE: error.error_code}, body)
        response = _error_output(service, shape).write(status, error_members(error, shape), headers)
        response.status = status
        response.headers[_ERROR_TYPE] = shape.code  # some models (ivs) list this header as a member too
        if not response.body or (error.message and not message_member(shape)):
            response.body = dump_json(error_tree(_codecs(service).trees, error, shape))
        return response

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        response = self.serialise(operation, result, request_id)
        response.headers["content-type"] = eventstream.CONTENT_TYPE
        response.body = b""
        return response

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        return b""                                 # in REST the other members travel as headers

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        return eventstream.event_frame(operation, event, json_payload(_codecs(operation.service).trees))

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        return eventstream.error_frame(operation, error, json_payload(_codecs(operation.service).trees))


def _error_output(service: Service, shape: ErrorShape) -> Output:
    codecs = _codecs(service)
    found = codecs.errors.get(shape.name)
    if found is None:
        found = codecs.errors[shape.name] = codecs.structure(shape.shape, None)
    return found


def _codecs(service: Service) -> _Codecs:
    found = service.codecs.get("rest-json")
    if found is None:
        found = service.codecs["rest-json"] = _Codecs()
    codecs: _Codecs = found
    return codecs
