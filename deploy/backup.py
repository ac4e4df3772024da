"""`skybus backup` and `skybus restore`: the whole state, copied while in use, and put back.

A backup is a directory: state/<service>/<shard>/ as each owner copied it from one read transaction (a shard is
consistent in itself; shards are copied one after the other), state/shards.json if there is one (layout.py), root.json
if a root secret was generated, and backup.json, written last: format, version, time, and every file's size and SHA-256.
No backup.json, no backup.
"""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from actors.runtime import private_files
from deploy import VERSION, layout
from deploy.asking import ask_actors
from deploy.config import Config
from deploy.failures import CommandError, DataTooNew, UsageError
from deploy.instance import FORMAT, ROOT_FILE, occupy, write_private
from deploy.report import Report, progress

MANIFEST = "backup.json"
BACKUP_TIMEOUT_S = 3600.0


def backup(config: Config, target: str) -> Report:
    """Into a directory that is absent or empty, and not of the data directory. UsageError, NotRunning, CommandError."""
    directory = Path(target).absolute()
    if directory.resolve().is_relative_to(config.storage.data_dir.resolve()):
        raise UsageError(f"{directory} is inside the data directory; a backup goes into a directory of its own.")
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        empty = not any(directory.iterdir())
    except OSError as error:
        raise UsageError(f"{directory} cannot be used: {error.strerror}.") from error
    if not empty:
        raise UsageError(f"{directory} is not empty; a backup goes into a directory of its own.")
    with progress(f"Copying the state into {directory}"):
        files = _copied(config, directory)
    size = sum(facts["bytes"] for facts in files.values())
    return Report({"directory": str(directory), "files": len(files), "bytes": size},
                  f"{directory}: {len(files)} files, {size} bytes")


def _copied(config: Config, directory: Path) -> dict[str, dict[str, Any]]:
    """All of it, with the manifest as its end; what that says of each file."""
    ask_actors(config, "backup", {"directory": str(directory)}, BACKUP_TIMEOUT_S)
    secret = config.storage.data_dir / ROOT_FILE
    if secret.exists():
        write_private(directory / ROOT_FILE, secret.read_text("utf-8"))
    shards = config.storage.state_dir / layout.FILE
    if shards.exists():
        write_private(directory / "state" / layout.FILE, shards.read_text("utf-8"))
    files = {str(path.relative_to(directory)): _facts(path) for path in _files(directory)}
    manifest = {"format": FORMAT, "version": VERSION, "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "files": files}
    write_private(directory / MANIFEST, manifest)
    return files


def restore(config: Config, source: str, *, force: bool) -> Report:
    """Into a data directory on which nothing runs, and which holds no state (or `force`)."""
    directory = Path(source).absolute()
    if config.storage.ephemeral:
        raise UsageError("An ephemeral instance forgets its state; restore without --ephemeral.")
    with progress(f"Restoring from {directory}"):
        files = _check(directory)
        _put_back(config, directory, files, force=force)
    return Report({"data_dir": str(config.storage.data_dir), "files": len(files)},
                  f"{config.storage.data_dir}: restored {len(files)} files")


def _put_back(config: Config, directory: Path, files: dict[str, Any], *, force: bool) -> None:
    instance = occupy(config)
    try:
        state = config.storage.state_dir
        if any(state.iterdir()) and not force:
            raise UsageError(f"{config.storage.data_dir} holds state already; --force replaces it.")
        fresh = state.with_name("state.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        for name in files:
            path = config.storage.data_dir / name if name == ROOT_FILE else fresh / Path(name).relative_to("state")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(directory / name, path)
            path.chmod(0o600)
            private_files.sync(path)
        old = state.with_name("state.old")
        shutil.rmtree(old, ignore_errors=True)
        state.rename(old)                 # a kill between the two renames leaves both copies to choose from
        fresh.rename(state)
        private_files.sync(config.storage.data_dir)
        shutil.rmtree(old)
    finally:
        instance.release()


def _check(directory: Path) -> dict[str, Any]:
    """The files of a whole and undamaged backup. UsageError, DataTooNew, CommandError."""
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        number, files = int(manifest["format"]), dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{directory} is no complete backup: its {MANIFEST} cannot be read.") from error
    if number > FORMAT:
        raise DataTooNew(f"{directory} was written by Skybus {manifest['version']}; this is {VERSION}, an older one.")
    for name, facts in files.items():
        path = directory / name
        inside = path.resolve().is_relative_to(directory.resolve())
        if not inside or not (name == ROOT_FILE or name.startswith("state/")):
            raise UsageError(f"{directory / MANIFEST} names a file that has no place in a backup: {name!r}.")
        if not path.is_file() or _facts(path) != facts:
            raise CommandError(f"{path} is missing or is not what was backed up.")
    return files


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
