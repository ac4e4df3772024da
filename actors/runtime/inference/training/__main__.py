"""The trainer's process: a Course in, losses out, an adapter on disk (trainer.py)."""

import asyncio
import os
from pathlib import Path

from actors.runtime.bounded.worker import Frame, Tell, serve
from actors.runtime.inference.protocol import ModelFailed
from actors.runtime.inference.training.examples import Example, Unusable, reader_of
from actors.runtime.inference.training.trainer import NICENESS, WORDS_LIMIT_CHARACTERS, Course


async def examples_of(course: Course, end: int) -> tuple[list[Example], list[Example]]:
    """To learn from, and to look at. Unusable, ModelFailed."""
    async with reader_of(course.model, end, course.tokens_max) as reader:
        learnt = await reader.examples(Path(course.data))
        return learnt, await reader.examples(Path(course.validation)) if course.validation else []


def run(course: Course, tell: Tell) -> None:
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
            tell({"step": step, "epoch": epoch, "loss": learning.step(tokens, learnt)})
            step += 1
    if validation:
        found = [learning.loss(tokens, learnt) for tokens, learnt in lora.batches(validation, course.batch, None)]
        tell({"validation_loss": sum(found) / len(found)})
    learning.save(Path(course.adapter), shape.architecture)


def answer(asked: Frame, tell: Tell) -> None:
    os.nice(NICENESS)
    try:
        run(Course(**asked), tell)
    except (Unusable, ModelFailed, ValueError, OSError, MemoryError) as error:
        words = error.message if isinstance(error, ModelFailed) else str(error)
        tell({"error": words[:WORDS_LIMIT_CHARACTERS] or "There is not enough memory."})
    else:
        tell({"done": True})


if __name__ == "__main__":
    serve(answer)
