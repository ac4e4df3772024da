"""What S3 asks of a body's digests, by operation. Expected: OpenStack Swift's tests that run against AWS too
(test/s3api/test_input_errors.py), scality/cloudserver's of every document's checksum, and
https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""

import pytest

from gateway.protocols.wire import HttpRequest
from gateway.s3 import words
from schemas.errors import AwsError
from schemas.models import load

WRONG = {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}             # of nothing
MISSING = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"


def verify(operation: str, headers: dict[str, str]) -> None:
    found = load("s3").operations[operation]
    words.verify_sums(found, HttpRequest(found.method, "/b/k", "", headers, b"body"))


@pytest.mark.parametrize(("operation", "headers", "code", "message"), [
    ("DeleteObjects", {}, "InvalidRequest", MISSING),
    ("DeleteObjects", {"x-amz-checksum-algorithm": "CRC32"}, "InvalidRequest", MISSING),
    ("DeleteObjects", WRONG, "BadDigest", "The Content-MD5 you specified did not match what we received."),
    ("CompleteMultipartUpload", WRONG, "BadDigest", "The Content-MD5 you specified did not match what we received."),
    ("PutBucketTagging", {"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest",
     "The CRC32 you specified did not match the calculated checksum."),
    ("PutBucketAcl", {"x-amz-sdk-checksum-algorithm": "SHA1"}, "InvalidRequest",
     "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
     "found."),
    ("PutObjectRetention", {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="}, "InvalidRequest",
     "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."),
    ("RestoreObject", {"x-amz-checksum-sha256": "BAD"}, "InvalidRequest",
     "Value for x-amz-checksum-sha256 header is invalid."),
    ("PutObject", {"x-amz-checksum-bad": ""}, "InvalidRequest",
     "The algorithm type you specified in x-amz-checksum- header is invalid."),
])
def test_refused(operation: str, headers: dict[str, str], code: str, message: str) -> None:
    with pytest.raises(AwsError) as caught:
        verify(operation, headers)
    assert (caught.value.error_code, caught.value.message) == (code, message)


# What a read states, nobody compares; what is said of an object, or of the parts of one, the actor does.
@pytest.mark.parametrize(("operation", "headers"), [
    ("GetObject", WRONG), ("HeadBucket", WRONG), ("ListObjectsV2", WRONG), ("PutObject", WRONG),
    ("CompleteMultipartUpload", {"x-amz-checksum-crc32": "AAAAAA=="}),
    ("CreateMultipartUpload", {"x-amz-checksum-algorithm": "CRC32"}),
    ("DeleteObjects", {"content-md5": "hBotaJrYa9FhFEdFPCLG/A=="}),
])
def test_taken(operation: str, headers: dict[str, str]) -> None:
    verify(operation, headers)
