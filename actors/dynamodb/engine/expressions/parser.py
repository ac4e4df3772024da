"""Tokens to trees: recursive descent over the one grammar of paths, operands, conditions, updates and projections.

Here are the errors that need neither placeholders nor an item, in AWS's order: syntax, redundant parentheses, function
names and their places, reserved words, list indexes, number of operators.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html,
.../Expressions.UpdateExpressions.html; what AWS's parser really takes, and its words, from the public suites of
dynalite (test/scan.js, test/updateItem.js) and Scylla's Alternator (test_condition_expression.py,
test_update_expression.py).
"""

from collections.abc import Iterable
from typing import NoReturn

from actors.dynamodb.engine.expressions.nodes import (
    Action,
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
    Placeholder,
    Section,
    SetValue,
    Step,
    Truth,
    ValueName,
    operands,
)
from actors.dynamodb.engine.expressions.reserved import RESERVED_WORDS
from actors.dynamodb.engine.expressions.tokens import Token, tokenize
from schemas.errors import ValidationException

OPERATORS_MAX = 300
PARENTHESES_DEPTH_MAX = 200            # levels; deeper is either redundant or more than OPERATORS_MAX operators
INDEX_MAX = 2**31 - 1

CONDITION_FUNCTIONS = {
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
}
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}

UNKNOWN = "Invalid function name; function: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "

_COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))
_CONDITION_WORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN"))
_SECTIONS: dict[str, Section] = {"SET": "SET", "REMOVE": "REMOVE", "ADD": "ADD", "DELETE": "DELETE"}
_UPDATE_WORDS = frozenset(_SECTIONS)
_NO_WORDS: frozenset[str] = frozenset()


