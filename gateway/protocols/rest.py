"""What rest-json and rest-xml share: params and results spread over path, query, headers, status and body.

https://smithy.io/2.0/spec/http-bindings.html. The two differ in how a body is read and written, and in errors.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson

from gateway.protocols import scalars
from gateway.protocols.paths import Router
from gateway.protocols.wire import HttpRequest, HttpResponse, malformed, unknown_operation
from schemas.models import Member, Operation, Service, Shape

ReadText = Callable[[str], Any]
WriteText = Callable[[Any], str]
ReadBody = Callable[[bytes], Any]
WriteBody = Callable[[Any], bytes]

_INPUT_PLACES = frozenset({"uri", "querystring", "header", "headers"})
_OUTPUT_PLACES = frozenset({"header", "headers", "statusCode"})
# Headers the protocol adds itself, as it spells them: a modelled one of that name replaces it.
_ADDED = {name.lower(): name for name in ("content-type", "x-amzn-RequestId", "x-amzn-ErrorType")}
_HEADER_ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^",]*)\s*(?:,|\Z)')
_CONTROL = dict.fromkeys((*range(9), *range(10, 32), 127), " ")     # what no header line may hold


def input_body(shape: Shape) -> dict[str, Member]:
    """The members of an input that make its body."""
    return {name: member for name, member in shape.members.items() if member.trait("location") not in _INPUT_PLACES}


def output_body(shape: Shape) -> dict[str, Member]:
    """The members of an output or an error that make its body."""
    return {name: member for name, member in shape.members.items() if member.trait("location") not in _OUTPUT_PLACES}


def bound(shape: Shape, location: str) -> list[tuple[str, Member, str]]:
    """(member's name, member, name on the wire) of those bound there."""
    return [
        (name, member, member.trait("locationName", name))
        for name, member in shape.members.items()
        if member.trait("location") == location
    ]


# ---- texts in path, query and headers

_READERS: dict[str, ReadText] = {
    "string": str, "character": str, "boolean": scalars.read_boolean, "integer": scalars.read_integer,
    "long": scalars.read_integer, "float": scalars.read_float, "double": scalars.read_float,
    "timestamp": scalars.read_time, "blob": scalars.base64_bytes,
}


def _read_json_header(text: str) -> Any:
    try:
        return orjson.loads(scalars.base64_bytes(text))
    except ValueError:
        raise malformed("A header is no JSON in base64.") from None


def header_reader(member: Member) -> ReadText:
    shape = member.shape
    if shape.kind == "list":
        assert shape.item is not None
        return _list_reader(shape.item.shape.kind)
    return _read_json_header if is_json_header(member) else _READERS[shape.kind]


def is_json_header(member: Member) -> bool:
    return bool(member.trait("jsonvalue")) and member.shape.kind == "string"


def _list_reader(kind: str) -> ReadText:
    read = _READERS[kind]
    if kind == "timestamp":
        return lambda text: [read(part) for part in _split_times(text)]
    if kind != "string":
        return lambda text: [read(part.strip()) for part in text.split(",")]
    return _split_strings


def _split_times(text: str) -> list[str]:
    """A date of RFC 822 holds one comma, the other forms none."""
    parts = text.split(",")
    if len(parts) > 1 and parts[0].strip()[:3].isalpha():
        return [",".join(parts[at:at + 2]) for at in range(0, len(parts), 2)]
    return parts


def _split_strings(text: str) -> list[str]:
    """Comma-separated, quoted where an item holds a comma or a quote (RFC 7230)."""
    if '"' not in text:
        return [part.strip() for part in text.split(",")]
    items: list[str] = []
    at = 0
    while at < len(text):
        found = _HEADER_ITEM.match(text, at)
        if found is None:
            raise malformed("A header's list is malformed.")
        item, at = found.group(1).strip(), found.end()
        items.append(re.sub(r"\\(.)", r"\1", item[1:-1]) if item.startswith('"') else item)
    return items


def header_writer(member: Member) -> WriteText:
    shape = member.shape
    if shape.kind == "list":
        assert shape.item is not None
        write = header_writer(shape.item)
        quote = _quoted if shape.item.shape.kind == "string" else str
        return lambda value: ", ".join([quote(write(item)) for item in value if item is not None])
    if is_json_header(member):
        return lambda value: scalars.base64_text(orjson.dumps(value))
    if shape.kind == "timestamp":
        form = member.trait("timestampFormat") or scalars.RFC
        return lambda moment: scalars.write_time(moment, form)
    writers: dict[str, WriteText] = {
        "boolean": lambda value: "true" if value else "false",
        "float": scalars.write_float, "double": scalars.write_float, "blob": scalars.base64_text,
    }
    return writers.get(shape.kind, header_text)


def header_text(value: Any) -> str:
    """One line: what would end it becomes a blank."""
    text = str(value)
    return text if text.isprintable() else text.translate(_CONTROL)


def _quoted(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ---- in

def read_query(text: str) -> dict[str, list[str]]:
    """Decoded; "+" is a blank. SerializationException when it is not UTF-8."""
    found: dict[str, list[str]] = {}
    try:
        for pair in text.split("&") if text else ():
            name, _, value = pair.partition("=")
            if name:
                found.setdefault(unquote_plus(name, errors="strict"), []).append(unquote_plus(value, errors="strict"))
    except UnicodeDecodeError:
        raise malformed("The query string is not UTF-8.") from None
    return found


class Input:
    """How one operation's params are read."""

    def __init__(
        self, operation: Operation, read_body: ReadBody | None, read_payload: ReadBody | None, map_holds_all: bool
    ) -> None:
        """`map_holds_all`: a map of the query holds those parameters too that other members are bound to, as Smithy
        asks of servers; botocore's vectors want it so in rest-json and not in rest-xml, where no service has one."""
        shape = operation.input
        self._map_holds_all = map_holds_all
        self._constants = {pair.partition("=")[0] for pair in operation.uri.partition("?")[2].split("&")}
        self._labels = {wire: (name, _READERS[m.shape.kind]) for name, m, wire in bound(shape, "uri")} if shape else {}
        self._query: dict[str, tuple[str, ReadText, bool]] = {}
        self._query_map: tuple[str, bool] | None = None
        self._headers: dict[str, tuple[str, ReadText]] = {}
        self._prefixes: list[tuple[str, str]] = []             # (prefix, member)
        self._payload = operation.payload
        self._payload_required = shape is not None and operation.payload in shape.required
        self._read_body = read_body
        self._read_payload = read_payload
        if shape is not None:
            self._bind(shape)

    def _bind(self, shape: Shape) -> None:
        for name, member, wire in bound(shape, "querystring"):
            item = member.shape.item
            if member.shape.kind == "map":
                assert item is not None
                self._query_map = name, item.shape.kind == "list"
            else:
                kind = item.shape.kind if item is not None else member.shape.kind
                self._query[wire] = name, _READERS[kind], item is not None
        for name, member, wire in bound(shape, "header"):
            self._headers[wire.lower()] = name, header_reader(member)
        for name, member, _ in bound(shape, "headers"):
            self._prefixes.append((member.trait("locationName", "").lower(), name))

    def read(self, labels: Mapping[str, str], query: Mapping[str, list[str]], request: HttpRequest) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for label, (name, read) in self._labels.items():
            params[name] = read(_decode_label(labels[label]))
        if query:
            self._take_query(params, query)
        if self._headers or self._prefixes:
            self._take_headers(params, request.headers)
        if request.body is not None:
            self._take_body(params, request.body)
        return params

    def _take_headers(self, params: dict[str, Any], headers: Mapping[str, str]) -> None:
        """In the order in which they came: they are fewer than what may come."""
        for header, text in headers.items():
            found = self._headers.get(header)
            if found is not None:
                name, read = found
                params[name] = read(text)
            for prefix, name in self._prefixes:
                if header.startswith(prefix):
                    params.setdefault(name, {})[header[len(prefix):]] = text

    def _take_query(self, params: dict[str, Any], query: Mapping[str, list[str]]) -> None:
        for wire, values in query.items():
            found = self._query.get(wire)
            if found is not None:
                name, read, is_list = found
                params[name] = [read(value) for value in values] if is_list else read(values[0])
        if self._query_map is not None:
            name, of_lists = self._query_map
            entries = {
                wire: values if of_lists else values[0]
                for wire, values in query.items()
                if wire not in (self._constants if self._map_holds_all else self._query)
            }
            if entries:
                params[name] = entries

    def _take_body(self, params: dict[str, Any], body: bytes) -> None:
        """An empty body is an absent payload; but a required one is then empty."""
        if self._read_payload is not None:
            if body or self._payload_required:
                params[self._payload] = self._read_payload(body)
        elif self._read_body is not None and body:
            params.update(self._read_body(body))


def _decode_label(text: str) -> str:
    try:
        return unquote(text, errors="strict") if "%" in text else text
    except UnicodeDecodeError:
        raise malformed("The path is not UTF-8.") from None


def read_text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise malformed("The request body is not UTF-8.") from None


# ---- out


class Output:
    """How one structure becomes a response: an operation's output, or an error."""

    def __init__(self, shape: Shape | None, write_body: WriteBody | None, payload: str, write_payload: WriteBody | None,
                 content_type: str) -> None:
        members = shape or Shape("", "structure", {}, {}, frozenset())
        self._status = next((name for name, _, _ in bound(members, "statusCode")), "")
        self._headers = {name: (_ADDED.get(wire.lower(), wire), header_writer(member))
                         for name, member, wire in bound(members, "header")}
        self._prefixes = [(name, member.trait("locationName", "")) for name, member, _ in bound(members, "headers")]
        self._write_body = write_body
        self._payload = payload
        self._write_payload = write_payload
        self._content_type = content_type          # of a body; "" where there is none

    def write(self, status: int, result: Mapping[str, Any], headers: dict[str, str]) -> HttpResponse:
        """`headers` are those the protocol adds; modelled ones win."""
        body = self._body(result)
        if body:
            headers["content-type"] = self._content_type
            if status == 204:
                status = 200                       # some models say 204 and have members (billingconductor)
        if self._status and result.get(self._status):
            status = result[self._status]
        header_of = self._headers.get
        for name, value in result.items():         # they are fewer than what may be there
            found = header_of(name)
            if found is not None and value is not None and value != []:
                header, write = found
                headers[header] = write(value)
        for name, prefix in self._prefixes:
            for key, text in (result.get(name) or {}).items():
                headers[prefix + key] = header_text(text)
        return HttpResponse(status, headers, body)

    def _body(self, result: Mapping[str, Any]) -> bytes:
        if self._write_payload is not None:
            value = result.get(self._payload)
            return b"" if value is None else self._write_payload(value)
        return self._write_body(result) if self._write_body is not None else b""


def write_raw(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


class Rest:
    """Naming and parsing. A subclass keeps its compiled Inputs and Outputs in `codecs`."""

    name: str

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        query = read_query(request.query)
        router: Router | None = service.codecs.get("router")
        if router is None:
            router = service.codecs["router"] = Router(service)
        match = router.match(request.method, request.path, query, request.headers)
        if match is None:
            raise unknown_operation(f"{request.method} {request.path}")
        name, labels = match
        operation = service.operations[name]
        request.named = (operation, labels, query)
        return operation

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        if request.named is None or request.named[0] is not operation:
            named = self.operation(operation.service, request)
            if named is not operation:
                raise unknown_operation(operation.name)
        _, labels, query = request.named
        return self.input(operation).read(labels, query, request)

    def input(self, operation: Operation) -> Input:
        raise NotImplementedError
