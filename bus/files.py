"""Bodies as files, between a gateway and a service: what an envelope then carries is a reference, never the bytes.

A service that takes such bodies keeps a folder of them; that the folder is there is what tells a gateway of its host
so. A gateway elsewhere reaches into it over the bus (remote_files.py); `Files` is either.

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
from typing import Any, NamedTuple, Protocol

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


class Sink(Protocol):
    """Where the bytes of an incoming file go. Its methods wait for the disk or the bus: they are for threads."""

    name: str

    def write(self, data: memoryview) -> None:
        """OSError, BusError."""

    def close(self) -> None:
        """Lets go: the file is the service's by now, or nobody's, and then it is removed."""


class Source(Protocol):
    """A file being read; while it is open, nobody removes it."""

    descriptor: int | None                # of a file of this host

    def read(self, into: memoryview, offset: int) -> int:
        """How many bytes came; 0 at the end. For threads. OSError, BusError."""

    def close(self) -> None: ...


class Files(Protocol):
    """A service's folder, here or elsewhere. OSError when the disk does not do it, BusError."""

    async def receive(self) -> Sink: ...

    async def open(self, name: str) -> Source:
        """FileNotFoundError when it is gone."""


class LocalFiles:
    """The folder of a service of this host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def receive(self) -> Sink:
        return LocalSink(self._folder)

    async def open(self, name: str) -> Source:
        return OpenFile(self._folder, name)


class LocalSink:
    """A new file, locked until it is closed."""

    def __init__(self, folder: Path) -> None:
        self.name = new_name()
        self._path = folder / INCOMING / self.name
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def write(self, data: memoryview) -> None:
        while data:
            data = data[os.write(self._descriptor, data):]

    def write_at(self, data: memoryview, offset: int) -> None:
        """The same for what comes in any order, and perhaps twice."""
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written

    def close(self) -> None:
        if self._descriptor >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


class IncomingFile:
    """A body on its way in: digested as it passes, encrypted, and written. `write` and `close` may wait."""

    def __init__(self, sink: Sink, algorithms: tuple[str, ...]) -> None:
        self.size = 0
        self._sink = sink
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
        self._sink.write(left)

    def reference(self) -> Reference:
        sums = {name: digest.digest() for name, digest in self._digests.items()}
        return Reference(self._sink.name, self.size, sums, self._key, self._crc.digest())

    def close(self) -> None:
        self._sink.close()


class OpenFile:
    """A file of this host, locked against its removal until it is closed."""

    def __init__(self, folder: Path, name: str) -> None:
        """FileNotFoundError when it is gone."""
        self.descriptor: int | None = os.open(path_of(folder, name), os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self.descriptor, fcntl.LOCK_SH)
        os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)      # the kernel reads further ahead

    def read(self, into: memoryview, offset: int) -> int:
        assert self.descriptor is not None
        return os.preadv(self.descriptor, [into], offset)

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


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
