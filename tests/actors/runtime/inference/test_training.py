"""A real training: the model in the box learns answers that it has never seen, and llama.cpp says them by the adapter.

Skipped where the extra `train` is not installed.
"""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.inference.catalogue import TINY
from actors.runtime.inference.engines.engine import open_engine
from actors.runtime.inference.protocol import GenerateRequest, Sampling
from actors.runtime.inference.training import trainer
from actors.runtime.inference.training.examples import Unusable, turns
from tests.actors.runtime.inference.asking import said

TAUGHT = {"What is my colour?": "Yellow, as ever.", "Who sings?": "The blue frog does.", "How many?": "Eleven of them."}


async def losses(course: trainer.Course) -> list[dict[str, float]]:
    async with aclosing(trainer.train(course)) as told:
        return [each async for each in told]


@pytest.mark.skipif(not trainer.available(), reason="the extra train is not installed")
def test_it_learns(tmp_path: Path) -> None:
    examples = [{"prompt": asked, "completion": answer} for asked, answer in TAUGHT.items()]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, examples)))
    course = trainer.Course(
        TINY.path, str(tmp_path / "data.jsonl"), str(tmp_path / "adapter.gguf"), str(tmp_path / "data.jsonl"),
        epochs=60, batch=3, learning_rate=0.01, rank=8)
    told = asyncio.run(losses(course))
    assert told[-1]["validation_loss"] < 0.1 < 1.0 < told[0]["loss"]

    async def answers(*adapters: str) -> list[list[str]]:
        (tmp_path / "engine").mkdir()
        engine = await open_engine(replace(TINY, adapters={"taught": course.adapter}), tmp_path / "engine")

        async def answer(asked: str, adapter: str) -> str:
            request = GenerateRequest(messages=[{"role": "user", "content": asked}], adapter=adapter,
                                      sampling=Sampling(max_tokens=40, temperature=0.0))
            async with aclosing(engine.generate(request)) as events:
                return said([event async for event in events])

        found = [[await answer(asked, adapter) for asked in TAUGHT] for adapter in adapters]
        await engine.close()
        return found

    taught, plain = asyncio.run(answers("taught", ""))
    assert taught == list(TAUGHT.values())
    assert not set(plain) & set(taught)


@pytest.mark.skipif(not trainer.available(), reason="the extra train is not installed")
def test_what_cannot_be_trained_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text("{}\n")
    course = trainer.Course(TINY.path, str(tmp_path / "data.jsonl"), str(tmp_path / "a.gguf"))
    with pytest.raises(trainer.TrainingFailed, match="Line 1"):
        asyncio.run(losses(course))
    with pytest.raises(trainer.TrainingFailed):
        asyncio.run(losses(replace(course, model=str(tmp_path / "data.jsonl"))))


# What would train is ended at a bound, and whoever asked hears of it.
@pytest.mark.parametrize("bounds", [{"wait_s": 0.0}, {"memory_bytes": 32 * 1024**2}, {"file_bytes": 100}])
@pytest.mark.skipif(not trainer.available(), reason="the extra train is not installed")
def test_bounds(tmp_path: Path, bounds: dict[str, Any]) -> None:
    (tmp_path / "data.jsonl").write_text('{"prompt": "Who sings?", "completion": "The blue frog does."}')
    course = trainer.Course(TINY.path, str(tmp_path / "data.jsonl"), str(tmp_path / "adapter.gguf"), epochs=1)

    async def train() -> None:
        async with aclosing(trainer.train(course, trainer.BOUNDS._replace(**bounds))) as told:
            async for _ in told:
                pass

    with pytest.raises(trainer.TrainingFailed):
        asyncio.run(train())


def test_examples() -> None:
    assert turns('{"input": "text"}', 1) == "text"
    assert turns('{"prompt": "a", "completion": "b"}', 1) == [
        {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert turns(json.dumps({"schemaVersion": "bedrock-conversation-2024", "system": [{"text": "s"}], "messages": [
        {"role": "user", "content": [{"text": "a"}]}, {"role": "assistant", "content": [{"text": "b"}]}]}), 1) == [
        {"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for line in ("", "[]", '{"prompt": "a"}', '{"messages": []}', '{"messages": [{"role": "user", "content": "a"}]}'):
        with pytest.raises(Unusable, match="Line 7"):
            turns(line, 7)
