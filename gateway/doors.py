"""OpenAI's and Anthropic's own paths to Bedrock: another body and another framing for InvokeModel.

    POST /openai/v1/chat/completions, /v1/chat/completions      GET /openai/v1/models, /v1/models
    POST /anthropic/v1/messages, /v1/messages

The body goes to InvokeModel as it is, its `model` as modelId and its form in contentType, so that validation,
authorisation and guardrails are those of Bedrock. Streams go out as server-sent events. Each is a Protocol: to the
gateway it is one more way to speak to bedrock-runtime.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson

from gateway.protocols.wire import HttpRequest, HttpResponse, Protocol, error_status, find_error, unknown_operation
from schemas.errors import AwsError, ValidationException
from schemas.models import Operation, Service

JSON, EVENTS = "application/json", "text/event-stream"
_GUARDRAIL_HEADERS = {
    "x-amzn-bedrock-guardrailidentifier": "guardrailIdentifier", "x-amzn-bedrock-guardrailversion": "guardrailVersion",
    "x-amzn-bedrock-trace": "trace",
}
_HIDDEN = "amazon-bedrock-invocationMetrics"       # of the last chunk: Bedrock's own, which these clients do not know


class Door:
    """What both have in common. The body is read once, into `HttpRequest.named`."""

    name: str = ""
    form: str = ""                                 # the contentType that tells bedrock-runtime the body's form

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        if request.method != "POST":
            raise unknown_operation(f"{request.method} {request.path}", 405)
        request.named = body = _load(request.body)
        return service.operations["InvokeModelWithResponseStream" if body.get("stream") else "InvokeModel"]

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        body = dict(request.named)
        model = body.pop("model", None)
        if not isinstance(model, str) or not model:
            raise ValidationException("model: Field required")
        headers = request.headers
        given = {member: headers[name] for name, member in _GUARDRAIL_HEADERS.items() if name in headers}
        return {"modelId": model, "contentType": self.form, "body": self.body(body), **given}

    def body(self, body: dict[str, Any]) -> bytes:
        """What bedrock-runtime reads, of what the client sent."""
        raise NotImplementedError

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        return HttpResponse(200, {"content-type": JSON, "x-amzn-RequestId": request_id}, result["body"])

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        status = error_status(error, find_error(service, operation, error))
        return HttpResponse(status, {"content-type": JSON, "x-amzn-RequestId": request_id},
                            orjson.dumps(self.error(status, error)))

    def error(self, status: int, error: AwsError) -> dict[str, Any]:
        """In the words of the API this is."""
        raise NotImplementedError

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        headers = {"content-type": EVENTS, "cache-control": "no-cache", "x-amzn-RequestId": request_id}
        return HttpResponse(200, headers, b"")

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        return b""

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        chunk = orjson.loads(event["chunk"]["bytes"])
        last = chunk.pop(_HIDDEN, None) is not None
        return b"".join(self.frames(chunk, last))

    def frames(self, chunk: dict[str, Any], last: bool) -> Iterator[bytes]:
        raise NotImplementedError

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        status = error_status(error, find_error(operation.service, operation, error))
        return b"event: error\ndata: " + orjson.dumps(self.error(status, error)) + b"\n\n"


class OpenAI(Door):
    """https://platform.openai.com/docs/api-reference/chat"""

    name = "openai"
    form = "application/vnd.skybus.openai+json"
    _TYPES: ClassVar = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
                        404: "not_found_error", 429: "rate_limit_error"}

    def body(self, body: dict[str, Any]) -> bytes:
        return orjson.dumps(body)

    def error(self, status: int, error: AwsError) -> dict[str, Any]:
        return {"error": {"message": error.message or error.error_code, "type": self._TYPES.get(status, "server_error"),
                          "param": None, "code": error.error_code}}

    def frames(self, chunk: dict[str, Any], last: bool) -> Iterator[bytes]:
        usage = chunk.pop("usage", None)
        yield _data(chunk)
        if last:
            if usage is not None:
                yield _data({**chunk, "choices": [], "usage": usage})
            yield b"data: [DONE]\n\n"


class Anthropic(Door):
    """https://docs.anthropic.com/en/api/messages"""

    name = "anthropic"
    form = "application/vnd.skybus.anthropic+json"
    _TYPES: ClassVar = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
                        404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error",
                        503: "overloaded_error"}

    def body(self, body: dict[str, Any]) -> bytes:
        body.pop("stream", None)
        return orjson.dumps({"anthropic_version": "bedrock-2023-05-31", **body})

    def error(self, status: int, error: AwsError) -> dict[str, Any]:
        return {"type": "error", "error": {"type": self._TYPES.get(status, "api_error"),
                                           "message": error.message or error.error_code}}

    def frames(self, chunk: dict[str, Any], last: bool) -> Iterator[bytes]:
        yield b"event: " + str(chunk["type"]).encode() + b"\n" + _data(chunk)


class Models(Door):
    """GET /v1/models, in OpenAI's form: ListFoundationModels of the control plane."""

    name = "openai-models"

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        if request.method != "GET":
            raise unknown_operation(f"{request.method} {request.path}", 405)
        return service.operations["ListFoundationModels"]

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        return {}

    def error(self, status: int, error: AwsError) -> dict[str, Any]:
        return _OPENAI.error(status, error)

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        models = [{"id": model["modelId"], "object": "model", "created": 0, "owned_by": model["providerName"]}
                  for model in result.get("modelSummaries", ())]
        return HttpResponse(200, {"content-type": JSON, "x-amzn-RequestId": request_id},
                            orjson.dumps({"object": "list", "data": models}))


_OPENAI, _ANTHROPIC, _MODELS = OpenAI(), Anthropic(), Models()
_PATHS: dict[str, tuple[str, Protocol]] = {
    "/v1/chat/completions": ("bedrock-runtime", _OPENAI), "/v1/messages": ("bedrock-runtime", _ANTHROPIC),
    "/v1/models": ("bedrock", _MODELS),
}
_WHOLE = {
    **{f"/openai{path}": door for path, door in _PATHS.items() if path != "/v1/messages"},
    "/anthropic/v1/messages": _PATHS["/v1/messages"], **_PATHS,
}


def find(path: str) -> tuple[str, Protocol] | None:
    """The service and the protocol of a path that is a door."""
    return _WHOLE.get(path)


def _load(body: bytes | None) -> dict[str, Any]:
    try:
        loaded = orjson.loads(body or b"")
    except orjson.JSONDecodeError as error:
        raise ValidationException("The request body is not valid JSON.") from error
    if not isinstance(loaded, dict):
        raise ValidationException("The request body is not a JSON object.")
    return loaded


def _data(value: Any) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
