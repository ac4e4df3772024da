"""Sixty-four writers that remember what was acknowledged, and the check that all of it is there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from tests import servers

TABLE = "ledger"
WRITERS = 64
PROGRESS_LIMIT_S = 60.0
READ_TIMEOUT_S = 50                                  # below CALL_TIMEOUT_S, when who was told nothing would be told 503


class Writers:
    """Each writer puts (writer, 0), (writer, 1), … and goes on to the next only when the last was acknowledged."""

    def __init__(self, server: servers.Server) -> None:
        self.client = pooled_client(server.endpoint)
        self.acknowledged = [0] * WRITERS            # how many of each writer's items were acknowledged
        self.refusals = 0
        self.timeouts = 0                            # of the refusals: nobody said anything for READ_TIMEOUT_S
        self._progress = threading.Condition()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(writer,)) for writer in range(WRITERS)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, writer: int) -> None:
        while not self._stop.is_set():
            number = self.acknowledged[writer]
            try:
                self.client.put_item(TableName=TABLE, Item=entry(writer, number))
            except (ClientError, BotoCoreError) as error:
                self.refusals += 1
                self.timeouts += isinstance(error, ReadTimeoutError)
                self._stop.wait(0.02)                # no spinning on a refused connection
                continue
            with self._progress:
                self.acknowledged[writer] += 1
                self._progress.notify_all()

    def wait_for_progress(self, count: int) -> None:
        """Returns when `count` more items have been acknowledged, by whichever writers."""
        with self._progress:
            goal = sum(self.acknowledged) + count
            served = self._progress.wait_for(lambda: sum(self.acknowledged) >= goal, PROGRESS_LIMIT_S)
        assert served, f"no progress for {PROGRESS_LIMIT_S} s: the service did not come back"


def pooled_client(endpoint: str, attempts: int = 1) -> Any:
    """For many threads; gives up after `attempts`."""
    return botocore.session.get_session().create_client(
        "dynamodb", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            retries={"total_max_attempts": attempts}, connect_timeout=2, read_timeout=READ_TIMEOUT_S,
            max_pool_connections=WRITERS,
        ),
    )


def entry(writer: int, number: int) -> dict[str, Any]:
    return {"writer": {"N": str(writer)}, "number": {"N": str(number)}, "payload": {"S": f"{writer}/{number} " * 20}}


def create_ledger(client: Any) -> None:
    client.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "writer", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "writer", "AttributeType": "N"}, {"AttributeName": "number", "AttributeType": "N"},
        ],
    )
    client.get_waiter("table_exists").wait(TableName=TABLE)


def assert_nothing_lost(client: Any, acknowledged: list[int]) -> None:
    """Every acknowledged item is there, whole, and at most one item beyond (whose answer was lost)."""
    for writer, count in enumerate(acknowledged):
        found = list(stored(client, writer))
        assert found[:count] == [entry(writer, number) for number in range(count)], f"writer {writer} lost items"
        assert len(found) <= count + 1, f"writer {writer}: {len(found)} items, {count} acknowledged"


def stored(client: Any, writer: int) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("query").paginate(
        TableName=TABLE, ConsistentRead=True, KeyConditionExpression="writer = :w",
        ExpressionAttributeValues={":w": {"N": str(writer)}},
    )
    for page in pages:
        yield from page["Items"]


@contextmanager
def ledger(server: servers.Server) -> Iterator[Writers]:
    create_ledger(pooled_client(server.endpoint))
    with Writers(server) as writers:
        yield writers
