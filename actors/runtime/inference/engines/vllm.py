"""vLLM: a Hugging Face folder (safetensors) on a GPU. Needs the extra `gpu`, which pins the version this is made for.

Only names of vLLM's own engine are used (AsyncLLM, SamplingParams, PoolingParams, LoRARequest) and, for tool calls that
the model makes of itself, its parsers by the name that the entry's option `tool_call_parser` gives; such an answer is
told at its end, since what is a call shows only then. Demanded calls and schemas are decoded under a grammar, and
stream. Pictures go with the prompt, at the places that the model's own template marks for them. Whether vLLM's names
and types are what is used here: `python -m tests.actors.runtime.inference.check_vllm`.

    engine options: tool_call_parser, gpu_memory_utilization, kv_cache_memory_bytes, and any other of AsyncEngineArgs
"""

import asyncio
import io
import json
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.cutting import Calls, unit
from actors.runtime.inference.engines.engine import Engine, Figures, check_modality, functions
from actors.runtime.inference.protocol import (
    Description,
    Embeddings,
    EmbedRequest,
    Event,
    Finish,
    GenerateRequest,
    InputTooLong,
    InvalidInput,
    Message,
    Modality,
    ModelFailed,
    Ranking,
    Reason,
    RerankRequest,
    Text,
    TokenChance,
    TokenCount,
    TokenizeRequest,
    Tool,
    ToolUse,
    Usage,
)

if TYPE_CHECKING:
    from vllm.inputs import TokensPrompt
    from vllm.lora.request import LoRARequest
    from vllm.outputs import CompletionOutput, RequestOutput
    from vllm.v1.engine.async_llm import AsyncLLM

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)       # that vLLM makes room for
ADAPTERS_AT_ONCE_MAX = 8                  # in one batch


async def load(entry: Entry, directory: Path) -> Engine:
    """ModelFailed: vLLM is not installed, or refuses the folder."""
    try:
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM
    except ImportError as error:
        raise ModelFailed("vLLM is not installed here: pip install 'skybus[gpu]'.") from error
    options = dict(entry.options)
    parser = str(options.pop("tool_call_parser", ""))
    try:
        llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**{**arguments(entry), **options}))
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise ModelFailed(f"vLLM cannot load the model {entry.id}: {error}") from error
    return VLlm(entry, llm, parser)


def arguments(entry: Entry) -> dict[str, Any]:
    """Of AsyncEngineArgs, but for the entry's own options."""
    text = entry.modality is Modality.TEXT
    given: dict[str, Any] = {
        "model": entry.path, "enable_sleep_mode": True, "max_num_seqs": entry.parallel, "disable_log_stats": True,
        "scheduling_policy": "priority", "enable_prefix_caching": text, "runner": "generate" if text else "pooling",
    }
    if not text:
        given["convert"] = "embed" if entry.modality is Modality.EMBEDDING else "classify"
    if entry.context_tokens:
        given["max_model_len"] = entry.context_tokens
    if entry.gpu:
        given["gpu_memory_utilization"] = min(entry.gpu, 1.0) * 0.9
    if entry.adapters:
        given |= {"enable_lora": True, "max_loras": min(len(entry.adapters), ADAPTERS_AT_ONCE_MAX),
                  "max_lora_rank": lora_rank(entry)}
    return given


def lora_rank(entry: Entry) -> int:
    """What holds the largest of the adapters. ModelFailed for a folder that is no adapter, or too large a one."""
    largest = 0
    for name, path in entry.adapters.items():
        try:
            largest = max(largest, int(json.loads((Path(path) / "adapter_config.json").read_bytes())["r"]))
        except (OSError, ValueError, KeyError) as error:
            raise ModelFailed(f"The adapter {name} of the model {entry.id} has no adapter_config.json.") from error
    if largest > LORA_RANKS[-1]:
        raise ModelFailed(f"The adapters of the model {entry.id} have ranks above {LORA_RANKS[-1]}.")
    return next(rank for rank in LORA_RANKS if rank >= largest)


