"""The AWS CLI, unmodified, with nothing but the exports `skybus up` prints."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


# Paging by the CLI itself, --query, values from a file, and an error's exit code and words.
def test_pages_updates_and_errors(skybus: servers.Server, tmp_path: Path) -> None:
    aws(skybus, "dynamodb", "create-table", "--table-name", "cli-pages", "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=N",
        "--key-schema", "AttributeName=pk,KeyType=HASH", "AttributeName=sk,KeyType=RANGE")
    items = [{"pk": {"S": "a"}, "sk": {"N": str(n)}} for n in range(25)]
    writes = [{"PutRequest": {"Item": item}} for item in items]
    (tmp_path / "items.json").write_text(json.dumps({"cli-pages": writes}))
    aws(skybus, "dynamodb", "batch-write-item", "--request-items", f"file://{tmp_path / 'items.json'}")
    condition = ("--key-condition-expression", "pk = :p AND sk > :s", "--expression-attribute-values",
                 '{":p": {"S": "a"}, ":s": {"N": "4"}}')
    found = aws(skybus, "dynamodb", "query", "--table-name", "cli-pages", "--page-size", "3", *condition,
                "--query", "Items[].sk.N")
    assert found == [str(n) for n in range(5, 25)]
    page = aws(skybus, "dynamodb", "scan", "--table-name", "cli-pages", "--max-items", "7")
    rest = aws(skybus, "dynamodb", "scan", "--table-name", "cli-pages", "--starting-token", page["NextToken"])
    assert (len(page["Items"]), len(rest["Items"])) == (7, 18)
    updated = aws(skybus, "dynamodb", "update-item", "--table-name", "cli-pages", "--key",
                  '{"pk": {"S": "a"}, "sk": {"N": "0"}}', "--update-expression", "SET #t = :t",
                  "--expression-attribute-names", '{"#t": "total"}', "--expression-attribute-values",
                  '{":t": {"N": "1.50"}}', "--return-values", "UPDATED_NEW")
    assert updated["Attributes"] == {"total": {"N": "1.5"}}
    with pytest.raises(AssertionError, match=r"\(ConditionalCheckFailedException\) when calling the DeleteItem"):
        aws(skybus, "dynamodb", "delete-item", "--table-name", "cli-pages", "--key",
            '{"pk": {"S": "a"}, "sk": {"N": "0"}}', "--condition-expression", "attribute_not_exists(pk)")
