"""Statement text to tokens, with the positions AWS names in its messages.

A position is `line:column:length`, counted in characters from 1. What cannot be a token (an unterminated string or
comment, `#`, an exponent beyond 32 bits) is malformed without further words, as on AWS (public dynamodb-conformance
suite, tier3/error-messages/partiqlGrammar).
"""

import re
from typing import NamedTuple

from schemas.errors import ValidationException

MALFORMED = "Statement wasn't well formed, can't be processed: "
EXPONENT_MAX = 2**31 - 1               # of a number, and of its scale: Java's BigDecimal holds 32 bits

_TOKEN = re.compile(
    r"(?>[ \t\r\n\f]+|--[^\r\n]*|/\*.*?\*/)*+"
    r"(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)"
    r"|(?P<string>'(?:[^']|'')*+')|(?P<quoted>\"(?:[^\"]|\"\")*+\")"
    r"|(?P<symbol><<|>>|<=|>=|<>|!=|\|\||[=<>()\[\]{}.,:;?*+%@-]|/(?!\*))|(?P<end>\Z))",
    re.DOTALL,
)

# SQL-92's words and PartiQL's own, as the public grammar of partiql-lang-kotlin (Apache-2.0) reserves them: none can be
# a name without double quotes. The parts of a date (year, month, day …) are not among them.
_WORDS = """
absolute action add all allocate alter and any are as asc assertion at authorization avg begin between bit bit_length by
cascade cascaded case cast catalog char character character_length char_length check close coalesce collate collation
column commit connect connection constraint constraints continue convert corresponding count create cross current
current_date current_time current_timestamp current_user cursor date deallocate dec decimal declare default deferrable
deferred delete desc describe descriptor diagnostics disconnect distinct domain double drop else end end-exec escape
except exception exec execute exists external extract false fetch first float for foreign found from full get global go
goto grant group having identity immediate in indicator initially inner input insensitive insert int integer intersect
interval into is isolation join key language last left level like local lower match max min module names national
natural nchar next no not null nullif numeric octet_length of on only open option or order outer output overlaps pad
partial position precision prepare preserve primary prior privileges procedure public read real references relative
restrict revoke right rollback rows schema scroll section select session session_user set size smallint some space sql
sqlcode sqlerror sqlstate substring sum system_user table temporary then time timestamp to transaction translate
translation trim true union unique unknown update upper usage user using value values varchar varying view when whenever
where with work write zone
missing pivot unpivot limit tuple remove index conflict do nothing returning modified new old let bool boolean string
symbol clob blob struct list sexp bag
"""
RESERVED_WORDS = frozenset(_WORDS.split())
OPERATORS = frozenset(("and", "or", "not", "is", "like", "in", "between"))


class Token(NamedTuple):
    kind: str                          # number, string, quoted, symbol, end; name, or keyword: a reserved name
    text: str                          # a keyword's in lower case; of strings and quoted names what they say
    line: int
    column: int
    length: int                        # in characters, as written

    @property
    def at(self) -> str:
        return f"{self.line}:{self.column}:{self.length}"


def malformed(detail: str = "") -> ValidationException:
    return ValidationException(MALFORMED + detail)


def tokenize(text: str) -> list[Token]:
    """The statement's tokens, the last of kind `end`. ValidationException where there is none."""
    tokens: list[Token] = []
    position, line, line_start = 0, 1, 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            raise malformed()
        kind = match.lastgroup
        assert kind is not None
        start, position = match.span(kind)
        newlines = text.count("\n", match.start(), start)
        if newlines:
            line += newlines
            line_start = text.rfind("\n", 0, start) + 1
        content = text[start:position]
        tokens.append(_token(kind, content, line, start - line_start + 1))
        if kind == "end":
            return tokens
        if "\n" in content:
            line += content.count("\n")
            line_start = start + content.rfind("\n") + 1


def _token(kind: str, content: str, line: int, column: int) -> Token:
    length = len(content)
    if kind == "name" and content.lower() in RESERVED_WORDS:
        kind, content = "keyword", content.lower()
    elif kind == "string":
        content = content[1:-1].replace("''", "'")
    elif kind == "quoted":
        content = content[1:-1].replace('""', '"')
    elif kind == "number":
        _check_exponent(content)
    return Token(kind, content, line, column, length)


def _check_exponent(number: str) -> None:
    mantissa, _, exponent = number.lower().partition("e")
    if not exponent:
        return
    power = int(exponent) if len(exponent) <= 12 else EXPONENT_MAX + 1
    decimals = len(mantissa.partition(".")[2])
    if not (-EXPONENT_MAX - 1 <= power <= EXPONENT_MAX and -EXPONENT_MAX - 1 <= decimals - power <= EXPONENT_MAX):
        raise malformed()
