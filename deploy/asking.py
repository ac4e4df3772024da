"""The command line's way onto the bus: as an administrator (sys.…) or as a direct publisher."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bus.system import Answers, gather
from bus.transport import Disconnected, Transport
from deploy import control
from deploy.broker import ADMIN, RUN_FILE, BusUser, read_run
from deploy.config import Config
from deploy.failures import CommandError

Result = TypeVar("Result")

CONNECT_WAIT_S = 3.0


def on_bus(url: str, user: BusUser, work: Callable[[Transport], Awaitable[Result]]) -> Result:
    """Runs `work` with a connection of that user's. CommandError when there is none to be had."""

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
    run = read_run(config.storage.run_dir / RUN_FILE)

    def known(came: Answers) -> bool:
        return any("error" not in answer for answer in came.values())

    async def ask(bus: Transport) -> Answers:
        return await gather(bus, verb, request, timeout_s, known)

    answers = on_bus(run.url, run.users[ADMIN], ask)
    if not answers:
        raise CommandError(f"Nobody answered {verb!r} within {timeout_s:.0f} s.")
    answer = min(answers.values(), key=lambda each: "error" in each)
    if "error" in answer:
        raise CommandError(str(answer["error"]))
    return answer


def ask_actors(config: Config, verb: str, request: dict[str, Any], timeout_s: float) -> dict[str, dict[str, Any]]:
    """The answer of every actor process, by its name. NotRunning; CommandError when one is missing or says no."""
    rows = control.ask(config.storage.run_dir, "status")["processes"]
    expected = {row["name"] for row in rows if row["name"].startswith("actors")}
    run = read_run(config.storage.run_dir / RUN_FILE)

    async def ask(bus: Transport) -> Answers:
        return await gather(bus, verb, request, timeout_s, lambda came: expected <= came.keys())

    answers = on_bus(run.url, run.users[ADMIN], ask)
    for name in sorted(expected):
        if name not in answers:
            raise CommandError(f"{name} did not answer {verb!r} within {timeout_s:.0f} s.")
        if "error" in answers[name]:
            raise CommandError(f"{name}: {answers[name]['error']}")
    return answers
