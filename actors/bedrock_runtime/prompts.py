"""What is asked, as a model host understands it: Converse's turns as chat messages, its tools as functions."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from actors.bedrock_runtime.asking import Ask, Block
from actors.runtime.inference.protocol import GenerateRequest, Message, Sampling, TokenizeRequest, Tool


def generation(ask: Ask) -> GenerateRequest:
    sampling = Sampling(max_tokens=ask.max_tokens, temperature=ask.temperature, top_p=ask.top_p, top_k=ask.top_k,
                        presence_penalty=ask.presence_penalty, frequency_penalty=ask.frequency_penalty, seed=ask.seed)
    return GenerateRequest(
        messages=None if ask.prompt is not None else messages(ask), prompt=ask.prompt, tools=tools(ask),
        tool_choice=_choice(ask.tool_choice), schema=ask.schema, stop=ask.stop, sampling=sampling,
        logprobs=ask.logprobs, reasoning=ask.reasoning)


def tokenization(ask: Ask) -> TokenizeRequest:
    return TokenizeRequest(messages=None if ask.prompt is not None else messages(ask), prompt=ask.prompt,
                           tools=tools(ask))


def messages(ask: Ask) -> list[Message]:
    """The system's texts first; a user's turn with results of tools becomes one turn per result, then its text."""
    found: list[Message] = []
    system = "\n\n".join(block["text"] for block in ask.system if "text" in block)
    if system:
        found.append({"role": "system", "content": system})
    for message in ask.messages:
        found += _user(message["content"]) if message["role"] == "user" else [_assistant(message["content"])]
    return found


def _user(blocks: Iterable[Block]) -> list[Message]:
    results: list[Message] = []
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if "toolResult" in block:
            result = block["toolResult"]
            text = "\n".join(_result(each) for each in result["content"])
            results.append({"role": "tool", "tool_call_id": result["toolUseId"], "content": text})
        elif "image" in block:
            parts.append({"type": "image", "data": block["image"]["source"]["bytes"],
                          "format": block["image"]["format"]})
        elif "text" in block:
            parts.append({"type": "text", "text": block["text"]})
    if not parts:
        return results
    if all(part["type"] == "text" for part in parts):
        return [*results, {"role": "user", "content": "\n".join(part["text"] for part in parts)}]
    return [*results, {"role": "user", "content": parts}]


def _assistant(blocks: Iterable[Block]) -> Message:
    message: Message = {"role": "assistant", "content": ""}
    for block in blocks:
        if "text" in block:
            message["content"] = f"{message['content']}{block['text']}"
        elif "toolUse" in block:
            use = block["toolUse"]
            function = {"name": use["name"], "arguments": orjson.dumps(use["input"]).decode()}
            message.setdefault("tool_calls", []).append(
                {"id": use["toolUseId"], "type": "function", "function": function})
        elif "reasoningText" in block.get("reasoningContent", {}):
            message["reasoning"] = message.get("reasoning", "") + block["reasoningContent"]["reasoningText"]["text"]
    return message


def _result(part: Mapping[str, Any]) -> str:
    """A piece of a tool's result as text, which is all that chat templates take."""
    if "text" in part:
        return str(part["text"])
    if "json" in part:
        return orjson.dumps(part["json"]).decode()
    (kind, _), = part.items()
    return f"[{kind}]"


def tools(ask: Ask) -> list[Tool]:
    found: list[Tool] = []
    for spec in ask.tools:
        if "cachePoint" in spec:
            continue
        tool: Tool = {"name": spec["name"], "parameters": spec["inputSchema"]["json"]}
        if spec.get("description"):
            tool["description"] = spec["description"]
        found.append(tool)
    return found


def _choice(choice: Mapping[str, Any] | None) -> str:
    if choice and "tool" in choice:
        return str(choice["tool"]["name"])
    return "required" if choice and "any" in choice else "auto"
