"""Where an object's bytes are: in the shard itself up to INLINE_LIMIT_BYTES, beyond that in files of their own.

A content is a row named by the object's record. Files are made before it (engine/blobs.py) and each gets a row that
says what it must hold and keeps its key, sealed: who has the sealer that the object's record asks for (encryption.py)
can read it. Bytes in the shard are sealed themselves. What is sealed is bound to the name of its row, or to the one the
row tells (`for`), where it was copied by who cannot open it. What was kept before there was encryption is read as it
is: rows with `data`, and files whose row has an `md5` of them and no key.

A content that nobody names any more becomes garbage, removed GRACE_S later by a job, and no earlier than its last
reader has done: a reply may be on its way to a gateway that has not opened its files yet.
"""

import os
import struct
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, NamedTuple

import structlog

from actors.runtime.store.transaction import Snapshot, Transaction
from actors.s3 import state
from actors.s3.engine.sealing import Broken, Sealer
from actors.s3.errors import InternalError
from bus.codec import pack, unpack
from bus.files import CRC, Piece
from schemas import checksums

INLINE_LIMIT_BYTES = 16 * 1024
GRACE_S = 60.0                            # from the end of a content to the removal of its files
SWEEP_JOB = "sweep"
SWEEP_CONTENTS = 64                       # removed in one step
ID_CHANCE_BYTES = 8                       # behind the time: what is put together stands together, in few pages
INLINE_ID_CHANCE_BYTES = 7                # of bytes in the shard: their id says by its length that there are no files
_TIME_US = struct.Struct(">Q")
_INLINE_ID_BYTES = _TIME_US.size + INLINE_ID_CHANCE_BYTES
_SWEEPING = b"s"
_numbers = count(int.from_bytes(os.urandom(ID_CHANCE_BYTES)))
SEALED = {b"d": "sealed", b"f": "key"}    # by table: the member of a row that is sealed for what its key names

Request = Mapping[str, Any]

log = structlog.get_logger(__name__)


class Body(NamedTuple):
    """Bytes that are about to become an object or a part: `data`, or a whole file."""

    data: bytes
    file: Piece | None
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
        return Content(self.data[start:stop], stretch(self.pieces, start, stop))


def of_bytes(data: bytes, algorithms: tuple[str, ...]) -> Body:
    return Body(data, None, len(data), {name: checksums.of(name, data) for name in (checksums.MD5, *algorithms)})


def keep(transaction: Transaction, body: Body, sealer: Sealer) -> bytes:
    """The content's id."""
    if body.file is not None:
        return keep_files(transaction, [body.file], sealer)
    content = _new_id(transaction, INLINE_ID_CHANCE_BYTES)
    return _keep(transaction, {"sealed": sealer.seal(body.data, content)}, content)


def keep_files(
    transaction: Transaction, found: list[Piece], sealer: Sealer, parts: list[tuple[int, int, bytes]] | None = None
) -> bytes:
    """A content of whole files; `parts`: what `parts` tells of it."""
    for file in found:
        key = sealer.seal(file.key, file.name.encode())
        transaction.put(_file_key(file.name), pack({"size": file.size, "crc": file.crc, "key": key}))
    row: dict[str, Any] = {"files": [[file.name, 0, file.size] for file in found]}
    return _keep(transaction, row | ({"parts": parts} if parts else {}), _new_id(transaction))


def copy_sealed(transaction: Transaction, content: bytes, files: list[Piece]) -> bytes:
    """The same bytes once more, of who has no key to them: what is sealed stays sealed for the name that it was sealed
    for, which its row then tells (`for`). `files`: second names of those it lies in."""
    row = _row(transaction, content)
    if "files" not in row:
        copied = {**row, "for": row.get("for", content)}
        return _keep(transaction, copied, _new_id(transaction, INLINE_ID_CHANCE_BYTES))
    for (name, _, _), file in zip(row["files"], files, strict=True):
        fact = _fact(transaction, name)
        transaction.put(_file_key(file.name), pack({**fact, "for": fact.get("for", name.encode())}))
    return _keep(transaction, {**row, "files": [[file.name, 0, file.size] for file in files]}, _new_id(transaction))


