"""The chat completions form (choices[]) of OpenAI, Qwen, DeepSeek, Mistral's chat models, AI21 Jamba and others, and
their text completions (a prompt in, choices[].text out).

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
"""

import base64
import binascii
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

import orjson

from actors.bedrock_runtime.asking import Answer, Ask, Block, Event, Logprob
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check, member, texts
from actors.bedrock_runtime.families.family import Chunks, delta_text
from schemas.errors import ValidationException

_TYPES = {"messages": list, "prompt": str, "max_tokens": int, "max_completion_tokens": int, "temperature": float,
          "top_p": float, "top_k": int, "stop": object, "tools": list, "tool_choice": object, "response_format": dict,
          "logprobs": object, "top_logprobs": int, "n": int, "seed": int, "stream": bool,
          "presence_penalty": float, "frequency_penalty": float, "reasoning_effort": str}
_REASONS = {"max_tokens": "length", "model_context_window_exceeded": "length", "tool_use": "tool_calls",
            "content_filtered": "content_filter", "guardrail_intervened": "content_filter"}
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "user",
          "function": "user"}


class OpenAI:
    counts_first: ClassVar[bool] = False

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, closed=False)                # the form has many members that say nothing to a local model
        if "prompt" not in body and not body.get("messages"):
            raise Malformed("#: required key [messages] not found")
        if (body.get("n") or 1) != 1:
            raise ValidationException("Skybus answers with one choice; n must be 1.")
        bounded(body, "temperature", 0, 2)
        bounded(body, "top_p", 0, 1)
        bounded(body, "presence_penalty", -2, 2)
        bounded(body, "frequency_penalty", -2, 2)
        stop = body.get("stop")
        stop = [stop] if isinstance(stop, str) else texts(stop, "#/stop")
        ask = Ask(max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
                  temperature=body.get("temperature"), top_p=body.get("top_p"), top_k=body.get("top_k"),
                  presence_penalty=body.get("presence_penalty"), frequency_penalty=body.get("frequency_penalty"),
                  seed=body.get("seed"), stop=stop, reasoning=effort(body.get("reasoning_effort")))
        if "prompt" in body:
            ask.prompt = body["prompt"]
            return ask
        _converse(ask, body["messages"])
        ask.tools = [_tool(tool, place) for place, tool in enumerate(body.get("tools") or ())]
        ask.tool_choice = _choice(body.get("tool_choice"))
        if body.get("tool_choice") == "none":
            ask.tools = []
        ask.schema = _schema(body.get("response_format"))
        if body.get("logprobs"):
            ask.logprobs = body.get("top_logprobs") or 0
        return ask

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        choice: Body = {"index": 0, "finish_reason": _reason(answer)}
        if "prompt" in body:
            choice |= {"text": answer.text, "stop_reason": _reason(answer)}
        else:
            choice |= {"message": _message(answer), "logprobs": _logprobs(answer)}
        return {**_head("text_completion" if "prompt" in body else "chat.completion", model), "choices": [choice],
                "usage": _usage(answer)}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks(body, model)


# What comes in

def effort(asked: str | None) -> bool | None:
    """reasoning_effort: to think or not; how much, a local model has no measure of."""
    return None if asked is None else asked not in ("none", "minimal")


def _converse(ask: Ask, messages: list[Any]) -> None:
    """Turns with roles as Converse has them: system apart, results in a user's turn, one turn for each change."""
    for place, message in enumerate(messages):
        at = f"#/messages/{place}"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise Malformed(f"{at}/role: not a valid enum value")
        role = _ROLES[message["role"]]
        if role == "system":
            ask.system += [{"text": block["text"]} for block in _content(message, at) if "text" in block]
            continue
        blocks = _tool_result(message, at) if message["role"] in ("tool", "function") else _content(message, at)
        check(message, {"tool_calls": list}, (), at, closed=False)
        blocks += [_call(call, at) for call in message.get("tool_calls") or ()]
        if ask.messages and ask.messages[-1]["role"] == role:
            ask.messages[-1]["content"] += blocks
        else:
            ask.messages.append({"role": role, "content": blocks})


def _content(message: Mapping[str, Any], at: str) -> list[Block]:
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}] if content else []
    if not isinstance(content, list):
        raise Malformed(f"{at}/content: expected type: String, found: {type(content).__name__}")
    return [_part(part, f"{at}/content/{place}") for place, part in enumerate(content)]


def _part(part: Any, at: str) -> Block:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("text", "input_text", "output_text") and isinstance(part.get("text"), str):
        return {"text": part["text"]}
    if kind == "image_url":
        url = member(part.get("image_url"), "url", str, f"{at}/image_url")
        head, _, data = url.partition(";base64,")
        if not head.startswith("data:image/") or not data:
            raise ValidationException(f"{at}/image_url: images are taken as data URLs in base64.")
        try:
            return {"image": {"format": head.removeprefix("data:image/"),
                              "source": {"bytes": base64.b64decode(data, validate=True)}}}
        except (binascii.Error, ValueError) as error:
            raise ValidationException(f"{at}/image_url: no base64.") from error
    raise Malformed(f"{at}/type: {kind} is not a valid enum value")


def _tool_result(message: Mapping[str, Any], at: str) -> list[Block]:
    return [{"toolResult": {"toolUseId": str(message.get("tool_call_id") or message.get("name") or ""),
                            "content": _content(message, at) or [{"text": ""}], "status": "success"}}]


