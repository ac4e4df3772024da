"""llama.cpp with the model in the box: counts, reasons, stops, tools, schemas, cancels, embeddings. No process, no bus.

What the model says is nonsense and is not looked at; what must hold of any model's answer is.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.runtime.inference.catalogue import TINY
from actors.runtime.inference.engines.cutting import Stops
from actors.runtime.inference.engines.engine import Engine, open_engine
from actors.runtime.inference.protocol import (
    EmbedRequest,
    Event,
    Finish,
    GenerateRequest,
    InvalidInput,
    Modality,
    ModelFailed,
    Reason,
    RerankRequest,
    Sampling,
    Text,
    TokenizeRequest,
    Tool,
    ToolUse,
)
from tests.actors.runtime.inference.asking import WEATHER, said, user
from tests.actors.runtime.inference.schemas import SCHEMAS, valid

TIME: Tool = {"name": "time", "parameters": {
    "type": "object", "properties": {"zone": {"enum": ["utc", "cet"]}}, "required": ["zone"],
    "additionalProperties": False,
}}
FOREVER = GenerateRequest(prompt="def", sampling=Sampling(temperature=2.0))


class Loaded:
    """The engine on a loop that lives as long as the module's tests."""

    def __init__(self, directory: Path) -> None:
        self.runner = asyncio.Runner()
        self.engine: Engine = self.runner.run(open_engine(TINY, directory))
        self.directory = directory

    def events(self, request: GenerateRequest) -> list[Event]:
        async def main() -> list[Event]:
            async with aclosing(self.engine.generate(request)) as stream:
                return [event async for event in stream]

        return self.runner.run(main())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    loaded = Loaded(tmp_path_factory.mktemp("llama", numbered=True))
    yield loaded
    loaded.runner.run(loaded.engine.close())
    loaded.runner.close()


def finish_of(events: list[Event]) -> Finish:
    assert isinstance(events[-1], Finish)
    return events[-1]


def test_counts_are_the_tokenizers(tiny: Loaded) -> None:
    for request in (user("Hello", 12), user("Hello", 12, tools=[WEATHER]), GenerateRequest(
        prompt="def main", sampling=Sampling(max_tokens=12, temperature=0.0)
    )):
        finish = finish_of(tiny.events(request))
        counted = tiny.runner.run(tiny.engine.count(
            TokenizeRequest(messages=request.messages, prompt=request.prompt, tools=request.tools)
        ))
        assert finish.usage.input == counted.tokens
        assert finish.usage.output <= 12
        assert (finish.reason is Reason.LENGTH) == (finish.usage.output == 12)


def test_every_token_is_told_once(tiny: Loaded) -> None:
    events = tiny.events(GenerateRequest(prompt="import", sampling=Sampling(
        max_tokens=60, seed=7, temperature=9.0, top_k=0, min_p=0.0, top_p=1.0
    )))
    finish = finish_of(events)
    told = sum(event.tokens for event in events if isinstance(event, Text))
    assert finish.usage.output - 1 <= told <= finish.usage.output          # the last may be the end itself
    assert len(events) > 20


def test_a_prompt_that_was_read_before_is_not_read_again(tiny: Loaded) -> None:
    request = user("The same words every time, and rather more of them than a few.", 2)
    tiny.events(request)
    finish = finish_of(tiny.events(request))
    assert finish.usage.cached >= finish.usage.input - 2


def test_greedy_and_seeded_answers_repeat(tiny: Loaded) -> None:
    for sampling in (Sampling(max_tokens=20, temperature=0.0), Sampling(max_tokens=20, temperature=1.5, seed=3)):
        request = GenerateRequest(prompt="class", sampling=sampling)
        assert said(tiny.events(request)) == said(tiny.events(request))


def test_a_stop_sequence_ends_it_and_is_not_said(tiny: Loaded) -> None:
    sampling = Sampling(max_tokens=60, temperature=0.0)
    whole = said(tiny.events(GenerateRequest(prompt="def", sampling=sampling)))
    stop = whole[10:13]
    events = tiny.events(GenerateRequest(prompt="def", sampling=sampling, stop=["never", stop]))
    finish = finish_of(events)
    assert (finish.reason, finish.stop_sequence) == (Reason.STOP, stop)
    assert said(events) == whole[: whole.index(stop)]
    assert 0 < finish.usage.output < 60


