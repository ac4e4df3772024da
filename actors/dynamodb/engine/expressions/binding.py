"""From a parsed expression to one bound to a request's placeholders, at the price of two dict look-ups.

What an expression compiles to depends on its text, the names behind its placeholders and the *types* of its values.
That triple is a shape: it is checked and compiled once and kept with the form; a request with a known shape only
fetches its values. Values' contents matter to two checks only (BETWEEN's bounds, attribute_type's argument), which a
shape keeps and runs every time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from actors.dynamodb.engine.expressions.nodes import (
    Arithmetic,
    Call,
    Path,
    Placeholder,
    SetValue,
    Steps,
    Truth,
    Value,
    ValueName,
    named,
    operands,
    primaries,
)
from actors.dynamodb.engine.expressions.placeholders import Placeholders
from schemas.errors import ValidationException

FORMS_MAX = 512                        # parsed expressions kept per parameter
SHAPES_MAX = 8                         # compiled forms kept per expression
PATH_DEPTH_MAX = 32                    # steps

Compiled = TypeVar("Compiled")
ShapeKey = tuple[tuple[str, ...], tuple[str, ...]]
ContentCheck = Callable[[Mapping[str, Value]], None]


class Shapes(Generic[Compiled]):
    """The compiled forms of one expression, by names and value types."""

    __slots__ = ("build", "known", "names", "values")

    def __init__(
        self, used: Iterable[SetValue], build: Callable[[Mapping[str, str], Mapping[str, Value]], Compiled],
    ) -> None:
        """`build(names, values)` checks in AWS's order and compiles; it must raise for an undefined placeholder."""
        found = list(leaves(used))
        self.names = tuple(dict.fromkeys(step for leaf in found if isinstance(leaf, Path) for step in leaf.steps
                                         if isinstance(step, Placeholder)))
        self.values = tuple(dict.fromkeys(leaf.name for leaf in found if isinstance(leaf, ValueName)))
        self.build = build
        self.known: dict[ShapeKey, Compiled] = {}

    def bind(self, placeholders: Placeholders) -> tuple[Compiled, bool]:
        """(compiled, whether it was known: then the checks of contents are still to be made)."""
        names, values = placeholders.names, placeholders.values
        try:
            key = (tuple([names[name] for name in self.names]) if self.names else (),
                   tuple([next(iter(values[value])) for value in self.values]))
        except KeyError:
            self.build(names, values)
            raise AssertionError("an undefined placeholder went unnoticed") from None
        compiled = self.known.get(key)
        known = compiled is not None
        if compiled is None:
            compiled = self.build(names, values)
            if len(self.known) >= SHAPES_MAX:
                del self.known[next(iter(self.known))]
            self.known[key] = compiled
        if self.names:
            placeholders.used_names.update(self.names)
        placeholders.used_values.update(self.values)
        return compiled, known


def leaves(found: Iterable[SetValue]) -> Iterator[Path | ValueName]:
    """The paths and values below operands, in source order."""
    for operand in found:
        if isinstance(operand, (Path, ValueName)):
            yield operand
        elif isinstance(operand, Call):
            yield from leaves(operand.arguments)
        elif isinstance(operand, Truth):
            for primary in primaries(operand.clause):
                yield from leaves(operands(primary))
        else:
            yield from leaves((operand.left, operand.right))


def invalid(kind: str, message: str) -> ValidationException:
    """`kind` is the request's parameter; a PartiQL statement has none, and AWS then says the message alone."""
    return ValidationException(f"Invalid {kind}: {message}" if kind else message)


class Checker:
    """The checks that need placeholders, for one expression: `kind` is the request's parameter."""

    def __init__(self, kind: str, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self.kind = kind
        self.names = names
        self.values = values

    def error(self, message: str) -> ValidationException:
        return invalid(self.kind, message)

    def check_defined(self, used: Iterable[SetValue]) -> None:
        for leaf in leaves(used):
            self.check_leaf(leaf)

    def check_leaf(self, leaf: Path | ValueName) -> None:
        if isinstance(leaf, ValueName):
            if leaf.name not in self.values:
                raise self.error("An expression attribute value used in expression is not defined; "
                                 f"attribute value: {leaf.name}")
            return
        for step in leaf.steps:
            if isinstance(step, Placeholder) and step not in self.names:
                raise self.error("An expression attribute name used in the document path is not defined; "
                                 f"attribute name: {step}")
        if len(leaf.steps) > PATH_DEPTH_MAX:
            raise self.error("The document path has too many nesting levels; "
                             f"nesting levels: {len(leaf.steps)}")

    def check_count(self, call: Call, wanted: int) -> None:
        if len(call.arguments) != wanted:
            raise self.error("Incorrect number of operands for operator or function; operator or function: "
                             f"{call.function}, number of operands: {len(call.arguments)}")

    def wrong_type(self, operator: str, kind: str) -> ValidationException:
        return self.error("Incorrect operand type for operator or function; operator or function: "
                          f"{operator}, operand type: {kind}")

    def path_required(self, function: str) -> ValidationException:
        return self.error(f"Operator or function requires a document path; operator or function: {function}")

    def type_of(self, operand: SetValue) -> str | None:
        """The operand's type where it does not depend on the item."""
        match operand:
            case ValueName(name):
                return next(iter(self.values[name]))
            case Call("size", _) | Arithmetic():
                return "N"
            case Call("list_append", _):
                return "L"
            case Truth():
                return "BOOL"
        return None

    def check_types(self, operator: str, used: Iterable[SetValue], allowed: Iterable[str]) -> None:
        for operand in used:
            kind = self.type_of(operand)
            if kind is not None and kind not in allowed:
                raise self.wrong_type(operator, kind)

    def resolve(self, path: Path) -> Steps:
        return named(path.steps, self.names)


def bound_text(value: Value) -> str:
    """A value as AWS prints it in messages: AttributeValue: {S:a}."""
    kind, content = next(iter(value.items()))
    return f"AttributeValue: {{{kind}:{_content_text(kind, content)}}}"


def _content_text(kind: str, content: Any) -> str:
    if kind == "B":
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(content)} cap={len(content)}]"
    return str(content)
