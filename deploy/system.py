"""sys.<verb>: what our own processes ask each other over the bus. Direct publishers may not speak there.

A request and its answers are msgpack maps; an answer names its process. Everyone who knows the verb answers:

    status   {}                          -> {process, version, services, shards: {service: {…}}, …}
    backup   {directory}                 -> {process, shards}          each owner copies its shards into directory/state
    reset    {}                          -> {process, services}        each owner forgets everything
    metrics  {}                          -> {process, metrics: [[name, labels, value], …]}

An answer {process, error} says why not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bus.codec import pack, unpack
from bus.transport import BusError, Message, Subscription, Transport

VERBS = ("status", "backup", "reset", "metrics")
UNDER_WAY_MAX = 8                         # answers being worked out at once; more are refused

Answer = Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]

log = structlog.get_logger()


def subject(verb: str) -> str:
    assert verb in VERBS, verb
    return f"sys.{verb}"


class SystemAnswers:
    """Answers for one process, by verb, until closed."""

    def __init__(self, transport: Transport, process: str, answers: Mapping[str, Answer]) -> None:
        self._transport = transport
        self._process = process
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[Subscription] = [
            transport.subscribe(subject(verb), self._handler(verb, answer)) for verb, answer in answers.items()
        ]

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        for task in self._tasks:
            task.cancel()

    def _handler(self, verb: str, answer: Answer) -> Callable[[Message], None]:
        def handle(message: Message) -> None:
            if len(self._tasks) >= UNDER_WAY_MAX:
                self._reply(message, {"error": "too much is being asked at once"})
                return
            task = asyncio.get_running_loop().create_task(self._work(verb, answer, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return handle

    async def _work(self, verb: str, answer: Answer, message: Message) -> None:
        try:
            request = unpack(message.data) if message.data else {}
            if not isinstance(request, dict):
                raise TypeError("not a map")
            result = answer(request)
            if not isinstance(result, dict):
                result = await result
        except Exception as error:
            log.exception("system_request_failed", verb=verb)
            result = {"error": f"{type(error).__name__}: {error}"}
        self._reply(message, result)

    def _reply(self, message: Message, result: dict[str, Any]) -> None:
        if message.reply.startswith("_INBOX."):
            try:
                self._transport.publish(message.reply, pack({"process": self._process, **result}))
            except BusError as error:
                log.warning("system_answer_lost", error=str(error))


async def gather(
    transport: Transport, verb: str, request: dict[str, Any], expected: set[str], timeout_s: float
) -> dict[str, dict[str, Any]]:
    """The answers by process, as soon as all `expected` have come, or those that came within `timeout_s`."""
    answers: dict[str, dict[str, Any]] = {}
    complete = asyncio.Event()

    def take(message: Message) -> None:
        answer = unpack(message.data)
        answers[str(answer.pop("process"))] = answer
        if expected <= answers.keys():
            complete.set()

    inbox = transport.listen(take, lambda *_: complete.set())
    try:
        transport.publish(subject(verb), pack(request), inbox.subject)
        async with asyncio.timeout(timeout_s):
            await complete.wait()
    except TimeoutError:
        log.info("system_answers_missing", verb=verb, missing=sorted(expected - answers.keys()))
    finally:
        inbox.close()
    return answers