def test_the_context_ends(tiny: Loaded) -> None:
    long = " x" * 1900
    tokens = tiny.runner.run(tiny.engine.count(TokenizeRequest(prompt=long))).tokens
    assert tokens < 4096
    finish = finish_of(tiny.events(GenerateRequest(prompt=long, sampling=Sampling(temperature=0.0))))
    if finish.reason is not Reason.END:
        assert finish.reason is Reason.CONTEXT
        assert finish.usage.input + finish.usage.output >= 4095
    with pytest.raises(InvalidInput, match="too long"):
        tiny.events(GenerateRequest(prompt=long * 2))


def test_logprobs(tiny: Loaded) -> None:
    events = tiny.events(user("Hello", 4, logprobs=3))
    chances = [chance for event in events if isinstance(event, Text) for chance in event.logprobs]
    assert chances
    for chance in chances:
        assert chance.logprob <= 0
        assert len(chance.top) == 3
        assert [each for _, each in chance.top] == sorted((each for _, each in chance.top), reverse=True)


@pytest.mark.parametrize("choice", ["required", "time"])
def test_a_demanded_call_is_made(tiny: Loaded, choice: str) -> None:
    for seed in range(5):
        request = replace(user("Anything", tools=[TIME, {**TIME, "name": "clock"}], tool_choice=choice),
                          sampling=Sampling(seed=seed, temperature=2.0, max_tokens=200))
        events = tiny.events(request)
        calls = [event for event in events if isinstance(event, ToolUse)]
        assert finish_of(events).reason is Reason.TOOL_USE
        assert said(events) == ""
        assert (calls[0].id, calls[0].index) == ("call_0", 0)
        assert calls[0].name in (["time", "clock"] if choice == "required" else ["time"])
        assert json.loads("".join(call.arguments for call in calls)) in ({"zone": "utc"}, {"zone": "cet"})


# Any schema of those we make, any seed: what ends by itself is valid, and what cannot be followed is refused.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=SCHEMAS, seed=st.integers(0, 1000))
def test_what_has_a_schema_is_valid_for_it(tiny: Loaded, schema: dict[str, Any], seed: int) -> None:
    events = tiny.events(replace(
        user("Answer in JSON", schema=schema), sampling=Sampling(max_tokens=400, seed=seed, temperature=1.0)
    ))
    if finish_of(events).reason is Reason.END:
        assert valid(json.loads(said(events)), schema)
    else:
        assert finish_of(events).usage.output == 400


@pytest.mark.parametrize("schema", [
    {"type": "nonsense"}, {"type": "array", "uniqueItems": True, "items": {"type": "integer"}},
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/nowhere"}}, "required": ["a"]},
])
def test_a_schema_that_cannot_be_followed_is_refused(tiny: Loaded, schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="schema"):
        tiny.events(user("x", 10, schema=schema))


def test_embeddings(tiny: Loaded) -> None:
    embedded = tiny.runner.run(tiny.engine.embed(EmbedRequest(["a list of numbers", "a list of numbers", "!"])))
    assert embedded.vectors[0] == pytest.approx(embedded.vectors[1], abs=1e-3)
    assert embedded.vectors[0] != pytest.approx(embedded.vectors[2], abs=1e-3)
    assert sum(value * value for value in embedded.vectors[0]) == pytest.approx(1, abs=1e-4)
    assert embedded.tokens[0] == tiny.runner.run(tiny.engine.count(TokenizeRequest(prompt="a list of numbers"))).tokens
    cut = tiny.runner.run(tiny.engine.embed(EmbedRequest(["a list of numbers"], dimensions=16)))
    assert len(cut.vectors[0]) == 16
    assert sum(value * value for value in cut.vectors[0]) == pytest.approx(1, abs=1e-4)


