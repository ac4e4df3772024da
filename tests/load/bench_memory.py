"""Memory while a large table is scanned, and how long others wait while it is worked on.

    python -m tests.load.bench_memory [--mib 512] [--item-bytes 8000] [--seconds 5] [--limit-mib 0]
                                      [--durability fsync|os] [--json]

The actor's private memory (RssAnon) is told before, during (the most seen) and after; the first full scan ends after
every page of the table. Others are four connections on a table of their own, GetItem and PutItem in turn, while the
large one is left alone, scanned with a filter nothing passes, given an index, deleted. `--mib 5120` is the long form;
`--limit-mib 256` holds the actor process in a memory cgroup of that size (root, Linux): a table larger than memory.
"""

import argparse
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from deploy.asking import ask_actors
from deploy.config import resolve
from tests import servers
from tests.load import wrk
from tests.load.bench_shards import requests

LARGE, SMALL = "large", "small"
BATCH_BYTES = 200_000
CONNECTIONS = 4
CGROUPS = Path("/sys/fs/cgroup")


def create(client: Any, name: str) -> None:
    client.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )


def fill(client: Any, mib: int, item_bytes: int) -> int:
    """How many items `mib` MiB are."""
    items, batch = mib * 1024 * 1024 // item_bytes, max(1, min(25, BATCH_BYTES // item_bytes))
    text = "x" * (item_bytes - 40)

    def write(start: int) -> None:
        puts = [{"PutRequest": {"Item": {
            "pk": {"S": f"{number:012d}"}, "group": {"S": f"g{number % 1000}"}, "text": {"S": text}}}}
            for number in range(start, min(start + batch, items))]
        client.batch_write_item(RequestItems={LARGE: puts})

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(write, range(0, items, batch)):
            pass
    return items


def rss_anon_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no RssAnon: not a Linux")


def scan(client: Any, stopped: threading.Event | None = None, **more: Any) -> int:
    """All pages: how many items were looked at."""
    seen, page = 0, {"LastEvaluatedKey": None}
    while "LastEvaluatedKey" in page and not (stopped and stopped.is_set()):
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if seen else {}
        page = client.scan(TableName=LARGE, FilterExpression="#g = :none", ExpressionAttributeNames={"#g": "group"},
                           ExpressionAttributeValues={":none": {"S": "none"}}, **start, **more)
        seen += page["ScannedCount"]
    return seen


@contextlib.contextmanager
def most(pid: int) -> Iterator[list[float]]:
    """The highest RssAnon seen meanwhile, in MiB."""
    highest, over = [rss_anon_mib(pid)], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            highest[0] = max(highest[0], rss_anon_mib(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield highest
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def limited(pid: int, mib: int) -> Iterator[None]:
    """The process in a memory cgroup of its own, version 1 or 2."""
    if not mib:
        yield
        return
    old = (CGROUPS / "memory").is_dir()
    group = (CGROUPS / "memory" if old else CGROUPS) / f"skybus-bench-{os.getpid()}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if old else "memory.max")).write_text(str(mib * 1024 * 1024))
    (group / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        (group.parent / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def others(server: servers.Server, files: dict[str, Path], seconds: int, work: str,
           going_on: Callable[[], bool]) -> Iterator[dict[str, object]]:
    for operation, file in files.items():
        result = wrk.run(server.endpoint, file, CONNECTIONS, seconds)
        yield {"while": work, "others": operation, "req/s": round(result.per_second), "p50 ms": result.p50_ms,
               "p99 ms": result.p99_ms, "errors": result.bad_status + result.broken,
               "to the end": "yes" if going_on() else "no: it was done sooner"}


def jobs(data: Path) -> int:
    answers = ask_actors(resolve({"data_dir": str(data)}, {}, {}), "status", {}, 10.0)
    return sum(shard["jobs"] for answer in answers.values() for shard in answer["shards"].values())


def bench(server: servers.Server, data: Path, scratch: Path, options: argparse.Namespace) -> Iterator[Any]:
    client: Any = server.client()
    actor: psutil.Process = server.processes()["actors"]
    create(client, LARGE)
    create(client, SMALL)
    files = {}
    for operation in ("PutItem", "GetItem"):
        files[operation] = scratch / operation
        wrk.write_requests(files[operation], requests(f"127.0.0.1:{server.port}", operation, [SMALL], 2000))
    with limited(actor.pid, options.limit_mib):
        items = fill(client, options.mib, options.item_bytes)
        idle = jobs(data)
        before = rss_anon_mib(actor.pid)
        with most(actor.pid) as highest:
            began = time.perf_counter()
            assert scan(client) == items
            took_s = time.perf_counter() - began
        yield {"table MiB": options.mib, "items": items, "scan MiB/s": options.mib / took_s, "RssAnon before": before,
               "most": highest[0], "after": rss_anon_mib(actor.pid), "limit MiB": options.limit_mib or "none"}
        yield from others(server, files, options.seconds, "nothing", lambda: True)
        stopped = threading.Event()
        with ThreadPoolExecutor(2) as pool:
            scans = [pool.submit(lambda at=at: [scan(client, stopped, Segment=at, TotalSegments=2)  # type: ignore[misc]
                                                for _ in iter(stopped.is_set, True)]) for at in range(2)]
            yield from others(server, files, options.seconds, "two filtered scans", lambda: True)
            stopped.set()
            assert sum(map(sum, (each.result() for each in scans)))
        index = {"IndexName": "by-group", "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}],
                 "Projection": {"ProjectionType": "ALL"}}
        client.update_table(TableName=LARGE, GlobalSecondaryIndexUpdates=[{"Create": index}],
                            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"}
                                                  for name in ("pk", "group")])
        yield from others(server, files, options.seconds, "index backfill", lambda: jobs(data) > idle)
        while jobs(data) > idle:
            time.sleep(0.5)
        client.delete_table(TableName=LARGE)
        yield from others(server, files, options.seconds, "table deletion", lambda: jobs(data) > idle)


def main() -> None:
    wants = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    wants.add_argument("--mib", type=int, default=512)
    wants.add_argument("--item-bytes", type=int, default=8000)
    wants.add_argument("--seconds", type=int, default=5)
    wants.add_argument("--limit-mib", type=int, default=0)
    wants.add_argument("--durability", choices=("fsync", "os"), default="fsync")
    wants.add_argument("--json", action="store_true")
    options = wants.parse_args()
    with tempfile.TemporaryDirectory(prefix="skybus-memory-") as scratch:
        data = Path(scratch) / "data"
        with servers.skybus("--durability", options.durability, data_dir=data) as server:
            memory, *waits = bench(server, data, Path(scratch), options)
    servers.show([memory], options.json)
    servers.show(waits, options.json)


if __name__ == "__main__":
    main()
