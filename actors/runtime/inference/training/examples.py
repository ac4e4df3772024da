"""What models are trained with: JSON lines in Bedrock's forms, as tokens of which some are to be learnt.

    {"prompt", "completion"}                           fine-tuning: the completion is learnt
    {"system", "messages": [{"role", "content"}]}      a conversation, also as bedrock-conversation-2024 has it: each
                                                       turn of the assistant is learnt
    {"input"}                                          continued pre-training: all of it is learnt

Turns are written by the model's own chat template, so that a trained model is asked as it was taught.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-prepare.html
"""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.llama import Llama, load

LINES_MAX = 100_000
CONTEXT_TOKENS = 256                      # of the engine that only reads


class Unusable(ValueError):
    """Not an example; the message says which line and why."""


class Example(NamedTuple):
    tokens: list[int]
    learnt: list[bool]                    # of each token: is it to be said?


Turn = dict[str, str]                     # role and content


def turns(line: str, number: int) -> list[Turn] | str:
    """A conversation that ends with what is to be learnt, or text. Unusable."""
    try:
        said = dict(json.loads(line))
        if "input" in said:
            return str(said["input"])
        if "completion" in said:
            return [{"role": "user", "content": str(said["prompt"])},
                    {"role": "assistant", "content": str(said["completion"])}]
        found = [{"role": "system", "content": text}] if (text := _text(said.get("system") or "")) else []
        found += [{"role": str(turn["role"]), "content": _text(turn["content"])} for turn in said["messages"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Unusable(f"Line {number} of the training data is no example: {error}") from error
    if not found or found[-1]["role"] != "assistant":
        raise Unusable(f"Line {number} of the training data does not end with the assistant's turn.")
    return found


def _text(content: Any) -> str:
    """Of text, or of blocks, of which only those of text are taken. TypeError."""
    return content if isinstance(content, str) else "\n".join(block["text"] for block in content)


def read(path: Path) -> Iterator[list[Turn] | str]:
    """Unusable."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if number > LINES_MAX:
                raise Unusable(f"There are more than {LINES_MAX} lines of training data.")
            if line.strip():
                yield turns(line, number)


class Reader:
    """Texts as a model's tokens, by the engine that will answer with it. `end`: the token that ends a turn."""

    def __init__(self, engine: Llama, end: int, tokens_max: int) -> None:
        self._engine, self._end, self._tokens_max = engine, end, tokens_max

    async def examples(self, path: Path) -> list[Example]:
        """Unusable."""
        return [await self._example(of) for of in read(path)]

    async def _example(self, of: list[Turn] | str) -> Example:
        if isinstance(of, str):
            whole = [*await self._engine.http.tokens(of), self._end]
            return self._cut(whole, [True] * len(whole))
        tokens: list[int] = []
        learnt: list[bool] = []
        for place, turn in enumerate(of):
            if turn["role"] == "assistant":
                asked: list[Any] = list(of[:place])
                read = await self._engine.http.tokens(await self._engine.templated(asked, []))
                told = [*await self._engine.http.tokens(turn["content"], special=False), self._end]
                tokens = [*read, *told]
                learnt = [*learnt, *[False] * (len(read) - len(learnt)), *[True] * len(told)]
        return self._cut(tokens, learnt)

    def _cut(self, tokens: list[int], learnt: list[bool]) -> Example:
        return Example(tokens[:self._tokens_max], learnt[:self._tokens_max])


@asynccontextmanager
async def reader_of(model: str, end: int, tokens_max: int) -> AsyncIterator[Reader]:
    """ModelFailed."""
    with tempfile.TemporaryDirectory(prefix="skybus-") as directory:
        engine = await load(Entry("course", "llama", model, parallel=1, context_tokens=CONTEXT_TOKENS), Path(directory))
        assert isinstance(engine, Llama)
        try:
            yield Reader(engine, end, tokens_max)
        finally:
            await engine.close()
