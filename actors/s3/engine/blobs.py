"""Files that never change, each under a name and a key of its own, durable before anyone hears of them.

A file is encrypted (bus/ciphers.py), and handed about as the Piece that is all of it. It is linked into its place whole
(rename, then the directory's fsync), read by whoever knows its name, and removed when its lock says that nobody reads
it. Who refers to which file is not known here. Everything waits for the disk, so call it in a thread; only `adopt`,
`store`, `write`, `copy` and `link` make files. Bodies as files: bus/files.py.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bus import files
from bus.ciphers import Keystream, new_key
from bus.files import CRC, INCOMING, Piece, Reference
from schemas import checksums

COPY_BYTES = 1024 * 1024                  # read or written at a time
SETTLED_AFTER_S = 3600.0                  # a file younger than this may be about to be named in a record
_SHELVES = tuple(f"{number:02x}" for number in range(256))


class Rotten(Exception):
    """A file's bytes are no longer those that were stored."""


class Blobs:
    """The files under `folder`. `durable` False: nothing is synced, as the store's durability "os" has it."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._durable = durable
        if not (folder / INCOMING).is_dir():           # the last one made: it tells gateways that all are there
            for name in (*_SHELVES, INCOMING):
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)

    def adopt(self, reference: Reference) -> Piece:
        """Makes a gateway's incoming file ours. FileNotFoundError when its gateway has let it go."""
        incoming = self.folder / INCOMING / reference.name
        descriptor = os.open(incoming, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_size != reference.size:
                raise Rotten(f"{incoming} is not as large as its gateway says")
            self._sync(descriptor)
        finally:
            os.close(descriptor)
        self._place(incoming, reference.name)
        return Piece(reference.name, 0, reference.size, reference.key, reference.crc)

    def store(self, body: bytes) -> Piece:
        """A new file of these bytes."""
        return self.write(iter((body,)))

    def write(self, pieces: Iterator[bytes]) -> Piece:
        """A new file of what comes; nothing stays when that raises."""
        key, crc, size = new_key(), checksums.new(CRC), 0
        stream, name = Keystream(key), files.new_name()
        incoming = self.folder / INCOMING / name
        descriptor = os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for piece in pieces:
                encrypted = stream.apply(piece)
                crc.update(encrypted)
                size += len(encrypted)
                view = memoryview(encrypted)
                while view:
                    view = view[os.write(descriptor, view):]
            self._sync(descriptor)
            self._place(incoming, name)
        except BaseException:
            incoming.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return Piece(name, 0, size, key, crc.digest())

    def link(self, file: Piece, *, sealed: bool = False) -> Piece:
        """A second name for a whole file's bytes, which stay until both are removed; where it is none of ours yet
        (without a key) or has too many names, a new file of them. FileNotFoundError, Rotten. `sealed`: nobody here has
        its key, so that it cannot be written anew; OSError where it has too many names."""
        if not file.key and not sealed:
            return self.write(self.pieces([file]))
        other = files.new_name()
        target = files.path_of(self.folder, other)
        try:
            os.link(files.path_of(self.folder, file.name), target)
        except OSError as error:
            if sealed or error.errno not in (errno.EMLINK, errno.EPERM):
                raise
            return self.write(self.pieces([file]))
        self._sync_shelf(target)
        return file._replace(name=other)

    def copy(self, data: bytes, pieces: list[Piece], algorithms: tuple[str, ...]) -> tuple[Piece, dict[str, bytes]]:
        """A new file of bytes, or of stretches of files, and its digests. FileNotFoundError, Rotten."""
        digests = {algorithm: checksums.new(algorithm) for algorithm in algorithms}
        file = self.write(_passing(self.pieces(pieces) if pieces else iter((data,)), digests))
        return file, {algorithm: digest.digest() for algorithm, digest in digests.items()}

    def digests(self, data: bytes, pieces: list[Piece], algorithms: tuple[str, ...]) -> dict[str, bytes]:
        """Of the same. FileNotFoundError."""
        digests = {algorithm: checksums.new(algorithm) for algorithm in algorithms}
        for _ in _passing(self.pieces(pieces) if pieces else iter((data,)), digests):
            pass
        return {algorithm: digest.digest() for algorithm, digest in digests.items()}

    def read(self, pieces: list[Piece]) -> bytes:
        """What these stretches hold together. FileNotFoundError."""
        return b"".join(self.pieces(pieces))

    def pieces(self, pieces: list[Piece]) -> Iterator[bytes]:
        """The same, COPY_BYTES at a time. FileNotFoundError; Rotten, of a whole file after its last bytes."""
        for piece in pieces:
            yield from self._piece(piece)

    def _piece(self, piece: Piece) -> Iterator[bytes]:
        stream = Keystream(piece.key, piece.offset) if piece.key else None
        crc = checksums.new(CRC) if piece.crc else None
        with files.path_of(self.folder, piece.name).open("rb") as file:
            file.seek(piece.offset)
            left = piece.size
            while left:
                data = file.read(min(COPY_BYTES, left))
                if not data:
                    raise Rotten(f"{piece.name} ends {left} bytes early")
                left -= len(data)
                if crc is not None:
                    crc.update(data)
                yield data if stream is None else stream.apply(data)
        if crc is not None and crc.digest() != piece.crc:
            raise Rotten(f"{piece.name} is not what was stored: its {CRC} has changed")

    def remove(self, names: list[str]) -> bool:
        """Removes these files, whose first one's lock stands for all. False: a reader has it open, ask again later."""
        if names and files.in_use(files.path_of(self.folder, names[0])):
            return False
        for name in names:
            files.path_of(self.folder, name).unlink(missing_ok=True)
        return True

    def verify(self, name: str, algorithm: str, digest: bytes) -> None:
        """Rotten, FileNotFoundError."""
        computed = checksums.new(algorithm)
        path = files.path_of(self.folder, name)
        with path.open("rb") as file:
            while data := file.read(COPY_BYTES):
                computed.update(data)
        if computed.digest() != digest:
            raise Rotten(f"{name} is not what was stored: its {algorithm} has changed")

    def settled(self, shelf: int) -> list[str]:
        """The files on one of the SHELVES, but for those that may be about to be named in a record."""
        newest = time.time() - SETTLED_AFTER_S
        return [entry.name for entry in os.scandir(self.folder / _SHELVES[shelf]) if entry.stat().st_mtime < newest]

    def sweep_incoming(self) -> int:
        """Removes what gateways that are no more have left behind; how many files that were."""
        removed = 0
        for entry in os.scandir(self.folder / INCOMING):
            path = Path(entry.path)
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < time.time() - SETTLED_AFTER_S and not files.in_use(path):
                    path.unlink()
                    removed += 1
        return removed

    def _place(self, incoming: Path, name: str) -> None:
        target = files.path_of(self.folder, name)
        os.rename(incoming, target)
        self._sync_shelf(target)

    def _sync(self, descriptor: int) -> None:
        if self._durable:
            os.fsync(descriptor)

    def _sync_shelf(self, target: Path) -> None:
        if self._durable:
            descriptor = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _passing(pieces: Iterator[bytes], digests: dict[str, checksums.Digest]) -> Iterator[bytes]:
    for piece in pieces:
        for digest in digests.values():
            digest.update(piece)
        yield piece


SHELVES = len(_SHELVES)
