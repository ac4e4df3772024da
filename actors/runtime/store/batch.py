"""A request waiting in the mailbox, and a batch of them committed together."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from actors.runtime.store.snapshot import Overlay, WriteSet

BATCH_LIMIT = 256                         # requests committed together
BATCH_LIMIT_BYTES = 1 << 20               # a larger one goes alone

Done = Callable[[Any, BaseException | None], None]


class Request(NamedTuple):
    """`size_bytes` is an estimate of what it will write."""

    evaluate: Callable[[Overlay], Any]
    done: Done
    size_bytes: int


class Batch:
    """Requests evaluated together, what each gave, and their merged write sets. `rows` are what is committed: the
    write set as the journal gave it back."""

    __slots__ = ("jobs", "outcomes", "readers", "requests", "rows", "size_bytes", "submitted", "writes")

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.outcomes: list[tuple[Any, BaseException | None]] = []
        self.writes: WriteSet = {}
        self.rows: Mapping[bytes, bytes | None] | None = None
        self.readers: dict[str, int] = {}         # outbox reader -> its last sequence in this batch
        self.jobs: list[int] = []                 # jobs that begin with this commit
        self.size_bytes = 0
        self.submitted = 0.0

    def has_room(self, request: Request) -> bool:
        if not self.requests:
            return True
        return len(self.requests) < BATCH_LIMIT and self.size_bytes + request.size_bytes <= BATCH_LIMIT_BYTES
