"""Models through host and bus beside the same engine called in its own process, in one run; and what batching brings.

    python -m tests.load.bench_models [--streams 16] [--tokens 32] [--pairs 3]

The model is a random one of 154 M parameters in 16 bits (309 MB), written by this script (needs the packages gguf and
numpy): reading its weights is what a token costs, as with models that are of use, so a step for sixteen costs little
more than a step for one. `direct` calls the engine in a process of its own, `bus` goes through the broker and a model
host. They take turns, a pair at a time, since what else the machine does changes; ratios are the median of the pairs'.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.engine import open_engine
from actors.runtime.inference.protocol import Event, Finish, GenerateRequest, Sampling
from tests import servers

MODEL = "bench.random-v1"
PROMPT = "The quick brown fox jumps over the lazy dog."
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
        out.add_tensor(f"{name}.weight", (chance.standard_normal(shape, np.float32) * 0.02).astype(np.float16))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def entry(path: str, streams: int) -> Entry:
    return Entry(MODEL, "llama", path, parallel=streams, context_tokens=512, memory_bytes=2**29)


async def one(generate: Generate, number: int, tokens: int) -> tuple[float, int]:
    """Seconds to the first event, and tokens written."""
    request = GenerateRequest(prompt=f"{number} {PROMPT}", sampling=Sampling(max_tokens=tokens, seed=number))
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


async def direct(path: str, streams: int, tokens: int) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        engine = await open_engine(entry(path, streams), Path(directory))
        found = await measured(engine.generate, streams, tokens)
        await engine.close()
        return found


async def bus(path: str, streams: int, tokens: int, data: Path) -> Figures:
    from tests.crash.test_models import ALICE, models_of

    async with models_of(data) as models:
        models.catalogue.add(entry(path, streams))
        return await measured(lambda request: models.generate(MODEL, request, ALICE), streams, tokens)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--model", default="", help="a GGUF file instead of the random one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.direct:
        print(json.dumps(asyncio.run(direct(options.model, options.streams, options.tokens))))
        return
    with tempfile.TemporaryDirectory() as directory:
        path = options.model or str(Path(directory) / "random.gguf")
        if not options.model:
            random_model(Path(path))
        data = Path(directory) / "data"
        with servers.skybus(data_dir=data):
            pairs = [(alone(path, options), asyncio.run(bus(path, options.streams, options.tokens, data)))
                     for _ in range(options.pairs)]
        servers.show(summary(pairs), options.json)


def alone(path: str, options: argparse.Namespace) -> Figures:
    """`direct` in a process of its own: an engine leaves threads."""
    argv = [sys.executable, "-m", "tests.load.bench_models", "--direct", "--model", path,
            "--streams", str(options.streams), "--tokens", str(options.tokens)]
    figures: Figures = json.loads(subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout)
    return figures


def summary(pairs: list[tuple[Figures, Figures]]) -> list[dict[str, object]]:
    """Medians of both, and of their differences and ratios in each pair."""
    names = list(pairs[0][0])

    def row(what: str, of: Callable[[float, float], float]) -> dict[str, object]:
        return {"what": what, **{name: statistics.median(of(direct[name], over[name]) for direct, over in pairs)
                                 for name in names}}

    return [row("direct", lambda direct, over: direct), row("bus", lambda direct, over: over),
            row("bus - direct", lambda direct, over: over - direct),
            row("bus / direct", lambda direct, over: over / direct)]


if __name__ == "__main__":
    main()
