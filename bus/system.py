"""sys.<verb>: what our own processes ask and tell each other. Direct publishers may neither speak nor listen there.

A question and its answers are msgpack maps; an answer names its process. Everyone who knows the verb answers:

    status   {}                          -> {process, version, services, shards: {service: {…}}, …}
    health   {}                          -> {process, services: {service: "" or what is wrong}, slots}
    backup   {directory}                 -> {process, shards}          each owner copies its shards into directory/state
    reset    {}                          -> {process, services, slots} each owner forgets everything
    metrics  {}                          -> {process, metrics: [[name, labels, value], …]}

    explain  {principal, action, resource} -> {allowed, sentence, because: [line, …]}  why someone may or may not

Asked of IAM alone (`ask`), which answers what is behind an access key; {unknown: true} when it never made it:

    principal    {account, access_key}   -> {record}     whose it is and what policies they have; {}: nobody's any more
    used         {uses: [[account, access_key, service, at, region], …]} -> {}      who used what and when last
    rotate       {}                      -> {secrets}    how many are sealed under a new key
    credential   {access_key}            -> {account, secret, token, expires, bearer: true for an API key's, which signs
                                            nothing}; {refused: true} when it is no good

Asked of who keeps bodies in files:

    files    {service}                   -> {inbox}      where gateways of other hosts ask for them (remote_files.py)

Asked of S3 alone:

    bucket     {name, kind}              -> {region, document}   its configuration of that kind (cors, website), null
                                            when it has none; {} when there is no such bucket

    reseal     {}                        -> {sealed}     how many rows are sealed under a new key
    scrub      {}                        -> {files, bytes, rotten: [{file, reason, since, objects}]}   reads every file

Asked of CloudTrail alone:

    record     {events: [JSON, …]}       -> {stored}      a process's audit records; answered when they are committed
    interests  {}                        -> {trails: [[account, region, selectors], …]}     who wants data events
    verify     {}                        -> {records, broken, …}    is the audit log what it was?

An answer {process, error} says why not. `slots` is {service: [first slot, slot behind the last]} of services of which
the process has a share only; of others it has all. What is told, not asked:

    arrived  {process, services, slots}  who alone answers for these begins anew: what was under way is lost
    identities  {account}                keys, policies or principals of that account have changed
    trails   {}                          which data events are wanted has changed
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from bus.codec import MalformedEnvelope, pack, unpack
from bus.subjects import is_inbox, is_sent_to
from bus.transport import BusError, Message, Subscription, Transport
from schemas.routing import SLOT_COUNT

QUESTIONS = ("status", "health", "backup", "reset", "metrics", "explain", "rotate", "principal", "credential", "used",
             "files", "bucket", "scrub", "reseal", "record", "interests", "verify")
ARRIVED, IDENTITIES, TRAILS = "arrived", "identities", "trails"
VERBS = (*QUESTIONS, ARRIVED, IDENTITIES, TRAILS)
UNDER_WAY_MAX = 8                         # answers being worked out at once; more are refused
ANSWERS_LIMIT_COUNT = 256                 # to one question

Answer = Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]
Answers = dict[str, dict[str, Any]]       # by process

log = structlog.get_logger()


def subject(verb: str) -> str:
    assert verb in VERBS, verb
    return f"sys.{verb}"


class SystemAnswers:
    """Answers for one process, by verb, until closed. What is no map of ours is passed over."""

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
        assert verb in QUESTIONS, verb

        def handle(message: Message) -> None:
            request = _map(message.data)
            if request is None:
                log.warning("system_message_malformed", verb=verb)
                return
            if len(self._tasks) >= UNDER_WAY_MAX:
                self._reply(message, {"error": "too much is being asked at once"})
                return
            try:
                result = answer(request)
            except Exception as error:
                result = _failed(verb, error)
            if isinstance(result, dict):
                self._reply(message, result)
            else:
                self._start(verb, message, result)

        return handle

    def _start(self, verb: str, message: Message, result: Awaitable[dict[str, Any]]) -> None:
        task = asyncio.get_running_loop().create_task(self._work(verb, message, result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, verb: str, message: Message, result: Awaitable[dict[str, Any]]) -> None:
        try:
            answered = await result
        except Exception as error:
            answered = _failed(verb, error)
        self._reply(message, answered)

    def _reply(self, message: Message, result: dict[str, Any]) -> None:
        if is_inbox(message.reply):
            try:
                self._transport.publish(message.reply, pack({"process": self._process, **result}))
            except BusError as error:
                log.warning("system_answer_lost", error=str(error))


def _failed(verb: str, error: Exception) -> dict[str, Any]:
    log.error("system_request_failed", verb=verb, exc_info=error)
    return {"error": f"{type(error).__name__}: {error}"}


def _map(data: bytes) -> dict[str, Any] | None:
    if not data:
        return {}
    try:
        value = unpack(data)
    except MalformedEnvelope:
        return None
    return value if isinstance(value, dict) else None


def never(answers: Answers) -> bool:
    """For `gather`: who may answer is not known, so the whole time is waited."""
    return False


async def gather(
    transport: Transport, verb: str, request: dict[str, Any], timeout_s: float,
    enough: Callable[[Answers], bool] = never,
) -> Answers:
    """The answers by process, once they are `enough`, or those that came within `timeout_s` or before the bus was lost.

    What is no answer is passed over.
    """
    assert verb in QUESTIONS, verb
    answers: Answers = {}
    complete = asyncio.Event()

    def take(message: Message) -> None:
        answer = _map(message.data)
        if answer is None or "process" not in answer or len(answers) >= ANSWERS_LIMIT_COUNT:
            log.warning("system_message_malformed", verb=verb)
            return
        answers[str(answer.pop("process"))] = answer
        if enough(answers):
            complete.set()

    def fail(error: BusError) -> None:
        log.info("system_question_lost", verb=verb, reason=str(error))
        complete.set()

    try:
        inbox = transport.listen(take, fail)
    except BusError as error:
        fail(error)
        return answers
    try:
        transport.publish(subject(verb), pack(request), inbox.subject)
        async with asyncio.timeout(timeout_s):
            await complete.wait()
    except BusError as error:
        fail(error)
    except TimeoutError:
        log.debug("system_answers_incomplete", verb=verb, came=sorted(answers))
    finally:
        inbox.close()
    return answers


async def ask(transport: Transport, verb: str, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """The answer of the one who knows. BusError, also when it says that something went wrong."""
    answer = _map((await transport.request(subject(verb), pack(request), timeout_s)).data)
    if answer is None or "error" in answer:
        raise BusError(f"{verb}: {'malformed' if answer is None else answer['error']}")
    return answer


def tell(transport: Transport, verb: str, news: dict[str, Any]) -> None:
    """Everyone who listens, best effort: who is not connected forgets everything when it is again."""
    try:
        transport.publish(subject(verb), pack(news))
    except BusError as error:
        log.info("system_news_lost", verb=verb, reason=str(error))


class Listening:
    """Hears news of changes until closed, by default of identities: `changed(account)`, "" for all of them, which is
    also said whenever news may have been missed (the service that tells it began anew, the connection was lost)."""

    def __init__(
        self, transport: Transport, changed: Callable[[str], None], verb: str = IDENTITIES, teller: str = "iam"
    ) -> None:
        self._changed = changed
        self._teller = teller
        self._subscriptions = [
            transport.subscribe(subject(verb), self._told), transport.subscribe(subject(ARRIVED), self._arrived)]
        self._inbox = transport.listen(lambda message: None, self._lost)

    def close(self) -> None:
        self._inbox.close()
        for subscription in self._subscriptions:
            subscription.close()

    def _told(self, message: Message) -> None:
        news = _map(message.data)
        account = news.get("account") if news is not None else None
        self._changed(account if isinstance(account, str) else "")

    def _arrived(self, message: Message) -> None:
        news = _map(message.data)
        services = news.get("services") if news is not None else None
        if not isinstance(services, list) or self._teller in services:
            self._changed("")

    def _lost(self, error: BusError) -> None:
        self._changed("")


Slots = Mapping[str, Sequence[int]]       # of services of which a process has a share: first slot, slot behind the last


def complete(answers: Answers) -> set[str]:
    """The services all of whose slots these answers are for. A service's problem or name stands in `services`."""
    found: dict[str, set[int]] = {}
    for answer in answers.values():
        slots = answer.get("slots", {})
        for service in answer.get("services", ()):
            found.setdefault(service, set()).update(range(*slots.get(service, (0, SLOT_COUNT))))
    return {service for service, covered in found.items() if len(covered) == SLOT_COUNT}


async def announce_arrival(
    transport: Transport, process: str, services: Collection[str], slots: Slots | None = None
) -> None:
    """To be awaited before subscribing for these services, which nobody else answers for. Disconnected.

    The flush puts the news ahead of the new subscriptions: a request made while it travels finds nobody, which fails
    at once, rather than us, and so is not given up by mistake.
    """
    news = {"process": process, "services": sorted(services), "slots": dict(slots or {})}
    transport.publish(subject(ARRIVED), pack(news))
    await transport.flush()


def abandon_on_arrival(transport: Transport) -> Subscription:
    """Requests to services whose one owner begins anew fail at once with Disconnected: the one they were sent to has
    gone, and the others would wait out their time."""

    def arrived(message: Message) -> None:
        news = _map(message.data)
        services, slots = (news.get("services"), news.get("slots", {})) if news is not None else (None, None)
        if not isinstance(services, list) or not isinstance(slots, dict):
            log.warning("system_message_malformed", verb=ARRIVED)
            return
        for service in services:
            lost = range(*slots.get(service, (0, SLOT_COUNT)))
            transport.abandon(partial(is_sent_to, service=service, slots=lost), f"{service} has started anew")

    return transport.subscribe(subject(ARRIVED), arrived)
