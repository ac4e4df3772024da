"""Replicas: what a fleet knows of a model's hosts, what they are called, how much memory one takes."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from zlib import crc32

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.protocol import Description, ModelFailed
from schemas.errors import AwsError

OVERHEAD_BYTES = 64 * 1024 * 1024         # of a host beside its model's file


@dataclass(eq=False)
class Replica:
    """A host with its model loaded."""

    host: str
    description: Description
    memory_bytes: int
    active: int = 0                       # requests of ours under way
    last_used: float = 0.0                # loop time
    next_look: float = 0.0
    looking: "asyncio.Task[None] | None" = None
    asleep: bool = False                  # its engine gave the device's memory back; nothing is asked of it


@dataclass(eq=False)
class Served:
    """A model somebody has asked for."""

    entry: Entry
    replicas: list[Replica] = field(default_factory=list)
    loading: "asyncio.Task[Replica] | None" = None
    keep: int = 0                         # replicas that stay
    busy_since: float | None = None       # loop times
    spare_since: float | None = None
    failure: AwsError | None = None
    failed_at: float = 0.0

    @property
    def awake(self) -> list[Replica]:
        return [replica for replica in self.replicas if not replica.asleep]

    def sleeper(self) -> Replica | None:
        return next((replica for replica in self.replicas if replica.asleep), None)


def host_names(entry: Entry) -> Iterator[str]:
    """`model-<id, readable>-<its checksum>-<number>`: the same in every process, so that a host is found again."""
    readable = re.sub(r"[^a-z0-9]+", "-", entry.id.lower())[:48].strip("-")
    for number in count(1):
        yield f"model-{readable}-{crc32(entry.id.encode()):08x}-{number}"


def memory_of(entry: Entry) -> int:
    """What the entry says, or its files and a host's own. ModelFailed: there is no such file."""
    if entry.memory_bytes or not entry.path:
        return entry.memory_bytes or OVERHEAD_BYTES
    path = Path(entry.path)
    files = path.rglob("*") if path.is_dir() else [path]
    try:
        return sum(file.stat().st_size for file in files if not file.is_dir()) + OVERHEAD_BYTES
    except OSError as error:
        raise ModelFailed(f"The model's file cannot be read: {error.strerror}.") from error
