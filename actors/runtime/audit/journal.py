"""The local journal: an append-only file of JSON lines, rotated: path, path.1 … path.7. A queue on disk: what is in it
has been handed to the operating system before the call it tells of is answered, and waits there for its delivery.

A Tail reads it from a remembered position, also across rotation, a crash in the middle of a line, and a new process.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import structlog

FILE_LIMIT_BYTES = 16 * 1024 * 1024
FILES_LIMIT = 8                                    # the current one and seven rotated ones
LINE_LIMIT_BYTES = 256 * 1024                      # of one record: CloudTrail's own limit of an event
_LOOK_BACK_BYTES = 2 * LINE_LIMIT_BYTES

log = structlog.get_logger(__name__)


class Journal:
    """append() never raises: what cannot be written is dropped, counted in `dropped`, and reported. `appended` is
    called after each record that is there."""

    def __init__(self, path: Path, *, file_limit_bytes: int = FILE_LIMIT_BYTES, files_limit: int = FILES_LIMIT) -> None:
        assert file_limit_bytes > 0
        assert files_limit >= 2
        self.dropped = 0
        self.path = path
        self.files_limit = files_limit
        self.appended: Callable[[], None] = lambda: None
        self._file_limit_bytes = file_limit_bytes
        self._file = _File(path)
        self._failing = False

    def append(self, record: dict[str, Any]) -> None:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        if len(line) > LINE_LIMIT_BYTES:           # its parts are bounded, so this needs many of them
            record = {**record, "requestParameters": None, "responseElements": None}
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if self._file.size_bytes and self._file.size_bytes + len(line) > self._file_limit_bytes:
                self._rotate()
            self._file.append(line)
        except OSError as error:
            self.dropped += 1
            if not self._failing:
                log.error("audit_write_failed", path=str(self.path), reason=str(error))
            self._failing = True
        else:
            if self._failing:
                log.warning("audit_writes_again", path=str(self.path), dropped=self.dropped)
                self._failing = False
            self.appended()

    def close(self) -> None:
        self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        names = file_names(self.path, self.files_limit)
        for older, newer in pairwise(names):
            if newer.exists():
                newer.replace(older)


def file_names(path: Path, files_limit: int) -> list[Path]:
    """All that a journal may have, oldest first."""
    return [*(path.with_name(f"{path.name}.{number}") for number in range(files_limit - 1, 0, -1)), path]


class _File:
    """Opened when needed. A line is there whole or not at all: what a full disk or a crash cut short is cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self.size_bytes = path.stat().st_size if path.exists() else 0

    def append(self, lines: bytes) -> None:
        """OSError: nothing of it was written."""
        if self._descriptor < 0:
            self._open()
        written = 0
        try:
            while written < len(lines):
                written += os.write(self._descriptor, lines[written:])
        except OSError:
            os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += written

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self.size_bytes = size = os.fstat(self._descriptor).st_size
        start = max(0, size - _LOOK_BACK_BYTES)
        tail = os.pread(self._descriptor, size - start, start)
        if tail and not tail.endswith(b"\n"):
            self.size_bytes = start + tail.rfind(b"\n") + 1
            os.ftruncate(self._descriptor, self.size_bytes)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self.size_bytes = 0


class Position(NamedTuple):
    """Where a Tail stands. A file is known by its first line, since rotation gives it other names."""

    file: str = ""                                 # digest of that line; "": before everything
    offset: int = 0


class Tail:
    """Reads a journal's lines in order from a position on."""

    def __init__(self, path: Path, files_limit: int, position: Position) -> None:
        self._names = file_names(path, files_limit)
        self._position = position
        self._descriptor = -1

    def read(self, limit_bytes: int) -> tuple[list[bytes], Position]:
        """The next whole lines, at least one where there is one, and the position behind them. OSError."""
        while True:
            if self._descriptor < 0 and not self._find():
                return [], self._position
            data = os.pread(self._descriptor, max(limit_bytes, LINE_LIMIT_BYTES), self._position.offset)
            end = data.rfind(b"\n") + 1
            if end:
                return data[:end].splitlines(), Position(self._position.file, self._position.offset + end)
            if not self._next():
                return [], self._position

    def advance(self, position: Position) -> None:
        self._position = position

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _find(self) -> bool:
        """Opens the file of the position, else the oldest there is."""
        there = [name for name in self._names if name.exists()]
        if self._position.file:
            for name in there:
                if first_line(name) == self._position.file:
                    return self._open(name, self._position.offset)
            if there:
                log.error("audit_records_missed", reason="the journal was rotated away before its delivery")
        return any(self._open(name, 0) for name in there)

    def _open(self, name: Path, offset: int) -> bool:
        file = first_line(name)
        if not file:                               # nothing whole in it yet
            return False
        self._descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        self._position = Position(file, offset)
        return True

    def _next(self) -> bool:
        """At the end of a file: goes on in the next newer one, if ours is not the newest any more."""
        mine = os.fstat(self._descriptor).st_ino
        there = [name for name in self._names if name.exists()]
        place = next((place for place, name in enumerate(there) if name.stat().st_ino == mine), None)
        if place is None:                          # rotated away behind us: what is there is all newer
            newer = there
        elif place + 1 == len(there):
            return False
        else:
            newer = there[place + 1:]
        before = self._descriptor
        if not any(self._open(name, 0) for name in newer):
            return False
        os.close(before)
        return True


def first_line(name: Path) -> str:
    """The digest of a file's first line, "" where it has none."""
    with name.open("rb") as file:
        line = file.readline(LINE_LIMIT_BYTES + 1)
    return sha256(line).hexdigest() if line.endswith(b"\n") else ""
