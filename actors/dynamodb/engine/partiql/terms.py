"""Tokens to operands and conditions: what stands in a WHERE, on the right of a SET, in an INSERT's struct.

Precedence, loosest first: OR, AND, NOT, comparisons (=, <, IN, BETWEEN, IS …), + and -, signs, terms. Syntax errors are
raised where they stand; everything a well-formed statement may still get wrong is kept in `problems` and raised after
the whole was read, which is AWS's order. Words of syntax errors: the public grammar of partiql-lang-kotlin
(Apache-2.0), confirmed by the public dynamodb-conformance suite (tier3/error-messages/partiqlGrammar).
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from actors.dynamodb.engine.expressions.nodes import (
    And,
    Arithmetic,
    Between,
    Call,
    Clause,
    Compare,
    In,
    Not,
    Operand,
    Or,
    Path,
    SetValue,
    Step,
    Truth,
    Value,
    ValueName,
)
from actors.dynamodb.engine.expressions.parser import CONDITION_FUNCTIONS, INDEX_MAX, UPDATE_FUNCTIONS
from actors.dynamodb.engine.partiql.literals import Literal, Scalar, Sequence, Struct, Unsupported, value_of
from actors.dynamodb.engine.partiql.tokens import OPERATORS, Token, malformed, tokenize

DEPTH_MAX = 40                         # documents, parentheses, signs and chained operators, in levels

TERM, OPERATOR, KEYWORD = "Unexpected term", "Unexpected operator", "Unexpected keyword"
LEFTOVER = "Unexpected token after expression"
NO_RIGHT_SIDE = "Missing right-hand side expression of infix operator"
BAD_INDEX = "List index is not within the allowable range; index: [{}] at {}"

_COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CLAUSES = (Compare, Between, In, Not, And, Or)
_SET_FUNCTIONS = frozenset(("set_add", "set_delete"))
_FUNCTION_WORDS = frozenset((
    "exists", "count", "avg", "max", "min", "sum", "char_length", "character_length", "octet_length", "bit_length",
    "upper", "lower", "size", "nullif", "coalesce", "sexp", "list", "bag",
))
_NAMES = {
    "(": "LEFT_PAREN", ")": "RIGHT_PAREN", "[": "LEFT_BRACKET", "]": "RIGHT_BRACKET", "}": "RIGHT_CURLY",
    ">>": "RIGHT_DOUBLE_ANGLE_BRACKET", ":": "COLON",
}
# PartiQL's types -> DynamoDB's, for IS. Measured on AWS: BOOL, STRING, NULL, MISSING.
_NUMBERS = ("smallint", "integer", "int", "float", "real", "double", "decimal", "dec", "numeric")
_TYPES: dict[str, tuple[str, ...]] = {
    "null": ("NULL",), "bool": ("BOOL",), "boolean": ("BOOL",), **dict.fromkeys(_NUMBERS, ("N",)),
    **dict.fromkeys(("string", "symbol", "char", "character", "varchar", "clob"), ("S",)), "blob": ("B",),
    "struct": ("M",), "tuple": ("M",), "list": ("L",), "sexp": ("L",), "bag": ("SS", "NS", "BS"),
}
_TYPE_NAMES = {"int2": "integer", "int4": "integer", "int8": "integer", "integer2": "integer", "integer4": "integer",
               "integer8": "integer"}

Node: TypeAlias = SetValue | Clause
Result = TypeVar("Result")


class Terms:
    """One pass over one statement. `literals`: what the values' names stand for, in source order."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.position = 0
        self.token = self.tokens[0]
        self.depth = 0
        self.in_set = False                                # on the right of a SET: other functions, arithmetic
        self.in_item = False                               # in an INSERT's struct: no function at all
        self.literals: dict[str, Literal] = {}
        self.parameters = 0
        self.problems: list[str] = []
        self.places: dict[int, Token] = {}                 # id of a call or path -> its first token
        self.kept: list[Node] = []                         # … which lives as long as the parser, so its id is its own

    # Tokens

    def advance(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
            self.token = self.tokens[self.position]
        return token

    @property
    def following(self) -> Token:
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    def is_symbol(self, symbol: str) -> bool:
        return self.token.kind == "symbol" and self.token.text == symbol

    def is_word(self, word: str) -> bool:
        return self.token.kind == "keyword" and self.token.text == word

    def take(self, symbol: str) -> bool:
        if not self.is_symbol(symbol):
            return False
        self.advance()
        return True

    def take_word(self, word: str) -> bool:
        if not self.is_word(word):
            return False
        self.advance()
        return True

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise malformed(f"Expected {_NAMES[symbol]}")

    def problem(self, message: str) -> None:
        self.problems.append(message)

    def deeper(self, inside: Callable[[], Result]) -> Result:
        """What `inside` parses, one level down."""
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise malformed("Nesting is too deep")
        result = inside()
        self.depth -= 1
        return result

    def keep(self, node: Result, token: Token) -> Result:
        self.kept.append(node)  # type: ignore[arg-type]
        self.places[id(node)] = token
        return node

    # Conditions

    def condition(self) -> Clause:
        """A whole condition."""
        return self.as_clause(self.expression())

    def expression(self) -> Node:
        return self.chain("or", lambda: self.chain("and", self.negation, And), Or)

    def chain(self, word: str, part: Callable[[], Node], joined: type[And] | type[Or]) -> Node:
        node = part()
        if not self.is_word(word):
            return node
        terms = [self.as_clause(node)]
        while self.is_word(word):
            self.infix()
            terms.append(self.as_clause(part()))
        return joined(tuple(terms))

    def infix(self) -> Token:
        """The operator at hand, which something must follow."""
        if self.following.kind == "end":
            raise malformed(NO_RIGHT_SIDE)
        return self.advance()

    def negation(self) -> Node:
        times = 0
        while self.take_word("not"):
            times += 1
        node = self.comparison()
        return Not(self.as_clause(node), times) if times else node

    def comparison(self) -> Node:
        node = self.sum()
        for _ in range(DEPTH_MAX):
            compared = self.compared(node)
            if compared is None:
                return node
            node = compared
        raise malformed("Nesting is too deep")

    def compared(self, left: Node) -> Clause | None:
        """`left` compared with what follows; None where no comparison does."""
        token = self.token
        if token.kind == "symbol" and token.text in _COMPARATORS:
            self.infix()
            return Compare(_COMPARATORS[token.text], self.as_operand(left), self.as_operand(self.sum()))
        if token.kind != "keyword":
            return None
        negated = token.text == "not" and self.following.text in ("in", "between", "like")
        if negated:
            self.advance()
        clause = self.special(left)
        return Not(clause, 1) if negated and clause is not None else clause

    def special(self, left: Node) -> Clause | None:
        match self.token.text:
            case "is":
                self.advance()
                return self.type_test(left)
            case "in":
                self.infix()
                return In(self.as_operand(left), self.options())
            case "between":
                self.infix()
                low = self.as_operand(self.sum())
                if not self.is_word("and"):
                    raise malformed("Expected AND")
                self.infix()
                return Between(self.as_operand(left), low, self.as_operand(self.sum()))
            case "like":
                self.infix()
                self.problem("Unsupported operator in Condition Expression. Operator: LIKE")
                return Compare("=", self.as_operand(left), self.as_operand(self.sum()))
        return None

    def options(self) -> tuple[Operand, ...]:
        opening = self.token.text
        closing = {"[": "]", "(": ")", "<<": ">>"}.get(opening if self.token.kind == "symbol" else "")
        if closing is None:
            self.problem("The right-hand side of IN must be a list")
            return (self.as_operand(self.sum()),)
        self.advance()
        return tuple([self.as_operand(each) for each in self.listed(closing)])

    def listed(self, closing: str) -> list[Node]:
        """Expressions up to the closing symbol, which is taken."""
        if self.take(closing):
            return []
        found = [self.deeper(self.expression)]
        while self.take(","):
            found.append(self.deeper(self.expression))
        self.expect(closing)
        return found

    def type_test(self, left: Node) -> Clause:
        negated = self.take_word("not")
        token = self.token
        name = _TYPE_NAMES.get(token.text.lower(), token.text)
        if token.kind not in ("keyword", "name") or (name != "missing" and name not in _TYPES):
            raise malformed("Expected type name")
        self.advance()
        if name in ("double", "character") and self.token.text in ("precision", "varying"):
            self.advance()
        operand = self.as_operand(left)
        clause: Clause
        if name == "missing":
            clause = Call("attribute_not_exists", (operand,))
        else:
            tests = [Call("attribute_type", (operand, self.literal(Scalar("S", kind)))) for kind in _TYPES[name]]
            clause = tests[0] if len(tests) == 1 else Or(tuple(tests))
        return Not(clause, 1) if negated else clause

    # Which of both an expression is

    def as_clause(self, node: Node) -> Clause:
        """`node` where a condition must stand."""
        if isinstance(node, _CLAUSES):
            return node
        if isinstance(node, Call) and node.function in CONDITION_FUNCTIONS and node.function != "size":
            return node
        if isinstance(node, Truth):
            return node.clause
        self.problem("Unsupported operation in where clause: an expression that is not a condition")
        return Call("attribute_exists", (Path(("?",)),))

    def as_operand(self, node: Node) -> Operand:
        """`node` where a condition's value must stand."""
        if isinstance(node, _CLAUSES):
            return Truth(node)
        if isinstance(node, Arithmetic):
            self.problem(f"Unsupported operator in Condition Expression. Operator: {node.operator}")
            return Path(("?",))
        if isinstance(node, Call) and node.function in CONDITION_FUNCTIONS and node.function != "size":
            return Truth(node)
        return node

    # Values

    def sum(self) -> Node:
        node = self.signed()
        for _ in range(DEPTH_MAX):
            if not (self.is_symbol("+") or self.is_symbol("-")):
                return self.product(node)
            operator = self.infix().text
            node = Arithmetic(operator, self.as_value(node), self.as_value(self.signed()))
        raise malformed("Nesting is too deep")

    def product(self, node: Node) -> Node:
        """What PartiQL could go on with and DynamoDB does not have."""
        if self.token.kind == "symbol" and self.token.text in ("*", "/", "%", "||"):
            operator = self.infix().text
            self.problem(f"Unsupported operator in Condition Expression. Operator: {operator}")
            self.signed()
        return node

    def as_value(self, node: Node) -> SetValue:
        if isinstance(node, _CLAUSES):
            self.problem("Unsupported operation in an arithmetic expression: a condition")
            return Path(("?",))
        return node

    def signed(self) -> Node:
        if not (self.is_symbol("+") or self.is_symbol("-")):
            return self.term()
        sign = self.advance().text
        node = self.deeper(self.signed)
        literal = self.literals.get(node.name) if isinstance(node, ValueName) else None
        if not isinstance(node, ValueName) or not isinstance(literal, Scalar) or literal.kind != "N":
            self.problem(f"Unsupported operator in Condition Expression. Operator: {sign}")
        elif sign == "-":
            written = str(literal.content)
            self.literals[node.name] = Scalar("N", written[1:] if written[0] == "-" else f"-{written}")
        return node

    def literal(self, literal: Literal) -> ValueName:
        name = f":{len(self.literals)}"
        self.literals[name] = literal
        return ValueName(name)

    def term(self) -> Node:
        token = self.token
        match token.kind:
            case "number":
                self.advance()
                return self.literal(Scalar("N", token.text))
            case "string":
                self.advance()
                return self.literal(Scalar("S", token.text))
            case "keyword":
                return self.keyword_term()
            case "name" | "quoted":
                return self.call() if self.calls() else self.path()
            case "symbol":
                return self.symbol_term()
        raise malformed(TERM)

    def calls(self) -> bool:
        return self.following.kind == "symbol" and self.following.text == "("

    def keyword_term(self) -> Node:
        word = self.token.text
        if word in ("true", "false"):
            self.advance()
            return self.literal(Scalar("BOOL", word == "true"))
        if word == "null":
            self.advance()
            return self.literal(Scalar("NULL", True))
        if word == "missing":
            return self.literal(Unsupported("MISSING", self.advance()))
        if word in _FUNCTION_WORDS and self.calls():
            return self.call()
        raise malformed(OPERATOR if word in OPERATORS else KEYWORD)

    def symbol_term(self) -> Node:
        token = self.token
        match token.text:
            case "?":
                self.advance()
                self.parameters += 1
                return self.keep(ValueName(f":p{self.parameters - 1}"), token)
            case "(":
                self.advance()
                node = self.deeper(self.expression)
                self.expect(")")
                return node
            case "[" | "<<":
                return self.collection()
            case "{":
                return self.struct()
        raise malformed(OPERATOR if token.text in _COMPARATORS or token.text in ("/", "%", "||", "@") else TERM)

    def collection(self) -> ValueName:
        is_bag = self.advance().text == "<<"
        members = []
        closing = ">>" if is_bag else "]"
        if not self.take(closing):
            members.append(self.member())
            while self.take(","):
                members.append(self.member())
            self.expect(closing)
        return self.literal(Sequence(is_bag, tuple(members)))

    def struct(self) -> ValueName:
        return self.literal(Struct(tuple([(name, self.nested(token, node)) for name, token, node in self.fields()])))

    def fields(self) -> list[tuple[str, Token, Node]]:
        """Of a struct: name, where its value begins, its value."""
        self.expect_struct()
        found: list[tuple[str, Token, Node]] = []
        while not self.take("}"):
            if found and not self.take(","):
                self.expect("}")
            name = self.token
            if name.kind != "string":
                self.deeper(self.expression)
                self.problem("Struct field names must be string literals")
            else:
                self.advance()
            self.expect(":")
            token = self.token
            found.append((name.text, token, self.deeper(self.expression)))
        return found

    def expect_struct(self) -> None:
        if not self.take("{"):
            raise malformed(TERM)

    def member(self) -> Literal:
        token = self.token
        return self.nested(token, self.deeper(self.expression))

    def nested(self, token: Token, node: Node) -> Literal:
        """What stands in a document: the literal itself, no longer a value of its own."""
        if isinstance(node, ValueName):
            literal = self.literals.get(node.name)
            if literal is not None:
                self.literals[node.name] = _TAKEN
                return literal
        return Unsupported(described(node), token)

    def values(self) -> dict[str, Value]:
        """The literals' attribute values. ValidationException in AWS's words."""
        return {name: value_of(literal) for name, literal in self.literals.items() if literal is not _TAKEN}

    # Paths and functions

    def path(self) -> Path:
        token = self.token
        return self.keep(Path(tuple(self.steps([self.advance().text]))), token)

    def steps(self, steps: list[Step]) -> list[Step]:
        while True:
            if self.take("."):
                if self.token.kind not in ("name", "quoted"):
                    raise malformed("Invalid path dot component")
                steps.append(self.advance().text)
            elif self.take("["):
                steps.append(self.subscript())
                self.expect("]")
            else:
                return steps

    def subscript(self) -> Step:
        """A list's index, or a map's name as a string."""
        sign = ""
        while self.is_symbol("-") or self.is_symbol("+"):
            sign = "-" if (self.advance().text == "-") != (sign == "-") else ""
        token = self.token
        if token.kind == "string" and not sign:
            return self.advance().text
        if token.kind != "number" or not token.text.isdecimal():
            node = self.deeper(self.expression)
            self.problem(f"Unexpected path component at {token.at}" if node else "")
            return 0
        self.advance()
        digits = token.text.lstrip("0") or "0"
        if len(digits) > len(str(INDEX_MAX)) or int(digits) > INDEX_MAX or (sign and digits != "0"):
            self.problem(BAD_INDEX.format(f"{sign}{token.text}", token.at))
            return 0
        return int(digits)

    def call(self) -> Node:
        token = self.advance()
        function = token.text.lower()
        self.advance()
        if self.is_word("select") or self.is_symbol("*"):
            self.problem(f"Unexpected path component at {token.at}")
            self.skip_parentheses()
            return Path(("?",))
        arguments = self.listed(")")
        known = (UPDATE_FUNCTIONS.keys() | _SET_FUNCTIONS) if self.in_set else CONDITION_FUNCTIONS.keys()
        if function not in known and not self.in_item:
            self.problem(f"Unrecognized function: {function} at {token.at}")
        as_argument = self.as_value if self.in_set else self.as_operand
        made = Call(function, tuple([as_argument(each) for each in arguments]))  # type: ignore[misc]
        return self.keep(made, token)

    def skip_parentheses(self) -> None:
        """To the end of what one opened: nothing in it can be used."""
        open_ = 1
        while open_:
            token = self.advance()
            if token.kind == "end":
                raise malformed(f"Expected {_NAMES[')']}")
            if token.kind == "symbol":
                open_ += {"(": 1, ")": -1}.get(token.text, 0)


_TAKEN = Scalar("NULL", True)          # in the place of a literal that is now part of a document


def described(node: Node) -> str:
    """What AWS calls a node where a literal must stand."""
    if isinstance(node, ValueName):
        return "Parameter"
    if isinstance(node, Call):
        return node.function
    return "VariableReference" if isinstance(node, Path) and len(node.steps) == 1 else type(node).__name__
