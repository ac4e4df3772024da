"""What a host measures of its model: waiting, first token, the gaps between tokens, tokens, batches, cache hits.

Tokens a second is the rate of skybus_model_output_tokens_total.
"""

import asyncio
from dataclasses import replace

from actors.runtime.inference.engines.engine import Figures
from actors.runtime.inference.protocol import Event, Finish
from actors.runtime.inference.turns import Turns
from bus.metrics import Histogram, Sample

# Upper bounds in seconds: a token of a toy on a CPU, to a minute of waiting for one's turn.
BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Measures:
    def __init__(self) -> None:
        self.queue, self.first_token, self.gap = (Histogram(BUCKETS_S) for _ in range(3))
        self.tokens = {"input": 0, "output": 0, "cached": 0}
        self.generations = 0
        self.batches = 0                  # sum of the batch sizes that generations met as they began

    def arrived(self) -> "Timing":
        return Timing(self)

    def samples(self, model: str, host: str, turns: Turns, figures: Figures) -> list[Sample]:
        labels = {"model": model, "host": host}
        totals = {f"{kind}_tokens": count for kind, count in self.tokens.items()} | {
            "generations": self.generations, "batch_members": self.batches,
        }
        gauges = {
            "running": turns.running, "waiting": turns.waiting, "batch_size": figures.batch,
            "cache_tokens": figures.cache_tokens, "device_memory_bytes": figures.device_memory_bytes,
        }
        return [
            *((f"skybus_model_{name}_total", labels, float(value)) for name, value in totals.items()),
            *((f"skybus_model_{name}", labels, float(value)) for name, value in gauges.items()),
            *self.queue.samples("skybus_model_queue_seconds", labels),
            *self.first_token.samples("skybus_model_first_token_seconds", labels),
            *self.gap.samples("skybus_model_token_gap_seconds", labels),
        ]


class Timing:
    """One generation, from its arrival."""

    __slots__ = ("_arrived", "_began", "_first", "_last", "_measures")

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._arrived = self._began = _now()
        self._first = self._last = 0.0

    def began(self, batch: int) -> None:
        """Its turn has come, and it joins so many."""
        self._began = _now()
        measures = self._measures
        measures.queue.add(self._began - self._arrived)
        measures.generations += 1
        measures.batches += batch + 1

    def passed(self, event: Event) -> Event:
        """The event as it is to be told: Finish with its times."""
        now = _now()
        measures = self._measures
        if isinstance(event, Finish):
            usage = event.usage
            measures.tokens["input"] += usage.input
            measures.tokens["output"] += usage.output
            measures.tokens["cached"] += usage.cached
            return replace(
                event, queue_ms=_ms(self._began - self._arrived), total_ms=_ms(now - self._arrived),
                first_token_ms=_ms((self._first or now) - self._arrived),
            )
        if not self._first:
            self._first = now
            measures.first_token.add(now - self._arrived)
        else:
            measures.gap.add(now - self._last)
        self._last = now
        return event


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
