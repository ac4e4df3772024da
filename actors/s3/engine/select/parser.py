"""A query's words, understood: recursive descent, one function a precedence, loosest first.

    SELECT * | projection [[AS] alias], … FROM S3Object[[*].path] [[AS] alias] [WHERE condition] [LIMIT n]
"""

from collections.abc import Callable
from decimal import Decimal

from actors.s3.engine.select.errors import SelectError
from actors.s3.engine.select.lexer import END, IDENTIFIER, ION, KEYWORD, NUMBER, OPERATOR, QUOTED, STRING, Token, tokens
from actors.s3.engine.select.syntax import (
    Aggregate,
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Expression,
    In,
    Is,
    Like,
    Literal,
    Name,
    Path,
    Projection,
    Query,
    Step,
    Unary,
    Wildcard,
)
from actors.s3.engine.select.timestamps import timestamp
from actors.s3.engine.select.values import MISSING

EXPRESSION_LIMIT_BYTES = 256 * 1024
DEPTH_LIMIT = 64                          # of expressions inside one another
TABLE = "s3object"
AGGREGATES = frozenset({"avg", "count", "max", "min", "sum"})
PARTS = frozenset({"year", "month", "day", "hour", "minute", "second", "timezone_hour", "timezone_minute"})
TYPES = {
    "bool": "bool", "boolean": "bool", "int": "int", "integer": "int", "string": "string", "varchar": "string",
    "float": "float", "double": "float", "real": "float", "decimal": "decimal", "numeric": "decimal",
    "timestamp": "timestamp",
}
_COMPARISONS = {"=": "=", "<>": "!=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_REFUSED = {"group": "ParseExpectedIdentForGroupName", "join": "ParseMalformedJoin", "inner": "ParseMalformedJoin",
            "left": "ParseMalformedJoin", "right": "ParseMalformedJoin"}


