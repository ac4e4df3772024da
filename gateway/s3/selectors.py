"""What of a bucket or of a key a request is about: `?acl`, `?tagging` and the others, each with methods of its own.

A selector that a method does not go with is refused: without it another operation would be meant, and `DELETE
/bucket?acl` would delete the bucket. Measured on AWS in September 2026 by brekkylab/backlot, the resources' types and
the order of the refusals too.
"""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from gateway.protocols.wire import HttpRequest
from schemas.errors import AwsError
from schemas.models import Service

UPLOAD, BUCKET, OBJECT, SERVICE = "uploadId", "BUCKET", "OBJECT", "SERVICE"
_OF_UPLOADS = frozenset({"DELETE", "GET", "POST"})
_UPLOADING = _OF_UPLOADS | {"PUT"}        # parts are put, and looked at with their number
_OF_ROOT = frozenset({"GET"})
_NONE = frozenset({"session", "renameObject"})                # of directory buckets alone
_ALSO_AT_BUCKETS: Mapping[str, frozenset[str]] = {"restore": frozenset(), "torrent": frozenset(), UPLOAD: _UPLOADING}
# Told of the bucket where a key is named.
_OF_BUCKETS_AT_KEYS = frozenset({
    "accelerate", "cors", "delete", "inventory", "lifecycle", "location", "logging", "notification", "policy",
    "replication", "requestPayment", "versioning", "versions", "website",
})
_NOT_OF_KEYS = {
    "logging": ("NoLoggingStatusForKey", "There is no such thing as the ?logging sub-resource for a key"),
    "uploads": ("InvalidRequest", "Key is not expected for the GET method ?uploads subresource"),
    "versions": ("InvalidRequest", "There is no such thing as the ?versions sub-resource for a key"),
}
_TYPES = {
    "abac": "BUCKET_ABAC", "annotation": "OBJECT_ANNOTATIONS", "attributes": "OBJECT_ATTRIBUTES",
    "delete": "MULTI_OBJECT_DELETE", "legal-hold": "OBJECT_LOCK_LEGALHOLD", "logging": "LOGGING_STATUS",
    "metadataConfiguration": "BUCKET_METADATA_CONFIGURATION", "object-lock": "OBJECT_LOCK_CONFIGURATION",
    "policy": "BUCKETPOLICY", "retention": "OBJECT_LOCK_RETENTION", UPLOAD: "UPLOAD", "versions": "BUCKETVERSIONS",
}
_AT_KEYS = {"encryption": "OBJECT_ENCRYPTION", "tagging": "OBJECT_TAGGING"}
_WORD = re.compile("(?<=[a-z])(?=[A-Z])|-")


class _Methods(NamedTuple):
    """By selector, at the path of a bucket and at that of a key."""

    bucket: Mapping[str, frozenset[str]]
    key: Mapping[str, frozenset[str]]


class MethodNotAllowed(AwsError):
    code = "MethodNotAllowed"

    def __init__(self, method: str, resource: str, allowed: Iterable[str] = ()) -> None:
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        super().__init__("The specified method is not allowed against this resource.", status=405, Method=method,
                         ResourceType=resource, Headers=headers)


def resource(request: HttpRequest) -> str:
    """What a path is of."""
    _, bucket, key = f"{request.path}//".split("/", 2)
    return OBJECT if key.rstrip("/") else BUCKET if bucket else SERVICE


def strange(request: HttpRequest) -> MethodNotAllowed:
    """Of a method that nothing there has. Measured at the root: versitygw's issue 1810."""
    where = resource(request)
    return MethodNotAllowed(request.method, where, _OF_ROOT if where == SERVICE else ())


def unnumbered() -> MethodNotAllowed:
    """Of an upload nothing is put but its parts. Measured: versitygw's issue 1236."""
    return MethodNotAllowed("PUT", _TYPES[UPLOAD], _OF_UPLOADS)


def meant(service: Service, request: HttpRequest) -> HttpRequest:
    """The request, or where it names a key and is about something of the bucket, that of the bucket. InvalidArgument,
    MethodNotAllowed, InvalidRequest, NoLoggingStatusForKey."""
    at_key, methods = resource(request) == OBJECT, _methods(service)
    known = methods.key if at_key else methods.bucket
    named = _named(known, request.query)
    if not named:
        return request
    if at_key and request.method == "GET":
        _check_at_key(named)
    if request.method not in known[named]:
        raise MethodNotAllowed(request.method, _type(named, at_key), known[named])
    if not at_key and named == UPLOAD:
        raise AwsError("A key must be specified", code="InvalidRequest", status=400)
    if not at_key or named not in _OF_BUCKETS_AT_KEYS:
        return request
    return replace(request, path="/" + request.path.split("/", 2)[1])


def _named(known: Container[str], query: str) -> str:
    """The one that is there, "" without one. InvalidArgument."""
    named = sorted({name for name in (unquote_plus(pair.partition("=")[0]) for pair in query.split("&"))
                    if name in known})
    if len(named) > 1:
        raise AwsError(f"Conflicting query string parameters: {', '.join(named)}", code="InvalidArgument", status=400,
                       ArgumentName="ResourceType", ArgumentValue=named[0])
    return named[0] if named else ""


def _check_at_key(named: str) -> None:
    if named in _NOT_OF_KEYS:
        code, sentence = _NOT_OF_KEYS[named]
        raise AwsError(sentence, code=code, status=400)


def _type(named: str, at_key: bool) -> str:
    found = (_AT_KEYS.get(named) if at_key else None) or _TYPES.get(named)
    return found or _WORD.sub("_", named).upper()


@cache
def _methods(service: Service) -> _Methods:
    found: tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]] = ({}, {UPLOAD: _UPLOADING})
    for operation in service.operations.values():
        path, _, query = operation.uri.partition("?")
        methods = found["{Key" in path]
        for name in query.split("&"):
            if name and "=" not in name and name not in _NONE:
                methods[name] = methods.get(name, frozenset()) | {operation.method}
    at_keys = {name: methods for name, methods in found[0].items() if name in _OF_BUCKETS_AT_KEYS}
    return _Methods({**found[0], **_ALSO_AT_BUCKETS}, {**at_keys, **found[1]})
