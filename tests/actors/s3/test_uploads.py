"""Multipart uploads where they are easily got wrong: what checksums are told, kept and refused, and in which words.

Expectations: AWS's as the S3 tests of OpenStack Swift (test/s3api/test_object_checksums.py, which run against AWS too)
and of versitygw have them; https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from actors.s3 import multipart
from schemas import checksums
from schemas.errors import AwsError
from tests.actors.s3.caller import Caller, open_caller

KEY = {"Bucket": "bucket", "Key": "k"}
BODIES = [b"first", b"second"]
NO_SUM = "n2alat9FhKiZXkZO18V2LLcZFM3IT8R7DjSMvK//7WU="      # a SHA-256 of something else


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller, patch.object(multipart, "LEAST_PART_BYTES", 1):
        caller.call("CreateBucket", Bucket="bucket")
        yield caller


def digest(algorithm: str, body: bytes) -> str:
    return b64encode(checksums.of(algorithm, body)).decode()


def begin(s3: Caller, **more: Any) -> dict[str, Any]:
    """What names the upload."""
    return {**KEY, "UploadId": s3.call("CreateMultipartUpload", **KEY, **more)["UploadId"]}


def send(s3: Caller, upload: dict[str, Any], algorithm: str = "") -> list[dict[str, Any]]:
    """The parts as a list has them, of parts that state such a checksum."""
    listed = []
    for number, body in enumerate(BODIES, 1):
        stated = {f"Checksum{algorithm}": digest(algorithm, body)} if algorithm else {}
        etag = s3.call("UploadPart", **upload, PartNumber=number, Body=body, **stated)["ETag"]
        listed.append({"PartNumber": number, "ETag": etag, **stated})
    return listed


# An upload that names no algorithm has S3's own checksum of the whole, whatever its parts state; what its completion
# states is not looked at, and lists tell no checksum of its parts. One that names an algorithm for the whole needs none
# of its parts (LocalStack's snapshots of AWS, February 2026).
@pytest.mark.parametrize(("begun", "sent", "whole", "stated"), [
    ({}, "", "CRC64NVME", {"ChecksumCRC64NVME": "vqf3hRLTlJw="}), ({}, "CRC32", "CRC64NVME", {}),
    ({"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}, "", "CRC32C", {}),
    ({"ChecksumAlgorithm": "crc32", "ChecksumType": "full_object"}, "CRC32", "CRC32", {}),
])
def test_the_checksum_of_the_whole(
    s3: Caller, begun: dict[str, Any], sent: str, whole: str, stated: dict[str, str]
) -> None:
    upload = begin(s3, **begun)
    parts = send(s3, upload, sent)
    if not begun:
        parts = [{name: part[name] for name in ("PartNumber", "ETag")} for part in parts]
    told = s3.call("ListParts", **upload)["Parts"]
    listed = [{f"Checksum{whole}": digest(whole, body)} if begun else {} for body in BODIES]
    assert [{name: value for name, value in each.items() if name.startswith("Checksum")} for each in told] == listed
    expected = {f"Checksum{whole}": digest(whole, b"".join(BODIES)), "ChecksumType": "FULL_OBJECT"}
    answers = [s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts}, **stated),
               s3.call("HeadObject", **KEY, ChecksumMode="ENABLED")]
    for answer in answers:
        assert {name: value for name, value in answer.items() if name.startswith("Checksum")} == expected


def test_the_checksum_of_a_copied_part(s3: Caller) -> None:
    s3.call("PutObject", Bucket="bucket", Key="source", Body=b"body")
    for begun, expected in (({}, {}), ({"ChecksumAlgorithm": "CRC32C"}, {"ChecksumCRC32C": digest("CRC32C", b"body")})):
        answer = s3.call("UploadPartCopy", **begin(s3, **begun), PartNumber=1, CopySource="bucket/source")
        told = answer["CopyPartResult"]
        assert {name: value for name, value in told.items() if name.startswith("Checksum")} == expected


# Whose upload names no algorithm has no checksums to complete it with but S3's own (LocalStack's snapshots).
def test_parts_of_no_algorithm(s3: Caller) -> None:
    upload = begin(s3)
    parts = send(s3, upload, "CRC32C")
    with pytest.raises(AwsError) as caught:
        s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts})
    assert (caught.value.error_code, caught.value.fields["PartNumber"]) == ("InvalidPart", "1")
    s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": send(s3, upload, "CRC64NVME")})


# Of an empty list AWS says so (apache/arrow-rs#5404, versity/versitygw#1328).
def test_no_parts(s3: Caller) -> None:
    upload = begin(s3)
    listed: dict[str, Any]
    for listed in ({}, {"MultipartUpload": {"Parts": []}}):
        assert s3.error("CompleteMultipartUpload", **upload, **listed) == "MalformedXML"


# The digest that a part was to have is told as it came, that of an object in hexadecimal (LocalStack's snapshots).
def test_the_digest_that_was_expected(s3: Caller) -> None:
    other = b64encode(md5(b"other").digest()).decode()
    for operation, at, expected in (("UploadPart", {**begin(s3), "PartNumber": 1}, other),
                                    ("PutObject", KEY, md5(b"other").hexdigest())):
        with pytest.raises(AwsError) as caught:
            s3.call(operation, **at, Body=b"body", ContentMD5=other)
        assert (caught.value.error_code, caught.value.fields["ExpectedDigest"]) == ("BadDigest", expected)


# Of the whole's parts only their number is told where it is not made of their checksums (LocalStack's snapshots).
def test_attributes_of_a_whole(s3: Caller) -> None:
    upload = begin(s3)
    s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": send(s3, upload)})
    told = s3.call("GetObjectAttributes", **KEY, ObjectAttributes=["ObjectParts"])
    assert told["ObjectParts"] == {"TotalPartsCount": 2}


SHA256 = {"ChecksumAlgorithm": "SHA256"}


@pytest.mark.parametrize(("part", "more", "code", "message"), [
    ({"PartNumber": 0}, {}, "InvalidArgument", "PartNumber must be >= 1"),
    ({"ChecksumSHA256": None}, {}, "InvalidRequest", "The upload was created using a sha256 checksum. The complete "
     "request must include the checksum for each part. It was missing for part 1 in the request."),
    ({"ChecksumSHA256": "wrong"}, {}, "InvalidArgument", "Invalid Base64 or multiple checksums present in request"),
    ({"ChecksumCRC32": "sGc9Hg=="}, {}, "InvalidArgument", "Invalid Base64 or multiple checksums present in request"),
    ({"ChecksumSHA256": NO_SUM}, {}, "InvalidPart", ""),
    ({"ChecksumSHA256": None, "ChecksumCRC32": "sGc9Hg=="}, {}, "BadDigest",
     "The crc32 you specified for part 1 did not match what we received."),
    ({}, {"ChecksumSHA256": NO_SUM, "ChecksumCRC32": "sGc9Hg=="}, "InvalidRequest",
     "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."),
    ({}, {"ChecksumSHA256": "wrong"}, "InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid."),
    ({}, {"ChecksumSHA256": NO_SUM + "--2"}, "InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid."),
    ({}, {"ChecksumSHA256": NO_SUM + "-2"}, "BadDigest",
     "The sha256 you specified did not match the calculated checksum."),
    ({}, {"ChecksumType": "SOME"}, "InvalidRequest", "Value for x-amz-checksum-type header is invalid."),
    ({}, {"ChecksumType": "FULL_OBJECT"}, "InvalidRequest", "The upload was created using the COMPOSITE checksum mode. "
     "The complete request must use the same checksum mode."),
    ({}, {"MpuObjectSize": -1}, "InvalidRequest", "Value for x-amz-mp-object-size header is less than zero: '-1'"),
])
def test_refused_completions(s3: Caller, part: dict[str, Any], more: dict[str, Any], code: str, message: str) -> None:
    upload = begin(s3, **SHA256)
    parts = send(s3, upload, "SHA256")
    parts[0] = {name: value for name, value in {**parts[0], **part}.items() if value is not None}
    with pytest.raises(AwsError) as caught:
        s3.call("CompleteMultipartUpload", **upload, MultipartUpload={"Parts": parts}, **more)
    assert caught.value.error_code == code
    assert message in caught.value.message


@pytest.mark.parametrize(("asked", "message"), [
    ({"ChecksumType": "some"}, "Value for x-amz-checksum-type header is invalid."),
    ({"ChecksumType": "COMPOSITE"},
     "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."),
    ({"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"},
     "The FULL_OBJECT checksum type cannot be used with the sha1 checksum algorithm."),
])
def test_refused_beginnings(s3: Caller, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        begin(s3, **asked)
    assert (caught.value.error_code, caught.value.message) == ("InvalidRequest", message)


# One that is made of its parts' checksums needs theirs.
def test_a_part_without_its_checksum(s3: Caller) -> None:
    with pytest.raises(AwsError) as caught:
        send(s3, begin(s3, **SHA256))
    assert caught.value.message == ("Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum "
                                    "Type: null")


@pytest.mark.parametrize(("source", "message"), [
    ("bucket", "Invalid copy source object key"), ("bucket/", "Invalid copy source object key"),
    ("/", "Invalid copy source bucket name"), ("bucket/%ZZ", "Invalid copy source encoding"),
    ("bucket/%C3%", "Invalid copy source encoding"), ("%", "Invalid copy source encoding"),
    ("bucket/%FF", "Invalid copy source encoding"),
    ("bucket/k?part=1", "Unsupported copy source parameter."),
])
def test_sources_of_copies(s3: Caller, source: str, message: str) -> None:
    for name, request in (("CopyObject", KEY), ("UploadPartCopy", {**begin(s3), "PartNumber": 1})):
        with pytest.raises(AwsError) as caught:
            s3.call(name, **request, CopySource=source)
        assert (caught.value.error_code, caught.value.message) == ("InvalidArgument", message)
        assert caught.value.fields["ArgumentName"] == "x-amz-copy-source"


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html: on the provided timestamp, or a 412.
def test_giving_up_what_began_then(s3: Caller) -> None:
    upload = begin(s3)
    began = s3.call("ListMultipartUploads", Bucket="bucket")["Uploads"][0]["Initiated"]
    with pytest.raises(AwsError) as caught:
        s3.call("AbortMultipartUpload", **upload, IfMatchInitiatedTime=began - timedelta(days=1))
    assert (caught.value.error_code, caught.value.status) == ("PreconditionFailed", 412)
    s3.call("AbortMultipartUpload", **upload, IfMatchInitiatedTime=began)
    assert not s3.call("ListMultipartUploads", Bucket="bucket").get("Uploads")
