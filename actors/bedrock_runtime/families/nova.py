"""Amazon Nova: Converse's own shapes with schemaVersion and inferenceConfig of its own; and its embeddings.

https://docs.aws.amazon.com/nova/latest/userguide/complete-request-schema.html
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, ClassVar

from actors.bedrock_runtime.asking import Answer, Ask, Block, Event
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check
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
        return Ask(
            [_message(message, f"#/messages/{place}") for place, message in enumerate(body["messages"])],
            system=[{"text": block["text"]} for block in body.get("system") or () if "text" in block],
            max_tokens=config.get("max_new_tokens") or config.get("maxTokens"), temperature=config.get("temperature"),
            top_p=config.get("top_p", config.get("topP")), top_k=config.get("top_k", config.get("topK")),
            stop=config.get("stopSequences") or [],
            tools=[tool["toolSpec"] for tool in tools.get("tools", ()) if "toolSpec" in tool],
            tool_choice=tools.get("toolChoice"),
        )

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        return {"output": {"message": {"role": "assistant", "content": answer.content}},
                "stopReason": answer.stop_reason, "usage": _usage(answer)}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks()


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
    if kind not in ("text", "toolUse", "toolResult", "cachePoint"):
        raise Malformed(f"{at}: extraneous key [{kind}] is not permitted")
    return {kind: value}


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
