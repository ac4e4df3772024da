"""Keys and records: where a table, an item and an index entry stand in the shard, and how they read.

    u32 0 | "t" account \\0 region \\0 name                      a table's record (TableRecord, version inside)
    u32 0 | "n"                                                 the last space number given out
    u32 0 | kind | account \0 region \0 …                       backups, exports, imports, policies (ledger.py)
    u32 0 | "c" | u32 space | u32 number                        the space is being copied (history.py)
    u32 space                                                   that space's Statistics
    u32 space | hash | sort                                     an item of a table
    u32 space | hash | sort | table's hash | table's sort       its entry in an index

Other rows are told where they are kept: streams.py, expiry.py, tokens.py.

A space is a table's or an index's own range of keys; its number is never used again, so a table made anew under an old
name never sees the old one's rows, which a job removes meanwhile. `hash` is 16 bytes of blake2b of the partition key:
the order of a Scan, stable and even, and the reason a Query is one seek. `sort` keeps the order of the sort key: UTF-8,
raw bytes or number.encode, each closed so that several may follow one another (see `closed`). Both limits of AWS
(2,048 and 1,024 bytes) fit the store's keys.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actors.dynamodb.engine import number
from actors.dynamodb.engine.values import INVALID, Item, kind_of
from actors.runtime.store.transaction import Snapshot, Transaction
from bus.codec import pack, unpack
from schemas.errors import ValidationException

RECORD_VERSION = 1
HASH_BYTES = 16
PARTITION_KEY_LIMIT_BYTES = 2048
SORT_KEY_LIMIT_BYTES = 1024
COLLECTION_LIMIT_BYTES = 10 * 1024 ** 3   # of an item collection

CREATING = "CREATING"
HASH_TOO_LONG = f"{INVALID}Size of hashkey has exceeded the maximum size limit of{PARTITION_KEY_LIMIT_BYTES} bytes"
SORT_TOO_LONG = (
    f"{INVALID}Aggregated size of all range keys has exceeded the size limit of {SORT_KEY_LIMIT_BYTES} bytes")
NO_MATCH = "The provided key element does not match the schema"
NOT_VALID = "One or more parameter values are not valid. "
_EMPTY_KEY = "The AttributeValue for a key attribute cannot contain an empty {} value. "

_SPACE = struct.Struct(">I")
_STATISTICS = struct.Struct(">BQQ")
_ITEM = struct.Struct(">BI")

# Every kind of row in space 0 and the byte it begins with: named here alone, so that no two meet.
CATALOGUE = {
    "table": b"t", "last space": b"n", "stream": b"s", "expiring table": b"e", "copy": b"c", "token": b"k",
    "token time": b"x", "backup": b"b", "export": b"o", "import": b"i", "policy": b"p",
    "lock": b"l", "intent": b"w", "decision": b"d",
}
assert len(set(CATALOGUE.values())) == len(CATALOGUE), "two kinds of catalogue rows would meet"


def catalogue_prefix(kind: str) -> bytes:
    """What the rows of a kind begin with."""
    return _SPACE.pack(0) + CATALOGUE[kind]


_TABLES = catalogue_prefix("table")
_LAST_SPACE = catalogue_prefix("last space")
_SPACE_MAX = 2**32 - 2

_NOTHING: dict[str, Any] = {}
Key = tuple[str, str]                     # attribute name, its type: S, N or B


class KeyMismatch(ValidationException):
    """A key attribute is missing or of another type than the schema's."""

    def __init__(self) -> None:
        super().__init__(NO_MATCH)


@dataclass(frozen=True, slots=True)
class Statistics:
    items: int = 0
    size: int = 0                         # bytes


