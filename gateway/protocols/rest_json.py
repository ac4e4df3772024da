"""AWS REST JSON 1. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols import eventstream
from gateway.protocols.json import dump_json, error_tree, json_payload, load_json
from gateway.protocols.rest import Input, Output, ReadBody, Rest, WriteBody
from gateway.protocols.rest_codecs import RestCodecs
from gateway.protocols.trees import Trees
from gateway.protocols.wire import HttpResponse, error_members, error_status, find_error, message_member
from schemas.errors import AwsError
from schemas.models import ErrorShape, Member, Operation, Service, Shape

CONTENT_TYPE = "application/json"
_ERROR_TYPE = "x-amzn-ErrorType"


class _Codecs(RestCodecs):
    content_type = CONTENT_TYPE
    map_holds_all = True

    def __init__(self) -> None:
        super().__init__()
        self.trees = Trees(json=True)
        self._errors: dict[str, Output] = {}       # by shape

    def error(self, shape: ErrorShape) -> Output:
        found = self._errors.get(shape.name)
        if found is None:
            found = self._errors[shape.name] = self.structure(shape.shape, None)
        return found

    def read_body(self, members: Mapping[str, Member]) -> ReadBody:
        read = self.trees.body_reader(members)
        return lambda body: read(load_json(body))

    def read_payload(self, member: Member) -> ReadBody:
        read = self.trees.reader(member.shape)
        return lambda body: read(load_json(body or b"{}"))

    def write_body(self, shape: Shape, members: Mapping[str, Member], operation: Operation | None) -> WriteBody:
        write = self.trees.body_writer(members)
        if operation is not None and operation.status == 204:
            return lambda result: dump_json(tree) if (tree := write(result)) else b""
        return lambda result: dump_json(write(result))

    def write_payload(self, member: Member) -> WriteBody:
        write = self.trees.writer(member)
        return lambda value: dump_json(value if write is None else write(value))


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
        response = _codecs(service).error(shape).write(status, error_members(error, shape), headers)
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


def _codecs(service: Service) -> _Codecs:
    found = service.codecs.get("rest-json")
    if found is None:
        found = service.codecs["rest-json"] = _Codecs()
    codecs: _Codecs = found
    return codecs
