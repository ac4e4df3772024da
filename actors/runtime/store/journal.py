"""The place of a cluster's replicated append: what a batch passes before it is committed here."""

from collections.abc import Mapping
from typing import Protocol

Writes = Mapping[bytes, bytes | None]


class Journal(Protocol):
    def append(self, writes: Writes) -> Writes:
        """Called by the writer with a batch's merged write set, once per attempt, in order. One that blocks wants the
        shard to have a ThreadWriter: the others may run it on the loop.

        Returns what to commit: the same rows and the journal's own (its applied sequence), so that both are there or
        neither. Raising CommitFailed means that the batch is not in the log and never will be.
        """


class LocalJournal:
    """One machine: LMDB's commit is the only one."""

    def append(self, writes: Writes) -> Writes:
        return writes
