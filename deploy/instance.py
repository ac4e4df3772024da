"""One data directory and the right to run on it: lock, format, root credential, run files.

    <data>/lock                    flock of the running instance, holds its pid
    <data>/format.json             format of the data and the version that wrote it
    <data>/root.json               the generated root secret (0600), where auth = strict generated one
    <data>/state/                  the shards, and how many there are (layout.py); `ephemeral/` with --ephemeral
    <data>/logs/<process>.log      bounded, rotated
    <data>/run/                    0700: control.sock, nats.conf, run.json, bus.json
"""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from actors.runtime import private_files
from deploy import VERSION
from deploy.config import DEFAULT_SECRET, Config
from deploy.failures import DataDirInUse, DataTooNew, UsageError

LOCK, FORMAT_FILE, ROOT_FILE = "lock", "format.json", "root.json"
FORMAT = 1                                # of the data directory; the shards have their own


class Instance:
    """A data directory, locked by this process until it ends. Made by `occupy`."""

    def __init__(self, config: Config, lock: int, made: list[Path]) -> None:
        self.config = config
        self.lock = lock
        self.made = made                  # directories that were not there, the data directory first, then above it
        self.was_empty = os.listdir(config.storage.data_dir) == [LOCK]
        self.generated_secret = False     # just now, so that it must be shown once
        self.after_kill = (config.storage.run_dir / "control.sock").exists()

    def release(self) -> None:
        os.close(self.lock)

    def unmake(self) -> None:
        """Before anything ran: removes what we made, if there was nothing. In a directory that was there the lock
        stays: another instance may have its file open."""
        storage = self.config.storage
        if not self.was_empty:
            return
        for name in (FORMAT_FILE, ROOT_FILE):
            (storage.data_dir / name).unlink(missing_ok=True)
        for directory in (storage.run_dir, storage.log_dir, storage.state_dir):
            _remove(directory)
        if self.made:
            (storage.data_dir / LOCK).unlink()
        with suppress(OSError):           # somebody else has put something there
            for directory in self.made:
                directory.rmdir()


def occupy(config: Config) -> Instance:
    """Makes and locks the data directory and settles the root secret. DataDirInUse, DataTooNew, UsageError."""
    storage = config.storage
    made = [path for path in (storage.data_dir, *storage.data_dir.parents) if not path.exists()]
    os.umask(0o077)                       # for the children too: nothing they make here is others' to read
    try:
        storage.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(storage.data_dir)
    except OSError as error:
        raise UsageError(f"The data directory {storage.data_dir} cannot be used: {error.strerror}.") from error
    try:
        instance = Instance(config, lock, made)
        check_format(storage.data_dir)
        for directory in (storage.run_dir, storage.log_dir):
            directory.mkdir(exist_ok=True, mode=0o700)
        forget_ephemeral(config)
        storage.state_dir.mkdir(exist_ok=True, mode=0o700)
        _settle_secret(instance)
    except BaseException:
        os.close(lock)
        raise
    return instance


def _lock(directory: Path) -> int:
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        os.close(lock)
        raise DataDirInUse(str(directory), pid or "unknown") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def check_format(directory: Path) -> None:
    """Writes the format where there is none yet. DataTooNew when it is not one of ours."""
    path = directory / FORMAT_FILE
    try:
        found = json.loads(path.read_bytes())
        number, writer = int(found["format"]), str(found["version"])
    except FileNotFoundError:
        write_private(path, {"format": FORMAT, "version": VERSION})
        return
    except (ValueError, KeyError, TypeError) as error:
        raise DataTooNew(f"{path} cannot be read; this is not a data directory of Skybus, or a damaged one.") from error
    if number > FORMAT:
        raise DataTooNew(
            f"The data in {directory} was written by Skybus {writer} (format {number}); this is Skybus {VERSION}, "
            f"which reads up to format {FORMAT}. Use the newer program, or another --data-dir."
        )


def forget_ephemeral(config: Config) -> None:
    """Removes what an ephemeral run keeps or an earlier one left."""
    if config.storage.ephemeral:
        _remove(config.storage.state_dir)


def _remove(directory: Path) -> None:
    if directory.exists():
        import shutil

        shutil.rmtree(directory)


def _settle_secret(instance: Instance) -> None:
    """An unset root secret becomes `test`, or with auth = strict one of our making, kept in root.json."""
    config = instance.config
    if config.access.root_secret_key:
        return
    secret = DEFAULT_SECRET
    if config.access.auth == "strict":
        path = config.storage.data_dir / ROOT_FILE
        if path.exists():
            secret = str(json.loads(path.read_bytes())["secret_key"])
        else:
            secret = os.urandom(20).hex()             # 40 characters, as long as AWS's
            write_private(path, {"access_key": config.access.root_access_key, "secret_key": secret})
            instance.generated_secret = True
    instance.config = replace(config, access=replace(config.access, root_secret_key=secret))


def write_private(path: Path, content: dict[str, Any] | str, *, durable: bool = True) -> None:
    """JSON, or text as it is, into a file only its owner may read; whole or not at all."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1) + "\n"
    private_files.write(path, text.encode(), durable=durable)
