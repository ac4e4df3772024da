"""Sets of document paths: which of them clash, and the part of an item they select.

    projection = parse_projection("#a, l[2], l[0], m.x").bind(placeholders)
    projection.apply(item)

Selected elements of a list stand in the order of their indexes, without gaps; a path that leads nowhere selects nothing
(Scylla's Alternator, test_projection_expression.py; dynamodb-conformance, tier1/getItem).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import TypeAlias

from actors.dynamodb.engine.expressions.binding import FORMS_MAX, Checker, Shapes
from actors.dynamodb.engine.expressions.nodes import Item, Path, Step, Steps, Value, path_text
from actors.dynamodb.engine.expressions.parser import parse_paths
from actors.dynamodb.engine.expressions.placeholders import Placeholders

KIND = "ProjectionExpression"

Tree: TypeAlias = "dict[Step, Tree | None]"               # None: all that is below


class Projection:
    """Paths bound to their names; `apply` shares values with the item it is given."""

    __slots__ = ("_names", "_tree", "attributes", "nested", "paths")

    def __init__(self, paths: Iterable[Steps]) -> None:
        """`paths` must not overlap nor conflict, see `clash`."""
        self.paths = tuple(paths)
        self._tree: Tree = {}
        for path in self.paths:
            branch = self._tree
            for step in path[:-1]:
                below = branch.setdefault(step, {})
                assert below is not None
                branch = below
            branch[path[-1]] = None
        self.attributes = frozenset(str(path[0]) for path in self.paths)
        self.nested = frozenset(str(path[0]) for path in self.paths if len(path) > 1)
        self._names: tuple[str, ...] | None = None if self.nested else tuple(str(path[0]) for path in self.paths)

    def apply(self, item: Item) -> Item:
        """The selected part of the item, empty if it has none of it."""
        if self._names is not None:
            return {name: item[name] for name in self._names if name in item}
        return _select(item, self._tree)


def _select(attributes: Item, tree: Tree) -> Item:
    selected: Item = {}
    for name, below in tree.items():
        assert isinstance(name, str)
        value = attributes.get(name)
        if value is not None and below is not None:
            value = _select_below(value, below)
        if value is not None:
            selected[name] = value
    return selected


def _select_below(value: Value, tree: Tree) -> Value | None:
    if "M" in value and not isinstance(next(iter(tree)), int):
        members = _select(value["M"], tree)
        return {"M": members} if members else None
    if "L" in value and isinstance(next(iter(tree)), int):
        elements = _select_elements(value["L"], tree)
        return {"L": elements} if elements else None
    return None


def _select_elements(elements: Sequence[Value], tree: Tree) -> list[Value]:
    selected = []
    for index in sorted(index for index in tree if isinstance(index, int) and index < len(elements)):
        below = tree[index]
        value = elements[index] if below is None else _select_below(elements[index], below)
        if value is not None:
            selected.append(value)
    return selected


def clash(paths: Sequence[Steps]) -> str | None:
    """What is wrong with paths that shall be used together: the first overlap, else the first conflict, else None."""
    if len({path[0] for path in paths}) == len(paths):
        return None
    conflict: str | None = None
    for later, path in enumerate(paths):
        for earlier in paths[:later]:
            problem = _clash_of_two(earlier, path)
            if problem == "overlap":
                return _clash_text("overlap", earlier, path)
            if problem == "conflict" and conflict is None:
                conflict = _clash_text("conflict", earlier, path)
    return conflict


def _clash_of_two(one: Steps, two: Steps) -> str | None:
    """overlap: one contains the other. conflict: they use the same document as a list and as a map."""
    for left, right in zip_longest(one, two):
        if left is None or right is None:
            return "overlap"
        if isinstance(left, int) != isinstance(right, int):
            return "conflict"
        if left != right:
            return None
    return "overlap"


def _clash_text(problem: str, one: Steps, two: Steps) -> str:
    return (f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
            f"path one: {path_text(one)}, path two: {path_text(two)}")


class ProjectionForm:
    """A parsed projection, its placeholders open."""

    __slots__ = ("paths", "shapes")

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        self.shapes: Shapes[Projection] = Shapes(paths, self._build)

    def bind(self, placeholders: Placeholders) -> Projection:
        """ValidationException in AWS's words for undefined names and paths that clash."""
        return self.shapes.bind(placeholders)[0]

    def _build(self, names: Mapping[str, str], values: Mapping[str, Value]) -> Projection:
        checker = Checker(KIND, names, values)
        checker.check_defined(self.paths)
        paths = [checker.resolve(path) for path in self.paths]
        problem = clash(paths)
        if problem is not None:
            raise checker.error(problem)
        return Projection(paths)


@lru_cache(FORMS_MAX)
def parse_projection(text: str) -> ProjectionForm:
    """ValidationException in AWS's words when the text is no projection."""
    return ProjectionForm(parse_paths(text))


