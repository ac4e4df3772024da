"""Models over the bus and over HTTP beside the same engine called in its own process, in one run; what batching brings.

    python -m tests.load.bench_models [--streams 16] [--tokens 64] [--rounds 3]

The model is a random one of 154 M parameters in 32 bits (618 MB), written by this script (needs the packages gguf and
numpy): reading its weights is what a token costs, as with models that are of use, so a step for sixteen costs little
more than a step for one. Prompts are short: reading one costs alone what it costs in a batch.

`direct` calls the engine in a process of its own, `bus` goes through the broker and a model host, `gateway` is
InvokeModelWithResponseStream over HTTP, signed, through everything there is. They take turns, since what else the
machine does changes; differences and ratios are medians of those within a round.
"""

import argparse
import asyncio
import base64
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.engine import open_engine
from actors.runtime.inference.protocol import (
    Event,
    Finish,
    GenerateRequest,
    Reason,
    Sampling,
    Text,
    Usage,
)
from tests import servers

MODEL = "bench.random-v1"
Generate = Callable[[GenerateRequest], AsyncGenerator[Event, None]]
Figures = dict[str, float]


def random_model(path: Path, width: int = 1024, layers: int = 12, heads: int = 16, hidden: int = 2816) -> None:
    """A Llama of noise with a tokenizer of bytes."""
    import gguf
    import numpy as np

    out, chance = gguf.GGUFWriter(str(path), "llama"), np.random.default_rng(0)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * 256]
    for name, value in {
        "context_length": 2048, "embedding_length": width, "block_count": layers, "feed_forward_length": hidden,
        "head_count": heads, "head_count_kv": heads, "layer_norm_rms_eps": 1e-5, "rope_dimension_count": width // heads,
        "vocab_size": len(tokens), "tokenizer_model": "llama", "tokenizer_pre": "default", "token_list": tokens,
        "token_scores": [0.0] * len(tokens), "token_types": kinds, "bos_token_id": 1, "eos_token_id": 2,
        "unk_token_id": 0,
    }.items():
        getattr(out, f"add_{name}")(value)
    shapes = {"token_embd": (len(tokens), width), "output": (len(tokens), width)}
    for layer in range(layers):
        shapes |= {f"blk.{layer}.attn_{name}": (width, width) for name in ("q", "k", "v", "output")}
        shapes |= {f"blk.{layer}.ffn_{name}": (hidden, width) for name in ("gate", "up")}
        shapes[f"blk.{layer}.ffn_down"] = (width, hidden)
        for name in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))
    out.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for name, shape in shapes.items():
        out.add_tensor(f"{name}.weight", (chance.standard_normal(shape, np.float32) * 0.02).astype(np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def entry(path: str, streams: int, threads: int) -> Entry:
    options = {"threads": threads} if threads else {}
    return Entry(MODEL, "llama", path, parallel=streams, context_tokens=512, memory_bytes=2**29, options=options)


async def one(generate: Generate, number: int, tokens: int) -> tuple[float, int]:
    """Seconds to the first event, and tokens written. Of a prompt that nobody has read before."""
    sampling = Sampling(max_tokens=tokens, seed=number)
    request = GenerateRequest(prompt=secrets.token_hex(4), sampling=sampling)
    began, first, written = time.perf_counter(), 0.0, 0
    async with aclosing(generate(request)) as events:
        async for event in events:
            first = first or time.perf_counter() - began
            if isinstance(event, Finish):
                written = event.usage.output
    return first, written


async def measured(generate: Generate, streams: int, tokens: int) -> Figures:
    await one(generate, 0, 4)
    began = time.perf_counter()
    alone = [await one(generate, number, tokens) for number in range(streams)]
    sequential = sum(written for _, written in alone) / (time.perf_counter() - began)
    began = time.perf_counter()
    together = await asyncio.gather(*(one(generate, number + streams, tokens) for number in range(streams)))
    batched = sum(written for _, written in together) / (time.perf_counter() - began)
    return {"tokens/s sequential": sequential, f"tokens/s at {streams}": batched, "batching": batched / sequential,
            "first token ms, alone": statistics.median(first for first, _ in alone) * 1000}


async def direct(path: str, streams: int, tokens: int, threads: int) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        engine = await open_engine(entry(path, streams, threads), Path(directory))
        found = await measured(engine.generate, streams, tokens)
        await engine.close()
        return found


async def bus(path: str, streams: int, tokens: int, threads: int, data: Path) -> Figures:
    from tests.crash.test_models import ALICE, models_of

    async with models_of(data) as models:
        models.catalogue.add(entry(path, streams, threads))
        return await measured(lambda request: models.generate(MODEL, request, ALICE), streams, tokens)


async def gateway(endpoint: str, streams: int, tokens: int) -> Figures:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def generate(request: GenerateRequest) -> AsyncGenerator[Event, None]:
            """An event per piece that arrives; what they say is looked at when all have."""
            url = f"{endpoint}/model/{MODEL}/invoke-with-response-stream"
            body = json.dumps({"prompt": request.prompt, "max_tokens": request.sampling.max_tokens,
                               "seed": request.sampling.seed})
            arrived = bytearray()
            async with session.post(url, data=body, headers=signed(url, body)) as response:
                response.raise_for_status()
                async for piece in response.content.iter_any():
                    arrived += piece
                    yield Text("")
            yield Finish(Reason.END, Usage(0, written(bytes(arrived))))

        return await measured(generate, streams, tokens)


def signed(url: str, body: str) -> dict[str, str]:
    request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "bedrock", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def written(arrived: bytes) -> int:
    """Tokens, as the last chunk of a stream tells them."""
    buffer = EventStreamBuffer()
    buffer.add_data(arrived)
    [*_, last] = list(buffer)
    chunk = json.loads(base64.b64decode(json.loads(last.payload)["bytes"]))
    count: int = chunk["amazon-bedrock-invocationMetrics"]["outputTokenCount"]
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of the engine; 0: as it is")
    parser.add_argument("--model", default="", help="a GGUF file instead of the random one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.direct:
        print(json.dumps(asyncio.run(direct(options.model, options.streams, options.tokens, options.threads))))
        return
    with tempfile.TemporaryDirectory() as directory:
        path = options.model or str(Path(directory) / "random.gguf")
        if not options.model:
            random_model(Path(path))
        data, catalogue = Path(directory) / "data", Path(directory) / "models.toml"
        limit = f"options = {{threads = {options.threads}}}\n" if options.threads else ""
        catalogue.write_text(f'[[model]]\nid = "{MODEL}"\npath = "{path}"\nparallel = {options.streams}\n'
                             f"context_tokens = 512\n{limit}")
        rounds = []
        with servers.skybus("--models", str(catalogue), data_dir=data) as server:
            for _ in range(options.rounds):
                rounds.append({
                    "direct": alone(path, options),
                    "bus": asyncio.run(bus(path, options.streams, options.tokens, options.threads, data)),
                    "gateway": asyncio.run(gateway(server.endpoint, options.streams, options.tokens))})
                print(json.dumps(rounds[-1]), file=sys.stderr)
        servers.show(summary(rounds), options.json)


def alone(path: str, options: argparse.Namespace) -> Figures:
    """`direct` in a process of its own: an engine leaves threads."""
    argv = [sys.executable, "-m", "tests.load.bench_models", "--direct", "--model", path,
            "--streams", str(options.streams), "--tokens", str(options.tokens), "--threads", str(options.threads)]
    figures: Figures = json.loads(subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout)
    return figures


def summary(rounds: list[dict[str, Figures]]) -> list[dict[str, object]]:
    """Medians of each, and of differences and ratios to `direct` within a round."""
    names = list(rounds[0]["direct"])

    def row(what: str, values: Callable[[str], list[float]]) -> dict[str, object]:
        return {"what": what, **{name: statistics.median(values(name)) for name in names}}

    def ways(way: str) -> list[dict[str, object]]:
        pairs = [(each["direct"], each[way]) for each in rounds]
        return [row(f"{way} - direct", lambda name: [over[name] - direct[name] for direct, over in pairs]),
                row(f"{way} / direct", lambda name: [over[name] / direct[name] for direct, over in pairs])]

    rows = [row(way, partial(lambda way, name: [each[way][name] for each in rounds], way)) for way in rounds[0]]
    return [*rows, *ways("bus"), *ways("gateway")]


if __name__ == "__main__":
    main()
