"""llama.cpp by way of xllamacpp: any GGUF file, on the CPU or on what its build supports. The default engine.

Generation, embedding and ranking go through the library's calls, each in a thread that waits for it; the library
batches them. Its server also insists on an HTTP listener: that is a socket in a private directory, under a key that
nobody else has (llama_http.py), and is used for the two things the library has no call for, templates and tokens.

What must be valid (a schema, a demanded tool call) is decoded under a grammar from the prompt that the template writes;
everything else is the library's own chat completion, which parses calls and thoughts as the template has them.
"""

import asyncio
import base64
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Any

import structlog

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.cutting import Calls, Stops, unit
from actors.runtime.inference.engines.engine import Engine, Figures, check_modality, functions
from actors.runtime.inference.engines.llama_http import LlamaHttp
from actors.runtime.inference.engines.llama_stream import Chunks, error_of
from actors.runtime.inference.protocol import (
    Description,
    Embeddings,
    EmbedRequest,
    Event,
    GenerateRequest,
    InvalidInput,
    Message,
    Modality,
    ModelFailed,
    Ranking,
    RerankRequest,
    TokenCount,
    TokenizeRequest,
    Tool,
)

CONTEXT_TOKENS = 4096                     # of each generation, where the entry says nothing
BATCH_TOKENS = 256                        # of a prompt at a time: a cancel is heard between two
PROMPTS_KEPT_MIB = 256                    # of prompts read before, beside those in the context
SCHEMAS_REMEMBERED = 1024
# JSON as models write it, and no more blanks: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
# Its threads wait for one another many times a token. libgomp's would spin, for milliseconds, on cores that the broker
# or another model needs: on a busy machine of two cores a token took several times as long as when they sleep.
NO_SPINNING = ("GOMP_SPINCOUNT", "0")
SOCKET_PATH_MAX = 100                     # sockaddr_un ends at 107 bytes
ALL_LAYERS = 999                          # on the GPU

log = structlog.get_logger()


async def load(entry: Entry, directory: Path) -> Engine:
    """ModelFailed: there is no such file, or llama.cpp cannot read it. While it loads, nothing else runs here: the
    library keeps Python's lock."""
    socket = directory / "llama.sock"
    if len(str(socket)) > SOCKET_PATH_MAX:
        socket = Path(tempfile.mkdtemp(prefix="skybus-")) / "llama.sock"    # 0700
    http = LlamaHttp(socket, secrets.token_hex(32))
    server = await asyncio.to_thread(_open, entry, http)
    described = _described(entry, await http.get("/props"), await http.get("/v1/models"))
    return Llama(entry, server, http, described)


def _open(entry: Entry, http: LlamaHttp) -> Any:
    if not Path(entry.path).is_file():
        raise ModelFailed(f"There is no file of the model {entry.id}.")
    os.putenv(*NO_SPINNING)               # before libgomp is loaded, which reads it once
    try:
        import xllamacpp
    except ImportError as error:
        raise ModelFailed("llama.cpp is not installed here: pip install xllamacpp.") from error
    params = xllamacpp.CommonParams()
    params.model.path = entry.path
    params.hostnames, params.port, params.api_keys = [str(http.socket)], 0, [http.key]
    params.ui = params.warmup = params.fit_params = params.endpoint_slots = params.endpoint_metrics = False
    params.verbosity = 0                  # not a line for each request that is wrong
    params.n_parallel = entry.parallel
    params.n_ctx = (entry.context_tokens or CONTEXT_TOKENS) * entry.parallel
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cache_ram_mib = PROMPTS_KEPT_MIB
    params.n_gpu_layers = ALL_LAYERS if entry.gpu else 0
    params.lora_init_without_apply = True
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in entry.adapters.values()]
    params.embedding = True
    pooling = xllamacpp.llama_pooling_type
    if entry.modality is Modality.TEXT:
        params.pooling_type = pooling.LLAMA_POOLING_TYPE_MEAN
    else:
        params.kv_unified = True          # else a batch of several texts is cut, and means are of their last pieces
        params.n_batch = params.n_ubatch = entry.context_tokens or CONTEXT_TOKENS
    if entry.modality is Modality.RERANK:
        params.pooling_type = pooling.LLAMA_POOLING_TYPE_RANK
    for name, value in entry.options.items():
        if name == "mmproj":
            params.mmproj.path = value
        elif name == "pooling":           # of an embedding model that does not say: mean, cls, last
            params.pooling_type = getattr(pooling, f"LLAMA_POOLING_TYPE_{str(value).upper()}")
        elif name == "threads":
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = value
        elif isinstance(value, str | int | float) and hasattr(params, name):
            setattr(params, name, value)
        else:
            raise ModelFailed(f"llama.cpp has no option {name}.")
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        http.socket.unlink(missing_ok=True)
        params.verbosity = 2              # once more, and the log says why
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelFailed(f"llama.cpp cannot load the file of the model {entry.id}.") from error


