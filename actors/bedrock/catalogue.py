"""The catalogue as Bedrock shows it: each name of a model that is there is a foundation model of that id.

A model that stands under AWS's ids too (aliases, which only the operator gives) is listed under each of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from actors.runtime.inference import catalogue
from actors.runtime.inference.catalogue import GEOGRAPHIES, Entry
from actors.runtime.inference.protocol import Modality, UnknownModel

CONTEXT_TOKENS = 131_072                  # where the catalogue leaves it to the engine
NAME_CHARACTERS = 20                      # of model and provider, in Bedrock's shapes
_PROVIDERS = {"anthropic": "Anthropic", "meta": "Meta", "mistral": "Mistral AI", "amazon": "Amazon", "cohere": "Cohere",
              "ai21": "AI21 Labs", "deepseek": "DeepSeek", "openai": "OpenAI", "qwen": "Qwen"}
# The geography whose inference profiles a region lists: the beginning of its name -> the prefix of the ids.
_OF_REGION = (("us-gov-", "us-gov"), ("us-", "us"), ("eu-", "eu"), ("ap-", "apac"), ("ca-", "ca"), ("sa-", "sa"))


@dataclass(frozen=True, slots=True)
class Model:
    """`id` is what the caller said it is called, `engine` the name under which model hosts know it."""

    id: str
    engine: str
    name: str
    provider: str
    modality: Modality
    output_tokens: int                    # at most, of one answer
    trainable: bool = False               # its file is of a kind that the trainer knows

    @property
    def outputs(self) -> tuple[str, ...]:
        """As Bedrock names what a model gives; rankings have no name there."""
        return ("TEXT",) if self.modality is Modality.RERANK else (self.modality.value,)

    @property
    def generates(self) -> bool:
        return self.modality is Modality.TEXT


def of(entry: Entry, name: str) -> Model:
    """An entry under one of its names."""
    provider = _PROVIDERS.get(name.partition(".")[0], entry.provider)
    return Model(name, entry.id, (entry.name or name)[:NAME_CHARACTERS], provider[:NAME_CHARACTERS], entry.modality,
                 entry.context_tokens or CONTEXT_TOKENS,
                 trainable=entry.engine == "llama" and entry.modality is Modality.TEXT)


class Models:
    """What the catalogue has, by Bedrock's identifiers."""

    def __init__(self, entries: catalogue.Catalogue) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Model]:
        """Foundation models: an imported one, whose id is its ARN, is none."""
        for entry in self._entries:
            for name in entry.identifiers:
                if not name.startswith("arn:"):
                    yield of(entry, name)

    def find(self, identifier: str) -> Model | None:
        """By model id, inference profile id, or either's ARN."""
        try:
            entry = self._entries.resolve(identifier)
        except UnknownModel:
            return None
        if identifier in entry.identifiers:
            return of(entry, identifier)
        name = identifier.rpartition("/")[2] if identifier.startswith("arn:") else identifier
        return of(entry, name if name in entry.identifiers else name.partition(".")[2])

    def profiles(self, region: str) -> Iterator[tuple[str, Model]]:
        """The inference profiles that a region lists: of its geography, and global ones."""
        geography = next((prefix for start, prefix in _OF_REGION if region.startswith(start)), "")
        for model in self:
            for prefix in (geography, "global"):
                if prefix:
                    yield f"{prefix}.{model.id}", model

    def profile(self, identifier: str) -> Model | None:
        """Of an inference profile's id."""
        geography, _, name = identifier.partition(".")
        return self.find(name) if geography in GEOGRAPHIES and name else None
