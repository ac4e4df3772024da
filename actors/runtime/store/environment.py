"""One LMDB environment: opened, written by one batch at a time, grown, reopened after a fault, copied while in use.

The only importer of lmdb. Not here: who waits for what (shard.py); the bytes of long keys (keys.py).
"""

import contextlib
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import lmdb

from actors.runtime.store import directory as folder
from actors.runtime.store import keys
from actors.runtime.store.errors import StoreError

MAP_SIZE_BYTES = 64 << 30                 # address space, not disk: the file grows as it is used
MAP_SIZE_LEAST_BYTES = 64 << 20           # what is settled for where address space is limited
READERS_LIMIT = 126                       # LMDB's slots: long reads, the shard's view, backups, other processes
SPARE_TRANSACTIONS = 8                    # ended read transactions kept for reuse
LOCK_FILE = "lock.mdb"


class Durability(Enum):
    """FSYNC: a commit is on disk when it returns. OS: in the page cache; survives kill -9, not an OS crash."""

    FSYNC = "fsync"
    OS = "os"


class MapFull(Exception):
    """The batch does not fit the map. Nothing of it happened; grow and apply it again."""


class CommitFailed(Exception):
    """The disk refused. Nothing of the batch happened; the environment must be reopened before the next."""


class Environment:
    """LMDB under one directory. `apply` is for one writing thread; everything else for the loop's."""

    def __init__(self, directory: str | os.PathLike[str], *, durability: Durability = Durability.FSYNC,
                 map_size_bytes: int = MAP_SIZE_BYTES, boot: str | None = None) -> None:
        self.directory = Path(directory)
        self.durability = durability
        self._boot = folder.boot_id() if boot is None else boot
        self._map_size_bytes = map_size_bytes
        self._lmdb: Any = None
        self._fence = folder.Fence(self.directory)
        try:
            unsynced = folder.admit(self.directory, self._boot)
            self._open()
            self._mark(unsynced)
        except (OSError, lmdb.Error) as error:
            self._fence.close()
            raise StoreError(f"{self.directory} cannot be opened: {error}.") from error
        except BaseException:
            self._fence.close()
            raise

    def _open(self) -> None:
        """lmdb.Error. Settles for less address space where the process may not have what is asked for."""
        durable = self.durability is Durability.FSYNC
        while self._lmdb is None:
            try:
                # No writemap: a write into a hole of a full disk would be a SIGBUS instead of an error.
                self._lmdb = lmdb.open(
                    str(self.directory), map_size=self._map_size_bytes, sync=durable, metasync=durable, mode=0o600,
                    max_readers=READERS_LIMIT, max_spare_txns=SPARE_TRANSACTIONS, readahead=False,
                )
            except lmdb.MemoryError:
                if self._map_size_bytes <= MAP_SIZE_LEAST_BYTES:
                    raise
                self._map_size_bytes //= 2
        self._lmdb.reader_check()
        self._allot_lock_file()

    def _mark(self, unsynced: bool) -> None:
        """Says in the directory how it is written from now on."""
        if self.durability is Durability.OS:
            folder.write_format(self.directory, self._boot)
        elif unsynced:
            self._lmdb.sync(True)
            folder.write_format(self.directory)

    def _allot_lock_file(self) -> None:
        """LMDB maps its lock file, which is sparse: a reader's slot in a hole would be a SIGBUS on a full disk."""
        descriptor = os.open(self.directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.posix_fallocate(descriptor, 0, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)

    @property
    def is_open(self) -> bool:
        return self._lmdb is not None

    def begin(self) -> keys.LmdbTransaction:
        """A read transaction on what is committed. Abort it soon: pages freed since are not reused until then."""
        return self._lmdb.begin()

    def last_commit(self) -> int:
        """LMDB's number of the last commit, one more with each."""
        number: int = self._lmdb.info()["last_txnid"]
        return number

    def apply(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Commits a write set: durable when it returns, or not there at all. MapFull, CommitFailed."""
        try:
            with self._lmdb.begin(write=True) as transaction:
                put, remove = transaction.put, transaction.delete
                for key, value in sorted(writes.items()):
                    if len(key) > keys.DIRECT_LIMIT_BYTES:
                        _apply_long(transaction, key, value)
                    elif value is None:
                        remove(key)
                    else:
                        put(key, value)
        except lmdb.MapFullError as error:
            raise MapFull from error
        except lmdb.Error as error:
            raise CommitFailed(str(error)) from error

    def grow(self) -> None:
        """Doubles the map. No transaction may be open, no copy under way. CommitFailed, StoreError as reopen."""
        try:
            self._lmdb.set_mapsize(self._map_size_bytes * 2)
        except lmdb.Error as error:
            self.reopen()                 # LMDB gave up the old map before it asked for the new one: it has none now
            raise CommitFailed(str(error)) from error
        self._map_size_bytes *= 2

    def reopen(self) -> None:
        """After CommitFailed: forgets whatever LMDB believes of pages a failed fsync may have lost.

        No transaction may be open, no copy under way. StoreError; the environment is closed then, and the next call
        tries again.
        """
        if self._lmdb is not None:
            self._lmdb.close()
            self._lmdb = None
        try:
            self._open()
        except (OSError, lmdb.Error) as error:
            if self._lmdb is not None:
                self._lmdb.close()
                self._lmdb = None
            raise StoreError(f"{self.directory} cannot be opened: {error}.") from error

    def copy(self, destination: str | os.PathLike[str]) -> None:
        """A compacted copy of what is committed now, durable when it returns; writes go on meanwhile. Any thread.

        Compacting reads under a read transaction of its own; LMDB's plain copy would wait for the writer.
        `destination` is created; it must be empty. StoreError.
        """
        target = Path(destination)
        try:
            target.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(target.iterdir()):
                raise StoreError(f"{target} is not empty.")
            self._lmdb.copy(str(target), compact=True)
            with (target / folder.DATA_FILE).open("rb") as copied:
                os.fsync(copied.fileno())
            folder.write_format(target)
        except (OSError, lmdb.Error) as error:
            raise StoreError(f"The copy into {target} failed: {error}.") from error

    def stats(self) -> dict[str, int]:
        """Sizes in bytes. `map_free`: of the map; `disk_free`: of the file system."""
        if self._lmdb is None:
            return {}
        info = self._lmdb.info()
        used = (info["last_pgno"] + 1) * self._lmdb.stat()["psize"]
        disk = os.statvfs(self.directory)
        return {"map_size": info["map_size"], "map_used": used, "map_free": info["map_size"] - used,
                "disk_free": disk.f_bavail * disk.f_frsize, "readers": info["num_readers"]}

    def close(self) -> None:
        """With durability OS: syncs, so that the directory can be trusted from now on."""
        if self._lmdb is not None:
            if self.durability is Durability.OS:
                with contextlib.suppress(OSError, lmdb.Error):      # the mark stays, and says that it is not synced
                    self._lmdb.sync(True)
                    folder.write_format(self.directory)
            self._lmdb.close()
            self._lmdb = None
        self._fence.close()


def _apply_long(transaction: keys.LmdbTransaction, key: bytes, value: bytes | None) -> None:
    if value is None:
        keys.delete(transaction, key)
    else:
        keys.put(transaction, key, value)
