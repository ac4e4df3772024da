"""DynamoDB's operations beyond PutItem and GetItem against moto_server and ministack, in one run, under one client.

    python -m tests.load.bench_dynamodb_wire [--peers DIR] [--only SERVER] [--seconds 5] [--connections 64]
                                             [--durability fsync|os] [--work NAME …] [--json]

UpdateItem with expressions, Query of 50 of a partition of 500 and of 10 of one of 20,000, TransactWriteItems of 100,
BatchWriteItem of 25, PutItem and GetItem of 300 bytes to 400 KB. Every request SigV4-signed; Skybus verifies signatures
and answers a write after its fsync. The ratios to the peers come last.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests import servers
from tests.load import wrk
from tests.load.turns import measure, ratios

TABLE = "wire"
SMALL, LARGE = 500, 20_000                # items of the partitions that are queried
PATIENCE_S = 60
COUNTERS = 5_000                          # items that are updated
SIZES = {"300 B": 300, "4 KB": 4 << 10, "64 KB": 64 << 10, "400 KB": 400 * 1024 - 64}

Params = dict[str, object]
PEERS = {"moto_server": servers.moto, "ministack": servers.ministack}


def key(partition: str, number: int) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"N": str(number)}}


def update(number: int) -> Params:
    return {
        "TableName": TABLE, "Key": key(f"counter#{number % COUNTERS}", 0),
        "UpdateExpression": "SET #n = if_not_exists(#n, :zero) + :one, seen = :seen",
        "ConditionExpression": "attribute_not_exists(locked) OR locked = :no",
        "ExpressionAttributeNames": {"#n": "count"},
        "ExpressionAttributeValues": {
            ":zero": {"N": "0"}, ":one": {"N": "1"}, ":seen": {"S": f"{number:020}"}, ":no": {"BOOL": False},
        },
    }


def query(partition: str, count: int, limit: int, number: int) -> Params:
    return {
        "TableName": TABLE, "Limit": limit, "KeyConditionExpression": "pk = :p AND sk >= :s",
        "ExpressionAttributeValues": {":p": {"S": partition}, ":s": {"N": str(number * 7919 % (count - limit))}},
    }


def small_item(partition: str, number: int) -> dict[str, Any]:
    return {**key(partition, number), "text": {"S": "x" * 100}}


def batch(number: int) -> Params:
    return {"RequestItems": {TABLE: [
        {"PutRequest": {"Item": small_item(f"batch#{number % 1000}", each)}} for each in range(25)
    ]}}


def transaction(number: int) -> Params:
    return {"TransactItems": [
        {"Put": {"TableName": TABLE, "Item": small_item(f"transaction#{number % 1000}", each)}} for each in range(100)
    ]}


def put(size: int, number: int) -> Params:
    return {"TableName": TABLE, "Item": {**key(f"size#{size}#{number}", 0), "text": {"S": "x" * (size - 40)}}}


def get(size: int, number: int) -> Params:
    return {"TableName": TABLE, "Key": key(f"size#{size}#{number}", 0)}


# name -> (operation, how many requests are prepared, the params of each). What is read was put by those before it.
Work = tuple[str, int, Callable[[int], Params]]
WORKS: dict[str, Work] = {
    "UpdateItem": ("UpdateItem", 20_000, update),
    "Query 50 of 500": ("Query", 5_000, lambda number: query("small", SMALL, 50, number)),
    "Query 10 of 20,000": ("Query", 5_000, lambda number: query("large", LARGE, 10, number)),
    "TransactWriteItems 100": ("TransactWriteItems", 200, transaction),
    "BatchWriteItem 25": ("BatchWriteItem", 1_000, batch),
}
for shown, size in SIZES.items():
    many = min(5_000, (32 << 20) // size)
    WORKS[f"PutItem {shown}"] = "PutItem", many, lambda number, size=size: put(size, number)  # type: ignore[misc]
    WORKS[f"GetItem {shown}"] = "GetItem", many, lambda number, size=size: get(size, number)  # type: ignore[misc]


def prepare(server: servers.Server) -> None:
    client: Any = server.client()
    client.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"},
        ],
    )
    client.get_waiter("table_exists").wait(TableName=TABLE)
    for partition, count in (("small", SMALL), ("large", LARGE)):
        for start in range(0, count, 25):
            client.batch_write_item(RequestItems={TABLE: [
                {"PutRequest": {"Item": small_item(partition, number)}} for number in range(start, start + 25)
            ]})


def requests(host: str, work: Work) -> Iterator[bytes]:
    operation, many, params = work
    for number in range(many):
        yield wrk.sign(host, f"DynamoDB_20120810.{operation}", params(number))


def bench(server: servers.Server, options: argparse.Namespace) -> list[dict[str, object]]:
    prepare(server)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.work:
            path = Path(scratch) / "requests"
            wrk.write_requests(path, requests(f"127.0.0.1:{server.port}", WORKS[name]))
            rows.append(measured(server, name, path, options))
            print(rows[-1], file=sys.stderr)
    return rows


def measured(server: servers.Server, name: str, path: Path, options: argparse.Namespace) -> dict[str, object]:
    """A server that answers nothing in that time gets more of it: one that scans needs seconds for a query."""
    seconds = options.seconds
    while True:
        row = measure(server, name, path, options.connections, seconds)
        if row["req/s"] or seconds >= PATIENCE_S:
            return row
        seconds = min(4 * seconds, PATIENCE_S)


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--peers", default="", help="folder with moto_server and ministack")
    wants.add_argument("--only", choices=("skybus", *PEERS), help="leave the peers out, or one of them")
    wants.add_argument("--seconds", type=int, default=5)
    wants.add_argument("--connections", type=int, default=64)
    wants.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    wants.add_argument("--work", nargs="+", choices=tuple(WORKS), default=list(WORKS), metavar="NAME")
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with servers.skybus("--durability", options.durability) as server:
        rows = bench(server, options)
    if options.only != "skybus":
        peers = servers.peers_folder(options.peers)
        for name, start in PEERS.items():
            if options.only in (None, name):
                with start(peers) as server:
                    rows += bench(server, options)
    servers.show(rows, options.json)
    if options.only != "skybus":
        servers.show(ratios(rows), options.json)


if __name__ == "__main__":
    main()
