"""What an engine must do to run a model, and which engines there are.

An engine lives in a host (host.py), which queues, admits, measures and cancels; the engine batches what it is given.
The modules of engines are imported when a model needs them: none is loaded by asking what there is.
"""

import importlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.protocol import (
    Description,
    Embeddings,
    EmbedRequest,
    Event,
    GenerateRequest,
    InvalidInput,
    Modality,
    Ranking,
    RerankRequest,
    TokenCount,
    TokenizeRequest,
    Tool,
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What an engine knows about itself, for metrics. Zeros where it does not say."""

    batch: int = 0                        # sequences in the last step
    cache_tokens: int = 0                 # held in the KV cache
    device_memory_bytes: int = 0


class Engine(Protocol):
    """A loaded model. Methods raise AwsError for what is wrong with a request; anything else is a failed engine."""

    description: Description

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        """Its last event is Finish. Closed or cancelled before, the engine stops working for it."""

    async def embed(self, request: EmbedRequest) -> Embeddings: ...

    async def rerank(self, request: RerankRequest) -> Ranking: ...

    async def count(self, request: TokenizeRequest) -> TokenCount: ...

    def figures(self) -> Figures: ...

    async def sleep(self) -> bool:
        """Gives the device's memory back and keeps what wakes it quickly; False where it cannot."""

    async def wake(self) -> None: ...

    async def close(self) -> None: ...


async def open_engine(entry: Entry, directory: Path) -> Engine:
    """The model, loaded. `directory` is the engine's own, private (0700), and empty."""
    module = importlib.import_module(f"actors.runtime.inference.engines.{entry.engine}")
    engine: Engine = await module.load(entry, directory)
    return engine


def check_modality(description: Description, modality: Modality, what: str) -> None:
    """InvalidInput for what the model cannot do."""
    if modality not in description.modalities:
        raise InvalidInput(f"This model does not support {what}.")


def functions(tools: list[Tool]) -> list[dict[str, Any]]:
    """Tools as chat templates take them: OpenAI's form."""
    return [{"type": "function", "function": dict(tool)} for tool in tools]
