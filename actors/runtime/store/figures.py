"""What a shard has committed since its start."""

from collections import deque
from typing import Any

from actors.runtime.store.batch import Batch

LATENCIES_KEPT = 1024                     # of commits


class Figures:
    def __init__(self) -> None:
        self.failed = 0
        self._commits = self._rows = self._bytes = self._requests = 0
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)

    def count(self, batch: Batch, latency_s: float) -> None:
        self._commits += 1
        self._requests += len(batch.requests)
        self._rows += len(batch.writes)
        self._bytes += batch.size_bytes
        self._latencies.append(latency_s)

    def told(self) -> dict[str, Any]:
        """Latencies of the last commits in seconds, sizes in bytes."""
        latencies = sorted(self._latencies)
        return {
            "commits": self._commits, "commits_failed": self.failed, "requests": self._requests, "rows": self._rows,
            "bytes": self._bytes, "commit_p50_s": latencies[len(latencies) // 2] if latencies else 0.0,
            "commit_p99_s": latencies[len(latencies) * 99 // 100] if latencies else 0.0,
        }
