"""Mistral's text completion: a prompt in, outputs[] out. Its chat completion is OpenAI's form (openai.py).

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-text-completion.html
"""

from typing import ClassVar

from actors.bedrock_runtime.asking import Answer, Ask
from actors.bedrock_runtime.families.bodies import Body, bounded, check, texts
from actors.bedrock_runtime.families.family import Chunks, TextChunks

_TYPES = {"prompt": str, "max_tokens": int, "stop": list, "temperature": float, "top_p": float, "top_k": int}
_DEFAULT_TOKENS, _TOKENS_LIMIT = 512, 8192
_STOPS_LIMIT = 10
_STOPS = {"max_tokens": "length", "model_context_window_exceeded": "length"}


class Mistral:
    counts_first: ClassVar[bool] = False

    def ask(self, body: Body) -> Ask:
        check(body, _TYPES, ("prompt",))
        bounded(body, "max_tokens", 1, _TOKENS_LIMIT)
        bounded(body, "temperature", 0, 1)
        bounded(body, "top_p", 0, 1)
        return Ask(prompt=body["prompt"], max_tokens=body.get("max_tokens") or _DEFAULT_TOKENS,
                   temperature=body.get("temperature"), top_p=body.get("top_p"), top_k=body.get("top_k"),
                   stop=texts(body.get("stop"), "#/stop")[:_STOPS_LIMIT])

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        return {"outputs": [{"text": answer.text, "stop_reason": _STOPS.get(answer.stop_reason, "stop")}]}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _Chunks()


class _Chunks(TextChunks):
    def piece(self, text: str) -> Body:
        return {"outputs": [{"text": text, "stop_reason": None}]}

    def last(self, answer: Answer) -> Body:
        return {"outputs": [{"text": "", "stop_reason": _STOPS.get(answer.stop_reason, "stop")}]}