def sealed(view: Snapshot, content: bytes) -> Content:
    """The files it lies in, without their keys; of bytes in the shard nothing."""
    return Content(b"", [Piece(*piece) for piece in _row(view, content).get("files", [])])


def join(transaction: Transaction, contents: list[bytes], parts: list[tuple[int, int, bytes]]) -> bytes:
    """One content of several in files, which end with it; not a byte moves. `parts`: what `parts` tells of it."""
    found = [piece for content in contents for piece in _row(transaction, content)["files"]]
    for content in contents:
        transaction.delete(_key(content))
    return _keep(transaction, {"files": found, "parts": parts}, _new_id(transaction))


def parts(view: Snapshot, content: bytes) -> list[tuple[int, int, bytes]]:
    """(number, size, checksum) of the parts it was joined from."""
    return [(number, size, digest) for number, size, digest in _row(view, content).get("parts", [])]


def sizes(view: Snapshot, content: bytes) -> list[int]:
    """Of the files it lies in, in bytes; of parts, where it was joined of them."""
    return [size for _, _, size in _row(view, content).get("files", [])]


def load(view: Snapshot, content: bytes, sealer: Sealer, start: int = 0, stop: int | None = None) -> Content:
    """The bytes from `start` to before `stop`. InternalError of bytes that are not those that were sealed."""
    row = _row(view, content)
    if "files" in row:
        pieces = stretch([Piece(*piece) for piece in row["files"]], start, stop)
        return Content(b"", [_readable(view, piece, sealer) for piece in pieces])
    data = row["data"] if "data" in row else _opened(sealer, row["sealed"], row.get("for", content))
    return Content(data[start:stop], [])


def stretch(pieces: list[Piece], start: int, stop: int | None) -> list[Piece]:
    """What of these makes the bytes from `start` to before `stop`."""
    found, at = [], 0
    for piece in pieces:
        low, high = max(start, at), at + piece.size if stop is None else min(stop, at + piece.size)
        if low < high:
            crc = piece.crc if high - low == piece.size else b""
            found.append(piece._replace(offset=piece.offset + low - at, size=high - low, crc=crc))
        at += piece.size
    return found


def _readable(view: Snapshot, piece: Piece, sealer: Sealer) -> Piece:
    """With its key, and its CRC where it is all of its file."""
    fact = _fact(view, piece.name)
    if "key" not in fact:
        return piece
    crc = fact["crc"] if piece.size == fact["size"] else b""
    return piece._replace(key=_opened(sealer, fact["key"], fact.get("for", piece.name.encode())), crc=crc)


def _fact(view: Snapshot, name: str) -> dict[str, Any]:
    """A file's row."""
    row = view.get(_file_key(name))
    assert row is not None, f"file {name} is named and not known"
    found: dict[str, Any] = unpack(row)
    return found


def _opened(sealer: Sealer, sealed: bytes, name: bytes) -> bytes:
    try:
        return sealer.open(sealed, name)
    except Broken as error:
        log.error("object_rotten", sealed=name.hex(), reason="it does not open under its key")
        raise InternalError from error


def release(transaction: Transaction, content: bytes | None) -> None:
    """Nobody names it any more."""
    if content is None:
        return
    row = {} if len(content) == _INLINE_ID_BYTES else _row(transaction, content)
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


def sum_of(fact: Mapping[str, Any]) -> tuple[str, bytes]:
    """The algorithm and digest of what must lie on the disk, by a file's row."""
    return (CRC, fact["crc"]) if "crc" in fact else (checksums.MD5, fact["md5"])


def files_between(view: Snapshot, start: str, stop: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, {"size", "crc", "key"} or {"size", "md5"}) of every file there must be, in order of names."""
    for key, row in view.scan(_file_key(start), _file_key(stop)):
        yield key[1:].decode(), unpack(row)


def _new_id(transaction: Transaction, chance_bytes: int = ID_CHANCE_BYTES) -> bytes:
    """Ids are made here alone: counting on from a number drawn by lot is as good as a lot each time, without its call.
    """
    number = next(_numbers) & ((1 << 8 * chance_bytes) - 1)
    return _TIME_US.pack(int(transaction.now() * 1e6)) + number.to_bytes(chance_bytes)


def _keep(transaction: Transaction, row: dict[str, Any], content: bytes) -> bytes:
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
