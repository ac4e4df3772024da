"""Multipart uploads and copies through unmodified boto3, its transfer manager included."""

import base64
import hashlib
import io
import os
import zlib
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests import servers
from tests.sdk.s3 import client, refused

MIB = 1024 * 1024
PART = 5 * MIB


# What the transfer manager sends in parts, in parallel, comes back as it was, whole and by part.
def test_the_transfer_manager(s3: Any, bucket: str) -> None:
    body = os.urandom(3 * PART + 12_345)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config)
    head = s3.head_object(Bucket=bucket, Key="big", ChecksumMode="ENABLED")
    digests = b"".join(hashlib.md5(body[at:at + PART]).digest() for at in range(0, len(body), PART))
    assert head["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-4"'
    crcs = b"".join(zlib.crc32(body[at:at + PART]).to_bytes(4, "big") for at in range(0, len(body), PART))
    composite = base64.b64encode(zlib.crc32(crcs).to_bytes(4, "big")).decode()
    assert (head["ChecksumCRC32"], head["ChecksumType"]) == (f"{composite}-4", "COMPOSITE")
    back = io.BytesIO()
    s3.download_fileobj(bucket, "big", back, Config=config)
    assert back.getvalue() == body
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert second["PartsCount"] == 4
    assert second["Body"].read() == body[PART:2 * PART]
    across = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={PART - 10}-{2 * PART + 9}")
    assert across["Body"].read() == body[PART - 10:2 * PART + 10]


def test_full_object_checksum(s3: Any, bucket: str) -> None:
    parts = [os.urandom(PART), os.urandom(100)]
    upload = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    done = [{"PartNumber": number, "ETag": s3.upload_part(
        **named, PartNumber=number, Body=part, ChecksumAlgorithm="CRC32")["ETag"]}
        for number, part in enumerate(parts, 1)]
    whole = base64.b64encode(zlib.crc32(b"".join(parts)).to_bytes(4, "big")).decode()
    with pytest.raises(ClientError) as caught:
        s3.complete_multipart_upload(**named, MultipartUpload={"Parts": done}, ChecksumCRC32="AAAAAA==")
    assert refused(caught) == ("BadDigest", 400)
    answer = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": done}, ChecksumCRC32=whole)
    assert (answer["ChecksumCRC32"], answer["ChecksumType"]) == (whole, "FULL_OBJECT")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"".join(parts)


def test_refused_completions(s3: Any, bucket: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    etags = [s3.upload_part(**named, PartNumber=number, Body=b"x" * number)["ETag"] for number in (1, 2)]
    one, two = ({"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1))
    for parts, code in [
        ([one, two], "EntityTooSmall"), ([two, one], "InvalidPartOrder"), ([one, one], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": etags[0]}], "InvalidPart"), ([{"PartNumber": 1, "ETag": '"other"'}], "InvalidPart"),
    ]:
        with pytest.raises(ClientError) as caught:
            s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
        assert refused(caught) == (code, 400)
    with pytest.raises(ClientError) as caught:
        s3.complete_multipart_upload(**named)
    assert refused(caught) == ("MalformedXML", 400)
    assert [part["Size"] for part in s3.list_parts(**named)["Parts"]] == [1, 2]
    page = s3.list_parts(**named, MaxParts=1)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 1)
    assert [each["UploadId"] for each in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [two]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"xx"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with pytest.raises(ClientError) as caught:
        s3.abort_multipart_upload(**named)
    assert refused(caught) == ("NoSuchUpload", 404)


def test_copies(s3: Any, bucket: str, skybus: servers.Server) -> None:
    for size in (10, 100_000):
        body = os.urandom(size)
        s3.put_object(Bucket=bucket, Key="a b/ü", Body=body, Metadata={"m": "1"}, ContentType="text/x", Tagging="t=1")
        source = {"Bucket": bucket, "Key": "a b/ü"}
        result = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
        s3.delete_object(Bucket=bucket, Key="a b/ü")
        got = s3.get_object(Bucket=bucket, Key="copy")
        assert (got["Body"].read(), got["Metadata"], got["ContentType"], got["TagCount"]) == (
            body, {"m": "1"}, "text/x", 1)
        assert got["ETag"] == result["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        replaced = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/copy"}
        with pytest.raises(ClientError) as caught:
            s3.copy_object(**replaced)
        assert refused(caught) == ("InvalidRequest", 400)
        s3.copy_object(**replaced, MetadataDirective="REPLACE", Metadata={"m": "2"}, ChecksumAlgorithm="SHA256")
        got = s3.get_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
        assert got["Body"].read() == body
        assert got["Metadata"] == {"m": "2"}
        assert got["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    with pytest.raises(ClientError) as caught:
        s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/none")
    assert refused(caught) == ("NoSuchKey", 404)
    with pytest.raises(ClientError) as caught:
        client(skybus, "222222222222").copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/copy")
    assert refused(caught) == ("AccessDenied", 403)


def test_copied_parts(s3: Any, bucket: str) -> None:
    body = os.urandom(2 * PART)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    done = []
    for number, stretch in enumerate([None, f"bytes={PART}-{2 * PART - 1}", "bytes=0-9"], 1):
        more = {"CopySourceRange": stretch} if stretch else {}
        result = s3.upload_part_copy(**named, PartNumber=number, CopySource=f"{bucket}/source", **more)
        done.append({"PartNumber": number, **{
            name: value for name, value in result["CopyPartResult"].items() if name != "LastModified"}})
    for wrong in ("bytes=0-99999999999", "bytes=9-1", "0-1"):
        with pytest.raises(ClientError) as caught:
            s3.upload_part_copy(**named, PartNumber=9, CopySource=f"{bucket}/source", CopySourceRange=wrong)
        assert refused(caught) == ("InvalidArgument", 400)
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": done})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body + body[PART:] + body[:10]
    s3.copy_object(Bucket=bucket, Key="whole", CopySource=f"{bucket}/k")
    head = s3.head_object(Bucket=bucket, Key="whole")
    assert head["ETag"] == f'"{hashlib.md5(body + body[PART:] + body[:10]).hexdigest()}"'


def uploaded(s3: Any, bucket: str, key: str = "k") -> tuple[dict[str, str], dict[str, Any]]:
    """An upload with one part: what names it, and what completes it."""
    named = {"Bucket": bucket, "Key": key}
    named["UploadId"] = s3.create_multipart_upload(**named)["UploadId"]
    etag = s3.upload_part(**named, PartNumber=1, Body=b"body")["ETag"]
    return named, {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}


# What comes between an upload's begin and its end is a conflict, where the condition alone would not tell.
# Source: LocalStack's snapshots of AWS, TestS3ObjectWritePrecondition.
def test_conflicts(s3: Any, bucket: str) -> None:
    def refusal(named: Any, parts: Any, **condition: str) -> Any:
        with pytest.raises(ClientError) as caught:
            s3.complete_multipart_upload(**named, **parts, **condition)
        error = caught.value.response["Error"]
        return error["Code"], error.get("Condition"), error.get("Key")

    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    named, parts = uploaded(s3, bucket)
    assert refusal(named, parts, IfNoneMatch="*")[0] == "PreconditionFailed"
    s3.delete_object(Bucket=bucket, Key="k")
    assert refusal(named, parts, IfNoneMatch="*") == ("ConditionalRequestConflict", "If-None-Match", "k")
    assert refusal(named, parts, IfMatch=etag)[0] == "NoSuchKey"
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    assert refusal(named, parts, IfMatch=etag) == ("ConditionalRequestConflict", "If-Match", "k")
    named, parts = uploaded(s3, bucket)
    s3.complete_multipart_upload(**named, **parts, IfMatch=etag)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    named, parts = uploaded(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    assert refusal(named, parts, IfNoneMatch="*")[0] == "ConditionalRequestConflict"
    named, parts = uploaded(s3, bucket)
    s3.complete_multipart_upload(**named, **parts, IfNoneMatch="*")


# Who did not hear the answer asks again, and hears it (ceph/s3-tests, moto); until something else is there.
def test_completed_twice(s3: Any, bucket: str) -> None:
    named, parts = uploaded(s3, bucket)
    first, second = (s3.complete_multipart_upload(**named, **parts) for _ in range(2))
    assert {name: first[name] for name in ("ETag", "Location", "Key")} == {
        name: second[name] for name in ("ETag", "Location", "Key")}
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with pytest.raises(s3.exceptions.NoSuchUpload):
        s3.complete_multipart_upload(**named, **parts)


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_the_checksum_of_a_part(s3: Any, bucket: str, kind: str) -> None:
    bodies = [b"a" * PART, b"b"]
    named = {"Bucket": bucket, "Key": "k"}
    named["UploadId"] = s3.create_multipart_upload(**named, ChecksumAlgorithm="CRC32", ChecksumType=kind)["UploadId"]
    parts = [{"PartNumber": number, **{name: value for name, value in s3.upload_part(
        **named, PartNumber=number, Body=body).items() if name in ("ETag", "ChecksumCRC32")}}
        for number, body in enumerate(bodies, 1)]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    for part, body in zip(parts, bodies, strict=True):
        head = s3.head_object(Bucket=bucket, Key="k", PartNumber=part["PartNumber"], ChecksumMode="ENABLED")
        assert (head["ChecksumCRC32"], head["ChecksumType"], head["ContentLength"]) == (
            part["ChecksumCRC32"], kind, len(body))


# Source: LocalStack's snapshots of AWS.
def test_refused_copies(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    marker = s3.delete_object(Bucket=bucket, Key="gone")["VersionId"]
    named, _ = uploaded(s3, bucket)
    for source, stretch, code, message in [
        ("gone", None, "NoSuchKey", "The specified key does not exist."),
        (f"gone?versionId={marker}", None, "InvalidRequest",
         "The source of a copy request may not specifically refer to a delete marker by version id."),
        ("source", "bytes=100-200", "InvalidRequest", "The specified copy range is invalid for the source object size"),
        ("source", "bytes=0-10", "InvalidArgument", "Range specified is not valid for source object of size: 10"),
    ]:
        with pytest.raises(ClientError) as caught:
            s3.upload_part_copy(**named, PartNumber=1, CopySource=f"{bucket}/{source}",
                                **({"CopySourceRange": stretch} if stretch else {}))
        error = caught.value.response["Error"]
        assert (error["Code"], error["Message"]) == (code, message)
