"""A full map, a full disk, a failed fsync: what store/DESIGN.md promises under "Growth and faults"."""

import asyncio
import errno
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.store.environment import CommitFailed, Durability, Environment
from actors.runtime.store.errors import StoreUnavailable
from actors.runtime.store.transaction import Snapshot, Transaction
from tests.actors.runtime.store.faults import FaultyEnvironment, HeldWriter, small_file_system
from tests.store_fixture import Outcome, Store, open_store


def fill(transaction: Transaction, first: int, count: int, value: bytes) -> None:
    for number in range(first, first + count):
        transaction.put(b"%08d" % number, value)


def count(snapshot: Snapshot) -> int:
    return sum(1 for _ in snapshot.scan(b"", b"\xff"))


# MAP_FULL: the map grows, the same write set is applied again, nobody notices, long reads under way included.
def test_the_map_grows_under_readers(tmp_path: Path) -> None:
    with open_store(tmp_path, map_size_bytes=256 << 10) as store:
        store.transact(lambda transaction: fill(transaction, 0, 10, b"x" * 1000))

        def reading(snapshot: Snapshot) -> Any:
            found = 0
            for _ in snapshot.scan(b"", b"\xff"):
                found += 1
                while store.shard.stats()["map_size"] == 256 << 10:
                    yield
            return found

        seen = Outcome()
        store.shard.read_long(reading, seen)
        for _ in range(3):
            store.loop.step()
        assert not seen.told
        outcome = Outcome()
        store.shard.write(lambda transaction: fill(transaction, 10, 1000, b"y" * 1000), outcome)
        store.loop.run()
        outcome.value()
        assert seen.value() in (10, 1010)
        assert store.shard.stats()["map_size"] >= 1 << 20
        assert store.read(count) == 1010
    with open_store(tmp_path, map_size_bytes=256 << 10) as store:
        assert store.read(count) == 1010


# One value larger than the whole map: it doubles until it fits.
def test_the_map_grows_several_times(tmp_path: Path) -> None:
    with open_store(tmp_path, map_size_bytes=256 << 10) as store:
        store.transact(lambda transaction: transaction.put(b"large", bytes(8 << 20)))
        assert store.read(lambda snapshot: snapshot.get(b"large")) == bytes(8 << 20)


