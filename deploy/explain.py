"""`skybus explain`: why a principal may or may not, as enforcement decides it, with the policies there are now."""

from collections.abc import Iterable
from difflib import get_close_matches

from actors.runtime.actions import known_actions
from deploy.asking import ask_one
from deploy.config import Config
from deploy.failures import UsageError
from deploy.report import Report

WAIT_S = 3.0                              # for the process that has IAM and the service; others say that they have not
ARN_COLONS = 5
NEAREST = 3                               # names that are shown for one that is none


def explain(config: Config, principal: str, action: str, resource: str) -> Report:
    """The decision and what made it; exit code 1: it is not allowed. UsageError, NotRunning, CommandError."""
    if resource != "*" and resource.count(":") < ARN_COLONS:
        raise UsageError(f"The resource is an ARN or *, not {resource!r}: e.g. arn:aws:s3:::bucket/key.")
    question = {"principal": principal, "action": spelled(action), "resource": resource}
    answer = ask_one(config, "explain", question, WAIT_S)
    facts = {name: answer[name] for name in ("allowed", "sentence", "because")}
    text = "\n  ".join([answer["sentence"], *answer["because"]])
    return Report(facts, text, 0 if answer["allowed"] else 1)


def spelled(action: str) -> str:
    """As AWS spells it; to IAM capitals make no difference. UsageError names the nearest for one that is none."""
    known = {each.casefold(): each for each in sorted(known_actions())}
    found = known.get(action.casefold())
    if found is not None:
        return found
    prefix, colon, name = action.casefold().partition(":")
    if not colon:
        same = [known[each] for each in known if each.partition(":")[2] == prefix]
        hint = _nearest(same or [known[each] for each in get_close_matches(prefix, known, NEAREST)])
        raise UsageError(f"An action is SERVICE:NAME, e.g. dynamodb:PutItem, not {action!r}.{hint}")
    prefixes = {each.partition(":")[0] for each in known}
    if prefix not in prefixes:
        raise UsageError(f"There is no service {prefix!r} here with actions of its own."
                         f"{_nearest(get_close_matches(prefix, prefixes, NEAREST))}")
    names = {each.partition(":")[2]: known[each] for each in known if each.startswith(f"{prefix}:")}
    near = [names[each] for each in get_close_matches(name, names, NEAREST)]
    raise UsageError(f"AWS has no action {action!r}, so no policy can speak of it.{_nearest(near)}")


def _nearest(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f" The nearest: {listed}." if listed else ""
