"""Keys and records: where a bucket, an object's versions and an upload stand in the shard.

    b | bucket                                      a bucket's record
    c | bucket \\0 kind                              one of its configurations; its record changes with each
    o | bucket \\0 key \\0\\0                          the current version of an object
    v | bucket \\0 key \\0\\0 | u64 newest first       an older version
    n | bucket \\0 key \\0\\0                          the sequence of an older version that is the null version
    u | bucket \\0 key \\0\\0 | upload id              a multipart upload
    p | upload id \\0 u32 number                     a part of it
    d | content id                                  an object's bytes, or the files that hold them (contents.py)
    f | file name                                   what a file of ours must hold; files without this row are orphans
    g | u64 time | content id                       files to be removed once that time has come
    a | account                                     the public-access block of a whole account (publicity.py)
    e | account \\0 region \\0 name                  an access point (points.py)
    l | alias                                       which access point that is: account \\0 region \\0 name
    m | bucket \\0 account \\0 region \\0 name        an access point of this bucket's
    q, h                                            queues (queues.py)
    t, w                                            the walk has begun (collecting.py); upgrades.py has been
    s                                               garbage is being collected
    r | file name                                   a file that is not what was stored (scrubbing.py)

A zero byte inside a key is written \\0\\xff, so that keys stay in the order of their UTF-8 bytes. An object's row holds
no body and no list of parts: listings read these rows alone. Everything of a bucket begins with its name, which is what
a slot is made of (schemas/routing.py).
"""

import base64
import os
import re
import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast
from zlib import crc32

from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3.errors import InvalidBucketName, NoSuchBucket
from bus.codec import pack, unpack

RECORD_VERSION = 1
NAME_LIMIT_CHARACTERS = 255               # of a bucket's name, ever
_NAME = re.compile(f"[A-Za-z0-9._-]{{3,{NAME_LIMIT_CHARACTERS}}}")       # what was one once, if no longer
UPLOAD_ID_LIMIT_CHARACTERS = 256
_UPLOAD_ID = re.compile("[0-9a-f]{16}[A-Za-z0-9_-]+")
NULL = "null"                             # the version id of what was put without versioning
ENABLED, SUSPENDED = "Enabled", "Suspended"

Record = dict[str, Any]

_U64 = struct.Struct(">Q")
_U32 = struct.Struct(">I")
_NEWEST = 2**64 - 1
_ID_CHANCE_BYTES = 12                     # with the sequence and a sum of both 24 bytes: 32 characters, as AWS's are
_REVISION_BYTES = 8
BUCKETS_REMEMBERED = 256
REMEMBERED_LIMIT_BYTES = 10_240           # of a configuration; a larger one is read each time
_END = b"\0\0"
_NO_BLOCK: Mapping[str, bool] = {}


def read(view: Snapshot, key: bytes) -> Record | None:
    row = view.get(key)
    return None if row is None else cast("Record", unpack(row))


def write(transaction: Transaction, key: bytes, record: Mapping[str, Any]) -> None:
    transaction.put(key, pack({"v": RECORD_VERSION, **record}))


def closed(key: str) -> bytes:
    """An object's key as part of a row's: in the order of UTF-8, and with an end of its own."""
    return escaped(key) + _END


def object_of(row: bytes) -> tuple[str, str]:
    """Bucket and key of an object's row, or of an older version's."""
    bucket, _, rest = row[1:].partition(b"\0")
    return bucket.decode(), opened(rest.partition(_END)[0])


def escaped(text: str) -> bytes:
    raw = text.encode()
    return raw.replace(b"\0", b"\0\xff") if b"\0" in raw else raw


def opened(row: bytes) -> str:
    """The key of what `escaped` made, without its end."""
    return (row.replace(b"\0\xff", b"\0") if b"\0" in row else row).decode()


def past_text(text: str) -> bytes:
    """The least escaped key above all that begin with `text`: 0xff stands in no UTF-8 but behind an escaped zero."""
    return escaped(text) + b"\xff"


def past(prefix: bytes) -> bytes:
    """The least key above all that begin with `prefix`, which ends in no 0xff."""
    return prefix[:-1] + bytes((prefix[-1] + 1,))


def account_key(account: str) -> bytes:
    return b"a" + account.encode()


def upload_id(time_us: int, chance: str) -> str:
    """Uploads of a key are in the order in which they begin."""
    return f"{time_us:016x}{chance}"


def is_upload_id(text: str) -> bool:
    """Might it ever have been one?"""
    return bool(_UPLOAD_ID.fullmatch(text))


def upload_time_us(upload: Record) -> int:
    """When it began."""
    return int(upload["upload"][:16], 16)


def part_prefix(upload_id: str) -> bytes:
    return b"p" + upload_id.encode() + b"\0"


def part_key(upload_id: str, number: int) -> bytes:
    return part_prefix(upload_id) + _U32.pack(number)


def part_number(key: bytes) -> int:
    number: int = _U32.unpack(key[-4:])[0]
    return number


def garbage_key(time_us: int, content: bytes) -> bytes:
    return b"g" + _U64.pack(time_us) + content


