"""kill -9 under uploads: every acknowledged version is told of on the bus and comes to be in the other bucket."""

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from bus.codec import unpack
from bus.connection import open_connection
from deploy.broker import read_run
from tests import servers
from tests.crash.test_kill import victim_of
from tests.crash.test_kill_s3 import connect
from tests.waiting import PATIENCE_S, until

SOURCE, TARGET = "source", "target"
KILLS, PROGRESS, WRITERS = 3, 25, 4
SIZES = (10, 20_000)
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
Version = tuple[str, str]                 # key, version id


class Listener(threading.Thread):
    """Hears what is told on the bus, over a connection of its own that nobody kills."""

    def __init__(self, run_file: Path) -> None:
        super().__init__(daemon=True)
        self.run_file = run_file
        self.heard: set[Version] = set()
        self.listening, self.over = threading.Event(), threading.Event()

    def run(self) -> None:
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        run = read_run(self.run_file)
        admin = run.users["admin"]
        transport = await open_connection(run.url, admin.user, admin.password, admin.inbox_prefix, "listener")
        transport.subscribe("evt.s3.>", lambda message: self._hear(message.data))
        await transport.flush()
        self.listening.set()
        await asyncio.to_thread(self.over.wait)
        await transport.close()

    def _hear(self, data: bytes) -> None:
        for record in unpack(data)["event"]["Records"]:
            told = record["s3"]["object"]
            self.heard.add((told["key"], told["versionId"]))


class Writer(threading.Thread):
    def __init__(self, server: servers.Server, number: int) -> None:
        super().__init__(daemon=True)
        self.client, self.number = connect(server), number
        self.acknowledged: list[Version] = []
        self.stopped = threading.Event()

    def run(self) -> None:
        turn = 0
        while not self.stopped.is_set():
            turn += 1
            key = f"{self.number}-{turn % 9}"
            try:
                put = self.client.put_object(Bucket=SOURCE, Key=key, Body=os.urandom(SIZES[turn % 2]))
            except (ClientError, BotoCoreError):
                self.stopped.wait(0.05)             # no spinning on a refused connection
            else:
                self.acknowledged.append((key, put["VersionId"]))


def wait_for_progress(writers: list[Writer]) -> None:
    goal = sum(len(writer.acknowledged) for writer in writers) + PROGRESS
    until(lambda: sum(len(writer.acknowledged) for writer in writers) >= goal)


def begin(server: servers.Server) -> Any:
    iam: Any = server.client("iam")
    role = iam.create_role(RoleName="replicator", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="replicator", PolicyName="own", PolicyDocument=json.dumps(MAY))
    s3 = connect(server)
    for name in (SOURCE, TARGET):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=SOURCE, NotificationConfiguration={"EventBridgeConfiguration": {}})
    s3.put_bucket_replication(Bucket=SOURCE, ReplicationConfiguration={"Role": role, "Rules": [{
        "Status": "Enabled", "Priority": 1, "Filter": {}, "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{TARGET}"}}]})
    return s3


def versions(s3: Any, bucket: str) -> set[Version]:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return {(each["Key"], each["VersionId"]) for page in pages for each in page.get("Versions", ())}


def test_no_event_and_no_replica_is_lost(tmp_path: Path) -> None:
    with servers.skybus(data_dir=tmp_path / "data") as server:
        s3 = begin(server)
        listener = Listener(tmp_path / "data" / "run" / "run.json")
        listener.start()
        assert listener.listening.wait(PATIENCE_S)
        writers = [Writer(server, number) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(KILLS):
            wait_for_progress(writers)
            victim_of(server, "actors").kill()
        wait_for_progress(writers)
        for writer in writers:
            writer.stopped.set()
        for writer in writers:
            writer.join()
        acknowledged = {version for writer in writers for version in writer.acknowledged}
        until(lambda: acknowledged <= listener.heard)
        until(lambda: versions(s3, TARGET) == versions(s3, SOURCE))
        assert acknowledged <= versions(s3, TARGET)
        for key, version in acknowledged:
            told = s3.head_object(Bucket=SOURCE, Key=key, VersionId=version)
            assert told["ReplicationStatus"] == "COMPLETED"
        listener.over.set()
        listener.join()
