"""Copies: what a request for one may not bring, and that no request for something else names a source.

Sources: versitygw's issues 1226, 1236, 1242 and 1612 and its pull request 1642, with what S3 answered in 2025.
"""

from gateway.protocols.wire import HttpRequest
from gateway.s3 import queries
from schemas.errors import AwsError
from schemas.models import Operation

SOURCE = "x-amz-copy-source"
_COPY = "CopyObject"
COPIES = frozenset({_COPY, "UploadPartCopy"})


def check_source(request: HttpRequest) -> None:
    """What is copied is put. A POST is looked at where it is about an upload. InvalidArgument."""
    if request.method != "PUT" and (request.method != "POST" or "uploadId=" in request.query):
        raise AwsError("You can only specify a copy source header for copy requests.", code="InvalidArgument",
                       status=400, ArgumentName=SOURCE, ArgumentValue=request.headers[SOURCE])


def check(operation: Operation, request: HttpRequest) -> None:
    """The bytes are there already, and a part of nothing is no copy. InvalidRequest, InvalidArgument,
    MethodNotAllowed."""
    if operation.name == _COPY:
        queries.check_no_part(request.named[2])
    if request.body:
        raise AwsError("The request included a body. Requests of this type must not include a non-empty body.",
                       code="InvalidRequest", status=400)
