"""kill -9 under uploads, copies and completions: what was acknowledged is there to the byte, what was not is the old
object, the new or none.
"""

import hashlib
import itertools
import os
import threading
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests import servers
from tests.crash.test_kill import victim_of
from tests.waiting import until

BUCKET = "bucket"
WRITERS = 8
KILLS = 3
PROGRESS = 30                             # acknowledged writes before each kill
SIZES = (0, 700, 16_384, 16_385, 200_000)
PART = 5 * 1024 * 1024


def connect(server: servers.Server) -> Any:
    return boto3.Session("test", "test", region_name="us-east-1").client(
        "s3", endpoint_url=server.endpoint, config=Config(retries={"total_max_attempts": 1}, read_timeout=20))


class Writer(threading.Thread):
    """Overwrites its own keys; `known` holds the MD5 of what each may be: one, or two where no answer came."""

    def __init__(self, server: servers.Server, number: int) -> None:
        super().__init__(daemon=True)
        self.client = connect(server)
        self.number = number
        self.known: dict[str, set[str]] = {}
        self.acknowledged = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        for turn in itertools.count():
            if self.stopped.is_set():
                return
            key = f"{self.number}/{turn % 7}"
            parts = [os.urandom(SIZES[turn % len(SIZES)])] if turn % 23 else [os.urandom(PART), os.urandom(9)]
            digest = hashlib.md5(b"".join(parts)).hexdigest()
            possible = self.known.setdefault(key, {""})
            possible.add(digest)
            try:
                self._put(key, parts)
            except (ClientError, BotoCoreError):
                self.stopped.wait(0.05)             # not there just now: no use in asking at full speed
            else:
                self.known[key] = {digest}
                self.acknowledged += 1

    def _put(self, key: str, parts: list[bytes]) -> None:
        if len(parts) == 1 and self.acknowledged % 3 == 2:
            self.client.put_object(Bucket=BUCKET, Key=f"{key}.source", Body=parts[0])
            self.client.copy_object(Bucket=BUCKET, Key=key, CopySource=f"{BUCKET}/{key}.source")
            return
        if len(parts) == 1:
            self.client.put_object(Bucket=BUCKET, Key=key, Body=parts[0])
            return
        named = {"Bucket": BUCKET, "Key": key}
        named["UploadId"] = self.client.create_multipart_upload(**named)["UploadId"]
        done = []
        for number, part in enumerate(parts, 1):
            answer = self.client.upload_part(**named, PartNumber=number, Body=part)
            done.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
        self.client.complete_multipart_upload(**named, MultipartUpload={"Parts": done})


def wait_for_progress(writers: list[Writer]) -> None:
    goal = sum(writer.acknowledged for writer in writers) + PROGRESS
    until(lambda: sum(writer.acknowledged for writer in writers) >= goal, "no write is acknowledged any more")


@pytest.mark.parametrize("name", ["actors", "gateway"])
def test_killing_a_child_under_uploads(name: str) -> None:
    with servers.skybus() as server:
        connect(server).create_bucket(Bucket=BUCKET)
        writers = [Writer(server, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(KILLS):
            wait_for_progress(writers)
            victim_of(server, name).kill()
        wait_for_progress(writers)
        for writer in writers:
            writer.stopped.set()
        for writer in writers:
            writer.join()
        client = connect(server)
        for writer in writers:
            for key, possible in writer.known.items():
                assert stored(client, key) in possible


def stored(client: Any, key: str) -> str:
    """The MD5 of what is there; "": nothing is."""
    try:
        answer = client.get_object(Bucket=BUCKET, Key=key)
    except client.exceptions.NoSuchKey:
        return ""
    body = answer["Body"].read()
    assert len(body) == answer["ContentLength"]
    return hashlib.md5(body).hexdigest()
