"""`skybus explain`: why a principal may or may not, as enforcement decides it, with the policies there are now."""

from deploy.asking import ask_one
from deploy.config import Config
from deploy.report import Report

WAIT_S = 3.0                              # for the process that has IAM and the service; others say that they have not


def explain(config: Config, principal: str, action: str, resource: str) -> Report:
    """The decision and what made it; exit code 1: it is not allowed. NotRunning, CommandError."""
    question = {"principal": principal, "action": action, "resource": resource}
    answer = ask_one(config, "explain", question, WAIT_S)
    facts = {name: answer[name] for name in ("allowed", "sentence", "because")}
    text = "\n  ".join([answer["sentence"], *answer["because"]])
    return Report(facts, text, 0 if answer["allowed"] else 1)
