"""Converse and ConverseStream on the echo model. Shapes and order of events: AWS's API reference."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import AwsError
from tests.actors.bedrock_runtime.caller import (
    ECHO,
    Caller,
    assistant,
    in_service,
    in_world,
    result,
    text_of,
    use,
    user,
)

SETTLED_S = 5.0                           # of virtual time
LOOK: dict[str, Any] = {"tools": [{"toolSpec": {"name": "look", "description": "looks", "inputSchema": {"json": {
    "type": "object", "properties": {"where": {"type": "string"}}, "required": ["where"]}}}}]}


# One call: text, tokens counted, the reason, the time; the same as events, in AWS's order.
def test_text(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        whole = await runtime.call("Converse", modelId=ECHO, messages=[user("one two three")])
        assert whole["output"] == {"message": {"role": "assistant", "content": [{"text": "one two three"}]}}
        assert whole["stopReason"] == "end_turn"
        assert whole["usage"] == {"inputTokens": 3, "outputTokens": 3, "totalTokens": 6}
        assert whole["metrics"]["latencyMs"] >= 0
        events = await runtime.stream("ConverseStream", modelId=ECHO, messages=[user("one two three")])
        assert [next(iter(event)) for event in events] == [
            "messageStart", *["contentBlockDelta"] * 3, "contentBlockStop", "messageStop", "metadata"]
        assert text_of(events) == "one two three"
        assert events[-1]["metadata"]["usage"] == whole["usage"]

    in_world(tmp_path, test)


# A tool's call streams as a start and strings of JSON; its answer goes back in the next turn.
def test_tools(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        asked: dict[str, Any] = {"modelId": ECHO, "messages": [user('!tool look {"where": "here or there"}')],
                                 "toolConfig": LOOK}
        events = await runtime.stream("ConverseStream", **asked)
        names = [next(iter(event)) for event in events]
        assert names[:2] == ["messageStart", "contentBlockStart"]
        assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
        assert names.count("contentBlockDelta") > 1
        pieces = [event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in events
                  if "contentBlockDelta" in event]
        assert json.loads("".join(pieces)) == {"where": "here or there"}
        whole = await runtime.call("Converse", **asked)
        call = whole["output"]["message"]["content"][-1]["toolUse"]
        assert (call["name"], call["input"], whole["stopReason"]) == ("look", {"where": "here or there"}, "tool_use")
        again = await runtime.call("Converse", modelId=ECHO, toolConfig=LOOK, messages=[
            *asked["messages"], whole["output"]["message"], user(result(call["toolUseId"], "a cat"))])
        assert again["output"]["message"]["content"] == [{"text": "look answered: a cat"}]

    in_world(tmp_path, test)


# toolChoice any and tool: a call whose input has what the schema requires, whatever was said.
@pytest.mark.parametrize("choice", [{"any": {}}, {"tool": {"name": "look"}}])
def test_tool_choice(tmp_path: Path, choice: dict[str, Any]) -> None:
    async def test(runtime: Caller) -> None:
        answer = await runtime.call("Converse", modelId=ECHO, messages=[user("hello")],
                                    toolConfig={**LOOK, "toolChoice": choice})
        [block] = answer["output"]["message"]["content"]
        assert isinstance(block["toolUse"]["input"]["where"], str)

    in_world(tmp_path, test)


# outputConfig's JSON schema constrains the answer.
def test_schema(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
        answer = await runtime.call("Converse", modelId=ECHO, messages=[user("hello")], outputConfig={
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema}}}})
        assert isinstance(json.loads(answer["output"]["message"]["content"][0]["text"])["n"], int)

    in_world(tmp_path, test)


# Why an answer ends: max_tokens, stop_sequence; what additionalModelResponseFieldPaths points to comes along.
def test_reasons(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        asked: dict[str, Any] = {"modelId": ECHO, "messages": [user("one two three four")]}
        cut = await runtime.call("Converse", **asked, inferenceConfig={"maxTokens": 2})
        assert (cut["stopReason"], cut["usage"]["outputTokens"]) == ("max_tokens", 2)
        stopped = await runtime.call("Converse", **asked, inferenceConfig={"stopSequences": ["three"]},
                                     additionalModelResponseFieldPaths=["/choices", "/nothing"])
        assert stopped["stopReason"] == "stop_sequence"
        assert stopped["output"]["message"]["content"] == [{"text": "one two "}]
        assert stopped["additionalModelResponseFields"]["choices"][0]["finish_reason"] == "stop"

    in_world(tmp_path, test)


# Thoughts are a block of their own.
def test_reasoning(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        answer = await runtime.call("Converse", modelId=ECHO, messages=[user("!think let me see\nyes")])
        thought, said = answer["output"]["message"]["content"]
        assert thought == {"reasoningContent": {"reasoningText": {"text": "let me see"}}}
        assert said == {"text": "yes"}

    in_world(tmp_path, test)


# A model that fails on the way ends the stream with an exception after what it had said.
def test_failure_on_the_way(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        seen: list[dict[str, Any]] = []
        with pytest.raises(AwsError) as caught:
            await runtime.stream("ConverseStream", seen, modelId=ECHO,
                                 messages=[user("!fail 2\none two three four")])
        assert caught.value.error_code == "ModelErrorException"
        assert text_of(seen) == "one two"

    in_world(tmp_path, test)


# Who hangs up a stream, guarded or not, or cancels a call, leaves no generation running.
def test_hanging_up(tmp_path: Path) -> None:
    async def running(runtime: Caller) -> float:
        [host] = await runtime.world.placement.running()
        samples = {name: value for name, _, value in runtime.world.placement.hosts[host][0].metrics()}
        return samples["skybus_model_running"]

    async def test(runtime: Caller) -> None:
        made = await runtime.control(
            "CreateGuardrail", name="g", blockedInputMessaging="no", blockedOutputsMessaging="no",
            wordPolicyConfig={"wordsConfig": [{"text": "secret"}]})
        slow: dict[str, Any] = {"modelId": ECHO, "messages": [user("!pause 1000\n" + "word. " * 600)]}
        config = {"guardrailIdentifier": made["guardrailId"], "guardrailVersion": "DRAFT"}
        for request in (slow, {**slow, "guardrailConfig": config}):
            async with aclosing(runtime.client.stream("bedrock-runtime", "ConverseStream", request)) as replies:
                async for reply in replies:
                    assert reply.event is not None
                    if "contentBlockDelta" in reply.event:
                        break
                assert await running(runtime) == 1
            await asyncio.sleep(SETTLED_S)
            assert await running(runtime) == 0
        call = asyncio.ensure_future(runtime.call("Converse", **slow))
        await asyncio.sleep(SETTLED_S)
        assert await running(runtime) == 1
        call.cancel()
        await asyncio.sleep(SETTLED_S)
        assert await running(runtime) == 0

    in_world(tmp_path, test)


# Models are called by id, by inference profile, by ARN of either, and by what an account made of them.
def test_identifiers(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        base = f"arn:aws:bedrock:us-east-1::foundation-model/{ECHO}"
        mine = (await runtime.control("CreateInferenceProfile", inferenceProfileName="mine",
                                      modelSource={"copyFrom": base}))["inferenceProfileArn"]
        bought = (await runtime.control("CreateProvisionedModelThroughput", provisionedModelName="bought",
                                        modelUnits=1, modelId=ECHO))["provisionedModelArn"]
        await in_service(runtime, bought)
        for model in (f"us.{ECHO}", base, f"arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.{ECHO}",
                      mine, bought):
            answer = await runtime.call("Converse", modelId=model, messages=[user("hi")])
            assert answer["output"]["message"]["content"] == [{"text": "hi"}], model

    in_world(tmp_path, test)


# What documents and marked content say is text to the model; a cache point is none.
def test_blocks(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        document = {"document": {"format": "txt", "name": "notes", "source": {"bytes": b"six seven"}}}
        answer = await runtime.call("Converse", modelId=ECHO, messages=[user(
            "read", document, {"guardContent": {"text": {"text": "this"}}}, {"cachePoint": {"type": "default"}})])
        assert answer["output"]["message"]["content"] == [{"text": "read\nnotes:\nsix seven\nthis"}]

    in_world(tmp_path, test)


BIG = 10**9
UNKNOWN = "The provided model identifier is invalid."
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"modelId": "no.such-model-v1"}, UNKNOWN),
    ({"modelId": "arn:aws:bedrock:us-east-1::foundation-model/no.such-model-v1"}, UNKNOWN),
    ({"messages": []}, "A conversation must start with a user message. Try again with a conversation that starts with "
                       "a user message."),
    ({"messages": [assistant("hi")]}, "A conversation must start with a user message. Try again with a conversation "
                                      "that starts with a user message."),
    ({"messages": [user("a"), user("b")]},
     "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between "
     "user and assistant roles and try again."),
    ({"messages": [{"role": "user", "content": []}]},
     "The content field in the Message object at messages.0 is empty. Add a ContentBlock object to the content field "
     "and try again."),
    ({"messages": [user("hi", " ")]}, "The text field in the ContentBlock object at messages.0.content.1 is blank. Add "
                                      "text to the text field, and try again."),
    ({"messages": [user("a"), assistant(use("t1")), user("b")], "toolConfig": LOOK},
     "Expected toolResult blocks at messages.2.content for the following Ids: t1"),
    ({"messages": [user(result("t1"))], "toolConfig": LOOK},
     "The number of toolResult blocks at messages.0.content exceeds the number of toolUse blocks of previous turn."),
    ({"messages": [user("a"), assistant(use("t1")), user(result("t1"))]},
     "The toolConfig field must be defined when using toolUse and toolResult content blocks."),
    ({"inferenceConfig": {"maxTokens": BIG}},
     "The maximum tokens you requested exceeds the model limit of 131072. Try again with a maximum tokens value that "
     "is lower than 131072."),
    ({"guardrailConfig": {"guardrailIdentifier": "nothere", "guardrailVersion": "DRAFT"}},
     "The guardrail identifier or version provided in the request does not exist."),
    ({"toolConfig": {**LOOK, "toolChoice": {"tool": {"name": "other"}}}},
     "The tool other of toolChoice is not defined in the toolConfig field."),
    ({"inferenceConfig": {"temperature": 2.0}},
     "1 validation error detected: Value '2.0' at 'inferenceConfig.temperature' failed to satisfy constraint: Member "
     "must have value less than or equal to 1"),
    ({"promptVariables": {"a": {"text": "b"}}},
     "Skybus does not implement prompts of Prompt management: promptVariables."),
    ({"performanceConfig": {"latency": "optimized"}},
     f"Latency performance configuration is not supported for {ECHO}."),
]


# AWS's sentences, as public reports of the service quote them; the same for the stream, before its first event.
def test_refusals(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        for changed, message in REFUSALS:
            request = {"modelId": ECHO, "messages": [user("hi")], **changed}
            assert await runtime.error("Converse", **request) == ("ValidationException", message), changed
            with pytest.raises(AwsError) as caught:
                await runtime.stream("ConverseStream", **request)
            assert caught.value.message == message

    in_world(tmp_path, test)


# What stands before the last cache point is told as written to the cache (the echo has none to read from), and no more
# as input; all of it together is what was read. https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
def test_cache_points(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        point = {"cachePoint": {"type": "default"}}
        plain = (await runtime.call("Converse", modelId=ECHO, system=[{"text": "be brief"}], messages=[
            user("one two three", "four")]))["usage"]
        assert "cacheReadInputTokens" not in plain

        async def usage(*content: Any, **more: Any) -> tuple[int, int]:
            request = {"system": [{"text": "be brief"}], "messages": [user(*content)], **more}
            told = (await runtime.call("Converse", modelId=ECHO, **request))["usage"]
            events = await runtime.stream("ConverseStream", modelId=ECHO, **request)
            assert events[-1]["metadata"]["usage"] == told
            assert told["totalTokens"] == told["inputTokens"] + told["outputTokens"] + told["cacheWriteInputTokens"]
            assert told["cacheReadInputTokens"] == 0
            assert told["inputTokens"] + told["cacheWriteInputTokens"] == plain["inputTokens"]
            assert told["cacheDetails"] == [{"ttl": "5m", "inputTokens": told["cacheWriteInputTokens"]}]
            return told["inputTokens"], told["cacheWriteInputTokens"]

        assert await usage("one two three", point, "four") == (1, 5)
        assert await usage("one two three", "four", system=[{"text": "be brief"}, point]) == (4, 2)
        code, _ = await runtime.error("Converse", modelId=ECHO, messages=[user("a", *[point] * 5)])
        assert code == "ValidationException"
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "one two", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "three"}]}]}
        told = (await runtime.invoke(body))["usage"]
        assert (told["input_tokens"], told["cache_creation_input_tokens"]) == (1, 2)

    in_world(tmp_path, test)


def test_not_there(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        gone = "arn:aws:bedrock:us-east-1:000000000000:imported-model/abcdefghijkl"
        code, _ = await runtime.error("Converse", modelId=gone, messages=[user("hi")])
        assert code == "ResourceNotFoundException"
        assert await runtime.error("CountTokens", modelId="no.such-model-v1", input={
            "converse": {"messages": [user("hi")]}}) == ("ValidationException", UNKNOWN)

    in_world(tmp_path, test)


# Counting costs what asking would have cost.
def test_count_tokens(tmp_path: Path) -> None:
    async def test(runtime: Caller) -> None:
        messages = [user("one two"), assistant("three"), user("four five")]
        counted = await runtime.call("CountTokens", modelId=ECHO, input={"converse": {
            "messages": messages, "system": [{"text": "be brief"}]}})
        asked = await runtime.call("Converse", modelId=ECHO, messages=messages, system=[{"text": "be brief"}])
        assert counted["inputTokens"] == asked["usage"]["inputTokens"] == 7
        body = json.dumps({"messages": [{"role": "user", "content": "a b c"}]}).encode()
        assert (await runtime.call("CountTokens", modelId=ECHO, input={"invokeModel": {"body": body}})) == {
            "inputTokens": 3}

    in_world(tmp_path, test)
