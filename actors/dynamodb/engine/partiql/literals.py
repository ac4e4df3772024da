"""Literals to attribute values: 'text', numbers, true, false, null, [lists], {'structs': …}, <<bags>>.

Converted after the whole statement was parsed, so that syntax errors come first; a message names the place inside the
value as `root.name[index]`. Wording: the public dynamodb-conformance suite (tier3/error-messages/partiqlGrammar and
partiqlFunctions) and Floci's integration tests, both measured on AWS.
"""

from typing import NamedTuple, TypeAlias

from actors.dynamodb.engine import number
from actors.dynamodb.engine.expressions.nodes import Value
from actors.dynamodb.engine.partiql.tokens import Token
from actors.dynamodb.engine.values import INVALID, NESTING_LIMIT
from schemas.errors import ValidationException

ROOT = "root"
EMPTY_BAG = "Empty bags are not supported"
MIXED_BAG = "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags"
TOO_DEEP = "Nesting Levels have exceeded supported limits"


class Scalar(NamedTuple):
    """A string, a number as written, true, false or null."""

    kind: str                          # S, N, BOOL, NULL
    content: str | bool


class Sequence(NamedTuple):
    is_bag: bool
    members: "tuple[Literal, ...]"


class Struct(NamedTuple):
    members: "tuple[tuple[str, Literal], ...]"


class Unsupported(NamedTuple):
    """What stands where a literal must: a parameter, a path, a function."""

    what: str
    token: Token


Literal: TypeAlias = Scalar | Sequence | Struct | Unsupported


def value_of(literal: Literal, path: str = ROOT, depth: int = 0) -> Value:
    """The attribute value. ValidationException in AWS's words. `depth`: how many documents it stands in."""
    if depth >= NESTING_LIMIT:
        raise ValidationException(f"{TOO_DEEP} under {path}")
    match literal:
        case Scalar("N", content):
            return {"N": _number(str(content), path)}
        case Scalar(kind, content):
            return {kind: content}
        case Sequence(True, members):
            return _bag(members, path)
        case Sequence(_, members):
            return {"L": [value_of(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(members)]}
        case Struct(members):
            return {"M": {name: value_of(each, f"{path}.{name}", depth + 1) for name, each in members}}
        case Unsupported(what, token):
            raise ValidationException(f"Unsupported data type: {what} under key {path} at {token.at}")


def _number(text: str, path: str) -> str:
    try:
        return number.normalise(text)
    except ValidationException as error:
        raise ValidationException(f"{error.message} under {path}") from error


def _bag(members: tuple[Literal, ...], path: str) -> Value:
    if not members:
        raise ValidationException(EMPTY_BAG)
    scalars = [each for each in members if isinstance(each, Scalar)]
    kinds = {each.kind for each in scalars}
    if len(scalars) != len(members) or len(kinds) != 1 or not kinds <= {"S", "N"}:
        raise ValidationException(MIXED_BAG)
    written = [str(each.content) for each in scalars]
    content = written if kinds == {"S"} else [_number(text, f"{path}[{at}]") for at, text in enumerate(written)]
    if len(set(content)) != len(content):
        ending = "." if kinds == {"S"} else f"! under {path}"
        raise ValidationException(f"{INVALID}Input collection [{', '.join(written)}] contains duplicates{ending}")
    return {"SS" if kinds == {"S"} else "NS": content}