# A map that cannot grow (address space is limited) fails that write alone; what was there is read and written on.
def test_a_map_that_cannot_grow(tmp_path: Path) -> None:
    program = """
import pathlib, resource, sys
from actors.runtime.store.errors import StoreUnavailable
from tests.store_fixture import open_store
with open_store(pathlib.Path(sys.argv[1]), map_size_bytes=64 << 20) as store:
    store.transact(lambda transaction: transaction.put(b"k", b"v"))
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (32 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(100):
        try:
            store.transact(lambda transaction: transaction.put(b"%d" % number, bytes(1 << 20)))
        except StoreUnavailable:
            break
    else:
        raise AssertionError("the map grew")
    assert store.read(lambda snapshot: snapshot.get(b"k")) == b"v"
    store.transact(lambda transaction: transaction.delete(b"0"))
    store.transact(lambda transaction: transaction.put(b"k", b"w"))
    assert store.read(lambda snapshot: snapshot.get(b"k")) == b"w"
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


# A failed commit: its own requests are answered StoreUnavailable, errors too, since they saw what never happened;
# requests evaluated over it are evaluated again, and see none of it.
def test_what_was_evaluated_over_a_failed_commit_is_evaluated_again(tmp_path: Path) -> None:
    writers: list[HeldWriter] = []

    def held(loop: Any) -> HeldWriter:
        writers.append(HeldWriter(loop))
        return writers[0]

    def get_and_put(transaction: Transaction) -> bytes | None:
        found = transaction.get(b"k")
        transaction.put(b"k", b"2")
        return found

    def read_and_refuse(transaction: Transaction) -> None:
        raise LookupError(transaction.get(b"k"))

    with open_store(tmp_path, writer=held) as store:
        first, refused, second, third = Outcome(), Outcome(), Outcome(), Outcome()
        store.shard.write(lambda transaction: transaction.put(b"k", b"1"), first)
        store.shard.write(read_and_refuse, refused)
        store.loop.run()
        store.shard.write(get_and_put, second)
        store.shard.write(read_and_refuse, third)
        store.loop.run()
        assert not any(outcome.told for outcome in (first, refused, second, third))
        writers[0].fail()
        for outcome in (first, refused):
            assert isinstance(outcome.error, StoreUnavailable)
        assert store.read(lambda snapshot: snapshot.get(b"k")) is None
        store.loop.run()
        assert not second.told
        writers[0].commit()
        assert second.value() is None
        assert isinstance(third.error, LookupError)
        assert third.error.args == (b"2",)
        assert store.shard.stats()["commits_failed"] == 1
        assert [report["message"] for report in store.loop.reported] == ["a commit failed"]


# An error seen over uncommitted state does not escape before that state is durable; nor does a write set that is empty.
def test_errors_and_empty_write_sets_wait_for_what_they_saw(tmp_path: Path) -> None:
    writers: list[HeldWriter] = []

    def held(loop: Any) -> HeldWriter:
        writers.append(HeldWriter(loop))
        return writers[0]

    def refuse(transaction: Transaction) -> None:
        raise LookupError

    with open_store(tmp_path, writer=held) as store:
        first, refused, empty, alone = Outcome(), Outcome(), Outcome(), Outcome()
        store.shard.write(lambda transaction: transaction.put(b"k", b"1"), first)
        store.loop.run()
        store.shard.write(refuse, refused)
        store.shard.write(lambda transaction: transaction.get(b"k"), empty)
        store.loop.run()
        assert not refused.told
        assert not empty.told
        writers[0].commit()
        store.loop.run()
        assert isinstance(refused.error, LookupError)
        assert empty.value() == b"1"
        store.shard.write(refuse, alone)
        store.loop.run()
        assert isinstance(alone.error, LookupError)
        assert writers[0].held is None


def refuse_disk() -> None:
    raise CommitFailed("injected")


# A failed fsync: the environment is reopened before the next commit, never trusted as it is.
def test_the_environment_is_reopened_after_a_failed_commit(tmp_path: Path) -> None:
    environment = FaultyEnvironment(tmp_path, map_size_bytes=64 << 20)
    opened: list[bool] = []
    with open_store(tmp_path, environment=environment) as store:
        store.transact(lambda transaction: transaction.put(b"k", b"1"))
        environment.before_open = lambda: opened.append(True)
        environment.before_apply = refuse_disk
        with pytest.raises(StoreUnavailable):
            store.transact(lambda transaction: transaction.put(b"k", b"2"))
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"1"
        assert store.shard.stats()["fault"]
        environment.before_apply = None
        assert not opened
        store.transact(lambda transaction: transaction.put(b"k", b"3"))
        assert opened
        assert store.shard.stats()["fault"] == ""
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"3"


# While it cannot even be opened again every request is answered an error, and service returns by itself.
def test_an_environment_that_cannot_be_reopened(tmp_path: Path) -> None:
    environment = FaultyEnvironment(tmp_path, map_size_bytes=64 << 20)

    def refuse_open() -> None:
        raise OSError(errno.EIO, "injected")

    time = [0.0]
    with open_store(tmp_path, environment=environment, elapsed=lambda: time[0]) as store:
        store.transact(lambda transaction: transaction.put(b"k", b"1"))
        environment.before_apply, environment.before_open = refuse_disk, refuse_open
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                store.transact(lambda transaction: transaction.put(b"k", b"2"))
            time[0] += 1.0
        with pytest.raises(StoreUnavailable):
            store.read(lambda snapshot: snapshot.get(b"k"))
        with pytest.raises(StoreUnavailable):
            store.read_long(counting)
        environment.before_apply = environment.before_open = None
        time[0] += 1.0
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"1"
        store.transact(lambda transaction: transaction.put(b"k", b"3"))


# A commit that was reported as failed and yet is on disk must not be served: its writers were told that it did not
# happen.
def test_a_failed_commit_that_is_there_after_all_stops_the_shard(tmp_path: Path) -> None:
    class Lying(Environment):
        lie = False

        def apply(self, writes: Any) -> None:
            super().apply(writes)
            if self.lie:
                raise CommitFailed("injected")

    environment = Lying(tmp_path, map_size_bytes=64 << 20)
    with open_store(tmp_path, environment=environment) as store:
        environment.lie = True
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                store.transact(lambda transaction: transaction.put(b"k", b"1"))
        with pytest.raises(StoreUnavailable):
            store.read(lambda snapshot: snapshot.get(b"k"))
        assert "restart" in store.shard.stats()["fault"]


# Disk full, for real: writes answer StoreUnavailable, reads and long reads go on, nothing is half-written, and when
# space returns so does service. Where mounting is not permitted the same is shown with the seam's ENOSPC.
@pytest.mark.parametrize("durability", list(Durability))
def test_disk_full(tmp_path: Path, durability: Durability) -> None:
    with small_file_system(tmp_path / "small", 4 << 20) as mounted:
        directory = mounted or tmp_path / "large"
        environment = FaultyEnvironment(directory, durability=durability, map_size_bytes=64 << 20)
        with open_store(directory, environment=environment) as store:
            written = write_until_full(store, environment, mounted is None, directory)
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    store.transact(lambda transaction: fill(transaction, 10_000, 100, b"z" * 1000))
                assert store.read(count) == written
                assert store.read_long(counting) == written
            assert store.read(lambda snapshot: snapshot.get(b"%08d" % 10_000)) is None
            assert [report["message"] for report in store.loop.reported] == ["a commit failed"]
            environment.before_apply = None
            (directory / "ballast").unlink()
            store.transact(lambda transaction: fill(transaction, 10_000, 100, b"z" * 1000))
            assert store.read(count) == written + 100
        with open_store(directory) as store:
            assert store.read(count) == written + 100


def counting(snapshot: Snapshot) -> Any:
    found = 0
    for _ in snapshot.scan(b"", b"\xff"):
        found += 1
        yield
    return found


def write_until_full(store: Store, environment: FaultyEnvironment, simulated: bool, directory: Path) -> int:
    """Rows written until the disk refused. A ballast file takes half of it, to be deleted later."""
    (directory / "ballast").write_bytes(bytes(2 << 20))
    if simulated:
        store.transact(lambda transaction: fill(transaction, 0, 100, b"x" * 1000))
        environment.before_apply = refuse_disk
        return 100
    for first in range(0, 10_000, 100):
        try:
            store.transact(partial(fill, first=first, count=100, value=b"x" * 1000))
        except StoreUnavailable:
            return first
    raise AssertionError("a full disk took everything")


# A map that is full while a backup reads through it waits for the backup's end; so does reopening after a fault, and
# meanwhile writes answer errors and reads go on.
def test_growth_and_reopening_wait_for_a_backup(tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        environment = SlowCopy(tmp_path / "data", map_size_bytes=256 << 10)
        store = Store(tmp_path / "data", environment=environment, loop=loop, clock=loop.time)
        store.shard.write(lambda transaction: transaction.put(b"k", b"1"), lambda *_: None)
        backup = asyncio.create_task(store.shard.backup(tmp_path / "copy"))
        await environment.started.wait()
        grown = asyncio.Event()
        store.shard.write(lambda transaction: transaction.put(b"large", bytes(1 << 20)), lambda *_: grown.set())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not grown.is_set()
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"1"
        environment.go_on.set()
        await backup
        await grown.wait()
        assert store.read(lambda snapshot: snapshot.get(b"large")) == bytes(1 << 20)
        await store.shard.close()

    asyncio.run(main())


class SlowCopy(Environment):
    """A copy that begins when it says so and goes on when told."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.loop = asyncio.get_running_loop()
        self.started = asyncio.Event()
        self.go_on = threading.Event()

    def copy(self, destination: Any) -> None:
        self.loop.call_soon_threadsafe(self.started.set)
        self.go_on.wait()
        super().copy(destination)
