"""A small S3 for trails: buckets that are there, or not, and take what cloudtrail.amazonaws.com puts."""

import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from actors.runtime.access import Access, Guard
from actors.runtime.actor import ServiceActor, operation
from actors.runtime.context import Context
from actors.runtime.policy import Policy, Use, compile_document
from schemas.errors import AwsError

OPEN = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},'
        '"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":"*"}]}')


class Bucket(ServiceActor):
    """Holds nothing across restarts of its own. `failing`: the code that puts are answered with."""

    service: ClassVar[str] = "s3"

    def __init__(self, name: str = "logs", policy: str = OPEN) -> None:
        self.name, self.policy = name, policy
        self.failing = ""
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}

    @operation("GetBucketAcl")
    async def get_bucket_acl(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["Bucket"] != self.name:
            raise AwsError("The specified bucket does not exist", code="NoSuchBucket", status=404)
        return {}

    @operation("PutObject")
    async def put_object(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.failing:
            raise AwsError("no", code=self.failing)
        if request.get("IfMatch"):
            raise AwsError("The specified key does not exist.", code="NoSuchKey", status=404)
        self.objects[request["Key"]] = request["Body"]
        self.metadata[request["Key"]] = request["Metadata"]
        return {}

    def accesses(self, context: Context, request: Mapping[str, Any]) -> Sequence[Access]:
        if context.operation.name == "GetBucketAcl":
            return (Access("s3:GetBucketAcl", f"arn:aws:s3:::{request['Bucket']}"),)
        return (Access("s3:PutObject", f"arn:aws:s3:::{request['Bucket']}/{request['Key']}"),)

    def guard(self, context: Context, access: Access) -> Guard | None:
        return Guard("000000000000", Policy("bucket", compile_document(self.policy, Use.RESOURCE)))

    def inside(self, key: str) -> bytes:
        return gzip.decompress(self.objects[key])

    def events(self) -> list[dict[str, Any]]:
        """What stands in all log files."""
        keys = [key for key in sorted(self.objects) if "/CloudTrail/" in key]
        return [event for key in keys for event in json.loads(self.inside(key))["Records"]]

    def names(self) -> list[str]:
        return [event["eventName"] for event in self.events()]
