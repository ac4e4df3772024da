"""What a request says of encryption, checked; what an object's record keeps of it; and under what its bytes are sealed.

Everything is encrypted at rest (contents.py). SSE-S3 and SSE-KMS differ in what is told of them: there is no KMS, and
our own key seals both. With SSE-C only the caller's key does; a record keeps a salted proof of it, by which it is known
again. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html and its sub-pages; the
errors are those of AWS in LocalStack's snapshots and in reports of users.
"""

import hashlib
import json
import os
import re
import uuid
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any, NamedTuple

from actors.runtime.context import Context
from actors.s3.engine.sealing import SALT_BYTES, CustomerKey, OurKey, Sealer
from actors.s3.errors import (
    AccessDenied,
    InvalidArgument,
    InvalidEncryptionAlgorithm,
    InvalidRequest,
    KmsNotFound,
)
from actors.s3.state import Bucket, Record

AES256, KMS, DSSE = "AES256", "aws:kms", "aws:kms:dsse"
SSE_C = "SSE-C"
KEY_BYTES = 32
TARGET, SOURCE = "SSECustomer", "CopySourceSSECustomer"     # what the members of a customer's key begin with
_MEMBERS = {begin: (f"{begin}Algorithm", f"{begin}Key", f"{begin}KeyMD5") for begin in (TARGET, SOURCE)}
_ASKING = frozenset({"ServerSideEncryption", "SSEKMSKeyId", "SSEKMSEncryptionContext"})
_HEADER = "x-amz-server-side-encryption"
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
_KEY_ID = re.compile(r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_PROVIDED = "Requests specifying Server Side Encryption with Customer provided keys must provide "

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Given(NamedTuple):
    """A customer's key as a request brings it: three headers that agree."""

    key: bytes
    md5: str


# What is asked for of a new object or upload


def of_new_object(context: Context, bucket: Bucket, request: Request) -> Record:
    """Members of its record: "encryption", and "customer" or "kms_context" where there is such a thing. AwsError."""
    given = customer_key(request)
    if given is not None:
        _check_not_blocked(context, bucket, request)
        customer = CustomerKey(given.key, os.urandom(SALT_BYTES))
        return {"encryption": {}, "customer": {"salt": customer.salt, "proof": customer.proof}}
    algorithm, key_id = _asked(request)
    default = _default(bucket)
    if algorithm is None:
        by_default = default.get("ApplyServerSideEncryptionByDefault") or {}
        algorithm, key_id = by_default.get("SSEAlgorithm", AES256), by_default.get("KMSMasterKeyID")
    told: Answer = {"ServerSideEncryption": algorithm}
    if algorithm == AES256:
        return {"encryption": told}
    told["SSEKMSKeyId"] = key_arn(context, bucket, key_id)
    if algorithm == KMS and request.get("BucketKeyEnabled", default.get("BucketKeyEnabled")):
        told["BucketKeyEnabled"] = True
    kms_context = request.get("SSEKMSEncryptionContext")
    return {"encryption": told, **({"kms_context": kms_context} if kms_context else {})}


def _asked(request: Request) -> tuple[str | None, str | None]:
    """Algorithm and key of KMS. InvalidArgument."""
    if _ASKING.isdisjoint(request):
        return None, None
    algorithm, key_id = request.get("ServerSideEncryption"), request.get("SSEKMSKeyId")
    if algorithm not in (None, AES256, KMS, DSSE):
        raise InvalidArgument("The encryption method specified is not supported", _HEADER, algorithm)
    if algorithm not in (KMS, DSSE) and (key_id or request.get("SSEKMSEncryptionContext")):
        raise InvalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header "
                              "x-amz-server-side-encryption : aws:kms", _HEADER, algorithm or "null")
    _check_context(request.get("SSEKMSEncryptionContext"))
    return algorithm, key_id


