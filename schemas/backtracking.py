"""How badly may a regular expression backtrack? Pure analysis of the tree Python's own parser makes.

`degree` answers with the power of the input's length that a failing match may cost: 0 or 1 is linear, 2 quadratic …,
infinity exponential. It errs on the high side, never on the low one, for patterns without back references.
"""

from collections.abc import Iterator
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MANY = 8                                           # a repeat that can take this many turns counts as unbounded
EXPONENTIAL = float("inf")

_OTHER = "\u00e9"                                  # stands for every character beyond ASCII
_ALPHABET = frozenset(map(chr, range(128))) | {_OTHER}
_SINGLE = {op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN}
_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
_CATEGORIES = {
    op.CATEGORY_DIGIT: frozenset("0123456789"),
    op.CATEGORY_SPACE: frozenset(" \t\n\r\f\v"),
    op.CATEGORY_WORD: frozenset(letter for letter in map(chr, range(128)) if letter.isalnum() or letter == "_"),
}
_NEGATED = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT, op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
}

Node = tuple[Any, Any]


def degree(pattern: str, flags: int = 0) -> float:
    return _Sequence(_parser.parse(pattern, flags)).degree


def _letters(node: Node) -> frozenset[str]:
    """Every character a match of this node may hold."""
    kind, argument = node
    if kind is op.LITERAL:
        return frozenset(_cased(argument))
    if kind is op.NOT_LITERAL:
        return _ALPHABET - {chr(argument)} if argument < 128 else _ALPHABET
    if kind is op.ANY:
        return _ALPHABET
    if kind is op.IN:
        return _class_letters(argument)
    return frozenset().union(*(_letters(child) for child in _children(node)))


def _cased(point: int) -> set[str]:
    letter = chr(point) if point < 128 else _OTHER
    return {letter, letter.lower(), letter.upper()} & _ALPHABET


def _class_letters(items: list[Node]) -> frozenset[str]:
    found: set[str] = set()
    negated = False
    for kind, argument in items:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            found |= _cased(argument)
        elif kind is op.RANGE:
            low, high = argument
            for point in range(low, min(high, 127) + 1):
                found |= _cased(point)
            if high >= 128 and not negated:
                found.add(_OTHER)
        elif argument in _NEGATED:
            found |= _ALPHABET - _CATEGORIES[_NEGATED[argument]]
        else:
            found |= _CATEGORIES[argument]
    return (_ALPHABET - found) | {_OTHER} if negated else frozenset(found)


def _children(node: Node) -> Iterator[Node]:
    kind, argument = node
    if kind in _REPEATS:
        yield from argument[2]
    elif kind is op.SUBPATTERN:
        yield from argument[3]
    elif kind is op.BRANCH:
        for branch in argument[1]:
            yield from branch
    elif kind in (op.ASSERT, op.ASSERT_NOT):
        yield from argument[1]
    elif kind is op.ATOMIC_GROUP:
        yield from argument


class _Sequence:
    """A run of nodes, read from left to right: `degree` so far, and the run of overlapping repeats it ends in."""

    def __init__(self, nodes: Any) -> None:
        self.degree: float = 0
        self._run = 0.0
        self._run_letters: frozenset[str] = frozenset()
        self._read(nodes)

    def _read(self, nodes: Any) -> None:
        for node in nodes:
            kind, argument = node
            if kind in _SINGLE:
                self._pass(_letters(node))
            elif kind is op.SUBPATTERN:
                self._read(argument[3])
            elif kind in _REPEATS:
                self._repeat(argument)
            elif kind is op.BRANCH:
                self._either(argument[1])
            elif kind in (op.ASSERT, op.ASSERT_NOT):
                self._raise(_Sequence(argument[1]).degree)
            elif kind is op.ATOMIC_GROUP:
                self._read(argument)
            elif kind is not op.AT:
                self._raise(EXPONENTIAL)

    def _raise(self, degree: float) -> None:
        self.degree = max(self.degree, degree)

    def _pass(self, letters: frozenset[str]) -> None:
        """A mandatory character: what the run cannot hold ends it."""
        if self._run_letters.isdisjoint(letters):
            self._run, self._run_letters = 0, frozenset()
        else:
            self._run_letters |= letters

    def _either(self, alternatives: Any) -> None:
        """Each goes on where the run is; what follows may go on where any of them ended."""
        start = self._run, self._run_letters
        run, letters = 0.0, frozenset[str]()
        for alternative in alternatives:
            self._run, self._run_letters = start
            self._read(alternative)
            run, letters = max(run, self._run), letters | self._run_letters
        self._run, self._run_letters = run, letters

    def _repeat(self, argument: Any) -> None:
        least, most, body = argument
        if least == most and all(_fixed(node) for node in _flat(body)):
            self._read(body)                       # [0-9]{12} can match in one way only
        elif most < MANY:                          # written out
            for turn in range(int(most)):
                self._either([body] if turn < least else [body, ()])
        else:
            self._many(body)

    def _many(self, body: Any) -> None:
        inside = _Sequence(body)
        letters = frozenset().union(*(_letters(child) for child in body))
        if _tokenises(body):
            nodes = _flat(body)
            entry = _letters(nodes[0]) if nodes[0][0] in _SINGLE else letters
            before = 0 if self._run_letters.isdisjoint(entry) else self._run
            grown = max(self._run, before + max(1.0, inside.degree))
        else:
            grown = EXPONENTIAL
        self._run, self._run_letters = grown, self._run_letters | letters
        self._raise(max(grown, inside.degree))




def _tokenises(body: Any) -> bool:
    """Is there but one way to cut a text into turns of this body?

    Yes for one character, for a fixed width without alternatives, and where a mandatory character, which nothing else
    in the body may be, marks each turn.
    """
    nodes = _flat(body)
    low, high = body.getwidth()
    if low == high and low > 0 and all(_fixed(node) for node in nodes):
        return True
    for index, node in enumerate(nodes):
        if node[0] in _SINGLE:
            others = frozenset().union(*(_letters(other) for place, other in enumerate(nodes) if place != index))
            if _letters(node).isdisjoint(others):
                return True
    return _branches_tokenise(nodes)


def _fixed(node: Node) -> bool:
    kind, argument = node
    if kind in _REPEATS:
        least, most, body = argument
        return least == most and all(_fixed(inner) for inner in _flat(body))
    return kind in _SINGLE or kind is op.AT


def _branches_tokenise(nodes: list[Node]) -> bool:
    """(a|bc|[0-9]): each alternative a fixed run of characters, told apart by its first."""
    if len(nodes) != 1 or nodes[0][0] is not op.BRANCH:
        return False
    firsts: set[str] = set()
    for branch in nodes[0][1][1]:
        parts = _flat(branch)
        if not parts or any(part[0] not in _SINGLE for part in parts):
            return False
        first = _letters(parts[0])
        if not firsts.isdisjoint(first):
            return False
        firsts |= first
    return True


def _flat(body: Any) -> list[Node]:
    """The body's nodes, groups opened."""
    nodes: list[Node] = []
    for node in body:
        nodes += _flat(node[1][3]) if node[0] is op.SUBPATTERN else [node]
    return nodes
