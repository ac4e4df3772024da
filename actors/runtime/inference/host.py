"""ModelHost: one model in one process, on the bus under a name of its own.

It loads an engine when told to, admits and queues what is asked, publishes tokens to the caller's inbox as they come,
and stops the engine for whoever goes away. It knows neither which other hosts there are nor why it was started: that is
models.py. Deaths are its process's: nothing is caught that would leave a half-dead engine answering.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from actors.runtime.inference.catalogue import Entry, entry_from_map
from actors.runtime.inference.engines.engine import Engine, open_engine
from actors.runtime.inference.measures import Measures
from actors.runtime.inference.protocol import (
    PRIORITY_DEFAULT,
    EmbedRequest,
    InvalidInput,
    ModelBusy,
    ModelFailed,
    ModelNotReady,
    ModelTooSlow,
    RerankRequest,
    TokenizeRequest,
    event_to_map,
    generate_request,
    to_map,
)
from actors.runtime.inference.turns import Turns
from bus import subjects
from bus.codec import MalformedEnvelope
from bus.endpoint import Endpoint
from bus.metrics import Sample
from bus.transport import BusError, Message, Subscription, Transport
from schemas.envelope import Fault, Identity, Reply, Request
from schemas.errors import AwsError, SerializationException

SERVICE = "model"                         # in subjects, where an AWS service's name would stand
ANSWER_LIMIT_S = 3600.0                   # of a request that names no deadline
STOP_LIMIT_S = 5.0
TASKS_MAX = 4096
FAILED = "The system encountered an unexpected error during processing. Try your request again."

log = structlog.get_logger()


def address_of(host: str) -> str:
    """What a host hears: our services only, which have authorised what they ask."""
    return f"aws.{subjects.SERVICE}.*.*.{SERVICE}.{host}.*"


class ModelHost:
    """`name` is a token of the subject; `directory` is for the engine's own files, private. `clock`: epoch seconds."""

    def __init__(
        self, transport: Transport, endpoint: Endpoint, name: str, directory: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.measures = Measures()
        self._transport = transport
        self._endpoint = endpoint
        self._directory = directory
        self._clock = clock
        self._entry: Entry | None = None
        self._engine: Engine | None = None
        self._turns = Turns(1, 0)
        self._loading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._by_request: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._subscriptions: list[Subscription] = []
        self._answers: dict[str, Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]] = {
            "Load": self._load, "Describe": self._describe, "Embed": self._embed, "Rerank": self._rerank,
            "Count": self._count, "Sleep": self._sleep, "Ping": self._ping,
        }

    async def start(self) -> None:
        """Returns when the broker knows: from then on no request finds nobody."""
        self._subscriptions = [
            self._transport.subscribe(address_of(self.name), self._receive),
            self._transport.subscribe(address_of(subjects.CANCEL), self._cancel),
        ]
        await self._transport.flush()

    async def stop(self) -> None:
        """What is under way may finish for STOP_LIMIT_S."""
        for subscription in self._subscriptions:
            subscription.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_LIMIT_S)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()

    def metrics(self) -> list[Sample]:
        """For sys.metrics."""
        if self._engine is None or self._entry is None:
            return []
        return self.measures.samples(self._entry.id, self.name, self._turns, self._engine.figures())

    # --- from message to task

    def _receive(self, message: Message) -> None:
        address = subjects.parse(message.subject)
        if not subjects.may_reply_to(address.identity, message.reply):
            log.warning("reply_refused", subject=message.subject, reply=message.reply)
            return
        if len(self._tasks) >= TASKS_MAX:
            self._fail(message, address.identity, "", ModelBusy("Too many requests, please wait before trying again."))
            return
        try:
            arrived = self._endpoint.receive(message, address.identity)
        except MalformedEnvelope as error:
            self._fail(message, address.identity, "", SerializationException(str(error)))
            return
        task = asyncio.get_running_loop().create_task(self._answer(message, address, arrived))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if isinstance(arrived, Request):  # now: its cancel may come with the same read
            self._make_cancellable(task, address.identity, arrived.id)

    def _cancel(self, message: Message) -> None:
        """Whoever asked has gone away; only its own principal can say so, and the subject proves it."""
        address = subjects.parse(message.subject)
        task = self._by_request.get((address.account, address.principal, address.operation))
        if task is not None:
            task.cancel()

    def _make_cancellable(self, task: "asyncio.Task[None]", identity: Identity, request_id: str) -> None:
        key = (identity.account, identity.principal, request_id)
        self._by_request[key] = task
        task.add_done_callback(lambda _: self._by_request.pop(key, None))

    async def _answer(
        self, message: Message, address: subjects.Address, arrived: Request | Awaitable[Request]
    ) -> None:
        identity, request_id = address.identity, ""
        try:
            if not isinstance(arrived, Request):
                arrived = await arrived
                task = asyncio.current_task()
                assert task is not None
                self._make_cancellable(task, identity, arrived.id)
            request_id = arrived.id
            await self._within_limit(message, address, arrived)
        except MalformedEnvelope as error:
            self._fail(message, identity, request_id, SerializationException(str(error)))
        except AwsError as error:
            self._fail(message, identity, request_id, error)
        except BusError as error:
            log.info("answer_lost", request_id=request_id, reason=str(error))
        except Exception:
            log.exception("model_failed", request_id=request_id, model=self._entry.id if self._entry else "")
            self._fail(message, identity, request_id, ModelFailed(FAILED))

    async def _within_limit(self, message: Message, address: subjects.Address, request: Request) -> None:
        limit_s = request.deadline_ms / 1000 - self._clock() if request.deadline_ms else ANSWER_LIMIT_S
        try:
            async with asyncio.timeout(limit_s):
                if address.operation == "Generate":
                    await self._generate(message, address.identity, request)
                else:
                    ok = await self._method(address.operation)(request.params)
                    self._endpoint.respond(message, address.identity, Reply(request.id, ok=ok))
        except TimeoutError as error:
            raise ModelTooSlow("Model has timed out in processing the request. Try your request again.") from error

    def _method(self, operation: str) -> Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]:
        if operation not in self._answers:
            raise InvalidInput(f"a model host has no {operation}")
        return self._answers[operation]

    def _fail(self, message: Message, identity: Identity, request_id: str, error: AwsError) -> None:
        fault = Fault(error.error_code, error.message, error.fields, error.status or 0)
        try:
            self._endpoint.respond(message, identity, Reply(request_id, error=fault))
        except BusError as lost:
            log.info("answer_lost", request_id=request_id, reason=str(lost))

    # --- what is asked

    async def _generate(self, message: Message, identity: Identity, request: Request) -> None:
        asked = generate_request(request.params)
        engine = self._ready()
        if self._entry is not None and not asked.adapter:
            asked = replace(asked, adapter=self._entry.adapter)
        timing = self.measures.arrived()
        async with self._turns.turn(asked.priority):
            timing.began(engine.figures().batch)
            async with aclosing(engine.generate(asked)) as events:
                async for event in events:
                    reply = Reply(request.id, event=event_to_map(timing.passed(event)))
                    self._endpoint.respond(message, identity, reply)
        self._endpoint.respond(message, identity, Reply(request.id, end=True))

    async def _load(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Once; asked again for the same model it tells what is loaded, awake."""
        entry = entry_from_map(params)
        async with self._loading:
            if self._entry is not None and self._entry.id != entry.id:
                raise ModelNotReady(f"This host has {self._entry.id}.")
            if self._engine is None:
                began = time.perf_counter()
                self._engine = await open_engine(entry, self._directory)
                self._entry, self._turns = entry, Turns(self._engine.description.parallel, entry.waiting_max)
                log.info("model_loaded", model=entry.id, engine=entry.engine,
                         seconds=round(time.perf_counter() - began, 3))
            else:
                await self._engine.wake()
        return await self._describe(params)

    async def _describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {"description": to_map(self._ready().description)}

    async def _ping(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Alive, also while it loads."""
        return {"running": self._turns.running, "waiting": self._turns.waiting}

    async def _sleep(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Only when nobody is being answered; {"asleep": False} where the engine cannot, or may not now."""
        idle = not self._turns.running and not self._turns.waiting
        return {"asleep": idle and await self._ready().sleep()}

    async def _embed(self, params: Mapping[str, Any]) -> dict[str, Any]:
        async with self._turns.turn(PRIORITY_DEFAULT):
            return to_map(await self._ready().embed(EmbedRequest(**params)))

    async def _rerank(self, params: Mapping[str, Any]) -> dict[str, Any]:
        async with self._turns.turn(PRIORITY_DEFAULT):
            return to_map(await self._ready().rerank(RerankRequest(**params)))

    async def _count(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return to_map(await self._ready().count(TokenizeRequest(**params)))

    def _ready(self) -> Engine:
        if self._engine is None:
            raise ModelNotReady("The model is being loaded. Try your request again.")
        return self._engine
