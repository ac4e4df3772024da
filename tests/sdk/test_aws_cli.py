"""The AWS CLI, unmodified, with nothing but the exports `skybus up` prints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import servers


def aws(server: servers.Server, *words: str) -> Any:
    environment = {
        **os.environ, "AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull,
    }
    argv = [sys.executable, str(Path(sys.executable).with_name("aws")), *words, "--output", "json"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_a_table_and_an_item(skybus: servers.Server) -> None:
    aws(skybus, "dynamodb", "create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH")
    aws(skybus, "dynamodb", "wait", "table-exists", "--table-name", "cli")
    aws(skybus, "dynamodb", "put-item", "--table-name", "cli", "--item", '{"pk": {"S": "a"}, "n": {"N": "1"}}')
    found = aws(skybus, "dynamodb", "get-item", "--table-name", "cli", "--key", '{"pk": {"S": "a"}}')
    assert found["Item"] == {"pk": {"S": "a"}, "n": {"N": "1"}}
    assert aws(skybus, "sts", "get-caller-identity")["Account"] == "000000000000"
