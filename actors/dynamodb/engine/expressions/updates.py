"""Update expressions: what an item becomes.

    update = parse_update("SET #n = #n + :one REMOVE l[1]").bind(placeholders)
    new = update.apply(old)                    # old is untouched; unchanged values are shared
    update.touched.apply(old), update.touched.apply(new)        # UPDATED_OLD, UPDATED_NEW

All operands are read before anything is written; list indexes mean the list as it was; elements set beyond a list's end
are appended in the order of their indexes. Sources:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html; order of checks and
messages from the public dynalite suite (test/updateItem.js), behaviour at the edges from Scylla's Alternator
(test_update_expression.py, test_returnvalues.py, test_number.py).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from actors.dynamodb.engine import number
from actors.dynamodb.engine.expressions.binding import FORMS_MAX, Checker, Shapes
from actors.dynamodb.engine.expressions.comparison import SETS, type_of
from actors.dynamodb.engine.expressions.evaluation import Getter, Values, compile_path
from actors.dynamodb.engine.expressions.nodes import (
    Action,
    Arithmetic,
    Call,
    Item,
    Path,
    Placeholder,
    SetValue,
    Step,
    Steps,
    Value,
    ValueName,
)
from actors.dynamodb.engine.expressions.parser import UPDATE_FUNCTIONS, parse_actions
from actors.dynamodb.engine.expressions.placeholders import Placeholders
from actors.dynamodb.engine.expressions.projections import Projection, clash
from schemas.errors import ValidationException

KIND = "UpdateExpression"
BAD_PATH = "The document path provided in the update expression is invalid for update"
BAD_TYPE = "An operand in the update expression has an incorrect data type"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"

_LONG_TYPES = {"S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
               "BOOL": "BOOLEAN", "NULL": "NULL", "L": "LIST", "M": "MAP"}
_OPERAND_TYPES = {"ADD": frozenset(("N", "SS", "NS", "BS")), "DELETE": SETS}

# What UpdateItem measures beside the attributes an update writes (dynamodb-conformance, itemSizeBySurface).
_UPDATE_COST_BYTES, _WRITE_COST_BYTES, _ELEMENT_COST_BYTES, _REMOVE_COST_BYTES = 3, 19, 20, 2

Change: TypeAlias = Callable[[Value | None, Value | None], Value | None]
Tree: TypeAlias = "dict[Step, Tree | int]"                # an int is a leaf: the number of its step


class UpdateStep(NamedTuple):
    """One action, compiled. `change(old, operand)` is the new value; None leaves no attribute."""

    path: Steps
    operand: Getter | None
    change: Change
    removes: bool


class CompiledUpdate:
    """Steps with the tree of their paths."""

    __slots__ = ("cost_bytes", "flat", "only_removes", "steps", "touched", "tree")

    def __init__(self, steps: tuple[UpdateStep, ...]) -> None:
        """The paths of `steps` must not clash."""
        self.steps = steps
        self.touched = Projection(step.path for step in steps)
        self.flat = not self.touched.nested
        self.only_removes = bool(steps) and all(step.removes for step in steps)
        self.cost_bytes = _UPDATE_COST_BYTES + sum(map(_cost_bytes, steps))
        self.tree: Tree = {}
        for position, step in enumerate(steps):
            branch = self.tree
            for part in step.path[:-1]:
                below = branch.setdefault(part, {})
                assert isinstance(below, dict)
                branch = below
            branch[step.path[-1]] = position


def _cost_bytes(step: UpdateStep) -> int:
    if step.removes:
        return _REMOVE_COST_BYTES
    return _ELEMENT_COST_BYTES if any(isinstance(part, int) for part in step.path) else _WRITE_COST_BYTES


class Update:
    """An update bound to one request's values."""

    __slots__ = ("_compiled", "_values")

    def __init__(self, compiled: CompiledUpdate, values: Mapping[str, Value]) -> None:
        self._compiled = compiled
        self._values = values

    @property
    def touched(self) -> Projection:
        """The paths it writes: of the old item UPDATED_OLD, of the new one UPDATED_NEW; `attributes` for key checks."""
        return self._compiled.touched

    @property
    def only_removes(self) -> bool:
        """REMOVE and DELETE alone do not create an item that does not exist."""
        return self._compiled.only_removes

    @property
    def cost_bytes(self) -> int:
        """What UpdateItem adds to the size of the attributes it writes, when it compares that with an item's limit."""
        return self._compiled.cost_bytes

    def apply(self, item: Item, exists: bool = True) -> Item:
        """The new item. `item` is the old one, or with exists=False the key's attributes.

        ValidationException in AWS's words when the item does not fit; `item` is untouched in any case.
        """
        compiled, values = self._compiled, self._values
        operands: list[Value | None] = []
        for _, get, _, _ in compiled.steps:
            operand = None if get is None else get(item, values)
            if operand is None and get is not None:
                raise ValidationException(NO_ATTRIBUTE)
            operands.append(operand)
        new = dict(item)
        if compiled.flat:
            for (path, _, change, _), operand in zip(compiled.steps, operands, strict=True):
                name: str = path[0]  # type: ignore[assignment]          # the first step of a path is a name
                value = change(item.get(name), operand)
                if value is None:
                    new.pop(name, None)
                else:
                    new[name] = value
            return new
        _Writer(compiled.steps, operands, exists).write(new, compiled.tree)
        return new