# The library cuts a batch of several texts between them, and would take means of their last pieces.
@pytest.mark.parametrize("modality", [Modality.TEXT, Modality.EMBEDDING])
def test_an_embedding_does_not_depend_on_what_else_goes_on(modality: Modality, tmp_path: Path) -> None:
    async def main() -> None:
        entry = replace(TINY, modality=modality, options={"threads": 1, "pooling": "mean"})
        engine = await open_engine(entry, tmp_path)
        texts = ["a list of numbers" + " and more" * (number % 5) for number in range(12)]
        alone = [(await engine.embed(EmbedRequest([text]))).vectors[0] for text in texts]

        async def noise(length: int) -> None:
            if modality is Modality.TEXT:
                async for _ in engine.generate(GenerateRequest(prompt="x" * length, sampling=Sampling(max_tokens=20))):
                    pass

        noises = asyncio.gather(*map(noise, range(1, 9)))
        together, again = await asyncio.gather(
            engine.embed(EmbedRequest(texts)), engine.embed(EmbedRequest(texts[::-1]))
        )
        await noises
        for one, other, third in zip(alone, together.vectors, again.vectors[::-1], strict=True):
            assert other == pytest.approx(one, abs=1e-3)
            assert third == pytest.approx(one, abs=1e-3)
        await engine.close()

    asyncio.run(main())


# Eight turns, and forty who leave, some while their prompt is read, some among tokens: the engine is idle at once.
def test_who_leaves_stops_the_engine(tiny: Loaded) -> None:
    async def leaver(number: int) -> None:
        prompt = f"{number}" + " word" * (800 if number % 2 else 3)
        stream = tiny.engine.generate(GenerateRequest(prompt=prompt, sampling=Sampling(temperature=2.0)))
        reading = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.001 * (number % 7))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.aclose()

    async def main() -> None:
        for start in range(0, 40, 8):
            await asyncio.gather(*(leaver(number) for number in range(start, start + 8)))
        assert tiny.engine.figures().batch == 0

    tiny.runner.run(main())
    assert finish_of(tiny.events(user("Hello", 3))).usage.output <= 3


# The library's own listener is a socket in a private directory, asks for a key, and is the only one.
def test_no_port_is_open(tiny: Loaded) -> None:
    inodes = {os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd") if
              os.path.islink(f"/proc/self/fd/{each}")}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            assert not (fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes), line

    async def stranger() -> bytes:
        reader, writer = await asyncio.open_unix_connection(str(tiny.directory / "llama.sock"))
        writer.write(b"GET /props HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    assert b" 401 " in tiny.runner.run(stranger()).partition(b"\r\n")[0]


@pytest.mark.parametrize("content", [b"", b"not a model", b"GGUF" + b"\xff" * 100])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFailed, match="cannot load"):
        asyncio.run(open_engine(replace(TINY, path=str(path)), tmp_path))
    with pytest.raises(ModelFailed, match="no file"):
        asyncio.run(open_engine(replace(TINY, path=str(tmp_path / "nowhere.gguf")), tmp_path))


def test_what_it_cannot_do_it_says(tiny: Loaded) -> None:
    with pytest.raises(InvalidInput, match="reranking"):
        tiny.runner.run(tiny.engine.rerank(RerankRequest("a", ["b"])))
    assert tiny.engine.description.modalities == [Modality.TEXT, Modality.EMBEDDING]
    assert tiny.engine.description.context_tokens == 4096
    assert tiny.engine.description.tools
    with pytest.raises(InvalidInput, match="no tool"):
        tiny.events(user("x", 3, tools=[TIME], tool_choice="nowhere"))


# However a text is cut into pieces, stopping finds what finding in the whole would, and says all before it.
@given(st.lists(st.text("abc", max_size=4), max_size=8), st.lists(st.text("abc", min_size=1, max_size=3), max_size=3))
def test_stops_are_found_across_pieces(pieces: list[str], sequences: list[str]) -> None:
    stops = Stops(sequences)
    out: list[Event] = []
    for piece in pieces:
        out += stops.told(Text(piece))
        if stops.matched:
            break
    else:
        out += stops.rest()
    seen = ""
    for piece in pieces:
        seen += piece
        if found := [(seen.find(each), -len(each)) for each in sequences if each in seen]:
            at, length = min(found)
            assert (said(out), stops.matched) == (seen[:at], seen[at : at - length])
            return
    assert (said(out), stops.matched) == (seen, "")
