"""Anthropic Claude: the Messages form, and nothing of the text completions that came before it.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

from actors.bedrock_runtime.asking import Answer, Ask, Block, Event
from actors.bedrock_runtime.families.bodies import Body, bounded, check, member, texts
from actors.bedrock_runtime.families.family import Chunks
from schemas.errors import ValidationException

VERSION = "bedrock-2023-05-31"
# Anthropic's SDK sends its API's own version to Bedrock (2026-10-21 in release 2.12).
_VERSION = re.compile(r"(?:bedrock-)?\d{4}-\d{2}-\d{2}")
_TYPES = {
    "anthropic_version": str, "anthropic_beta": list, "max_tokens": int, "messages": list, "system": object,
    "temperature": float, "top_p": float, "top_k": int, "stop_sequences": list, "tools": list, "tool_choice": dict,
    "thinking": dict, "metadata": dict, "service_tier": str, "context_management": dict, "output_config": dict,
    "output_format": dict, "mcp_servers": list, "container": object, "cache_control": dict,
}
_MEDIA = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_STOPS = {"guardrail_intervened": "end_turn", "content_filtered": "refusal",
          "model_context_window_exceeded": "max_tokens"}


class Anthropic:
    counts_first: ClassVar[bool] = True

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, ("anthropic_version", "max_tokens", "messages"))
        if not _VERSION.fullmatch(body["anthropic_version"]):
            raise ValidationException(f"anthropic_version: \"{VERSION}\" is required")
        if not body["messages"]:
            raise ValidationException("messages: at least one message is required")
        if body["max_tokens"] < 1:
            raise ValidationException("max_tokens: must be greater than or equal to 1")
        bounded(body, "temperature", 0, 1)
        bounded(body, "top_p", 0, 1)
        wanted = body.get("output_format") or (body.get("output_config") or {}).get("format")
        schema = None if wanted is None else member(wanted, "schema", dict, "#/output_format")
        return Ask(
            _merged([_message(message, place) for place, message in enumerate(body["messages"])]),
            system=_system(body.get("system")), max_tokens=body["max_tokens"], temperature=body.get("temperature"),
            top_p=body.get("top_p"), top_k=body.get("top_k"),
            stop=texts(body.get("stop_sequences"), "#/stop_sequences"),
            tools=[] if (body.get("tool_choice") or {}).get("type") == "none" else [
                each for place, tool in enumerate(body.get("tools") or ()) for each in (
                    _tool(tool, place), *_point(tool))],
            tool_choice=_choice(body.get("tool_choice")), schema=schema, reasoning=thinking(body.get("thinking")),
        )

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        return {**_head(model), "content": [_shown(block) for block in answer.content], **_stop(answer),
                "usage": _usage(answer)}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks(model, input_tokens)


# What comes in

def thinking(asked: Any) -> bool | None:
    """{"type": "enabled", "budget_tokens"}, adaptive, disabled. ValidationException."""
    if asked is None:
        return None
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind not in ("enabled", "adaptive", "disabled"):
        raise ValidationException("thinking: Input tag should be one of 'enabled', 'adaptive', 'disabled'")
    return None if kind == "adaptive" else kind == "enabled"


def _message(message: Any, place: int) -> dict[str, Any]:
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant"):
        raise ValidationException(f"messages.{place}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise ValidationException(f"messages.{place}.content: Input should be a valid list")
    blocks = _marked(content, f"messages.{place}.content")
    if not blocks and message["role"] == "user":
        raise ValidationException(f"messages.{place}: user messages must have non-empty content")
    return {"role": message["role"], "content": blocks}


def _merged(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Consecutive turns of one role are one turn, as the Messages API has it."""
    if messages[0]["role"] != "user":
        raise ValidationException('messages: first message must use the "user" role')
    merged: list[dict[str, Any]] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += message["content"]
        else:
            merged.append(message)
    return merged


def _marked(content: list[Any], at: str) -> list[Block]:
    """With a cache point behind each block that has cache_control."""
    found: list[Block] = []
    for place, block in enumerate(content):
        found.append(_block(block, f"{at}.{place}"))
        found += _point(block)
    return found


def _point(holder: Mapping[str, Any]) -> list[Block]:
    control = holder.get("cache_control")
    if control is None:
        return []
    check(control, {"type": str, "ttl": str}, ("type",), "#/cache_control")
    return [{"cachePoint": {"type": "default", **({"ttl": control["ttl"]} if control.get("ttl") else {})}}]


def _block(block: Any, at: str) -> Block:
    if not isinstance(block, dict):
        raise ValidationException(f"{at}: Input should be a valid dictionary")
    kind = block.get("type")
    try:
        if kind == "text":
            return {"text": _text(block["text"], f"{at}.text")}
        if kind == "image":
            return {"image": _image(member(block, "source", dict, at), at)}
        if kind == "tool_use":
            return {"toolUse": {"toolUseId": _text(block["id"], f"{at}.tool_use.id"),
                                "name": _text(block["name"], f"{at}.tool_use.name"), "input": block["input"]}}
        if kind == "tool_result":
            return {"toolResult": _result(block, at)}
        if kind == "thinking":
            return {"reasoningContent": {"reasoningText": {
                "text": _text(block["thinking"], f"{at}.thinking"), "signature": block.get("signature", "")}}}
        if kind == "redacted_thinking":
            return {"reasoningContent": {"redactedContent": _bytes(block["data"])}}
        if kind == "document":
            return {"document": _document(block, at)}
    except KeyError as error:
        raise ValidationException(f"{at}.{kind}.{error.args[0]}: Field required") from error
    raise ValidationException(f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags: "
                              "'document', 'image', 'redacted_thinking', 'text', 'thinking', 'tool_result', 'tool_use'")


