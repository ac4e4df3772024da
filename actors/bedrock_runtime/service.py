"""Bedrock's runtime, operation by operation. What each does stands in the module it names.

Guardrails and an account's own models are bedrock's rows, which this actor reads; asynchronous invocations are rows of
that shard too, and the one thing it writes there. InvokeModelWithBidirectionalStream needs HTTP/2 and answers 501.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, cast

import orjson

from actors.bedrock import foundation, invocation_logging, invocations
from actors.bedrock.catalogue import Models
from actors.bedrock.state import Book
from actors.bedrock_runtime import applying, arns, checking, conversing, counting, invoking
from actors.bedrock_runtime.answering import Invocation
from actors.bedrock_runtime.asking import METRICS
from actors.bedrock_runtime.documents import Documents
from actors.bedrock_runtime.guarding import Guarding
from actors.bedrock_runtime.models import resolve
from actors.bedrock_runtime.sensing import sense_of
from actors.runtime.access import Access
from actors.runtime.actor import InitialResponse, ServiceActor, operation, query
from actors.runtime.context import Context
from actors.runtime.store.transaction import Snapshot, Transaction
from actors.runtime.surroundings import Surroundings
from schemas.errors import ValidationException

STREAM_LIMIT_S = 3600.0                   # of one streamed answer; who reads it says nothing of deadlines

Request = Mapping[str, Any]
Answer = dict[str, Any]


class BedrockRuntime(ServiceActor):
    service: ClassVar[str] = "bedrock-runtime"
    state_of: ClassVar[str] = "bedrock"

    def attach(self, surroundings: Surroundings) -> None:
        super().attach(surroundings)
        self._models = Models(surroundings.models.catalogue)
        self._documents = Documents()
        self._guards = applying.Guards(sense_of(surroundings.models))

    def accesses(self, context: Context, request: Mapping[str, Any]) -> Sequence[Access]:
        return arns.accesses(context, request)

    # Conversations

    @operation("Converse")
    async def converse(self, context: Context, request: Request) -> Answer:
        answer = await conversing.converse(self._invocation(context, request, request.get("guardrailConfig")), request)
        if self._logs(context):
            await self._log(context, request, request, answer, _tokens(answer["usage"]))
        return answer

    @operation("ConverseStream")
    async def converse_stream(self, context: Context, request: Request) -> AsyncIterator[Answer]:
        invocation = self._invocation(context, request, request.get("guardrailConfig"), streams=True)
        told: list[Answer] | None = [] if self._logs(context) else None
        async with aclosing(cast("Any", conversing.stream(invocation, request))) as events:
            async for event in events:
                yield event
                if told is not None:
                    told.append(event)
        if told:
            await self._log(context, request, request, told, _tokens(told[-1]["metadata"]["usage"]))

    # Bodies in a family's own form

    @operation("InvokeModel")
    async def invoke_model(self, context: Context, request: Request) -> Answer:
        answer = await invoking.invoke(self._invocation(context, request, applying.config_of(request)), request)
        if self._logs(context):
            tokens = answer["inputTokenCount"], answer["outputTokenCount"]
            await self._log(context, request, orjson.loads(request["body"]), orjson.loads(answer["body"]), tokens)
        return answer

    @operation("InvokeModelWithResponseStream")
    async def invoke_model_with_response_stream(self, context: Context, request: Request) -> AsyncIterator[Answer]:
        invocation = self._invocation(context, request, applying.config_of(request), streams=True)
        begun = False
        told: list[Answer] | None = [] if self._logs(context) else None
        async with aclosing(cast("Any", invoking.stream(invocation, request))) as chunks:
            async for chunk in chunks:
                if not begun:             # until there is a chunk, an error still has a status of its own
                    yield InitialResponse(contentType=invoking.JSON)
                    begun = True
                yield chunk
                if told is not None:
                    told.append(orjson.loads(chunk["chunk"]["bytes"]))
        if told:
            metrics = told[-1][METRICS]
            tokens = metrics["inputTokenCount"], metrics["outputTokenCount"]
            await self._log(context, request, orjson.loads(request["body"]), told, tokens)

    # Beside

    @operation("CountTokens")
    async def count_tokens(self, context: Context, request: Request) -> Answer:
        return await counting.count(self._invocation(context, request, None), request)

    @operation("ApplyGuardrail")
    async def apply_guardrail(self, context: Context, request: Request) -> Answer:
        return await applying.apply(self._read(context, lambda book: self._guards.find(
            book, request["guardrailIdentifier"], request["guardrailVersion"])), request)

    @operation("InvokeGuardrailChecks")
    async def invoke_guardrail_checks(self, context: Context, request: Request) -> Answer:
        return checking.check(request)

    # Asynchronously

    @operation("StartAsyncInvoke")
    def start_async_invoke(self, context: Context, transaction: Transaction, request: Request) -> Answer:
        book = Book(transaction, context.scope)
        model = resolve(book, self._models, request["modelId"])
        return invocations.create(book, context, request, foundation.arn(model, context.region))

    @query("GetAsyncInvoke")
    def get_async_invoke(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return invocations.get(Book(snapshot, context.scope), request["invocationArn"])

    @query("ListAsyncInvokes")
    def list_async_invokes(self, context: Context, snapshot: Snapshot, request: Request) -> Answer:
        return invocations.listed(Book(snapshot, context.scope), request)

    # How they come to a model

    def _invocation(
        self, context: Context, request: Request, config: Mapping[str, Any] | None, *, streams: bool = False
    ) -> Invocation:
        """ValidationException, ResourceNotFoundException."""
        deadline = max(context.deadline, context.now + STREAM_LIMIT_S) if streams else context.deadline
        latency = request.get("performanceConfigLatency") or request.get("performanceConfig", {}).get("latency")

        def found(book: Book) -> Invocation:
            model = resolve(book, self._models, request["modelId"])
            if latency == "optimized":
                raise ValidationException(f"Latency performance configuration is not supported for {model.id}.")
            guarding: Guarding | None = self._guards.guarding(book, config) if config else None
            return Invocation(self.surroundings.models, model, context.identity, deadline, self._documents, guarding)

        return cast("Invocation", self._read(context, found))

    def _logs(self, context: Context) -> bool:
        return self._read(context, invocation_logging.wanted) is not None

    async def _log(self, context: Context, request: Request, given: Any, told: Any, tokens: tuple[int, int]) -> None:
        line = invocation_logging.record(context, request["modelId"], given, told, tokens)
        await self.surroundings.shard.transact(lambda transaction: invocation_logging.start(transaction, context, line))

    def _read(self, context: Context, reading: Any) -> Any:
        return self.surroundings.shard.read(lambda snapshot: reading(Book(snapshot, context.scope)))


def _tokens(usage: Mapping[str, int]) -> tuple[int, int]:
    return usage["inputTokens"], usage["outputTokens"]