class Space:
    """One ordered set of rows and the attributes that order it. Keys have one hash attribute, an index up to four."""

    __slots__ = ("hash", "hash_names", "name", "names", "prefix", "sort", "sort_names", "types")

    def __init__(self, number_: int, name: str, hash_: tuple[Key, ...], sort: tuple[Key, ...]) -> None:
        self.name = name                  # an index's; "" for the table itself
        self.prefix = _SPACE.pack(number_)
        self.hash = hash_
        self.sort = sort
        self.hash_names = tuple(key for key, _ in hash_)
        self.sort_names = tuple(key for key, _ in sort)
        self.names = self.hash_names + self.sort_names
        self.types = dict(hash_ + sort)

    def partition(self, attributes: Mapping[str, Any]) -> bytes:
        """prefix | hash of the partition key among `attributes`. KeyMismatch, or what AWS says of its value."""
        (name, kind) = self.hash[0]
        encoded = encoded_key(attributes, name, kind)
        if len(self.hash) > 1:
            encoded = b"".join(closed(encoded_key(attributes, name, kind)) for name, kind in self.hash)
        elif len(encoded) > PARTITION_KEY_LIMIT_BYTES:
            raise ValidationException(HASH_TOO_LONG)
        return self.prefix + hashlib.blake2b(encoded, digest_size=HASH_BYTES).digest()

    def row(self, attributes: Mapping[str, Any]) -> bytes:
        """prefix | hash | sort: a table's whole key; in an index the table's follows. Errors as `partition`."""
        key = self.partition(attributes)
        for name, kind in self.sort:
            encoded = encoded_key(attributes, name, kind)
            if len(encoded) > SORT_KEY_LIMIT_BYTES:
                raise ValidationException(SORT_TOO_LONG)
            key += closed(encoded)
        return key


class Index(Space):
    """A secondary index of a table. `projected`: the attributes it keeps; None: all. `is_filling`: made on a live
    table and not yet holding all its items."""

    __slots__ = ("is_filling", "is_global", "projected")

    def __init__(
        self, number_: int, name: str, hash_: tuple[Key, ...], sort: tuple[Key, ...], *, is_global: bool,
        projected: frozenset[str] | None, is_filling: bool,
    ) -> None:
        super().__init__(number_, name, hash_, sort)
        self.is_global = is_global
        self.is_filling = is_filling
        self.projected = projected

    def holds(self, item: Item) -> bool:
        """Is the item in this index: only one that has all its key attributes, of the right types and lengths, is."""
        return all(name in item and item[name].get(kind) for name, kind in self.hash + self.sort) \
            and not self._too_long(item)

    def _too_long(self, item: Item) -> str:
        """What to say of a key attribute that is too long; "" when none is. Those that are missing are not."""
        if len(self.hash) == 1 and _exceeds(item, self.hash[0], PARTITION_KEY_LIMIT_BYTES):
            return HASH_TOO_LONG
        return SORT_TOO_LONG if any(_exceeds(item, key, SORT_KEY_LIMIT_BYTES) for key in self.sort) else ""

    def entry(self, item: Item, table_key: bytes) -> bytes:
        return self.row(item) + table_key[len(self.prefix):]

    def view(self, item: Item) -> Item:
        """What the index keeps of the item."""
        projected = self.projected
        return item if projected is None else {name: value for name, value in item.items() if name in projected}

    def check(self, item: Item, *, is_update: bool = False) -> None:
        """ValidationException, in AWS's words, when an attribute that is the index's key cannot be one."""
        for name, kind in self.hash + self.sort:
            value = item.get(name)
            if value is None:
                continue
            if kind not in value:
                raise ValidationException(
                    f"{INVALID}Type mismatch for Index Key {name} Expected: {kind} Actual: {kind_of(value)} "
                    f"IndexName: {self.name}"
                )
            if not value[kind] and is_update:
                raise ValidationException(
                    f"{NOT_VALID}The update expression attempted to update a secondary index key to a value that is "
                    f"not supported. {_EMPTY_KEY.format(_NOUNS[kind]).rstrip()}"
                )
            if not value[kind]:
                raise ValidationException(
                    f"{NOT_VALID}A value specified for a secondary index key is not supported. "
                    f"{_EMPTY_KEY.format(_NOUNS[kind])}IndexName: {self.name}, IndexKey: {name}"
                )
        too_long = self._too_long(item)
        if too_long:
            raise ValidationException(too_long)