class _Writer:
    """Writes nested paths, copying each document once on the way down."""

    def __init__(self, steps: tuple[UpdateStep, ...], operands: list[Value | None], exists: bool) -> None:
        self.steps = steps
        self.operands = operands
        self.exists = exists

    def write(self, attributes: Item, tree: Tree) -> None:
        """Changes `attributes`, which must be a copy."""
        for name, below in tree.items():
            assert isinstance(name, str)
            value = self.changed(attributes.get(name), below)
            if value is None:
                attributes.pop(name, None)
            else:
                attributes[name] = value

    def changed(self, old: Value | None, below: "Tree | int") -> Value | None:
        if isinstance(below, int):
            return self.steps[below].change(old, self.operands[below])
        if old is None:
            if not self.exists and self.removes_all(below):
                return None
            raise ValidationException(BAD_PATH)
        if isinstance(next(iter(below)), int):
            if "L" not in old:
                raise ValidationException(BAD_PATH)
            return {"L": self.written_list(old["L"], below)}
        if "M" not in old:
            raise ValidationException(BAD_PATH)
        members = dict(old["M"])
        self.write(members, below)
        return {"M": members}

    def written_list(self, old: list[Value], tree: Tree) -> list[Value]:
        new: list[Value | None] = list(old)
        for index, below in sorted(tree.items(), key=_first):
            assert isinstance(index, int)
            if index < len(old):
                new[index] = self.changed(old[index], below)
            else:
                new.append(self.changed(None, below))
        return [value for value in new if value is not None]

    def removes_all(self, tree: Tree) -> bool:
        """On an item that does not exist AWS ignores REMOVE of any path."""
        return all(self.steps[below].operand is None if isinstance(below, int) else self.removes_all(below)
                   for below in tree.values())


def _first(entry: tuple[Any, Any]) -> Any:
    return entry[0]


# Changes


def set_to(_: Value | None, operand: Value | None) -> Value | None:
    return operand


def remove(_: Value | None, __: Value | None) -> Value | None:
    return None


def adding(mismatch: str, lists: bool = False) -> Change:
    """ADD: a number to a number, members to a set, with `lists` elements to a list; to nothing, the operand itself."""

    def add(old: Value | None, operand: Value | None) -> Value | None:
        assert operand is not None
        if old is None:
            return operand
        kind = type_of(operand)
        if kind not in old:
            raise ValidationException(mismatch)
        if kind == "N":
            return {"N": number.add(old["N"], operand["N"])}
        if kind == "L":
            assert lists
            return {"L": [*old["L"], *operand["L"]]}
        return {kind: list(dict.fromkeys([*old[kind], *operand[kind]]))}

    return add


def deleting(mismatch: str) -> Change:
    """DELETE: members from a set, which disappears with its last one."""

    def delete(old: Value | None, operand: Value | None) -> Value | None:
        assert operand is not None
        if old is None:
            return None
        kind = type_of(operand)
        if kind not in old:
            raise ValidationException(mismatch)
        gone = set(operand[kind])
        left = [member for member in old[kind] if member not in gone]
        return {kind: left} if left else None

    return delete


_ADD, _DELETE = adding(BAD_TYPE), deleting(BAD_TYPE)


# Operands


def compile_operand(operand: SetValue, resolve: Callable[[Path], Steps]) -> Getter:
    match operand:
        case Path():
            return compile_path(resolve(operand))
        case ValueName(name):
            return lambda _, values: values[name]
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, compile_operand(left, resolve), compile_operand(right, resolve))
        case Call("if_not_exists", (path, other)):
            assert isinstance(path, Path)
            return _first_present(compile_operand(path, resolve), compile_operand(other, resolve))
        case Call("list_append", (left, right)):
            return _appended(compile_operand(left, resolve), compile_operand(right, resolve))
    raise AssertionError(operand)


