"""A data directory on a file system with no room left: errors of AWS's own, nothing half-written, reads go on, and
writes again as soon as there is room, all with the same processes.

The file system is a tmpfs of this test. Where mounting is not permitted, RLIMIT_FSIZE stands for it: files that may
not grow. Expected: StoreUnavailable (actors/runtime/store/errors.py), InternalServerError 500, which SDKs retry:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
import urllib3
from botocore.exceptions import ClientError

from bus.files import FOLDER, INCOMING
from tests import servers

SIZE_MIB = 24
PAYLOAD = "x" * 300_000
TABLE = "full"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "skybus-test", str(directory)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield directory
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(directory)], check=True)


@contextmanager
def no_room(directory: Path, *writers: psutil.Process) -> Iterator[None]:
    """While inside, nothing more can be written there; the last byte is taken."""
    if directory.is_mount():
        ballast = directory / "ballast"
        with ballast.open("wb", buffering=0) as file:
            fill(file)
            try:
                yield
            finally:
                ballast.unlink()
    else:
        before = {writer: writer.rlimit(psutil.RLIMIT_FSIZE) for writer in writers}
        for writer, (_, most) in before.items():
            writer.rlimit(psutil.RLIMIT_FSIZE, (4096, most))
        try:
            yield
        finally:
            for writer, limits in before.items():
                writer.rlimit(psutil.RLIMIT_FSIZE, limits)


def fill(file: Any) -> None:
    for size in (1 << 20, 4096):
        try:
            while True:
                file.write(b"\0" * size)
        except OSError:
            continue


def health(server: servers.Server) -> Any:
    with urlopen(f"{server.endpoint}/_skybus/health") as answer:
        return json.load(answer)


def pids(server: servers.Server) -> dict[str, int]:
    return {name: process.pid for name, process in server.processes().items()}


def put(client: Any, number: int) -> bool:
    """True: acknowledged. False: refused as a full disk has to be."""
    try:
        client.put_item(TableName=TABLE, Item={"k": {"N": str(number)}, "payload": {"S": PAYLOAD}})
    except ClientError as error:
        refusal = error.response
    else:
        return True
    assert refusal["Error"]["Code"] == "InternalServerError"
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert "Traceback" not in str(refusal)
    return False


def stored(client: Any) -> dict[int, int]:
    """Key: length of the payload."""
    pages = client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return {int(item["k"]["N"]): len(item["payload"]["S"]) for page in pages for item in page["Items"]}


def test_a_full_disk_and_room_again(small_disk: Path) -> None:
    data = small_disk / "data"
    with servers.skybus(data_dir=data) as server:
        client: Any = server.client()
        client.create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "N"}])
        client.get_waiter("table_exists").wait(TableName=TABLE)
        processes = pids(server)
        acknowledged = {number for number in range(5) if put(client, number)}
        assert len(acknowledged) == 5
        for round_ in (1, 2):                     # full, room again, and once more
            with no_room(small_disk, server.processes()["actors"]):
                refused = [number for number in range(round_ * 100, round_ * 100 + 30) if not put(client, number)]
                acknowledged |= {*range(round_ * 100, round_ * 100 + 30)} - {*refused}
                assert len(refused) >= 20, "the disk was not full"
                assert stored(client) == dict.fromkeys(acknowledged, len(PAYLOAD))
                assert health(server)["services"]["dynamodb"] == "error"
                assert "commit" in health(server)["problems"]["dynamodb"]
            assert put(client, round_)
            acknowledged.add(round_)
            assert stored(client) == dict.fromkeys(acknowledged, len(PAYLOAD))
            assert health(server)["services"]["dynamodb"] == "running"
        assert pids(server) == processes, "a process did not survive"
        status = json.loads(servers.command("status", "--json", "--data-dir", str(data)))
        assert [row["restarts"] for row in status["processes"]] == [0] * len(status["processes"])
    with servers.skybus(data_dir=data) as server:                                   # and it was durable
        assert stored(server.client()) == dict.fromkeys(acknowledged, len(PAYLOAD))


# A body that finds no room is refused in S3's words, and leaves neither an object nor a file; what is there is read,
# and with room again all is well. Into a file, through the envelope, as a part and by form.
def test_s3_without_room(small_disk: Path) -> None:
    data = small_disk / "data"
    with servers.skybus(data_dir=data) as server:
        client: Any = server.client("s3")
        client.create_bucket(Bucket="full")
        client.put_object(Bucket="full", Key="kept", Body=PAYLOAD)
        upload = client.create_multipart_upload(Bucket="full", Key="parts")["UploadId"]
        form = client.generate_presigned_post("full", "form")
        part = {"Bucket": "full", "Key": "parts", "PartNumber": 1, "UploadId": upload, "Body": bytes(100_000)}
        writes = [partial(client.put_object, Bucket="full", Key="file", Body=bytes(3_000_000)),
                  partial(client.put_object, Bucket="full", Key="inline", Body=bytes(10_000)),
                  partial(client.upload_part, **part)]
        incoming = data / "state" / "s3" / FOLDER / INCOMING
        processes = pids(server)
        with no_room(small_disk, *server.processes().values()):
            for write in writes:
                with pytest.raises(ClientError) as caught:
                    write()
                error = caught.value.response
                assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("InternalError", 500)
            posted = urllib3.request("POST", form["url"], fields={**form["fields"], "file": ("f", bytes(100_000))})
            assert (posted.status, b"<Code>InternalError</Code>" in posted.data) == (500, True)
            assert [each["Key"] for each in client.list_objects_v2(Bucket="full")["Contents"]] == ["kept"]
            assert "Parts" not in client.list_parts(Bucket="full", Key="parts", UploadId=upload)
            assert client.get_object(Bucket="full", Key="kept")["Body"].read() == PAYLOAD.encode()
            assert list(incoming.iterdir()) == []
        for write in writes:
            write()
        assert len(client.list_objects_v2(Bucket="full")["Contents"]) == 3
        assert list(incoming.iterdir()) == []
        assert pids(server) == processes
