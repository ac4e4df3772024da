"""The ledger finds every change made behind its back, forgets what is too old or too much, and takes nothing twice."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.cloudtrail import ledger
from tests.store_fixture import Store, open_store

EVENTS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=12)


def line(number: int, management: bool = True, account: str = "111111111111", seconds: int = 0) -> bytes:
    moment = f"1970-01-12T13:{seconds // 60:02}:{seconds % 60:02}Z"
    return json.dumps({
        "eventID": f"id-{number}", "eventName": "CreateUser", "eventSource": "iam.amazonaws.com", "readOnly": False,
        "awsRegion": "us-east-1", "recipientAccountId": account, "managementEvent": management, "eventTime": moment,
        "userIdentity": {"type": "Root"},
    }).encode()


def appended(store: Store, *lines: bytes, limit_bytes: int = ledger.LEDGER_LIMIT_BYTES) -> int:
    count: int = store.transact(lambda transaction: ledger.append(transaction, lines, limit_bytes))
    return count


def verified(store: Store) -> dict[str, Any]:
    answer: dict[str, Any] = store.read_long(ledger.verify)
    return answer


def rows(store: Store) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = store.read(lambda view: list(view.scan(b"", b"\xff")))
    return found


@settings(deadline=None, max_examples=40)
@given(EVENTS, st.data())
def test_any_change_is_found(events: list[tuple[bool, int]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "000") as store:
        for number, (management, account) in enumerate(events):
            assert appended(store, line(number, management, f"{account:012}", number)) == 1
        assert verified(store)["broken"] is None
        key, value = data.draw(st.sampled_from(rows(store)))
        change = data.draw(st.sampled_from(["remove", "damage", "add"]))
        if change == "remove":
            store.transact(lambda transaction: transaction.delete(key))
        elif change == "damage":
            place = data.draw(st.integers(0, len(value) - 1))
            other = bytes([value[place] ^ data.draw(st.integers(1, 255))])
            store.transact(lambda transaction: transaction.put(key, value[:place] + other + value[place + 1:]))
        else:
            forged = ledger.LOG + ledger.SEQUENCE.pack(len(events) + 1)
            store.transact(lambda transaction: transaction.put(forged, value))
        assert verified(store)["broken"] is not None, (change, key)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 15), max_size=40))
def test_what_comes_again_is_known(numbers: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "000") as store:
        for number in numbers:
            appended(store, line(number), b"no event")
        found = verified(store)
        assert (found["records"], found["broken"]) == (len(set(numbers)), None)


def test_the_oldest_go_first(tmp_path: Path) -> None:
    with open_store(tmp_path / "000") as store:
        size = len(line(10)) + ledger.OVERHEAD_BYTES
        for number in range(10, 30):
            appended(store, line(number, seconds=number), limit_bytes=5 * size)
        found = verified(store)
        assert (found["records"], found["first"], found["last"], found["broken"]) == (5, 16, 20, None)
        assert len([key for key, _ in rows(store) if not key.startswith(b"head")]) == 15
        store.loop.advance(ledger.RETENTION_S + 3600)
        appended(store, line(99, seconds=99))
        found = verified(store)
        assert (found["records"], found["broken"]) == (1, None), "the newest is always kept"
