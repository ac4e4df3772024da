"""What a model is asked and what it answers: the types between a service, a model host and an engine.

Messages, tools and tool choice are written as in OpenAI's chat API, which every engine's chat template reads:
https://platform.openai.com/docs/api-reference/chat/create. The rest is dataclasses of plain values, so that `to_map`
and `from_map` take them over the bus as they are. Who asks uses models.py; README.md holds the bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Literal, NotRequired, TypedDict

from schemas.errors import AwsError

PRIORITY_DEFAULT = 0                      # lower goes first

# --- what is asked


class ToolCall(TypedDict):
    """A call the model made, in an assistant's message. `function`: {"name": …, "arguments": JSON text}."""

    id: str
    type: Literal["function"]
    function: dict[str, str]


class Message(TypedDict):
    """One turn. `content`: text, or parts {"type": "text", "text"} and {"type": "image", "data": bytes, "format"}.

    An assistant's turn may hold `tool_calls`; their answers follow as turns of the role tool, with `tool_call_id`.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: NotRequired[str | list[dict[str, Any]]]
    reasoning: NotRequired[str]
    tool_calls: NotRequired[list[ToolCall]]
    tool_call_id: NotRequired[str]


class Tool(TypedDict):
    """A function the model may call. `parameters`: JSON schema of its arguments."""

    name: str
    description: NotRequired[str]
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen; None: the model's own default. `temperature` 0 is greedy. `seed` makes it repeatable."""

    max_tokens: int | None = None         # None: until the context is full
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What is not left to the model."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name)) is not None}


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One completion: of a conversation by the model's chat template (`messages`), or of raw text (`prompt`).

    `tool_choice`: auto, required (some tool), none, or a tool's name; required and a name constrain decoding, so that
    the answer is a call with arguments valid for the tool's schema. `schema`: a JSON schema the whole answer is valid
    for. `logprobs`: how many alternatives are told with each token, 0 for the chosen one alone, None for nothing.
    """

    messages: list[Message] | None = None
    prompt: str | None = None
    tools: list[Tool] = field(default_factory=list)
    tool_choice: str = "auto"
    schema: dict[str, Any] | None = None
    stop: list[str] = field(default_factory=list)
    sampling: Sampling = field(default_factory=Sampling)
    logprobs: int | None = None
    adapter: str = ""                     # a LoRA adapter of the model's entry, by name
    reasoning: bool | None = None         # let a model that can think do so first; None: its template's default
    priority: int = PRIORITY_DEFAULT


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """A vector per text. `dimensions`: the first so many, for models trained to be cut; 0 for all."""

    texts: list[str]
    dimensions: int = 0
    normalize: bool = True


@dataclass(frozen=True, slots=True)
class RerankRequest:
    query: str
    documents: list[str]


@dataclass(frozen=True, slots=True)
class TokenizeRequest:
    """How many tokens a generation would read: the same members as GenerateRequest's."""

    messages: list[Message] | None = None
    prompt: str | None = None
    tools: list[Tool] = field(default_factory=list)


Request = GenerateRequest | EmbedRequest | RerankRequest | TokenizeRequest

# --- what is answered


@dataclass(frozen=True, slots=True)
class TokenChance:
    """One token and its natural-log probability, the likeliest alternatives with it where asked for."""

    token: str
    logprob: float
    top: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer. `tokens`: how many it took, at least 1 but for what was held back and comes late."""

    text: str
    tokens: int = 1
    logprobs: list[TokenChance] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reasoning:
    """More of what the model thinks before it answers."""

    text: str
    tokens: int = 1


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call, in pieces: the first of an `index` has `id` and `name`, each has more of the arguments' JSON."""

    index: int                            # 0 for the first call of the answer
    arguments: str = ""
    id: str = ""
    name: str = ""
    tokens: int = 1


class Reason(StrEnum):
    """Why generation ended."""

    END = "end"                           # the model said so
    LENGTH = "length"                     # max_tokens
    CONTEXT = "context"                   # the context is full
    STOP = "stop"                         # a stop sequence, which is told in Finish and is not part of the text
    TOOL_USE = "tool_use"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by the model's own tokenizer. `cached` of `input` were found in the prefix cache."""

    input: int
    output: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """The last event of every generation that did not fail. Times in milliseconds since the host had the request."""

    reason: Reason
    usage: Usage
    stop_sequence: str = ""
    queue_ms: float = 0.0                 # until the engine began with it
    first_token_ms: float = 0.0
    total_ms: float = 0.0


