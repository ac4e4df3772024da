"""AWS REST XML, and S3's ways with it. https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html"""

from collections.abc import Mapping
from typing import Any

from gateway.protocols import eventstream
from gateway.protocols.query import write_error
from gateway.protocols.rest import Input, Output, ReadBody, Rest, WriteBody
from gateway.protocols.rest_codecs import RestCodecs
from gateway.protocols.wire import HttpRequest, HttpResponse, error_status, find_error, is_sender, malformed
from gateway.protocols.xml_shapes import (
    Read,
    Write,
    XmlReaders,
    XmlWriters,
    element_name,
    escape,
    local_name,
    namespace,
    parse_xml,
)
from gateway.s3 import copies, expires, limits, metadata, queries, selectors, versions
from schemas.errors import AwsError, SerializationException, UnknownOperation
from schemas.models import Member, Operation, Service, Shape
from schemas.violations import MALFORMED

CONTENT_TYPE = "application/xml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

# Root elements S3 documents and its model no longer names (SDKs do not look at them, people and scripts do).
_S3_ROOTS = {
    "ListBuckets": "ListAllMyBucketsResult", "ListObjects": "ListBucketResult", "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult", "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListParts": "ListPartsResult", "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult", "DeleteObjects": "DeleteResult",
    "GetBucketAcl": "AccessControlPolicy", "GetObjectAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration", "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketTagging": "Tagging", "GetObjectTagging": "Tagging", "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration", "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketRequestPayment": "RequestPaymentConfiguration", "GetBucketAccelerateConfiguration":
    "AccelerateConfiguration", "GetObjectAttributes": "GetObjectAttributesResponse",
    "CreateSession": "CreateSessionResult",
}
# What S3 answers where its model says 200. Measured: LocalStack's snapshots, moto's tests that run against AWS, and the
# examples of its API pages.
_S3_STATUS = dict.fromkeys((
    "PutBucketPolicy", "PutBucketTagging", "PutBucketAnalyticsConfiguration", "PutBucketInventoryConfiguration",
    "PutBucketMetricsConfiguration",
), 204)
# No model says it: S3 has it, and ceph/s3-tests, LocalStack's snapshots.
_STATUS = dict.fromkeys((("s3control", "DeletePublicAccessBlock"), ("s3control", "DeleteAccessPoint"),
                         ("s3control", "DeleteAccessPointPolicy")), 204)
# A field of S3's errors that is headers of the answer: of a delete marker, of a redirect, of what was not modified.
_S3_ERROR_HEADERS = "Headers"
# Answered to lists of objects, whose model has no member for it. Measured: versitygw's issue 1814.
_S3_REGION = "x-amz-bucket-region"
# Of whose ACLs it is told which version they are, though their model has no member for it. Measured: the tests of
# scality/cloudserver that ran against AWS.
_S3_ACLS = ("GetObjectAcl", "PutObjectAcl")
_S3_VERSION = "x-amz-version-id"
# What S3 says of a header that it cannot read. Measured: LocalStack's snapshots, versitygw's tests.
_S3_UNREADABLE = {
    "x-amz-object-lock-retain-until-date": (
        "InvalidArgument", "The retain until date must be provided in ISO 8601 format"),
    "x-amz-mp-object-size": ("InvalidRequest", "Value for x-amz-mp-object-size header is invalid: '{given}'"),
}
_ECHO_CHARACTERS = 32
# Roots that S3 takes in place of those its model names: the old one of AWS's first samples and of boto 2.
_S3_OLD_ROOTS = {"CreateBucketConfiguration": "CreateBucketConstraint"}
# Its one member is the root itself: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
_S3_UNWRAPPED = {"GetBucketLocation": "LocationConstraint"}


class NotAForm(AwsError):
    """A POST to a bucket of S3's that asks for nothing, and is no upload by form either."""

    code = "PreconditionFailed"

    def __init__(self) -> None:
        super().__init__("At least one of the pre-conditions you specified did not hold", status=412,
                         Condition="Bucket POST must be of the enclosure-type multipart/form-data")


