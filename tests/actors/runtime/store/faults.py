"""Seams for faults: a writer that commits when told to, an environment that fails when told to, a small file system."""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from actors.runtime.store.environment import CommitFailed, Environment
from actors.runtime.store.writer import Loop, Report, Work

# Where files cost little, for tests that open many directories and do not ask the disk anything.
MEMORY_DIRECTORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class HeldWriter:
    """Keeps the commit until `commit` or `fail`."""

    def __init__(self, loop: Loop) -> None:
        self.held: tuple[Work, Report] | None = None

    def submit(self, work: Work, report: Report) -> None:
        assert self.held is None, "two commits at once"
        self.held = work, report

    def commit(self) -> None:
        """Runs the commit that is held and reports it."""
        work, report = self._take()
        try:
            work()
        except Exception as error:
            report(error)
        else:
            report(None)

    def fail(self) -> None:
        """Reports the commit as refused by the disk."""
        self._take()[1](CommitFailed("injected"))

    def _take(self) -> tuple[Work, Report]:
        assert self.held is not None
        held, self.held = self.held, None
        return held

    def close(self) -> None:
        assert self.held is None


class FaultyEnvironment(Environment):
    """`before_apply` may raise in place of a commit, `before_open` in place of opening."""

    before_apply: Callable[[], None] | None = None
    before_open: Callable[[], None] | None = None

    def apply(self, writes: Mapping[bytes, bytes | None]) -> None:
        if self.before_apply is not None:
            self.before_apply()
        super().apply(writes)

    def _open(self) -> None:
        if self.before_open is not None:
            self.before_open()
        super()._open()


@contextmanager
def small_file_system(directory: Path, size_bytes: int) -> Iterator[Path | None]:
    """A tmpfs of that size mounted on `directory`, or None where this process may not mount."""
    directory.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    target = os.fsencode(directory)
    if libc.mount(b"none", target, b"tmpfs", 0, b"size=%d" % size_bytes) != 0:
        yield None
        return
    try:
        yield directory
    finally:
        if libc.umount2(target, 2) != 0:
            raise OSError(ctypes.get_errno(), "umount")
