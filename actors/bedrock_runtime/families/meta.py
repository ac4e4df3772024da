"""Meta Llama: a prompt in, a generation out.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
"""

from typing import ClassVar

from actors.bedrock_runtime.asking import Answer, Ask
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check
from actors.bedrock_runtime.families.family import Chunks, TextChunks

_TYPES = {"prompt": str, "max_gen_len": int, "temperature": float, "top_p": float, "images": list}
_DEFAULT_TOKENS, _TOKENS_LIMIT = 512, 8192
_DEFAULT_TEMPERATURE, _DEFAULT_TOP_P = 0.5, 0.9
_STOPS = {"max_tokens": "length", "model_context_window_exceeded": "length"}


class Meta:
    counts_first: ClassVar[bool] = True

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, ("prompt",))
        bounded(body, "max_gen_len", 1, _TOKENS_LIMIT)
        bounded(body, "temperature", 0, 1)
        bounded(body, "top_p", 0, 1)
        if body.get("images"):
            raise Malformed("#: extraneous key [images] is not permitted")
        return Ask(prompt=body["prompt"], max_tokens=body.get("max_gen_len") or _DEFAULT_TOKENS,
                   temperature=body.get("temperature", _DEFAULT_TEMPERATURE), top_p=body.get("top_p", _DEFAULT_TOP_P))

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        return {"generation": answer.text, "prompt_token_count": answer.usage.input,
                "generation_token_count": answer.usage.output, "stop_reason": _STOPS.get(answer.stop_reason, "stop")}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks(input_tokens)


class _Chunks(TextChunks):
    """The first chunk tells the prompt's tokens, the last why it ended."""

    def __init__(self, input_tokens: int) -> None:
        self._input: int | None = input_tokens
        self._count = 0

    def piece(self, text: str) -> Body:
        self._count += 1
        told, self._input = self._input, None
        return {"generation": text, "prompt_token_count": told, "generation_token_count": self._count,
                "stop_reason": None}

    def last(self, answer: Answer) -> Body:
        return {"generation": "", "prompt_token_count": self._input, "generation_token_count": answer.usage.output,
                "stop_reason": _STOPS.get(answer.stop_reason, "stop")}
