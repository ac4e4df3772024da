"""vLLM on a GPU, through host and bus beside the same engine in a process of its own; two models on it; sleep; Ray.

    python -m tests.load.bench_gpu [--size 8b] [--streams 1,32,256] [--tokens 128] [--only direct,bus,share,sleep,ray]

Needs a GPU and the extras `gpu` and (for `ray`) `ray`. The models are folders that this script makes: a Llama's
configuration, a tokenizer of bytes, and weights of noise, which vLLM makes itself (load_format = dummy). Memory is what
the driver says the whole GPU has in use. Not run yet: no GPU was to be had.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from actors.runtime.inference.catalogue import Entry
from actors.runtime.inference.engines.engine import open_engine
from actors.runtime.inference.models import Models
from actors.runtime.inference.placement import Placement
from actors.runtime.inference.protocol import to_map
from actors.runtime.inference.replicas import host_names
from tests import servers
from tests.load.bench_models import Generate, one

SIZES = {
    "1b": {"hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
           "intermediate_size": 8192},
    "8b": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
           "intermediate_size": 14336},
}
VOCABULARY = 32_000
CONTEXT_TOKENS = 4096
Row = dict[str, object]


def folder(at: Path, size: str) -> Path:
    """As Hugging Face has models, but for the weights."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    at.mkdir(parents=True)
    (at / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_act": "silu",
        "max_position_embeddings": CONTEXT_TOKENS, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "bos_token_id": 256,
        "eos_token_id": 257, "tie_word_embeddings": False, "torch_dtype": "bfloat16", **SIZES[size]}))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {word: number for number, word in enumerate(
        [*letters, "<s>", "</s>", *(f"<{number}>" for number in range(258, VOCABULARY))])}
    tokenizer = Tokenizer(models.BPE(words, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.save(str(at / "tokenizer.json"))
    (at / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
        "chat_template": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"}))
    return at


def entry(name: str, path: Path, parallel: int, gpu: float) -> Entry:
    options = {"load_format": "dummy", "dtype": "bfloat16"}
    return Entry(f"bench.{name}", "vllm", str(path), parallel=parallel, waiting_max=1024, gpu=gpu, options=options,
                 context_tokens=CONTEXT_TOKENS, memory_bytes=2**28)


async def measured(what: str, generate: Generate, streams: Sequence[int], tokens: int) -> list[Row]:
    await one(generate, 0, 8)
    rows: list[Row] = []
    for count in streams:
        began = time.perf_counter()
        found = await asyncio.gather(*(one(generate, 1000 * count + number, tokens) for number in range(count)))
        seconds = time.perf_counter() - began
        rows.append({"what": what, "streams": count, "tokens/s": sum(written for _, written in found) / seconds,
                     "first token ms": statistics.median(first for first, _ in found) * 1000,
                     "GPU MiB": used_mib()})
    return rows


def used_mib() -> int:
    """Of the first GPU, by everyone."""
    argv = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    return int(subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout)


async def direct(path: Path, streams: Sequence[int], tokens: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        engine = await open_engine(entry("direct", path, max(streams), 1.0), Path(directory))
        rows = await measured("direct", engine.generate, streams, tokens)
        await engine.close()
        return rows


async def over(models: Models, name: str, what: str, streams: Sequence[int], tokens: int) -> list[Row]:
    from tests.crash.test_models import ALICE

    while True:                           # loading takes longer than who asks waits
        try:
            await models.describe(name)
            break
        except Exception as error:
            if getattr(error, "error_code", "") != "ModelNotReadyException":
                raise
            await asyncio.sleep(1)
    return await measured(what, lambda request: models.generate(name, request, ALICE), streams, tokens)


async def bus(models: Models, path: Path, streams: Sequence[int], tokens: int) -> list[Row]:
    models.catalogue.add(entry("bus", path, max(streams), 1.0))
    return await over(models, "bench.bus", "bus", streams, tokens)


async def share(models: Models, path: Path, streams: Sequence[int], tokens: int) -> list[Row]:
    """Two models, half of the GPU each: one alone, then both at once."""
    for name in ("left", "right"):
        models.catalogue.add(entry(name, path, max(streams), 0.48))
    rows = await over(models, "bench.left", "one of two", streams, tokens)
    await over(models, "bench.right", "", [1], 8)
    both = await asyncio.gather(*(over(models, f"bench.{name}", f"{name}, both at once", streams, tokens)
                                  for name in ("left", "right")))
    return [*rows, *both[0], *both[1]]


async def sleep(models: Models, path: Path, streams: Sequence[int], tokens: int) -> list[Row]:
    """A host is put to sleep and woken by the next Load; what that takes, and gives back."""
    name = "bench.sleeper"
    models.catalogue.add(entry("sleeper", path, max(streams), 1.0))
    rows = await over(models, name, "awake", [1], tokens)
    model = models.resolve(name)
    host = next(host_names(model))
    for what, operation, params in (("asleep", "Sleep", {}), ("awake again", "Load", to_map(model))):
        began = time.perf_counter()
        await models.client.call("model", operation, params, at=host, timeout_s=300.0)
        rows.append({"what": f"{what} after {time.perf_counter() - began:.2f} s", "streams": 0, "tokens/s": 0.0,
                     "first token ms": 0.0, "GPU MiB": used_mib()})
    return [*rows, *await over(models, name, "after waking", [1], tokens)]


async def ray(models: Models, path: Path, streams: Sequence[int], tokens: int) -> list[Row]:
    """Two Ray actors on halves of one GPU."""
    return [{**row, "what": f"ray: {row['what']}"} for row in await share(models, path, streams, tokens)]


def placement_of(data: Path) -> Placement:
    """Ray's, as deploy/models.py makes it."""
    from actors.runtime.inference.ray_placement import Access, RayPlacement
    from deploy.broker import MODELS, RUN_FILE, read_run

    run = read_run(data / "run" / RUN_FILE)
    user = run.users[MODELS]
    return RayPlacement(Access(run.url, user.user, user.password, user.inbox_prefix), data / "run", os.environ.update)


async def part(name: str, path: Path, streams: Sequence[int], tokens: int, data: Path) -> list[Row]:
    from tests.crash.test_models import models_of

    async with models_of(data, placement_of(data) if name == "ray" else None) as models:
        return await PARTS[name](models, path, streams, tokens)


Part = Callable[[Models, Path, Sequence[int], int], Awaitable[list[Row]]]
PARTS: dict[str, Part] = {"bus": bus, "share": share, "sleep": sleep, "ray": ray}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="1b")
    parser.add_argument("--streams", default="1,32,256")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--only", default=f"direct,{','.join(PARTS)}")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--direct", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    streams = [int(each) for each in options.streams.split(",")]
    if options.direct:
        print(json.dumps(asyncio.run(direct(Path(options.direct), streams, options.tokens))))
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as directory:
        path = folder(Path(directory) / "model", options.size)
        for name in options.only.split(","):
            if name == "direct":
                argv = [sys.executable, "-m", "tests.load.bench_gpu", "--direct", str(path),
                        "--streams", options.streams, "--tokens", str(options.tokens)]
                said = subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE).stdout
                rows += json.loads(said.splitlines()[-1])
                continue
            data = Path(directory) / name
            with servers.skybus(data_dir=data):     # one each: its end gives the GPU back
                rows += asyncio.run(part(name, path, streams, options.tokens, data))
    servers.show(rows, options.json)


if __name__ == "__main__":
    main()
