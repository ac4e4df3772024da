"""Objects of S3, through the bus and on behalf of whoever asked: `s3://bucket/key` in, bytes out."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from actors.runtime.surroundings import Surroundings, on_behalf
from bus.transport import BusError
from schemas import checksums
from schemas.errors import AwsError

KEYS_LIMIT = 10_000                       # under one prefix

RANGE_BYTES = 8 * 1024 * 1024             # of one read


class Unreachable(Exception):
    """S3 said no, or is not there. The message says which, in words for whoever asked."""


@dataclass(frozen=True, slots=True)
class Location:
    bucket: str
    key: str                              # or the beginning of keys

    @classmethod
    def of(cls, uri: str) -> "Location":
        parts = urlsplit(uri)
        return cls(parts.netloc, parts.path.lstrip("/"))

    def at(self, key: str) -> "Location":
        return Location(self.bucket, key)


class Objects:
    """S3 as one account and principal see it."""

    def __init__(self, surroundings: Surroundings, account: str, region: str, principal: str) -> None:
        self._client = surroundings.client
        self._identity, self._region = on_behalf(account, principal), region

    async def _ask(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Unreachable."""
        try:
            return await self._client.call("s3", operation, params, identity=self._identity, region=self._region)
        except AwsError as error:
            raise Unreachable(f"S3 answered {operation} with {error.error_code}: {error.message}") from error
        except BusError as error:
            raise Unreachable(f"S3 could not be reached: {error}") from error

    async def sizes(self, at: Location) -> dict[str, int]:
        """Every key that begins so, with its size in bytes, in order."""
        found: dict[str, int] = {}
        token = ""
        while len(found) < KEYS_LIMIT:
            params = {"Bucket": at.bucket, "Prefix": at.key, **({"ContinuationToken": token} if token else {})}
            answer = await self._ask("ListObjectsV2", params)
            found |= {each["Key"]: int(each["Size"]) for each in answer.get("Contents") or ()}
            token = answer.get("NextContinuationToken") or ""
            if not token:
                return found
        raise Unreachable(f"more than {KEYS_LIMIT} objects under s3://{at.bucket}/{at.key}")

    async def read(self, at: Location, start: int, stop: int) -> bytes:
        """The bytes from `start` to before `stop`."""
        answer = await self._ask("GetObject", {"Bucket": at.bucket, "Key": at.key,
                                               "Range": f"bytes={start}-{stop - 1}"})
        return bytes(answer.get("Body") or b"")

    async def whole(self, at: Location, size: int) -> bytes:
        parts = [await self.read(at, start, min(start + RANGE_BYTES, size)) for start in range(0, size, RANGE_BYTES)]
        return b"".join(parts)

    async def write(self, at: Location, content: bytes, content_type: str) -> None:
        await self._ask("PutObject", {"Bucket": at.bucket, "Key": at.key, "Body": content,
                                      "ContentMD5": checksums.md5_text(content), "ContentType": content_type})
