"""Which family's body a model speaks: by its id, and for models of nobody's family (local, imported) by the body.

InvokeModel may also be told the form in contentType (`FORMS`), whatever the model: what the gateway's OpenAI and
Anthropic doors do.
"""

import re

from actors.bedrock_runtime.families.anthropic import Anthropic
from actors.bedrock_runtime.families.bodies import Body
from actors.bedrock_runtime.families.cohere import Command, CommandR, Embed, Rerank
from actors.bedrock_runtime.families.family import EmbeddingFamily, Family, RerankFamily, TextFamily
from actors.bedrock_runtime.families.meta import Meta
from actors.bedrock_runtime.families.mistral import Mistral
from actors.bedrock_runtime.families.nova import Nova, NovaEmbeddings
from actors.bedrock_runtime.families.openai import OpenAI
from actors.bedrock_runtime.families.titan import Titan, TitanEmbeddings
from schemas.errors import ValidationException

ANTHROPIC, OPENAI = Anthropic(), OpenAI()
FORMS: dict[str, Family] = {
    "application/vnd.skybus.anthropic+json": ANTHROPIC, "application/vnd.skybus.openai+json": OPENAI,
}
_REGION = re.compile(r"\A(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.")

# The beginning of a model id -> its family; the first that fits.
_BY_ID: tuple[tuple[str, Family], ...] = (
    ("anthropic.", ANTHROPIC), ("meta.", Meta()),
    ("amazon.titan-embed", TitanEmbeddings()), ("amazon.titan-text", Titan()), ("amazon.titan-tg1", Titan()),
    ("amazon.nova-2-multimodal-embeddings", NovaEmbeddings()), ("amazon.nova", Nova()), ("amazon.rerank", Rerank()),
    ("cohere.embed", Embed()), ("cohere.rerank", Rerank()), ("cohere.command-r", CommandR()),
    ("cohere.command", Command()),
    *((prefix, OPENAI) for prefix in ("openai.", "qwen.", "deepseek.", "ai21.", "moonshot", "minimax.", "google.",
                                      "nvidia.", "writer.", "zai.")),
)
# Made of pixels or sound: there is no engine for them here.
_OTHER_MODALITIES = ("amazon.titan-image", "amazon.nova-canvas", "amazon.nova-reel", "amazon.nova-sonic", "stability.",
                     "luma.", "twelvelabs.")
_MISTRAL = Mistral()

# A key that only this family's requests have -> the family; the first that is there.
_BY_KEY: tuple[tuple[str, Family], ...] = (
    ("anthropic_version", ANTHROPIC),
    *((key, TitanEmbeddings()) for key in ("dimensions", "normalize", "embeddingTypes")), ("inputText", Titan()),
    ("max_gen_len", Meta()), ("schemaVersion", Nova()), ("inferenceConfig", Nova()), ("message", CommandR()),
    ("texts", Embed()), ("taskType", NovaEmbeddings()),
    ("documents", Rerank()), ("messages", OPENAI), ("prompt", OPENAI),
)


def base_id(model: str) -> str:
    """A model id without the region that an inference profile puts in front."""
    return _REGION.sub("", model, count=1)


def family_of(model: str, body: Body, content_type: str, *, embeds: bool) -> Family:
    """`embeds`: the local model has no other use than embeddings. ValidationException."""
    if content_type in FORMS:
        return FORMS[content_type]
    model = base_id(model)
    if model.startswith(_OTHER_MODALITIES):
        raise ValidationException(f"Skybus has no engine for the modality of {model}.")
    if model.startswith("mistral."):
        return OPENAI if "messages" in body else _MISTRAL
    for prefix, family in _BY_ID:
        if model.startswith(prefix):
            return family
    if embeds and "inputText" in body:
        return TitanEmbeddings()
    for key, family in _BY_KEY:
        if key in body:
            return family
    raise ValidationException("Malformed input request: #: required key [messages] not found, please reformat your "
                              "input and try again.")


__all__ = ["ANTHROPIC", "FORMS", "OPENAI", "EmbeddingFamily", "Family", "RerankFamily", "TextFamily", "base_id",
           "family_of"]
