"""What a model is asked and what it answers, in one form for every operation and family.

Messages, content blocks, tools, stop reasons and stream events are Converse's, by AWS's names; the families
(families/) turn their bodies into these and back, and generating.py turns these into what a model host understands.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Block = dict[str, Any]                    # a ContentBlock: {"text": …}, {"toolUse": …}, {"toolResult": …}, …
Message = dict[str, Any]                  # {"role": "user" or "assistant", "content": [Block]}
Event = dict[str, Any]                    # {"contentBlockDelta": {…}}: of ConverseStream's output
StopReason = Literal[
    "end_turn", "tool_use", "max_tokens", "stop_sequence", "guardrail_intervened", "content_filtered",
    "malformed_model_output", "malformed_tool_use", "model_context_window_exceeded",
]


@dataclass(slots=True)
class Ask:
    """One generation. Either `messages` or, for families without turns, `prompt`: text that goes in as it is."""

    messages: list[Message] = field(default_factory=list)
    prompt: str | None = None
    system: list[Block] = field(default_factory=list)
    max_tokens: int | None = None         # None: the model's own default
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    reasoning: bool | None = None         # think first; None: as the model's template does
    stop: list[str] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)      # ToolSpecification
    tool_choice: dict[str, Any] | None = None                      # ToolChoice
    schema: dict[str, Any] | None = None  # the answer is JSON that this JSON schema describes; {}: any JSON
    logprobs: int | None = None           # alternatives to tell per token; 0: the chosen one only


@dataclass(slots=True)
class Usage:
    """Tokens, as the model's tokenizer counts them: what was read is input, cache_read and cache_write together.

    The two of the cache are counted where a request marks cache points, as AWS does; `found` is what the engine's cache
    of prefixes held, marked or not.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    found: int = 0
    ttl: str = ""                         # of the last cache point; "" where there is none

    def mark(self, prefix: "CachedPrefix") -> None:
        """Of what stands before the last cache point, what the cache held was read from it, the rest is in it now."""
        tokens = min(prefix.tokens, self.input)
        self.cache_read = min(self.found, tokens)
        self.cache_write = tokens - self.cache_read
        self.input -= tokens
        self.ttl = prefix.ttl

    @property
    def read(self) -> int:
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.read + self.output

    def shown(self) -> dict[str, Any]:
        """TokenUsage."""
        told: dict[str, Any] = {"inputTokens": self.input, "outputTokens": self.output, "totalTokens": self.total}
        if self.ttl:
            told |= {"cacheReadInputTokens": self.cache_read, "cacheWriteInputTokens": self.cache_write}
        if self.cache_write:
            told["cacheDetails"] = [{"ttl": self.ttl, "inputTokens": self.cache_write}]
        return told


@dataclass(frozen=True, slots=True)
class CachedPrefix:
    """What stands before a request's last cache point."""

    tokens: int
    ttl: str


@dataclass(slots=True)
class Logprob:
    """One generated token."""

    token: str
    logprob: float
    alternatives: list[tuple[str, float]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """A whole generation."""

    content: list[Block]
    stop_reason: StopReason
    usage: Usage
    stop_sequence: str | None = None      # the one that was met
    latency_ms: int = 0
    first_ms: int = 0                     # until the first token
    logprobs: list[Logprob] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.content if "text" in block)

    def metrics(self) -> dict[str, int]:
        """amazon-bedrock-invocationMetrics, which the last chunk of a streamed body carries."""
        told = {"inputTokenCount": self.usage.input, "outputTokenCount": self.usage.output,
                "invocationLatency": self.latency_ms, "firstByteLatency": self.first_ms}
        if self.usage.ttl:
            told |= {"cacheReadInputTokenCount": self.usage.cache_read,
                     "cacheWriteInputTokenCount": self.usage.cache_write}
        return told


METRICS = "amazon-bedrock-invocationMetrics"


def plain(ask: Ask) -> Ask:
    """As a model reads it: what was marked for the guardrail, quoted or found is text."""
    ask.system = [_plain(block) for block in ask.system]
    for message in ask.messages:
        message["content"] = [_plain(block) for block in message["content"]]
    return ask


def _plain(block: Block) -> Block:
    if "guardContent" in block:
        marked = block["guardContent"]
        return {"text": marked["text"]["text"]} if "text" in marked else {"image": marked["image"]}
    if "citationsContent" in block:
        return {"text": "".join(part.get("text", "") for part in block["citationsContent"].get("content") or ())}
    if "searchResult" in block:
        found = block["searchResult"]
        return {"text": "\n".join([found["title"], found["source"], *(part["text"] for part in found["content"])])}
    return block
