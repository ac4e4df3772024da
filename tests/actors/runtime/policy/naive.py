"""A second evaluator, written from AWS's documentation alone: slow, recursive, on the raw JSON, sharing nothing.

Sources: IAM User Guide, "IAM JSON policy elements: Condition operators", "Resource", "Policy variables", "Policy
evaluation logic". A caller is a dict {account, arn, role, boundary, identity, session, scps, root}, a
document its JSON.
"""

import re
from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]
Keys = Mapping[str, str | tuple[str, ...]]


def glob(pattern: str, text: str, stop: str = "") -> bool:
    """`*` any run, `?` one; neither passes the characters in `stop`."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text, stop) or (bool(text) and text[0] not in stop and glob(pattern, text[1:], stop))
    if not text:
        return False
    fits = text[0] not in stop if pattern[0] == "?" else pattern[0] == text[0]
    return fits and glob(pattern[1:], text[1:], stop)


def arn_glob(pattern: str, text: str, colons: int = 0) -> bool:
    """A Resource's pattern: a star before a colon or at the end may pass colons, and all may after the fifth colon."""
    if not pattern:
        return not text
    inside = colons < 5
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        if arn_glob(rest, text, colons):
            return True
        passes = not inside or rest.lstrip("*")[:1] in ("", ":")
        return bool(text) and (passes or text[0] != ":") and arn_glob(pattern, text[1:], colons)
    if not text:
        return False
    if head == "?":
        return (not inside or text[0] != ":") and arn_glob(rest, text[1:], colons)
    return head == text[0] and arn_glob(rest, text[1:], colons + (head == ":"))


def listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]


def filled(text: str, keys: Keys) -> str | None:
    """Variables replaced, wildcards in their values made harmless (as private characters); None: one has no value."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] in ("*", "?", "$"):                  # the characters themselves
            return harmless(match[1])
        name, _, default = match[1].partition(",")
        found = keys.get(name.strip().lower(), default.strip()[1:-1] if default else None)
        if not isinstance(found, str):
            missing = True
            return ""
        return found.replace("*", "\ue000").replace("?", "\ue001")

    made = re.sub(r"\$\{([^{}]*)\}", value, text)
    return None if missing else made


def harmless(text: str) -> str:
    return text.replace("*", "\ue000").replace("?", "\ue001")


def value_matches(operator: str, wanted: str, value: str, keys: Keys) -> bool:
    if operator.startswith("Numeric"):
        left, right = float(value), float(wanted)
        return {"NumericEquals": left == right, "NumericLessThan": left < right,
                "NumericGreaterThanEquals": left >= right}[operator]
    if operator == "Bool":
        return value.lower() == wanted.lower()
    known = filled(wanted, keys)
    if known is None:
        return False
    if operator == "StringEquals":
        return harmless(value) == known.replace("*", "\ue000").replace("?", "\ue001")
    if operator == "StringEqualsIgnoreCase":
        return harmless(value).lower() == harmless(known).lower()
    if operator == "StringLike":
        return glob(known, harmless(value))
    assert operator == "ArnLike"
    parts, values = known.split(":", 5), harmless(value).split(":", 5)
    return known == "*" or (len(parts) == len(values) == 6 and all(map(glob, parts, values)))


def condition_holds(name: str, key: str, wanted: list[str], keys: Keys) -> bool:
    quantifier, _, operator = name.rpartition(":")
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    value = keys.get(key.lower())
    if operator == "Null":
        return any((value is None) == (each == "true") for each in wanted)
    negated = "Not" in operator
    positive = operator.replace("Not", "")

    def matches(one: str) -> bool:
        return any(value_matches(positive, each, one, keys) for each in wanted) != negated

    values = () if value is None else (value,) if isinstance(value, str) else value
    if quantifier == "ForAllValues":
        return all(matches(one) for one in values)
    if quantifier == "ForAnyValue":
        return if_exists if not values else any(matches(one) for one in values)
    if not values:
        return if_exists or negated
    if negated:
        return all(matches(one) for one in values)
    return any(matches(one) for one in values)


def statement_applies(statement: Document, action: str, resource: str, keys: Keys) -> bool:
    actions = listed(statement.get("Action", statement.get("NotAction")))
    named = any(glob(each.lower(), action.lower()) for each in actions)
    if named == ("NotAction" in statement):
        return False
    if "Resource" in statement or "NotResource" in statement:
        patterns = [filled(each, keys) for each in listed(statement.get("Resource", statement.get("NotResource")))]
        covered = any(each is not None and arn_glob(each, harmless(resource)) for each in patterns)
        if covered == ("NotResource" in statement):
            return False
    return all(
        condition_holds(name, key, listed(wanted), keys)
        for name, block in statement.get("Condition", {}).items() for key, wanted in block.items()
    )


def says(document: Document, effect: str, action: str, resource: str, keys: Keys) -> list[Document]:
    return [statement for statement in document["Statement"]
            if statement["Effect"] == effect and statement_applies(statement, action, resource, keys)]


def named(statement: Document, caller: Mapping[str, Any]) -> set[str]:
    """In which ways a Principal names the caller: "account", "role", "direct"."""
    principal = statement["Principal"]
    names = ["*"] if principal == "*" else listed(principal["AWS"])
    root = f"arn:aws:iam::{caller['account']}:root"
    ways = {"*": "direct", caller["arn"]: "direct", caller["role"]: "role", root: "account",
            caller["account"]: "account"}
    if caller["root"]:
        ways[root] = ways[caller["account"]] = "direct"
    return {ways[name] for name in names if name in ways}


def allowed(caller: Mapping[str, Any], action: str, resource: str, keys: Keys, policy: Document | None,
            owner: str) -> bool:
    """The flow chart, top to bottom."""
    own = [*caller["identity"], *(caller["session"] or ()), *([caller["boundary"]] if caller["boundary"] else []),
           *(document for level in caller["scps"] for document in level)]
    if any(says(document, "Deny", action, resource, keys) for document in own):
        return False
    if policy and any(named(each, caller) for each in says(policy, "Deny", action, resource, keys)):
        return False

    def some(documents: Any) -> bool:
        return any(says(document, "Allow", action, resource, keys) for document in documents)

    if not all(some(level) for level in caller["scps"]):
        return False
    granting = says(policy, "Allow", action, resource, keys) if policy else []
    ways: set[str] = set().union(*(named(each, caller) for each in granting))
    in_boundary = caller["boundary"] is None or some([caller["boundary"]])
    in_session = caller["session"] is None or some(caller["session"])
    by_identity = caller["root"] or some(caller["identity"])
    if owner != caller["account"]:
        return bool(ways) and by_identity and in_boundary and in_session
    if "direct" in ways:
        return True
    return (by_identity or "role" in ways) and in_boundary and in_session
