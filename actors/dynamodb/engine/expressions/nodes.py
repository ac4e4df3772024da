"""What an expression says, once parsed: a tree without positions or parentheses.

A document path is a tuple of steps: a name, a Placeholder of one, or a list index; `named` puts the names for the
placeholders.
Values and items are as on the wire: {"S": "x"}, {"N": "1"}, {"M": {…}} …; an item is {attribute name: value}.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

Value: TypeAlias = dict[str, Any]
Item: TypeAlias = dict[str, Value]
Step: TypeAlias = str | int            # a str may be a Placeholder
Steps: TypeAlias = tuple[Step, ...]

Kind: TypeAlias = Literal["ConditionExpression", "FilterExpression", "KeyConditionExpression", ""]   # "": PartiQL's


class Placeholder(str):
    """A step that stands for a name: #n, with its sign."""

    __slots__ = ()


class Path(NamedTuple):
    steps: Steps


class ValueName(NamedTuple):
    name: str                          # with its colon


class Call(NamedTuple):
    function: str
    arguments: "tuple[Operand, ...]"


class Truth(NamedTuple):
    """A condition where a value stands: true or false. Only PartiQL has it: attribute_exists(a) = true."""

    clause: "Clause"


Operand: TypeAlias = Path | ValueName | Call | Truth


class Compare(NamedTuple):
    operator: str                      # = <> < <= > >=
    left: Operand
    right: Operand


class Between(NamedTuple):
    operand: Operand
    low: Operand
    high: Operand


class In(NamedTuple):
    operand: Operand
    options: tuple[Operand, ...]


class Not(NamedTuple):
    term: "Clause"
    times: int                         # NOT NOT a: 2


class And(NamedTuple):
    terms: "tuple[Clause, ...]"


class Or(NamedTuple):
    terms: "tuple[Clause, ...]"


Primary: TypeAlias = Compare | Between | In | Call        # what AWS checks as one condition
Clause: TypeAlias = Primary | Not | And | Or


class Arithmetic(NamedTuple):
    operator: str                      # + -
    left: "SetValue"                   # an expression's has operands only, PartiQL's may go on
    right: "SetValue"


SetValue: TypeAlias = Operand | Arithmetic
Section: TypeAlias = Literal["SET", "REMOVE", "ADD", "DELETE"]


class Action(NamedTuple):
    section: Section
    path: Path
    value: SetValue | None             # None: REMOVE, and nothing else


def named(steps: Steps, names: Mapping[str, str]) -> Steps:
    """The path with its placeholders' names; KeyError if one is not defined."""
    return tuple([names[step] if isinstance(step, Placeholder) else step for step in steps])


def path_text(steps: Steps) -> str:
    """As AWS prints a document path in its messages: [a, [1], b]."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"


def operands(primary: Primary) -> tuple[Operand, ...]:
    """The operands of one condition, in source order."""
    match primary:
        case Compare(_, left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case In(operand, options):
            return (operand, *options)
        case Call():
            return primary.arguments


def primaries(clause: Clause) -> list[Primary]:
    """All single conditions below a clause, in source order."""
    found: list[Primary] = []
    stack: list[Clause] = [clause]
    while stack:
        node = stack.pop()
        if isinstance(node, (And, Or)):
            stack.extend(reversed(node.terms))
        elif isinstance(node, Not):
            stack.append(node.term)
        else:
            found.append(node)
    return found
