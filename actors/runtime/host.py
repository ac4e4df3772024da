"""ActorHost: takes each request from its message to its reply.

Everything up to the shard is synchronous and runs in the transport's callback: no task, no future per request. Only
operations that wait for something (`async def`) get a task. One host serves one process; it may hold many actors.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from actors.runtime.actor import Definition, Kind, ServiceActor
from actors.runtime.chain import Call, Chain
from actors.runtime.context import Context
from actors.runtime.store.shard import Shard
from bus import subjects
from bus.endpoint import Endpoint
from bus.transport import BusError, Message, Subscription, Transport
from schemas.envelope import Reply, Request
from schemas.errors import AwsError, NotImplementedByUs, ThrottlingException, UnknownOperation
from schemas.models import Operation, Service, load
from schemas.routing import SLOT_COUNT

TASKS_LIMIT = 4096                        # operations that wait for something, per process
DEADLINE_S = 60.0                         # for requests that name none
STOP_LIMIT_S = 5.0                        # how long stop() waits for what is under way
SUBJECTS_REMEMBERED = 4096

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Hosted:
    """An actor with its model and, if it is stateful, the shard that owns all of its slots."""

    actor: ServiceActor
    model: Service
    shard: Shard | None


class ActorHost:
    """`start` subscribes, `stop` unsubscribes and lets what is under way finish."""

    def __init__(
        self,
        transport: Transport,
        endpoint: Endpoint,
        chain: Chain,
        actors: Iterable[ServiceActor],
        shards: Mapping[str, Shard],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._chain = chain
        self._clock = clock
        self._hosted = {
            actor.service: Hosted(actor, load(actor.service), shards.get(actor.service)) for actor in actors
        }
        for hosted in self._hosted.values():
            assert hosted.actor.stateful == (hosted.shard is not None), hosted.actor.service
        self._subscriptions: list[Subscription] = []
        self._addresses: dict[str, subjects.Address] = {}
        self._under_way: dict[tuple[str, str, str], Callable[[], object]] = {}   # (account, principal, id) -> cancel
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def services(self) -> list[str]:
        return sorted(self._hosted)

    async def start(self) -> None:
        """Returns when the broker knows all subscriptions: from then on no request finds nobody."""
        for service, hosted in self._hosted.items():
            self._subscribe(subjects.anywhere(service), queue=service)
            self._subscriptions.append(self._transport.subscribe(subjects.cancels(service), self._cancel))
            if hosted.shard is not None:
                for subject in subjects.owned(service, range(SLOT_COUNT)):
                    self._subscribe(subject)
        await self._transport.flush()

    def _subscribe(self, subject: str, queue: str = "") -> None:
        self._subscriptions.append(self._transport.subscribe(subject, self._receive, queue))

    async def stop(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_LIMIT_S)
        for task in self._tasks:
            task.cancel()

    # From message to call

    def _receive(self, message: Message) -> None:
        address = self._address(message.subject)
        if message.reply and not subjects.may_reply_to(address.identity, message.reply):
            log.warning("reply_refused", subject=message.subject, reply=message.reply)
            return
        self._endpoint.receive(message, address.identity, lambda request: self._handle(message, address, request))

    def _address(self, subject: str) -> subjects.Address:
        address = self._addresses.get(subject)
        if address is None:
            if len(self._addresses) >= SUBJECTS_REMEMBERED:
                self._addresses.clear()
            address = self._addresses[subject] = subjects.parse(subject)
        return address

    def _handle(self, message: Message, address: subjects.Address, request: Request | AwsError) -> None:
        """Runs the request, or answers what made it unreadable."""
        hosted = self._hosted[address.service]
        if isinstance(request, AwsError):
            self._endpoint.respond(message, Reply(error=self._chain.fault(request, "")))
            return
        now = self._clock()
        deadline = request.deadline_ms / 1000 if request.deadline_ms else now + DEADLINE_S
        if deadline < now:
            return                                       # its sender has given up: stale mail
        definition = hosted.actor.operations.get(address.operation)
        operation = hosted.model.operations.get(address.operation)
        if definition is None or operation is None:
            self._endpoint.respond(
                message, Reply(request.id, error=self._chain.fault(missing(address, operation), request.id))
            )
            return
        context = Context(
            address.identity, request.region, operation, request.id, deadline, now, request.trace,
            (request.source or {}) if address.door == subjects.GATEWAY else {},
        )
        self._run(message, hosted, definition, Call(context, hosted.actor, definition, request.params))

    # From call to reply

    def _run(self, message: Message, hosted: Hosted, definition: Definition, call: Call) -> None:
        def finish(result: Any, error: BaseException | None) -> None:
            self._endpoint.respond(message, self._chain.leave(call, result, error))

        try:
            self._chain.enter(call)
            method, actor, context, params = definition.method, hosted.actor, call.context, call.request
            kind, shard = definition.kind, hosted.shard
            if kind is Kind.ASYNC:
                self._start(call, self._wait(method(actor, context, params), call, finish))
            elif kind is Kind.STREAM:
                self._start(call, self._stream(message, method(actor, context, params), call, finish))
            elif shard is None:
                finish(method(actor, context, None, params), None)
            elif kind is Kind.WRITE:
                shard.write(lambda transaction: method(actor, context, transaction, params), finish)
            elif kind is Kind.READ:
                finish(shard.read(lambda snapshot: method(actor, context, snapshot, params)), None)
            else:
                self._read_long(shard, call, lambda snapshot: method(actor, context, snapshot, params), finish)
        except Exception as error:
            finish(None, error)

    def _read_long(self, shard: Shard, call: Call, evaluate: Callable[[Any], Any], finish: Any) -> None:
        key = self._key(call)

        def done(result: Any, error: BaseException | None) -> None:
            self._under_way.pop(key, None)
            finish(result, error)

        reading = shard.read_long(evaluate, done)
        if reading is not None:
            self._under_way[key] = reading.cancel

    def _start(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= TASKS_LIMIT:
            work.close()
            raise ThrottlingException("Rate exceeded")
        key = self._key(call)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        self._under_way[key] = task.cancel

        def forget(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._under_way.pop(key, None)

        task.add_done_callback(forget)

    async def _wait(self, work: Coroutine[Any, Any, Any], call: Call, finish: Any) -> None:
        try:
            async with asyncio.timeout(call.context.deadline - self._clock()):
                result = await work
        except Exception as error:
            finish(None, error)
        except asyncio.CancelledError as error:
            finish(None, error)
            raise
        else:
            finish(result, None)

    async def _stream(self, message: Message, events: Any, call: Call, finish: Any) -> None:
        try:
            async for event in events:
                self._endpoint.respond(message, Reply(call.context.request_id, event=event))
        except Exception as error:
            finish(None, error)
        except asyncio.CancelledError as error:
            finish(None, error)
            raise
        else:
            finish({}, None)
        finally:
            await events.aclose()

    @staticmethod
    def _key(call: Call) -> tuple[str, str, str]:
        identity = call.context.identity
        return identity.account, identity.principal, call.context.request_id

    def _cancel(self, message: Message) -> None:
        """The sender of a request has gone away; only its own principal can say so, the subject proves it."""
        address = self._address(message.subject)
        cancel = self._under_way.pop((address.account, address.principal, address.operation), None)
        if cancel is not None:
            cancel()


def missing(address: subjects.Address, operation: Operation | None) -> AwsError:
    if operation is None:
        return UnknownOperation(f"{address.service} has no operation {address.operation}.")
    return NotImplementedByUs(address.service, address.operation)


__all__ = ["ActorHost", "BusError"]
