"""Skybus with three shards of DynamoDB, met by boto3 as one with one shard is; and what an operator sees of them."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from deploy.broker import RUN_FILE, read_run
from schemas.routing import Share, slot_of
from tests import servers

TABLES = [f"table-{number}" for number in range(8)]
KEY = {"AttributeName": "pk", "AttributeType": "S"}


def shard_of(name: str) -> int:
    return Share(0, 3).holder(slot_of("000000000000", "us-east-1", name)).number


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards") / "data"


@pytest.fixture(scope="module")
def sharded(data: Path) -> Iterator[servers.Server]:
    with servers.skybus("--shards", "dynamodb=3", "--durability", "os", data_dir=data) as server:
        create(connect(server))
        yield server


def connect(server: servers.Server, attempts: int = 3) -> Any:
    session = boto3.Session("test", "test", region_name="us-east-1")
    return session.client("dynamodb", endpoint_url=server.endpoint, config=Config(
        retries={"mode": "standard", "total_max_attempts": attempts}))


def create(client: Any) -> None:
    for name in TABLES:
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[KEY],
                            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])


def test_it_is_one_database(sharded: servers.Server, data: Path) -> None:
    client = connect(sharded)
    pages = client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3})
    assert [name for page in pages for name in page["TableNames"]] == TABLES
    batch = {name: [{"PutRequest": {"Item": {"pk": {"S": name}, "n": {"N": "1"}}}}] for name in TABLES}
    assert client.batch_write_item(RequestItems=batch)["UnprocessedItems"] == {}
    wanted = {name: {"Keys": [{"pk": {"S": name}}]} for name in TABLES}
    found = client.batch_get_item(RequestItems=wanted)["Responses"]
    assert found == {name: [{"pk": {"S": name}, "n": {"N": "1"}}] for name in TABLES}
    for name in TABLES:
        statement = f"SELECT * FROM \"{name}\" WHERE pk='{name}'"
        assert len(client.execute_statement(Statement=statement)["Items"]) == 1
        client.transact_write_items(TransactItems=[{"Delete": {"TableName": name, "Key": {"pk": {"S": name}}}}])
        assert "Item" not in client.get_item(TableName=name, Key={"pk": {"S": name}})


def test_an_operator_sees_them(sharded: servers.Server, data: Path) -> None:
    status = json.loads(servers.command("status", "--json", "--data-dir", str(data)))
    slots = {name: shard["slots"] for name, shard in status["shards"].items() if name.startswith("dynamodb/")}
    assert slots == {"dynamodb/000": "00-54", "dynamodb/055": "55-a9", "dynamodb/0aa": "aa-ff"}
    assert [row["name"] for row in status["processes"]] == ["broker", "actors", "actors-2", "actors-3", "gateway-1"]
    with urllib.request.urlopen(f"{sharded.endpoint}/_skybus/health") as answer:
        assert json.loads(answer.read())["services"]["dynamodb"] == "running"
    assert read_run(data / "run" / RUN_FILE).shards == {"dynamodb": 3}


def test_backup_and_restore(sharded: servers.Server, data: Path, tmp_path: Path) -> None:
    client = connect(sharded)
    for name in TABLES:
        client.put_item(TableName=name, Item={"pk": {"S": "kept"}})
    servers.command("backup", "--data-dir", str(data), str(tmp_path / "backup"))
    servers.command("restore", "--data-dir", str(tmp_path / "restored"), str(tmp_path / "backup"))
    with servers.skybus("--durability", "os", data_dir=tmp_path / "restored") as restored:      # the number is kept
        client = connect(restored)
        for name in TABLES:
            assert client.get_item(TableName=name, Key={"pk": {"S": "kept"}})["Item"] == {"pk": {"S": "kept"}}


# A killed shard comes back by itself; the tables of the others are served meanwhile, without a single error.
def test_one_shard_is_killed(sharded: servers.Server) -> None:
    client = connect(sharded)
    [victim] = [process for label, process in sharded.processes().items() if label == "actors-2"]
    for name in TABLES:
        client.put_item(TableName=name, Item={"pk": {"S": "kept"}})
    there = [name for name in TABLES if shard_of(name) != 1]
    victim.suspend()                      # as good as dead, but for sure still gone while the others are asked
    try:
        for number in range(20):
            for name in there:
                client.put_item(TableName=name, Item={"pk": {"S": str(number)}})
    finally:
        victim.kill()
    patient = connect(sharded, attempts=30)
    for name in TABLES:
        assert patient.get_item(TableName=name, Key={"pk": {"S": "kept"}})["Item"] == {"pk": {"S": "kept"}}


def test_reset_forgets_all_shards(sharded: servers.Server) -> None:
    request = urllib.request.Request(f"{sharded.endpoint}/_skybus/reset", method="POST")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    client = connect(sharded)
    assert client.list_tables()["TableNames"] == []
    create(client)
