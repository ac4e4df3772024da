"""Cohere: Command (a prompt in, generations[] out), Command R (a message and its history), Embed, Rerank.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-cohere.html
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from uuid import uuid4

from actors.bedrock_runtime.asking import Answer, Ask, Event
from actors.bedrock_runtime.families.bodies import Body, Malformed, bounded, check, member, texts
from actors.bedrock_runtime.families.family import Chunks, TextChunks, delta_text
from actors.bedrock_runtime.families.vectors import binary, int8, shortened, unit
from schemas.errors import ValidationException

_DEFAULT_TOKENS, _TOKENS_LIMIT = 400, 4096
_REASONS = {"max_tokens": "MAX_TOKENS", "model_context_window_exceeded": "MAX_TOKENS",
            "guardrail_intervened": "ERROR_TOXIC", "content_filtered": "ERROR_TOXIC"}


def _reason(answer: Answer) -> str:
    return _REASONS.get(answer.stop_reason, "COMPLETE")


class Command:
    counts_first: ClassVar[bool] = False
    _TYPES: ClassVar = {
        "prompt": str, "temperature": float, "p": float, "k": float, "max_tokens": int, "stop_sequences": list,
        "return_likelihoods": str, "stream": bool, "num_generations": int, "logit_bias": dict, "truncate": str,
    }

    def ask(self, body: Body) -> Ask:
        check(body, self._TYPES, ("prompt",))
        bounded(body, "max_tokens", 1, _TOKENS_LIMIT)
        bounded(body, "temperature", 0, 5)
        if (body.get("num_generations") or 1) != 1:
            raise ValidationException("Skybus answers with one generation; num_generations must be 1.")
        return Ask(prompt=body["prompt"], max_tokens=body.get("max_tokens") or _DEFAULT_TOKENS,
                   temperature=body.get("temperature"), top_p=body.get("p"), top_k=int(body.get("k") or 0) or None,
                   stop=texts(body.get("stop_sequences"), "#/stop_sequences"))

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        generation = {"finish_reason": _reason(answer), "id": str(uuid4()), "text": answer.text}
        return {"generations": [generation], "id": str(uuid4()), "prompt": body["prompt"]}

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _CommandChunks()


class _CommandChunks(TextChunks):
    def piece(self, text: str) -> Body:
        return {"index": 0, "is_finished": False, "text": text}

    def last(self, answer: Answer) -> Body:
        return {"index": 0, "is_finished": True, "finish_reason": _reason(answer)}


class CommandR:
    counts_first: ClassVar[bool] = False
    _TYPES: ClassVar = {
        "message": str, "chat_history": list, "documents": list, "search_queries_only": bool, "preamble": str,
        "max_tokens": int, "temperature": float, "p": float, "k": float, "prompt_truncation": str, "seed": int,
        "frequency_penalty": float, "presence_penalty": float, "return_prompt": bool, "tools": list,
        "tool_results": list, "stop_sequences": list, "raw_prompting": bool, "stream": bool,
    }
    _ROLES: ClassVar = {"USER": "user", "CHATBOT": "assistant"}

    def ask(self, body: Body) -> Ask:
        check(body, self._TYPES, ("message",))
        if body.get("tool_results") or body.get("search_queries_only"):
            raise ValidationException("Skybus does not implement tool_results and search_queries_only of Command R.")
        return Ask(
            self._history(body), system=self._system(body), max_tokens=body.get("max_tokens"),
            temperature=body.get("temperature"), top_p=body.get("p"), top_k=int(body.get("k") or 0) or None,
            presence_penalty=body.get("presence_penalty"), frequency_penalty=body.get("frequency_penalty"),
            seed=body.get("seed"), stop=texts(body.get("stop_sequences"), "#/stop_sequences"),
            tools=[_tool(tool) for tool in body.get("tools") or ()])

    def _history(self, body: Body) -> list[dict[str, Any]]:
        messages = []
        for place, turn in enumerate(body.get("chat_history") or ()):
            role = self._ROLES.get(member(turn, "role", str, f"#/chat_history/{place}"))
            if role is None:
                raise Malformed(f"#/chat_history/{place}/role: not a valid enum value")
            text = member(turn, "message", str, f"#/chat_history/{place}")
            messages.append({"role": role, "content": [{"text": text}]})
        return [*messages, {"role": "user", "content": [{"text": body["message"]}]}]

    @staticmethod
    def _system(body: Body) -> list[dict[str, str]]:
        system: list[str] = [body["preamble"]] if body.get("preamble") else []
        system += [f"Document:\n{_yaml(document)}" for document in body.get("documents") or ()]
        return [{"text": "\n\n".join(system)}] if system else []

    def answer(self, body: Body, answer: Answer, model: str) -> Body:
        history = [*(body.get("chat_history") or ()), {"role": "USER", "message": body["message"]},
                   {"role": "CHATBOT", "message": answer.text}]
        told = {"response_id": str(uuid4()), "generation_id": str(uuid4()), "text": answer.text,
                "chat_history": history, "finish_reason": _reason(answer)}
        calls = [block["toolUse"] for block in answer.content if "toolUse" in block]
        if calls:
            told["tool_calls"] = [{"name": call["name"], "parameters": call["input"]} for call in calls]
        return told

    def chunks(self, body: Body, model: str, input_tokens: int) -> Chunks:
        return _CommandRChunks(self, body, model)


class _CommandRChunks:
    def __init__(self, family: CommandR, body: Body, model: str) -> None:
        self._family, self._body, self._model = family, body, model

    def event(self, event: Event) -> Iterator[Body]:
        text = delta_text(event)
        if "messageStart" in event:
            yield {"is_finished": False, "event_type": "stream-start", "generation_id": str(uuid4())}
        elif text:
            yield {"is_finished": False, "event_type": "text-generation", "text": text}

    def end(self, answer: Answer) -> Iterator[Body]:
        whole = self._family.answer(self._body, answer, self._model)
        if "tool_calls" in whole:
            yield {"is_finished": False, "event_type": "tool-calls-generation", "tool_calls": whole["tool_calls"]}
        yield {"is_finished": True, "event_type": "stream-end", "finish_reason": _reason(answer), "response": whole}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool whose parameters are told one by one, as a JSON schema."""
    kinds = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
    member(tool, "name", str, "#/tools")
    check(tool, {"parameter_definitions": dict, "description": str}, (), "#/tools", closed=False)
    given: Mapping[str, Any] = tool.get("parameter_definitions") or {}
    for name, each in given.items():
        member(given, name, dict, "#/tools/parameter_definitions")
        check(each, {"type": str, "description": str}, (), f"#/tools/parameter_definitions/{name}", closed=False)
    properties = {name: {"type": kinds.get(each.get("type", "str"), "string"),
                         **({"description": each["description"]} if each.get("description") else {})}
                  for name, each in given.items()}
    schema = {"type": "object", "properties": properties,
              "required": [name for name, each in given.items() if each.get("required")]}
    spec = {"name": tool["name"], "inputSchema": {"json": schema}}
    return {**spec, "description": tool["description"]} if tool.get("description") else spec


