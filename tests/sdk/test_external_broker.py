"""A broker that is there already stands in for our own: `--nats-url`, with a user of its own (deploy/README.md)."""

from pathlib import Path
from typing import Any

from tests import servers
from tests.nats_server import running

CONFIG = 'max_payload: 1MB\nauthorization { user: "skybus", password: "p@ss word" }'


def test_an_external_broker(tmp_path: Path) -> None:
    with running(CONFIG) as broker:
        url = broker.url.replace("//", "//skybus:p%40ss%20word@")
        data = tmp_path / "data"
        with servers.skybus("--nats-url", url, "--durability", "os", data_dir=data) as server:
            assert not [name for name in server.processes() if name.startswith("nats")]
            client: Any = server.client()
            client.create_table(TableName="there", BillingMode="PAY_PER_REQUEST",
                                KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                                AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
            client.put_item(TableName="there", Item={"k": {"S": "a"}})
            called = servers.command("call", "--data-dir", str(data), "dynamodb", "Scan", '{"TableName": "there"}')
            assert '"S": "a"' in called
            assert "p@ss" not in servers.command("status", "--json", "--data-dir", str(data))
            assert "p@ss" not in servers.command("logs", "--data-dir", str(data))
