"""Skybus's own pages: health, metrics, reset, and those of LocalStack that its tooling asks for.

    GET  /_skybus/health, /_localstack/health     what is there, and whether the bus is
    GET  /_skybus/metrics                         every process's counters, as Prometheus text
    POST /_skybus/reset                           forgets everything; loopback and open mode only
    GET  /_localstack/info, /_localstack/init     as Testcontainers modules and `awslocal` read them

What the other processes answer: bus/system.py.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from bus.system import Answers, SystemAnswers, abandon_on_arrival, complete, gather
from bus.transport import BusError, Subscription, Transport
from gateway.browsers import REFUSED, UNKNOWN_HOST, is_known, is_loopback_name, may_ask
from gateway.connection import Answer, Incoming
from gateway.hosts import LIMIT_CHARACTERS
from gateway.metrics import Metrics, render
from gateway.settings import Settings

HEALTH_WAIT_S = 3.0
METRICS_WAIT_S = 0.25                     # for other processes' counters
RESET_WAIT_S = 10.0                       # for every owner of state
PREFIXES = ("/_skybus/", "/_localstack/")

_LOOPBACK_PEERS = ("127.", "::1", "::ffff:127.")
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Endpoints:
    """Also this process's part in what processes ask and tell each other."""

    def __init__(self, transport: Transport, settings: Settings, metrics: Metrics) -> None:
        self._transport = transport
        self._settings = settings
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
        self._open: list[SystemAnswers | Subscription] = []

    def start(self) -> None:
        """Answers the other processes, and hears them arrive."""
        self._open.append(SystemAnswers(self._transport, self._settings.process, {"metrics": self._own_metrics}))
        self._open.append(abandon_on_arrival(self._transport))

    def close(self) -> None:
        for one in self._open:
            one.close()

    async def answer(self, incoming: Incoming, path: str) -> Answer:
        settings, origin = self._settings, incoming.headers.get("origin")
        host = incoming.headers.get("host", "")
        if settings.open_mode and not is_known(host, settings.hosts):
            return _json(403, {"message": UNKNOWN_HOST.format(host[:LIMIT_CHARACTERS])})
        if origin is not None and not may_ask(origin, settings.open_mode):
            return Answer(403, {"content-type": "text/plain"}, REFUSED)
        method = "GET" if incoming.method == "HEAD" else incoming.method
        page = self._pages.get((method, path.rstrip("/")))
        if page is not None:
            return await page(incoming)
        known = any(path.rstrip("/") == other for _, other in self._pages)
        return _json(405 if known else 404, {"message": "Method Not Allowed" if known else "Not Found"})

    async def _health(self, incoming: Incoming) -> Answer:
        """503 when the broker or a service does not answer. A service that says what is wrong (a full disk) still
        answers what it can: its state is an error, and `problems` says why."""
        wanted = sorted(self._settings.services)
        answers: Answers = {}
        if await self._connected():
            answers = await gather(self._transport, "health", {}, HEALTH_WAIT_S,
                                   lambda came: set(wanted) <= complete(came))
        told, there = _told(answers), complete(answers)
        problems = {service: told[service] if service in there else "no answer" for service in wanted
                    if service not in there or told[service]}
        return _json(200 if set(wanted) <= there else 503, {
            "services": {service: "error" if service in problems else "running" for service in wanted},
            "edition": "skybus", "version": self._settings.version, **({"problems": problems} if problems else {}),
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
            "version": self._settings.version, "edition": "skybus", "is_license_activated": False, "session_id": "",
            "machine_id": "", "system": "", "is_docker": False, "server_time_utc": int(time.time()),
            "uptime": int(time.time() - self._started),
        })

    async def _init(self, incoming: Incoming) -> Answer:
        stages = {"BOOT": True, "START": True, "READY": await self._connected(), "SHUTDOWN": False}
        return _json(200, {"completed": stages, "scripts": []})

    # Metrics

    def _own_metrics(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"metrics": self._metrics.samples()}

    async def _all_metrics(self, incoming: Incoming) -> Answer:
        """Its own at once, the others' as far as they answer in time."""
        answers = await gather(self._transport, "metrics", {}, METRICS_WAIT_S)
        processes = {process: answer["metrics"] for process, answer in answers.items() if "metrics" in answer}
        processes[self._settings.process] = self._metrics.samples()
        try:
            text = render(sorted(processes.items(), key=lambda item: item[0]))
        except (TypeError, ValueError) as error:
            return _json(500, {"message": f"a process answered metrics that are none: {error}"})
        return Answer(200, {"content-type": _PROMETHEUS}, text.encode())

    # Reset

    async def _reset(self, incoming: Incoming) -> Answer:
        host = incoming.headers.get("host", "")
        if not (self._settings.open_mode and incoming.peer.startswith(_LOOPBACK_PEERS) and is_loopback_name(host)):
            return _json(403, {"message": "Reset is for open mode, from this machine."})

        def errors(answers: Answers) -> list[str]:
            return [f"{process}: {answer['error']}" for process, answer in answers.items() if "error" in answer]

        def missing(answers: Answers) -> set[str]:
            return set(self._settings.services) - complete(answers)

        answers: Answers = {}
        if self._settings.services:
            answers = await gather(self._transport, "reset", {}, RESET_WAIT_S,
                                   lambda came: bool(errors(came)) or not missing(came))
        if found := errors(answers):
            return _json(500, {"message": "; ".join(found)})
        if absent := missing(answers):
            return _json(503, {"message": f"No answer from: {', '.join(sorted(absent))}"})
        return _json(200, {"status": "ok"})


def _told(answers: Answers) -> dict[str, str]:
    """What each service says is wrong, one of its shards at least; "": nothing."""
    told: dict[str, str] = {}
    for answer in answers.values():
        for service, problem in answer.get("services", {}).items():
            told[service] = told.get(service) or str(problem)
    return told


def _json(status: int, value: Any) -> Answer:
    return Answer(status, {"content-type": "application/json"}, orjson.dumps(value))