def _check_context(text: str | None) -> None:
    if not text:
        return
    try:
        found = json.loads(b64decode(text, validate=True).decode())
    except (NotBase64, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InvalidArgument(
            "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON "
            "which represents a string-string map", "x-amz-server-side-encryption-context", text)


def _default(bucket: Bucket) -> Answer:
    """The rule of the bucket's configuration."""
    found = bucket.configuration("encryption")
    return {} if found is None else dict(found["Rules"][0])


def blocks_customers(bucket: Bucket) -> bool:
    """May nothing be written there under customers' keys?"""
    return SSE_C in ((_default(bucket).get("BlockedEncryptionTypes") or {}).get("EncryptionType") or ())


def _check_not_blocked(context: Context, bucket: Bucket, request: Request) -> None:
    if blocks_customers(bucket):
        raise AccessDenied(
            f"User: {context.principal.arn} is not authorized to perform: s3:PutObject on resource: "
            f'"arn:aws:s3:::{bucket.name}/{request["Key"]}" because this bucket has blocked upload requests that '
            "specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different "
            "server-side encryption type")


def key_arn(context: Context, bucket: Bucket, key_id: str | None) -> str:
    """As S3 tells it; the default key's when none is named. What is no id, alias or ARN is told as it came: nobody here
    knows which keys there are. KmsNotFound of an ARN of another region."""
    region, account = context.region, context.principal.account or bucket.owner
    begins = f"arn:aws:kms:{region}:{account}:"
    if key_id in (None, "", "alias/aws/s3", f"{begins}alias/aws/s3"):
        return f"{begins}key/{uuid.uuid5(_NAMESPACE, f'{begins}alias/aws/s3')}"
    assert key_id is not None
    if key_id.startswith("arn:"):
        where = key_id.split(":")[3:4]
        if where != [region]:
            raise KmsNotFound(f"Invalid arn {''.join(where)}")
        return key_id
    if _KEY_ID.fullmatch(key_id):
        return f"{begins}key/{key_id}"
    return begins + key_id if key_id.startswith("alias/") else key_id


# A customer's key


def customer_key(request: Request, members: str = TARGET) -> Given | None:
    """What a request to write brings. None: nothing of the kind. InvalidArgument, InvalidEncryptionAlgorithm."""
    given = _given(request, members)
    if given is not None and len(given.key) != KEY_BYTES:
        raise _invalid("The secret key was invalid for the specified algorithm.")
    return given


def _given(request: Request, members: str) -> Given | None:
    """In the order of AWS's checks; the key may be of any length."""
    algorithm, key, md5 = map(request.get, _MEMBERS[members])
    if algorithm is None and key is None and md5 is None:
        return None
    if members == TARGET and request.get("ServerSideEncryption"):
        raise InvalidArgument("Server Side Encryption with Customer provided key is incompatible with the encryption "
                              "method specified", _HEADER, request["ServerSideEncryption"])
    if not algorithm:
        raise _invalid(_PROVIDED + "a valid encryption algorithm.")
    if not key:
        raise _invalid(_PROVIDED + "an appropriate secret key.")
    if algorithm != AES256:
        raise InvalidEncryptionAlgorithm(algorithm)
    if not md5:
        raise _invalid(_PROVIDED + "the client calculated MD5 of the secret key.")
    try:
        raw = b64decode(key, validate=True)
    except (NotBase64, ValueError):
        raw = b""
    if b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode() != md5:
        raise _invalid("The calculated MD5 hash of the key did not match the hash that was provided.")
    return Given(raw, md5)


def _invalid(why: str) -> InvalidArgument:
    return InvalidArgument(why, _HEADER, "null")


# Under what bytes are sealed


def sealer_of_new(ours: OurKey, record: Record, request: Request) -> Sealer:
    """For an object whose record `of_new_object` has made of the same request."""
    customer = record.get("customer")
    if customer is None:
        return ours
    given = customer_key(request)
    assert given is not None, "its record says so"
    return CustomerKey(given.key, customer["salt"])


def sealer_of(ours: OurKey, record: Record, request: Request, members: str = TARGET) -> Sealer:
    """For an object that is to be read. InvalidRequest, AccessDenied, InvalidArgument."""
    given, customer = _given(request, members), record.get("customer")
    if customer is None:
        if given is not None:
            raise InvalidRequest("The encryption parameters are not applicable to this object.")
        return ours
    if given is None:
        raise InvalidRequest("The object was stored using a form of Server Side Encryption. The correct parameters "
                             "must be provided to retrieve the object.")
    key = CustomerKey(given.key, customer["salt"])
    if not key.is_of(customer["proof"]):
        raise AccessDenied(_PROVIDED + "the correct secret key.")
    return key


def sealer_of_part(ours: OurKey, upload: Record, request: Request) -> Sealer:
    """For a part of an upload. InvalidRequest, InvalidArgument."""
    given, customer = customer_key(request), upload.get("customer")
    if (given is None) != (customer is None):
        raise InvalidRequest("The multipart upload initiate requested encryption. Subsequent part requests must "
                             "include the appropriate encryption parameters.")
    if given is None or customer is None:
        return ours
    key = CustomerKey(given.key, customer["salt"])
    if not key.is_of(customer["proof"]):
        raise InvalidRequest("The provided encryption parameters did not match the ones used originally.")
    return key


# What is told


def told(record: Record, request: Request) -> Answer:
    """Members of an answer about an object, a part or an upload, to who has shown its key."""
    if "customer" in record:
        return {"SSECustomerAlgorithm": AES256, "SSECustomerKeyMD5": request["SSECustomerKeyMD5"]}
    return ours_told(record)


def ours_told(record: Record) -> Answer:
    """Without what only a customer's key lets know."""
    found: Answer = record.get("encryption", {})
    return found


def told_of_new(record: Record, request: Request) -> Answer:
    """Of an object or an upload that was just made: with the context for KMS, which is never told again."""
    kms_context = record.get("kms_context")
    return {**told(record, request), **({"SSEKMSEncryptionContext": kms_context} if kms_context else {})}


def etag(record: Record, md5: bytes) -> str:
    """That of bytes whose MD5 this is: with SSE-C and SSE-KMS it is no digest of anything, as on AWS."""
    return (md5 if has_md5(record) else os.urandom(len(md5))).hex()


def has_md5(record: Record) -> bool:
    """Is its ETag the MD5 of its bytes?"""
    return not record.get("parts") and "customer" not in record and not is_by_kms(record)


def is_by_kms(record: Record) -> bool:
    return bool(record.get("encryption", {}).get("ServerSideEncryption", AES256) != AES256)
