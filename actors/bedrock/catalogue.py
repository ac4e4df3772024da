"""The models there are: what Bedrock calls foundation models, each with what its local engine can do."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Model:
    """`id` is Bedrock's, `engine` the model host's own name for what answers."""

    id: str
    engine: str
    name: str
    provider: str
    context_tokens: int
    output_tokens: int                    # at most, of one answer
    inputs: tuple[str, ...] = ("TEXT",)
    outputs: tuple[str, ...] = ("TEXT",)
    streams: bool = True
    profiles: tuple[str, ...] = ()        # ids of inference profiles that AWS defines: us.…, eu.…

    @property
    def embeds(self) -> bool:
        return "EMBEDDING" in self.outputs and "TEXT" not in self.outputs


ECHO = Model("skybus.echo-v1", "echo", "Echo", "Skybus", context_tokens=32_768, output_tokens=8_192,
             outputs=("TEXT", "EMBEDDING"))


class Catalogue:
    def __init__(self, models: Iterable[Model] = (ECHO,)) -> None:
        self._models = {model.id: model for model in models}
        self._profiles = {profile: model for model in self._models.values() for profile in model.profiles}

    @property
    def models(self) -> list[Model]:
        return list(self._models.values())

    @property
    def profiles(self) -> dict[str, Model]:
        """By inference profile id."""
        return self._profiles

    def find(self, identifier: str) -> Model | None:
        """By model id, inference profile id, or either's ARN."""
        name = identifier.rpartition("/")[2] if identifier.startswith("arn:") else identifier
        return self._models.get(name) or self._profiles.get(name)
