"""What a statement says, once parsed. Conditions, operands and updates are the trees of engine/expressions.

Every literal and every `?` stands in those trees as a value by name, as if it had been an expression's `:value`:
":0", ":1" … for literals, in source order, ":p0", ":p1" … for parameters.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from actors.dynamodb.engine.expressions.conditions import ConditionForm
from actors.dynamodb.engine.expressions.nodes import Steps, Value
from actors.dynamodb.engine.expressions.updates import UpdateForm


class Target(NamedTuple):
    table: str                         # name or ARN
    index_name: str | None


class Column(NamedTuple):
    name: str                          # what it is called in the answer: its path's last name, with indexes
    path: Steps


class Order(NamedTuple):
    attribute: str
    ascending: bool


class Select(NamedTuple):
    target: Target
    columns: tuple[Column, ...] | None    # None: *
    where: ConditionForm | None
    order: tuple[Order, ...]


class Insert(NamedTuple):
    target: Target
    item: Mapping[str, str]               # attribute -> value's name


class Returning(NamedTuple):
    everything: bool                      # ALL, else MODIFIED
    new: bool                             # NEW, else OLD


class Update(NamedTuple):
    target: Target
    change: UpdateForm
    where: ConditionForm | None
    returning: Returning | None


class Delete(NamedTuple):
    target: Target
    where: ConditionForm | None
    returning: Returning | None


class Exists(NamedTuple):
    """EXISTS(SELECT …), a condition among a transaction's writes."""

    select: Select


Body: TypeAlias = Select | Insert | Update | Delete | Exists


class SetOperand(NamedTuple):
    """A parameter that must be a set, and what AWS says when it is none."""

    name: str
    complaint: str


class Statement(NamedTuple):
    """One parsed text: it outlives requests and is shared by them."""

    body: Body
    literals: Mapping[str, Value]
    parameters: int                       # how many `?`
    sets: tuple[SetOperand, ...]

    @property
    def reads(self) -> bool:
        return isinstance(self.body, Select)

    @property
    def target(self) -> Target:
        return self.body.select.target if isinstance(self.body, Exists) else self.body.target
