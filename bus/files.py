"""Bodies as files, between processes of one host: what an envelope then carries is a reference, never the bytes.

A service that takes such bodies keeps a folder of them; that the folder is there is what tells a gateway so.

    <folder>/incoming/<name>        being written by a gateway, which holds an exclusive flock on it all the while
    <folder>/<two digits>/<name>    the service's own, never changed; a reader holds a shared flock on it

In a request, a streaming member is then {"file": name, "size": bytes, "sums": {algorithm: digest}, "key", "crc"},
believed from the gateway's door only; in a reply to the gateway it is {"files": [[name, offset, bytes, key, crc], …]}.
A file is encrypted under its `key` (ciphers.py); `crc` is of what lies on the disk, so that rot is found without a key.
A lock dies with its process, so who finds none on a file knows that nobody uses it any more. Not here: when files are
made durable, named in a record, or removed, and how their keys are kept (the service's affair).
"""

import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bus.ciphers import Keystream, new_key, room
from schemas import checksums
from schemas.checksums import Buffer

INCOMING = "incoming"
FOLDER = "blobs"                          # under a service's own directory
NAME_CHARACTERS = 32
CRC = "CRC64NVME"                         # of a file as it lies on the disk: nearly free
_HEX = frozenset("0123456789abcdef")


class Piece(NamedTuple):
    """A stretch of one file."""

    name: str
    offset: int
    size: int                             # bytes
    key: bytes = b""                      # b"": it is not encrypted, or nobody needs to read it
    crc: bytes = b""                      # of what lies on the disk, where this is a whole file; b"": unknown


class Reference(NamedTuple):
    """A body that a gateway has written."""

    name: str
    size: int                             # bytes
    sums: Mapping[str, bytes]             # digests by algorithm, of the body
    key: bytes
    crc: bytes


def new_name() -> str:
    return secrets.token_hex(NAME_CHARACTERS // 2)


def is_name(text: object) -> bool:
    return type(text) is str and len(text) == NAME_CHARACTERS and _HEX.issuperset(text)


def path_of(folder: Path, name: str) -> Path:
    return folder / name[:2] / name


def refer(reference: Reference) -> dict[str, Any]:
    return {"file": reference.name, "size": reference.size, "sums": dict(reference.sums), "key": reference.key,
            "crc": reference.crc}


def referred(body: Mapping[str, Any]) -> Reference:
    """What `refer` wrote. ValueError for anything else."""
    name, size, sums = body.get("file"), body.get("size"), body.get("sums")
    key, crc = body.get("key"), body.get("crc")
    if not is_name(name) or type(size) is not int or size < 0 or type(sums) is not dict or type(key) is not bytes \
            or type(crc) is not bytes:
        raise ValueError("no reference to a file")
    assert isinstance(name, str)
    return Reference(name, size, sums, key, crc)


class IncomingFile:
    """A body on its way in: digested as it passes, encrypted, and written. Every method may wait for the disk."""

    def __init__(self, folder: Path, algorithms: tuple[str, ...]) -> None:
        self.name = new_name()
        self.size = 0
        self._path = folder / INCOMING / self.name
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._digests = {algorithm: checksums.new(algorithm) for algorithm in algorithms}
        self._key = new_key()
        self._stream, self._crc = Keystream(self._key), checksums.new(CRC)
        self._room, self._fits = room(0), 0

    def digest(self, piece: Buffer) -> None:
        """What is written must be digested as well, before or after or at once."""
        for digest in self._digests.values():
            digest.update(piece)

    def write(self, piece: Buffer) -> None:
        self.size += len(piece)
        if len(piece) > self._fits:
            self._room, self._fits = room(len(piece)), len(piece)
        left = self._stream.apply_into(piece, self._room)
        self._crc.update(left)
        while left:
            left = left[os.write(self._descriptor, left):]

    def reference(self) -> Reference:
        sums = {name: digest.digest() for name, digest in self._digests.items()}
        return Reference(self.name, self.size, sums, self._key, self._crc.digest())

    def close(self) -> None:
        """Lets go: the file is the service's by now, or nobody's, and then it is removed."""
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


class OpenFile:
    """A file being read; while it is open, nobody removes it."""

    def __init__(self, folder: Path, name: str) -> None:
        """FileNotFoundError when it is gone."""
        self.descriptor = os.open(path_of(folder, name), os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)
        os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)      # the kernel reads further ahead

    def close(self) -> None:
        os.close(self.descriptor)


def in_use(path: Path) -> bool:
    """Does any process hold a lock on this file? False also when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
