"""`skybus explain`: why a principal may or may not, as enforcement decides it, with the policies there are now."""

from typing import Any

from bus.system import Answers, gather
from bus.transport import Transport
from deploy.asking import on_bus
from deploy.broker import ADMIN, RUN_FILE, read_run
from deploy.config import Config
from deploy.failures import CommandError

WAIT_S = 3.0                              # for the process that has IAM and the service; others say that they have not


def explain(config: Config, principal: str, action: str, resource: str) -> int:
    """Prints the decision and what made it; 0 when it is allowed, 1 when not. NotRunning, CommandError."""
    run = read_run(config.storage.run_dir / RUN_FILE)
    question = {"principal": principal, "action": action, "resource": resource}

    async def ask(bus: Transport) -> Answers:
        return await gather(bus, "explain", question, WAIT_S, _decided)

    answers = on_bus(run.url, run.users[ADMIN], ask)
    if not answers:
        raise CommandError(f"Nobody answered within {WAIT_S:.0f} s.")
    answer: dict[str, Any] = min(answers.values(), key=lambda each: "error" in each)
    if "error" in answer:
        raise CommandError(str(answer["error"]))
    print(answer["sentence"])
    for line in answer["because"]:
        print(f"  {line}")
    return 0 if answer["allowed"] else 1


def _decided(came: Answers) -> bool:
    return any("error" not in answer for answer in came.values())
