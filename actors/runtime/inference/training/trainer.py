"""How a training is asked for and watched: a process of its own, which ends when whoever started it does.

    {"model": path, "data": [path], "validation": [path], "adapter": path, "epochs": 2, …} on its standard input; on its
    output a JSON object per line: {"step", "epoch", "loss"}, at last {"validation_loss"} or, alone, {"error"}

The process is `python -m actors.runtime.inference.training`; it knows the files and nothing of us, our environment
neither. It has the niceness NICENESS, so that what answers goes first.
"""

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

NICENESS = 10
LINE_LIMIT_BYTES = 64 * 1024
END_LIMIT_S = 10.0                        # of a process that was told to


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


async def train(course: Course) -> AsyncGenerator[dict[str, Any], None]:
    """What the process tells, as it comes. To be used under contextlib.aclosing: left early, the process is ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "actors.runtime.inference.training", stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, limit=LINE_LIMIT_BYTES, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(orjson.dumps(asdict(course)) + b"\n")
        async for line in process.stdout:
            told = orjson.loads(line)
            if "error" in told:
                raise TrainingFailed(told["error"])
            yield told
        if await process.wait() != 0:
            raise TrainingFailed("The trainer ended before it was done; its log says why.")
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), END_LIMIT_S)