class VLlm:
    def __init__(self, entry: Entry, llm: "AsyncLLM", parser: str) -> None:
        config = llm.model_config
        self._tokenizer: Any = llm.get_tokenizer()       # Hugging Face's, which vLLM types by what it needs of it
        self.description = Description(
            entry.id, "vllm", config.max_model_len, [entry.modality], parallel=entry.parallel,
            tools=entry.modality is Modality.TEXT and bool(getattr(self._tokenizer, "chat_template", None)),
            images=config.is_multimodal_model, vocabulary=config.get_vocab_size(), adapters=list(entry.adapters),
            embedding_dimensions=config.get_hidden_size() if entry.modality is Modality.EMBEDDING else 0,
        )
        self._llm = llm
        self._parser = parser
        self._adapters = dict(entry.adapters)
        self._requests = count(1)
        self._running = 0

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        check_modality(self.description, Modality.TEXT, "text generation")
        calls = Calls(request)
        told = _Told(self.description.context_tokens)
        prompt = self._prompt(request)
        parsed = bool(self._parser and request.tools and not calls.demanded and request.tool_choice == "auto")
        held: list[Text] = []
        self._running += 1
        try:
            async with aclosing(self._outputs(request, prompt, calls.schema or request.schema)) as outputs:
                async for output in outputs:
                    for text in told.texts(output):
                        if parsed:
                            held.append(text)
                        for event in [] if parsed else calls.told(text) if calls.demanded else [text]:
                            yield event
            finish = calls.finish(told.finish())
            if parsed:
                for event in self._called("".join(text.text for text in held), request.tools, finish.usage.output):
                    yield event
                    if isinstance(event, ToolUse) and finish.reason is Reason.END:
                        finish = Finish(Reason.TOOL_USE, finish.usage)
            yield finish
        finally:
            self._running -= 1

    async def _outputs(
        self, request: GenerateRequest, prompt: "TokensPrompt", schema: dict[str, Any] | None
    ) -> AsyncGenerator["RequestOutput", None]:
        """vLLM's, piece by piece. Closed early, it aborts the request."""
        from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

        given = request.sampling.given
        most = given.pop("max_tokens", None)
        room = self.description.context_tokens - len(prompt["prompt_token_ids"])
        if room <= 0:
            raise InputTooLong
        try:
            sampling = SamplingParams(
                **given, max_tokens=room if most is None else min(most, room),
                stop=[stop for stop in request.stop if stop], logprobs=request.logprobs,
                structured_outputs=StructuredOutputsParams(json=schema) if schema is not None else None,
                output_kind=RequestOutputKind.DELTA,
            )
            async with aclosing(self._llm.generate(
                prompt, sampling, f"g{next(self._requests)}",
                lora_request=self._adapter(request.adapter), priority=request.priority,
            )) as outputs:
                async for output in outputs:
                    yield output
        except ValueError as error:       # a schema it cannot follow, a parameter out of range
            raise InvalidInput(str(error)) from error

    def _adapter(self, name: str) -> "LoRARequest | None":
        from vllm.lora.request import LoRARequest

        if not name:
            return None
        if name not in self._adapters:
            raise InvalidInput(f"The model has no adapter {name}.")
        return LoRARequest(name, list(self._adapters).index(name) + 1, self._adapters[name])

    def _called(self, text: str, tools: list[Tool], tokens: int) -> list[Event]:
        """What the model's own parser makes of a whole answer."""
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.tool_parsers import ToolParserManager

        request = ChatCompletionRequest(messages=[], tools=functions(tools))
        parser = ToolParserManager.get_tool_parser(self._parser)(self._tokenizer, request.tools)
        found = parser.extract_tool_calls(text, request)
        said: list[Event] = [Text(found.content, tokens)] if found.content else []
        return said + [
            ToolUse(index, call.function.arguments, f"call_{index}", call.function.name, 0)
            for index, call in enumerate(found.tool_calls)
        ]

    async def embed(self, request: EmbedRequest) -> Embeddings:
        check_modality(self.description, Modality.EMBEDDING, "embeddings")
        found = await asyncio.gather(*(self._pooled("embed", text) for text in request.texts))
        vectors = [[float(value) for value in data.tolist()][: request.dimensions or None] for data, _ in found]
        return Embeddings([unit(vector) for vector in vectors] if request.normalize else vectors,
                          [tokens for _, tokens in found])

    async def rerank(self, request: RerankRequest) -> Ranking:
        check_modality(self.description, Modality.RERANK, "reranking")
        found = await asyncio.gather(*(self._pooled("classify", request.query, each) for each in request.documents))
        return Ranking([float(data.reshape(-1)[0]) for data, _ in found], sum(tokens for _, tokens in found))

    async def _pooled(
        self, task: Literal["embed", "classify"], text: str, pair: str | None = None
    ) -> tuple[Any, int]:
        """The engine batches those that are asked at once. A vector comes as it is, of any length."""
        from vllm import PoolingParams

        read = self._tokenizer(text, text_pair=pair)
        ids, kinds = list(read["input_ids"]), list(read.get("token_type_ids") or [])
        if len(ids) > self.description.context_tokens:
            raise InputTooLong
        pooling = PoolingParams(task=task, use_activation=False if task == "embed" else None)
        if 1 in kinds:                    # where the second text begins, for models that were trained to know
            pooling.extra_kwargs = {"compressed_token_type_ids": kinds.index(1)}
        outputs = self._llm.encode({"prompt_token_ids": ids}, pooling, f"p{next(self._requests)}")
        last = [output async for output in outputs][-1]
        return last.outputs.data, len(ids)

    async def count(self, request: TokenizeRequest) -> TokenCount:
        return TokenCount(len(self._ids(request.messages, request.prompt, request.tools, None)))

    def _prompt(self, request: GenerateRequest) -> "TokensPrompt":
        prompt: TokensPrompt = {
            "prompt_token_ids": self._ids(request.messages, request.prompt, request.tools, request.reasoning)}
        pictures = [picture(part["data"]) for message in request.messages or [] for part in _parts(message)
                    if part["type"] == "image"]
        if pictures:
            prompt["multi_modal_data"] = {"image": pictures}
        return prompt

    def _ids(
        self, messages: list[Message] | None, prompt: str | None, tools: list[Tool], reasoning: bool | None
    ) -> list[int]:
        if prompt is not None:
            return list(self._tokenizer(prompt)["input_ids"])
        thinking = {} if reasoning is None else {"enable_thinking": reasoning}
        return list(self._tokenizer.apply_chat_template(
            [_message(message, self.description.images) for message in messages or []], tools=functions(tools) or None,
            add_generation_prompt=True, tokenize=True, return_dict=False, **thinking,
        ))

    def figures(self) -> Figures:
        return Figures(batch=self._running, device_memory_bytes=device_memory_bytes())

    async def sleep(self) -> bool:
        """Weights go to host memory, the KV cache is dropped."""
        await self._llm.sleep(level=1)
        return True

    async def wake(self) -> None:
        if await self._llm.is_sleeping():
            await self._llm.wake_up()

    async def close(self) -> None:
        self._llm.shutdown()


