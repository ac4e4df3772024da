"""Compiled documents: what of a policy matters for one action is found once and remembered.

A Document is shared by all who have the same text; a Policy is a Document under a name, for explanations.
"""

from functools import lru_cache
from typing import NamedTuple

from actors.runtime.policy import patterns
from actors.runtime.policy.conditions import Holds, holds
from actors.runtime.policy.grammar import VERSION, ConditionSource, StatementSource, Use, parse
from actors.runtime.policy.patterns import Keys

DOCUMENTS_REMEMBERED = 4096
ACTIONS_REMEMBERED = 1024                     # per document

_NO_KEYS: Keys = {}


class Statement:
    """One statement, compiled."""

    __slots__ = ("_actions", "_conditions", "_not_action", "_not_resource", "_resources", "allow", "conditions",
                 "index", "not_principal", "principals", "sid")

    def __init__(self, index: int, source: StatementSource, variables: bool) -> None:
        self.index = index                    # from 0
        self.sid = source.sid
        self.allow = source.allow
        self.principals = None if source.principals is None else frozenset(source.principals)
        self.not_principal = source.not_principal
        self.conditions: tuple[ConditionSource, ...] = source.conditions
        self._actions = tuple(patterns.glob(action.lower()) for action in source.actions)
        self._not_action = source.not_action
        self._resources = tuple(patterns.resource(each, variables) for each in source.resources)
        self._not_resource = source.not_resource
        self._conditions: tuple[Holds, ...] = tuple(holds(each, variables) for each in source.conditions)

    def names_action(self, action: str) -> bool:
        """`action` in lower case."""
        return any(matches(action, _NO_KEYS) for matches in self._actions) is not self._not_action

    def applies(self, resource: str, keys: Keys) -> bool:
        """To this resource under these circumstances; its action and principal are asked for elsewhere."""
        if not self.covers(resource, keys):
            return False
        for condition in self._conditions:    # noqa: SIM110 - the hot path: a generator costs more than the loop
            if not condition(keys):
                return False
        return True

    def covers(self, resource: str, keys: Keys) -> bool:
        if not self._resources:               # a trust policy: the role itself
            return True
        for matches in self._resources:
            if matches(resource, keys):
                return not self._not_resource
        return self._not_resource


class Concerning(NamedTuple):
    """A document's statements about one action, in their order."""

    denies: tuple[Statement, ...]
    allows: tuple[Statement, ...]


class Document:
    __slots__ = ("_concerning", "statements", "text")

    def __init__(self, text: str, use: Use) -> None:
        version, sources = parse(text, use)
        self.text = text
        self.statements = tuple(
            Statement(index, source, version == VERSION) for index, source in enumerate(sources)
        )
        self._concerning: dict[str, Concerning] = {}

    def concerning(self, action: str) -> Concerning:
        """In any case: "s3:GetObject" as "s3:getobject"."""
        known = self._concerning.get(action)
        if known is None:
            if len(self._concerning) >= ACTIONS_REMEMBERED:
                self._concerning.clear()
            folded = action.lower()
            found = [statement for statement in self.statements if statement.names_action(folded)]
            known = self._concerning[action] = Concerning(
                tuple(each for each in found if not each.allow), tuple(each for each in found if each.allow)
            )
        return known

    def keys(self) -> set[str]:
        """The condition keys it asks for, as written; variables too."""
        return {condition.key for statement in self.statements for condition in statement.conditions}


class Policy(NamedTuple):
    name: str                                 # an ARN, or an inline policy's name
    document: Document


@lru_cache(DOCUMENTS_REMEMBERED)
def compile_document(text: str, use: Use = Use.IDENTITY) -> Document:
    """MalformedPolicy. The same text gives the same Document."""
    return Document(text, use)
