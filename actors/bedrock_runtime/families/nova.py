"""Amazon Nova: Converse's own shapes with schemaVersion and inferenceConfig of its own; and its embeddings.

https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, ClassVar

from actors.bedrock_runtime.asking import Answer, Ask, Block, Event
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check, member, texts
from actors.bedrock_runtime.families.family import Chunks
from actors.bedrock_runtime.families.vectors import shortened, unit
from schemas.errors import ValidationException

_TYPES = {"schemaVersion": str, "messages": list, "system": list, "inferenceConfig": dict, "toolConfig": dict,
          "additionalModelRequestFields": dict}
_CONFIG = {"max_new_tokens": int, "maxTokens": int, "temperature": float, "top_p": float, "topP": float, "top_k": int,
           "topK": int, "stopSequences": list, "reasoningConfig": dict}
_MEDIA = ("image", "video", "document", "audio")


class Nova:
    counts_first: ClassVar[bool] = False

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, ("messages",))
        if not body["messages"]:
            raise Malformed("#/messages: minimum item count: 1, found: 0")
        config = body.get("inferenceConfig") or {}
        check(config, _CONFIG, at="#/inferenceConfig")
        bounded(config, "temperature", 0, 1, "#/inferenceConfig")
        tools = body.get("toolConfig") or {}
        check(tools, {"tools": list, "toolChoice": dict}, (), "#/toolConfig")
        return Ask(
            [_message(message, f"#/messages/{place}") for place, message in enumerate(body["messages"])],
            system=[{"text": member(block, "text", str, f"#/system/{place}")}
                    for place, block in enumerate(body.get("system") or ()) if "cachePoint" not in block],
            max_tokens=config.get("max_new_tokens") or config.get("maxTokens"), temperature=config.get("temperature"),
            top_p=config.get("top_p", config.get("topP")), top_k=config.get("top_k", config.get("topK")),
            stop=texts(config.get("stopSequences"), "#/inferenceConfig/stopSequences"),
            tools=[_tool(tool, f"#/toolConfig/tools/{place}") for place, tool in enumerate(tools.get("tools") or ())],
            tool_choice=_choice(tools.get("toolChoice")),
        )

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        return {"output": {"message": {"role": "assistant", "content": answer.content}},
                "stopReason": answer.stop_reason, "usage": _usage(answer)}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks()


def _tool(tool: Any, at: str) -> dict[str, Any]:
    spec = member(tool, "toolSpec", dict, at)
    check(spec, {"name": str, "description": str, "inputSchema": dict}, ("name", "inputSchema"), f"{at}/toolSpec",
          closed=False)
    member(spec["inputSchema"], "json", dict, f"{at}/toolSpec/inputSchema")
    return spec


def _choice(choice: Any) -> dict[str, Any] | None:
    if choice is not None and "tool" in choice:
        return {"tool": {"name": member(choice["tool"], "name", str, "#/toolConfig/toolChoice/tool")}}
    if choice is not None and not choice.keys() <= {"auto", "any"}:
        raise Malformed("#/toolConfig/toolChoice: not a valid enum value")
    found: dict[str, Any] | None = choice
    return found


def _message(message: Any, at: str) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise Malformed(f"{at}: expected type: JSONObject, found: {type(message).__name__}")
    check(message, {"role": str, "content": list}, ("role", "content"), at)
    if message["role"] not in ("user", "assistant"):
        raise Malformed(f"{at}/role: {message['role']} is not a valid enum value")
    return {"role": message["role"],
            "content": [_block(block, f"{at}/content/{place}") for place, block in enumerate(message["content"])]}


def _block(block: Any, at: str) -> Block:
    """Converse's block; media travel in base64."""
    if not isinstance(block, dict) or len(block) != 1:
        raise Malformed(f"{at}: expected one content block")
    (kind, value), = block.items()
    if kind in _MEDIA:
        try:
            data = base64.b64decode(value["source"]["bytes"], validate=True)
        except (KeyError, TypeError, binascii.Error, ValueError) as error:
            raise Malformed(f"{at}/{kind}/source: required key [bytes] not found") from error
        return {kind: {**value, "source": {"bytes": data}}}
    if kind == "text":
        return {"text": member(block, "text", str, at)}
    if kind == "toolUse":
        return {"toolUse": {"toolUseId": member(value, "toolUseId", str, f"{at}/toolUse"),
                            "name": member(value, "name", str, f"{at}/toolUse"),
                            "input": member(value, "input", object, f"{at}/toolUse")}}
    if kind == "toolResult":
        return {"toolResult": _result(value, f"{at}/toolResult")}
    if kind != "cachePoint":
        raise Malformed(f"{at}: extraneous key [{kind}] is not permitted")
    return {kind: value}


def _result(value: Any, at: str) -> dict[str, Any]:
    parts: list[Block] = []
    for place, part in enumerate(member(value, "content", list, at)):
        if isinstance(part, dict) and "json" in part:
            parts.append({"json": part["json"]})
        else:
            parts.append({"text": member(part, "text", str, f"{at}/content/{place}")})
    return {"toolUseId": member(value, "toolUseId", str, at), "content": parts}


def _usage(answer: Answer) -> Body:
    usage = answer.usage
    return {"inputTokens": usage.input, "outputTokens": usage.output, "totalTokens": usage.total,
            "cacheReadInputTokenCount": usage.cache_read, "cacheWriteInputTokenCount": usage.cache_write}


class _Chunks:
    """ConverseStream's events, each as a chunk."""

    def event(self, event: Event) -> Iterator[Body]:
        yield event

    def end(self, answer: Answer) -> Iterator[Body]:
        yield {"messageStop": {"stopReason": answer.stop_reason}}
        yield {"metadata": {"usage": _usage(answer), "metrics": {}, "trace": {}}}


class NovaEmbeddings:
    """Text alone: https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html"""

    def texts(self, body: Body) -> list[str]:
        check(body, {"schemaVersion": str, "taskType": str, "singleEmbeddingParams": dict}, ("taskType",))
        if body["taskType"] != "SINGLE_EMBEDDING":
            raise ValidationException(f"Skybus does not implement the task type {body['taskType']}.")
        params = body.get("singleEmbeddingParams") or {}
        at = "#/singleEmbeddingParams"
        check(params, {"embeddingPurpose": str, "embeddingDimension": int, "text": dict, "image": dict, "audio": dict,
                       "video": dict}, ("embeddingPurpose", "text"), at)
        check(params["text"], {"truncationMode": str, "value": str}, ("truncationMode", "value"), f"{at}/text")
        return [params["text"]["value"]]

    def vectors(self, body: Body, vectors: list[list[float]], tokens: int) -> Body:
        dimensions = body["singleEmbeddingParams"].get("embeddingDimension")
        return {"embeddings": [{"embeddingType": "TEXT", "embedding": unit(shortened(vectors[0], dimensions))}]}
