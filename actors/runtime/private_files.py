"""Small files that only their owner may read, each there whole or not at all. The standard library only."""

import os
from pathlib import Path


def write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """In place of what is there; on disk when it returns, unless that does not matter. OSError."""
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(descriptor)
    new.replace(path)
    if durable:
        sync(path.parent)


def sync(path: Path) -> None:
    """A file, or the names in a directory. OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
