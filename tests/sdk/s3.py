"""How the tests of S3 speak to it: an unmodified boto3 client, and what it says of a refusal."""

from typing import Any

import boto3
from botocore.config import Config

from tests import servers


def client(server: servers.Server, account: str = "test", **config: Any) -> Any:
    return boto3.Session(account, "test", region_name="us-east-1").client(
        "s3", endpoint_url=server.endpoint, config=Config(retries={"total_max_attempts": 1}, **config))


def refused(caught: Any) -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