class Table(Space):
    """A table as its record describes it. `description` is the record's own: AWS's members, never to be changed."""

    __slots__ = ("account", "collection_limit_bytes", "collections", "description", "expiry_attribute", "expiry_prefix",
                 "has_collections", "has_locks", "history", "index_spaces", "indexes", "is_counting", "is_made",
                 "key_count", "region", "space_number", "stream_prefix", "stream_view", "table_name")

    def __init__(self, record: dict[str, Any], collection_limit_bytes: int = COLLECTION_LIMIT_BYTES) -> None:
        description = record["description"]
        types = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
        hash_, sort = _keys(description["KeySchema"], types)
        super().__init__(record["space"], "", hash_, sort)
        self.account: str = record["account"]
        self.region: str = record["region"]
        self.table_name: str = description["TableName"]
        self.space_number: int = record["space"]
        self.description: dict[str, Any] = description
        self.key_count = len(self.names)
        self.index_spaces: dict[str, int] = record["index_spaces"]
        # Where old images go (history.py); None: nobody asks for them.
        self.history: bytes | None = _SPACE.pack(record["history"]["space"]) if "history" in record else None
        self.is_made: bool = record.get("status") != CREATING
        self.has_locks: bool = "locks" in record
        stream, expiry = record.get("stream"), record.get("expiry")
        self.stream_prefix: bytes | None = space_prefix(stream["space"]) if stream else None
        self.stream_view: str = stream["view"] if stream else ""
        self.expiry_prefix: bytes | None = space_prefix(expiry["space"]) if expiry else None
        self.expiry_attribute: str = expiry["attribute"] if expiry else ""
        indexes = self._indexes(types, frozenset(record.get("filling", ())))
        self.indexes = tuple(sorted(indexes, key=lambda index: index.name))
        # Where the sizes of item collections are (item_collections.py); None although there are some: an older table.
        collections = record.get("collections")
        self.has_collections = any(not index.is_global for index in self.indexes)
        self.collections: bytes | None = space_prefix(collections["space"]) if collections else None
        self.is_counting: bool = bool(collections and collections.get("counting"))
        self.collection_limit_bytes = collection_limit_bytes

    def _indexes(self, types: dict[str, str], filling: frozenset[str]) -> Iterator[Index]:
        for member in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
            for each in self.description.get(member, ()):
                hash_, sort = _keys(each["KeySchema"], types)
                projection = each["Projection"]
                kept: frozenset[str] | None = None
                if projection["ProjectionType"] != "ALL":
                    own = (name for name, _ in hash_ + sort)
                    kept = frozenset((*self.names, *own, *projection.get("NonKeyAttributes", ())))
                yield Index(
                    self.index_spaces[each["IndexName"]], each["IndexName"], hash_, sort,
                    is_global=member == "GlobalSecondaryIndexes", projected=kept,
                    is_filling=each["IndexName"] in filling,
                )

    def key(self, key: Mapping[str, Any]) -> bytes:
        """The row of a request's Key, which must be the key attributes and no other."""
        if len(key) != self.key_count:
            raise KeyMismatch
        return self.row(key)

    def item_key(self, item: Item) -> bytes:
        """The row of an item to be put; says which attribute is wrong, as AWS does for PutItem."""
        try:
            return self.row(item)
        except KeyMismatch:
            raise ValidationException(self._mismatch(item)) from None

    def _mismatch(self, item: Item) -> str:
        for name, kind in self.hash + self.sort:
            if name not in item:
                return f"{INVALID}Missing the key {name} in the item"
            if kind not in item[name]:
                return f"{INVALID}Type mismatch for key {name} expected: {kind} actual: {kind_of(item[name])}"
        raise AssertionError("the key matches its schema")

    def index(self, name: str) -> Index | None:
        return next((index for index in self.indexes if index.name == name), None)

    def item_range(self) -> tuple[bytes, bytes]:
        """Where the table's items begin and end: past its Statistics, before the next space."""
        return self.prefix + b"\0", past(self.prefix)

    @property
    def derived_spaces(self) -> list[int]:
        """What the table's rows could make anew: its indexes, the sizes of its collections."""
        sizes = [] if self.collections is None else [int(_SPACE.unpack(self.collections)[0])]
        return [*self.index_spaces.values(), *sizes]

    @property
    def arn(self) -> str:
        return arn(self.account, self.region, self.table_name)


def _exceeds(item: Item, key: Key, limit_bytes: int) -> bool:
    """Numbers never do."""
    name, kind = key
    content = item.get(name, _NOTHING).get(kind)
    if content is None or kind == "N" or len(content) * 4 <= limit_bytes:      # no character has more than four bytes
        return False
    return len(ENCODERS[kind](content)) > limit_bytes


