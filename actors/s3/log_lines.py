"""A line of an access log: 26 fields of one request and its answer, in AWS's form.

What this side of the bus does not know is "-": the size of answers that are no object, and what TLS would tell.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from urllib.parse import quote

from actors.runtime.chain.call import Call
from actors.runtime.context import Context
from actors.s3.copying import parse_source
from actors.s3.errors import InvalidArgument
from actors.s3.owners import canonical_id

PARTIAL, OK = 206, 200
_SAFE_KEY = "/-_.~!*'()"

# What an operation is done to, where it is not what its name says without its verb.
_RESOURCES = {
    "ListObjects": "BUCKET", "ListObjectsV2": "BUCKET", "ListObjectVersions": "BUCKETVERSIONS",
    "HeadBucket": "BUCKET", "CreateBucket": "BUCKET", "DeleteBucket": "BUCKET", "DeleteObjects": "MULTI_OBJECT_DELETE",
    "CreateMultipartUpload": "UPLOADS", "ListMultipartUploads": "UPLOADS", "UploadPart": "PART",
    "UploadPartCopy": "PART", "CompleteMultipartUpload": "UPLOAD", "AbortMultipartUpload": "UPLOAD",
    "ListParts": "UPLOAD",
    "RestoreObject": "OBJECT_RESTORE", "SelectObjectContent": "SELECT_OBJECT_CONTENT",
    "GetObjectAcl": "ACL", "PutObjectAcl": "ACL", "GetBucketLogging": "LOGGING_STATUS",
    "PutBucketLogging": "LOGGING_STATUS", "GetBucketPolicy": "BUCKETPOLICY", "PutBucketPolicy": "BUCKETPOLICY",
    "DeleteBucketPolicy": "BUCKETPOLICY", "GetBucketLifecycleConfiguration": "LIFECYCLE",
    "PutBucketLifecycleConfiguration": "LIFECYCLE", "GetBucketNotificationConfiguration": "NOTIFICATION",
    "PutBucketNotificationConfiguration": "NOTIFICATION", "GetBucketAccelerateConfiguration": "ACCELERATE",
    "PutBucketAccelerateConfiguration": "ACCELERATE", "CopyObject": "OBJECT",
}
# Where the signature stood, as policies call it and as the log does: "-" of a form's.
_AUTH_TYPES = {"REST-HEADER": "AuthHeader", "REST-QUERY-STRING": "QueryString", "POST": "-"}
_COPIES = frozenset({"CopyObject", "UploadPartCopy"})


def entries(call: Call) -> Iterator[tuple[str, str, Any]]:
    """(bucket as it is named, operation, key) of all that is to be told of a request whose answer is made."""
    context, request = call.context, call.request
    bucket = request["Bucket"]
    yield bucket, operation_of(context), request.get("Key")
    if context.operation.name == "DeleteObjects" and call.error is None:
        for each in (request.get("Delete") or {}).get("Objects") or ():
            yield bucket, "BATCH.DELETE.OBJECT", each.get("Key")
    elif context.operation.name == "CopyObject" and isinstance(request.get("CopySource"), str):
        try:
            source, key, _ = parse_source(request["CopySource"])
        except InvalidArgument:
            return
        yield source, "REST.COPY.OBJECT_GET", key


def operation_of(context: Context) -> str:
    """REST.<method>.<resource>."""
    operation = context.operation
    method = "COPY" if operation.name in _COPIES else operation.method
    if operation.name == "PutObject" and context.source.get("request", "").startswith("POST "):
        method = "POST"
    return f"REST.{method}.{_RESOURCES.get(operation.name) or _by_name(operation.name)}"


def _by_name(name: str) -> str:
    """GetBucketOwnershipControls -> OWNERSHIP_CONTROLS, GetObjectTagging -> OBJECT_TAGGING."""
    words: list[str] = []
    for character in name:
        if character.isupper():
            words.append("")
        words[-1] += character
    rest = words[2:] if words[1:2] == ["Bucket"] and len(words) > 2 else words[1:]
    return "_".join(rest).upper()


def line(call: Call, account: str, bucket: str, operation: str, key: Any, point: str) -> str:
    """`account`: the bucket's owner; `point`: the access point's ARN, or "-"."""
    context, answer = call.context, _answer(call)
    milliseconds = str(int((perf_counter() - call.started) * 1000))
    source, fault = context.source, call.reply.error if call.reply is not None else None
    moment = datetime.fromtimestamp(context.now, UTC)
    return " ".join((
        canonical_id(account), bucket, f"[{moment:%d/%b/%Y:%H:%M:%S} +0000]", source.get("ip") or "-",
        requester(context), context.request_id or "-", operation, quote(key, safe=_SAFE_KEY) if key else "-",
        _quoted(source.get("request")), str(_status(call)), fault.code if fault is not None else "-",
        *_sizes(call, answer), milliseconds, milliseconds, _quoted(source.get("referer")),
        _quoted(source.get("user_agent")), call.request.get("VersionId") or answer.get("VersionId") or "-",
        context.request_id or "-", *_signature(context), source.get("host") or "-", "-", point, "-",
    ))


def requester(context: Context) -> str:
    """The canonical id of an account's root, the ARN of anyone else in it; "-": nobody in particular."""
    principal = context.principal
    if not principal.account:
        return principal.arn or "-"
    return canonical_id(principal.account) if principal.arn.endswith(":root") else principal.arn


def _answer(call: Call) -> Mapping[str, Any]:
    return call.result if call.error is None and isinstance(call.result, dict) else {}


def _status(call: Call) -> int:
    fault = call.reply.error if call.reply is not None else None
    if fault is not None:
        shape = call.context.operation.service.errors.get(fault.code)
        return fault.status or (shape.status if shape is not None else 500)
    if "ContentRange" in _answer(call):
        return PARTIAL
    return int(_answer(call).get("StatusCode") or call.context.operation.status or OK)


def _sizes(call: Call, answer: Mapping[str, Any]) -> tuple[str, str]:
    """Bytes sent, and the size of the object."""
    name = call.context.operation.name
    if name in ("GetObject", "HeadObject") and "ContentLength" in answer:
        length = answer["ContentLength"]
        whole = str(answer.get("ContentRange") or f"/{length}").rpartition("/")[2]
        return (str(length) if name == "GetObject" else "-"), whole
    body = call.request.get("Body")
    if name in ("PutObject", "UploadPart") and body is not None:
        return "-", str(body["size"] if isinstance(body, dict) else len(body))
    return "-", "-"


def _signature(context: Context) -> tuple[str, str, str]:
    """Version of the signature, cipher suite, where the signature stood."""
    source = context.source
    if "auth_type" not in source:
        return "-", "-", "-"
    version = "SigV2" if source["signature_version"] == "AWS" else "SigV4"
    return version, "-", _AUTH_TYPES[source["auth_type"]]


def _quoted(text: str | None) -> str:
    """As AWS does, a quotation mark or a blank of a sender's is not to end a field or a line."""
    if not text:
        return '"-"'
    return '"' + "".join(each if each.isprintable() and each != '"' else quote(each) for each in text) + '"'
