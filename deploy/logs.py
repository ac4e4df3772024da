"""Log files of bounded size, and reading them back. Written by the supervisor alone, from its children's output."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from deploy.failures import CommandError

LINE_LIMIT_BYTES = 64 * 1024              # a longer line is cut there
ECHO_LINES_PER_S = 25                     # lines of one process the console shows in a second; the file has them all

# What a line of ours (structlog's JSON or console) or of nats-server says when it is nothing to worry about.
_QUIET = (
    b'"level":"info"', b'"level":"debug"', b"[info ", b"[debug ", b"[INF]", b"[DBG]", b"[TRC]",
    b"[WRN] Plaintext passwords detected",             # random, of one start, in a file of mode 0600
)


def file_name(directory: Path, process: str, age: int = 0) -> Path:
    """`gateway-1.log` is the current file, `gateway-1.log.1` the one before, and so on."""
    return directory / (f"{process}.log.{age}" if age else f"{process}.log")


class ProcessLog:
    """One process's output: whole lines into its file, those that are not quiet also to `echo`.

    A file that cannot be written (a full disk) costs its lines and a word on the console, never the supervisor.
    """

    def __init__(self, directory: Path, process: str, file_bytes: int, files: int, echo: Callable[[str], None]) -> None:
        self.process = process
        self.directory = directory
        self.file_bytes = file_bytes
        self.files = files
        self.echo = echo
        self.last_lines: list[str] = []    # the newest LAST_LINES, to explain an exit with
        self._pending = b""
        self._echo_second = 0.0
        self._echoed = 0
        self._lines_lost = 0
        self._file: FileIO | None = self._open()

    LAST_LINES = 15

    def feed(self, data: bytes) -> list[bytes]:
        """Bytes as they came; the lines they completed."""
        *lines, rest = (self._pending + data).split(b"\n")
        if len(rest) > LINE_LIMIT_BYTES:
            lines, rest = [*lines, rest[:LINE_LIMIT_BYTES]], b""
        self._pending = rest
        if lines:
            self._write(lines)
        return lines

    def end(self) -> None:
        """The process's output has ended: what it left without a newline is a line."""
        if self._pending:
            self.feed(b"\n")

    def note(self, text: str) -> None:
        """A line of the supervisor's own about this process."""
        self._write([f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} [info supervisor] {text}".encode()])

    def close(self) -> None:
        self.end()
        if self._file is not None:
            self._file.close()

    def _write(self, lines: list[bytes]) -> None:
        try:
            self._append(b"\n".join(lines) + b"\n")
        except OSError as error:
            if not self._lines_lost:
                self.echo(f"{self.process}: its log cannot be written: {error.strerror}.")
            self._lines_lost += len(lines)
        else:
            if self._lines_lost:
                self.echo(f"{self.process}: its log is written again; {self._lines_lost} lines are lost.")
                self._lines_lost = 0
        for line in lines:
            if not any(mark in line for mark in _QUIET):
                self._show(line.decode("utf-8", "replace"))
        texts = [line.decode("utf-8", "replace") for line in lines[-self.LAST_LINES :]]
        self.last_lines = (self.last_lines + texts)[-self.LAST_LINES :]

    def _show(self, line: str) -> None:
        now = time.monotonic()
        if now - self._echo_second >= 1:
            self._echo_second, self._echoed = now, 0
        self._echoed += 1
        if self._echoed <= ECHO_LINES_PER_S:
            self.echo(f"{self.process}: {line}")
        elif self._echoed == ECHO_LINES_PER_S + 1:
            self.echo(f"{self.process}: … more in {file_name(self.directory, self.process)}")

    def _append(self, data: bytes) -> None:
        """OSError: nothing of it was written, but for what a rotation that failed had in front of it."""
        file = self._file = self._file or self._open()
        size = file.tell()
        written = file.write(data)
        if written < len(data):                # what a full disk cut short is cut off again
            file.truncate(size)
            file.seek(0, os.SEEK_END)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if file.tell() >= self.file_bytes:
            self._rotate()

    def _open(self) -> FileIO:
        file = file_name(self.directory, self.process).open("ab", buffering=0)
        os.chmod(file.fileno(), 0o600)
        return file

    def _rotate(self) -> None:
        assert self._file is not None
        self._file.close()
        self._file = None                 # until the new one is open
        for age in range(self.files - 1, 0, -1):
            older = file_name(self.directory, self.process, age - 1)
            if older.exists():
                older.replace(file_name(self.directory, self.process, age))
        if self.files == 1:
            file_name(self.directory, self.process).unlink()
        self._file = self._open()


def processes(directory: Path) -> list[str]:
    """Whose logs there are, by name."""
    return sorted(path.name.removesuffix(".log") for path in directory.glob("*.log"))


def show(directory: Path, process: str | None, *, following: bool) -> int:
    """`skybus logs`: the end of each log, a line prefixed with its process where there are several."""
    names = [process] if process else processes(directory)
    if not names:
        raise CommandError(f"There are no logs in {directory}: nothing has run there.")
    positions = {}
    for name in names:
        try:
            data, positions[name] = tail(file_name(directory, name))
        except FileNotFoundError as error:
            known = ", ".join(processes(directory)) or "none"
            raise CommandError(f"There is no log of {name!r} in {directory}. There are: {known}.") from error
        _print(name, data, prefixed=len(names) > 1)
    if following:
        for name, data in follow(directory, positions):
            _print(name, data, prefixed=len(names) > 1)
    return 0


def _print(name: str, data: bytes, *, prefixed: bool) -> None:
    lines = data.splitlines(keepends=True)
    sys.stdout.buffer.write(b"".join(f"{name}: ".encode() + line for line in lines) if prefixed else data)
    sys.stdout.buffer.flush()


Position = tuple[int, int]                # (inode, offset): how far a log has been read
TAIL_BYTES = 64 * 1024                    # where `skybus logs` begins, from each file's end
FOLLOW_PERIOD_S = 0.2


def tail(path: Path) -> tuple[bytes, Position]:
    """The whole lines in the last TAIL_BYTES of a file, and the position after them."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        data = file.read()
        position = (os.fstat(file.fileno()).st_ino, file.tell())
    return data.partition(b"\n")[2] if size > TAIL_BYTES else data, position


def follow(directory: Path, positions: dict[str, Position]) -> Iterator[tuple[str, bytes]]:
    """(process, new bytes) for ever, across rotations; polled, since the standard library has no inotify."""
    while True:
        for name, (inode, offset) in list(positions.items()):
            try:
                with file_name(directory, name).open("rb") as file:
                    status = os.fstat(file.fileno())
                    file.seek(offset if status.st_ino == inode and status.st_size >= offset else 0)
                    data = file.read(TAIL_BYTES)
                    positions[name] = (status.st_ino, file.tell())
            except FileNotFoundError:     # between a rotation's rename and its open
                continue
            if data:
                yield name, data
        time.sleep(FOLLOW_PERIOD_S)
