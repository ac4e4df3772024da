"""S3's own headers and words in what every service answers."""

import re
from urllib.parse import unquote

from gateway import bodies
from gateway.codings import TRAILER
from gateway.protocols import HttpRequest
from gateway.sigv4 import READING
from schemas.errors import AwsError
from schemas.models import Operation

SERVICES = frozenset({"s3", "s3control"})
_MD5 = "content-md5"
_ENCRYPTION = "x-amz-server-side-encryption"
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


class SlowDown(AwsError):
    """What S3 says where others say that they are unavailable."""

    code = "SlowDown"

    def __init__(self) -> None:
        super().__init__("Please reduce your request rate.", status=503)


class InvalidURI(AwsError):
    """The path is no text in percent-encoding."""

    code = "InvalidURI"

    def __init__(self, path: str) -> None:
        super().__init__("Couldn't parse the specified URI.", status=400, URI=path)


def check_path(path: str) -> None:
    """InvalidURI for what is no UTF-8 in percent-encoding."""
    if "%" not in path:
        return
    try:
        unquote(path, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidURI(path) from error
    if _NO_ESCAPE.search(path):
        raise InvalidURI(path)


def dress(headers: dict[str, str], request_id: str) -> None:
    """S3 names a request in headers of its own."""
    headers["x-amz-request-id"] = headers["x-amz-id-2"] = request_id


def check_length(operation: Operation, request: HttpRequest) -> None:
    """An object's body says how long it is, also when it is empty. MissingContentLength."""
    if operation.streams_in and "content-length" not in request.headers and \
            "transfer-encoding" not in request.headers:
        raise bodies.MissingContentLength


def verify_sums(operation: Operation, request: HttpRequest) -> None:
    """Of a body that is no object, as an object's are the actor's to verify, of what they are meant for. What a read
    states, S3 does not look at. BadDigest, InvalidRequest."""
    headers = request.headers
    if request.method in READING:
        return
    if "httpChecksum" in operation.traits and TRAILER not in headers:
        bodies.algorithms(headers)                 # else they were looked at while there was a body to come
    if operation.streams_in:
        return
    if _sums_of_object(operation):
        bodies.verify_sums(request.body or b"", {name: headers[name] for name in (_MD5,) if name in headers})
    elif operation.name == "DeleteObjects" and _MD5 not in headers and not bodies.states_sum(headers):
        raise AwsError("Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
                       code="InvalidRequest", status=400)
    else:
        bodies.verify_sums(request.body or b"", headers)


def check_encryption(operation: Operation, request: HttpRequest) -> None:
    """How an object is encrypted is said of it, never when it is read; no member of the model has it. InvalidArgument.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and the message that users report.
    """
    given = request.headers.get(_ENCRYPTION)
    if given is not None and operation.name in ("GetObject", "HeadObject"):
        raise AwsError(f"{_ENCRYPTION} header is not supported for this operation.", code="InvalidArgument", status=400,
                       ArgumentName=_ENCRYPTION, ArgumentValue=given)


def _sums_of_object(operation: Operation) -> bool:
    """Are its checksum headers members of the request?"""
    return operation.input is not None and "ChecksumCRC32" in operation.input.members
