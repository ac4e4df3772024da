"""EC2's form of the query protocol. https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols.query import Codecs, Query, write_error, xml_response
from gateway.protocols.wire import HttpResponse, error_status, find_error
from gateway.protocols.xml_shapes import escape, namespace, write_members
from schemas.errors import AwsError
from schemas.models import Member, Operation, Service


class _Codecs(Codecs):
    def input_name(self, member: Member) -> str:
        """queryName, else the capitalised locationName, else the member's name."""
        query_name: str = member.trait("queryName") or ""
        if query_name:
            return query_name
        name: str = member.trait("locationName") or member.name
        return name[:1].upper() + name[1:] if member.trait("locationName") else name

    def list_step(self, member: Member) -> str:
        return ""


class Ec2(Query):
    name = "ec2"
    codecs_class = _Codecs
    unknown = "The action {action} is not valid for this web service."

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        out = [f"<{operation.name}Response{namespace(operation.service.metadata.get('xmlNamespace'))}>"]
        out.append(f"<requestId>{escape(request_id)}</requestId>")
        if operation.output is not None:
            write_members(self.codecs(operation.service).writers.inside(operation.output), out, result)
        out.append(f"</{operation.name}Response>")
        return xml_response(operation.status, out, request_id)

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        shape = find_error(service, operation, error)
        out = ["<Response><Errors><Error>"]
        write_error(self.codecs(service).writers, out, error, shape)
        out.append(f"</Error></Errors><RequestID>{escape(request_id)}</RequestID></Response>")
        return xml_response(error_status(error, shape), out, request_id)
