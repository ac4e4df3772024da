"""Files that are not what was stored: found by reading them all, and told until they are whole again or gone.

A shelf at a time, once a day (collecting.py) and when an operator asks (`skybus scrub`). A CRC is of what lies on the
disk, so that no key is needed, SSE-C's least of all. What is found gets a row of its own, is logged, is counted in the
metrics, and stands in `skybus status`. Small bodies lie in the shard, sealed: reading one that has changed fails.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import islice
from typing import Any, cast

import structlog

from actors.runtime.store.shard import Shard
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import contents, state
from actors.s3.engine.blobs import SHELVES, Blobs, Rotten
from bus.codec import pack, unpack
from bus.metrics import Sample

ROWS_OF_STEP = 512                        # looked at between two moments for others
TOLD_LIMIT = 1000                         # rotten files in one answer
_ROT = b"r"

Answer = dict[str, Any]

log = structlog.get_logger(__name__)


class Scrubber:
    """Over one shard and its files."""

    def __init__(self, shard: Shard, blobs: Blobs) -> None:
        self._shard = shard
        self._blobs = blobs
        self._asked = False
        self.files = self.bytes = 0       # read since this process began

    @property
    def rotten(self) -> int:
        """Files that are known to be."""
        return sum(1 for _ in self._shard.read(lambda view: list(_rot_rows(view))))

    def samples(self) -> list[Sample]:
        return [("skybus_s3_rotten_files", {}, self.rotten), ("skybus_s3_scrubbed_files_total", {}, self.files),
                ("skybus_s3_scrubbed_bytes_total", {}, self.bytes)]

    def finding(self) -> str:
        """For an operator; "": nothing."""
        count = self.rotten
        return f"{count} files are not what was stored: `skybus scrub` names them" if count else ""

    async def answer(self, question: Answer) -> Answer:
        """Reads every file now. {files, bytes, rotten: [{file, reason, since, objects}]}."""
        if self._asked:
            return {"error": "a scrub is under way"}
        self._asked = True
        files, size = self.files, self.bytes
        try:
            for shelf in range(SHELVES):
                await self.shelf(shelf)
            rotten = await self._told()
        finally:
            self._asked = False
        return {"files": self.files - files, "bytes": self.bytes - size, "rotten": rotten}

    async def shelf(self, number: int) -> None:
        known: list[tuple[str, Any]] = self._shard.read(partial(_of_shelf, number))
        for name, fact in known:
            reason = await asyncio.to_thread(self._fault, name, fact)
            if reason and not self._shard.read(partial(_is_known, name)):
                continue                           # it went meanwhile
            self.files, self.bytes = self.files + 1, self.bytes + fact["size"]
            if reason:
                log.error("object_rotten", file=name, reason=reason)
            if reason or self._shard.read(partial(_is_rotten, name)):
                await self._shard.transact(partial(_note, name, reason))
        for name in self._shard.read(partial(_forgotten, number)):
            await self._shard.transact(partial(_note, name, ""))

    def _fault(self, name: str, fact: Answer) -> str:
        try:
            self._blobs.verify(name, *contents.sum_of(fact))
        except (Rotten, OSError) as error:
            return str(error)
        return ""

    # Whose they are

    async def _told(self) -> list[Answer]:
        rows = self._shard.read(lambda view: list(islice(_rot_rows(view), TOLD_LIMIT)))
        named = {name: {"file": name, **found, "objects": []} for name, found in rows}
        if named:
            of_content = {content: name async for content, name in self._contents(set(named))}
            async for name, where in self._objects(of_content):
                named[name]["objects"].append(where)
        return list(named.values())

    async def _contents(self, names: set[str]) -> AsyncIterator[tuple[bytes, str]]:
        async for key, row in self._rows(b"d", b"e"):
            for name, _, _ in unpack(row).get("files", ()):
                if name in names:
                    yield key[1:], name

    async def _objects(self, of_content: dict[bytes, str]) -> AsyncIterator[tuple[str, str]]:
        """(file, "bucket/key", with its version where it has one, or "part N of upload …")."""
        for table in (b"o", b"v"):
            async for key, row in self._rows(table, state.past(table)):
                record = unpack(row)
                name = of_content.get(record.get("content"))
                if name is not None:
                    path = "/".join(state.object_of(key))
                    yield name, path if record["id"] == state.NULL else f"{path}?versionId={record['id']}"
        async for key, row in self._rows(b"p", b"q"):
            name = of_content.get(unpack(row).get("content"))
            if name is not None:
                yield name, f"part {state.part_number(key)} of upload {key[1:-5].decode()}"

    async def _rows(self, start: bytes, stop: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        """Of a table, in steps."""
        after = start
        while rows := self._shard.read(partial(_step, after, stop)):
            for row in rows:
                yield row
            after = rows[-1][0] + b"\0"
            await asyncio.sleep(0)


def _step(start: bytes, stop: bytes, view: Snapshot) -> list[tuple[bytes, bytes]]:
    return list(islice(view.scan(start, stop), ROWS_OF_STEP))


def _of_shelf(shelf: int, view: Snapshot) -> list[tuple[str, Any]]:
    return list(contents.files_between(view, *_span(shelf)))


def _span(shelf: int) -> tuple[str, str]:
    return f"{shelf:02x}", f"{shelf + 1:02x}" if shelf + 1 < SHELVES else "g"


def _is_known(name: str, view: Snapshot) -> bool:
    return contents.is_known(view, name)


def _is_rotten(name: str, view: Snapshot) -> bool:
    return view.get(_ROT + name.encode()) is not None


def _rot_rows(view: Snapshot) -> Iterator[tuple[str, Answer]]:
    for key, row in view.scan(_ROT, state.past(_ROT)):
        yield key[1:].decode(), cast("Answer", unpack(row))


def _forgotten(shelf: int, view: Snapshot) -> list[str]:
    """Rotten ones of this shelf that are gone."""
    first, last = _span(shelf)
    rows = view.scan(_ROT + first.encode(), _ROT + last.encode())
    return [name for key, _ in rows if not contents.is_known(view, name := key[1:].decode())]


def _note(name: str, reason: str, transaction: Transaction) -> None:
    """"": it is whole, or gone."""
    key = _ROT + name.encode()
    if not reason:
        transaction.delete(key)
    elif transaction.get(key) is None:
        transaction.put(key, pack({"since": transaction.now(), "reason": reason}))