def _call(call: Any, at: str) -> Block:
    try:
        function = member(call, "function", dict, f"{at}/tool_calls")
        arguments = orjson.loads(member(function, "arguments", str, f"{at}/tool_calls/function") or "{}")
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{at}/tool_calls/function/arguments: no valid JSON") from error
    return {"toolUse": {"toolUseId": member(call, "id", str, f"{at}/tool_calls"),
                        "name": member(function, "name", str, f"{at}/tool_calls/function"), "input": arguments}}


def _tool(tool: Any, place: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise Malformed(f"#/tools/{place}/function: required key [name] not found")
    check(function, {"parameters": dict, "description": str}, (), f"#/tools/{place}/function", closed=False)
    spec = {"name": function["name"],
            "inputSchema": {"json": function.get("parameters") or {"type": "object", "properties": {}}}}
    return {**spec, "description": function["description"]} if function.get("description") else spec


def _choice(choice: Any) -> dict[str, Any] | None:
    if choice in (None, "none"):
        return None
    if choice == "auto":
        return {"auto": {}}
    if choice in ("required", "any"):
        return {"any": {}}
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict) and "name" in choice["function"]:
        return {"tool": {"name": member(choice["function"], "name", str, "#/tool_choice/function")}}
    raise Malformed(f"#/tool_choice: {choice} is not a valid enum value")


def _schema(wanted: Mapping[str, Any] | None) -> dict[str, Any] | None:
    kind = (wanted or {}).get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    if kind == "json_schema" and isinstance(wanted, dict) and isinstance(wanted.get("json_schema"), dict):
        check(wanted["json_schema"], {"schema": dict}, (), "#/response_format/json_schema", closed=False)
        return wanted["json_schema"].get("schema") or {}
    raise Malformed(f"#/response_format/type: {kind} is not a valid enum value")


# What goes out

def _head(kind: str, model: str) -> Body:
    return {"id": f"chatcmpl-{uuid4().hex[:24]}", "object": kind, "created": int(time.time()), "model": model}


def _reason(answer: Answer) -> str:
    return _REASONS.get(answer.stop_reason, "stop")


def _usage(answer: Answer) -> Body:
    usage = answer.usage
    return {"prompt_tokens": usage.read, "completion_tokens": usage.output,
            "total_tokens": usage.total, "prompt_tokens_details": {"cached_tokens": usage.found}}


def _message(answer: Answer) -> Body:
    calls = [block["toolUse"] for block in answer.content if "toolUse" in block]
    thoughts = [block["reasoningContent"]["reasoningText"]["text"] for block in answer.content
                if "reasoningContent" in block]
    message: Body = {"role": "assistant", "content": answer.text or (None if calls else "")}
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if calls:
        message["tool_calls"] = [
            {"id": call["toolUseId"], "type": "function",
             "function": {"name": call["name"], "arguments": orjson.dumps(call["input"]).decode()}} for call in calls]
    return message


def _logprobs(answer: Answer) -> Body | None:
    return {"content": [_logprob(each) for each in answer.logprobs]} if answer.logprobs else None


def _logprob(token: Logprob) -> Body:
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.token.encode()),
            "top_logprobs": [{"token": text, "logprob": value, "bytes": list(text.encode())}
                             for text, value in token.alternatives]}


class _Chunks:
    """chat.completion.chunk: the role first, then deltas, then the reason; usage on the last."""

    def __init__(self, body: Body, model: str) -> None:
        self._plain = "prompt" in body
        self._head = _head("text_completion" if self._plain else "chat.completion.chunk", model)
        self._calls: dict[int, int] = {}                 # a tool's block -> its place among the calls

    def event(self, event: Event) -> Iterator[Body]:
        text = delta_text(event)
        if self._plain:
            if text:
                yield {**self._head, "choices": [{"index": 0, "text": text, "stop_reason": None}]}
            return
        delta: Body | None = None
        if "messageStart" in event:
            delta = {"role": "assistant", "content": ""}
        elif text:
            delta = {"content": text}
        elif "contentBlockStart" in event:
            delta = self._call(event["contentBlockStart"])
        elif "toolUse" in event.get("contentBlockDelta", {}).get("delta", {}):
            delta = self._arguments(event["contentBlockDelta"])
        elif "reasoningContent" in event.get("contentBlockDelta", {}).get("delta", {}):
            delta = {"reasoning_content": event["contentBlockDelta"]["delta"]["reasoningContent"].get("text", "")}
        if delta is not None:
            yield self._chunk(delta, None)

    def _call(self, start: Mapping[str, Any]) -> Body:
        use = start["start"]["toolUse"]
        place = self._calls[start["contentBlockIndex"]] = len(self._calls)
        return {"tool_calls": [{"index": place, "id": use["toolUseId"], "type": "function",
                                "function": {"name": use["name"], "arguments": ""}}]}

    def _arguments(self, delta: Mapping[str, Any]) -> Body:
        return {"tool_calls": [{"index": self._calls[delta["contentBlockIndex"]],
                                "function": {"arguments": delta["delta"]["toolUse"]["input"]}}]}

    def _chunk(self, delta: Body, reason: str | None) -> Body:
        return {**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    def end(self, answer: Answer) -> Iterator[Body]:
        if self._plain:
            yield {**self._head, "choices": [{"index": 0, "text": "", "stop_reason": _reason(answer)}],
                   "usage": _usage(answer)}
        else:
            yield {**self._chunk({}, _reason(answer)), "usage": _usage(answer)}
