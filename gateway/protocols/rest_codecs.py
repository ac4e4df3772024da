"""What rest-json and rest-xml compile alike for one service: inputs and outputs by operation. How a document is read
and written, each says itself.
"""

from collections.abc import Mapping
from typing import ClassVar

from gateway.protocols import eventstream
from gateway.protocols.rest import (
    Input,
    Output,
    ReadBody,
    WriteBody,
    input_body,
    output_body,
    read_text,
    write_raw,
)
from schemas.models import Member, Operation, Shape

_RAW_TYPES = {"blob": "application/octet-stream", "string": "text/plain"}


class RestCodecs:
    """`content_type`: a document's. `map_holds_all`: see Input."""

    content_type: ClassVar[str]
    map_holds_all: ClassVar[bool]

    def __init__(self) -> None:
        self._inputs: dict[str, Input] = {}        # by operation
        self._outputs: dict[str, Output] = {}

    def input(self, operation: Operation) -> Input:
        found = self._inputs.get(operation.name)
        if found is None:
            found = self._inputs[operation.name] = Input(
                operation, self._body_reader(operation), self._payload(operation), map_holds_all=self.map_holds_all)
        return found

    def output(self, operation: Operation) -> Output:
        found = self._outputs.get(operation.name)
        if found is None:
            found = self._outputs[operation.name] = self.structure(operation.output, operation)
        return found

    def structure(self, shape: Shape | None, operation: Operation | None) -> Output:
        """An operation's output, or without one an error."""
        if shape is None:
            return Output(None, None, "", None, self.content_type)
        payload: str = shape.traits.get("payload", "")
        if not payload:
            return Output(shape, self._body_writer(shape, operation), "", None, self.content_type)
        if operation is not None and operation.event_stream_out == payload:
            return Output(shape, None, "", None, eventstream.CONTENT_TYPE)
        member = shape.members[payload]
        if member.shape.kind in _RAW_TYPES:
            return Output(shape, None, payload, write_raw, _RAW_TYPES[member.shape.kind])
        return Output(shape, None, payload, self.write_payload(member), self.content_type)

    def _body_reader(self, operation: Operation) -> ReadBody | None:
        members = input_body(operation.input) if operation.input else {}
        if not members or operation.payload or operation.event_stream_in:
            return None
        return self.read_body(members)

    def _payload(self, operation: Operation) -> ReadBody | None:
        if not operation.payload or operation.event_stream_in:
            return None
        assert operation.input is not None
        member = operation.input.members[operation.payload]
        if member.shape.kind in _RAW_TYPES:
            return bytes if member.shape.kind == "blob" else read_text
        return self.read_payload(member)

    def _body_writer(self, shape: Shape, operation: Operation | None) -> WriteBody | None:
        streamed = operation.event_stream_out if operation is not None else ""
        members = {name: member for name, member in output_body(shape).items() if name != streamed}
        if not members or (operation is not None and operation.method == "HEAD"):
            return None
        return self.write_body(shape, members, operation)

    # What a protocol says

    def read_body(self, members: Mapping[str, Member]) -> ReadBody:
        """A document of these members of an input."""
        raise NotImplementedError

    def read_payload(self, member: Member) -> ReadBody:
        """A document that is one member."""
        raise NotImplementedError

    def write_body(self, shape: Shape, members: Mapping[str, Member], operation: Operation | None) -> WriteBody:
        """A document of these members of an output or an error, `shape`."""
        raise NotImplementedError

    def write_payload(self, member: Member) -> WriteBody:
        """A document that is one member."""
        raise NotImplementedError