class _Told:
    """vLLM's outputs as text, and how they ended."""

    def __init__(self, context_tokens: int) -> None:
        self._context_tokens = context_tokens
        self._read = self._cached = self._written = 0
        self._reason: str | None = None
        self._stop: int | str | None = None

    def texts(self, output: "RequestOutput") -> list[Text]:
        [piece] = output.outputs
        self._read = len(output.prompt_token_ids or [])
        self._cached = output.num_cached_tokens or 0
        self._written += len(piece.token_ids)
        self._reason, self._stop = piece.finish_reason or self._reason, piece.stop_reason or self._stop
        return [Text(piece.text, len(piece.token_ids), _chances(piece))] if piece.text else []

    def finish(self) -> Finish:
        stop = self._stop if isinstance(self._stop, str) else ""
        reason = Reason.STOP if stop else Reason.LENGTH if self._reason == "length" else Reason.END
        if reason is Reason.LENGTH and self._read + self._written >= self._context_tokens:
            reason = Reason.CONTEXT
        return Finish(reason, Usage(self._read, self._written, self._cached), stop)


def _chances(piece: "CompletionOutput") -> list[TokenChance]:
    found = []
    for token, chances in zip(piece.token_ids, piece.logprobs or [], strict=False):
        if chances is None:
            continue
        top = sorted(chances.values(), key=lambda chance: -chance.logprob)
        chosen = chances[token]
        found.append(TokenChance(chosen.decoded_token or "", chosen.logprob,
                                 [(each.decoded_token or "", each.logprob) for each in top]))
    return found


def _parts(message: Message) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _message(message: Message, images: bool) -> dict[str, Any]:
    """Templates want the arguments of calls as objects, and text; or parts, where one of them is a picture."""
    said: dict[str, Any] = dict(message)
    if "reasoning" in said:
        said["reasoning_content"] = said.pop("reasoning")
    parts = _parts(message)
    if any(part["type"] == "image" for part in parts):
        if not images:
            raise InvalidInput("This model does not support images.")
        said["content"] = [{"type": "image"} if part["type"] == "image" else part for part in parts]
    elif parts:
        said["content"] = "".join(part["text"] for part in parts)
    if "tool_calls" in said:
        said["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": json.loads(call["function"]["arguments"])}}
            for call in said["tool_calls"]
        ]
    return said


def picture(data: bytes) -> Any:
    """As vLLM takes it, read by the library it brings. InvalidInput for what is none."""
    from PIL import Image, UnidentifiedImageError

    try:
        opened = Image.open(io.BytesIO(data))
        return opened.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InvalidInput("The image cannot be read.") from error


def device_memory_bytes() -> int:
    """Of the GPUs, by this process and its own; 0 where the driver does not say."""
    from vllm.third_party import pynvml

    try:
        pynvml.nvmlInit()
        ours = {str(os.getpid()), *Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        return sum(each.usedGpuMemory or 0 for handle in handles
                   for each in pynvml.nvmlDeviceGetComputeRunningProcesses(handle) if str(each.pid) in ours)
    except (pynvml.NVMLError, OSError):
        return 0