def parse(text: str) -> Query:
    """SelectError."""
    if len(text.encode()) > EXPRESSION_LIMIT_BYTES:
        raise SelectError("ExpressionTooLong")
    return _Parser(tokens(text)).query()


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._alias = ""                  # the table's, where it has one
        self._row = ""                    # what a row is called where it has none

    # Words

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        if token.kind != END:
            self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self._next.kind in (KEYWORD, OPERATOR) and self._next.text in texts

    def _takes(self, *texts: str) -> str:
        """The word, if it is one of these; "" and nothing is taken."""
        return self._take().text if self._is(*texts) else ""

    def _expect(self, text: str, code: str = "ParseExpectedTokenType") -> None:
        if not self._takes(text):
            raise SelectError(code, f"Expected token {text.upper()}, found {self._next.told()}.")

    def _unexpected(self) -> SelectError:
        token = self._next
        if token.kind == KEYWORD and token.text in _REFUSED:
            return SelectError(_REFUSED[token.text])
        if token.kind == KEYWORD and token.text in ("order", "having", "union", "distinct"):
            return SelectError("ParseUnsupportedSyntax")
        if token.kind == KEYWORD:
            return SelectError("ParseUnexpectedKeyword", f"Unexpected keyword found, {token.told()}.")
        return SelectError("ParseUnexpectedToken", f"Unexpected token found {token.told()}.")

    # The query

    def query(self) -> Query:
        if not self._takes("select"):
            raise SelectError("ParseUnexpectedToken", f"Unexpected token found {self._next.told()}.") \
                if self._next.kind != END else SelectError("ParseEmptySelect")
        if self._is("from"):
            raise SelectError("ParseEmptySelect")
        if self._is("distinct"):
            raise self._unexpected()
        source_at = self._find_from()
        listed_at, self._at = self._at, source_at
        source = self._source()
        behind, self._at = self._at, listed_at
        projections = self._projections()
        if not self._takes("from"):
            raise self._unexpected()
        self._at = behind
        where = self._expression() if self._takes("where") else None
        limit = self._limit() if self._takes("limit") else None
        self._takes(";")
        if self._next.kind != END:
            raise self._unexpected()
        return Query(projections, source, where, limit)

    def _find_from(self) -> int:
        """Where the source is named: its alias says what names in the list mean."""
        depth = 0
        for at in range(self._at, len(self._tokens)):
            token = self._tokens[at]
            if token.kind == OPERATOR:
                depth += {"(": 1, ")": -1}.get(token.text, 0)
            elif token.kind == KEYWORD and token.text == "from" and depth == 0:
                return at + 1
        raise SelectError("ParseSelectMissingFrom")

    def _source(self) -> tuple[Step, ...]:
        token = self._take()
        if token.kind not in (IDENTIFIER, QUOTED) or token.text.lower() != TABLE:
            self._at -= token.kind != END
            raise SelectError("ParseUnexpectedToken", f"Unexpected token found {token.told()}.")
        steps = self._steps(of_source=True)
        if steps[:1] == (Wildcard.ELEMENTS,):
            steps = steps[1:]
        if self._takes("as") or self._next.kind in (IDENTIFIER, QUOTED):
            self._alias = self._alias_name()
        elif steps:
            self._row = steps[-1].text if isinstance(steps[-1], Name) else "_1"
        if self._is(","):
            raise SelectError("ParseMalformedJoin")
        return steps

    def _alias_name(self) -> str:
        token = self._take()
        if token.kind not in (IDENTIFIER, QUOTED):
            raise SelectError("ParseExpectedIdentForAlias", f"Expected identifier for alias, found {token.told()}.")
        return token.text

    def _projections(self) -> tuple[Projection, ...]:
        if self._takes("*"):
            if not self._is("from"):
                raise SelectError("ParseAsteriskIsNotAloneInSelectList")
            return ()
        if self._all_of_alias():
            return ()
        found = [self._projection()]
        while self._takes(","):
            if self._is("*"):
                raise SelectError("ParseAsteriskIsNotAloneInSelectList")
            found.append(self._projection())
        return tuple(found)

    def _all_of_alias(self) -> bool:
        """Is the list `s.*`, or `s.[*]`?"""
        words = [token.text for token in self._tokens[self._at:self._at + 4]]
        if len(words) < 4 or not self._is_table(words[0]) or words[1:3] != [".", "*"] or words[3] != "from":
            return False
        self._at += 3
        return True

    def _projection(self) -> Projection:
        expression = self._expression()
        if self._takes("as") or self._next.kind in (IDENTIFIER, QUOTED):
            return Projection(expression, self._alias_name())
        if not isinstance(expression, Path):
            return Projection(expression, "")
        last = expression.steps[-1] if expression.steps else Name(self._row, exact=False)
        return Projection(expression, last.text if isinstance(last, Name) else "")

    def _limit(self) -> int:
        if self._is("-"):
            raise SelectError("EvaluatorNegativeLimit")
        token = self._take()
        if token.kind != NUMBER or not token.text.isdigit():
            raise SelectError("ParseExpectedNumber", f"Expected number, found {token.told()}.")
        return int(token.text)

    # Expressions

    def _expression(self) -> Expression:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise SelectError("MaxOperatorsExceeded")
        found = self._left(self._and, "or")
        self._depth -= 1
        return found

    def _left(self, operand: Callable[[], Expression], *operators: str) -> Expression:
        """Operators of one precedence, grouped to the left."""
        found, count = operand(), 0
        while operator := self._takes(*operators):
            found = Binary(operator, found, operand())
            count += 1
            if count > DEPTH_LIMIT * 8:
                raise SelectError("MaxOperatorsExceeded")
        return found

    def _and(self) -> Expression:
        return self._left(self._not, "and")

    def _not(self) -> Expression:
        negations = 0
        while self._takes("not"):
            negations += 1
        found = self._comparison()
        return Unary("not", found) if negations % 2 else found

    def _comparison(self) -> Expression:
        found = self._sum()
        while True:
            if operator := self._takes(*_COMPARISONS):
                found = Binary(_COMPARISONS[operator], found, self._sum())
            elif self._takes("is"):
                found = self._is_something(found)
            elif self._is("not") or self._is("between", "in", "like"):
                negated = bool(self._takes("not"))
                found = self._range(found)
                found = Unary("not", found) if negated else found
            else:
                return found

    def _is_something(self, value: Expression) -> Expression:
        negated = bool(self._takes("not"))
        what = self._takes("null", "missing")
        if not what:
            raise self._unexpected()
        return Unary("not", Is(value, what)) if negated else Is(value, what)

    def _range(self, value: Expression) -> Expression:
        if self._takes("between"):
            low = self._sum()
            self._expect("and", "ParseExpectedKeyword")
            return Between(value, low, self._sum())
        if self._takes("in"):
            self._expect("(", "ParseExpectedLeftParenValueConstructor")
            return In(value, self._arguments())
        if self._takes("like"):
            pattern = self._sum()
            return Like(value, pattern, self._sum() if self._takes("escape") else None)
        raise self._unexpected()

    def _sum(self) -> Expression:
        return self._left(self._product, "+", "-", "||")

    def _product(self) -> Expression:
        return self._left(self._signed, "*", "/", "%")

    def _signed(self) -> Expression:
        negations = 0
        while sign := self._takes("-", "+"):
            negations += sign == "-"
        found = self._primary()
        return Unary("-", found) if negations % 2 else found

    def _primary(self) -> Expression:
        token = self._next
        if token.kind in (IDENTIFIER, QUOTED):
            return self._named()
        if token.kind == OPERATOR and token.text == "(":
            self._take()
            found = self._expression()
            self._expect(")")
            return found
        if token.kind == KEYWORD and token.text in ("case", "cast"):
            self._take()
            return self._case() if token.text == "case" else self._cast()
        return Literal(self._literal())

    def _literal(self) -> object:
        token = self._next
        words = {"null": None, "missing": MISSING, "true": True, "false": False}
        if token.kind == KEYWORD and token.text in words:
            return words[self._take().text]
        if token.kind not in (STRING, NUMBER, ION):
            raise self._unexpected()
        self._take()
        if token.kind == STRING:
            return token.text
        if token.kind == ION:
            return timestamp(token.text)
        if token.text.isdigit():
            return int(token.text)
        return float(token.text) if "e" in token.text.lower() else Decimal(token.text)

    def _named(self) -> Expression:
        """A function's call, or a path."""
        token = self._take()
        if token.kind == IDENTIFIER and self._takes("("):
            return self._call(token)
        steps = self._steps()
        if self._is_table(token.text) and steps:
            return Path(steps[1:] if steps[0] is Wildcard.ELEMENTS else steps)
        if self._is_table(token.text):
            return Path(())
        return Path((Name(token.text, token.kind == QUOTED), *steps))

    def _is_table(self, name: str) -> bool:
        return name.lower() in (TABLE, self._alias.lower(), self._row.lower())

    def _steps(self, *, of_source: bool = False) -> tuple[Step, ...]:
        found: list[Step] = []
        while True:
            is_all = self._is(".") and self._tokens[self._at + 1].text == "*"
            if is_all and of_source:
                self._at += 2
                found.append(Wildcard.MEMBERS)
            elif self._is(".") and not is_all:
                self._take()
                token = self._take()
                if token.kind not in (IDENTIFIER, QUOTED, KEYWORD):
                    raise SelectError("ParseInvalidPathComponent", f"Invalid path component, {token.told()}.")
                found.append(Name(token.text, token.kind == QUOTED))
            elif self._takes("["):
                found.append(self._bracket())
            else:
                return tuple(found)

    def _bracket(self) -> Step:
        token = self._take()
        step: Step
        if token.text == "*" and token.kind == OPERATOR:
            step = Wildcard.ELEMENTS
        elif token.kind == NUMBER and token.text.isdigit():
            step = int(token.text)
        elif token.kind in (STRING, QUOTED):
            step = Name(token.text, exact=True)
        else:
            raise SelectError("ParseInvalidPathComponent", f"Invalid path component, {token.told()}.")
        self._expect("]")
        return step

    # Calls, behind their "("

    def _arguments(self) -> tuple[Expression, ...]:
        if self._takes(")"):
            return ()
        found = [self._expression()]
        while self._takes(","):
            found.append(self._expression())
        self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
        return tuple(found)

    def _call(self, token: Token) -> Expression:
        name = token.text.lower()
        if name in AGGREGATES:
            return self._aggregate(name)
        if self._is("*"):
            raise SelectError("ParseUnsupportedCallWithStar")
        if name == "extract":
            part = self._part()
            self._expect("from", "ParseExpectedKeyword")
            return Call(name, (part, *self._arguments()))
        if name in ("date_add", "date_diff"):
            part = self._part()
            self._expect(",", "ParseExpectedArgumentDelimiter")
            return Call(name, (part, *self._arguments()))
        if name == "trim":
            return self._trim()
        if name == "substring":
            return self._substring()
        return Call(name, self._arguments())

    def _aggregate(self, name: str) -> Expression:
        if self._takes("*"):
            if name != "count":
                raise SelectError("ParseUnsupportedCallWithStar")
            self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
            return Aggregate(name, None)
        arguments = self._arguments()
        if len(arguments) != 1:
            raise SelectError("ParseNonUnaryAgregateFunctionCall")
        return Aggregate(name, arguments[0])

    def _part(self) -> Expression:
        token = self._take()
        if token.text.lower() not in PARTS:
            raise SelectError("ParseExpectedDatePart", f"Expected date part, found {token.told()}.")
        return Literal(token.text.lower())

    def _trim(self) -> Expression:
        """TRIM([[LEADING | TRAILING | BOTH] [characters] FROM] text)."""
        where = "both"
        if self._next.kind == IDENTIFIER and self._next.text.lower() in ("leading", "trailing", "both"):
            where = self._take().text.lower()
        characters: Expression = Literal(" ")
        if not self._takes("from"):
            characters = self._expression()
            if not self._takes("from"):
                self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
                return Call("trim", (Literal(where), Literal(" "), characters))
        text = self._expression()
        self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
        return Call("trim", (Literal(where), characters, text))

    def _substring(self) -> Expression:
        """SUBSTRING(text, start[, length]) or SUBSTRING(text FROM start [FOR length])."""
        found = [self._expression()]
        if self._takes("from"):
            found.append(self._expression())
            if self._next.kind == IDENTIFIER and self._next.text.lower() == "for":
                self._take()
                found.append(self._expression())
        else:
            while self._takes(","):
                found.append(self._expression())
        self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
        return Call("substring", tuple(found))

    def _cast(self) -> Expression:
        self._expect("(", "ParseExpectedLeftParenAfterCast")
        value = self._expression()
        if self._is(")", ","):
            raise SelectError("ParseCastArity")
        self._expect("as", "ParseExpectedKeyword")
        token = self._take()
        if token.text.lower() not in TYPES:
            raise SelectError("ParseExpectedTypeName", f"Expected type name, found {token.told()}.")
        if self._takes("("):              # DECIMAL(10, 2): AWS reads and ignores it for strings
            self._arguments()
        self._expect(")", "ParseExpectedRightParenBuiltinFunctionCall")
        return Cast(value, TYPES[token.text.lower()])

    def _case(self) -> Expression:
        subject = None if self._is("when") else self._expression()
        branches = []
        while self._takes("when"):
            condition = self._expression()
            self._expect("then", "ParseExpectedKeyword")
            branches.append((condition, self._expression()))
        if not branches:
            raise SelectError("ParseExpectedWhenClause", f"Expected WHEN clause, found {self._next.told()}.")
        otherwise = self._expression() if self._takes("else") else Literal(None)
        self._expect("end", "ParseExpectedKeyword")
        return Case(subject, tuple(branches), otherwise)
