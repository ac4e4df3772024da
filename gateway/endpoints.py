"""Skybus's own pages: health, metrics, reset, and those of LocalStack that its tooling asks for.

    GET  /_skybus/health, /_localstack/health     what is there, and whether the bus is
    GET  /_skybus/metrics                         every process's counters, as Prometheus text
    POST /_skybus/reset                           forgets everything; loopback and open mode only
    GET  /_localstack/info, /_localstack/init     as Testcontainers modules and `awslocal` read them

Between processes: `sys.metrics` is answered with msgpack {process, metrics: [(name, labels, value)]}, `sys.reset` with
{process, services: [names]} once those services have forgotten everything, or {process, error}.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from bus.codec import MalformedEnvelope, pack, unpack
from bus.transport import BusError, Message, Subscription, Transport
from gateway.browsers import is_loopback_name
from gateway.connection import Answer, Incoming
from gateway.metrics import Metrics, render

METRICS_SUBJECT = "sys.metrics"
RESET_SUBJECT = "sys.reset"
HEALTH_WAIT_S = 1.0
METRICS_WAIT_S = 0.25                     # for other processes' counters
RESET_WAIT_S = 10.0                       # for every owner of state
ANSWERS_LIMIT_COUNT = 256                 # to one question
PREFIXES = ("/_skybus/", "/_localstack/")

_LOOPBACK_PEERS = ("127.", "::1", "::ffff:127.")
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class About:
    """What this gateway says of itself. `services` are those with an actor."""

    process: str
    version: str
    services: tuple[str, ...]
    open_mode: bool


class Endpoints:
    """Also answers this process's part of `sys.metrics` to the other gateways."""

    def __init__(self, transport: Transport, about: About, metrics: Metrics) -> None:
        self._transport = transport
        self._about = about
        self._metrics = metrics
        self._started = time.time()
        self._pages: dict[tuple[str, str], Callable[[Incoming], Awaitable[Answer]]] = {
            ("GET", "/_skybus/health"): self._health,
            ("GET", "/_localstack/health"): self._health,
            ("GET", "/_localstack/info"): self._info,
            ("GET", "/_localstack/init"): self._init,
            ("GET", "/_skybus/metrics"): self._all_metrics,
            ("POST", "/_skybus/reset"): self._reset,
        }
        self._subscription: Subscription | None = None

    def start(self) -> None:
        self._subscription = self._transport.subscribe(METRICS_SUBJECT, self._answer_metrics)

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()

    async def answer(self, incoming: Incoming, path: str) -> Answer:
        method = "GET" if incoming.method == "HEAD" else incoming.method
        page = self._pages.get((method, path.rstrip("/")))
        if page is not None:
            return await page(incoming)
        known = any(path.rstrip("/") == other for _, other in self._pages)
        return _json(405 if known else 404, {"message": "Method Not Allowed" if known else "Not Found"})

    async def _health(self, incoming: Incoming) -> Answer:
        connected = await self._connected()
        state = "running" if connected else "error"
        return _json(200 if connected else 503, {
            "services": dict.fromkeys(self._about.services, state), "edition": "skybus", "version": self._about.version,
        })

    async def _connected(self) -> bool:
        """Does the broker answer?"""
        try:
            async with asyncio.timeout(HEALTH_WAIT_S):
                await self._transport.flush()
        except (BusError, TimeoutError):
            return False
        return True

    async def _info(self, incoming: Incoming) -> Answer:
        return _json(200, {
            "version": self._about.version, "edition": "skybus", "is_license_activated": False, "session_id": "",
            "machine_id": "", "system": "", "is_docker": False, "server_time_utc": int(time.time()),
            "uptime": int(time.time() - self._started),
        })

    async def _init(self, incoming: Incoming) -> Answer:
        stages = {"BOOT": True, "START": True, "READY": await self._connected(), "SHUTDOWN": False}
        return _json(200, {"completed": stages, "scripts": []})

    # Metrics

    def _answer_metrics(self, message: Message) -> None:
        if message.reply:
            own = {"process": self._about.process, "metrics": self._metrics.samples()}
            self._transport.publish(message.reply, pack(own))

    async def _all_metrics(self, incoming: Incoming) -> Answer:
        """Its own at once, the others' as far as they answer in time."""
        processes: dict[str, Any] = {self._about.process: self._metrics.samples()}

        def take(answer: Any) -> bool:
            processes.setdefault(str(answer["process"]), answer["metrics"])
            return False

        await self._ask(METRICS_SUBJECT, take, METRICS_WAIT_S)
        try:
            text = render(sorted(processes.items(), key=lambda item: item[0]))
        except (TypeError, ValueError) as error:
            return _json(500, {"message": f"a process answered metrics that are none: {error}"})
        return Answer(200, {"content-type": _PROMETHEUS}, text.encode())

    # Reset

    async def _reset(self, incoming: Incoming) -> Answer:
        host = incoming.headers.get("host", "")
        if not (self._about.open_mode and incoming.peer.startswith(_LOOPBACK_PEERS) and is_loopback_name(host)):
            return _json(403, {"message": "Reset is for open mode, from this machine."})
        missing = set(self._about.services)
        errors: list[str] = []

        def take(answer: Any) -> bool:
            if "error" in answer:
                errors.append(f"{answer['process']}: {answer['error']}")
            missing.difference_update(answer.get("services", ()))
            return bool(errors) or not missing

        if missing:
            await self._ask(RESET_SUBJECT, take, RESET_WAIT_S)
        if errors:
            return _json(500, {"message": "; ".join(errors)})
        if missing:
            return _json(503, {"message": f"No answer from: {', '.join(sorted(missing))}"})
        return _json(200, {"status": "ok"})

    async def _ask(self, subject: str, take: Callable[[Any], bool], wait_s: float) -> None:
        """Publishes a question to all processes and hands each answer to `take` until that returns True, or time is
        up. Malformed answers are passed over."""
        answers: asyncio.Queue[bytes | None] = asyncio.Queue(ANSWERS_LIMIT_COUNT)

        def arrive(data: bytes | None) -> None:
            if not answers.full():
                answers.put_nowait(data)

        try:
            inbox = self._transport.listen(lambda message: arrive(message.data), lambda _error: arrive(None))
        except BusError:
            return
        try:
            self._transport.publish(subject, b"", inbox.subject)
            async with asyncio.timeout(wait_s):
                while (data := await answers.get()) is not None:
                    answer = _unpacked(data)
                    if answer is not None and take(answer):
                        return
        except (BusError, TimeoutError):
            return
        finally:
            inbox.close()


def _unpacked(data: bytes) -> dict[str, Any] | None:
    try:
        answer = unpack(data)
    except MalformedEnvelope:
        return None
    return answer if isinstance(answer, dict) and "process" in answer else None


def _json(status: int, value: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, orjson.dumps(value))
