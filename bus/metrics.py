"""What a process measures, as it tells the others (sys.metrics), in Prometheus's terms: seconds, bytes, `_total` for
counters, histograms with cumulative `le` buckets.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

Sample = tuple[str, Mapping[str, str], float]       # name, labels, value


class Histogram:
    """Values counted by upper bounds, which ascend."""

    __slots__ = ("_bounds", "_buckets", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self.total = 0.0                  # of all values

    def add(self, value: float) -> None:
        self.total += value
        self._buckets[bisect_left(self._bounds, value)] += 1

    @property
    def count(self) -> int:
        return sum(self._buckets)

    def samples(self, name: str, labels: Mapping[str, str]) -> list[Sample]:
        found: list[Sample] = []
        so_far = 0
        for bound, count in zip((*self._bounds, None), self._buckets, strict=True):
            so_far += count
            le = "+Inf" if bound is None else f"{bound:g}"
            found.append((f"{name}_bucket", {**labels, "le": le}, so_far))
        return [*found, (f"{name}_sum", labels, self.total), (f"{name}_count", labels, so_far)]
