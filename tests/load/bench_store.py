"""What a shard costs without anything around it: `python -m tests.load.bench_store [--seconds S] [--directory D]`.

One loop, N requests in flight, each reads and puts one row of 320 bytes under one of 50,000 keys like DynamoDB's, and
is followed by another when it is answered. Printed per durability and N: rows/s, CPU us per row of the whole process
(the load included), requests per commit, the p50 of a commit and of an answer; then a bare fsync of 4 KiB for
comparison, and the cost of reads.
"""

import argparse
import asyncio
import os
import random
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import uvloop

from actors.runtime.store.environment import Durability
from actors.runtime.store.shard import Shard, open_shard
from actors.runtime.store.transaction import Transaction

KEY_COUNT = 50_000
VALUE = bytes(320)
SEED = 1


class Load:
    """Keeps `in_flight` writes going until told to stop; counts answers and their latencies."""

    def __init__(self, shard: Shard, in_flight: int) -> None:
        self._shard = shard
        self._choose = random.Random(SEED)
        self._keys = [self._choose.randbytes(20) + b"%08d" % number for number in range(KEY_COUNT)]
        self.latencies: list[float] = []
        self._running = in_flight
        self._until = 0.0
        self._ended = asyncio.get_running_loop().create_future()

    async def run(self, seconds: float) -> None:
        self._until = time.perf_counter() + seconds
        for _ in range(self._running):
            self._send()
        await self._ended

    def _send(self) -> None:
        key = self._keys[self._choose.randrange(KEY_COUNT)]
        sent = time.perf_counter()

        def evaluate(transaction: Transaction) -> None:
            transaction.get(key)
            transaction.put(key, VALUE)

        def done(_: Any, error: BaseException | None) -> None:
            assert error is None, error
            now = time.perf_counter()
            self.latencies.append(now - sent)
            if now < self._until:
                self._send()
                return
            self._running -= 1
            if not self._running:
                self._ended.set_result(None)

        self._shard.write(evaluate, done, 400)


async def measure_writes(directory: Path, durability: Durability, in_flight: int, seconds: float) -> None:
    shard = open_shard(directory, asyncio.get_running_loop(), durability=durability)
    await Load(shard, 64).run(seconds / 4)              # fills the table and warms up
    before = shard.stats()
    load = Load(shard, in_flight)
    started, cpu = time.perf_counter(), time.process_time()
    await load.run(seconds)
    elapsed, cpu = time.perf_counter() - started, time.process_time() - cpu
    after = shard.stats()
    count = len(load.latencies)
    load.latencies.sort()
    print(f"{durability.value:5} {in_flight:3} in flight: {count / elapsed:7.0f} rows/s  "
          f"{cpu / count * 1e6:5.1f} us CPU/row  {count / (after['commits'] - before['commits']):4.1f} per commit  "
          f"commit p50 {after['commit_p50_s'] * 1e3:.2f} ms  answer p50 {load.latencies[count // 2] * 1e3:.2f} ms")
    await shard.close()


def measure_fsync(directory: Path) -> None:
    """A 4 KiB overwrite and fdatasync: what the disk asks for at least."""
    descriptor = os.open(directory / "bare", os.O_RDWR | os.O_CREAT)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        os.pwrite(descriptor, bytes(4096), 0)
        os.fdatasync(descriptor)
        times.append(time.perf_counter() - started)
    os.close(descriptor)
    print(f"bare pwrite of 4 KiB + fdatasync: p50 {sorted(times)[100] * 1e3:.2f} ms")


async def measure_reads(directory: Path) -> None:
    shard = open_shard(directory, asyncio.get_running_loop(), durability=Durability.OS)
    await Load(shard, 64).run(1.0)
    choose = random.Random(SEED)
    keys = [choose.randbytes(20) + b"%08d" % number for number in range(KEY_COUNT)]
    started = time.process_time()
    for key in keys:
        shard.read(lambda snapshot, key=key: snapshot.get(key))  # type: ignore[misc]
    print(f"get: {(time.process_time() - started) / KEY_COUNT * 1e6:.2f} us")
    started = time.process_time()
    for key in keys:
        shard.read(lambda snapshot, key=key: list(islice(snapshot.scan(key, b"\xff"), 10)))  # type: ignore[misc]
    print(f"scan of 10 rows: {(time.process_time() - started) / KEY_COUNT * 1e6:.2f} us")
    await shard.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--directory", help="on the disk to be measured; default: a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as found:
        directory = Path(found)
        for durability in Durability:
            for in_flight in (64, 8, 1):
                uvloop.run(measure_writes(directory / f"{durability.value}-{in_flight}", durability, in_flight,
                                          options.seconds))
        measure_fsync(directory)
        uvloop.run(measure_reads(directory / "reads"))


if __name__ == "__main__":
    main()
