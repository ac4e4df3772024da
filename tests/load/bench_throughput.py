"""PutItem and GetItem against moto_server and ministack, in one run, under one client.

    python -m tests.load.bench_throughput [--peers DIR] [--seconds 4] [--rounds 3] [--connections 64 1]
                                          [--durability fsync|os] [--gateways 1] [--json]

Items are ~320 bytes over 50,000 keys, every request SigV4-signed; Skybus verifies signatures and answers a write after
its fsync. Figures are requests a second, latency, CPU microseconds a request by process, and ratios to the peers.
"""

import argparse
from collections.abc import Iterable, Iterator
from typing import Any

from tests import servers
from tests.load import wrk
from tests.load.turns import contenders, in_turns

TABLE = "bench"


def item(key: int) -> dict[str, Any]:
    """About 320 bytes as DynamoDB counts: a key, a number, a flag, two strings."""
    return {
        "pk": {"S": f"user#{key:08d}"},
        "visits": {"N": str(key * 7919 % 1000003)},
        "active": {"BOOL": key % 2 == 0},
        "name": {"S": f"Somebody Number {key}"},
        "note": {"S": "x" * 240},
    }


def puts(host: str, keys: int) -> Iterator[bytes]:
    for key in scattered(keys):
        yield wrk.sign(host, "DynamoDB_20120810.PutItem", {"TableName": TABLE, "Item": item(key)})


def gets(host: str, keys: int) -> Iterator[bytes]:
    for key in scattered(keys):
        yield wrk.sign(host, "DynamoDB_20120810.GetItem", {"TableName": TABLE, "Key": {"pk": item(key)["pk"]}})


def scattered(keys: int) -> Iterable[int]:
    """Every key once, in an order that looks random and is the same every time."""
    return ((index * 48271 + 11) % keys for index in range(keys))


def create_table(server: servers.Server) -> None:
    client: Any = server.client()
    client.create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    client.get_waiter("table_exists").wait(TableName=TABLE)


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--peers", default="", help="folder with moto_server and ministack")
    wants.add_argument("--only", choices=("skybus",), help="leave the peers out")
    wants.add_argument("--seconds", type=int, default=4)
    wants.add_argument("--rounds", type=int, default=3, help="of all servers in turn")
    wants.add_argument("--keys", type=int, default=50_000)
    wants.add_argument("--connections", type=int, nargs="+", default=[64, 1])
    wants.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    wants.add_argument("--gateways", type=int, default=1)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    skybus = servers.skybus("--durability", options.durability, "--gateways", str(options.gateways))
    with contenders(skybus, options) as started:
        for server in started:
            create_table(server)
        rows, ratios = in_turns(started, {
            "PutItem": lambda host: puts(host, options.keys),
            "GetItem": lambda host: gets(host, options.keys)}, options)
    servers.show(rows, options.json)
    if ratios:
        servers.show(ratios, options.json)


if __name__ == "__main__":
    main()
