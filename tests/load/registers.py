"""DynamoDB items as registers: what clients do to each key through either door, recorded for the judge."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from bus.client import Client
from bus.transport import BusError
from schemas.errors import AwsError
from tests.load.linearizable import NEVER, Operation, linearizable

TABLE = "registers"
CONDITION_FAILED = "ConditionalCheckFailedException"
CONNECT_LIMIT_S = 30.0                    # a restart, with the supervisor's longest wait before it
KINDS = ("put", "create", "delete", "get")

Door = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]     # (AWS's operation, its request) -> its answer


class Refused(Exception):
    """The condition did not hold."""


class Unknown(Exception):
    """No answer: it may have happened or not."""


def bus_door(client: Client, timeout_s: float) -> Door:
    """Straight on the bus, as a direct publisher."""

    async def ask(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return await client.call("dynamodb", operation, request, timeout_s=timeout_s)
        except AwsError as error:
            if error.error_code == CONDITION_FAILED:
                raise Refused from error
            raise
        except BusError as error:
            raise Unknown from error

    return ask


def gateway_door(client: Any) -> Door:
    """Through the gateway, with an SDK's client (a thread waits for it)."""
    methods = {"GetItem": client.get_item, "PutItem": client.put_item, "DeleteItem": client.delete_item}

    async def ask(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await asyncio.to_thread(connected, lambda: methods[operation](**request))
        except ClientError as error:
            if error.response["Error"]["Code"] == CONDITION_FAILED:
                raise Refused from error
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 503:
                raise Unknown from error
            raise
        except HTTPClientError as error:
            raise Unknown from error
        return answer

    return ask


def connected(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `ask` answers; asked again while nobody listens (nothing was sent), CONNECT_LIMIT_S at most."""
    end = time.monotonic() + CONNECT_LIMIT_S
    while True:
        try:
            return ask()
        except EndpointConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Histories:
    """What was done to each of `keys` keys, and when it began and ended by `clock`."""

    def __init__(self, keys: int, clock: Callable[[], float]) -> None:
        self.of = {key: list[Operation]() for key in range(keys)}
        self._clock = clock
        self._values = itertools.count(1)
        self._recorded = asyncio.Condition()

    async def reached(self, count: int) -> None:
        """Returns when `count` operations are recorded."""
        async with self._recorded:
            await self._recorded.wait_for(lambda: sum(map(len, self.of.values())) >= count)

    async def perform(self, door: Door, kind: str, key: int) -> None:
        began, value = self._clock(), next(self._values)
        done, found, refused = NEVER, None, False
        try:
            found = await _ask(door, kind, key, value)
            done = self._clock()
        except Refused:
            done, refused = self._clock(), True
        except Unknown:
            pass
        self.of[key].append(Operation(kind, found if kind == "get" else value, began, done, refused))
        async with self._recorded:
            self._recorded.notify_all()

    def check(self) -> None:
        """AssertionError with the history of a key that fits no order."""
        for key, history in self.of.items():
            assert linearizable(history), f"key {key}: {history}"


async def _ask(door: Door, kind: str, key: int, value: int) -> int | None:
    """What a get found."""
    name = {"pk": {"S": str(key)}}
    if kind == "get":
        answer = await door("GetItem", {"TableName": TABLE, "Key": name, "ConsistentRead": True})
        return int(answer["Item"]["v"]["N"]) if "Item" in answer else None
    if kind == "delete":
        await door("DeleteItem", {"TableName": TABLE, "Key": name})
        return None
    request: dict[str, Any] = {"TableName": TABLE, "Item": {**name, "v": {"N": str(value)}}}
    if kind == "create":
        request["ConditionExpression"] = "attribute_not_exists(pk)"
    await door("PutItem", request)
    return None


SCHEMA: dict[str, Any] = {
    "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
