"""Long keys on LMDB's short ones behave as a sorted dict would (store/DESIGN.md). DynamoDB's 2,048 + 1,024
bytes and S3's 1,024 ask for the length."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lmdb
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.store import keys
from actors.runtime.store.transaction import KEY_LIMIT_BYTES
from tests.actors.runtime.store.faults import MEMORY_DIRECTORY

# Lengths around the places where a level ends: 509 bytes after the space, then 501 more at each continuation.
EDGES = [0, 1, 2, 508, 509, 510, 511, 1009, 1010, 1011, 1012, 1510, 1511, 1512, 3072, KEY_LIMIT_BYTES]
TAILS = st.binary(max_size=3)


@st.composite
def long_keys(draw: st.DrawFn) -> bytes:
    """Few distinct prefixes of the lengths where levels meet, with short tails: neighbours are common."""
    filler = draw(st.sampled_from([b"a", b"\x00", b"\xff"]))
    key = filler * draw(st.sampled_from(EDGES))
    if draw(st.booleans()):
        key += draw(TAILS) + draw(st.sampled_from([b"", b"\x00", b"\xff", b"a"])) * draw(st.sampled_from(EDGES))
    return (key + draw(TAILS))[:KEY_LIMIT_BYTES]


@contextmanager
def write_transaction() -> Iterator[Any]:
    with tempfile.TemporaryDirectory(dir=MEMORY_DIRECTORY) as directory:
        environment = lmdb.open(directory, sync=False, map_size=64 << 20)
        transaction = environment.begin(write=True)
        yield transaction
        transaction.abort()
        environment.close()


def rows(transaction: Any, start: bytes = b"", stop: bytes | None = None, reverse: bool = False) -> list[Any]:
    return list(keys.scan(transaction, keys.ROWS, start, stop, reverse=reverse))


# A sequence of puts and deletes leaves what a dict holds; every scan, either way, between any bounds, is the sorted
# dict's; and when all is deleted, not one row of LMDB is left behind.
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(long_keys(), st.booleans()), max_size=30), st.lists(long_keys(), min_size=2, max_size=6))
def test_long_keys_are_a_sorted_dict(changes: list[tuple[bytes, bool]], bounds: list[bytes]) -> None:
    twin: dict[bytes, bytes] = {}
    with write_transaction() as transaction:
        for number, (key, remove) in enumerate(changes):
            if remove:
                keys.delete(transaction, keys.ROWS + key)
                twin.pop(key, None)
            else:
                keys.put(transaction, keys.ROWS + key, b"%d" % number)
                twin[key] = b"%d" % number
        assert rows(transaction) == sorted(twin.items())
        bounds += list(twin)[:4]
        for start in bounds:
            assert keys.get(transaction, keys.ROWS + start) == twin.get(start)
            for stop in bounds:
                between = sorted((key, value) for key, value in twin.items() if start <= key < stop)
                assert rows(transaction, start, stop) == between
                assert rows(transaction, start, stop, reverse=True) == between[::-1]
        for key in twin:
            keys.delete(transaction, keys.ROWS + key)
        assert transaction.stat()["entries"] == 0


# Rows of neighbouring spaces never show up in a scan, not even where a scan runs to the end of its space.
@settings(max_examples=20, deadline=None)
@given(st.lists(long_keys(), max_size=6), st.lists(long_keys(), max_size=6))
def test_spaces_are_apart(ours: list[bytes], theirs: list[bytes]) -> None:
    with write_transaction() as transaction:
        for key in ours:
            keys.put(transaction, keys.ROWS + key, b"ours")
        for key in theirs:
            keys.put(transaction, keys.OUTBOX + key, b"theirs")
        assert rows(transaction) == [(key, b"ours") for key in sorted(set(ours))]
        assert rows(transaction, reverse=True) == [(key, b"ours") for key in sorted(set(ours), reverse=True)]


# after_prefix is the stop of a scan over a prefix: the least key that is above everything with the prefix.
@given(st.binary(max_size=20), st.binary(max_size=20))
def test_after_prefix(prefix: bytes, other: bytes) -> None:
    stop = keys.after_prefix(prefix)
    assert prefix + other < stop
    assert (prefix <= other < stop) == other.startswith(prefix)
