"""boto3's transfer manager with a file of 2 GiB: parts in parallel both ways, compared by digest."""

import base64
import hashlib
import zlib
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig

from tests import servers

MIB = 1024 * 1024
SIZE_BYTES = 2048 * MIB + 12_345                # the last part is a short one
PART_BYTES = 16 * MIB
CONFIG = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=8)


def written(path: Path) -> str:
    """Every block is another, so parts that changed places would show. Answers the SHA-256."""
    digest, left, number = hashlib.sha256(), SIZE_BYTES, 0
    with path.open("wb") as file:
        while left:
            block = (number.to_bytes(8, "big") * (MIB // 8))[:left]
            file.write(block)
            digest.update(block)
            left, number = left - len(block), number + 1
    return digest.hexdigest()


def composite(path: Path) -> str:
    """The checksum that S3 gives an upload in parts whose client sends CRC32."""
    crcs = []
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            crcs.append(zlib.crc32(part).to_bytes(4, "big"))
    return f"{base64.b64encode(zlib.crc32(b''.join(crcs)).to_bytes(4, 'big')).decode()}-{len(crcs)}"


@pytest.mark.slow
def test_parallel_parts(tmp_path: Path) -> None:
    with servers.skybus("--durability", "os") as server:
        client: Any = boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1",
                                   aws_access_key_id="test", aws_secret_access_key="test")
        client.create_bucket(Bucket="bucket")
        path = tmp_path / "file"
        try:
            expected = written(path)
            client.upload_file(str(path), "bucket", "key", Config=CONFIG)
            head = client.head_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
            assert (head["ContentLength"], head["ChecksumCRC32"]) == (SIZE_BYTES, composite(path))
            path.unlink()                       # never two of it on the disk beside the server's
            client.download_file("bucket", "key", str(path), Config=CONFIG)
            with path.open("rb") as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == expected
        finally:
            path.unlink(missing_ok=True)
            client.delete_object(Bucket="bucket", Key="key")
