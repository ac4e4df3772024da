"""PutItem and GetItem against moto_server and ministack, in one run, under one client.

    python -m tests.load.bench_throughput [--peers DIR] [--seconds 8] [--connections 64 1]
                                          [--durability fsync|os] [--gateways 1] [--json]

Items are ~320 bytes over 50,000 keys, every request SigV4-signed; Skybus verifies signatures and answers a write after
its fsync. Figures are requests a second, latency, CPU microseconds a request by process, and ratios to the peers.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests import servers
from tests.load import wrk

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


def measure(
    server: servers.Server, operation: str, requests: Path, connections: int, seconds: int
) -> dict[str, object]:
    wrk.run(server.endpoint, requests, connections, 1)
    before = server.cpu_seconds()
    result = wrk.run(server.endpoint, requests, connections, seconds)
    after = server.cpu_seconds()
    spent = {name: (after[name] - before.get(name, 0)) / max(result.requests, 1) * 1e6 for name in after}
    return {
        "server": server.name, "operation": operation, "connections": connections,
        "req/s": round(result.per_second, 0 if result.per_second >= 100 else 2),
        "p50 ms": result.p50_ms, "p99 ms": result.p99_ms, "errors": result.bad_status + result.broken,
        "cpu us/request": " ".join(f"{name}={us:.0f}" for name, us in spent.items() if us >= 1),
    }


def bench(server: servers.Server, options: argparse.Namespace) -> list[dict[str, object]]:
    create_table(server)
    rows = []
    host = f"127.0.0.1:{server.port}"
    with tempfile.TemporaryDirectory() as scratch:
        for operation, make in (("PutItem", puts), ("GetItem", gets)):
            path = Path(scratch) / operation
            wrk.write_requests(path, make(host, options.keys))
            rows += [measure(server, operation, path, count, options.seconds) for count in options.connections]
    return rows


def ratios(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    rate = {(row["server"], row["operation"], row["connections"]): float(str(row["req/s"])) for row in rows}
    return [
        {"operation": operation, "connections": connections, "to": peer,
         "times": rate["skybus", operation, connections] / answered}
        for (peer, operation, connections), answered in rate.items() if peer != "skybus" and answered
    ]


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--peers", default="", help="folder with moto_server and ministack")
    wants.add_argument("--only", choices=("skybus",), help="leave the peers out")
    wants.add_argument("--seconds", type=int, default=8)
    wants.add_argument("--keys", type=int, default=50_000)
    wants.add_argument("--connections", type=int, nargs="+", default=[64, 1])
    wants.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    wants.add_argument("--gateways", type=int, default=1)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    rows: list[dict[str, object]] = []
    with servers.skybus("--durability", options.durability, "--gateways", str(options.gateways)) as server:
        rows += bench(server, options)
    if not options.only:
        peers = servers.peers_folder(options.peers)
        with servers.moto(peers) as server:
            rows += bench(server, options)
        with servers.ministack(peers) as server:
            rows += bench(server, options)
    servers.show(rows, options.json)
    if not options.only:
        servers.show(ratios(rows), options.json)


if __name__ == "__main__":
    main()
