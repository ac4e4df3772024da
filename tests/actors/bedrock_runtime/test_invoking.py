"""InvokeModel in every family's form, whole and in chunks, on the echo model under each family's id.

Forms: AWS's user guide, "Inference request parameters and response fields for foundation models", family by family.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.inference.catalogue import ECHO_ID, Entry
from tests.actors.bedrock_runtime.caller import ECHO, Caller, in_world

SAID = "one two three"
METRICS = "amazon-bedrock-invocationMetrics"
ANTHROPIC: dict[str, Any] = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100}
CHAT = [{"role": "user", "content": SAID}]

# model id, body, where the text is in the answer, what else must be there
FORMS: list[tuple[str, dict[str, Any], list[Any], dict[str, Any]]] = [
    ("anthropic.claude-3-haiku-20240307-v1:0", {**ANTHROPIC, "messages": CHAT}, ["content", 0, "text"],
     {"type": "message", "role": "assistant", "stop_reason": "end_turn", "stop_sequence": None,
      "usage": {"input_tokens": 3, "output_tokens": 3, "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0}}),
    ("meta.llama3-8b-instruct-v1:0", {"prompt": SAID}, ["generation"],
     {"prompt_token_count": 3, "generation_token_count": 3, "stop_reason": "stop"}),
    ("mistral.mistral-7b-instruct-v0:2", {"prompt": SAID}, ["outputs", 0, "text"], {}),
    ("mistral.mistral-large-2407-v1:0", {"messages": CHAT}, ["choices", 0, "message", "content"], {}),
    ("amazon.titan-text-express-v1", {"inputText": SAID}, ["results", 0, "outputText"], {"inputTextTokenCount": 3}),
    ("amazon.nova-lite-v1:0", {"messages": [{"role": "user", "content": [{"text": SAID}]}]},
     ["output", "message", "content", 0, "text"], {"stopReason": "end_turn"}),
    ("cohere.command-text-v14", {"prompt": SAID}, ["generations", 0, "text"], {"prompt": SAID}),
    ("cohere.command-r-v1:0", {"message": SAID}, ["text"], {"finish_reason": "COMPLETE"}),
    ("openai.gpt-oss-20b-1:0", {"messages": CHAT}, ["choices", 0, "message", "content"],
     {"object": "chat.completion"}),
    ("qwen.qwen3-32b-v1:0", {"messages": CHAT}, ["choices", 0, "message", "content"], {}),
    ("deepseek.r1-v1:0", {"prompt": SAID}, ["choices", 0, "text"], {}),
    ("ai21.jamba-1-5-mini-v1:0", {"messages": CHAT}, ["choices", 0, "message", "content"], {}),
]
IDS = [model for model, *_ in FORMS]
ALIASES = (*IDS, "amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", "cohere.rerank-v3-5:0",
           "amazon.nova-2-multimodal-embeddings-v1:0", "stability.sd3-5-large-v1:0")


def in_aliased(tmp_path: Path, test: Any) -> None:
    """With a model that stands under all those ids, as an operator's catalogue would say."""

    async def aliased(runtime: Caller) -> None:
        runtime.world.models.catalogue.add(Entry("test.echo-v1", "echo", aliases=ALIASES))
        await test(runtime)

    in_world(tmp_path, aliased)


def at(body: Any, path: list[Any]) -> Any:
    for step in path:
        body = body[step]
    return body


