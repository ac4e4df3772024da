"""CPU microseconds per operation inside the actor: evaluation, keys, encoding, reads from LMDB; no bus, no commit.

    python -m tests.load.bench_dynamodb
"""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actors.runtime.store.snapshot import Overlay
from tests.actors.dynamodb.caller import open_caller

ITEMS, CALLS, ROUNDS = 2_000, 10_000, 5


def item(number: int) -> dict[str, Any]:
    """About 320 bytes on the wire."""
    return {"pk": {"S": f"user#{number:08}"}, "sk": {"S": "order#2024-01-01T00:00:00"}, "n": {"N": "12345"},
            "b": {"BOOL": True}, "data": {"S": "x" * 220}}


def best_us(call: Callable[[dict[str, Any]], object], requests: list[dict[str, Any]]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for request in requests:
            call(request)
        best = min(best, time.process_time() - start)
    return best / len(requests) * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, open_caller(Path(directory) / "store") as dynamodb:
        dynamodb.create("table")
        for number in range(ITEMS):
            dynamodb.call("PutItem", TableName="table", Item=item(number))
        dynamodb.store.read(lambda snapshot: measure(dynamodb.actor, dynamodb.context(), snapshot))


def measure(actor: Any, context: Any, snapshot: Any) -> None:
    def written(method: Callable[..., object]) -> Callable[[dict[str, Any]], object]:
        return lambda request: method(context, Overlay(snapshot, ()), request)

    def paged(request: dict[str, Any]) -> None:
        for _ in actor.query(context, snapshot, request):
            pass

    def key(number: int) -> dict[str, Any]:
        return {"TableName": "table", "Key": {"pk": {"S": f"user#{number:08}"}}}

    numbers = [random.randrange(ITEMS) for _ in range(CALLS)]
    puts = [{"TableName": "table", "Item": item(number)} for number in numbers]
    one = {":n": {"N": "1"}}
    conditions = [{**put, "ConditionExpression": "attribute_not_exists(pk) OR n > :n", "ExpressionAttributeValues": one}
                  for put in puts]
    updates = [{**key(number), "UpdateExpression": "SET n = n + :n", "ExpressionAttributeValues": one}
               for number in numbers]
    queries = [{"TableName": "table", "KeyConditionExpression": "pk = :p",
                "ExpressionAttributeValues": {":p": {"S": f"user#{number:08}"}}} for number in numbers]
    for name, call, requests in (
        ("PutItem", written(actor.put_item), puts),
        ("PutItem with a condition", written(actor.put_item), conditions),
        ("GetItem", lambda request: actor.get_item(context, snapshot, request), list(map(key, numbers))),
        ("UpdateItem", written(actor.update_item), updates),
        ("Query of one item", paged, queries),
    ):
        print(f"{name:<26} {best_us(call, requests):6.1f} us")


if __name__ == "__main__":
    main()
