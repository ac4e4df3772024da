"""The words of a query. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html"""

import re
from typing import NamedTuple

from actors.s3.engine.select.errors import SelectError

KEYWORD, IDENTIFIER, QUOTED, STRING, NUMBER, OPERATOR, ION, END = (
    "KEYWORD", "IDENTIFIER", "QUOTED_IDENTIFIER", "STRING", "NUMBER", "OPERATOR", "ION_LITERAL", "EOF")
TOKENS_LIMIT = 20_000
KEYWORDS = frozenset({
    "select", "from", "where", "limit", "as", "and", "or", "not", "in", "like", "escape", "between", "is", "null",
    "missing", "true", "false", "case", "when", "then", "else", "end", "cast", "group", "order", "having", "join",
    "inner", "left", "right", "union", "distinct", "by", "at",
})
_PATTERN = re.compile(r"""
    (?P<space>\s+)
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<ion>`[^`]*`)
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<word>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<operator><>|!=|<=|>=|\|\||[-+*/%=<>(),.\[\];])
""", re.VERBOSE)


class Token(NamedTuple):
    """`text`: of a keyword and an operator in lower case, of the others what they mean."""

    kind: str
    text: str
    line: int
    column: int

    def told(self) -> str:
        return f"{self.kind}:{self.text} at line {self.line}, column {self.column}"


def tokens(query: str) -> list[Token]:
    """Ends with one of END. SelectError."""
    found: list[Token] = []
    at, line, begins = 0, 1, 0
    while at < len(query):
        match = _PATTERN.match(query, at)
        column = at - begins + 1
        if match is None:
            raise SelectError("LexerInvalidChar", f"Invalid character at line {line}, column {column}.")
        if match.lastgroup != "space":
            found.append(_token(str(match.lastgroup), match.group(), line, column))
            if len(found) > TOKENS_LIMIT:
                raise SelectError("MaxOperatorsExceeded")
        breaks = match.group().count("\n")
        if breaks:
            line += breaks
            begins = at + match.group().rindex("\n") + 1
        at = match.end()
    return [*found, Token(END, "", line, at - begins + 1)]


def _token(group: str, text: str, line: int, column: int) -> Token:
    if group == "word":
        lower = text.lower()
        return Token(KEYWORD, lower, line, column) if lower in KEYWORDS else Token(IDENTIFIER, text, line, column)
    if group == "string":
        return Token(STRING, text[1:-1].replace("''", "'"), line, column)
    if group == "quoted":
        return Token(QUOTED, text[1:-1].replace('""', '"'), line, column)
    if group == "ion":
        return Token(ION, text[1:-1], line, column)
    return Token(NUMBER if group == "number" else OPERATOR, text, line, column)
