"""Makes skybus-tiny-toy-v1.gguf: a Llama of about a million parameters, trained for some minutes on a CPU.

    pip install jax gguf
    python -m actors.runtime.inference.tiny.train [--steps 1500]

The architecture is llama.cpp's "llama": RMS norms, rotary positions on neighbouring pairs, SwiGLU, tied embeddings.
The file is committed; this is how to make it again, or another. Neither package is needed to run it.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import gguf
import jax
import jax.numpy as jnp
import numpy as np

from actors.runtime.inference.tiny import corpus
from actors.runtime.inference.tiny.bpe import Tokenizer, learn

FILE = Path(__file__).with_name("skybus-tiny-toy-v1.gguf")
TEMPLATE = Path(__file__).with_name("template.jinja")
SEED = 20_26
BPE_TEXTS = 6_000
EPSILON, ROPE_BASE = 1e-5, 10_000.0
CONTEXT_TOKENS = 4096                     # what it accepts; it was trained on Shape.length at a time


@dataclass(frozen=True)
class Shape:
    vocabulary: int = 1024
    width: int = 128
    layers: int = 4
    heads: int = 4
    hidden: int = 352
    length: int = 256
    batch: int = 16


Weights = dict[str, Any]


def weights(shape: Shape) -> Weights:
    """By the names llama.cpp has for them; matrices as (out, in)."""
    chance = np.random.default_rng(SEED)

    def matrix(rows: int, columns: int, scale: float = 1.0) -> Any:
        return jnp.asarray(chance.standard_normal((rows, columns)) * scale / np.sqrt(columns), jnp.float32)

    width, hidden = shape.width, shape.hidden
    made: Weights = {
        "token_embd": matrix(shape.vocabulary, width, 0.5), "output_norm": jnp.ones(width, jnp.float32),
    }
    for layer in range(shape.layers):
        deep = 1 / np.sqrt(2 * shape.layers)
        made |= {f"blk.{layer}.{name}": value for name, value in {
            "attn_norm": jnp.ones(width, jnp.float32), "ffn_norm": jnp.ones(width, jnp.float32),
            "attn_q": matrix(width, width), "attn_k": matrix(width, width), "attn_v": matrix(width, width),
            "attn_output": matrix(width, width, deep),
            "ffn_gate": matrix(hidden, width), "ffn_up": matrix(hidden, width), "ffn_down": matrix(width, hidden, deep),
        }.items()}
    return made


def logits(made: Weights, tokens: Any, shape: Shape) -> Any:
    """Of the next token at each place; tokens: (batch, length)."""
    batch, length = tokens.shape
    size = shape.width // shape.heads
    angles = jnp.arange(length)[:, None] / ROPE_BASE ** (jnp.arange(0, size, 2) / size)[None, :]
    sine, cosine = jnp.sin(angles)[None, :, None], jnp.cos(angles)[None, :, None]
    unseen = jnp.triu(jnp.full((length, length), -1e9), 1)

    def normal(x: Any, scale: Any) -> Any:
        return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPSILON) * scale

    def heads(x: Any, name: str) -> Any:
        return (x @ made[name].T).reshape(batch, length, shape.heads, size)

    def turned(x: Any) -> Any:
        even, odd = x[..., 0::2], x[..., 1::2]
        pairs = jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1)
        return pairs.reshape(x.shape)

    x = made["token_embd"][tokens]
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        y = normal(x, made[block + "attn_norm"])
        q, k, v = turned(heads(y, block + "attn_q")), turned(heads(y, block + "attn_k")), heads(y, block + "attn_v")
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(size) + unseen
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v).reshape(batch, length, shape.width)
        x = x + mixed @ made[block + "attn_output"].T
        y = normal(x, made[block + "ffn_norm"])
        gate = jax.nn.silu(y @ made[block + "ffn_gate"].T) * (y @ made[block + "ffn_up"].T)
        x = x + gate @ made[block + "ffn_down"].T
    return normal(x, made["output_norm"]) @ made["token_embd"].T


def batches(tokenizer: Tokenizer, shape: Shape) -> Iterator[Any]:
    """Texts end to end, cut."""
    stream = corpus.texts(SEED)
    size = shape.batch * (shape.length + 1)
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            waiting += tokenizer.encode(next(stream))
        yield np.array(waiting[:size], np.int32).reshape(shape.batch, shape.length + 1)
        waiting = waiting[size:]


def train(tokenizer: Tokenizer, shape: Shape, steps: int) -> Weights:
    """Adam with a warm-up and a cosine to the end."""

    def loss(made: Weights, tokens: Any) -> Any:
        chances = jax.nn.log_softmax(logits(made, tokens[:, :-1], shape))
        return -jnp.take_along_axis(chances, tokens[:, 1:, None], -1).mean()

    def step(made: Weights, first: Weights, second: Weights, tokens: Any, number: Any) -> Any:
        value, slope = jax.value_and_grad(loss)(made, tokens)
        rate = 3e-3 * jnp.minimum(number / 50, 0.5 * (1 + jnp.cos(jnp.pi * number / steps))) + 1e-5
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.98 * v + 0.02 * g * g, second, slope)
        made = jax.tree.map(
            lambda w, m, v: w - rate * (m / (1 - 0.9**number)) / (jnp.sqrt(v / (1 - 0.98**number)) + 1e-8),
            made, first, second,
        )
        return made, first, second, value

    quick = jax.jit(step)
    made = weights(shape)
    first = second = jax.tree.map(jnp.zeros_like, made)
    began = time.monotonic()
    for number, tokens in enumerate(islice(batches(tokenizer, shape), steps), 1):
        made, first, second, value = quick(made, first, second, tokens, float(number))
        if number % 50 == 0:
            print(f"step {number} loss {float(value):.3f} after {time.monotonic() - began:.0f} s", flush=True)
    return made


def write(path: Path, made: Weights, tokenizer: Tokenizer, shape: Shape) -> None:
    """GGUF: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Matrices as 16-bit floats."""
    out = gguf.GGUFWriter(str(path), "llama")
    out.add_name(f"{corpus.NAME}: a toy that cannot reason")
    out.add_description("Trained by tiny/train.py of Skybus on Python's docstrings. Not for use.")
    out.add_license("Apache-2.0")
    out.add_context_length(CONTEXT_TOKENS)
    out.add_embedding_length(shape.width)
    out.add_block_count(shape.layers)
    out.add_feed_forward_length(shape.hidden)
    out.add_head_count(shape.heads)
    out.add_head_count_kv(shape.heads)
    out.add_layer_norm_rms_eps(EPSILON)
    out.add_rope_dimension_count(shape.width // shape.heads)
    out.add_rope_freq_base(ROPE_BASE)
    out.add_vocab_size(shape.vocabulary)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokenizer.tokens)
    specials = len(tokenizer.specials)
    out.add_token_types([gguf.TokenType.CONTROL] * specials + [gguf.TokenType.NORMAL] * (shape.vocabulary - specials))
    out.add_token_merges([f"{a} {b}" for a, b in tokenizer.merges])
    out.add_bos_token_id(tokenizer.ids[corpus.BEGIN])
    out.add_eos_token_id(tokenizer.ids[corpus.END])
    out.add_add_bos_token(False)          # the chat template writes it
    out.add_chat_template(TEMPLATE.read_text("utf-8"))
    for name, value in made.items():
        kind = np.float16 if value.ndim == 2 else np.float32
        out.add_tensor(f"{name}.weight", np.asarray(value, kind))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    shape = Shape()
    merges = learn(islice(corpus.texts(SEED), BPE_TEXTS), shape.vocabulary - 256 - len(corpus.SPECIALS))
    tokenizer = Tokenizer(corpus.SPECIALS, merges)
    print(f"{len(tokenizer.tokens)} tokens", flush=True)
    write(options.out, train(tokenizer, shape, options.steps), tokenizer, shape)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