class Parser:
    """One pass over one expression. `kind` is the request's parameter, for messages."""

    def __init__(self, text: str, kind: str, words: frozenset[str]) -> None:
        self.text = text
        self.kind = kind
        self.words = words             # this grammar's keywords, which no name in it may be
        self.tokens = tokenize(text, kind)
        self.position = 0
        self.token = self.tokens[0]
        self.depth = 0
        self.operators = 0
        self.redundant = False
        self.closings: dict[int, int] = {}                 # position of a grouping parenthesis -> of its closing one
        self.problems: dict[str, str] = {}                 # first of each kind, by rank

    # Tokens

    def advance(self) -> Token:
        token = self.token
        self.position += 1
        self.token = self.tokens[self.position]
        return token

    def fail(self) -> NoReturn:
        """The syntax error at the current token, with its neighbours as AWS shows them."""
        token = self.token
        first = self.tokens[max(self.position - 1, 0)]
        last = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        near = self.text[first.start:last.end].rstrip(" \t\r\n")
        raise self.error(f'Syntax error; token: "{token.text}", near: "{near}"')

    def error(self, message: str) -> ValidationException:
        return ValidationException(f"Invalid {self.kind}: {message}")

    def expect(self, symbol: str) -> None:
        if self.token.text != symbol:
            self.fail()
        self.advance()

    def take(self, symbol: str) -> bool:
        if self.token.text != symbol:
            return False
        self.advance()
        return True

    def take_word(self, word: str) -> bool:
        if self.token.kind != "name" or self.token.text.upper() != word:
            return False
        self.advance()
        return True

    def expect_end(self) -> None:
        if self.token.kind != "end":
            self.fail()

    def problem(self, rank: str, message: str) -> None:
        self.problems.setdefault(rank, message)

    def raise_problems(self, *ranks: str) -> None:
        for rank in ranks:
            if rank in self.problems:
                raise self.error(self.problems[rank])
        if self.operators > OPERATORS_MAX:
            raise self.error(f"The expression contains too many operators; operator count: {OPERATORS_MAX + 1}")

    # Paths and operands

    def path(self) -> Path:
        return self.path_tail([self.name()])

    def name(self) -> str:
        token = self.token
        if token.kind == "name":
            upper = token.text.upper()
            if upper in self.words:
                self.fail()
            if upper in RESERVED_WORDS:
                self.problem("reserved", f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        elif token.kind != "placeholder":
            self.fail()
        self.advance()
        return Placeholder(token.text) if token.kind == "placeholder" else token.text

    def path_tail(self, steps: list[Step]) -> Path:
        while True:
            if self.take("."):
                steps.append(self.name())
            elif self.take("["):
                if self.token.kind != "index":
                    self.fail()
                steps.append(self.index(self.advance().text))
                self.expect("]")
            else:
                return Path(tuple(steps))

    def index(self, digits: str) -> int:
        if len(digits) > len(str(INDEX_MAX)) or int(digits) > INDEX_MAX:
            self.problem("reserved", f"List index is not within the allowable range; index: [{digits}]")
            return 0
        return int(digits)

    def plain_operand(self) -> Operand:
        """An operand that does not begin with a parenthesis."""
        token = self.token
        if token.kind == "value":
            self.advance()
            return ValueName(token.text)
        if token.kind == "name" and self.tokens[self.position + 1].text == "(":
            return self.call()
        return self.path()

    def call(self) -> Call:
        function = self.token.text
        if function.upper() in self.words:
            self.fail()
        known = function in CONDITION_FUNCTIONS or function in UPDATE_FUNCTIONS
        self.deepen(f"{MISUSED if known else UNKNOWN}{function}")
        self.advance()
        self.advance()
        arguments = [self.operand()]
        while self.take(","):
            arguments.append(self.operand())
        self.expect(")")
        self.depth -= 1
        self.operators += 1
        self.check_place(function, arguments)
        return Call(function, tuple(arguments))

    def check_place(self, function: str, arguments: list[Operand]) -> None:
        if self.words is _UPDATE_WORDS:
            if function in CONDITION_FUNCTIONS:
                self.problem("function", f"The function is not allowed in an update expression; function: {function}")
            elif function not in UPDATE_FUNCTIONS:
                self.problem("function", f"{UNKNOWN}{function}")
            self.refuse_calls(arguments, allowed="if_not_exists")
            return
        if function in UPDATE_FUNCTIONS:
            self.problem("function", f"The function is not allowed in a condition expression; function: {function}")
        elif function not in CONDITION_FUNCTIONS:
            self.problem("function", f"{UNKNOWN}{function}")
        self.refuse_calls(arguments, allowed="size")

    def refuse_calls(self, nodes: Iterable[Operand], allowed: str) -> None:
        for node in nodes:
            if isinstance(node, Call) and node.function != allowed:
                self.misuse(node.function)

    def misuse(self, function: str) -> None:
        self.problem("misuse", f"{MISUSED}{function}")

    def operand(self) -> Operand:
        if self.token.text != "(":
            return self.plain_operand()
        node = self.group()
        if not isinstance(node, (Path, ValueName, Call)):
            self.fail()
        return node

    # Parentheses

    def deepen(self, message: str) -> None:
        self.depth += 1
        if self.depth > PARENTHESES_DEPTH_MAX:
            raise self.error(message)

    def group(self) -> "Clause | Operand | Arithmetic":
        """What stands in a pair of parentheses; a path may go on after them."""
        opening = self.position
        self.deepen("The expression has redundant parentheses;")
        self.advance()
        inner = self.set_value() if self.words is _UPDATE_WORDS else self.clause()
        closing = self.position
        self.expect(")")
        self.depth -= 1
        self.closings[opening] = closing
        if self.closings.get(opening + 1) == closing - 1:
            self.redundant = True
        if isinstance(inner, Path) and self.words is _CONDITION_WORDS:
            return self.path_tail(list(inner.steps))
        return inner

    # Conditions

    def clause(self) -> "Clause | Operand":
        """OR of ANDs of NOTs, in one frame for deep nesting's sake; a lone operand if nothing joins or negates it."""
        disjuncts: list[Clause] = []
        conjuncts: list[Clause] = []
        while True:
            times = 0
            while self.take_word("NOT"):
                times += 1
            node = self.comparison()
            self.operators += times
            joined = self.token.kind == "name" and self.token.text.upper() in ("AND", "OR")
            if not (times or joined or conjuncts or disjuncts):
                return node
            conjuncts.append(Not(self.condition(node), times) if times else self.condition(node))
            if self.take_word("AND"):
                self.operators += 1
                continue
            disjuncts.append(conjuncts[0] if len(conjuncts) == 1 else And(tuple(conjuncts)))
            conjuncts = []
            if not self.take_word("OR"):
                return disjuncts[0] if len(disjuncts) == 1 else Or(tuple(disjuncts))
            self.operators += 1

    def condition(self, node: "Clause | Operand") -> Clause:
        """`node` where a condition must stand: of the operands only a function can be one."""
        if isinstance(node, (Path, ValueName)):
            self.fail()
        if isinstance(node, Call) and node.function == "size":
            self.misuse("size")
        assert not isinstance(node, Truth), "no expression has one"
        return node

    def comparison(self) -> "Clause | Operand":
        node: Clause | Operand
        if self.token.text == "(":
            inner = self.group()
            assert not isinstance(inner, Arithmetic)
            node = inner
        else:
            node = self.plain_operand()
        if not isinstance(node, (Path, ValueName, Call)):
            return node
        if self.token.text in _COMPARATORS:
            operator = self.advance().text
            return self.compared(Compare(operator, node, self.operand()))
        if self.take_word("BETWEEN"):
            low = self.operand()
            if not self.take_word("AND"):
                self.fail()
            return self.compared(Between(node, low, self.operand()))
        if self.take_word("IN"):
            self.expect("(")
            options = [self.operand()]
            while self.take(","):
                options.append(self.operand())
            self.expect(")")
            return self.compared(In(node, tuple(options)))
        return node

    def compared(self, node: "Compare | Between | In") -> "Compare | Between | In":
        self.operators += 1
        self.refuse_calls(operands(node), allowed="size")
        return node

    # Updates

    def actions(self) -> tuple[Action, ...]:
        found: list[Action] = []
        seen: set[str] = set()
        while True:
            section = _SECTIONS.get(self.token.text.upper()) if self.token.kind == "name" else None
            if section is None:
                self.fail()
            self.advance()
            found.append(self.action(section))
            while self.take(","):
                found.append(self.action(section))
            if section in seen:
                self.problem("section", f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            if self.token.kind == "end":
                return tuple(found)

    def action(self, section: Section) -> Action:
        path = self.path()
        if section == "REMOVE":
            return Action(section, path, None)
        if section == "SET":
            self.expect("=")
            return Action(section, path, self.set_value())
        if self.token.kind != "value":
            self.fail()
        return Action(section, path, ValueName(self.advance().text))

    def set_value(self) -> SetValue:
        node = self.group() if self.token.text == "(" else self.plain_operand()
        if isinstance(node, Arithmetic):
            return node
        assert isinstance(node, (Path, ValueName, Call))
        if self.token.text not in ("+", "-"):
            return node
        operator = self.advance().text
        self.operators += 1
        return Arithmetic(operator, node, self.operand())

    # Projections

    def paths(self) -> tuple[Path, ...]:
        found = [self.path()]
        while self.take(","):
            found.append(self.path())
        return tuple(found)


def parse_clause(text: str, kind: str) -> Clause:
    """The tree of a condition, filter or key condition expression."""
    parser = Parser(text, kind, _CONDITION_WORDS)
    node = parser.clause()
    if isinstance(node, (Path, ValueName)) or parser.token.kind != "end":
        parser.fail()
    clause = parser.condition(node)
    if parser.redundant:
        raise parser.error("The expression has redundant parentheses;")
    parser.raise_problems("function", "misuse", "reserved")
    return clause


def parse_actions(text: str) -> tuple[Action, ...]:
    """The actions of an update expression, in source order."""
    parser = Parser(text, "UpdateExpression", _UPDATE_WORDS)
    actions = parser.actions()
    if parser.redundant:
        raise parser.error("The expression has redundant parentheses;")
    parser.raise_problems("reserved", "function", "misuse", "section")
    return actions


def parse_paths(text: str) -> tuple[Path, ...]:
    """The paths of a projection expression, in source order."""
    parser = Parser(text, "ProjectionExpression", _NO_WORDS)
    paths = parser.paths()
    parser.expect_end()
    parser.raise_problems("reserved")
    return paths
