"""What guardrails know of meaning: by an embedding model's vectors where the operator named one, else by words."""

from collections import OrderedDict
from collections.abc import Sequence

from actors.bedrock.engine.meaning import TOPIC_THRESHOLD, Sense
from actors.bedrock.engine.texts import Vector, dense, lexical
from actors.runtime.inference.models import Models
from actors.runtime.inference.protocol import EmbedRequest
from actors.runtime.surroundings import OWN_IDENTITY

REMEMBERED_TEXTS = 2048                   # the longest unused go first; a stream's sentences come again and again
BATCH_TEXTS = 64                          # in one request to the model


def sense_of(models: Models) -> Sense:
    judge = models.catalogue.judge
    if judge is None:
        return Sense(lexical, TOPIC_THRESHOLD)
    return Sense(Embedding(models, judge.embedding_model), judge.topic_similarity)


class Embedding:
    """An Embed that asks a model. Its errors are the caller's: nothing passes because it could not be judged."""

    def __init__(self, models: Models, model: str) -> None:
        self._models, self._model = models, model
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def __call__(self, texts: Sequence[str]) -> Sequence[Vector]:
        found = {text: self._known[text] for text in texts if text in self._known}
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        for start in range(0, len(missing), BATCH_TEXTS):
            batch = missing[start:start + BATCH_TEXTS]
            told = await self._models.embed(self._model, EmbedRequest(batch), OWN_IDENTITY)
            found |= zip(batch, map(dense, told.vectors), strict=True)
        self._remember(found)
        return [found[text] for text in texts]

    def _remember(self, found: dict[str, Vector]) -> None:
        for text, vector in found.items():
            self._known[text] = vector
            self._known.move_to_end(text)
        while len(self._known) > REMEMBERED_TEXTS:
            self._known.popitem(last=False)
