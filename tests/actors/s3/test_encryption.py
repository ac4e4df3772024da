"""What is asked for by encryption headers: refused as AWS refuses it, told as AWS tells it, and bound to a key.

Messages and codes: AWS's answers in LocalStack's snapshots of February 2026 (test_s3.py, TestS3 SSE-C tests), and those
that users report.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.audit.parameters import HIDDEN, shown
from actors.s3 import contents, encryption, state
from actors.s3.engine.sealing import Broken, CustomerKey
from bus.codec import pack
from schemas.errors import AwsError
from schemas.models import load
from tests.actors.s3.caller import ACCOUNT, Caller, open_caller

PROVIDED = "Requests specifying Server Side Encryption with Customer provided keys must provide "
KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def customer(key: bytes = b"k" * 32, members: str = "SSECustomer") -> dict[str, str]:
    return {f"{members}Algorithm": "AES256", f"{members}Key": base64.b64encode(key).decode(),
            f"{members}KeyMD5": base64.b64encode(hashlib.md5(key).digest()).decode()}


@pytest.fixture
def s3(tmp_path: Path) -> Any:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket="bucket")
        yield caller


def refusal(s3: Caller, operation: str, **request: Any) -> tuple[str, int | None, str]:
    with pytest.raises(AwsError) as caught:
        s3.call(operation, Bucket="bucket", Key="k", **request)
    return caught.value.error_code, caught.value.status, caught.value.message


def content_of(s3: Caller, key: str) -> bytes:
    record: dict[str, Any] = s3.store.read(lambda view: state.get_bucket(view, "bucket").current(key))
    return bytes(record["content"])


@pytest.mark.parametrize(("given", "code", "message"), [
    ({"ServerSideEncryption": "AES256"}, "InvalidArgument",
     "Server Side Encryption with Customer provided key is incompatible with the encryption method specified"),
    ({"SSECustomerAlgorithm": None}, "InvalidArgument", PROVIDED + "a valid encryption algorithm."),
    ({"SSECustomerAlgorithm": "AES128"}, "InvalidEncryptionAlgorithmError",
     "The Encryption request you specified is not valid. Supported value: AES256."),
    ({"SSECustomerKey": None}, "InvalidArgument", PROVIDED + "an appropriate secret key."),
    ({"SSECustomerKeyMD5": None}, "InvalidArgument",
     PROVIDED + "the client calculated MD5 of the secret key."),
    ({"SSECustomerKeyMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, "InvalidArgument",
     "The calculated MD5 hash of the key did not match the hash that was provided."),
    (customer(b"k" * 24), "InvalidArgument", "The secret key was invalid for the specified algorithm."),
])
def test_refused_customer_keys(s3: Caller, given: dict[str, Any], code: str, message: str) -> None:
    request = {name: value for name, value in {**customer(), **given}.items() if value is not None}
    assert refusal(s3, "PutObject", **request) == (code, 400, message)
    assert refusal(s3, "CreateMultipartUpload", **request) == (code, 400, message)


# Who has the key gets what it protects; others are told so, and no more.
def test_a_customer_key(s3: Caller) -> None:
    put = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"secret", **customer())
    assert (put["SSECustomerAlgorithm"], put["SSECustomerKeyMD5"]) == ("AES256", customer()["SSECustomerKeyMD5"])
    assert "ServerSideEncryption" not in put
    assert put["ETag"] != f'"{hashlib.md5(b"secret").hexdigest()}"'
    got = s3.call("GetObject", Bucket="bucket", Key="k", Range="bytes=1-2", **customer())
    assert (got["Body"], got["SSECustomerAlgorithm"]) == (b"ec", "AES256")
    assert s3.call("HeadObject", Bucket="bucket", Key="k", **customer())["ContentLength"] == 6
    attributes: dict[str, Any] = {"ObjectAttributes": ["ObjectSize"]}
    for operation, more in (("GetObject", {}), ("HeadObject", {}), ("GetObjectAttributes", attributes)):
        assert refusal(s3, operation, **more) == (
            "InvalidRequest", 400, "The object was stored using a form of Server Side Encryption. The correct "
            "parameters must be provided to retrieve the object.")
        assert refusal(s3, operation, **more, **customer(b"x" * 32)) == (
            "AccessDenied", 403, PROVIDED + "the correct secret key.")
    assert s3.call("DeleteObject", Bucket="bucket", Key="k") == {}


def test_a_key_that_nothing_needs(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1")
    assert refusal(s3, "GetObject", **customer()) == (
        "InvalidRequest", 400, "The encryption parameters are not applicable to this object.")


@pytest.mark.parametrize(("given", "message"), [
    ({"ServerSideEncryption": "aes:kms"}, "The encryption method specified is not supported"),
    ({"SSEKMSKeyId": KEY_ID}, "Server Side Encryption with AWS KMS managed key requires HTTP header "
     "x-amz-server-side-encryption : aws:kms"),
    ({"ServerSideEncryption": "AES256", "SSEKMSKeyId": KEY_ID}, "Server Side Encryption with AWS KMS managed key "
     "requires HTTP header x-amz-server-side-encryption : aws:kms"),
    ({"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": "e30"}, "The header "
     "'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a "
     "string-string map"),
    ({"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": base64.b64encode(b'{"a": 1}').decode()},
     "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which "
     "represents a string-string map"),
])
def test_refused_methods(s3: Caller, given: dict[str, Any], message: str) -> None:
    assert refusal(s3, "PutObject", **given) == ("InvalidArgument", 400, message)


# Onto itself, saying nothing, an object is copied where its encryption becomes S3's own (LocalStack's snapshots).
def test_a_copy_that_only_changes_the_encryption(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", ServerSideEncryption="aws:kms")
    copy = {"Bucket": "bucket", "Key": "k", "CopySource": "bucket/k"}
    assert s3.call("CopyObject", **copy)["ServerSideEncryption"] == "AES256"
    assert s3.error("CopyObject", **copy) == "InvalidRequest"


# What an upload that names no algorithm has of a checksum: nothing under a customer's key; under KMS it is not told to
# who completes it (LocalStack's snapshots of AWS, March 2025).
@pytest.mark.parametrize(("begun", "shown", "told"), [
    ({}, {}, (True, True)), ({"ServerSideEncryption": "aws:kms"}, {}, (False, True)),
    (customer(), customer(), (False, False)),
])
def test_the_checksum_of_an_upload(
    s3: Caller, begun: dict[str, str], shown: dict[str, str], told: tuple[bool, bool]
) -> None:
    key = {"Bucket": "bucket", "Key": "k"}
    upload = {**key, "UploadId": s3.call("CreateMultipartUpload", **key, **begun)["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.call("UploadPart", **upload, PartNumber=1, Body=b"body", **shown)["ETag"]}
    answers = [s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": [part]}),
               s3.call("GetObject", **key, ChecksumMode="ENABLED", **shown)]
    assert tuple("ChecksumCRC64NVME" in answer for answer in answers) == told
    assert tuple("ChecksumType" in answer for answer in answers) == told
    [listed] = s3.call("ListObjectsV2", Bucket="bucket")["Contents"]
    assert ("ChecksumType" in listed) is told[1]


# A key is told as an ARN, the default one's too; the context is told of what was just made only.
def test_kms(s3: Caller) -> None:
    arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/"
    context = base64.b64encode(json.dumps({"a": "b"}).encode()).decode()
    put = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY_ID,
                  SSEKMSEncryptionContext=context, BucketKeyEnabled=True)
    assert (put["SSEKMSKeyId"], put["SSEKMSEncryptionContext"], put["BucketKeyEnabled"]) == (
        arn + KEY_ID, context, True)
    assert put["ETag"] != f'"{hashlib.md5(b"1").hexdigest()}"'
    got = s3.call("GetObject", Bucket="bucket", Key="k")
    assert (got["Body"], got["ServerSideEncryption"], got["SSEKMSKeyId"]) == (b"1", "aws:kms", arn + KEY_ID)
    assert "SSEKMSEncryptionContext" not in got
    default = [s3.call("PutObject", Bucket="bucket", Key="k", ServerSideEncryption="aws:kms", **more)["SSEKMSKeyId"]
               for more in ({}, {"SSEKMSKeyId": "alias/aws/s3"})]
    assert default[0] == default[1] != arn
    assert default[0].startswith(arn)
    assert refusal(s3, "PutObject", ServerSideEncryption="aws:kms",
                   SSEKMSKeyId=f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{KEY_ID}") == (
        "KMS.NotFoundException", 400, "Invalid arn eu-west-1")


def test_the_default_of_a_bucket(s3: Caller) -> None:
    def configure(**rule: Any) -> None:
        s3.call("PutBucketEncryption", Bucket="bucket", ServerSideEncryptionConfiguration={"Rules": [rule]})

    kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ID}
    configure(ApplyServerSideEncryptionByDefault=kms, BucketKeyEnabled=True)
    put = s3.call("PutObject", Bucket="bucket", Key="k")
    assert (put["ServerSideEncryption"], put["BucketKeyEnabled"]) == ("aws:kms", True)
    assert put["SSEKMSKeyId"].endswith(KEY_ID)
    assert "SSEKMSKeyId" not in s3.call("PutObject", Bucket="bucket", Key="k", ServerSideEncryption="AES256")
    configure(BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]})
    code, status, message = refusal(s3, "PutObject", **customer())
    assert (code, status) == ("AccessDenied", 403)
    assert message.endswith("because this bucket has blocked upload requests that specify Server Side Encryption with "
                            "Customer provided keys (SSE-C). Please specify a different server-side encryption type")
    assert s3.error("PutBucketEncryption", Bucket="bucket", ServerSideEncryptionConfiguration={"Rules": [
        {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-S3"]}}]}) == "MalformedXML"


# What is in the shard is no plaintext, opens for its own content only, and what was put before there was encryption
# is read as it is.
def test_in_the_shard(s3: Caller) -> None:
    marker = os.urandom(16).hex().encode()
    for key, more in (("ours", {}), ("theirs", customer())):
        s3.call("PutObject", Bucket="bucket", Key=key, Body=marker, **more)
    rows = s3.store.read(lambda view: list(view.scan(b"\0", b"\xff")))
    assert not [key for key, row in rows if marker in row or b"k" * 32 in row]
    content = content_of(s3, "ours")
    s3.store.transact(lambda transaction: transaction.put(contents._key(content), pack({"data": b"old"})))
    assert s3.call("GetObject", Bucket="bucket", Key="ours")["Body"] == b"old"


def test_rot_in_the_shard(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1")
    s3.call("PutObject", Bucket="bucket", Key="other", Body=b"2")
    first, second = content_of(s3, "k"), content_of(s3, "other")
    moved = s3.store.read(lambda view: view.get(contents._key(second)))
    s3.store.transact(lambda transaction: transaction.put(contents._key(first), moved))
    assert s3.error("GetObject", Bucket="bucket", Key="k") == "InternalError"


# An event shows that there was a key, and never which.
def test_what_an_event_shows() -> None:
    operation = load("s3").operations["CopyObject"]
    event = shown("s3", operation.input, {"Key": "k", **customer(), **customer(members="CopySourceSSECustomer")}, "")
    assert event is not None
    assert event["sSECustomerKey"] == event["copySourceSSECustomerKey"] == HIDDEN
    assert customer()["SSECustomerKey"] not in str(event)


def test_sealing() -> None:
    key = CustomerKey(b"k" * 32, b"salt")
    sealed = key.seal(b"data", b"name")
    assert CustomerKey(b"k" * 32, b"salt").open(sealed, b"name") == b"data"
    for other, name in ((CustomerKey(b"k" * 32, b"tlas"), b"name"), (CustomerKey(b"x" * 32, b"salt"), b"name"),
                        (key, b"eman")):
        with pytest.raises(Broken):
            other.open(sealed, name)
    assert key.is_of(CustomerKey(b"k" * 32, b"salt").proof)
    assert not key.is_of(CustomerKey(b"x" * 32, b"salt").proof)


def test_whose_etag_is_an_md5() -> None:
    assert encryption.has_md5({"encryption": {"ServerSideEncryption": "AES256"}})
    records: list[dict[str, Any]] = [
        {"encryption": {}, "customer": {}}, {"encryption": {"ServerSideEncryption": "aws:kms"}},
        {"encryption": {}, "parts": 1}]
    for record in records:
        assert not encryption.has_md5(record)
