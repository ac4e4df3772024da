"""Statements: SELECT, INSERT, UPDATE (also FROM … SET …), DELETE, EXISTS. Parsed once per text.

    statement = parse('SELECT a.b FROM "t"."i" WHERE k = ? ORDER BY r DESC')

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html; what AWS's parser really
takes, and its words: the public dynamodb-conformance suite (tier2/partiql, tier3/error-messages/partiql*).
"""

from functools import lru_cache

from actors.dynamodb.engine.expressions.conditions import ConditionForm
from actors.dynamodb.engine.expressions.nodes import Action, Call, Path, SetValue, Steps, ValueName
from actors.dynamodb.engine.expressions.updates import UpdateForm
from actors.dynamodb.engine.partiql.literals import Literal, Sequence
from actors.dynamodb.engine.partiql.nodes import (
    Body,
    Column,
    Delete,
    Exists,
    Insert,
    Order,
    Returning,
    Select,
    SetOperand,
    Statement,
    Target,
    Update,
)
from actors.dynamodb.engine.partiql.terms import KEYWORD, LEFTOVER, TERM, Terms, described
from actors.dynamodb.engine.partiql.tokens import Token, malformed
from schemas.errors import ValidationException

STATEMENTS_MAX = 512                   # parsed texts kept
NO_OPERATION = "Expected data manipulation"
INCOMPLETE_KEY = "Where clause does not contain a mandatory equality on all key attributes"

_NO_TARGET = Target("?", None)


