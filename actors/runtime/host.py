"""ActorHost: takes each request from its message to its reply.

Everything up to the shard is synchronous and runs in the transport's callback: no task and no future per request. Only
what waits for something gets a task: an `async def` operation, a stream, a request too large for one message. One host
serves one process; it may hold many actors.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import structlog

from actors.runtime.actor import InitialResponse, Kind, ServiceActor
from actors.runtime.chain import Call, Chain
from actors.runtime.context import Context
from actors.runtime.principal import Principal
from actors.runtime.principals import Who
from actors.runtime.store.shard import Shard
from actors.runtime.surroundings import passed_on
from bus import subjects
from bus.bodies import BodyTooLarge
from bus.codec import MalformedEnvelope, Unencodable
from bus.endpoint import Endpoint
from bus.system import SystemAnswers
from bus.transport import BusError, Message, Subscription, Transport
from schemas.envelope import Reply, Request
from schemas.errors import AwsError, NotImplementedByUs, SerializationException, ThrottlingException, UnknownOperation
from schemas.models import Service, load
from schemas.routing import ANY, Share, has_slots

TASKS_LIMIT = 4096                        # what waits for something, per process
DEADLINE_S = 60.0                         # of requests that name none
STOP_LIMIT_S = 5.0                        # how long stop() waits for what is under way
SUBJECTS_REMEMBERED = 4096

Finish = Callable[[Any, BaseException | None], None]

log = structlog.get_logger(__name__)
_LATER = object()                         # the operation answers through finish


@dataclass(slots=True)
class Hosted:
    """An actor with its model and its shard: its own, or the one it reads (`state_of`). `elsewhere`: other shards have
    some of the service's slots, and these are `ours`."""

    actor: ServiceActor
    model: Service
    shard: Shard | None
    share: Share
    elsewhere: bool
    ours: frozenset[str]
    hears_commits: bool                   # it defines `committed`
    hears_answers: bool                   # it defines `answered`


