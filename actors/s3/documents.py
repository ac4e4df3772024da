"""Settings of a bucket that are kept as they come: checked when they are put, told when they are asked for.

What S3 does with one stands where it does it; README.md says which do nothing here.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import log_targets, points, replication, state, websites
from actors.s3.access import bucket_of
from actors.s3.encryption import AES256, DSSE, KMS, SSE_C
from actors.s3.errors import InvalidArgument, InvalidRequest, MalformedXML, S3Error
from actors.s3.state import Bucket

CORS_RULES_LIMIT = 100
_CORS_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
_is_header = re.compile("[A-Za-z0-9-]+").fullmatch
_is_header_pattern = re.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]*").fullmatch      # of RFC 9110's tokens
_SSE = (AES256, KMS, DSSE)
_BLOCKED = frozenset({"NONE", SSE_C})

Request = Mapping[str, Any]
Answer = dict[str, Any]
Content = Mapping[str, Any]
_NOTHING: Content = {}


class Document(NamedTuple):
    """`member` of its Put holds it; `missing` is (code, message), or None where its absence is told as `default`."""

    kind: str
    member: str
    check: Callable[[Bucket, Content], None]
    missing: tuple[str, str] | None = None
    default: Content = _NOTHING
    wrapped: bool = False                 # is told under the name of its member
    flag: str = ""                        # of the bucket's record: there is one, which every write or request must know


class NotConfigured(S3Error):
    status_code = 404

    def __init__(self, code: str, message: str, bucket: str) -> None:
        super().__init__(message, BucketName=bucket)
        self.error_code = code


def get(context: Context, snapshot: Snapshot, request: Request, document: Document) -> Answer:
    bucket = bucket_of(context, snapshot, request)
    found = bucket.configuration(document.kind)
    if found is None:
        if document.missing is not None:
            raise NotConfigured(*document.missing, bucket.name)
        found = document.default
    return {document.member: found} if document.wrapped else dict(found)


def put(context: Context, transaction: Transaction, request: Request, document: Document) -> Answer:
    bucket = bucket_of(context, transaction, request)
    content = request.get(document.member) or {}
    document.check(bucket, content)
    _keep(bucket, document, content)
    return {}


def delete(context: Context, transaction: Transaction, request: Request, document: Document) -> Answer:
    _keep(bucket_of(context, transaction, request), document, None)
    return {}


def _keep(bucket: Bucket, document: Document, content: Content | None) -> None:
    if document.flag:
        bucket.record[document.flag] = content is not None
    bucket.configure(document.kind, content)


def tell(view: Snapshot, question: Request) -> Answer:
    """What a gateway has to know before it asks in a caller's name (bus/system.py): of a bucket, or an access point's.
    """
    name = question["name"]
    try:
        point = points.find(view, name, "")
    except S3Error:
        return {}
    bucket = state.find_bucket(view, name if point is None else point.bucket)
    return {} if bucket is None else {
        "region": bucket.record["region"], "document": bucket.configuration(question["kind"])}


# Checks


def _cors(_: Bucket, content: Content) -> None:
    rules = content.get("CORSRules") or []
    if not rules:
        raise MalformedXML
    if len(rules) > CORS_RULES_LIMIT:
        raise InvalidRequest(f"The number of CORS rules should not exceed allowed limit of {CORS_RULES_LIMIT} rules.")
    for rule in rules:
        if not rule.get("AllowedMethods") or not rule.get("AllowedOrigins"):
            raise MalformedXML
        for method in rule["AllowedMethods"]:
            if method not in _CORS_METHODS:
                raise InvalidRequest(
                    f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
        for what, values in (("Origin", rule["AllowedOrigins"]), ("Header", rule.get("AllowedHeaders") or ())):
            for value in values:
                if value.count("*") > 1:
                    raise InvalidRequest(f'Allowed{what} "{value}" can not have more than one wildcard.')
                if what == "Header" and not _is_header_pattern(value):
                    raise InvalidRequest(f'AllowedHeader "{value}" contains invalid character.')
        for header in rule.get("ExposeHeaders") or ():
            if "*" in header:
                raise InvalidRequest(f'ExposeHeader "{header}" contains wildcard. We currently do not support wildcard '
                                     "for ExposeHeader.")
            if not _is_header(header):
                raise InvalidRequest(f'ExposeHeader "{header}" contains invalid character.')


def _encryption(_: Bucket, content: Content) -> None:
    rules = content.get("Rules") or []
    default = (rules[0].get("ApplyServerSideEncryptionByDefault") or {}) if len(rules) == 1 else {}
    if len(rules) != 1 or (default and default.get("SSEAlgorithm") not in _SSE):
        raise MalformedXML
    if not _BLOCKED.issuperset((rules[0].get("BlockedEncryptionTypes") or {}).get("EncryptionType") or ()):
        raise MalformedXML
    if default.get("KMSMasterKeyID") and default["SSEAlgorithm"] == "AES256":
        raise InvalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or "
                              "aws:kms:dsse", "ApplyServerSideEncryptionByDefault")


def _accelerate(bucket: Bucket, content: Content) -> None:
    if "." in bucket.name:
        raise InvalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
    if content.get("Status") not in (state.ENABLED, state.SUSPENDED):
        raise MalformedXML


CORS = Document("cors", "CORSConfiguration", _cors,
                ("NoSuchCORSConfiguration", "The CORS configuration does not exist"))
WEBSITE = Document("website", "WebsiteConfiguration", lambda _, content: websites.check(content),
                   ("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"))
ENCRYPTION = Document(
    "encryption", "ServerSideEncryptionConfiguration", _encryption, wrapped=True, default={"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]})
ACCELERATE = Document("accelerate", "AccelerateConfiguration", _accelerate)
LOGGING = Document(log_targets.KIND, "BucketLoggingStatus", log_targets.check)
REPLICATION = Document(
    replication.KIND, "ReplicationConfiguration", replication.check,
    ("ReplicationConfigurationNotFoundError", "The replication configuration was not found"), wrapped=True,
    flag=replication.FLAG)


# Who pays


def get_payment(context: Context, snapshot: Snapshot, request: Request) -> Answer:
    return {"Payer": bucket_of(context, snapshot, request).record.get("payer", "BucketOwner")}


def put_payment(context: Context, transaction: Transaction, request: Request) -> Answer:
    bucket = bucket_of(context, transaction, request)
    payer = request["RequestPaymentConfiguration"].get("Payer")
    if payer not in ("BucketOwner", "Requester"):
        raise MalformedXML
    bucket.record["payer"] = payer
    bucket.save()
    return {}