class StatementParser(Terms):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.sets: list[SetOperand] = []

    def statement(self) -> Statement:
        body = self.body()
        self.take(";")
        if self.token.kind != "end":
            raise malformed(LEFTOVER)
        if self.problems:
            raise ValidationException(self.problems[0])
        return Statement(body, self.values(), self.parameters, tuple(self.sets))

    def body(self) -> Body:
        if self.take_word("select"):
            return self.select()
        if self.take_word("insert"):
            return self.insert()
        if self.take_word("update"):
            return self.update()
        if self.take_word("delete"):
            return self.delete()
        if self.take_word("from"):
            return self.from_first()
        if self.is_word("exists") and self.calls():
            return self.exists()
        return self.other()

    def other(self) -> Body:
        """Anything else: a type test alone is understood and refused, on AWS, the rest is no statement."""
        if self.token.kind not in ("name", "quoted"):
            raise malformed(NO_OPERATION)
        node = self.path()
        if self.take_word("is"):
            self.type_test(node)
            if self.token.kind == "end":
                raise ValidationException("Unsupported operation: IsType")
        raise malformed(NO_OPERATION)

    # SELECT

    def select(self) -> Select:
        columns = self.columns()
        if not self.take_word("from"):
            raise malformed("Expected FROM after SELECT list")
        if self.token.kind not in ("name", "quoted"):
            raise malformed(KEYWORD if self.token.kind == "keyword" else TERM)
        target = self.target()
        while self.take(","):
            self.problem("Only select from a single table or index is supported.")
            self.target()
        where = self.where()
        order = self.order()
        if self.is_word("limit") or self.is_word("group") or self.is_word("having"):
            token = self.advance()
            self.problem(f"Unsupported clause: {token.text.upper()} at {token.at}")
            self.take_word("by")
            self.expression()
        return Select(target, columns, where, order)

    def columns(self) -> tuple[Column, ...] | None:
        """None: *."""
        found: list[Column] = []
        stars = 0
        while True:
            if self.take("*"):
                stars += 1
            else:
                found.append(self.column())
            if not self.take(","):
                break
        if stars and (found or stars > 1):
            raise malformed("Other expressions may not be present in the select list when '*' is used without dot "
                            "notation.")
        return None if stars else tuple(found)

    def column(self) -> Column:
        token = self.token
        node = self.expression()
        if self.take_word("as") or self.token.kind in ("name", "quoted"):
            self.advance()
            self.problem("Aliasing is not supported")
        if not isinstance(node, Path):
            self.problem(f"Unexpected path component at {token.at}")
            return Column("?", ("?",))
        return Column(column_name(node.steps), node.steps)

    def order(self) -> tuple[Order, ...]:
        if not self.take_word("order"):
            return ()
        if not self.take_word("by"):
            raise malformed("Expected BY")
        found = [self.ordered()]
        while self.take(","):
            found.append(self.ordered())
        return tuple(found)

    def ordered(self) -> Order:
        token = self.token
        node = self.sum()
        if not isinstance(node, Path) or len(node.steps) != 1:
            self.problem(f"Unexpected path component at {token.at}")
            return Order("?", True)
        ascending = not self.take_word("desc")
        if ascending:
            self.take_word("asc")
        return Order(str(node.steps[0]), ascending)

    # Writes

    def insert(self) -> Insert:
        if not self.take_word("into"):
            raise malformed(KEYWORD)
        steps = self.simple_path()
        if not self.take_word("value"):
            self.expression()
            raise malformed(LEFTOVER)
        if len(steps) > 1:
            self.problem("FROM clause may only contain a single table name")
        target = self.resolved(steps[:1])
        if not self.is_symbol("{"):
            self.expression()
            self.problem("INSERT needs one item, a struct, after VALUE")
            return Insert(target, {})
        item: dict[str, str] = {}
        self.in_item = True
        for name, token, node in self.fields():
            if isinstance(node, ValueName):
                item[name] = node.name
            else:
                self.problem(f"Unsupported data type: {described(node)} under key root at {token.at}")
        return Insert(target, item)

    def update(self) -> Update:
        target = self.write_target()
        actions = self.actions()
        return Update(target, UpdateForm(actions, ""), self.where(), self.returning())

    def from_first(self) -> Update:
        target = self.write_target()
        where = self.where()
        return Update(target, UpdateForm(self.actions(), ""), where, self.returning())

    def delete(self) -> Delete:
        if not self.take_word("from"):
            raise malformed("Expected FROM after DELETE")
        target = self.write_target()
        where = self.where()
        start = self.token
        returning = self.returning()
        if returning is not None and returning != Returning(everything=True, new=False):
            assert start.kind == "keyword"
            words = f"{'ALL' if returning.everything else 'MODIFIED'} {'NEW' if returning.new else 'OLD'}"
            self.problem(f"Invalid returning clause: RETURNING {words} *. "
                         "Only RETURNING ALL OLD * is allowed in DELETE statements.")
        return Delete(target, where, returning)

    def actions(self) -> tuple[Action, ...]:
        found: list[Action] = []
        while self.is_word("set") or self.is_word("remove"):
            if self.take_word("remove"):
                found.append(Action("REMOVE", Path(self.simple_path()), None))
                continue
            self.advance()
            found.append(self.assignment())
            while self.take(","):
                found.append(self.assignment())
        if not found:
            raise malformed(NO_OPERATION)
        return tuple(found)

    def assignment(self) -> Action:
        path = Path(self.simple_path())
        if not self.is_symbol("="):
            raise malformed("Expected '='")
        self.infix()
        self.in_set = True
        node = self.expression()
        self.in_set = False
        if isinstance(node, Call) and node.function in ("set_add", "set_delete"):
            return self.set_change(path, node)
        value = self.as_value(node)
        self.check_set_value(value, outermost=True)
        return Action("SET", path, value)

    def check_set_value(self, value: SetValue, *, outermost: bool) -> None:
        """set_add and set_delete change the attribute itself: they are no part of a value."""
        if not isinstance(value, Call):
            return
        token = self.places[id(value)]
        if value.function in ("set_add", "set_delete") and not outermost:
            self.problem(f"Unrecognized function: {value.function} at {token.at}")
        for argument in value.arguments:
            self.check_set_value(argument, outermost=False)

    def set_change(self, path: Path, call: Call) -> Action:
        """SET a = set_add(a, <<…>>) is an expression's ADD a, set_delete its DELETE."""
        name, token, arguments = call.function.upper(), self.places[id(call)], call.arguments
        if len(arguments) != 2:
            self.problem(f"{name} must have exactly two arguments at {token.at}")
            return Action("REMOVE", path, None)
        first, second = arguments
        if first != path:
            self.problem(f"The first argument to {name} must equal the assignment value at {token.at}")
            return Action("REMOVE", path, None)
        complaint = f"The second argument to {name} must be a value with type SET at {self.places[id(first)].at}"
        if not isinstance(second, ValueName) or not self.may_be_set(second, complaint):
            self.problem(complaint)
            return Action("REMOVE", path, None)
        return Action("ADD" if name == "SET_ADD" else "DELETE", path, second)

    def may_be_set(self, value: ValueName, complaint: str) -> bool:
        literal: Literal | None = self.literals.get(value.name)
        if literal is None:
            self.sets.append(SetOperand(value.name, complaint))
            return True
        return isinstance(literal, Sequence) and literal.is_bag

    def returning(self) -> Returning | None:
        if not self.take_word("returning"):
            return None
        everything = self.take_word("all")
        if not everything and not self.take_word("modified"):
            raise malformed("Expected ALL or MODIFIED in RETURNING")
        new = self.take_word("new")
        if not new and not self.take_word("old"):
            raise malformed("Expected NEW or OLD in RETURNING")
        if not self.take("*"):
            raise malformed("Expected * in RETURNING")
        return Returning(everything, new)

    def exists(self) -> Exists:
        self.advance()
        self.advance()
        if not self.take_word("select"):
            raise malformed(TERM)
        select = self.select()
        self.expect(")")
        return Exists(select)

    # What several have

    def where(self) -> ConditionForm | None:
        return ConditionForm(self.condition(), "") if self.take_word("where") else None

    def simple_path(self) -> Steps:
        if self.token.kind not in ("name", "quoted"):
            raise malformed("Expected identifier for simple path")
        return self.path().steps

    def write_target(self) -> Target:
        steps = self.simple_path()
        self.alias()
        if len(steps) > 1:
            self.problem("This operation is not supported on an index")
        return self.resolved(steps[:1])

    def target(self) -> Target:
        steps = self.simple_path()
        self.alias()
        return self.resolved(steps)

    def alias(self) -> None:
        if self.take_word("as") or self.token.kind in ("name", "quoted"):
            self.advance()
            self.problem("Aliasing is not supported")

    def resolved(self, steps: Steps) -> Target:
        """A table and perhaps its index."""
        if any(isinstance(step, int) for step in steps):
            self.problem("Unexpected path component in the FROM clause")
            return _NO_TARGET
        if len(steps) > 2:
            self.problem("A path may contain at most 2 components in the FROM clause")
        if "" in steps:
            self.problem("Path component cannot be an empty string")
        return Target(str(steps[0]), str(steps[1]) if len(steps) > 1 else None)


def column_name(steps: Steps) -> str:
    """The path's last name, with the indexes that follow it: m.k[0] -> k[0]."""
    last = max(at for at, step in enumerate(steps) if isinstance(step, str))
    return str(steps[last]) + "".join(f"[{step}]" for step in steps[last + 1:])


@lru_cache(STATEMENTS_MAX)
def parse(text: str) -> Statement:
    """ValidationException in AWS's words when the text is no statement."""
    return StatementParser(text).statement()


__all__ = ["INCOMPLETE_KEY", "Token", "parse"]
