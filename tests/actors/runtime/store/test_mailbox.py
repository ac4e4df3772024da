"""The mailbox's bounds, what goes together, and the journal every batch passes (store/DESIGN.md)."""

from collections.abc import Mapping
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.store import shard as shard_module
from actors.runtime.store.batch import BATCH_LIMIT, BATCH_LIMIT_BYTES
from actors.runtime.store.environment import CommitFailed
from actors.runtime.store.errors import Overloaded, StoreUnavailable
from actors.runtime.store.keys import ROWS
from actors.runtime.store.transaction import VALUE_LIMIT_BYTES
from tests.store_fixture import Outcome, open_store


class Recorder:
    """A journal that notes the batches, adds a row of its own to each, and refuses when told to."""

    def __init__(self) -> None:
        self.batches: list[dict[bytes, bytes | None]] = []
        self.refuses = False

    def append(self, writes: Mapping[bytes, bytes | None]) -> Mapping[bytes, bytes | None]:
        if self.refuses:
            raise CommitFailed("injected")
        self.batches.append(dict(writes))
        return {**writes, ROWS + b"applied": b"%d" % len(self.batches)}


# Whatever waits goes together, within the bounds: at most 256 requests, at most 1 MiB unless one is larger by itself;
# in order, nothing lost.
@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([0, 10, 300_000, 2_000_000]), min_size=1, max_size=40), st.integers(0, 600))
def test_batches_are_bounded(tmp_path_factory: Any, sizes: list[int], small: int) -> None:
    journal = Recorder()
    sizes = sizes + [1] * small
    with open_store(tmp_path_factory.mktemp("mailbox"), journal=journal) as store:
        outcomes = [Outcome() for _ in sizes]
        for number, (size, outcome) in enumerate(zip(sizes, outcomes, strict=True)):
            store.shard.write(methodcaller("put", b"%08d" % number, b""), outcome, size)
        store.loop.run()
        for outcome in outcomes:
            outcome.value()
    assert [key for batch in journal.batches for key in batch] == [ROWS + b"%08d" % n for n in range(len(sizes))]
    for batch in journal.batches:
        assert len(batch) <= BATCH_LIMIT
        assert len(batch) == 1 or sum(sizes[int(key[1:])] for key in batch) <= BATCH_LIMIT_BYTES + 16 * len(batch)


# Requests that wait are bounded in number and in bytes; beyond that the caller is told at once, and what waits is
# answered.
@pytest.mark.parametrize(("limit", "bytes_each"), [("MAILBOX_LIMIT", 0), ("MAILBOX_LIMIT_BYTES", 1000)])
def test_a_full_mailbox_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, bytes_each: int) -> None:
    monkeypatch.setattr(shard_module, limit, 10 * max(bytes_each, 1))
    with open_store(tmp_path) as store:
        outcomes = [Outcome() for _ in range(20)]
        accepted = []
        for outcome in outcomes:
            try:
                store.shard.write(lambda transaction: None, outcome, bytes_each)
            except Overloaded:
                continue
            accepted.append(outcome)
        assert 10 <= len(accepted) <= 11
        store.loop.run()
        assert all(outcome.told for outcome in accepted)
        assert not any(outcome.told for outcome in outcomes if outcome not in accepted)
        store.transact(lambda transaction: transaction.put(b"k", b"v"))


# What the journal gives back is what is committed; it is asked once per batch, also when the map has to grow; a batch
# it refuses did not happen.
def test_the_journal_comes_before_the_commit(tmp_path: Path) -> None:
    journal = Recorder()
    with open_store(tmp_path, journal=journal, map_size_bytes=256 << 10) as store:
        store.transact(methodcaller("put", b"k", b"1"))
        store.transact(methodcaller("put", b"large", bytes(2 << 20)))
        assert len(journal.batches) == 2
        assert store.read(lambda snapshot: snapshot.get(b"applied")) == b"2"
        journal.refuses = True
        with pytest.raises(StoreUnavailable):
            store.transact(methodcaller("put", b"k", b"2"))
        journal.refuses = False
        assert store.read(lambda snapshot: snapshot.get(b"k")) == b"1"
        store.transact(lambda transaction: None)
        assert len(journal.batches) == 2, "what writes nothing is not logged"


# Values: empty ones are values, too large ones and other types are the caller's bug, found before anything is written.
def test_values(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.transact(methodcaller("put", b"", b""))
        assert store.read(lambda snapshot: list(snapshot.scan(b"", b"\xff"))) == [(b"", b"")]
        for wrong in (bytes(VALUE_LIMIT_BYTES + 1), bytearray(b"x"), "x"):
            with pytest.raises(AssertionError):
                store.transact(methodcaller("put", b"k", wrong))
        assert store.read(lambda snapshot: snapshot.get(b"k")) is None


# A transaction is of no use after its call: what was kept of it fails instead of writing into nowhere.
def test_a_transaction_ends_with_its_call(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        kept: list[Any] = []
        store.transact(kept.append)
        for use in (methodcaller("put", b"k", b"v"), methodcaller("get", b"k"), methodcaller("delete", b"k")):
            with pytest.raises(AttributeError):
                use(kept[0])
