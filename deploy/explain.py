"""`skybus explain`: why a principal may or may not, as enforcement decides it, with the policies there are now."""

from deploy.asking import ask_one
from deploy.config import Config

WAIT_S = 3.0                              # for the process that has IAM and the service; others say that they have not


def explain(config: Config, principal: str, action: str, resource: str) -> int:
    """Prints the decision and what made it; 0 when it is allowed, 1 when not. NotRunning, CommandError."""
    question = {"principal": principal, "action": action, "resource": resource}
    answer = ask_one(config, "explain", question, WAIT_S)
    print(answer["sentence"])
    for line in answer["because"]:
        print(f"  {line}")
    return 0 if answer["allowed"] else 1