class _Codecs(RestCodecs):
    content_type = CONTENT_TYPE
    map_holds_all = False

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.is_s3 = service.name == "s3"
        self.readers, self.writers = XmlReaders(), XmlWriters(milliseconds=self.is_s3)

    def read_body(self, members: Mapping[str, Member]) -> ReadBody:
        return self._document_reader(self.readers.body(members))

    def read_payload(self, member: Member) -> ReadBody:
        roots = _s3_roots(member) if self.is_s3 else frozenset()
        return self._document_reader(self.readers.reader(member.shape), roots)

    def write_body(self, shape: Shape, members: Mapping[str, Member], operation: Operation | None) -> WriteBody:
        name = operation.name if operation is not None else ""
        unwrapped = _S3_UNWRAPPED.get(name, "") if self.is_s3 else ""
        if unwrapped:
            return _unwrapped(unwrapped)
        root = shape.traits.get("locationName") or (self.is_s3 and _S3_ROOTS.get(name)) or shape.name
        adapted = versions.writers if self.is_s3 and name == versions.OPERATION else dict
        return _document(self.writers.root(
            members, root, self._s3_namespace() or shape.traits.get("xmlNamespace"), adapted))

    def write_payload(self, member: Member) -> WriteBody:
        root = member.trait("locationName") or member.shape.name
        trait = self._s3_namespace() or member.trait("xmlNamespace")
        return _document(self.writers.root(member.shape.members, root, trait))

    def _document_reader(self, read: Read, roots: frozenset[str] = frozenset()) -> ReadBody:
        """`roots`: what the document may be, where that is looked at."""
        def document(body: bytes) -> Any:
            if not body and self.is_s3:
                raise SerializationException("Request Body is empty", code="MissingRequestBodyError", status=400)
            try:
                if not body:
                    return {}
                root = parse_xml(body)
                if roots and local_name(root.tag) not in roots:
                    raise malformed(f"The request body is no {' or '.join(sorted(roots))}.")
                return read(root)
            except SerializationException as error:
                if not self.is_s3:
                    raise
                raise SerializationException(MALFORMED, code="MalformedXML", status=400) from error

        return document

    def _s3_namespace(self) -> str:
        return _S3_NAMESPACE if self.is_s3 else ""


def _s3_roots(member: Member) -> frozenset[str]:
    """The name that is modelled, or that of its type: S3 takes both, says rusoto's pull request 836."""
    name: str = member.trait("locationName") or member.shape.name
    return frozenset({name, member.shape.name, _S3_OLD_ROOTS.get(name, name)})


def _document(write: Write) -> WriteBody:
    def document(result: Any) -> bytes:
        out = [_DECLARATION]
        write(out, result)
        return "".join(out).encode()

    return document


def _unwrapped(member: str) -> WriteBody:
    start = f"{_DECLARATION}<{member}{namespace(_S3_NAMESPACE)}>"
    return lambda result: f"{start}{escape(result.get(member) or '')}</{member}>".encode()


