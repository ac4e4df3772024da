"""Processes that die, copies taken in use: nothing acknowledged is lost, what is copied is consistent:
store/DESIGN.md."""

import asyncio
import os
import random
import subprocess
import sys
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.store.environment import Durability, Environment
from actors.runtime.store.errors import StoreError
from actors.runtime.store.shard import Shard, open_shard
from actors.runtime.store.transaction import Snapshot, Transaction
from tests.store_fixture import Outcome, open_store

IN_FLIGHT = 16
PAIRS = 200

WRITER = """
import asyncio, os, sys
from actors.runtime.store.environment import Durability
from actors.runtime.store.shard import open_shard

async def main(directory, durability, first, in_flight):
    shard = open_shard(directory, asyncio.get_running_loop(), durability=Durability(durability))
    numbers = iter(range(first, 1 << 60))

    def send():
        number = next(numbers)

        def evaluate(transaction):
            transaction.put(b"%d/first" % number + b"x" * (number % 700), b"")
            transaction.put(b"%d/second" % number, b"")

        def done(_, error):
            if error is None:
                os.write(1, b"%d\\n" % number)
                send()

        shard.write(evaluate, done)

    for _ in range(in_flight):
        send()
    await asyncio.get_running_loop().create_future()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


# kill -9 at a random moment of a writer with 16 requests in flight, again and again on the same directory: every key
# whose acknowledgement got out is there, each transaction is there as a whole or not at all, and the next start needs
# no repair.
@pytest.mark.parametrize("durability", list(Durability))
def test_kill_loses_nothing_acknowledged(tmp_path: Path, durability: Durability) -> None:
    choose = random.Random(7)
    acknowledged: set[int] = set()
    for life in range(4):
        first = life * 1_000_000
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), durability.value, str(first), str(IN_FLIGHT)],
            stdout=subprocess.PIPE)
        assert child.stdout is not None
        with child:
            for _ in range(choose.randrange(1, 300)):
                acknowledged.add(int(child.stdout.readline()))
            child.kill()
            lines = child.stdout.read().split(b"\n")
            acknowledged.update(int(line) for line in lines[:-1])
        with open_store(tmp_path, durability=durability) as store:
            keys = store.read(lambda snapshot: {key.rstrip(b"x") for key, _ in snapshot.scan(b"", b"\xff")})
        firsts = {int(key.split(b"/")[0]) for key in keys if key.endswith(b"/first")}
        seconds = {int(key.split(b"/")[0]) for key in keys if key.endswith(b"/second")}
        assert firsts == seconds, "half a transaction"
        assert acknowledged <= firsts, "an acknowledged write is lost"


def move(choose: random.Random) -> Any:
    """Moves an amount between two accounts: the sum over all stays."""
    source, target = (b"%04d" % number for number in choose.sample(range(PAIRS), 2))

    def evaluate(transaction: Transaction) -> None:
        have, amount = int(transaction.get(source) or b"0"), choose.randrange(10)
        transaction.put(source, b"%d" % (have - amount))
        transaction.put(target, b"%d" % (int(transaction.get(target) or b"0") + amount))

    return evaluate


def total(snapshot: Snapshot) -> int:
    return sum(int(value) for _, value in snapshot.scan(b"", b"\xff"))


# Hot backups under load, with the real thread and a real loop: each opens, and is one moment's state (the sum of all
# accounts is what it always is); the load goes on meanwhile and loses nothing.
def test_backups_under_load_are_consistent(tmp_path: Path) -> None:
    async def main() -> None:
        shard = open_shard(tmp_path / "data", asyncio.get_running_loop())
        choose = random.Random(3)
        running, answered, progress, drained = True, 0, asyncio.Event(), asyncio.Event()
        waiting = IN_FLIGHT

        def send() -> None:
            shard.write(move(choose), done)

        def done(_: Any, error: BaseException | None) -> None:
            nonlocal answered, waiting
            assert error is None, error
            answered += 1
            if answered % 50 == 0:
                progress.set()
            if running:
                send()
                return
            waiting -= 1
            if not waiting:
                drained.set()

        await put_accounts(shard)
        for _ in range(IN_FLIGHT):
            send()
        for number in range(4):
            progress.clear()
            await progress.wait()
            await shard.backup(tmp_path / f"copy{number}")
        running = False
        await drained.wait()
        assert shard.read(total) == PAIRS * 100
        await shard.close()

    asyncio.run(main())
    for number in range(4):
        with open_store(tmp_path / f"copy{number}") as store:
            assert store.read(total) == PAIRS * 100


async def put_accounts(shard: Shard) -> None:
    def evaluate(transaction: Transaction) -> None:
        for number in range(PAIRS):
            transaction.put(b"%04d" % number, b"100")

    future = asyncio.get_running_loop().create_future()
    shard.write(evaluate, lambda result, error: future.set_result(error))
    assert await future is None


# A backup goes into an empty directory only; one that failed half-way is not mistaken for one.
def test_a_backup_overwrites_nothing(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "data")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(StoreError, match="not empty"):
        environment.copy(tmp_path / "used")
    (tmp_path / "half").mkdir()
    environment.copy(tmp_path / "whole")
    os.link(tmp_path / "whole" / "data.mdb", tmp_path / "half" / "data.mdb")
    with pytest.raises(StoreError, match="not a directory of ours"):
        Environment(tmp_path / "half")
    environment.close()


# close() commits and answers what waits, and takes nothing more; the real thread and loop.
def test_close_answers_what_waits(tmp_path: Path) -> None:
    async def main() -> None:
        shard = open_shard(tmp_path, asyncio.get_running_loop())
        outcomes = [Outcome() for _ in range(1000)]
        for number, outcome in enumerate(outcomes):
            shard.write(methodcaller("put", b"%d" % number, b""), outcome)
        await shard.close()
        for outcome in outcomes:
            outcome.value()

    asyncio.run(main())
    with open_store(tmp_path) as store:
        assert len(store.read(lambda snapshot: list(snapshot.scan(b"", b"\xff")))) == 1000