def test_whole(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        for model, body, path, rest in FORMS:
            answer = await runtime.invoke(body, modelId=model)
            assert at(answer, path) == SAID, model
            assert {name: answer[name] for name in rest} == rest, model

    in_aliased(tmp_path, test)


# The chunks' text together is the whole answer's; the last chunk, and no other, has the invocation's metrics.
def test_chunks(tmp_path: Path) -> None:
    pieces = {
        "anthropic": lambda chunk: chunk.get("delta", {}).get("text", ""),
        "meta": lambda chunk: chunk["generation"],
        "mistral.mistral-7b": lambda chunk: chunk["outputs"][0]["text"],
        "amazon.titan": lambda chunk: chunk["outputText"],
        "amazon.nova": lambda chunk: chunk.get("contentBlockDelta", {}).get("delta", {}).get("text", ""),
        "cohere.command-text": lambda chunk: chunk.get("text", ""),
        "cohere.command-r": lambda chunk: chunk.get("text", ""),
        "deepseek": lambda chunk: chunk["choices"][0]["text"],
        "": lambda chunk: chunk["choices"][0]["delta"].get("content", ""),
    }

    async def test(runtime: Caller) -> None:
        for model, body, _, _ in FORMS:
            chunks = await runtime.chunks(body, modelId=model)
            read = next(read for prefix, read in pieces.items() if model.startswith(prefix))
            assert "".join(map(read, chunks)) == SAID, model
            assert len(chunks) > 3, model
            assert chunks[-1][METRICS]["inputTokenCount"] == chunks[-1][METRICS]["outputTokenCount"] == 3, model
            assert not any(METRICS in chunk for chunk in chunks[:-1]), model

    in_aliased(tmp_path, test)


# Anthropic's events, with the tokens that were read in the first and those that were written in the last but one.
def test_anthropic_events(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        tool = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
        chunks = await runtime.chunks(
            {**ANTHROPIC, "tools": [tool], "messages": [{"role": "user", "content": 'hm\n!tool look {"a": 1}'}]},
            modelId=IDS[0])
        assert [chunk["type"] for chunk in chunks if chunk["type"] != "content_block_delta"] == [
            "message_start", "content_block_start", "content_block_stop", "content_block_start", "content_block_stop",
            "message_delta", "message_stop"]
        assert chunks[0]["message"]["usage"]["input_tokens"] > 0
        assert chunks[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
        partial = "".join(chunk["delta"].get("partial_json", "") for chunk in chunks
                          if chunk["type"] == "content_block_delta")
        assert json.loads(partial) == {"a": 1}

    in_aliased(tmp_path, test)


# An agent's second turn, in both forms that know tools: results go back, the model hears them.
def test_tool_results(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        tool = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
        answer = await runtime.invoke({**ANTHROPIC, "tools": [tool], "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a cat"}]},
        ]}, modelId=IDS[0])
        assert answer["content"] == [{"type": "text", "text": "look answered: a cat"}]
        call = {"id": "t1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        answer = await runtime.invoke({
            "tools": [{"type": "function", "function": {"name": "look"}}], "messages": [
                {"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "t1", "content": "a cat"}]}, modelId="openai.gpt-oss-20b-1:0")
        assert answer["choices"][0]["message"]["content"] == "look answered: a cat"

    in_aliased(tmp_path, test)


# A model of nobody's family is spoken to in whatever form the body has; contentType may say which.
def test_forms_of_local_models(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        assert (await runtime.invoke({"messages": CHAT}))["choices"][0]["message"]["content"] == SAID
        assert (await runtime.invoke({**ANTHROPIC, "messages": CHAT}))["content"][0]["text"] == SAID
        assert (await runtime.invoke({"inputText": SAID}))["results"][0]["outputText"] == SAID
        assert len((await runtime.invoke({"inputText": SAID, "normalize": True}))["embedding"]) == 256
        forced = await runtime.invoke({"messages": CHAT, "max_tokens": 5}, modelId=IDS[1],
                                      contentType="application/vnd.skybus.openai+json")
        assert forced["choices"][0]["message"]["content"] == SAID

    in_aliased(tmp_path, test)


def test_embeddings(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        titan = await runtime.invoke({"inputText": SAID, "dimensions": 256, "embeddingTypes": ["float", "binary"]},
                                     modelId="amazon.titan-embed-text-v2:0")
        assert titan["inputTextTokenCount"] == 3
        assert len(titan["embedding"]) == len(titan["embeddingsByType"]["binary"]) == 256
        assert sum(part * part for part in titan["embedding"]) == pytest.approx(1)
        raw = await runtime.invoke({"inputText": SAID, "normalize": False}, modelId="amazon.titan-embed-text-v2:0")
        assert sum(part * part for part in raw["embedding"]) == pytest.approx(3)
        cohere = await runtime.invoke({"texts": ["a", "b c"], "input_type": "search_document",
                                       "embedding_types": ["int8", "ubinary"]}, modelId="cohere.embed-english-v3")
        assert [len(vector) for vector in cohere["embeddings"]["ubinary"]] == [32, 32]
        assert cohere["response_type"] == "embeddings_by_type"
        nova = await runtime.invoke({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {
            "embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 256,
            "text": {"truncationMode": "END", "value": SAID}}}, modelId="amazon.nova-2-multimodal-embeddings-v1:0")
        assert len(nova["embeddings"][0]["embedding"]) == 256
        ranked = await runtime.invoke({"query": "two", "documents": ["one", "two", "three"], "top_n": 2},
                                      modelId="cohere.rerank-v3-5:0")
        assert ranked["results"][0]["index"] == 1
        assert len(ranked["results"]) == 2

    in_aliased(tmp_path, test)


# Headers for who counts tokens (langchain-aws): members of the answer that travel as headers.
def test_counts(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        answer = await runtime.call("InvokeModel", modelId=ECHO_ID, body=json.dumps({"messages": CHAT}).encode())
        assert (answer["inputTokenCount"], answer["outputTokenCount"]) == (3, 3)
        assert answer["contentType"] == "application/json"

    in_world(tmp_path, test)


MALFORMED = "Malformed input request: {}, please reformat your input and try again."
REFUSALS: list[tuple[str, Any, str]] = [
    (IDS[0], {**ANTHROPIC}, MALFORMED.format("#: required key [messages] not found")),
    (IDS[0], {**ANTHROPIC, "messages": CHAT, "max_tokens": "5"},
     MALFORMED.format("#/max_tokens: expected type: Integer, found: String")),
    (IDS[0], {**ANTHROPIC, "messages": CHAT, "anthropic_version": "1"},
     'anthropic_version: "bedrock-2023-05-31" is required'),
    (IDS[0], {**ANTHROPIC, "messages": []}, "messages: at least one message is required"),
    (IDS[0], {**ANTHROPIC, "messages": [{"role": "assistant", "content": "x"}]},
     'messages: first message must use the "user" role'),
    (IDS[1], {"prompt": "x", "max_gen_len": 9999},
     MALFORMED.format("#/max_gen_len: 9999 is not less or equal to 8192")),
    (IDS[1], {"prompt": "x", "foo": 1}, MALFORMED.format("#: extraneous key [foo] is not permitted")),
    (IDS[4], {"inputText": "x", "textGenerationConfig": {"topP": 2}},
     MALFORMED.format("#/textGenerationConfig/topP: 2 is not less or equal to 1")),
    ("cohere.embed-english-v3", {"inputText": "x"},
     MALFORMED.format("#: required key [texts] not found#: required key [input_type] not found#: extraneous key "
                      "[inputText] is not permitted")),
    ("amazon.titan-embed-text-v2:0", {"inputText": "x", "dimensions": 7},
     MALFORMED.format("#/dimensions: 7 is not a valid enum value")),
    ("stability.sd3-5-large-v1:0", {"prompt": "x"},
     "Skybus has no engine for the modality of stability.sd3-5-large-v1:0."),
    (ECHO, b"no json", "Malformed input request, please reformat your input and try again."),
    (ECHO, {}, MALFORMED.format("#: required key [messages] not found")),
]


def test_refusals(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        for model, body, message in REFUSALS:
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            told = await runtime.error("InvokeModel", modelId=model, body=sent)
            assert told == ("ValidationException", message), (model, body)

    in_aliased(tmp_path, test)
