"""How a training is asked for and watched: a process that the kernel bounds (bounded/), and that ends with its asker.

    {"model": path, "data": path, "validation": path, "adapter": path, "epochs": 2, …} is asked; told are {"step",
    "epoch", "loss"}, {"validation_loss"} and at last {"done"}, or {"error"}

The process is `python -m actors.runtime.inference.training`; it knows the files and nothing of us, our environment
neither. It has the niceness NICENESS, so that what answers goes first.
"""

import importlib.util
import os
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from typing import Any

from actors.runtime.bounded.process import Bounds, Ended, Workers

NICENESS = 10
WORDS_LIMIT_CHARACTERS = 1000             # of what it says went wrong
WEEK_S = 7 * 24 * 3600
BOUNDS = Bounds(
    memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),    # more would be everybody's end
    processor_s=WEEK_S, file_bytes=4 * 1024**3, wait_s=float(WEEK_S), frame_bytes=64 * 1024)
_COMMAND = ("-m", "actors.runtime.inference.training")


@dataclass(frozen=True, slots=True)
class Course:
    """One training. `data`, `validation`: files of examples (examples.py); the adapter is written to `adapter`."""

    model: str
    data: str
    adapter: str
    validation: str = ""
    epochs: int = 2
    batch: int = 4
    learning_rate: float = 1e-4
    warmup_steps: int = 0
    rank: int = 8
    tokens_max: int = 512                 # of one example; what is longer is cut
    seed: int = 0


class TrainingFailed(Exception):
    """The message says why, for whoever asked."""


def available() -> bool:
    """Is the extra `train` installed?"""
    return all(importlib.util.find_spec(name) is not None for name in ("jax", "gguf"))


async def train(course: Course, bounds: Bounds = BOUNDS) -> AsyncGenerator[dict[str, Any], None]:
    """What the process tells, as it comes. TrainingFailed. To be used under contextlib.aclosing: left early, the
    process is ended."""
    try:
        async with Workers(_COMMAND, bounds, limit=1).ask(asdict(course)) as worker:
            while "done" not in (told := await worker.frame() or {}):
                if "error" in told:
                    raise TrainingFailed(told["error"])
                yield told
    except Ended as error:
        raise TrainingFailed("The trainer ended before it was done: it met one of its bounds, or its log says why.") \
            from error
