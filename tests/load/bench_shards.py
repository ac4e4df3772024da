"""PutItem over eight tables with 1, 2 and 4 shards of DynamoDB, and one table's ceiling.

    python -m tests.load.bench_shards [--shards 1 2 4] [--seconds 8] [--connections 64] [--gateways 1]
                                      [--durability fsync|os] [--operation PutItem|GetItem] [--json]

The tables are evenly spread over the shards; items are those of bench_throughput. Figures are requests a second, CPU
microseconds a request by process, the slowest shard's median commit, and what binds: the process that has a core to
itself, or the machine, or else what is waited for.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from deploy.asking import ask_actors
from deploy.config import resolve
from schemas.routing import Share, slot_of
from tests import servers
from tests.load import wrk
from tests.load.bench_throughput import item, scattered

TABLES = 8
FULL = 0.85                               # of a core, or of all of them: this much and it binds


def names(shards: int) -> list[str]:
    """So many tables that every shard of `shards` has as many as the others."""
    share, wanted = Share(0, shards), TABLES // shards
    found: dict[int, list[str]] = {number: [] for number in range(shards)}
    for number in count():
        name = f"bench-{number}"
        holder = found[share.holder(slot_of("000000000000", "us-east-1", name)).number]
        if len(holder) < wanted:
            holder.append(name)
        if all(len(each) == wanted for each in found.values()):
            break
    return [name for each in zip(*found.values(), strict=True) for name in each]


def requests(host: str, operation: str, tables: list[str], keys: int) -> Iterator[bytes]:
    for at, key in enumerate(scattered(keys)):
        table = tables[at % len(tables)]
        params: dict[str, Any] = {"Item": item(key)} if operation == "PutItem" else {"Key": {"pk": item(key)["pk"]}}
        yield wrk.sign(host, f"DynamoDB_20120810.{operation}", {"TableName": table, **params})


def measure(
    server: servers.Server, data: Path, file: Path, options: argparse.Namespace, label: dict[str, object]
) -> dict[str, object]:
    wrk.run(server.endpoint, file, options.connections, 1)
    before, idle, began = cpu_seconds(server), psutil.cpu_times().idle, time.perf_counter()
    result = wrk.run(server.endpoint, file, options.connections, options.seconds)
    took_s = time.perf_counter() - began
    after, idle = cpu_seconds(server), psutil.cpu_times().idle - idle
    spent = {name: after[name] - before.get(name, 0) for name in after}
    return {
        **label, "req/s": round(result.per_second), "p50 ms": result.p50_ms, "p99 ms": result.p99_ms,
        "errors": result.bad_status + result.broken, "commit ms": commit_ms(data),
        "binds": binding(spent, took_s, idle),
        "cpu us/request": " ".join(f"{name}={seconds / max(result.requests, 1) * 1e6:.0f}"
                                   for name, seconds in spent.items() if seconds > 0.01 * took_s),
    }


def cpu_seconds(server: servers.Server) -> dict[str, float]:
    """By process, the load generator's runs so far among them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {**server.cpu_seconds(), "wrk": children.ru_utime + children.ru_stime}


def commit_ms(data: Path) -> float:
    """The median of the last commits, in that shard of DynamoDB's where it is longest."""
    answers = ask_actors(resolve({"data_dir": str(data)}, {}, {}), "status", {}, 10.0)
    return 1e3 * max(float(shard["commit_p50_s"]) for answer in answers.values()
                     for name, shard in answer["shards"].items() if name.startswith("dynamodb/"))


def binding(spent: dict[str, float], took_s: float, idle_s: float) -> str:
    """The process without a rest; or the machine, whoever uses it; or else something is waited for."""
    name, cores = max(spent, key=spent.__getitem__), os.cpu_count() or 1
    busy = cores - idle_s / took_s
    what = name if spent[name] > FULL * took_s else "the machine" if busy > FULL * cores else "waiting"
    return f"{what} ({busy:.2f} of {cores} cores busy, {sum(spent.values()) / took_s:.2f} ours)"


def bench(shards: int, options: argparse.Namespace) -> Iterator[Any]:
    flags = ("--shards", f"dynamodb={shards}", "--durability", options.durability, "--gateways", str(options.gateways))
    tables = names(shards)
    with tempfile.TemporaryDirectory() as scratch, servers.skybus(*flags, data_dir=Path(scratch, "data")) as server:
        client: Any = server.client()
        for name in tables:
            client.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            )
        for used in (tables, tables[:1]):
            file = Path(scratch) / str(len(used))
            wrk.write_requests(file, requests(f"127.0.0.1:{server.port}", options.operation, used, options.keys))
            yield measure(server, Path(scratch) / "data", file, options, {"shards": shards, "tables": len(used)})


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--shards", type=int, nargs="+", default=[1, 2, 4])
    wants.add_argument("--operation", choices=("PutItem", "GetItem"), default="PutItem")
    wants.add_argument("--seconds", type=int, default=8)
    wants.add_argument("--keys", type=int, default=20_000)
    wants.add_argument("--connections", type=int, default=64)
    wants.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    wants.add_argument("--gateways", type=int, default=1)
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    rows: list[dict[str, object]] = [row for shards in options.shards for row in bench(shards, options)]
    servers.show(rows, options.json)


if __name__ == "__main__":
    main()
