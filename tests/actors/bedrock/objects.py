"""An S3 of three operations that lives in a dictionary: what batch inference and imports ask of S3."""

from collections.abc import Mapping
from typing import Any, ClassVar

from actors.runtime.actor import ServiceActor, operation
from actors.runtime.context import Context
from schemas.errors import AwsError

Answer = dict[str, Any]


class FakeS3(ServiceActor):
    service: ClassVar[str] = "s3"

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.objects = dict(objects)              # "bucket/key" -> content
        self.askers: set[str] = set()
        self.reads = 0

    @operation("ListObjectsV2")
    async def list_objects_v2(self, context: Context, request: Mapping[str, Any]) -> Answer:
        prefix = f"{request['Bucket']}/{request.get('Prefix', '')}"
        self.askers.add(context.identity.principal)
        return {"Contents": [{"Key": name.partition("/")[2], "Size": len(content)}
                             for name, content in sorted(self.objects.items()) if name.startswith(prefix)]}

    @operation("GetObject")
    async def get_object(self, context: Context, request: Mapping[str, Any]) -> Answer:
        self.reads += 1
        content = self.objects.get(f"{request['Bucket']}/{request['Key']}")
        if content is None:
            raise AwsError("The specified key does not exist.", code="NoSuchKey", status=404)
        start, _, stop = request["Range"].removeprefix("bytes=").partition("-")
        return {"Body": content[int(start):int(stop) + 1]}

    @operation("PutObject")
    async def put_object(self, context: Context, request: Mapping[str, Any]) -> Answer:
        self.objects[f"{request['Bucket']}/{request['Key']}"] = request["Body"]
        return {}
