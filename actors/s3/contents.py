"""Where an object's bytes are: in the shard itself up to INLINE_LIMIT_BYTES, beyond that in files of their own.

A content is a row named by the object's record. Files are made before it (engine/blobs.py) and each gets a row that
says what it must hold; a content that nobody names any more becomes garbage, removed GRACE_S later by a job, and no
earlier than its last reader has done: a reply may be on its way to a gateway that has not opened its files yet.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import state
from bus.codec import pack, unpack
from bus.files import Piece, Reference
from schemas import checksums

INLINE_LIMIT_BYTES = 16 * 1024
GRACE_S = 60.0                            # from the end of a content to the removal of its files
SWEEP_JOB = "sweep"
SWEEP_CONTENTS = 64                       # removed in one step
ID_BYTES = 16
_SWEEPING = b"s"

Request = Mapping[str, Any]


class Body(NamedTuple):
    """Bytes that are about to become an object or a part. `name` "": they are `data`."""

    data: bytes
    name: str
    size: int
    sums: Mapping[str, bytes]             # always the MD5

    @property
    def etag(self) -> str:
        return self.sums[checksums.MD5].hex()


class Content(NamedTuple):
    """An object's bytes: `data`, or the stretches of files that make them."""

    data: bytes
    pieces: list[Piece]

    @property
    def size(self) -> int:
        return len(self.data) + sum(piece.size for piece in self.pieces)

    def between(self, start: int, stop: int) -> "Content":
        """The bytes from `start` to before `stop`."""
        if not self.pieces:
            return Content(self.data[start:stop], [])
        found, at = [], 0
        for piece in self.pieces:
            low, high = max(start, at), min(stop, at + piece.size)
            if low < high:
                found.append(Piece(piece.name, piece.offset + low - at, high - low))
            at += piece.size
        return Content(b"", found)


def of_bytes(data: bytes, algorithms: tuple[str, ...]) -> Body:
    return Body(data, "", len(data), {name: checksums.of(name, data) for name in (checksums.MD5, *algorithms)})


def of_file(reference: Reference) -> Body:
    return Body(b"", reference.name, reference.size, reference.sums)


def keep(transaction: Transaction, body: Body) -> bytes:
    """The content's id."""
    if not body.name:
        return _keep(transaction, {"data": body.data})
    return keep_files(transaction, [(body.name, body.size, body.sums[checksums.MD5])])


def keep_files(transaction: Transaction, found: list[tuple[str, int, bytes]]) -> bytes:
    """A content of whole files: (name, size, MD5) each."""
    for name, size, digest in found:
        transaction.put(_file_key(name), pack({"size": size, "md5": digest}))
    return _keep(transaction, {"files": [[name, 0, size] for name, size, _ in found]})


def join(transaction: Transaction, contents: list[bytes], parts: list[tuple[int, int, bytes]]) -> bytes:
    """One content of several in files, which end with it; not a byte moves. `parts`: what `parts` tells of it."""
    found = [piece for content in contents for piece in _row(transaction, content)["files"]]
    for content in contents:
        transaction.delete(_key(content))
    return _keep(transaction, {"files": found, "parts": parts})


def parts(view: Snapshot, content: bytes) -> list[tuple[int, int, bytes]]:
    """(number, size, checksum) of the parts it was joined from."""
    return [(number, size, digest) for number, size, digest in _row(view, content).get("parts", [])]


def load(view: Snapshot, content: bytes) -> Content:
    row = _row(view, content)
    if "data" in row:
        return Content(row["data"], [])
    return Content(b"", [Piece(*piece) for piece in row["files"]])


class Copy(NamedTuple):
    """A content's row, to be kept again under other names of its files. `facts`: of each file what it must hold."""

    row: Mapping[str, Any]
    facts: Mapping[str, Mapping[str, Any]]


def copy_of(view: Snapshot, content: bytes) -> Copy:
    row, facts = _row(view, content), {}
    for name, _, _ in row.get("files", ()):
        fact = view.get(_file_key(name))
        assert fact is not None, f"{name} is named and has no row"
        facts[name] = unpack(fact)
    return Copy(row, facts)


def keep_copy(transaction: Transaction, copy: Copy, names: Mapping[str, str]) -> bytes:
    """The content's id. `names`: new ones of its files, by the old."""
    for old, fact in copy.facts.items():
        transaction.put(_file_key(names[old]), pack(fact))
    row = dict(copy.row)
    if "files" in row:
        row["files"] = [[names[name], offset, size] for name, offset, size in row["files"]]
    return _keep(transaction, row)


def release(transaction: Transaction, content: bytes | None) -> None:
    """Nobody names it any more."""
    if content is None:
        return
    row = _row(transaction, content)
    transaction.delete(_key(content))
    if "files" in row:
        names = [name for name, _, _ in row["files"]]
        due = int((transaction.now() + GRACE_S) * 1e6)
        transaction.put(state.garbage_key(due, content), pack(names))
        if transaction.get(_SWEEPING) is None:
            transaction.put(_SWEEPING, b"")
            transaction.start_job(SWEEP_JOB, {"wake_at": transaction.now() + GRACE_S})


def due_garbage(view: Snapshot, now: float) -> Iterator[tuple[bytes, list[str]]]:
    """(row's key, file names) whose time has come, at most SWEEP_CONTENTS."""
    for number, (key, row) in enumerate(view.scan(b"g", b"h")):
        if number >= SWEEP_CONTENTS or state.garbage_time_us(key) > now * 1e6:
            return
        yield key, unpack(row)


def forget(transaction: Transaction, removed: list[tuple[bytes, list[str]]]) -> float | None:
    """These files are gone. When the next are due; None: there are none, and the job has ended."""
    for key, names in removed:
        transaction.delete(key)
        for name in names:
            transaction.delete(_file_key(name))
    following = next((key for key, _ in transaction.scan(b"g", b"h")), None)
    if following is None:
        transaction.delete(_SWEEPING)
        return None
    return state.garbage_time_us(following) / 1e6


def is_known(view: Snapshot, name: str) -> bool:
    return view.get(_file_key(name)) is not None


def files_between(view: Snapshot, start: str, stop: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, {"size", "md5"}) of every file there must be, in order of names."""
    for key, row in view.scan(_file_key(start), _file_key(stop)):
        yield key[1:].decode(), unpack(row)


def _keep(transaction: Transaction, row: dict[str, Any]) -> bytes:
    content = os.urandom(ID_BYTES)
    transaction.put(_key(content), pack(row))
    return content


def _row(view: Snapshot, content: bytes) -> dict[str, Any]:
    row = view.get(_key(content))
    assert row is not None, f"content {content.hex()} is named and not there"
    found: dict[str, Any] = unpack(row)
    return found


def _key(content: bytes) -> bytes:
    return b"d" + content


def _file_key(name: str) -> bytes:
    return b"f" + name.encode()