class ActorHost:
    """`start` subscribes, `stop` unsubscribes and lets what is under way finish. The actors are attached already.
    `clock`: seconds since the epoch."""

    def __init__(
        self, transport: Transport, endpoint: Endpoint, chain: Chain, actors: Iterable[ServiceActor], principals: Who,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._chain = chain
        self._principals = principals
        self._clock = clock
        self._hosted = {actor.service: _hosted(actor) for actor in actors}
        self._subscriptions: list[Subscription] = []
        self._answers: list[SystemAnswers] = []
        self._addresses: dict[str, subjects.Address] = {}
        self._cancels: dict[tuple[str, str, str], Callable[[], object]] = {}     # (account, principal, request id)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Returns when the broker knows all subscriptions: from then on no request finds nobody."""
        subscribe = self._transport.subscribe
        for service, hosted in self._hosted.items():
            mine = [subscribe(subjects.anywhere(service), self._receive, service)]
            mine.append(subscribe(subjects.cancels(service), self._cancel))
            if has_slots(service):              # its requests name slots; who has state owns them alone
                queue = service if hosted.shard is None else ""
                owned = subjects.owned(service, hosted.share.slots)
                mine += [subscribe(subject, self._receive, queue) for subject in owned]
            self._subscriptions += mine
            answers = hosted.actor.system_answers()
            if answers:
                self._answers.append(SystemAnswers(self._transport, service, answers))
        await self._transport.flush()

    async def stop(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        for answers in self._answers:
            answers.close()
        self._answers.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_LIMIT_S)
        for task in self._tasks:
            task.cancel()

    # --- from message to request

    def _receive(self, message: Message) -> None:
        address = self._address(message.subject)
        if message.reply and not subjects.may_reply_to(address.identity, message.reply):
            log.warning("reply_refused", subject=message.subject, reply=message.reply)
            return
        try:
            request = self._endpoint.receive(message, address.identity)
            if isinstance(request, Request):
                self._handle(message, address, request)
            else:
                self._start(self._handle_large(message, address, request))
        except MalformedEnvelope as error:
            self._refuse(message, address, "", SerializationException(str(error)))
        except AwsError as error:
            self._refuse(message, address, "", error)

    async def _handle_large(self, message: Message, address: subjects.Address, arriving: Awaitable[Request]) -> None:
        try:
            request = await arriving
        except MalformedEnvelope as error:
            self._refuse(message, address, "", SerializationException(str(error)))
        except BusError as error:
            self._refuse(message, address, "", error)
        else:
            self._handle(message, address, request)

    def _address(self, subject: str) -> subjects.Address:
        address = self._addresses.get(subject)
        if address is None:
            if len(self._addresses) >= SUBJECTS_REMEMBERED:
                self._addresses.clear()
            address = self._addresses[subject] = subjects.parse(subject)
        return address

    def _handle(self, message: Message, address: subjects.Address, request: Request) -> None:
        principal = self._principals.known(address.identity)
        if principal is not None:
            self._admit(message, address, request, principal)
        else:
            self._start(self._introduce(message, address, request))

    async def _introduce(self, message: Message, address: subjects.Address, request: Request) -> None:
        """IAM is asked who this is before the request goes on: links never wait."""
        try:
            principal = await self._principals.find(address.identity)
        except BusError as error:
            self._refuse(message, address, request.id, error)
        else:
            self._admit(message, address, request, principal)

    def _admit(
        self, message: Message, address: subjects.Address, request: Request, principal: Principal
    ) -> None:
        hosted = self._hosted[address.service]
        now = self._clock()
        deadline = request.deadline_ms / 1000 if request.deadline_ms else now + DEADLINE_S
        if deadline < now:
            return                                       # its sender has given up: stale mail
        name, is_part = subjects.whole(address.operation)
        step = hosted.actor.parts.get(name) if is_part and _may_ask(address.door, name, hosted) else None
        definition = step or hosted.actor.operations.get(name)
        if is_part and address.door == subjects.DIRECT:      # it would be unplaced, and recorded by nobody
            definition = None
        if definition is None:
            self._refuse(message, address, request.id, _no_such(hosted, address))
            return
        operation = hosted.model.operations[definition.name]
        if hosted.elsewhere and not is_part:
            place = hosted.actor.place(name, request.params, address.account, request.region)
            if place != ANY and place not in hosted.ours:
                self._relay(message, address, request, place, deadline)
                return
            if place == ANY and definition.across is not None:
                definition = definition.across
        source = request.source if address.door != subjects.DIRECT and request.source else {}
        context = Context(
            address.identity, request.region, operation, request.id, deadline, now, request.trace, source, principal,
            part=name if step is not None else "",
        )
        call = Call(context, hosted.actor, definition.chosen(request.params), request.params, len(message.data))
        self._run(message, hosted, call, is_part)

    # --- from one shard to another

    def _relay(
        self, message: Message, address: subjects.Address, request: Request, place: str, deadline: float
    ) -> None:
        """To the owner of its place, whose answer goes back this way."""
        try:
            self._start(self._relayed(message, address, request, place, deadline))
        except AwsError as error:
            self._refuse(message, address, request.id, error)

    async def _relayed(
        self, message: Message, address: subjects.Address, request: Request, place: str, deadline: float
    ) -> None:
        try:
            timeout_s = deadline - self._clock()
            if address.door == subjects.DIRECT:
                request.source = {}                      # it goes on through a door whose word is believed
            client = self._hosted[address.service].actor.surroundings.client
            reply = await client.send(
                passed_on(address.identity), address.service, address.operation, request, timeout_s, place)
            self._endpoint.respond(message, address.identity, reply)
        except BusError as error:
            self._refuse(message, address, request.id, error)

    # --- from request to reply

    def _run(self, message: Message, hosted: Hosted, call: Call, is_part: bool) -> None:
        chain = self._chain
        if is_part:
            chain = chain.step if call.definition.internal else chain.part
        elif call.definition.coordinates:
            chain = chain.coordinator

        def finish(result: Any, error: BaseException | None) -> None:
            if hosted.hears_commits and error is None and call.definition.kind is Kind.WRITE:
                call.actor.committed(call.context)
            reply = chain.leave(call, result, error)
            if hosted.hears_answers and not is_part:
                call.actor.answered(call)
            self._answer(message, call, reply)
            if isinstance(error, AwsError):         # the frames of its traceback hold the call, which holds it: a ring
                error.__traceback__ = error.__cause__ = error.__context__ = None

        try:
            chain.enter(call)
            result = self._begin(message, hosted.shard, call, finish)
        except Exception as error:
            finish(None, error)
            return
        if result is not _LATER:
            finish(result, None)

    def _begin(self, message: Message, shard: Shard | None, call: Call, finish: Finish) -> Any:
        """The result, or _LATER."""
        method, kind = call.definition.method, call.definition.kind
        actor, context, request = call.actor, call.context, call.request
        if kind is Kind.ASYNC:
            self._start(self._wait(method(actor, context, request), call, finish), call)
        elif kind is Kind.STREAM:
            self._start(self._stream(message, method(actor, context, request), call), call)
        elif shard is None:
            return method(actor, context, None, request)
        elif kind is Kind.WRITE:
            shard.write(_evaluation(call), finish, call.request_bytes)
        elif kind is Kind.READ:
            result = shard.read(lambda snapshot: method(actor, context, snapshot, request))
            if type(result) is dict or not inspect.isawaitable(result):
                return result
            self._start(self._wait(result, call, finish), call)
        else:
            self._read_long(shard, call, lambda snapshot: method(actor, context, snapshot, request), finish)
        return _LATER

    def _read_long(self, shard: Shard, call: Call, reading: Callable[[Any], Any], finish: Finish) -> None:
        key = self._key(call)

        def done(result: Any, error: BaseException | None) -> None:
            self._cancels.pop(key, None)
            finish(result, error)

        self._cancels[key] = shard.read_long(reading, done).cancel

    def _start(self, work: Coroutine[Any, Any, None], call: Call | None = None) -> None:
        """A task for what waits; a call's can be cancelled by who sent it. ThrottlingException."""
        if len(self._tasks) >= TASKS_LIMIT:
            work.close()
            raise ThrottlingException("Rate exceeded")
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if call is not None:
            key = self._key(call)
            self._cancels[key] = task.cancel
            task.add_done_callback(lambda _: self._cancels.pop(key, None))

    async def _wait(self, work: Awaitable[Any], call: Call, finish: Finish) -> None:
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

    async def _stream(self, message: Message, events: AsyncGenerator[dict[str, Any], None], call: Call) -> None:
        request_id = call.context.request_id
        error: BaseException | None = None
        try:
            async for event in events:
                initial = isinstance(event, InitialResponse)
                reply = Reply(request_id, ok=dict(event)) if initial else Reply(request_id, event=event)
                self._endpoint.respond(message, call.context.identity, reply)
        except Exception as caught:
            error = caught
        except asyncio.CancelledError as caught:
            error = caught
            raise
        finally:
            await events.aclose()
            reply = self._chain.leave(call, {}, error)
            self._answer(message, call, reply if reply.error else Reply(request_id, end=True))

    @staticmethod
    def _key(call: Call) -> tuple[str, str, str]:
        identity = call.context.identity
        return identity.account, identity.principal, call.context.request_id

    def _cancel(self, message: Message) -> None:
        """The sender of a request has gone away; only its own principal can say so, and the subject proves it."""
        address = self._address(message.subject)
        cancel = self._cancels.pop((address.account, address.principal, address.operation), None)
        if cancel is not None:
            cancel()

    # --- replies

    def _answer(self, message: Message, call: Call, reply: Reply) -> None:
        identity = call.context.identity
        try:
            self._endpoint.respond(message, identity, reply)
        except (Unencodable, BodyTooLarge) as error:     # our bug: an operation bounds what it answers
            fault = self._chain.fault(RuntimeError(str(error)), reply.id, call)
            self._endpoint.respond(message, identity, Reply(reply.id, error=fault))
        except BusError as error:
            log.info("answer_lost", request_id=reply.id, reason=str(error))

    def _refuse(self, message: Message, address: subjects.Address, request_id: str, error: Exception) -> None:
        """Answers what never became a call."""
        try:
            fault = self._chain.fault(error, request_id)
            self._endpoint.respond(message, address.identity, Reply(request_id, error=fault))
        except BusError as lost:
            log.info("answer_lost", request_id=request_id, reason=str(lost))


def _no_such(hosted: Hosted, address: subjects.Address) -> AwsError:
    """For an operation that AWS has and we have not, or for what is none."""
    if address.operation in hosted.model.operations:
        return NotImplementedByUs(address.service, address.operation)
    return UnknownOperation(f"{address.service} has no operation {address.operation}.")


def _may_ask(door: str, name: str, hosted: Hosted) -> bool:
    """Only our processes can use these doors: the services', and the gateway's for what is authorised all the same."""
    part = hosted.actor.parts.get(name)
    return door == subjects.SERVICE or (door == subjects.GATEWAY and part is not None and not part.internal)


def _hosted(actor: ServiceActor) -> Hosted:
    share, shard = actor.surroundings.share, actor.surroundings.state
    assert (actor.stateful or bool(actor.state_of)) == (shard is not None), f"{actor.service}: state needs a shard"
    assert share.of == 1 or not any(each.kind is Kind.STREAM for each in actor.operations.values()), actor.service
    hears_commits = type(actor).committed is not ServiceActor.committed
    hears_answers = type(actor).answered is not ServiceActor.answered
    return Hosted(
        actor, load(actor.service), shard, share, share.of > 1, share.tokens, hears_commits, hears_answers)


def _evaluation(call: Call) -> Callable[[Any], Any]:
    """What the shard runs for a write; where it is traced, its commit is told apart from its evaluation."""
    method, actor, context, request = call.definition.method, call.actor, call.context, call.request
    if call.tracer is None:
        return lambda transaction: method(actor, context, transaction, request)

    def traced(transaction: Any) -> Any:
        result = method(actor, context, transaction, request)
        call.evaluated()
        return result

    return traced