def garbage_time_us(key: bytes) -> int:
    time_us: int = _U64.unpack_from(key, 1)[0]
    return time_us


def version_id(sequence: int) -> str:
    """32 characters that nobody can guess, and that say where the version stands."""
    told = _U64.pack(sequence) + os.urandom(_ID_CHANCE_BYTES)
    return base64.urlsafe_b64encode(told + _U32.pack(crc32(told))).decode()


def may_be_version_id(id_: str) -> bool:
    """Is it one that we may have given? Those of the first release, whose last bytes are chance too, are not told from
    others': ask only of what no version has."""
    raw = b"" if sequence_of(id_) is None else base64.urlsafe_b64decode(id_)
    return id_ == NULL or (bool(raw) and _U32.pack(crc32(raw[:-_U32.size])) == raw[-_U32.size:])


def sequence_of(id_: str) -> int | None:
    """Of a version id; None for what never was one."""
    try:
        raw = base64.urlsafe_b64decode(id_.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return None
    if len(raw) != _U64.size + _ID_CHANCE_BYTES + _U32.size:
        return None
    sequence: int = _U64.unpack_from(raw)[0]
    return sequence


class Parsed(NamedTuple):
    """A bucket's row, and those of its configurations that were asked for. Shared: nobody changes what is in it."""

    record: Record
    configurations: dict[str, Any]        # by kind; None: there is none


@lru_cache(BUCKETS_REMEMBERED)
def _parsed(row: bytes) -> Parsed:
    """By the row's own bytes, which no other state of the bucket has: whatever changes a configuration gives the record
    another `revision`, drawn by lot. So nothing uncommitted leaks, and nothing has to be invalidated."""
    return Parsed(unpack(row), {})


class Bucket:
    """One bucket in one transaction or snapshot."""

    __slots__ = ("_known", "_view", "name", "record")

    def __init__(self, view: Snapshot, record: Record, known: dict[str, Any] | None = None) -> None:
        """`known`: configurations that a bucket of this record has."""
        self._view = view
        self._known = {} if known is None else known
        self.record = record
        self.name: str = record["name"]

    @property
    def owner(self) -> str:
        """Its account."""
        owner: str = self.record["account"]
        return owner

    @property
    def versioning(self) -> str:
        """ENABLED, SUSPENDED, or "": never turned on."""
        status: str = self.record.get("versioning", "")
        return status

    @property
    def block(self) -> Mapping[str, bool]:
        """The public-access block of the access point through which it is used (points.py)."""
        return _NO_BLOCK

    def save(self) -> None:
        write(self._transaction(), b"b" + self.name.encode(), self.record)

    def configuration(self, kind: str) -> Any:
        """The document of that kind, not to be changed; None when there is none."""
        if kind in self._known:
            return self._known[kind]
        row = self._view.get(self._configuration_key(kind))
        found = None if row is None else unpack(row)
        if "/" not in kind and (row is None or len(row) <= REMEMBERED_LIMIT_BYTES):    # of named ones there are many
            self._known[kind] = found
        return found

    def configure(self, kind: str, document: Any) -> None:
        """None removes it."""
        if document is None:
            self._transaction().delete(self._configuration_key(kind))
        else:
            self._transaction().put(self._configuration_key(kind), pack(document))
        self._known = {}
        _parsed.cache_clear()             # who found the bucket before this is not to remember what it reads after it
        self.record["revision"] = os.urandom(_REVISION_BYTES)
        self.save()

    def configurations(self) -> Iterator[str]:
        """The kinds there are."""
        start = self._configuration_key("")
        for key, _ in self._view.scan(start, past(start)):
            yield key[len(start):].decode()

    def _configuration_key(self, kind: str) -> bytes:
        return b"c" + self.name.encode() + b"\0" + kind.encode()

    # Versions of objects

    def current(self, key: str) -> Record | None:
        """The newest version, which may be a delete marker."""
        return read(self._view, self.row(b"o", key))

    def version(self, key: str, id_: str) -> Record | None:
        current = self.current(key)
        if current is None or current["id"] == id_:
            return current
        sequence = self._null_sequence(key) if id_ == NULL else sequence_of(id_)
        found = None if sequence is None else read(self._view, self._older_key(key, sequence))
        return found if found is not None and found["id"] == id_ else None

    def older(self, key: str, below: int | None = None) -> Iterator[Record]:
        """Versions behind the current one, the newest first; `below`: only those older than this sequence."""
        start = self.row(b"v", key)
        begin = start if below is None else start + _U64.pack(_NEWEST - below) + b"\0"
        for _, row in self._view.scan(begin, past(start)):
            yield cast("Record", unpack(row))

    def put(self, key: str, record: Record, current: Record | None) -> Record | None:
        """Makes `record` the current version in the place of `current`, by the bucket's versioning; `id` and `seq` are
        set in it.

        The version it replaced for good, whose content is its caller's to release; None: nothing went.
        """
        transaction = self._transaction()
        record["seq"] = max(int(transaction.now() * 1e9), current["seq"] + 1 if current else 0)
        replaced = None
        if self.versioning == ENABLED:
            record["id"] = version_id(record["seq"])
            if current is not None:
                self._age(key, current)
        else:
            record["id"] = NULL
            if current is not None and current["id"] == NULL:
                replaced = current
            else:
                if current is not None:
                    self._age(key, current)
                replaced = self._take_null(key)
        self.save_version(key, record, is_current=True)
        return replaced

    def insert(self, key: str, record: Record) -> None:
        """A version that has its id and place already, from another bucket; one with this id is written over."""
        assert self.has_place_for(key, record)
        current = self.current(key)
        is_newest = current is None or current["seq"] < record["seq"]
        if current is not None and is_newest:
            self._age(key, current)
        is_it = current is not None and current["id"] == record["id"]
        self.save_version(key, record, is_current=is_newest or is_it)

    def has_place_for(self, key: str, record: Record) -> bool:
        """False: another version stands there, which came at the very same time."""
        current = self.current(key)
        there = current if current is not None and current["seq"] == record["seq"] else read(
            self._view, self._older_key(key, record["seq"]))
        return there is None or there["id"] == record["id"]

    def remove(self, key: str, record: Record) -> None:
        """This version goes for good; the one behind the current one becomes current."""
        transaction = self._transaction()
        self._disturb(key)
        current = self.current(key)
        assert current is not None, "who removes a version has just read it"
        if record["id"] != current["id"]:
            transaction.delete(self._older_key(key, record["seq"]))
            if record["id"] == NULL:
                transaction.delete(self.row(b"n", key))
            return
        successor = next(self.older(key), None)
        if successor is None:
            transaction.delete(self.row(b"o", key))
            return
        transaction.delete(self._older_key(key, successor["seq"]))
        if successor["id"] == NULL:
            transaction.delete(self.row(b"n", key))
        self.save_version(key, successor, is_current=True)

    def _disturb(self, key: str) -> None:
        """An object goes while these uploads are under way: the conditions under which they end may no longer hold."""
        prefix = self.row(b"u", key)
        for row, upload in list(self._view.scan(prefix, past(prefix))):
            write(self._transaction(), row, {**unpack(upload), "disturbed": True})

    def update(self, key: str, record: Record) -> None:
        """Writes a version back where it stands: tags, locks and the like."""
        current = self.current(key)
        assert current is not None, "who changes a version has just read it"
        self.save_version(key, record, is_current=current["id"] == record["id"])

    def save_version(self, key: str, record: Record, *, is_current: bool) -> None:
        write(self._transaction(), self.row(b"o", key) if is_current else self._older_key(key, record["seq"]), record)

    def is_empty(self) -> bool:
        start = self.row_prefix(b"o")
        return next(self._view.scan(start, past(start)), None) is None

    def row_prefix(self, table: bytes) -> bytes:
        return table + self.name.encode() + b"\0"

    def row(self, table: bytes, key: str) -> bytes:
        return table + self.name.encode() + b"\0" + closed(key)

    def scan(self, table: bytes, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(escaped key with its end, row); `start`, `stop` (b"": the bucket's end) are escaped keys."""
        prefix = self.row_prefix(table)
        end = prefix + stop if stop else past(prefix)
        for key, row in self._view.scan(prefix + start, end):
            yield key[len(prefix):], row

    def _age(self, key: str, record: Record) -> None:
        """The current version becomes an older one."""
        self.save_version(key, record, is_current=False)
        if record["id"] == NULL:
            self._transaction().put(self.row(b"n", key), _U64.pack(record["seq"]))

    def _take_null(self, key: str) -> Record | None:
        """Removes the null version that is not current."""
        sequence = self._null_sequence(key)
        if sequence is None:
            return None
        found = read(self._view, self._older_key(key, sequence))
        self._transaction().delete(self._older_key(key, sequence))
        self._transaction().delete(self.row(b"n", key))
        return found

    def _null_sequence(self, key: str) -> int | None:
        row = self._view.get(self.row(b"n", key))
        return None if row is None else int(_U64.unpack(row)[0])

    def _older_key(self, key: str, sequence: int) -> bytes:
        return self.row(b"v", key) + _U64.pack(_NEWEST - sequence)

    def _transaction(self) -> Transaction:
        return cast("Transaction", self._view)

    @property
    def view(self) -> Snapshot:
        return self._view


def find_bucket(view: Snapshot, name: str) -> Bucket | None:
    row = view.get(b"b" + name.encode()) if len(name) <= NAME_LIMIT_CHARACTERS else None
    if row is None:
        return None
    record, known = _parsed(row)
    return Bucket(view, record.copy(), known)


def get_bucket(view: Snapshot, name: str) -> Bucket:
    """NoSuchBucket, InvalidBucketName."""
    found = find_bucket(view, name)
    if found is None:
        raise NoSuchBucket(name) if _NAME.fullmatch(name) else InvalidBucketName(name)
    return found


def buckets(view: Snapshot, after: str = "") -> Iterator[Record]:
    """Every bucket of the shard, by name."""
    start = b"b" + after.encode() + (b"\0" if after else b"")
    for _, row in view.scan(start, b"c"):
        yield cast("Record", unpack(row))
