"""A restore through unmodified boto3: its status, and what may be done with the object before and after."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sdk.s3 import refused


def status(answer: Any) -> int:
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def test_a_restore(s3: Any, bucket: str) -> None:
    named = {"Bucket": bucket, "Key": "cold"}
    request = {"Days": 1, "GlacierJobParameters": {"Tier": "Expedited"}}
    s3.put_object(**named, Body=b"c" * 20_000, StorageClass="GLACIER")
    with pytest.raises(ClientError) as caught:
        s3.get_object(**named)
    assert refused(caught) == ("InvalidObjectState", 403)
    error: Any = caught.value.response["Error"]
    assert error["StorageClass"] == "GLACIER"
    with pytest.raises(ClientError) as caught:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/cold")
    assert refused(caught) == ("InvalidObjectState", 403)
    assert status(s3.restore_object(**named, RestoreRequest=request)) == 202
    while s3.head_object(**named)["Restore"] == 'ongoing-request="true"':
        pass                                       # a second, and every answer is a round trip
    assert status(s3.restore_object(**named, RestoreRequest=request)) == 200
    assert s3.get_object(**named)["Body"].read() == b"c" * 20_000
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/cold")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="copy")
    [told] = s3.list_objects_v2(Bucket=bucket, Prefix="cold", OptionalObjectAttributes=["RestoreStatus"])["Contents"]
    assert not told["RestoreStatus"]["IsRestoreInProgress"]
