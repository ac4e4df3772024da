"""The directory of a shard besides LMDB's files: whose it is, which format it has, whether it can be trusted.

    owner.lock      locked (flock) by the one process that serves the directory; holds its process id
    format.json     {"format": 1} and, while served with durability = os, {"boot": <id of the operating system's run>}

A directory marked with a boot was written without fsync: a killed process loses nothing, since the page cache survives
it, but after another boot the files may be anything, so they are refused rather than trusted. A clean close syncs and
removes the mark.
"""

import fcntl
import json
import os
from pathlib import Path

from actors.runtime import private_files
from actors.runtime.store.errors import DataTooNew, NotDurable, ShardInUse, StoreError

FORMAT = 1
FORMAT_FILE = "format.json"
OWNER_FILE = "owner.lock"
DATA_FILE = "data.mdb"
_BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Of this run of the operating system. Empty where it has none to tell (not Linux): then no run is known again."""
    try:
        return _BOOT_FILE.read_text("ascii").strip()
    except FileNotFoundError:
        return ""


class Fence:
    """Holds the directory for this process until closed or killed. Creates it (mode 0700). ShardInUse."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / OWNER_FILE
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise ShardInUse(f"{directory} is in use by process {owner}.") from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        os.close(self._descriptor)


def admit(directory: Path, boot: str) -> bool:
    """May the data here be served? True when it is marked by this very boot, so that it has yet to be synced.

    Writes the format file of a fresh directory. DataTooNew, NotDurable, StoreError.
    """
    try:
        found = json.loads((directory / FORMAT_FILE).read_bytes())
        version, marked = int(found["format"]), str(found.get("boot", ""))
    except FileNotFoundError as error:
        if (directory / DATA_FILE).exists():
            raise StoreError(f"{directory} holds data but no {FORMAT_FILE}: not a directory of ours.") from error
        write_format(directory)
        return False
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{directory / FORMAT_FILE} is not readable: {error}.") from error
    if version > FORMAT:
        raise DataTooNew(
            f"{directory} was written by a newer version of this program (format {version}; this one knows {FORMAT}). "
            "Start that version, or restore a backup made by this one."
        )
    if "boot" in found and (not boot or marked != boot):
        raise NotDurable(
            f"{directory} was written with durability = os and the operating system has restarted since, so its data "
            "may be damaged. Restore a backup, or delete the directory to start afresh."
        )
    return "boot" in found


def write_format(directory: Path, boot: str | None = None) -> None:
    """Atomically and durably; with a boot: marked."""
    content: dict[str, object] = {"format": FORMAT}
    if boot is not None:
        content["boot"] = boot
    private_files.write(directory / FORMAT_FILE, json.dumps(content).encode())