Event = Text | Reasoning | ToolUse | Finish


@dataclass(frozen=True, slots=True)
class Embeddings:
    vectors: list[list[float]]
    tokens: list[int]                     # of each text


@dataclass(frozen=True, slots=True)
class Ranking:
    """A score per document, in the order they were given; higher is more relevant."""

    scores: list[float]
    tokens: int


@dataclass(frozen=True, slots=True)
class TokenCount:
    tokens: int


class Modality(StrEnum):
    TEXT = "TEXT"
    EMBEDDING = "EMBEDDING"
    RERANK = "RERANK"


@dataclass(frozen=True, slots=True)
class Description:
    """What a loaded model is and can do; nothing here is believed before the engine has said it."""

    model: str                            # its id in the catalogue
    engine: str
    context_tokens: int
    modalities: list[Modality]
    tools: bool = False                   # its chat template takes tools
    images: bool = False
    vocabulary: int = 0                   # entries; 0 where the engine does not say
    embedding_dimensions: int = 0
    parallel: int = 1                     # generations at a time
    memory_bytes: int = 0
    adapters: list[str] = field(default_factory=list)


# --- errors, by the codes of bedrock-runtime: https://docs.aws.amazon.com/bedrock/latest/APIReference/ (CommonErrors)


class InvalidInput(AwsError):
    """What was asked cannot be asked of this model: too long for it, a schema it cannot follow."""

    code = "ValidationException"


class InputTooLong(InvalidInput):
    def __init__(self) -> None:
        super().__init__("Input is too long for requested model.")


class UnknownModel(AwsError):
    """There is no such model in the catalogue. `ValidationException`, as AWS answers."""

    code = "ValidationException"

    def __init__(self, model: str = "") -> None:
        super().__init__("The provided model identifier is invalid.")
        self.model = model


class ModelNotReady(AwsError):
    """It is being loaded, and SDKs try again; or there is no memory for it, and the message says so."""

    code = "ModelNotReadyException"


class ModelBusy(AwsError):
    """Every replica has as much as it takes."""

    code = "ThrottlingException"


class ModelFailed(AwsError):
    """The engine failed, or its process died."""

    code = "ModelErrorException"


class ModelTooSlow(AwsError):
    """The deadline passed."""

    code = "ModelTimeoutException"


# --- as maps

_EVENTS: dict[str, type[Any]] = {"text": Text, "reasoning": Reasoning, "tool_use": ToolUse, "finish": Finish}
_EVENT_NAMES = {kind: name for name, kind in _EVENTS.items()}


def to_map(value: Any) -> dict[str, Any]:
    """A dataclass of this module as a map: members at their default left out, those inside it as maps too."""
    return {
        item.name: _plain(member)
        for item in fields(value)
        if not _is_default(item, member := getattr(value, item.name))
    }


def generate_request(members: Mapping[str, Any]) -> GenerateRequest:
    """TypeError for members that are none."""
    return GenerateRequest(**{**members, "sampling": Sampling(**members.get("sampling", {}))})


def description(members: Mapping[str, Any]) -> Description:
    return Description(**{**members, "modalities": [Modality(each) for each in members["modalities"]]})


def event_to_map(event: Event) -> dict[str, Any]:
    """{"text": {…}}: one member, as events are on the bus."""
    return {_EVENT_NAMES[type(event)]: to_map(event)}


def event_from_map(members: Mapping[str, Any]) -> Event:
    """KeyError, TypeError for what is no event."""
    [(name, inner)] = members.items()
    kind = _EVENTS[name]
    if kind is Finish:
        return Finish(**{**inner, "reason": Reason(inner["reason"]), "usage": Usage(**inner["usage"])})
    if kind is Text and "logprobs" in inner:
        chances = [
            TokenChance(each["token"], each["logprob"], [(token, chance) for token, chance in each.get("top", [])])
            for each in inner["logprobs"]
        ]
        return Text(**{**inner, "logprobs": chances})
    event: Event = kind(**inner)
    return event


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return to_map(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _is_default(item: Any, member: Any) -> bool:
    if item.default_factory is list:
        return not member
    return bool(member == item.default and type(member) is type(item.default))