class RestXml(Rest):
    name = "rest-xml"

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        """S3 knows every path, so what it does not know is a method. AwsError."""
        if not _codecs(service).is_s3:
            return super().operation(service, request)
        if copies.SOURCE in request.headers:
            copies.check_source(request)
        meant = selectors.meant(service, request) if request.query else request
        try:
            found = super().operation(service, meant)
        except UnknownOperation as error:
            if request.method == "POST" and selectors.resource(request) == selectors.BUCKET and not request.query:
                raise NotAForm from error
            raise selectors.strange(request) from error
        request.named = meant.named
        if found.name == "CompleteMultipartUpload" and selectors.UPLOAD not in request.named[2]:
            raise selectors.MethodNotAllowed(request.method, selectors.OBJECT)
        if found.name == "PutObject":
            queries.check_no_part(request.named[2])
        elif found.name in copies.COPIES:
            copies.check(found, request)
        elif found.name in limits.BODIES_BYTES:
            limits.check(found, request)
        return found

    def input(self, operation: Operation) -> Input:
        return _codecs(operation.service).input(operation)

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        is_s3 = _codecs(operation.service).is_s3
        lifted: dict[str, Any] = {}
        if is_s3 and request.named is not None and request.named[2]:
            _, labels, query = request.named
            request.named = operation, labels, queries.read(operation, query)
            if expires.PARAMETER in query:
                request, lifted = expires.lifted_override(request)
        if is_s3 and expires.HEADER in request.headers:
            request, lifted = expires.lifted(request)
        try:
            params = super().parse(operation, request)
        except SerializationException as error:
            if is_s3 and error.error_code == SerializationException.code:
                raise _unreadable(request, error) from error
            raise
        if is_s3 and "Metadata" in params:
            params["Metadata"] = metadata.read(params["Metadata"])
        if lifted:
            params |= lifted
        return params

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        codecs = _codecs(operation.service)
        status = _s3_status(operation, result) if codecs.is_s3 else _STATUS.get(
            (operation.service.name, operation.name), operation.status)
        headers = _headers(codecs, request_id)
        if codecs.is_s3 and operation.name == "HeadBucket":
            headers["content-type"] = CONTENT_TYPE         # of the body it would have
        elif codecs.is_s3 and "BucketRegion" in result:
            headers[_S3_REGION] = result["BucketRegion"]
        elif codecs.is_s3 and operation.name in _S3_ACLS and "VersionId" in result:
            headers[_S3_VERSION] = result["VersionId"]
        if codecs.is_s3 and result.get("Metadata"):
            result = {**result, **metadata.told(result["Metadata"])}
        if codecs.is_s3 and operation.name == versions.OPERATION:
            result = versions.merged(result)
        response = codecs.output(operation).write(status, result, headers)
        if codecs.is_s3 and expires.AS_WRITTEN in result:
            expires.dress(response, result[expires.AS_WRITTEN])
        return response

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        codecs = _codecs(service)
        shape = find_error(service, operation, error)
        status = error_status(error, shape)
        headers = _headers(codecs, request_id)
        if shape is not None:
            Output(shape.shape, None, "", None, "").write(status, error.fields, headers)
        if codecs.is_s3:
            headers.update(error.fields.get(_S3_ERROR_HEADERS, {}))
        if status == 304 or (operation is not None and operation.method == "HEAD"):
            return HttpResponse(status, headers, b"")
        out = [_DECLARATION]
        if codecs.is_s3:
            out.append("<Error>")
            write_error(codecs.writers, out, error, shape)
            _write_unmodelled(out, error, shape.shape if shape else None)
            out.append(f"<RequestId>{escape(request_id)}</RequestId><HostId>{escape(request_id)}</HostId></Error>")
        else:
            namespace_trait = operation.input.traits.get("xmlNamespace") if operation and operation.input else None
            out.append(f"<ErrorResponse{namespace(namespace_trait)}><Error>")
            says_more = service.name == "s3control"        # as S3, and no Type. Measured: LocalStack's snapshots
            if not says_more:
                out.append(f"<Type>{'Sender' if is_sender(status, shape) else 'Receiver'}</Type>")
            write_error(codecs.writers, out, error, shape)
            if says_more:
                _write_unmodelled(out, error, shape.shape if shape else None)
            host = f"<HostId>{escape(request_id)}</HostId>" if says_more else ""
            out.append(f"</Error><RequestId>{escape(request_id)}</RequestId>{host}</ErrorResponse>")
        return HttpResponse(status, {**headers, "content-type": CONTENT_TYPE}, "".join(out).encode())

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        response = self.serialise(operation, result, request_id)
        response.headers["content-type"] = eventstream.CONTENT_TYPE
        response.body = b""
        return response

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        return b""                                 # in REST the other members travel as headers

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        return eventstream.event_frame(operation, event, self._payload(operation))

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        return eventstream.error_frame(operation, error, self._payload(operation))

    def _payload(self, operation: Operation) -> eventstream.Payload:
        writers = _codecs(operation.service).writers

        def payload(shape: Shape, members: Mapping[str, Any], whole: bool) -> tuple[bytes, str]:
            return _document(writers.root(shape.members, shape.name, None))(members), "text/xml"

        return payload


def _write_unmodelled(out: list[str], error: AwsError, shape: Shape | None) -> None:
    """S3 says more than its model: BucketName, Key, Resource …"""
    known = {element_name(member) for member in shape.members.values()} if shape else set()
    for name, value in error.fields.items():
        if name not in known and isinstance(value, str | int):
            out.append(f"<{name}>{escape(str(value))}</{name}>")


def _unreadable(request: HttpRequest, error: AwsError) -> AwsError:
    """Of a header, in S3's words."""
    for name, (code, sentence) in _S3_UNREADABLE.items():
        given = request.headers.get(name)
        if given is not None and given[:_ECHO_CHARACTERS] in error.message:
            argument = {"ArgumentName": name, "ArgumentValue": given} if code == "InvalidArgument" else {}
            return AwsError(sentence.format(given=given), code=code, status=400, **argument)
    return AwsError(error.message, code="InvalidArgument", status=400)


def _s3_status(operation: Operation, result: Mapping[str, Any]) -> int:
    """S3's models have no member for it: where an answer's status is not the usual one, it says so itself."""
    if result.get("ContentRange") and operation.method != "PUT":
        return 206
    status: int = result.get("StatusCode", _S3_STATUS.get(operation.name, operation.status))
    return status


def _headers(codecs: _Codecs, request_id: str) -> dict[str, str]:
    headers = {"x-amzn-RequestId": request_id}
    if codecs.is_s3:
        headers["x-amz-request-id"] = headers["x-amz-id-2"] = request_id
    return headers


def _codecs(service: Service) -> _Codecs:
    found = service.codecs.get("rest-xml")
    if found is None:
        found = service.codecs["rest-xml"] = _Codecs(service)
    codecs: _Codecs = found
    return codecs
