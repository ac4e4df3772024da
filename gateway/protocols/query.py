"""AWS query: Action and params as a form, the answer in XML. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import unquote_plus

from gateway.protocols import scalars
from gateway.protocols.wire import (
    NESTING_MAX,
    HttpRequest,
    HttpResponse,
    error_status,
    find_error,
    is_sender,
    malformed,
)
from gateway.protocols.xml_shapes import (
    Write,
    XmlWriters,
    element_name,
    escape,
    is_flattened,
    item_name,
    key_name,
    namespace,
    output_name,
    write_members,
)
from schemas.errors import AwsError, UnknownOperation
from schemas.models import ErrorShape, Member, Operation, Service, Shape

Node = dict[str, Any]                              # name -> Node; a node's own text under ""
Read = Callable[[Node], Any]

CONTENT_TYPE = "text/xml"
INDEX_SHOWN_CHARACTERS = 64
ACTION_SHOWN_CHARACTERS = 128

_SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str, "character": str, "boolean": scalars.read_boolean, "integer": scalars.read_integer,
    "long": scalars.read_integer, "float": scalars.read_float, "double": scalars.read_float,
    "timestamp": scalars.read_time, "blob": scalars.base64_bytes,
}


def read_form(request: HttpRequest) -> Node:
    """The pairs of query string and body as a tree: `A.1.B=x` is {"A": {"1": {"B": {"": "x"}}}}."""
    try:
        body = (request.body or b"").decode()
        root: Node = {}
        for text in (request.query, body):
            for pair in text.split("&") if text else ():
                name, _, value = pair.partition("=")
                _place(root, _unquote(name).split("."), _unquote(value))
    except UnicodeDecodeError:
        raise malformed("The request is not UTF-8.") from None
    return root


def _unquote(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text


def _place(node: Node, path: list[str], value: str) -> None:
    if len(path) > NESTING_MAX:
        raise malformed(f"A parameter is nested deeper than {NESTING_MAX} levels.")
    for step in path:
        node = node.setdefault(step or " ", {})    # "A..B" names nothing, and must not stand where text stands
    node[""] = value


class Codecs:
    """What is compiled for one service. Query; ec2 differs in `input_name` and in its lists."""

    def __init__(self) -> None:
        self.inputs: dict[str, Read] = {}          # by operation
        self.writers = XmlWriters()
        self._readers: dict[str, Read] = {}

    def input(self, operation: Operation) -> Read:
        found = self.inputs.get(operation.name)
        if found is None:
            found = self.inputs[operation.name] = self.reader(operation.input) if operation.input else lambda node: {}
        return found

    def input_name(self, member: Member) -> str:
        return element_name(member)

    def list_step(self, member: Member) -> str:
        """What stands between a list and its indices; "" for nothing."""
        return "" if is_flattened(member) else item_name(member.shape)

    def reader(self, shape: Shape) -> Read:
        found = self._readers.get(shape.name)
        if found is None:
            if shape.kind == "structure":
                return self._structure(shape)
            found = self._readers[shape.name] = _scalar(_SCALARS[shape.kind])
        return found

    def _structure(self, shape: Shape) -> Read:
        members: dict[str, tuple[str, Read]] = {}

        def structure(node: Node) -> dict[str, Any]:
            made: dict[str, Any] = {}
            for key, below in node.items():
                found = members.get(key)
                if found is not None:
                    made[found[0]] = found[1](below)
            return made

        self._readers[shape.name] = structure
        for name, member in shape.members.items():
            members[self.input_name(member)] = name, self.value(member)
        for name, member in shape.members.items():
            if output_name(member) != element_name(member):
                # a flattened list goes by its item's name; only an empty one by its own
                members.setdefault(output_name(member), (name, self.value(member)))
        return structure

    def value(self, member: Member) -> Read:
        shape = member.shape
        if shape.kind == "list":
            assert shape.item is not None
            return _list(self.value(shape.item), self.list_step(member))
        if shape.kind == "map":
            assert shape.item is not None
            assert shape.key is not None
            return _map(
                self.value(shape.key), self.value(shape.item), key_name(shape), item_name(shape),
                "" if is_flattened(member) else "entry",
            )
        return self.reader(shape)


def _scalar(read: Callable[[str], Any]) -> Read:
    def scalar(node: Node) -> Any:
        if "" not in node:
            raise malformed("A value has parts where one text was expected.")
        return read(node[""])

    return scalar


def _indexed(node: Node, step: str) -> list[Node]:
    """The numbered children in order, under `step` where the client wrote it."""
    children = node.get(step, node) if step else node
    for key in children:
        if key and not _is_index(key):             # to leave it out would be to do something else than was asked
            raise malformed(f"{key[:INDEX_SHOWN_CHARACTERS]!r} is no index of a list.")
    return [children[index] for index in sorted((key for key in children if key), key=int)]


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 9


def _list(read: Read, step: str) -> Read:
    return lambda node: [read(item) for item in _indexed(node, step)]


def _map(read_key: Read, read_value: Read, key: str, value: str, step: str) -> Read:
    def entries(node: Node) -> dict[str, Any]:
        made = {}
        for entry in _indexed(node, step):
            if key not in entry or value not in entry:
                raise malformed(f"A map's entry lacks its {key} or its {value}.")
            made[read_key(entry[key])] = read_value(entry[value])
        return made

    return entries


class InvalidAction(UnknownOperation):
    """Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html; the sentences are those that users
    quote (aws/aws-cli 37, cognitect-labs/aws-api 6)."""

    code = "InvalidAction"


class Query:
    name = "query"
    codecs_class: type[Codecs] = Codecs
    unknown = "Could not find operation {action} for version {version}"

    def operation(self, service: Service, request: HttpRequest) -> Operation:
        form = request.named = read_form(request)
        name = form.get("Action", {}).get("", "")
        try:
            return service.operations[name]
        except KeyError:
            version = form.get("Version", {}).get("", "NO_VERSION_SPECIFIED")
            raise InvalidAction(self.unknown.format(
                action=name[:ACTION_SHOWN_CHARACTERS], version=version[:ACTION_SHOWN_CHARACTERS])) from None

    def parse(self, operation: Operation, request: HttpRequest) -> dict[str, Any]:
        form = request.named if request.named is not None else read_form(request)
        params: dict[str, Any] = self.codecs(operation.service).input(operation)(form)
        return params

    def codecs(self, service: Service) -> Codecs:
        found = service.codecs.get(self.name)
        if found is None:
            found = service.codecs[self.name] = self.codecs_class()
        codecs: Codecs = found
        return codecs

    def serialise(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        out = [f"<{operation.name}Response{_root_namespace(operation.service)}>"]
        if operation.output is not None:
            wrapper = operation.traits.get("resultWrapper") or f"{operation.name}Result"
            out.append(f"<{wrapper}>")
            write_members(self.codecs(operation.service).writers.inside(operation.output), out, result)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>")
        out.append(f"</{operation.name}Response>")
        return xml_response(operation.status, out, request_id)

    def serialise_error(
        self, service: Service, operation: Operation | None, error: AwsError, request_id: str
    ) -> HttpResponse:
        shape = find_error(service, operation, error)
        status = error_status(error, shape)
        out = [f"<ErrorResponse{_root_namespace(service)}><Error>"]
        out.append(f"<Type>{'Sender' if is_sender(status, shape) else 'Receiver'}</Type>")
        write_error(self.codecs(service).writers, out, error, shape)
        out.append(f"</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>")
        return xml_response(status, out, request_id)

    def stream_headers(self, operation: Operation, result: Mapping[str, Any], request_id: str) -> HttpResponse:
        no_streams(operation)

    def frame_initial(self, operation: Operation, result: Mapping[str, Any]) -> bytes:
        no_streams(operation)

    def frame_event(self, operation: Operation, event: Mapping[str, Any]) -> bytes:
        no_streams(operation)

    def frame_error(self, operation: Operation, error: AwsError) -> bytes:
        no_streams(operation)


def no_streams(operation: Operation) -> NoReturn:
    raise AssertionError(f"{operation!r}: the query protocols have no event streams")


def _root_namespace(service: Service) -> str:
    return namespace(service.metadata.get("xmlNamespace"))


def write_error(writers: XmlWriters, out: list[str], error: AwsError, shape: ErrorShape | None) -> None:
    """Code, Message and the modelled members. The message is <Message> whatever the model calls it, as AWS writes."""
    code = shape.code if shape else error.error_code
    out.append(f"<Code>{escape(code)}</Code>")
    if error.message:
        out.append(f"<Message>{escape(error.message)}</Message>")
    if shape is not None and error.fields:
        chosen: dict[str, Write] = {
            name: write for name, write in writers.inside(shape.shape).items()
            if element_name(shape.shape.members[name]) not in ("Code", "Message", "Type")
            and not shape.shape.members[name].trait("location")
        }
        write_members(chosen, out, error.fields)


def xml_response(status: int, out: list[str], request_id: str, content_type: str = CONTENT_TYPE) -> HttpResponse:
    body = "".join(['<?xml version="1.0" encoding="UTF-8"?>\n', *out]).encode()
    return HttpResponse(status, {"content-type": content_type, "x-amzn-RequestId": request_id}, body)
