"""The largest that AWS allows, through the gateway and straight on the bus: 16 MB of request and of answer, and keys of
2,048 + 1,024 bytes.

Limits: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (25 items, 16 MB),
…/API_BatchGetItem.html (100 items, 16 MB, the rest in UnprocessedKeys),
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (keys, items of 400 KB).
"""

import asyncio
import uuid
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.client import Client
from bus.connection import open_connection
from bus.subjects import DIRECT
from deploy.broker import read_bus
from schemas.envelope import Identity
from schemas.errors import AwsError
from tests import servers

ITEM_LIMIT_BYTES = 400 * 1024
ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
CALL_LIMIT_S = 120.0

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(params=["gateway", "bus"])
def ask(request: pytest.FixtureRequest, skybus: servers.Server, data_dir: Path) -> Ask:
    """Calls an operation of DynamoDB through one of the doors. LookupError(code) for an error of AWS's."""
    return over_http(skybus) if request.param == "gateway" else over_bus(data_dir)


def over_http(server: servers.Server) -> Ask:
    client: Any = boto3.client(
        "dynamodb", endpoint_url=server.endpoint, aws_access_key_id="test", aws_secret_access_key="test",
        region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}, read_timeout=CALL_LIMIT_S))

    def ask(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = client._make_api_call(operation, params)
        except client.exceptions.ClientError as error:
            raise LookupError(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
        return answer

    return ask


def over_bus(data_dir: Path) -> Ask:
    access = read_bus(data_dir / "run")

    def ask(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        async def main() -> dict[str, Any]:
            transport = await open_connection(
                access["url"], access["user"], access["password"], access["inbox_prefix"], "sizes")
            try:
                client = Client(transport, Identity(DIRECT, access["account"], access["principal"]), region="us-east-1")
                return await client.call("dynamodb", operation, params, timeout_s=CALL_LIMIT_S)
            except AwsError as error:
                raise LookupError(error.error_code, error.message) from error
            finally:
                await transport.close()

        return asyncio.run(main())

    return ask


def create(ask: Ask, *keys: tuple[str, str, str]) -> str:
    """A table with these keys: (name, type, HASH or RANGE)."""
    name = f"t-{uuid.uuid4().hex[:12]}"
    ask("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": key, "KeyType": role} for key, _, role in keys],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind, _ in keys]})
    return name


def item(number: int, size_bytes: int) -> dict[str, Any]:
    """An item that is exactly so large by DynamoDB's count: names and values, of a small number 2 bytes."""
    number_bytes = 2 if number < 100 else 3
    number_bytes = 1 if number == 0 else number_bytes
    return {"k": {"N": str(number)}, "p": {"S": "x" * (size_bytes - len("k") - number_bytes - len("p"))}}


# 25 items of the largest size there is, 10 MB; what is not JSON or base64 crosses as it is.
def test_the_largest_batches(ask: Ask) -> None:
    table = create(ask, ("k", "N", "HASH"))
    largest = [item(number, ITEM_LIMIT_BYTES) for number in range(50)]
    for start in (0, 25):
        puts = [{"PutRequest": {"Item": one}} for one in largest[start:start + 25]]
        assert not ask("BatchWriteItem", {"RequestItems": {table: puts}}).get("UnprocessedItems")
    wanted = [{"k": one["k"]} for one in largest]
    found, rounds = [], 0
    while wanted:                                 # at most 16 MB an answer; what is over comes back as unprocessed
        answer = ask("BatchGetItem", {"RequestItems": {table: {"Keys": wanted, "ConsistentRead": True}}})
        page = answer["Responses"][table]
        assert sum(len(one["p"]["S"]) for one in page) <= ANSWER_LIMIT_BYTES
        if not rounds:
            assert len(page) == ANSWER_LIMIT_BYTES // ITEM_LIMIT_BYTES      # 40: as full as it can be
        found += page
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        rounds += 1
    assert rounds == 2
    assert sorted(found, key=lambda one: int(one["k"]["N"])) == largest


# One byte above AWS's limit of an item is refused in its words, and nothing of that batch is written.
def test_one_byte_too_large(ask: Ask) -> None:
    table = create(ask, ("k", "N", "HASH"))
    with pytest.raises(LookupError, match="Item size has exceeded the maximum allowed size"):
        ask("PutItem", {"TableName": table, "Item": item(1, ITEM_LIMIT_BYTES + 1)})
    with pytest.raises(LookupError, match="ValidationException"):
        ask("BatchWriteItem", {"RequestItems": {table: [
            {"PutRequest": {"Item": item(2, 100)}}, {"PutRequest": {"Item": item(3, ITEM_LIMIT_BYTES + 1)}}]}})
    assert ask("Scan", {"TableName": table})["Count"] == 0


# A request whose JSON comes near 16 MB: 25 binary items, base64 a third larger than they are.
def test_a_request_of_13_mb_of_json(skybus: servers.Server) -> None:
    ask = over_http(skybus)
    table = create(ask, ("k", "N", "HASH"))
    blobs = {str(number): bytes([number]) * (ITEM_LIMIT_BYTES - 10) for number in range(25)}
    puts = [{"PutRequest": {"Item": {"k": {"N": k}, "b": {"B": blob}}}} for k, blob in blobs.items()]
    assert sum(len(b64encode(blob)) for blob in blobs.values()) > 13_000_000
    assert not ask("BatchWriteItem", {"RequestItems": {table: puts}}).get("UnprocessedItems")
    for k in ("0", "24"):
        assert ask("GetItem", {"TableName": table, "Key": {"k": {"N": k}}})["Item"]["b"]["B"] == blobs[k]


LONG = 1024
TAILS = st.lists(st.binary(min_size=1, max_size=6), min_size=2, max_size=12, unique=True)


# The longest keys there are, which differ only at their ends, come back in the order of their unsigned bytes.
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tails=TAILS, cut=st.sampled_from([0, 505, 511, 1000, LONG]))
def test_long_keys_in_order(ask: Ask, tails: list[bytes], cut: int) -> None:
    table = create(ask, ("h", "B", "HASH"), ("r", "B", "RANGE"))
    hashes = [b"h" * 2048, b"h" * 2047 + b"i"]
    ranges = sorted({((b"r" * LONG)[:cut - len(tail)] if cut > len(tail) else b"") + tail for tail in tails})
    puts = [{"PutRequest": {"Item": {"h": {"B": h}, "r": {"B": r}}}} for h in hashes for r in reversed(ranges)]
    for start in range(0, len(puts), 25):
        ask("BatchWriteItem", {"RequestItems": {table: puts[start:start + 25]}})
    for h in hashes:
        for forward in (True, False):
            answer = ask("Query", {
                "TableName": table, "KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"B": h}},
                "ScanIndexForward": forward})
            assert [bytes(one["r"]["B"]) for one in answer["Items"]] == (ranges if forward else ranges[::-1])
    with pytest.raises(LookupError, match="ValidationException"):
        ask("PutItem", {"TableName": table, "Item": {"h": {"B": b"h" * 2049}, "r": {"B": b"r"}}})
    ask("DeleteTable", {"TableName": table})
