"""Which operation of a REST service a method, path and query name, and what its labels hold.

A trie over path segments: literal before label before greedy label, as Smithy ranks them; routes that share a path
are told apart by the constants in their query, then by which required query and header members the request has
(S3: UploadPart, CopyObject and PutObject are all PUT /{Bucket}/{Key+}).
https://smithy.io/2.0/spec/http-bindings.html#http-uri-label
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from schemas.models import Operation, Service


class Route(NamedTuple):
    operation: str
    method: str
    labels: tuple[str, ...]                        # in the order of the path
    constants: tuple[tuple[str, str | None], ...]  # of the query; None: any value
    query: frozenset[str]                          # required members there
    headers: frozenset[str]                        # required members there, lower-case
    deprecated: bool                               # S3 has old and new operations on one path


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "list[tuple[tuple[str, ...], _Node]]" = field(default_factory=list)    # (literals after it, end)
    routes: "dict[str, list[Route]]" = field(default_factory=dict)                 # by method
    plain: "dict[str, list[Route]]" = field(default_factory=dict)                  # those without constants
    # The one of these for a request without a query, and without any of the headers that would decide otherwise.
    usual: "dict[str, tuple[frozenset[str], Route | None]]" = field(default_factory=dict)


_NONE: tuple[frozenset[str], Route | None] = (frozenset(), None)


class Router:
    def __init__(self, service: Service) -> None:
        self._root = _Node()
        for operation in service.operations.values():
            self._add(operation)

    def _add(self, operation: Operation) -> None:
        path, _, query = operation.uri.partition("?")
        segments = [segment for segment in path.split("/") if segment]
        labels = tuple(segment.strip("{}+") for segment in segments if segment.startswith("{"))
        pairs = [part.partition("=") for part in query.split("&") if part]
        constants = tuple((name, unquote(value) if equals else None) for name, equals, value in pairs)
        node = self._descend(segments)
        routes = node.routes.setdefault(operation.method, [])
        routes.append(Route(
            operation.name, operation.method, labels, constants,
            _required(operation, "querystring"), _required(operation, "header"),
            bool(operation.traits.get("deprecated")),
        ))
        routes.sort(key=_preference)
        node.plain[operation.method] = plain = [route for route in routes if not route.constants]
        node.usual[operation.method] = frozenset().union(*(route.headers for route in plain)), _choose(plain, {}, {})

    def _descend(self, segments: Sequence[str]) -> _Node:
        node = self._root
        for at, segment in enumerate(segments):
            if segment.endswith("+}"):
                after = tuple(segments[at + 1:])
                end = next((end for suffix, end in node.greedy if suffix == after), None)
                if end is None:
                    end = _Node()
                    node.greedy.append((after, end))
                    node.greedy.sort(key=lambda pair: -len(pair[0]))
                return end
            if segment.startswith("{"):
                node.label = node.label or _Node()
                node = node.label
            else:
                node = node.literals.setdefault(segment, _Node())
        return node

    def match(
        self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]] | None:
        """The operation's name, and the path's labels, still percent-encoded. `query`: decoded."""
        for node, values in _walk(self._root, path.removeprefix("/").split("/")):
            telling, route = _NONE if query else node.usual.get(method, _NONE)
            if query or not telling.isdisjoint(headers):
                routes = node.routes if query else node.plain
                route = _choose(routes.get(method, ()), query, headers)
            if route is not None:
                return route.operation, dict(zip(route.labels, values, strict=True))
        return None


def _required(operation: Operation, location: str) -> frozenset[str]:
    shape = operation.input
    members = (shape.members[name] for name in shape.required) if shape else ()
    names = [m.trait("locationName", m.name) for m in members if m.trait("location") == location]
    return frozenset(name.lower() for name in names) if location == "header" else frozenset(names)


def _walk(root: _Node, segments: Sequence[str]) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """The nodes that stand for this path with what its labels hold, best first."""
    count = len(segments)
    waiting: list[tuple[_Node, int, tuple[str, ...]]] = [(root, 0, ())]    # and how many segments lead there; best last
    while waiting:
        node, at, values = waiting.pop()
        head = segments[at] if at < count else ""
        if not head and at >= count - 1:           # its end, or a slash behind it
            yield node, values
            continue
        for suffix, end in reversed(node.greedy):
            value = _greedy(segments[at:], suffix)
            if value:
                waiting.append((end, count, (*values, value)))
        if node.label is not None and head:
            waiting.append((node.label, at + 1, (*values, head)))
        literal = node.literals.get(head) or (node.literals.get(unquote(head)) if "%" in head else None)
        if literal is not None:
            waiting.append((literal, at + 1, values))


def _greedy(rest: Sequence[str], suffix: tuple[str, ...]) -> str:
    """What the greedy label takes, slashes and all; "" when the literals after it are not there."""
    if not suffix:
        return "/".join(rest)
    if rest[-1] == "":
        rest = rest[:-1]
    cut = len(rest) - len(suffix)
    return "/".join(rest[:cut]) if cut > 0 and tuple(rest[cut:]) == suffix else ""


def _choose(routes: Iterable[Route], query: Mapping[str, list[str]], headers: Mapping[str, str]) -> Route | None:
    """`routes` in the order of _preference. All constants there; of those with the most, the first that has all its
    required members, else the one that misses the fewest."""
    near: list[Route] = []
    for route in routes:
        if near and len(route.constants) < len(near[0].constants):
            break
        if not route.constants or _hold(route.constants, query):
            if (not route.query or query.keys() >= route.query) \
                    and (not route.headers or headers.keys() >= route.headers):
                return route
            near.append(route)
    return min(near, key=lambda route: _missing(route, query, headers), default=None)


def _preference(route: Route) -> tuple[int, int, bool]:
    """Most constants first, then most required members, then what is not deprecated."""
    return -len(route.constants), -len(route.query) - len(route.headers), route.deprecated


def _missing(route: Route, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> tuple[int, bool]:
    absent = len(route.query - query.keys()) + len(route.headers - headers.keys())
    return absent, route.deprecated


def _hold(constants: Iterable[tuple[str, str | None]], query: Mapping[str, list[str]]) -> bool:
    for name, value in constants:
        values = query.get(name)
        if values is None or (value is not None and value not in values):
            return False
    return True
