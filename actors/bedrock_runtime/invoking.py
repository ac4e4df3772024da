"""InvokeModel and InvokeModelWithResponseStream: bodies in the model's family's form."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, cast

import orjson

from actors.bedrock.catalogue import Model
from actors.bedrock_runtime.answering import Invocation, Stream, whole
from actors.bedrock_runtime.asking import METRICS, Ask, Event
from actors.bedrock_runtime.families import EmbeddingFamily, Family, TextFamily, family_of
from actors.bedrock_runtime.families.bodies import Body, Malformed, check, load
from actors.bedrock_runtime.guarding import Guarding
from actors.runtime.inference.protocol import Modality
from schemas.errors import ValidationException

JSON = "application/json"
GUARDRAIL = "amazon-bedrock-guardrailConfig"              # in a body, beside the family's own
_SUFFIX = re.compile(r"[0-9a-zA-Z]{1,20}")
_MODES = ("SYNCHRONOUS", "ASYNCHRONOUS")

Request = Mapping[str, Any]
Response = dict[str, Any]


def read(request: Request, model: Model, guarding: Guarding | None = None) -> tuple[Body, Family]:
    """The body and its family; tells the guardrail what the body says to it. ValidationException."""
    body = load(request.get("body") or b"")
    _configure(body.pop(GUARDRAIL, None), guarding)
    content_type = (request.get("contentType") or JSON).partition(";")[0].strip().lower()
    return body, family_of(model.id.rpartition("/")[2], body, content_type,
                           embeds=model.modality is Modality.EMBEDDING)


def _configure(config: Any, guarding: Guarding | None) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-tagging.html"""
    if config is None:
        return
    if guarding is None:
        raise ValidationException(f"A guardrail identifier is required where the body has {GUARDRAIL}.")
    check(config, {"tagSuffix": str, "streamProcessingMode": str}, (), f"#/{GUARDRAIL}")
    suffix, mode = config.get("tagSuffix") or "", config.get("streamProcessingMode") or _MODES[0]
    if suffix and not _SUFFIX.fullmatch(suffix):
        raise Malformed(f"#/{GUARDRAIL}/tagSuffix: string [{suffix}] does not match pattern ^[0-9a-zA-Z]{{1,20}}$")
    if mode.upper() not in _MODES:
        raise Malformed(f"#/{GUARDRAIL}/streamProcessingMode: {mode} is not a valid enum value")
    guarding.tag_suffix, guarding.asynchronous = suffix, mode.upper() == _MODES[1]


def text_ask(body: Body, family: TextFamily, model: Model) -> Ask:
    """ValidationException."""
    if not model.generates:
        raise ValidationException("The model that you specified does not generate text.")
    ask = family.ask(body)
    if ask.max_tokens is not None:
        ask.max_tokens = min(ask.max_tokens, model.output_tokens)
    return ask


async def invoke(invocation: Invocation, request: Request) -> Response:
    body, family = read(request, invocation.model, invocation.guarding)
    if isinstance(family, TextFamily):
        answer = await whole(invocation, await invocation.documents.opened(text_ask(body, family, invocation.model)))
        told = {**family.answer(body, answer, invocation.model.id), **_guarded(invocation)}
        return _response(told, answer.usage.input, answer.usage.output, answer.latency_ms)
    if isinstance(family, EmbeddingFamily):
        return await _embed(invocation, body, family)
    query, documents = family.documents(body)
    return _response(family.ranking(body, await invocation.rerank(query, documents)), 0, 0, 0)


async def _embed(invocation: Invocation, body: Body, family: EmbeddingFamily) -> Response:
    texts = family.texts(body)
    vectors, tokens = await invocation.embed(texts)
    return _response(family.vectors(body, vectors, tokens), tokens, 0, 0)


def _guarded(invocation: Invocation) -> Body:
    return {} if invocation.guarding is None else invocation.guarding.body_trace()


def _response(body: Body, input_tokens: int, output_tokens: int, latency_ms: int) -> Response:
    """The token counts travel as headers (schemas/extras.py)."""
    return {"body": orjson.dumps(body), "contentType": JSON, "inputTokenCount": input_tokens,
            "outputTokenCount": output_tokens, "invocationLatency": latency_ms}


async def stream(invocation: Invocation, request: Request) -> AsyncIterator[Event]:
    """Chunks; the last carries the invocation's metrics."""
    body, family = read(request, invocation.model, invocation.guarding)
    if not isinstance(family, TextFamily):
        raise ValidationException("The model is unsupported for streaming.")
    ask = await invocation.documents.opened(text_ask(body, family, invocation.model))
    count = await invocation.count(ask) if family.counts_first else 0
    under_way = Stream(invocation, ask)
    chunks = family.chunks(body, invocation.model.id, count)
    async with aclosing(cast("Any", under_way.events())) as events:
        async for event in events:
            for chunk in chunks.event(event):
                yield _chunk(chunk)
    *others, last = chunks.end(under_way.answer)
    for chunk in others:
        yield _chunk(chunk)
    yield _chunk({**last, **_guarded(invocation), METRICS: under_way.answer.metrics()})


def _chunk(body: Body) -> Event:
    return {"chunk": {"bytes": orjson.dumps(body)}}
