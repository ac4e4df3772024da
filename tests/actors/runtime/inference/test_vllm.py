"""vLLM's adapter over a vLLM that is none: what it is told, and what becomes of its outputs.

The names and types are held against the real one by check_vllm.py; that nothing has been run is said in the README.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines import vllm
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
    TokenizeRequest,
    ToolUse,
    Usage,
)
from tests.actors.runtime.inference.asking import WEATHER, said, user

CONTEXT = 32


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(members)
    return made


class Params(SimpleNamespace):
    """Whatever it is called with."""


class Tokenizer:
    """A token a word."""

    chat_template = "a template"
    told: list[dict[str, Any]]

    def __call__(self, text: str, text_pair: str | None = None) -> dict[str, list[int]]:
        first, second = text.split(), (text_pair or "").split()
        return {"input_ids": list(range(len(first) + len(second))),
                "token_type_ids": [0] * len(first) + [1] * len(second)}

    def apply_chat_template(self, messages: list[dict[str, Any]], **arguments: Any) -> list[int]:
        self.told = messages
        return list(range(sum(len(str(message["content"]).split()) for message in messages)))


class Llm:
    """Answers what the test says; keeps what it was asked."""

    def __init__(self, *pieces: str, reason: str = "stop", stop: str | None = None, images: bool = False) -> None:
        self.model_config = SimpleNamespace(
            max_model_len=CONTEXT, is_multimodal_model=images, get_vocab_size=lambda: 9, get_hidden_size=lambda: 2)
        self.pieces, self.reason, self.stop = pieces, reason, stop
        self.tokenizer, self.asked = Tokenizer(), []            # type: ignore[var-annotated]
        self.left = 0

    def get_tokenizer(self) -> Tokenizer:
        return self.tokenizer

    async def generate(self, prompt: Any, sampling: Params, request_id: str, **members: Any) -> AsyncIterator[Any]:
        self.asked.append((prompt, sampling, members))
        try:
            for number, text in enumerate(self.pieces):
                last = number == len(self.pieces) - 1
                ended = {"finish_reason": self.reason if last else None, "stop_reason": self.stop if last else None}
                piece = SimpleNamespace(text=text, token_ids=[number], logprobs=None, **ended)
                yield SimpleNamespace(outputs=[piece], prompt_token_ids=prompt["prompt_token_ids"], num_cached_tokens=1)
                await asyncio.sleep(0)
        except GeneratorExit:
            self.left += 1
            raise

    async def encode(self, prompt: Any, pooling: Params, request_id: str) -> AsyncIterator[Any]:
        self.asked.append((prompt, pooling, {}))
        data = SimpleNamespace(tolist=lambda: [3.0, 4.0], reshape=lambda _: [float(len(prompt["prompt_token_ids"]))])
        yield SimpleNamespace(outputs=SimpleNamespace(data=data))


@pytest.fixture(autouse=True)
def no_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = module("vllm.sampling_params", SamplingParams=Params, StructuredOutputsParams=Params,
                      RequestOutputKind=SimpleNamespace(DELTA="delta"))
    lora = module("vllm.lora.request", LoRARequest=lambda name, number, path: (name, number, path))
    for made in (module("vllm", PoolingParams=Params), sampling, module("vllm.lora"), lora):
        monkeypatch.setitem(sys.modules, made.__name__, made)


def engine(llm: Llm, **members: Any) -> vllm.VLlm:
    return vllm.VLlm(Entry("test.model", "vllm", "/m", **members), llm, "")


async def told(of: vllm.VLlm, request: GenerateRequest) -> list[Event]:
    async with aclosing(of.generate(request)) as events:
        return [event async for event in events]


def test_text() -> None:
    llm = Llm("one", " two", "", " three", stop="END")
    events = asyncio.run(told(engine(llm, adapters={"a": "/a", "b": "/b"}), GenerateRequest(
        prompt="say three words", stop=["END"], adapter="b", priority=3, sampling=Sampling(max_tokens=99, top_k=5))))
    assert said(events) == "one two three"
    assert events[-1] == Finish(Reason.STOP, Usage(3, 4, 1), "END")
    [(prompt, sampling, members)] = llm.asked
    assert prompt == {"prompt_token_ids": [0, 1, 2]}
    assert (sampling.max_tokens, sampling.top_k, sampling.stop) == (CONTEXT - 3, 5, ["END"])
    assert members == {"lora_request": ("b", 2, "/b"), "priority": 3}


@pytest.mark.parametrize(("reason", "words", "expected"), [
    ("stop", 3, Reason.END), ("length", 3, Reason.LENGTH), ("length", CONTEXT - 2, Reason.CONTEXT)])
def test_reasons(reason: str, words: int, expected: Reason) -> None:
    events = asyncio.run(told(engine(Llm("a", "b", reason=reason)), GenerateRequest(prompt="x " * words)))
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is expected


def test_too_long() -> None:
    with pytest.raises(InvalidInput, match="too long"):
        asyncio.run(told(engine(Llm("a")), GenerateRequest(prompt="x " * CONTEXT)))


def test_a_demanded_call_is_decoded_under_a_grammar() -> None:
    llm = Llm('{"ci', 'ty": "Bonn"}')
    events = asyncio.run(told(engine(llm), user("weather", tools=[WEATHER], tool_choice="weather")))
    assert "".join(event.arguments for event in events if isinstance(event, ToolUse)) == '{"city": "Bonn"}'
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is Reason.TOOL_USE
    assert llm.asked[0][1].structured_outputs.json["required"] == ["city"]


# Closed early, vLLM's generator is closed, at which it aborts the request.
def test_who_leaves_aborts() -> None:
    async def main() -> int:
        llm = Llm("a", "b", "c")
        async with aclosing(engine(llm).generate(GenerateRequest(prompt="x"))) as events:
            await anext(events)
        return llm.left

    assert asyncio.run(main()) == 1


# A picture is marked where it stood, for the template, and goes with the prompt; a model without eyes says so.
def test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "picture", lambda data: f"picture {data!r}")
    request = GenerateRequest(messages=[{"role": "user", "content": [
        {"type": "text", "text": "See"}, {"type": "image", "data": b"1", "format": "png"}]}])
    llm = Llm("fine", images=True)
    asyncio.run(told(engine(llm), request))
    assert llm.tokenizer.told[0]["content"] == [{"type": "text", "text": "See"}, {"type": "image"}]
    assert llm.asked[0][0]["multi_modal_data"] == {"image": ["picture b'1'"]}
    with pytest.raises(InvalidInput, match="images"):
        asyncio.run(told(engine(Llm("x")), request))


def test_templates_get_arguments_as_objects() -> None:
    llm = Llm("x")
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": json.dumps({"city": "Bonn"})}}
    asyncio.run(engine(llm).count(TokenizeRequest(messages=[
        {"role": "assistant", "content": "", "tool_calls": [call]}])))             # type: ignore[list-item]
    assert llm.tokenizer.told[0]["tool_calls"][0]["function"]["arguments"] == {"city": "Bonn"}


def test_embeddings_and_ranks() -> None:
    llm = Llm()
    embedded = asyncio.run(engine(llm, modality=Modality.EMBEDDING).embed(EmbedRequest(["a b", "c"])))
    assert embedded.vectors[0] == pytest.approx([0.6, 0.8])
    assert embedded.tokens == [2, 1]
    assert (llm.asked[0][1].task, llm.asked[0][1].use_activation) == ("embed", False)
    llm = Llm()
    ranked = asyncio.run(engine(llm, modality=Modality.RERANK).rerank(RerankRequest("a b", ["c", "d e f"])))
    assert (ranked.scores, ranked.tokens) == ([3.0, 5.0], 8)
    assert (llm.asked[0][1].task, llm.asked[0][1].extra_kwargs) == ("classify", {"compressed_token_type_ids": 2})


def test_what_the_engine_is_started_with(tmp_path: Path) -> None:
    for name, rank in (("a", 8), ("b", 12)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"r": rank}))
    adapters = {name: str(tmp_path / name) for name in "ab"}
    given = vllm.arguments(Entry("m", "vllm", "/m", adapters=adapters, gpu=0.5, context_tokens=100))
    assert (given["max_lora_rank"], given["max_loras"], given["max_model_len"]) == (16, 2, 100)
    assert given["gpu_memory_utilization"] == pytest.approx(0.45)
    assert given["scheduling_policy"] == "priority"        # without it vLLM refuses any priority but 0
    with pytest.raises(ModelFailed, match="adapter_config"):
        vllm.arguments(Entry("m", "vllm", "/m", adapters={"c": str(tmp_path)}))
