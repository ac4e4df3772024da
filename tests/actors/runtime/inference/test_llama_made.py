"""llama.cpp with models of other kinds: adapters over the model in the box, a reranker, images by a projector.

They are noise, made for the test (made.py): what is looked at is that each of them changes what is answered, and how
answers are counted and ordered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from actors.runtime.inference.catalogue import TINY, Entry
from actors.runtime.inference.engines.engine import Engine, open_engine
from actors.runtime.inference.protocol import (
    Finish,
    GenerateRequest,
    InvalidInput,
    Modality,
    ModelFailed,
    RerankRequest,
    Sampling,
)
from tests.actors.runtime.inference import made
from tests.actors.runtime.inference.asking import said

WIDTH = 128                               # of the model in the box


@asynccontextmanager
async def opened(entry: Entry, directory: Path) -> AsyncIterator[Engine]:
    engine = await open_engine(entry, directory)
    try:
        yield engine
    finally:
        await engine.close()


async def answer(engine: Engine, **members: object) -> tuple[str, Finish]:
    request = GenerateRequest(sampling=Sampling(max_tokens=12, temperature=0.0), **members)  # type: ignore[arg-type]
    async with aclosing(engine.generate(request)) as stream:
        events = [event async for event in stream]
    assert isinstance(events[-1], Finish)
    return said(events), events[-1]


# An adapter is on for the request that names it and off for the one beside it in the same batch.
def test_adapters(tmp_path: Path) -> None:
    async def main() -> None:
        made.adapter(tmp_path / "strong.gguf", 1, 2.0, WIDTH)
        made.adapter(tmp_path / "none.gguf", 2, 0.0, WIDTH)
        adapters = {name: str(tmp_path / f"{name}.gguf") for name in ("strong", "none")}
        async with opened(replace(TINY, adapters=adapters), tmp_path) as engine:
            assert engine.description.adapters == ["strong", "none"]
            plain, nothing, strong, again = await asyncio.gather(*(
                answer(engine, prompt="def main", adapter=name) for name in ("", "none", "strong", "strong")))
            assert plain[0] == nothing[0] != strong[0] == again[0]
            with pytest.raises(InvalidInput, match="no adapter"):
                await answer(engine, prompt="def main", adapter="other")

    asyncio.run(main())


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    made.adapter(tmp_path / "a.gguf", 1, 2.0, WIDTH // 2)
    with pytest.raises(ModelFailed, match="cannot load"):
        asyncio.run(open_engine(replace(TINY, adapters={"a": str(tmp_path / "a.gguf")}), tmp_path))


# Scores stand in the documents' order, depend on query and document alone, and not on what is ranked beside them.
def test_reranking(tmp_path: Path) -> None:
    async def main() -> None:
        made.reranker(tmp_path / "r.gguf")
        entry = Entry("test.rerank", "llama", str(tmp_path / "r.gguf"), modality=Modality.RERANK, context_tokens=128)
        async with opened(entry, tmp_path) as engine:
            assert engine.description.modalities == [Modality.RERANK]
            documents = ["a cat", "the moon is far", "a cat", "42"]
            ranked = await engine.rerank(RerankRequest("a cat", documents))
            assert ranked.scores[0] == pytest.approx(ranked.scores[2], abs=1e-3)
            assert len({round(score, 3) for score in ranked.scores}) == 3
            assert ranked.tokens > 0
            turned = await engine.rerank(RerankRequest("a cat", documents[::-1]))
            assert turned.scores[::-1] == pytest.approx(ranked.scores, abs=1e-3)
            other = await engine.rerank(RerankRequest("the moon", documents))
            assert other.scores != pytest.approx(ranked.scores, abs=1e-3)
            with pytest.raises(InvalidInput, match="text generation"):
                await answer(engine, prompt="x")

    asyncio.run(main())


# Two pictures are two prompts, of as many tokens as the projector makes of a picture beside the text's own.
def test_images(tmp_path: Path) -> None:
    async def main() -> None:
        made.projector(tmp_path / "p.gguf", WIDTH)
        async with opened(replace(TINY, options={"mmproj": str(tmp_path / "p.gguf")}), tmp_path) as engine:
            assert engine.description.images
            told = [await answer(engine, messages=[{"role": "user", "content": [
                {"type": "image", "data": picture, "format": "png"}, {"type": "text", "text": "What is this?"},
            ]}]) for picture in (made.png(255, 0, 0), made.png(0, 0, 255), made.png(255, 0, 0))]
            text = await answer(engine, messages=[{"role": "user", "content": "What is this?"}])
            assert told[0][0] == told[2][0] != told[1][0]
            assert told[0][1].usage.input - text[1].usage.input >= 4          # patches of 14 pixels
            with pytest.raises(InvalidInput):
                await answer(engine, messages=[{"role": "user", "content": [
                    {"type": "image", "data": b"no picture", "format": "png"}]}])

    asyncio.run(main())