class Embed:
    """Versions 3 and 4, texts alone."""

    _TYPES: ClassVar = {
        "texts": list, "input_type": str, "truncate": str, "embedding_types": list, "output_dimension": int,
        "max_tokens": int, "images": list, "inputs": list,
    }
    _INPUTS = ("search_document", "search_query", "classification", "clustering", "image")
    _KINDS = ("float", "int8", "uint8", "binary", "ubinary")
    _TEXTS_LIMIT = 96

    def texts(self, body: Body) -> list[str]:
        check(body, self._TYPES, ("texts", "input_type"))
        if body.get("images") or body.get("inputs"):
            raise ValidationException("Skybus does not implement embeddings of images.")
        if body["input_type"] not in self._INPUTS:
            raise Malformed(f"#/input_type: {body['input_type']} is not a valid enum value")
        texts = body["texts"]
        if not 1 <= len(texts) <= self._TEXTS_LIMIT:
            bound = "minimum item count: 1" if not texts else f"maximum item count: {self._TEXTS_LIMIT}"
            raise Malformed(f"#/texts: expected {bound}, found: {len(texts)}")
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise Malformed(f"#/texts/{place}: expected type: String, found: {type(text).__name__}")
        for kind in body.get("embedding_types") or ():
            if kind not in self._KINDS:
                raise Malformed(f"#/embedding_types: {kind} is not a valid enum value")
        return list(texts)

    def vectors(self, body: Body, vectors: list[list[float]], tokens: int) -> Body:
        cut = [unit(shortened(vector, body.get("output_dimension"))) for vector in vectors]
        told: Body = {"id": str(uuid4()), "texts": body["texts"]}
        kinds = body.get("embedding_types")
        if not kinds:
            return {**told, "embeddings": cut, "response_type": "embeddings_floats"}
        forms: dict[str, Callable[[list[float]], list[Any]]] = {
            "float": list, "int8": int8, "uint8": lambda each: [part + 128 for part in int8(each)],
            "binary": lambda each: [byte - 128 for byte in _packed(each)], "ubinary": _packed,
        }
        return {**told, "embeddings": {kind: [forms[kind](each) for each in cut] for kind in kinds},
                "response_type": "embeddings_by_type"}


def _packed(vector: list[float]) -> list[int]:
    """Eight dimensions a byte, the first in the highest bit."""
    bits = binary(vector)
    return [sum(bit << (7 - place) for place, bit in enumerate(bits[start:start + 8]))
            for start in range(0, len(bits), 8)]


class Rerank:
    """Cohere's, and Amazon's, whose bodies are the same."""

    _DOCUMENTS_LIMIT = 1000

    def documents(self, body: Body) -> tuple[str, list[str]]:
        check(body, {"query": str, "documents": list, "top_n": int, "api_version": int, "max_tokens_per_doc": int},
              ("query", "documents"))
        documents = body["documents"]
        if not 1 <= len(documents) <= self._DOCUMENTS_LIMIT:
            raise Malformed(f"#/documents: expected 1 to {self._DOCUMENTS_LIMIT} items, found: {len(documents)}")
        return body["query"], [each if isinstance(each, str) else _yaml(each) for each in documents]

    def ranking(self, body: Body, scores: list[float]) -> Body:
        ranked = sorted(enumerate(scores), key=lambda each: -each[1])[:body.get("top_n") or len(scores)]
        return {"results": [{"index": index, "relevance_score": score} for index, score in ranked]}


def _yaml(document: Any) -> str:
    if not isinstance(document, dict):
        raise Malformed("#/documents: expected type: String, found: " + type(document).__name__)
    return "\n".join(f"{name}: {value}" for name, value in document.items())
