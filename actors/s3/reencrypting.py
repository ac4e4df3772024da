"""UpdateObjectEncryption: another key of KMS for an object that stays as it is. No byte moves; what is told changes, as
our own key seals the object in any case (encryption.py).

Source, errors included: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
"""

import re
from collections.abc import Mapping
from typing import Any

from actors.runtime.context import Context
from actors.runtime.store.transaction import Transaction
from actors.s3 import encryption, locks, reading
from actors.s3.errors import AccessDenied, InvalidRequest
from actors.s3.state import Bucket, Record

_ARN = re.compile("arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+")

Request = Mapping[str, Any]
Answer = dict[str, Any]


def update(context: Context, transaction: Transaction, request: Request) -> Answer:
    """Time, ETag and checksums stay. No event tells of it, and no replica follows."""
    bucket, record = reading.find_version(context, transaction, request, "PUT")
    asked = _asked(context, request)
    _check_source(record)
    _check_lock(record, transaction.now())
    kept = {name: value for name, value in record.items() if name != "kms_context"}
    bucket.update(request["Key"], kept | {"encryption": _told(context, bucket, asked)})
    return {}


def _asked(context: Context, request: Request) -> Request:
    """SSEKMS, with a KMSKeyArn of the right form. InvalidRequest."""
    if context.source.get("signature_version") == "AWS":
        raise InvalidRequest("Requests that modify an object encryption configuration require AWS Signature Version 4. "
                             "Modify the request to use AWS Signature Version 4, and then try again.")
    asked: Request = request["ObjectEncryption"]["SSEKMS"]
    if not _ARN.fullmatch(asked["KMSKeyArn"]):
        raise InvalidRequest("Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key "
                             "Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in "
                             "your request, and then try again.")
    return asked


def _check_source(record: Record) -> None:
    only = "Only source objects encrypted with SSE-S3 or SSE-KMS are supported."
    algorithm = record.get("encryption", {}).get("ServerSideEncryption")
    if "customer" in record or algorithm == encryption.DSSE:
        raise InvalidRequest("The UpdateObjectEncryption operation doesn't support source objects with the encryption "
                             f"type DSSE-KMS or SSE-C. {only}")
    if algorithm is None:                 # from before there was encryption
        raise InvalidRequest(f"The UpdateObjectEncryption operation doesn't support unencrypted source objects. {only}")


def _check_lock(record: Record, now: float) -> None:
    try:
        locks.check_removal(record, now, bypass=False)
    except AccessDenied as error:
        raise AccessDenied(
            "The encryption type for the specified object can't be updated because that object is protected by S3 "
            "Object Lock. If the object has a governance-mode retention period or a legal hold, you must first remove "
            "the Object Lock status on the object before you issue your UpdateObjectEncryption request. You can't use "
            "the UpdateObjectEncryption operation with objects that have an Object Lock compliance mode retention "
            "period applied to them.") from error


def _told(context: Context, bucket: Bucket, asked: Request) -> Answer:
    """AccessDenied of another account's key, KmsNotFound of another region's."""
    arn = asked["KMSKeyArn"]
    if arn.split(":")[4] != bucket.owner:
        raise AccessDenied("The AWS KMS key in the request must be owned by the same account as the bucket. "
                           "Modify the request to specify a KMS key from the same account, and then try again.")
    told: Answer = {"ServerSideEncryption": encryption.KMS, "SSEKMSKeyId": encryption.key_arn(context, bucket, arn)}
    return told | ({"BucketKeyEnabled": True} if asked.get("BucketKeyEnabled") else {})
