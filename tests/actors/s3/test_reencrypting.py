"""UpdateObjectEncryption changes what is told of an object's key and nothing else, where AWS lets it.

Expected: https://docs.aws.amazon.com/AmazonS3/latest/API/API_UpdateObjectEncryption.html
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.checksums import md5_text
from schemas.errors import AwsError
from tests.actors.s3.caller import ACCOUNT, Caller, open_caller
from tests.actors.s3.test_encryption import customer

KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[Caller]:
    with open_caller(tmp_path) as caller:
        caller.call("CreateBucket", Bucket="bucket", ObjectLockEnabledForBucket=True)
        yield caller


def update(s3: Caller, encryption: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    asked = {"SSEKMS": {"KMSKeyArn": KEY}} if encryption is None else encryption
    return s3.call("UpdateObjectEncryption", Bucket="bucket", Key="k", ObjectEncryption=asked, **more)


@pytest.mark.parametrize("before", [{}, {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True}])
@pytest.mark.parametrize("bucket_key", [True, False])
def test_another_key(s3: Caller, before: dict[str, Any], bucket_key: bool) -> None:
    old = s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", Metadata={"a": "b"}, Tagging="c=d", **before)
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"2")
    asked = {"Bucket": "bucket", "Key": "k", "VersionId": old["VersionId"], "ChecksumMode": "ENABLED"}
    told = s3.call("GetObject", **asked)
    assert update(s3, {"SSEKMS": {"KMSKeyArn": KEY, "BucketKeyEnabled": bucket_key}}, VersionId=old["VersionId"]) == {}
    expected = {**told, "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY, "BucketKeyEnabled": True}
    if not bucket_key:
        del expected["BucketKeyEnabled"]
    assert s3.call("GetObject", **asked) == expected
    assert s3.call("HeadObject", Bucket="bucket", Key="k")["ServerSideEncryption"] == "AES256"      # another version


TOMORROW = datetime.fromtimestamp(1_000_000, UTC) + timedelta(days=1)       # by the store's clock


@pytest.mark.parametrize(("put", "asked", "code", "part"), [
    ({}, {}, "InvalidRequest", "ObjectEncryption"),
    ({}, {"SSEKMS": {"KMSKeyArn": KEY.replace("key/", "alias/")}}, "InvalidRequest", "correctly formatted"),
    ({}, {"SSEKMS": {"KMSKeyArn": KEY.replace(ACCOUNT, "222222222222")}}, "AccessDenied", "same account"),
    ({}, {"SSEKMS": {"KMSKeyArn": KEY.replace("us-east-1", "eu-west-1")}}, "KMS.NotFoundException", "eu-west-1"),
    (customer(), None, "InvalidRequest", "DSSE-KMS or SSE-C"),
    ({"ServerSideEncryption": "aws:kms:dsse"}, None, "InvalidRequest", "DSSE-KMS or SSE-C"),
    ({"ObjectLockLegalHoldStatus": "ON"}, None, "AccessDenied", "Object Lock"),
    ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": TOMORROW}, None, "AccessDenied", "Object Lock"),
])
def test_refused(s3: Caller, put: dict[str, Any], asked: dict[str, Any] | None, code: str, part: str) -> None:
    s3.call("PutObject", Bucket="bucket", Key="k", Body=b"1", ContentMD5=md5_text(b"1"), **put)
    with pytest.raises(AwsError) as caught:
        update(s3, asked)
    assert caught.value.error_code == code
    assert part in caught.value.message


def test_what_is_not_there(s3: Caller) -> None:
    with pytest.raises(AwsError, match="does not exist"):
        update(s3)
    s3.call("DeleteObject", Bucket="bucket", Key="k")
    with pytest.raises(AwsError, match="method is not allowed"):
        update(s3)
