"""Encryption at rest through unmodified boto3: customers' keys on every way in and out, no plaintext on the disk."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError, ResponseStreamingError

PART = 5 * 1024 * 1024
KEY, OTHER = b"K" * 32, b"O" * 32
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}
NEW = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": OTHER}
SOURCE = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}


def refused(call: Any, **request: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    answer = caught.value.response
    return answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def everything(data_dir: Path) -> bytes:
    return b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())


# Small and large, put, copied, in parts and by form: nothing of it, and no customer's key, is found on the disk.
def test_no_plaintext_on_the_disk(s3: Any, bucket: str, data_dir: Path) -> None:
    marker = os.urandom(32).hex().encode()
    small, large = marker * 2, marker * 1000
    for key, body in (("small", small), ("large", large)):
        for name, more in (("ours", {}), ("theirs", CUSTOMER)):
            s3.put_object(Bucket=bucket, Key=f"{key}-{name}", Body=body, **more)
            assert s3.get_object(Bucket=bucket, Key=f"{key}-{name}", **more)["Body"].read() == body
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/large-ours")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **CUSTOMER)["UploadId"]
    named = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    s3.upload_part(**named, PartNumber=1, Body=large, **CUSTOMER)
    form = s3.generate_presigned_post(bucket, "form")
    assert requests.post(form["url"], form["fields"], files={"file": large}, timeout=30).status_code == 204
    stored = everything(data_dir)
    assert len(stored) > 5 * len(large)
    assert marker not in stored
    assert KEY not in stored
    assert base64.b64encode(KEY) not in stored


# Nobody takes rot for the object: its last bytes never come. What of it is whole can still be had.
def test_rot(s3: Any, bucket: str, data_dir: Path) -> None:
    body = os.urandom(100_000)
    before = set((data_dir / "state" / "s3" / "blobs").glob("??/*"))
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    [file] = set((data_dir / "state" / "s3" / "blobs").glob("??/*")) - before
    with file.open("r+b") as opened:
        opened.write(b"rot")
    with pytest.raises((IncompleteReadError, ConnectionClosedError, ResponseStreamingError)):
        s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=3-")["Body"].read() == body[3:]
    s3.delete_object(Bucket=bucket, Key="k")


# As ceph/s3-tests has it (test_sse_kms_method_head): who reads does not say how.
def test_a_method_where_none_can_be(s3: Any, bucket: str) -> None:
    def says(request: Any, **_: Any) -> None:
        request.headers["x-amz-server-side-encryption"] = "aws:kms"

    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ServerSideEncryption="aws:kms")
    for operation, call in (("GetObject", s3.get_object), ("HeadObject", s3.head_object)):
        s3.meta.events.register(f"before-sign.s3.{operation}", says)
        try:
            assert refused(call, Bucket=bucket, Key="k")[1] == 400
        finally:
            s3.meta.events.unregister(f"before-sign.s3.{operation}", says)


# A copy is its target's: its key may change without a byte moving, and what is no longer a customer's is anyone's.
def test_copies_between_keys(s3: Any, bucket: str) -> None:
    bodies = {"small": os.urandom(100), "large": os.urandom(100_000)}
    for name, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=name, Body=body, **CUSTOMER)
        source = {"Bucket": bucket, "CopySource": f"{bucket}/{name}"}
        assert refused(s3.copy_object, **source, Key="x")[1] == 400
        assert refused(s3.copy_object, **source, Key="x", **{**SOURCE, "CopySourceSSECustomerKey": OTHER})[1] == 403
        s3.copy_object(**source, Key="new", **SOURCE, **NEW)
        assert s3.get_object(Bucket=bucket, Key="new", **NEW)["Body"].read() == body
        assert refused(s3.get_object, Bucket=bucket, Key="new", **CUSTOMER)[1] == 403
        copied = s3.copy_object(**source, Key="plain", **SOURCE)
        assert copied["ServerSideEncryption"] == "AES256"
        assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        assert s3.get_object(Bucket=bucket, Key="plain")["Body"].read() == body
        s3.copy_object(Bucket=bucket, Key="back", CopySource=f"{bucket}/plain", **NEW)
        assert s3.get_object(Bucket=bucket, Key="back", Range="bytes=7-19", **NEW)["Body"].read() == body[7:20]


# Every part needs the upload's key; ranges and parts of the object need it too, however they lie across its parts.
def test_a_multipart_upload(s3: Any, bucket: str) -> None:
    parts = [os.urandom(PART), os.urandom(PART), os.urandom(1000)]
    whole = b"".join(parts)
    s3.put_object(Bucket=bucket, Key="source", Body=parts[1], **CUSTOMER)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **CUSTOMER)
    assert upload["SSECustomerAlgorithm"] == "AES256"
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload["UploadId"]}
    assert refused(s3.upload_part, **named, PartNumber=1, Body=b"1") == (
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate "
        "encryption parameters.", 400)
    assert refused(s3.upload_part, **named, PartNumber=1, Body=b"1", **NEW) == (
        "The provided encryption parameters did not match the ones used originally.", 400)
    etags = [s3.upload_part(**named, PartNumber=1, Body=parts[0], **CUSTOMER)["ETag"],
             s3.upload_part_copy(**named, PartNumber=2, CopySource=f"{bucket}/source", **SOURCE,
                                 **CUSTOMER)["CopyPartResult"]["ETag"],
             s3.upload_part(**named, PartNumber=3, Body=parts[2], **CUSTOMER)["ETag"]]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [
        {"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]})
    assert s3.get_object(Bucket=bucket, Key="k", **CUSTOMER)["Body"].read() == whole
    assert s3.get_object(Bucket=bucket, Key="k", PartNumber=3, **CUSTOMER)["Body"].read() == parts[2]
    across = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={PART - 21}-{2 * PART + 13}", **CUSTOMER)
    assert across["Body"].read() == whole[PART - 21:2 * PART + 14]
    assert refused(s3.get_object, Bucket=bucket, Key="k", PartNumber=3)[1] == 400
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", **SOURCE)
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == whole


# A form and a presigned URL carry the headers too; every version has a key of its own.
def test_other_ways(s3: Any, bucket: str) -> None:
    headers = {"x-amz-server-side-encryption-customer-algorithm": "AES256",
               "x-amz-server-side-encryption-customer-key": "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=",
               "x-amz-server-side-encryption-customer-key-MD5": "hA0i9FgVK/QWfBytGHevGg=="}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    form = s3.generate_presigned_post(bucket, "k", Fields=headers, Conditions=[{n: v} for n, v in headers.items()])
    assert requests.post(form["url"], form["fields"], files={"file": b"1"}, timeout=30).status_code == 204
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", **NEW)
    first = s3.list_object_versions(Bucket=bucket, Prefix="k")["Versions"][1]["VersionId"]
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=first, **CUSTOMER)["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=first, **NEW)[1] == 403
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k", **NEW})
    answer = requests.get(url, headers={
        **headers, "x-amz-server-side-encryption-customer-key": "T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT08=",
        "x-amz-server-side-encryption-customer-key-MD5": "rQxmu6yAFFOwBC7Z2Y0g2w=="}, timeout=30)
    assert (answer.status_code, answer.content) == (200, b"2")


def test_a_policy_that_asks_for_encryption(s3: Any, bucket: str) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}]}))
    assert refused(s3.put_object, Bucket=bucket, Key="k")[1] == 403
    assert s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms")["ServerSideEncryption"] == "aws:kms"
