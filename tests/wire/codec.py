"""Our protocols behind the interface of checks that speak botocore's models (ServiceModel, OperationModel)."""

from typing import Any

from botocore.model import OperationModel, ServiceModel

from gateway.protocols import HttpRequest, HttpResponse, Protocol, named
from schemas.errors import AwsError
from schemas.models import Operation, Service, compile_service

REQUEST_ID = "00000000-0000-4000-8000-000000000000"


class Codec:
    """Compiles each botocore model once; `service` is kept on the model so that it lives as long."""

    def service(self, model: ServiceModel) -> Service:
        kept: dict[str, Service] = model.__dict__.setdefault("_skybus", {})
        if not kept:
            kept["service"] = compile_service(model.service_name, model.__dict__["_service_description"])
        return kept["service"]

    def operation(self, operation: OperationModel) -> Operation:
        return self.service(operation.service_model).operations[operation.name]

    def protocol(self, model: ServiceModel) -> Protocol:
        return named(model.metadata["protocol"])

    def parse(self, model: ServiceModel, request: Any) -> tuple[str, dict[str, Any]]:
        headers = {name.lower(): value for name, value in request.headers.items()}
        made = HttpRequest(request.method, request.path, request.query, headers, request.body)
        protocol = self.protocol(model)
        operation = protocol.operation(self.service(model), made)
        return operation.name, protocol.parse(operation, made)

    def serialise(self, model: ServiceModel, operation: OperationModel, result: dict[str, Any]) -> HttpResponse:
        return _without_id(self.protocol(model).serialise(self.operation(operation), result, REQUEST_ID))

    def serialise_error(
        self, model: ServiceModel, operation: OperationModel, code: str, message: str, members: dict[str, Any],
        status: int,
    ) -> HttpResponse:
        error = AwsError(message, code=code, status=status)
        error.fields = {name: value for name, value in members.items() if name != "message"}
        return _without_id(
            self.protocol(model).serialise_error(self.service(model), self.operation(operation), error, REQUEST_ID)
        )


def _without_id(response: HttpResponse) -> HttpResponse:
    """The request id is no member of a result, but a map of all headers (prefix "") would read it as one."""
    del response.headers["x-amzn-RequestId"]
    return response


codec = Codec()
