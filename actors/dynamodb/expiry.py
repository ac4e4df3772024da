"""When items expire: entries in the order of time, kept with every write while the table's TTL is on.

    u32 0 | "e" | u32 space                        a table whose items expire: account, region, name
    u32 space | u64 expiry | hash | sort           one item that expires, at `expiry` seconds since the epoch

So the sweep (time_to_live.py) reads what is due and nothing else, however large the table.
"""

import math
import struct
from decimal import Decimal
from typing import Any

from actors.dynamodb import state
from actors.dynamodb.engine.values import Item
from actors.dynamodb.state import Table
from actors.runtime.store.transaction import Transaction
from bus.codec import pack

TABLES = state.catalogue_prefix("expiring table")
SPACE, EXPIRY = struct.Struct(">I"), struct.Struct(">Q")
_EXPIRY_MAX = 2**63                       # later never comes
_NOTHING: dict[str, Any] = {}


def begin(transaction: Transaction, record: dict[str, Any], attribute: str) -> int:
    """Turns TTL on in a table's record to be saved; the space of its entries."""
    space = state.next_space(transaction)
    record["expiry"] = {"space": space, "attribute": attribute}
    owner = (record["account"], record["region"], record["description"]["TableName"])
    transaction.put(TABLES + SPACE.pack(space), pack(owner))
    return space


def end(transaction: Transaction, record: dict[str, Any]) -> list[int]:
    """Takes TTL out of a table's record; the spaces that are to be cleared."""
    kept = record.pop("expiry", None)
    if kept is None:
        return []
    transaction.delete(TABLES + SPACE.pack(kept["space"]))
    return [kept["space"]]


def expires(item: Item, attribute: str) -> int | None:
    """When the item expires, in whole seconds since the epoch; None: never."""
    text = item.get(attribute, _NOTHING).get("N")
    if text is None:
        return None
    seconds = int(text) if text.isdecimal() else math.floor(Decimal(text))
    return seconds if 0 <= seconds < _EXPIRY_MAX else None


def follow(transaction: Transaction, table: Table, key: bytes, before: bytes | None, after: Item | None) -> None:
    """Keeps the entry of the table's row `key`, whose record was `before` and whose item is now `after`."""
    attribute = table.expiry_attribute
    was = None if before is None else expires(state.unpack_item(before), attribute)
    now = None if after is None else expires(after, attribute)
    if was == now:
        return
    if was is not None:
        transaction.delete(entry(table, key, was))
    if now is not None:
        transaction.put(entry(table, key, now), b"")


def entry(table: Table, key: bytes, expiry: int) -> bytes:
    assert table.expiry_prefix is not None, table.table_name
    return table.expiry_prefix + EXPIRY.pack(expiry) + key[len(table.prefix):]
