"""AWS's wire protocols, both directions, driven by the models: json, query, ec2, rest-json, rest-xml, rpc-v2-cbor.

`protocol_for(service, request)` says which one a request speaks; a protocol then names the operation, parses the
params, and serialises results, errors and event streams. All are stateless; modules are imported when first needed.
"""

from importlib import import_module

from gateway.protocols.wire import NESTING_MAX, HttpRequest, HttpResponse, Protocol
from schemas.models import Service

_HOMES = {
    "json": ("json", "Json"),
    "query": ("query", "Query"),
    "ec2": ("ec2", "Ec2"),
    "rest-json": ("rest_json", "RestJson"),
    "rest-xml": ("rest_xml", "RestXml"),
    "smithy-rpc-v2-cbor": ("rpc_v2_cbor", "RpcV2Cbor"),
}
_made: dict[str, Protocol] = {}


def named(name: str) -> Protocol:
    """The protocol of that name, in the model's words."""
    found = _made.get(name)
    if found is None:
        module, attribute = _HOMES[name]
        found = _made[name] = getattr(import_module(f"gateway.protocols.{module}"), attribute)()
    return found


def protocol_for(service: Service, request: HttpRequest) -> Protocol:
    """The one the request speaks, of those the service answers; the model's first when nothing tells."""
    answered = service.protocols
    if len(answered) == 1:
        return named(answered[0])
    spoken = _spoken(request)
    return named(spoken if spoken in answered else service.protocol)


def _spoken(request: HttpRequest) -> str:
    """https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html: smithy-protocol decides before all else."""
    headers = request.headers
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "smithy-rpc-v2-cbor"
    if "x-amz-target" in headers:
        return "json"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return "query"
    return ""


__all__ = ["NESTING_MAX", "HttpRequest", "HttpResponse", "Protocol", "named", "protocol_for"]
