"""Amazon Titan: text (inputText in, results[] out) and text embeddings.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html and …-titan-embed-text.html
"""

from typing import ClassVar

from actors.bedrock_runtime.asking import Answer, Ask
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check, texts
from actors.bedrock_runtime.families.family import Chunks, TextChunks
from actors.bedrock_runtime.families.vectors import binary, shortened, unit

_TYPES = {"inputText": str, "textGenerationConfig": dict}
_CONFIG = {"temperature": float, "topP": float, "maxTokenCount": int, "stopSequences": list}
_DEFAULT_TOKENS, _TOKENS_LIMIT = 512, 8192
_REASONS = {"max_tokens": "LENGTH", "stop_sequence": "STOP_CRITERIA_MET", "content_filtered": "CONTENT_FILTERED",
            "guardrail_intervened": "CONTENT_FILTERED", "model_context_window_exceeded": "LENGTH"}

DIMENSIONS = (256, 512, 1024)             # amazon.titan-embed-text-v2


class Titan:
    counts_first: ClassVar[bool] = True

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, ("inputText",))
        config = body.get("textGenerationConfig") or {}
        check(config, _CONFIG, at="#/textGenerationConfig")
        bounded(config, "maxTokenCount", 0, _TOKENS_LIMIT, "#/textGenerationConfig")
        bounded(config, "temperature", 0, 1, "#/textGenerationConfig")
        bounded(config, "topP", 0, 1, "#/textGenerationConfig")
        return Ask(prompt=body["inputText"], max_tokens=config.get("maxTokenCount") or _DEFAULT_TOKENS,
                   temperature=config.get("temperature"), top_p=config.get("topP"),
                   stop=texts(config.get("stopSequences"), "#/textGenerationConfig/stopSequences"))

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        result = {"tokenCount": answer.usage.output, "outputText": answer.text,
                  "completionReason": _REASONS.get(answer.stop_reason, "FINISH")}
        return {"inputTextTokenCount": answer.usage.input, "results": [result]}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks(input_tokens)


class _Chunks(TextChunks):
    def __init__(self, input_tokens: int) -> None:
        self._input: int | None = input_tokens

    def piece(self, text: str) -> Body:
        told, self._input = self._input, None
        return {"outputText": text, "index": 0, "totalOutputTextTokenCount": None, "completionReason": None,
                "inputTextTokenCount": told}

    def last(self, answer: Answer) -> Body:
        return {"outputText": "", "index": 0, "totalOutputTextTokenCount": answer.usage.output,
                "completionReason": _REASONS.get(answer.stop_reason, "FINISH"), "inputTextTokenCount": self._input}


class TitanEmbeddings:
    """Version 2 and, where the body has nothing but inputText, version 1 alike: a vector of length one."""

    def texts(self, body: Body) -> list[str]:
        check(body, {"inputText": str, "dimensions": int, "normalize": bool, "embeddingTypes": list}, ("inputText",))
        if not body["inputText"]:
            raise Malformed("expected minLength: 1, actual: 0")
        dimensions = body.get("dimensions")
        if dimensions is not None and dimensions not in DIMENSIONS:
            raise Malformed(f"#/dimensions: {dimensions} is not a valid enum value")
        for kind in body.get("embeddingTypes") or ():
            if kind not in ("float", "binary"):
                raise Malformed(f"#/embeddingTypes: {kind} is not a valid enum value")
        return [body["inputText"]]

    def vectors(self, body: Body, vectors: list[list[float]], tokens: int) -> Body:
        vector = shortened(vectors[0], body.get("dimensions"))
        if body.get("normalize", True):
            vector = unit(vector)
        kinds = body.get("embeddingTypes") or ["float"]
        by_type = {kind: vector if kind == "float" else binary(vector) for kind in kinds}
        answer: Body = {"embedding": vector} if "float" in by_type else {}
        return {**answer, "embeddingsByType": by_type, "inputTextTokenCount": tokens}