def encoded_key(attributes: Mapping[str, Any], name: str, kind: str) -> bytes:
    """Order-keeping bytes of one key attribute. KeyMismatch; ValidationException when it is empty."""
    try:
        content = attributes[name][kind]
    except KeyError:
        raise KeyMismatch from None
    if not content:
        raise ValidationException(f"{NOT_VALID}{_EMPTY_KEY.format(_NOUNS[kind])}Key: {name}")
    return ENCODERS[kind](content)


ENCODERS: dict[str, Callable[[Any], bytes]] = {"S": str.encode, "N": number.encode, "B": bytes}
_NOUNS = {"S": "string", "B": "binary", "N": "number"}


def escaped(encoded: bytes) -> bytes:
    """In the same order, and never with 00 00 inside: a zero becomes 00 FF."""
    return encoded.replace(b"\0", b"\0\xff")


def closed(encoded: bytes) -> bytes:
    """Bytes that sort as `encoded` whatever follows them: escaped, and ended with 00 00."""
    return encoded.replace(b"\0", b"\0\xff") + b"\0\0"


def past(prefix: bytes) -> bytes:
    """The first key after all that begin with `prefix`."""
    stripped = prefix.rstrip(b"\xff")
    assert stripped, "a space is never the last there can be"
    return stripped[:-1] + bytes((stripped[-1] + 1,))


def space_prefix(space: int) -> bytes:
    return _SPACE.pack(space)


def arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def _keys(schema: list[dict[str, str]], types: dict[str, str]) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    def of(role: str) -> tuple[Key, ...]:
        names = (each["AttributeName"] for each in schema if each["KeyType"] == role)
        return tuple((name, types[name]) for name in names)

    return of("HASH"), of("RANGE")


def pack_item(item: Item, size: int) -> bytes:
    """An item's record; its size stands in front, so that pages are counted without decoding."""
    return _ITEM.pack(RECORD_VERSION, size) + pack(item)


def unpack_item(record: bytes) -> Item:
    assert record[0] == RECORD_VERSION, "records of another version are upgraded here"
    item: Item = unpack(record[_ITEM.size:])
    return item


def item_size(record: bytes) -> int:
    size: int = _ITEM.unpack_from(record)[1]
    return size


def statistics(snapshot: Snapshot, space: Space) -> Statistics:
    record = snapshot.get(space.prefix)
    return Statistics(*_STATISTICS.unpack(record)[1:]) if record else Statistics()


def count(transaction: Transaction, prefix: bytes, items: int, size: int) -> None:
    """Adds to the space's Statistics. A row per space and batch in all, however many items the batch changes."""
    if not (items or size):
        return
    record = transaction.get(prefix)
    if record:
        _, items_before, size_before = _STATISTICS.unpack(record)
        items, size = items + items_before, size + size_before
    assert items >= 0
    assert size >= 0
    transaction.put(prefix, _STATISTICS.pack(RECORD_VERSION, items, size))


def table_key(account: str, region: str, name: str) -> bytes:
    return _TABLES + f"{account}\0{region}\0{name}".encode()


def pack_table(record: dict[str, Any]) -> bytes:
    return pack({"version": RECORD_VERSION, **record})


def unpack_table(record: bytes) -> dict[str, Any]:
    """A table's record: account, region, space, index_spaces {index name: number}, description {AWS's members}, tags,
    the names of the indexes that are still `filling`; with local indexes the sizes of its item `collections` {space,
    counting}; while they are on, its `stream` {space, view, label}, its items' `expiry` {space, attribute} and its
    `history` {space, and for point-in-time recovery since, days}; `status` while it is being restored or imported
    (CREATING), `transfer` while another shard sends its rows (transfers.py), `locks` while there are some: how many of
    its items a transaction of several shards holds (intents.py), `insights` {index name or "": settings}."""
    table: dict[str, Any] = unpack(record)
    assert table["version"] == RECORD_VERSION, "records of another version are upgraded here"
    return table


def next_space(transaction: Transaction) -> int:
    """A number for a new space, never given out before."""
    record = transaction.get(_LAST_SPACE)
    space = 1 + (_SPACE.unpack(record)[0] if record else 0)
    assert space <= _SPACE_MAX, "four thousand million tables"
    transaction.put(_LAST_SPACE, _SPACE.pack(space))
    return int(space)