def _described(entry: Entry, props: dict[str, Any], models: dict[str, Any]) -> Description:
    meta = models["data"][0]["meta"]
    text = entry.modality is Modality.TEXT
    return Description(
        entry.id, "llama", props["default_generation_settings"]["n_ctx"],
        [Modality.TEXT, Modality.EMBEDDING] if text else [entry.modality],
        tools=text and bool(props["chat_template_caps"]["supports_tools"]), images=bool(props["modalities"]["vision"]),
        vocabulary=meta["n_vocab"], embedding_dimensions=meta["n_embd"], parallel=entry.parallel,
        memory_bytes=resident_bytes(), adapters=list(entry.adapters),
    )


def resident_bytes() -> int:
    """Of this process, which is the model's own. 0 where it cannot be told."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class Llama:
    def __init__(self, entry: Entry, server: Any, http: LlamaHttp, described: Description) -> None:
        self.description = described
        self._server = server
        self.http = http
        self._adapters = list(entry.adapters)
        self._threads = ThreadPoolExecutor(entry.parallel, thread_name_prefix="llama")
        self._running = 0
        self._embedding = asyncio.Lock()
        self._schemas: set[str] = set()   # that can be followed

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event, None]:
        check_modality(self.description, Modality.TEXT, "text generation")
        calls, stops, chunks = Calls(request), Stops(request.stop), Chunks(self.description.context_tokens)
        call, body = await self._prepared(request, calls.schema or request.schema)
        self._running += 1
        try:
            async with aclosing(self._streamed(call, body)) as stream:
                async for chunk in stream:
                    for event in chunks.events(chunk):
                        for each in calls.told(event) if calls.demanded else stops.told(event):
                            yield each
                    if stops.matched:
                        break
            if not stops.matched:
                for each in stops.rest():
                    yield each
            yield calls.finish(chunks.finish(stops.matched))
        finally:
            self._running -= 1

    async def _prepared(
        self, request: GenerateRequest, schema: dict[str, Any] | None
    ) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The library's call, and what to call it with."""
        body = _sampling(request)
        if self._adapters:
            if request.adapter and request.adapter not in self._adapters:
                raise InvalidInput(f"The model has no adapter {request.adapter}.")
            body["lora"] = [
                {"id": number, "scale": float(name == request.adapter)} for number, name in enumerate(self._adapters)
            ]
        if request.prompt is not None:
            body |= {"prompt": request.prompt}
        elif schema is not None:
            body |= {"prompt": await self.templated(request.messages or [], request.tools, thinking=False)}
        else:
            body |= _chat(request.messages or [], request.tools)
            body["tool_choice"] = request.tool_choice if request.tools else "none"
            if request.reasoning is not None:
                body["chat_template_kwargs"] = {"enable_thinking": request.reasoning}
            return self._server.handle_chat_completions, body
        if schema is not None:
            body["json_schema"] = await self._followed(schema)
        return self._server.handle_completions, body

    async def _followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema as the library is told it. InvalidInput when it cannot follow it: it would then let the model say
        anything, so it is asked for one token first, and pushed towards one that begins no JSON."""
        told = {**schema, "x-guidance": SPACING}
        key = json.dumps(told, sort_keys=True)
        if key not in self._schemas:
            body = {"prompt": "x", "json_schema": told, "logit_bias": [["x", 1000]], "temperature": 0, "max_tokens": 1}
            answer = await self._answered(self._server.handle_completions, body)
            if answer["choices"][0]["text"].strip() in ("", "x"):
                raise InvalidInput("The JSON schema is invalid, or uses what the model's engine cannot follow.")
            if len(self._schemas) >= SCHEMAS_REMEMBERED:
                self._schemas.clear()
            self._schemas.add(key)
        return told

    async def _streamed(self, call: Callable[..., Any], body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of one completion. Left early, it stops at the library's next sign of life, and is waited for."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        left = False

        def take(chunk: dict[str, Any]) -> bool:
            loop.call_soon_threadsafe(arrived.put_nowait, chunk)
            return left

        def run() -> None:
            try:
                call(body, take)
            finally:
                loop.call_soon_threadsafe(arrived.put_nowait, None)

        done = loop.run_in_executor(self._threads, run)
        try:
            while (chunk := await arrived.get()) is not None:
                yield chunk
            await done
        except ValueError as error:       # what it refuses before it begins
            raise InvalidInput(str(error)) from error
        finally:
            left = True
            await asyncio.wait([done])

    async def embed(self, request: EmbedRequest) -> Embeddings:
        check_modality(self.description, Modality.EMBEDDING, "embeddings")
        vectors, tokens = await self._embedded(request.texts)
        vectors = [vector[: request.dimensions or None] for vector in vectors]
        return Embeddings([unit(vector) for vector in vectors] if request.normalize else vectors, tokens)

    async def _embedded(self, texts: list[str]) -> tuple[list[list[float]], list[int]]:
        """Together, by a model that only embeds; of one that also writes, one by one, since the library would cut the
        batch between them and take means of what is left."""
        if Modality.TEXT in self.description.modalities and len(texts) > 1:
            each = [await self._embedded([text]) for text in texts]
            return [vectors[0] for vectors, _ in each], [tokens[0] for _, tokens in each]
        async with self._embedding if Modality.TEXT in self.description.modalities else nullcontext():
            answer = await self._answered(self._server.handle_embeddings, {"input": texts, "embd_normalize": -1})
        vectors = [each["embedding"] for each in sorted(answer["data"], key=lambda each: each["index"])]
        if len(texts) == 1:
            return vectors, [answer["usage"]["prompt_tokens"]]
        return vectors, [len(await self.http.tokens(text)) for text in texts]

    async def rerank(self, request: RerankRequest) -> Ranking:
        check_modality(self.description, Modality.RERANK, "reranking")
        answer = await self._answered(
            self._server.handle_rerank, {"query": request.query, "documents": request.documents}
        )
        scores = {each["index"]: float(each["relevance_score"]) for each in answer["results"]}
        return Ranking([scores[number] for number in range(len(request.documents))], answer["usage"]["prompt_tokens"])

    async def count(self, request: TokenizeRequest) -> TokenCount:
        if request.prompt is not None:
            return TokenCount(len(await self.http.tokens(request.prompt)))
        return TokenCount(len(await self.http.tokens(await self.templated(request.messages or [], request.tools))))

    async def _answered(self, call: Callable[..., Any], body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await asyncio.get_running_loop().run_in_executor(self._threads, call, body)
        if "error" in answer:
            raise error_of(answer["error"])
        return answer

    async def templated(self, messages: list[Message], tools: list[Tool], thinking: bool | None = None) -> str:
        """The prompt that the model's template makes of a conversation."""
        body = _chat(messages, tools)
        if thinking is not None:
            body["chat_template_kwargs"] = {"enable_thinking": thinking}
        answer = await self.http.post("/apply-template", body)
        prompt: str = answer["prompt"]
        return prompt

    def figures(self) -> Figures:
        return Figures(batch=self._running)

    async def sleep(self) -> bool:
        return False                      # its weights are the page cache's

    async def wake(self) -> None: ...

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._server = None
        shutil.rmtree(self.http.socket.parent, ignore_errors=True)


def _sampling(request: GenerateRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        **request.sampling.given, "stream": True, "timings_per_token": True, "return_progress": True}
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.logprobs} if request.messages is not None \
            else {"logprobs": max(1, request.logprobs)}
    return body


def _chat(messages: list[Message], tools: list[Tool]) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [_message(message) for message in messages]}
    if tools:
        body["tools"] = functions(tools)
    return body


def _message(message: Message) -> dict[str, Any]:
    said: dict[str, Any] = dict(message)
    if "reasoning" in said:
        said["reasoning_content"] = said.pop("reasoning")
    if isinstance(content := said.get("content"), list):
        said["content"] = [_part(part) for part in content]
    return said


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] != "image":
        return part
    data = base64.b64encode(part["data"]).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/{part['format']};base64,{data}"}}
