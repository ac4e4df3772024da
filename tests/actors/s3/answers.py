"""What S3 answers of one bucket: its refusals, and the few things that most tests of them do first."""

from typing import Any

import pytest

from schemas.errors import AwsError
from tests.actors.s3.caller import Caller

BUCKET = "bucket"


def refused(s3: Caller, name: str, **request: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        s3.call(name, Bucket=BUCKET, **request)
    return caught.value


def said(s3: Caller, name: str, **request: Any) -> tuple[str, int | None, str]:
    error = refused(s3, name, **request)
    return error.error_code, error.status, error.message


def version(s3: Caller, status: str = "Enabled") -> None:
    s3.call("PutBucketVersioning", Bucket=BUCKET, VersioningConfiguration={"Status": status})


def put(s3: Caller, key: str = "k", body: bytes = b"body", **request: Any) -> dict[str, Any]:
    return s3.call("PutObject", Bucket=BUCKET, Key=key, Body=body, **request)
