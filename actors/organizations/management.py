"""Management policies: what a document may say, and what remains of all of them for one account. Knows no request.

Source: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_inheritance_mgmt.html and the
syntax pages of AI services opt-out and tag policies.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actors.organizations.errors import MalformedPolicyDocument, TagsNotEnforced

ASSIGN, APPEND, REMOVE = "@@assign", "@@append", "@@remove"
OPERATORS = frozenset({ASSIGN, APPEND, REMOVE})
FOR_CHILDREN = "@@operators_allowed_for_child_policies"

Document = Mapping[str, Any]


class Setting(NamedTuple):
    operators: frozenset[str]                     # that may set it
    fits: Callable[[Any], bool]


class Kind(NamedTuple):
    """A type of management policies: {top: {any name: {setting: {operator: value}}}}."""

    top: str
    settings: Mapping[str, Setting]
    content_limit: int                            # characters
    attached_limit: int                           # policies on one root, unit or account


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


KINDS: Mapping[str, Kind] = {
    "AISERVICES_OPT_OUT_POLICY": Kind("services", {
        "opt_out_policy": Setting(frozenset({ASSIGN}), lambda value: value in ("optIn", "optOut")),
    }, 2500, 5),
    "TAG_POLICY": Kind("tags", {
        "tag_key": Setting(frozenset({ASSIGN}), lambda value: isinstance(value, str)),
        "tag_value": Setting(OPERATORS, _are_texts),
    }, 10_000, 10),
}


# What a document may say

def check(kind: Kind, content: str) -> None:
    """MalformedPolicyDocument; TagsNotEnforced."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicyDocument from error
    _require(isinstance(document, dict) and document.keys() == {kind.top})
    for entry in _entries(document[kind.top]):
        for name, setting in _named(entry):
            if name == "enforced_for":
                raise TagsNotEnforced
            _require(name in kind.settings)
            _check_setting(kind.settings[name], setting)


def _entries(container: Any) -> list[Any]:
    return [entry for _, entry in _named(container)]


def _named(container: Any) -> list[tuple[str, Any]]:
    """What a container holds beside its child control operator."""
    _require(isinstance(container, dict))
    _check_children(container)
    return [(name, value) for name, value in container.items() if name != FOR_CHILDREN]


def _check_setting(setting: Setting, given: Any) -> None:
    for operator, value in _named(given):
        _require(operator in setting.operators and setting.fits(value))


def _check_children(container: Document) -> None:
    allowed = container.get(FOR_CHILDREN, [])
    _require(_are_texts(allowed) and set(allowed) <= {"@@all", "@@none", *OPERATORS})


def _require(right: bool) -> None:
    if not right:
        raise MalformedPolicyDocument


# What remains of them

@dataclass
class _Node:
    """A setting or what holds settings, as inherited so far."""

    allowed: frozenset[str] = OPERATORS           # to policies further down
    value: Any = None                             # None: not set
    children: dict[str, "_Node"] = field(default_factory=dict)

    def merged(self) -> Any:
        """None: nothing remains of it."""
        if self.value is not None:
            return self.value or None
        held = {name: child.merged() for name, child in self.children.items()}
        return {name: value for name, value in held.items() if value is not None} or None


def effective(levels: Iterable[Iterable[Document]]) -> dict[str, Any] | None:
    """The effective policy of an account under the documents of each level, from the root down, in the order they were
    attached; None: there is none. Of two of one level that assign a setting, the first one does."""
    top = _Node()
    for level in levels:
        documents = list(level)
        limits: list[tuple[_Node, frozenset[str]]] = []
        assigned: set[int] = set()
        for document in documents:
            _merge(top, document, limits, assigned)
        for node, allowed in limits:
            node.allowed &= allowed
    merged: dict[str, Any] | None = top.merged()
    return merged


def _merge(node: _Node, given: Document, limits: list[tuple[_Node, frozenset[str]]], assigned: set[int]) -> None:
    """`limits`: what this level allows to those below; `assigned`: the settings that this level has assigned."""
    if FOR_CHILDREN in given:
        limits.append((node, _operators(given[FOR_CHILDREN])))
    if ASSIGN in given and ASSIGN in node.allowed and id(node) not in assigned:
        assigned.add(id(node))
        node.value = given[ASSIGN]
    if APPEND in given and APPEND in node.allowed:
        held = node.value or []
        node.value = [*held, *(item for item in given[APPEND] if item not in held)]
    if REMOVE in given and REMOVE in node.allowed:
        node.value = [item for item in node.value or [] if item not in given[REMOVE]]
    for name, inner in given.items():
        if not name.startswith("@@") and (name in node.children or ASSIGN in node.allowed):
            _merge(node.children.setdefault(name, _Node()), inner, limits, assigned)


def _operators(allowed: list[str]) -> frozenset[str]:
    return OPERATORS if "@@all" in allowed else OPERATORS & frozenset(allowed)
