"""Expression text to tokens.

A name begins with a letter; #name and :value may go on with any letter, digit or underscore. What is none of these is a
token of one character that no rule takes, so the parser's syntax error names it, as AWS's does: `SET _1 = :v` complains
of "_" near "SET _1".
"""

import re
from typing import NamedTuple

from actors.dynamodb.engine.wording import Reworded
from schemas.errors import ValidationException

EXPRESSION_BYTES_MAX = 4096
END = "<EOF>"

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<placeholder>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>[0-9]+)|(?P<symbol><=|>=|<>|[=<>()\[\].,+-])|(?P<end>\Z)|(?P<other>.))",
    re.DOTALL,
)


class Token(NamedTuple):
    kind: str                          # the group's name in _TOKEN
    text: str
    start: int
    end: int


def tokenize(text: str, kind: str) -> list[Token]:
    """Tokens of an expression, the last of kind `end`. ValidationException when it is empty or too large.

    kind: the request's parameter, for messages. The limit counts the bytes as sent, placeholders not replaced
    (measured on AWS by the public dynamodb-conformance suite, limits/expressionSize).
    """
    size_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > EXPRESSION_BYTES_MAX:
        words = f"Invalid {kind}: Expression size has exceeded the maximum allowed size;"
        raise Reworded(words if kind == "UpdateExpression" else f"{words} expression size: {size_bytes}", words)
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        assert group is not None
        start, end = match.span(group)
        tokens.append(Token(group, text[start:end] if start < end else END, start, end))
        if group == "end":
            break
    if len(tokens) == 1:
        raise ValidationException(f"Invalid {kind}: The expression can not be empty;")
    return tokens