def _member(getter: Getter, item: Item, values: Values, kind: str) -> Any:
    value = getter(item, values)
    if value is None:
        raise ValidationException(NO_ATTRIBUTE)
    if kind not in value:
        raise ValidationException(BAD_TYPE)
    return value[kind]


def _arithmetic(operator: str, left: Getter, right: Getter) -> Getter:
    calculate = number.add if operator == "+" else number.subtract
    return lambda item, values: {"N": calculate(_member(left, item, values, "N"), _member(right, item, values, "N"))}


def _first_present(path: Getter, other: Getter) -> Getter:
    def get(item: Item, values: Values) -> Value | None:
        value = path(item, values)
        return value if value is not None else other(item, values)

    return get


def _appended(left: Getter, right: Getter) -> Getter:
    return lambda item, values: {"L": [*_member(left, item, values, "L"), *_member(right, item, values, "L")]}


class UpdateForm:
    """A parsed update, its placeholders open."""

    __slots__ = ("actions", "kind", "shapes")

    def __init__(self, actions: tuple[Action, ...], kind: str = KIND) -> None:
        self.actions = actions
        self.kind = kind
        every = [operand for action in actions for operand in (action.path, action.value) if operand is not None]
        self.shapes: Shapes[CompiledUpdate] = Shapes(every, self._build)

    def bind(self, placeholders: Placeholders) -> Update:
        """ValidationException in AWS's words for undefined placeholders, paths that clash, operands that do not fit."""
        return Update(self.shapes.bind(placeholders)[0], placeholders.values)

    def _build(self, names: Mapping[str, str], values: Mapping[str, Value]) -> CompiledUpdate:
        checker = UpdateChecker(self.kind, names, values)
        checker.check(self.actions, self.shapes.names, self.shapes.values)
        return CompiledUpdate(tuple([_compile(action, checker) for action in self.actions]))


def _compile(action: Action, checker: Checker) -> UpdateStep:
    path = checker.resolve(action.path)
    operand = None if action.value is None else compile_operand(action.value, checker.resolve)
    match action.section:
        case "SET":
            return UpdateStep(path, operand, set_to, removes=False)
        case "REMOVE":
            return UpdateStep(path, operand, remove, removes=True)
        case "ADD":
            return UpdateStep(path, operand, _ADD, removes=False)
        case "DELETE":
            return UpdateStep(path, operand, _DELETE, removes=True)


@lru_cache(FORMS_MAX)
def parse_update(text: str) -> UpdateForm:
    """ValidationException in AWS's words when the text is no update."""
    return UpdateForm(parse_actions(text))


class UpdateChecker(Checker):
    """AWS looks at the whole expression for each kind of problem in turn."""

    def check(self, actions: tuple[Action, ...], names: tuple[str, ...], values: tuple[str, ...]) -> None:
        paths = [action.path for action in actions]
        operands = [action.value for action in actions if action.value is not None]
        for name in names:
            self.check_leaf(Path((Placeholder(name),)))
        for value in values:
            self.check_leaf(ValueName(value))
        self.check_defined([*paths, *operands])
        problem = clash([self.resolve(path) for path in paths])
        if problem is not None:
            raise self.error(problem)
        for action in actions:
            self.check_section_operand(action)
        for operand in operands:
            self.check_operand(operand)

    def check_section_operand(self, action: Action) -> None:
        allowed = _OPERAND_TYPES.get(action.section)
        if allowed is None or action.value is None:
            return
        kind = self.type_of(action.value)
        if kind is not None and kind not in allowed:
            raise self.error(f"Incorrect operand type for operator or function; operator: {action.section}, "
                             f"operand type: {_LONG_TYPES[kind]}, typeSet: ALLOWED_FOR_{action.section}_OPERAND")

    def check_operand(self, operand: SetValue) -> None:
        match operand:
            case Arithmetic(operator, left, right):
                self.check_operand(left)
                self.check_operand(right)
                self.check_types(operator, (left, right), ("N",))
            case Call(function, arguments):
                for argument in arguments:
                    self.check_operand(argument)
                self.check_count(operand, UPDATE_FUNCTIONS[function])
                if function == "list_append":
                    self.check_types(function, arguments, ("L",))
                elif not isinstance(arguments[0], Path):
                    raise self.path_required(function)
