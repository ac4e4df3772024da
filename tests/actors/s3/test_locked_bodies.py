"""A body that a lock is to keep must come with a digest (locks.py).

Expected: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and …/API_UploadPart.html (Content-MD5);
the sentences are AWS's in reports of users.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.checksums import md5_text
from tests.actors.s3.answers import BUCKET, refused
from tests.actors.s3.caller import Caller

BODY = b"body"
MD5 = {"ContentMD5": md5_text(BODY)}
CRC32 = {"ChecksumCRC32": "26gLsg=="}
TOMORROW = datetime.fromtimestamp(1_000_000, UTC) + timedelta(days=1)       # by the store's clock
RETAINED = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": TOMORROW}
SENTENCE = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put {} requests with Object Lock parameters"


@pytest.fixture(autouse=True)
def lock(s3: Caller) -> None:
    s3.call("PutBucketVersioning", Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    retain(s3)


def retain(s3: Caller, **rule: Any) -> None:
    s3.call("PutObjectLockConfiguration", Bucket=BUCKET, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", **({"Rule": {"DefaultRetention": rule}} if rule else {})})


# The headers ask for it, and so does the bucket's default. A lock without either keeps nothing of this object.
@pytest.mark.parametrize("said", [
    RETAINED, {"ObjectLockLegalHoldStatus": "ON"}, {"ObjectLockLegalHoldStatus": "OFF"}, None])
def test_an_object(s3: Caller, said: dict[str, Any] | None) -> None:
    s3.call("PutObject", Bucket=BUCKET, Key="k", Body=BODY)
    if said is None:
        retain(s3, Mode="GOVERNANCE", Days=1)
    request = {"Key": "k", "Body": BODY, **(said or {})}
    error = refused(s3, "PutObject", **request)
    assert (error.error_code, error.status, error.message) == ("InvalidRequest", 400, SENTENCE.format("Object"))
    for digest in (MD5, CRC32):
        s3.call("PutObject", Bucket=BUCKET, **request, **digest)
    s3.call("CopyObject", Bucket=BUCKET, CopySource=f"{BUCKET}/k", Key="copy", **(said or {}))       # has no body


@pytest.mark.parametrize("said", [RETAINED, {"ObjectLockLegalHoldStatus": "ON"}, None])
def test_a_part(s3: Caller, said: dict[str, Any] | None) -> None:
    if said is None:
        retain(s3, Mode="COMPLIANCE", Years=1)
    upload = s3.call("CreateMultipartUpload", Bucket=BUCKET, Key="k", **(said or {}))["UploadId"]
    request = {"Key": "k", "UploadId": upload, "PartNumber": 1, "Body": BODY}
    error = refused(s3, "UploadPart", **request)
    assert (error.error_code, error.status, error.message) == ("InvalidRequest", 400, SENTENCE.format("Part"))
    for digest in (MD5, CRC32):
        s3.call("UploadPart", Bucket=BUCKET, **request, **digest)
