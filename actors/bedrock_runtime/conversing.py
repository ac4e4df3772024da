"""Converse and ConverseStream: a request to what is asked, an answer to the response."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from copy import deepcopy
from typing import Any, cast

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime import validation
from actors.bedrock_runtime.answering import Invocation, Stream, whole
from actors.bedrock_runtime.asking import Answer, Ask, Block, Event
from actors.bedrock_runtime.families import OPENAI, TextFamily, family_of
from actors.bedrock_runtime.families.anthropic import thinking
from actors.bedrock_runtime.families.openai import effort
from actors.bedrock_runtime.guarding import Guarding
from schemas.errors import ValidationException

Request = Mapping[str, Any]
Response = dict[str, Any]


def ask_of(request: Request, model: Model) -> Ask:
    """ValidationException."""
    if not model.generates:
        raise ValidationException("The model that you specified doesn't support the Converse operation. Use a model "
                                  "that supports it and try again.")
    validation.check_conversation(request)
    validation.check_limits(request, model.output_tokens)
    config = request.get("inferenceConfig") or {}
    extra = request.get("additionalModelRequestFields") or {}
    tools = request.get("toolConfig") or {}
    return Ask(
        [{"role": message["role"], "content": _own(message["content"])} for message in request["messages"]],
        system=_own(request.get("system") or ()),
        max_tokens=config.get("maxTokens"), temperature=config.get("temperature"), top_p=config.get("topP"),
        top_k=_number(extra, ("top_k", "topK", "k")), seed=_number(extra, ("seed",)),
        stop=list(config.get("stopSequences") or ()),
        tools=[tool.get("toolSpec", tool) for tool in tools.get("tools", ())],
        tool_choice=tools.get("toolChoice"), schema=validation.output_schema(request), reasoning=_reasoning(extra),
    )


def _own(blocks: Sequence[Block]) -> list[Block]:
    """Copies, which the guardrail may change."""
    return [deepcopy(block) for block in blocks]


def _reasoning(extra: Mapping[str, Any]) -> bool | None:
    """As Claude's, Nova's and OpenAI's own request fields ask for it. ValidationException."""
    for name in ("thinking", "reasoning_config", "reasoningConfig"):
        if name in extra:
            return thinking(extra[name])
    asked = extra.get("reasoning_effort")
    return effort(asked) if isinstance(asked, str) else None


def _number(extra: Any, names: Sequence[str]) -> int | None:
    """Of the model's own request fields, wherever the family has them. ValidationException."""
    if not isinstance(extra, dict):
        raise ValidationException("The value at additionalModelRequestFields must be a JSON object.")
    nested = extra.get("inferenceConfig")
    for name in names:
        for fields in (extra, nested if isinstance(nested, dict) else {}):
            value = fields.get(name)
            if value is not None:
                if not isinstance(value, int | float) or isinstance(value, bool):
                    raise ValidationException(f"The model returned the following errors: {name}: Input should be a "
                                              "valid integer")
                return int(value)
    return None


async def _asked(invocation: Invocation, request: Request) -> Ask:
    """ValidationException, also for media that the model does not take: only it knows."""
    ask = ask_of(request, invocation.model)
    if validation.has_media(ask.messages):
        images = (await invocation.models.describe(invocation.model.engine)).images
        validation.check_modalities(ask.messages, frozenset(("image",) if images else ()))
    return await invocation.documents.opened(ask)


async def converse(invocation: Invocation, request: Request) -> Response:
    answer = await whole(invocation, await _asked(invocation, request))
    response = {"output": {"message": {"role": "assistant", "content": answer.content}},
                "stopReason": answer.stop_reason, **_metadata(answer, invocation.guarding, request)}
    fields = _fields(request, invocation.model, answer)
    return {**response, "additionalModelResponseFields": fields} if fields else response


async def stream(invocation: Invocation, request: Request) -> AsyncIterator[Event]:
    """ConverseStream's events."""
    under_way = Stream(invocation, await _asked(invocation, request))
    async with aclosing(cast("Any", under_way.events())) as events:
        async for event in events:
            yield event
    stop: dict[str, Any] = {"stopReason": under_way.answer.stop_reason}
    fields = _fields(request, invocation.model, under_way.answer)
    if fields:
        stop["additionalModelResponseFields"] = fields
    yield {"messageStop": stop}
    yield {"metadata": _metadata(under_way.answer, invocation.guarding, request)}


def _metadata(answer: Answer, guarding: Guarding | None, request: Request) -> Response:
    told: Response = {"usage": answer.usage.shown(), "metrics": {"latencyMs": answer.latency_ms}}
    trace = None if guarding is None else guarding.shown_trace()
    if trace is not None:
        told["trace"] = {"guardrail": trace}
    if request.get("performanceConfig"):
        told["performanceConfig"] = {"latency": "standard"}
    if request.get("serviceTier"):
        told["serviceTier"] = {"type": "default"}
    return told


def _fields(request: Request, model: Model, answer: Answer) -> dict[str, Any]:
    """What additionalModelResponseFieldPaths points to in the body that InvokeModel would answer."""
    paths = request.get("additionalModelResponseFieldPaths")
    if not paths:
        return {}
    found = family_of(model.id, {"messages": []}, "", embeds=False)
    family: TextFamily = found if isinstance(found, TextFamily) else OPENAI
    body = family.answer({"messages": []}, answer, model.id)
    fields: dict[str, Any] = {}
    for path in paths:
        _pick(path, body, fields)
    return fields


def _pick(path: str, body: Any, into: dict[str, Any]) -> None:
    """Copies what a JSON pointer (RFC 6901) names to the same place. ValidationException."""
    if not path.startswith("/"):
        raise ValidationException(f"additionalModelResponseFieldPaths: {path} is not a valid JSON pointer.")
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    for part in parents:
        body = body.get(part) if isinstance(body, dict) else None
    if isinstance(body, dict) and last in body:
        for part in parents:
            into = into.setdefault(part, {})
        into[last] = body[last]
