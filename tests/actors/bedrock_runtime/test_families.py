"""The families' bodies, for generated conversations: what is read back is what was written, streamed or whole.

Properties that hold for every family, whatever the texts, tools and events are.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime import prompts
from actors.bedrock_runtime.asking import Answer, Ask, Event
from actors.bedrock_runtime.conversing import ask_of
from actors.bedrock_runtime.families import ANTHROPIC, OPENAI, TextFamily, base_id, bodies, family_of
from actors.bedrock_runtime.families.cohere import Command, CommandR
from actors.bedrock_runtime.families.meta import Meta
from actors.bedrock_runtime.families.mistral import Mistral
from actors.bedrock_runtime.families.nova import Nova
from actors.bedrock_runtime.families.titan import Titan
from actors.bedrock_runtime.families.vectors import binary, int8, unit
from actors.bedrock_runtime.generating import Generation
from actors.runtime.inference.protocol import Event as Told
from actors.runtime.inference.protocol import Finish, Modality, Reason, Reasoning, Text, ToolUse, Usage
from schemas.errors import ValidationException

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
NAMES = st.text("abcdefghij_-", min_size=1, max_size=8)
VALUES = st.recursive(st.none() | st.booleans() | st.integers(-999, 999) | TEXTS,
                      lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
                      max_leaves=4)
INPUTS = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def generations(draw: st.DrawFn, tools: bool = True) -> list[Told]:
    """What a host may tell: thoughts, texts, calls in pieces, an end."""
    told: list[Told] = [Reasoning(text) for text in draw(st.lists(TEXTS, max_size=2))]
    told += [Text(text) for text in draw(st.lists(TEXTS, max_size=4))]
    calls = draw(st.lists(st.tuples(NAMES, INPUTS), max_size=2)) if tools else []
    for index, (name, arguments) in enumerate(calls):
        text = orjson.dumps(arguments).decode()
        cut = draw(st.integers(0, len(text)))
        told += [ToolUse(index, id=f"call_{index}", name=name), ToolUse(index, text[:cut]), ToolUse(index, text[cut:])]
    reason = Reason.TOOL_USE if calls else draw(st.sampled_from([Reason.END, Reason.LENGTH, Reason.STOP]))
    return [*told, Finish(reason, Usage(draw(st.integers(0, 99)), draw(st.integers(0, 99))),
                          "stop" if reason is Reason.STOP else "")]


def read(told: list[Told]) -> tuple[list[Event], Answer]:
    async def source() -> AsyncIterator[Told]:
        for each in told:
            yield each

    async def main() -> tuple[list[Event], Answer]:
        generation = Generation(source())
        return [event async for event in generation.events()], generation.answer

    return asyncio.run(main())


# ConverseStream's order: one start; each block's events together, ended before the next; indexes without gaps; what the
# deltas add up to is the whole answer's content.
@settings(deadline=None)
@given(generations())
def test_events(told: list[Told]) -> None:
    events, answer = read(told)
    assert [next(iter(event)) for event in events].count("messageStart") == 1
    assert "messageStart" in events[0]
    open_block, ended = -1, -1
    texts: dict[int, str] = {}
    for event in events[1:]:
        (name, members), = event.items()
        place = members["contentBlockIndex"]
        if name == "contentBlockStop":
            assert place == open_block
            open_block, ended = -1, place
            continue
        assert place == ended + 1
        open_block = place
        delta = members.get("delta", {})
        texts[place] = texts.get(place, "") + (
            delta.get("text") or delta.get("toolUse", {}).get("input")
            or delta.get("reasoningContent", {}).get("text") or "")
    assert open_block == -1
    for place, text in texts.items():
        block = answer.content[place]
        if "toolUse" in block:
            assert orjson.loads(text) == block["toolUse"]["input"]
        else:
            assert text == block.get("text", block.get("reasoningContent", {}).get("reasoningText", {}).get("text"))


# Anthropic's chunks, put together as its SDK does, are its whole body.
@settings(deadline=None)
@given(generations())
def test_anthropic_chunks(told: list[Told]) -> None:
    events, answer = read(told)
    chunks = ANTHROPIC.chunks({}, "m", 7)
    bodies_ = [body for event in events for body in chunks.event(event)] + list(chunks.end(answer))
    content: list[dict[str, Any]] = []
    partial = ""
    for body in bodies_:
        if body["type"] == "content_block_start":
            assert body["index"] == len(content)
            content.append(dict(body["content_block"]))
            partial = ""
        elif body["type"] == "content_block_delta":
            delta = body["delta"]
            for member in ("text", "thinking"):
                if member in delta:
                    content[-1][member] += delta[member]
            partial += delta.get("partial_json", "")
        elif body["type"] == "content_block_stop" and content[-1]["type"] == "tool_use":
            content[-1]["input"] = orjson.loads(partial or "{}")
    whole = ANTHROPIC.answer({}, answer, "m")
    assert content == whole["content"] or whole["content"] == [{"type": "text", "text": ""}]
    assert bodies_[-2]["delta"]["stop_reason"] == whole["stop_reason"]
    assert [bodies_[0]["type"], bodies_[-1]["type"]] == ["message_start", "message_stop"]


# OpenAI's chunks, put together as its SDK does, are its whole message.
@settings(deadline=None)
@given(generations())
def test_openai_chunks(told: list[Told]) -> None:
    events, answer = read(told)
    chunks = OPENAI.chunks({"messages": []}, "m", 0)
    deltas = [body["choices"][0] for event in events for body in chunks.event(event)]
    deltas += [body["choices"][0] for body in chunks.end(answer)]
    whole = OPENAI.answer({"messages": []}, answer, "m")["choices"][0]
    assert "".join(each["delta"].get("content", "") for each in deltas) == (whole["message"]["content"] or "")
    calls: dict[int, list[str]] = {}
    for each in deltas:
        for call in each["delta"].get("tool_calls", ()):
            name, text = calls.setdefault(call["index"], ["", ""])
            function = call["function"]
            calls[call["index"]] = [name + function.get("name", ""), text + function["arguments"]]
    expected = [(call["function"]["name"], orjson.loads(call["function"]["arguments"]))
                for call in whole["message"].get("tool_calls", ())]
    assert [(name, orjson.loads(text or "{}")) for name, text in calls.values()] == expected
    assert deltas[-1]["finish_reason"] == whole["finish_reason"]


FLAT: list[tuple[TextFamily, Any, Any]] = [
    (Meta(), lambda body: body["generation"], lambda body: body["generation"]),
    (Mistral(), lambda body: body["outputs"][0]["text"], lambda body: body["outputs"][0]["text"]),
    (Titan(), lambda body: body["results"][0]["outputText"], lambda body: body["outputText"]),
    (Command(), lambda body: body["generations"][0]["text"], lambda body: body.get("text", "")),
    (CommandR(), lambda body: body["text"], lambda body: body.get("text", "")),
]


# Families of plain text: the chunks' texts together are the body's.
@pytest.mark.parametrize("place", range(len(FLAT)))
@settings(deadline=None)
@given(told=generations(tools=False))
def test_text_chunks(place: int, told: list[Told]) -> None:
    family, of_body, of_chunk = FLAT[place]
    events, answer = read(told)
    body = {"prompt": "p", "message": "m"}
    chunks = family.chunks(body, "m", 3)
    told_chunks = [each for event in events for each in chunks.event(event)] + list(chunks.end(answer))
    assert "".join(map(of_chunk, told_chunks)) == of_body(family.answer(body, answer, "m")) == answer.text


# The same conversation in three forms is one to the model.
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=2), TEXTS, TEXTS)
def test_one_conversation(turns: list[tuple[str, str]], last: str, system: str) -> None:
    flat = [(role, text) for turn in turns for role, text in zip(("user", "assistant"), turn, strict=True)]
    flat.append(("user", last))
    nova = Nova().ask({"messages": [{"role": role, "content": [{"text": text}]} for role, text in flat],
                       "system": [{"text": system}]})
    plain = [{"role": role, "content": text} for role, text in flat]
    anthropic = ANTHROPIC.ask({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": plain,
                               "system": system})
    openai = OPENAI.ask({"messages": [{"role": "system", "content": system}, *plain]})
    assert prompts.messages(nova) == prompts.messages(anthropic) == prompts.messages(openai)


# Tool calls and results survive the way through either form to the model.
@given(NAMES, INPUTS, TEXTS)
def test_one_tool_loop(name: str, arguments: dict[str, Any], found: str) -> None:
    anthropic = ANTHROPIC.ask({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": name, "input": arguments}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": found}]}]})
    openai = OPENAI.ask({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {
            "name": name, "arguments": orjson.dumps(arguments).decode()}}]},
        {"role": "tool", "tool_call_id": "t", "content": found}]})
    assert prompts.messages(anthropic) == prompts.messages(openai)
    call = prompts.messages(openai)[1]["tool_calls"][0]
    assert orjson.loads(call["function"]["arguments"]) == arguments


# Whether to think first, and penalties, reach the model's host in each form that has them; a choice of no tool is none.
def test_thinking_and_penalties() -> None:
    said = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}
    for thinking, wanted in (({"type": "enabled", "budget_tokens": 1024}, True), ({"type": "disabled"}, False)):
        assert prompts.generation(ANTHROPIC.ask({**said, "thinking": thinking})).reasoning is wanted
    assert prompts.generation(ANTHROPIC.ask(said)).reasoning is None
    tool = {"name": "look", "input_schema": {"type": "object"}}
    assert prompts.generation(ANTHROPIC.ask({**said, "tools": [tool], "tool_choice": {"type": "none"}})).tools == []
    asked = prompts.generation(OPENAI.ask({"messages": [{"role": "user", "content": "a"}], "reasoning_effort": "none",
                                           "presence_penalty": 1, "frequency_penalty": -0.5}))
    assert (asked.reasoning, asked.sampling.presence_penalty, asked.sampling.frequency_penalty) == (False, 1, -0.5)
    model = Model("m", "m", "m", "m", Modality.TEXT, 100)
    request = {"messages": [{"role": "user", "content": [{"text": "a"}]}]}
    for extra, thinks in (({"thinking": {"type": "enabled"}}, True), ({"reasoningConfig": {"type": "disabled"}}, False),
                          ({"reasoning_effort": "high"}, True), ({}, None)):
        asked = prompts.generation(ask_of({**request, "additionalModelRequestFields": extra}, model))
        assert asked.reasoning is thinks
    with pytest.raises(ValidationException, match="thinking"):
        ask_of({**request, "additionalModelRequestFields": {"thinking": "yes"}}, model)


KEYS = ["messages", "role", "content", "type", "text", "tools", "system", "name", "tool_choice", "function", "source",
        "id", "input", "tool_calls", "toolUse", "toolResult", "toolSpec", "inputSchema", "json", "parameters", "data",
        "input_schema", "tool_use_id", "media_type", "thinking", "image_url", "url", "toolChoice", "toolConfig", "stop",
        "inferenceConfig", "stop_sequences", "chat_history", "message", "response_format", "json_schema", "schema",
        "arguments", "output_config", "format", "parameter_definitions", "textGenerationConfig", "temperature"]
WORDS = st.sampled_from(["user", "assistant", "text", "image", "tool_use", "tool_result", "document", "image_url",
                         "function", "auto", "any", "tool", "json_schema", "thinking", "{}", ""])
JUNK = st.recursive(WORDS | st.none() | st.booleans() | st.integers(-999, 999) | st.floats(-9, 9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(KEYS), inner, max_size=5), max_leaves=10)
BLOCKS = st.fixed_dictionaries({"type": WORDS}, optional=dict.fromkeys(KEYS[4:28], JUNK)) | st.dictionaries(
    st.sampled_from(["text", "toolUse", "toolResult", "image"]), JUNK, min_size=1, max_size=1)
TURNS = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool", "system"]),
                               "content": st.just("hi") | st.lists(BLOCKS, max_size=2) | JUNK},
                              optional={"tool_calls": JUNK, "tool_call_id": JUNK})
BODIES = st.tuples(st.lists(TURNS, max_size=3), st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=3))


# Whatever a body holds, the answer is an Ask or a ValidationException.
@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["anthropic.m", "meta.m", "mistral.m", "amazon.titan-text-m", "amazon.nova-m",
                        "cohere.command-m", "cohere.command-r-m", "openai.m", "x.y"]), BODIES, st.booleans())
def test_any_body(model: str, junk: tuple[list[Any], dict[str, Any]], turns: bool) -> None:
    needed: dict[str, dict[str, Any]] = {
        "anthropic": {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5}, "meta": {"prompt": "p"},
        "amazon": {} if turns else {"inputText": "i"}, "cohere": {"message": "m"}}
    body = {**({"messages": junk[0]} if turns else {}), **junk[1], **needed.get(model.partition(".")[0], {})}
    try:
        loaded = bodies.load(orjson.dumps(body))
        family = family_of(model, loaded, "application/json", embeds=False)
        asked = family.ask(loaded) if isinstance(family, TextFamily) else Ask()
    except ValidationException:
        return
    assert isinstance(asked, Ask)
    prompts.generation(asked)


# A region stands before a model's id only at its very beginning.
@pytest.mark.parametrize(("model", "base"), [
    ("us.anthropic.claude-v1", "anthropic.claude-v1"), ("skybus.echo-v1", "skybus.echo-v1"),
    ("global.a.b-v1", "a.b-v1"),
])
def test_base_id(model: str, base: str) -> None:
    assert base_id(model) == base


@given(st.lists(st.floats(-9, 9, width=16), min_size=1, max_size=20))
def test_vectors(vector: list[float]) -> None:
    assert sum(part * part for part in unit(vector)) == pytest.approx(1 if any(vector) else 0)
    assert all(-128 <= part <= 127 for part in int8(vector))
    assert binary(vector) == [int(part > 0) for part in vector]
