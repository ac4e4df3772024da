"""What a family of models is to InvokeModel: bodies in, bodies out, whole or in chunks."""

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, runtime_checkable

from actors.bedrock_runtime.asking import Answer, Ask, Event
from actors.bedrock_runtime.families.bodies import Body


class Chunks(Protocol):
    """One streamed answer on its way into chunk bodies."""

    def event(self, event: Event) -> Iterator[Body]:
        """The chunks that this event of a conversation is; messageStop and metadata come as `end`."""

    def end(self, answer: Answer) -> Iterator[Body]:
        """The last ones; the very last is given the invocation's metrics by whoever sends it."""


@runtime_checkable
class TextFamily(Protocol):
    """Models that generate. One instance serves all requests: what a request needs travels in its body."""

    counts_first: ClassVar[bool]          # its first chunk tells how many tokens were read

    def ask(self, body: Body) -> Ask:
        """ValidationException in the family's words."""

    def answer(self, body: Body, answer: Answer, model: str) -> Body: ...

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        """`input_tokens`: 0 where the family does not count first."""


@runtime_checkable
class EmbeddingFamily(Protocol):
    """Models that turn texts into vectors."""

    def texts(self, body: Body) -> list[str]: ...

    def vectors(self, body: Body, vectors: list[list[float]], tokens: int) -> Body:
        """`tokens`: of all texts together."""


@runtime_checkable
class RerankFamily(Protocol):
    """Models that order documents by what they say to a query."""

    def documents(self, body: Body) -> tuple[str, list[str]]:
        """The query and the documents."""

    def ranking(self, body: Body, scores: list[float]) -> Body: ...


Family = TextFamily | EmbeddingFamily | RerankFamily


def delta_text(event: Event) -> str:
    """The text an event adds; "" for any other event."""
    delta: dict[str, Any] = event.get("contentBlockDelta", {}).get("delta", {})
    text: str = delta.get("text", "")
    return text


class TextChunks:
    """The common case: every piece of text is one chunk of a form, and the end is one more."""

    def event(self, event: Event) -> Iterator[Body]:
        text = delta_text(event)
        if text:
            yield self.piece(text)

    def end(self, answer: Answer) -> Iterator[Body]:
        yield self.last(answer)

    def piece(self, text: str) -> Body:
        raise NotImplementedError

    def last(self, answer: Answer) -> Body:
        raise NotImplementedError
