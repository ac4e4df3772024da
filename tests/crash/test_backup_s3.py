"""A backup holds objects of any size as they were, and a reset forgets them, files and all."""

import os
from pathlib import Path

import urllib3

from tests import servers
from tests.crash.test_kill_s3 import BUCKET, connect


def test_backup_restore_reset(tmp_path: Path) -> None:
    bodies = {"small": b"1" * 10, "large": os.urandom(300_000)}
    with servers.skybus("--durability", "os", data_dir=tmp_path / "data") as server:
        client = connect(server)
        client.create_bucket(Bucket=BUCKET)
        for key, body in bodies.items():
            client.put_object(Bucket=BUCKET, Key=key, Body=body)
        servers.command("backup", "--data-dir", str(tmp_path / "data"), str(tmp_path / "backup"))
        for key in bodies:
            client.delete_object(Bucket=BUCKET, Key=key)
        assert urllib3.request("POST", f"{server.endpoint}/_skybus/reset").status == 200
        assert client.list_buckets()["Buckets"] == []
        assert not list((tmp_path / "data" / "state" / "s3" / "blobs").glob("??/*"))
    servers.command("restore", "--data-dir", str(tmp_path / "restored"), str(tmp_path / "backup"))
    with servers.skybus("--durability", "os", data_dir=tmp_path / "restored") as server:
        for key, body in bodies.items():
            assert connect(server).get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