def _image(source: Mapping[str, Any], at: str) -> dict[str, Any]:
    kind = _MEDIA.get(member(source, "media_type", str, at))
    if kind is None:
        raise ValidationException(f"{at}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', "
                                  "'image/gif' or 'image/webp'")
    return {"format": kind, "source": {"bytes": _bytes(source["data"])}}


def _text(text: Any, at: str) -> str:
    if not isinstance(text, str):
        raise ValidationException(f"{at}: Input should be a valid string")
    return text


def _bytes(data: Any) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise ValidationException("Invalid base64 data") from error


def _result(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    content = block.get("content") or ""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise ValidationException(f"{at}.tool_result.content: Input should be a valid list")
    blocks = [_block(each, f"{at}.content.{place}") for place, each in enumerate(content)]
    return {"toolUseId": _text(block["tool_use_id"], f"{at}.tool_result.tool_use_id"), "content": blocks,
            "status": "error" if block.get("is_error") else "success"}


def _document(block: Mapping[str, Any], at: str) -> dict[str, Any]:
    source = member(block, "source", dict, at)
    name = _text(block.get("title") or "document", f"{at}.document.title")
    if source.get("type") == "text":
        return {"format": "txt", "name": name, "source": {"text": _text(source["data"], f"{at}.document.source.data")}}
    if source.get("type") == "base64":
        return {"format": "pdf", "name": name, "source": {"bytes": _bytes(source["data"])}}
    raise ValidationException(f"{at}.document.source: Input tag '{source.get('type')}' is not supported")


def _system(system: Any) -> list[Block]:
    if system is None or system == "":
        return []
    if isinstance(system, str):
        return [{"text": system}]
    if not isinstance(system, list):
        raise ValidationException("system: Input should be a valid string or list")
    return _marked(system, "system")


def _tool(tool: Any, place: int) -> dict[str, Any]:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        raise ValidationException(f"tools.{place}.custom.name: Field required")
    if not isinstance(tool.get("input_schema"), dict):
        raise ValidationException(f"tools.{place}.custom.input_schema: Field required")
    spec = {"name": tool["name"], "inputSchema": {"json": tool["input_schema"]}}
    return {**spec, "description": tool["description"]} if tool.get("description") else spec


def _choice(choice: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if choice is None or choice.get("type") == "none":
        return None
    kind = choice.get("type")
    if kind == "tool" and isinstance(choice.get("name"), str):
        return {"tool": {"name": choice["name"]}}
    if kind in ("auto", "any"):
        return {kind: {}}
    raise ValidationException("tool_choice: Input tag should be one of 'auto', 'any', 'tool', 'none'")


# What goes out

def _head(model: str) -> Body:
    return {"id": f"msg_bdrk_{uuid4().hex[:24]}", "type": "message", "role": "assistant", "model": model}


def _stop(answer: Answer) -> Body:
    return {"stop_reason": _STOPS.get(answer.stop_reason, answer.stop_reason), "stop_sequence": answer.stop_sequence}


def _usage(answer: Answer) -> Body:
    usage = answer.usage
    return {"input_tokens": usage.input, "cache_creation_input_tokens": usage.cache_write,
            "cache_read_input_tokens": usage.cache_read, "output_tokens": usage.output}


def _shown(block: Block) -> Body:
    if "toolUse" in block:
        use = block["toolUse"]
        return {"type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": use["input"]}
    if "reasoningContent" in block:
        thought = block["reasoningContent"]["reasoningText"]
        return {"type": "thinking", "thinking": thought["text"], "signature": thought.get("signature", "")}
    return {"type": "text", "text": block["text"]}


class _Chunks:
    """message_start, then each block with its start, deltas and stop, message_delta, message_stop."""

    def __init__(self, model: str, input_tokens: int) -> None:
        self._model = model
        self._input = input_tokens
        self._open = -1                   # the index of the block that has begun and not ended

    def event(self, event: Event) -> Iterator[Body]:
        (name, members), = event.items()
        if name == "messageStart":
            usage = {"input_tokens": self._input, "output_tokens": 0, "cache_creation_input_tokens": 0,
                     "cache_read_input_tokens": 0}
            yield {"type": "message_start", "message": {
                **_head(self._model), "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}}
        elif name == "contentBlockStart":
            use = members["start"]["toolUse"]
            yield self._begin(members["contentBlockIndex"], {
                "type": "tool_use", "id": use["toolUseId"], "name": use["name"], "input": {}})
        elif name == "contentBlockDelta":
            yield from self._delta(members["contentBlockIndex"], members["delta"])
        elif name == "contentBlockStop":
            self._open = -1
            yield {"type": "content_block_stop", "index": members["contentBlockIndex"]}

    def _begin(self, index: int, block: Body) -> Body:
        self._open = index
        return {"type": "content_block_start", "index": index, "content_block": block}

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Body]:
        told: Body
        if "toolUse" in delta:
            told, empty = {"type": "input_json_delta", "partial_json": delta["toolUse"]["input"]}, None
        elif "reasoningContent" in delta:
            told = {"type": "thinking_delta", "thinking": delta["reasoningContent"].get("text", "")}
            empty = {"type": "thinking", "thinking": "", "signature": ""}
        else:
            told, empty = {"type": "text_delta", "text": delta["text"]}, {"type": "text", "text": ""}
        if self._open != index and empty is not None:
            yield self._begin(index, empty)
        yield {"type": "content_block_delta", "index": index, "delta": told}

    def end(self, answer: Answer) -> Iterator[Body]:
        usage = _usage(answer) if answer.usage.ttl else {"output_tokens": answer.usage.output}
        yield {"type": "message_delta", "delta": _stop(answer), "usage": usage}
        yield {"type": "message_stop"}
