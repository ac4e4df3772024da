"""The command line's way onto the bus: as an administrator (sys.…) or as a direct publisher."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from bus.system import Answers, gather
from bus.transport import Disconnected, Transport
from deploy import control
from deploy.broker import ADMIN, RUN_FILE, BusUser, read_run
from deploy.config import Config
from deploy.failures import CommandError
from deploy.topology import ACTORS

Result = TypeVar("Result")

CONNECT_WAIT_S = 3.0


def on_bus(url: str, user: BusUser, work: Callable[[Transport], Awaitable[Result]]) -> Result:
    """Runs `work` with a connection of that user's. CommandError when there is none to be had."""

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
                        logger_factory=structlog.PrintLoggerFactory(sys.stderr))    # stdout is the command's answer

    async def main() -> Result:
        from bus.connection import open_connection

        try:
            transport = await open_connection(
                url, user.user, user.password, user.inbox_prefix, "skybus-cli", wait_s=CONNECT_WAIT_S
            )
        except Disconnected as error:
            raise CommandError(f"The bus at {url} cannot be reached: {error}.") from error
        try:
            return await work(transport)
        finally:
            await transport.close()

    return asyncio.run(main())


def ask_one(config: Config, verb: str, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """The answer of the process that knows; others say that they do not. NotRunning; CommandError when nobody does."""
    _, answers = _ask(config, verb, request, timeout_s, one=True)
    if not answers:
        raise CommandError(f"Nobody answered {verb!r} within {timeout_s:.0f} s.")
    answer = min(answers.values(), key=lambda each: "error" in each)
    if "error" in answer:
        raise CommandError(str(answer["error"]))
    return answer


def ask_actors(config: Config, verb: str, request: dict[str, Any], timeout_s: float) -> dict[str, dict[str, Any]]:
    """The answer of every actor process, by its name. NotRunning; CommandError when one is missing or says no."""
    expected, answers = _ask(config, verb, request, timeout_s, one=False)
    for name in sorted(expected):
        if name not in answers:
            raise CommandError(f"{name} did not answer {verb!r} within {timeout_s:.0f} s.")
        if "error" in answers[name]:
            raise CommandError(f"{name}: {answers[name]['error']}")
    return answers


def _ask(
    config: Config, verb: str, request: dict[str, Any], timeout_s: float, *, one: bool
) -> tuple[set[str], Answers]:
    """The actor processes there are, and what they answer: all of them, or until one knows."""
    rows = control.ask(config.storage.run_dir, "status")["processes"]
    expected = {row["name"] for row in rows if row["name"].startswith(ACTORS)}
    run = read_run(config.storage.run_dir / RUN_FILE)

    def enough(came: Answers) -> bool:
        return expected <= came.keys() or (one and any("error" not in answer for answer in came.values()))

    async def ask(bus: Transport) -> Answers:
        return await gather(bus, verb, request, timeout_s, enough)

    return expected, on_bus(run.url, run.users[ADMIN], ask)
