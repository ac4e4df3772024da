"""A query as it was understood."""

from enum import Enum
from typing import Any, NamedTuple, Union


class Wildcard(Enum):
    """A step of a source's path that stands for several."""

    ELEMENTS = "[*]"
    MEMBERS = ".*"


class Name(NamedTuple):
    """A step of a path by name; `exact`: it was quoted, and its case counts."""

    text: str
    exact: bool


Step = Name | int | Wildcard


class Literal(NamedTuple):
    value: Any


class Path(NamedTuple):
    """Steps from the row; the table's own name is not among them."""

    steps: tuple[Step, ...]


class Unary(NamedTuple):
    operator: str                         # "-", "not"
    operand: "Expression"


class Binary(NamedTuple):
    operator: str                         # + - * / % || = != < <= > >= and or
    left: "Expression"
    right: "Expression"


class Between(NamedTuple):
    value: "Expression"
    low: "Expression"
    high: "Expression"


class In(NamedTuple):
    value: "Expression"
    among: tuple["Expression", ...]


class Like(NamedTuple):
    value: "Expression"
    pattern: "Expression"
    escape: Union["Expression", None]


class Is(NamedTuple):
    value: "Expression"
    what: str                             # "null", "missing"


class Case(NamedTuple):
    """`subject` None: the conditions are whole."""

    subject: Union["Expression", None]
    branches: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression"


class Cast(NamedTuple):
    value: "Expression"
    type: str


class Call(NamedTuple):
    """`name` in lower case."""

    name: str
    arguments: tuple["Expression", ...]


class Aggregate(NamedTuple):
    """`argument` None: COUNT(*)."""

    name: str
    argument: Union["Expression", None]


Expression = Literal | Path | Unary | Binary | Between | In | Like | Is | Case | Cast | Call | Aggregate


class Projection(NamedTuple):
    expression: Expression
    alias: str


class Query(NamedTuple):
    """`projections` (): SELECT *. `source`: the steps behind S3Object[*]."""

    projections: tuple[Projection, ...]
    source: tuple[Step, ...]
    where: Expression | None
    limit: int | None
