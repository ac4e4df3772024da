"""The trainer's process: a Course in, losses out, an adapter on disk (trainer.py)."""

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import Any

import orjson

from actors.runtime.inference.protocol import ModelFailed
from actors.runtime.inference.training.examples import Example, Unusable, reader_of
from actors.runtime.inference.training.trainer import NICENESS, Course


def tell(**told: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


async def examples_of(course: Course, end: int) -> tuple[list[Example], list[Example]]:
    """To learn from, and to look at. Unusable, ModelFailed."""
    async with reader_of(course.model, end, course.tokens_max) as reader:
        learnt = await reader.examples(Path(course.data))
        return learnt, await reader.examples(Path(course.validation)) if course.validation else []


def run(course: Course) -> None:
    """Unusable, Unsuitable, ModelFailed."""
    from actors.runtime.inference.training import lora

    shape, weights = lora.read(course.model)
    data, validation = asyncio.run(examples_of(course, shape.end))
    if not data:
        raise Unusable("The training data has no example.")
    learning = lora.Learning(shape, weights, course.rank, course.learning_rate, course.warmup_steps, course.seed)
    step = 0
    for epoch in range(course.epochs):
        for tokens, learnt in lora.batches(data, course.batch, course.seed + epoch):
            tell(step=step, epoch=epoch, loss=learning.step(tokens, learnt))
            step += 1
    if validation:
        found = [learning.loss(tokens, learnt) for tokens, learnt in lora.batches(validation, course.batch, None)]
        tell(validation_loss=sum(found) / len(found))
    learning.save(Path(course.adapter), shape.architecture)


def end_with_whoever_asked() -> None:
    """Its end of our input closes when it dies, however it dies."""
    while os.read(sys.stdin.fileno(), 1024):      # not by the buffer, whose lock would be held as we end
        pass
    os._exit(1)


def main() -> None:
    os.nice(NICENESS)
    course = Course(**orjson.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=end_with_whoever_asked, daemon=True).start()
    try:
        run(course)
    except (Unusable, ModelFailed, ValueError, OSError, MemoryError) as error:
        tell(error=error.message if isinstance(error, ModelFailed) else str(error) or "There is not enough memory.")


if __name__ == "__main__":
    main()
