"""A Llama in JAX over weights that stand still, and low-rank adapters that learn. https://arxiv.org/abs/2106.09685

Weights come from a GGUF file, of whatever types its tensors have, and are numbers of 32 bits here; adapters go into one
that llama.cpp loads beside the model. Layers are stacked and scanned, so that a deep model compiles as fast as a
shallow one. Rotations are llama.cpp's: pairs of neighbours in the architecture llama, of halves in qwen2.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import jax
import jax.numpy as jnp
import numpy as np

ARCHITECTURES = {"llama": False, "qwen2": True}           # and whether rotations pair halves
ADAPTED = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
NORMS = ("attn_norm", "ffn_norm")
ALPHA_PER_RANK = 2.0                      # what an adapter says counts so much
BETAS, WEIGHT_DECAY, NORM_MAX = (0.9, 0.999), 0.01, 1.0
Weights = dict[str, Any]


class Unsuitable(ValueError):
    """A model that cannot be trained here; the message says why."""


@dataclass(frozen=True)
class Shape:
    architecture: str
    layers: int
    heads: int
    heads_kv: int
    head: int                             # values in one
    epsilon: float
    base: float                           # of the rotations
    end: int                              # the token that ends a turn


def read(path: str) -> tuple[Shape, Weights]:
    """Unsuitable."""
    file = gguf.GGUFReader(path)

    def field(name: str, default: Any = None) -> Any:
        found = file.get_field(name.format(arch=architecture))
        return default if found is None else found.contents()

    architecture = ""
    architecture = str(field("general.architecture"))
    if architecture not in ARCHITECTURES:
        raise Unsuitable(f"Models of the architecture {architecture} cannot be trained here.")
    if field("{arch}.rope.scaling.type", "none") != "none" or field("{arch}.expert_count", 0):
        raise Unsuitable("Models with scaled rotations or experts cannot be trained here.")
    heads, width = field("{arch}.attention.head_count"), field("{arch}.embedding_length")
    shape = Shape(
        architecture, field("{arch}.block_count"), heads, field("{arch}.attention.head_count_kv", heads),
        field("{arch}.attention.key_length", width // heads), field("{arch}.attention.layer_norm_rms_epsilon"),
        field("{arch}.rope.freq_base", 10000.0),
        field("tokenizer.ggml.eot_token_id", field("tokenizer.ggml.eos_token_id")))
    return shape, _stacked(shape, {each.name: each for each in file.tensors})


def _stacked(shape: Shape, tensors: dict[str, Any]) -> Weights:
    def matrix(name: str) -> Any:
        tensor = tensors[name]
        return np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32)

    weights: Weights = {"embedding": matrix("token_embd.weight"), "norm": matrix("output_norm.weight"), "layers": {}}
    weights["output"] = matrix("output.weight" if "output.weight" in tensors else "token_embd.weight")
    weights["factors"] = matrix("rope_freqs.weight") if "rope_freqs.weight" in tensors else np.ones(shape.head // 2)
    names = [f"{name}.{kind}" for name in (*ADAPTED, *NORMS) for kind in ("weight", "bias")]
    for name in names:
        if f"blk.0.{name}" in tensors:
            weights["layers"][name] = np.stack([matrix(f"blk.{layer}.{name}") for layer in range(shape.layers)])
    return weights


def adapters(weights: Weights, rank: int, seed: int) -> Weights:
    """That change nothing yet: one factor is noise, the other nought."""
    chance = np.random.default_rng(seed)
    made = {}
    for name in ADAPTED:
        layers, out, into = weights["layers"][f"{name}.weight"].shape
        made[name] = (chance.standard_normal((layers, rank, into)).astype(np.float32) / math.sqrt(into),
                      np.zeros((layers, out, rank), np.float32))
    return made


def logits(shape: Shape, weights: Weights, adapted: Weights, tokens: Any) -> Any:
    """[examples, tokens] -> [examples, tokens, vocabulary]"""
    length = tokens.shape[1]
    angles = jnp.arange(length)[:, None] * (
        shape.base ** (-jnp.arange(0, shape.head, 2) / shape.head) / weights["factors"])[None, :]
    turn = jnp.cos(angles)[None, :, None, :], jnp.sin(angles)[None, :, None, :]
    past = jnp.tril(jnp.ones((length, length), bool))

    def layer(x: Any, of: Any) -> tuple[Any, None]:
        return _layer(shape, turn, past, x, *of), None

    x, _ = jax.lax.scan(jax.checkpoint(layer), weights["embedding"][tokens], (weights["layers"], adapted))
    return _norm(x, weights["norm"], shape.epsilon) @ weights["output"].T


def _layer(shape: Shape, turn: tuple[Any, Any], past: Any, x: Any, fixed: Weights, adapted: Weights) -> Any:
    def linear(name: str, x: Any) -> Any:
        low, high = adapted[name]
        y = x @ fixed[f"{name}.weight"].T + ALPHA_PER_RANK * ((x @ low.T) @ high.T)
        return y + fixed[f"{name}.bias"] if f"{name}.bias" in fixed else y

    def heads(name: str, count: int) -> Any:
        return linear(name, h).reshape(*h.shape[:2], count, shape.head)

    h = _norm(x, fixed["attn_norm.weight"], shape.epsilon)
    halves = ARCHITECTURES[shape.architecture]
    q, k = _turned(heads("attn_q", shape.heads), turn, halves), _turned(heads("attn_k", shape.heads_kv), turn, halves)
    each = shape.heads // shape.heads_kv
    k, v = jnp.repeat(k, each, axis=2), jnp.repeat(heads("attn_v", shape.heads_kv), each, axis=2)
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(shape.head)
    seen = jax.nn.softmax(jnp.where(past, scores, -jnp.inf), axis=-1)
    x = x + linear("attn_output", jnp.einsum("bhqk,bkhd->bqhd", seen, v).reshape(*x.shape[:2], -1))
    h = _norm(x, fixed["ffn_norm.weight"], shape.epsilon)
    return x + linear("ffn_down", jax.nn.silu(linear("ffn_gate", h)) * linear("ffn_up", h))


def _norm(x: Any, scale: Any, epsilon: float) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + epsilon) * scale


def _turned(x: Any, turn: tuple[Any, Any], halves: bool) -> Any:
    cosine, sine = turn
    one, other = jnp.split(x, 2, axis=-1) if halves else (x[..., 0::2], x[..., 1::2])
    turned = one * cosine - other * sine, one * sine + other * cosine
    return jnp.concatenate(turned, -1) if halves else jnp.stack(turned, -1).reshape(x.shape)


def loss(shape: Shape, adapted: Weights, weights: Weights, tokens: Any, learnt: Any) -> Any:
    """Cross entropy in nats, a mean over what is learnt: each token from those before it."""
    told = jax.nn.log_softmax(logits(shape, weights, adapted, tokens[:, :-1]))
    chosen = jnp.take_along_axis(told, tokens[:, 1:, None], axis=-1)[..., 0]
    counted = learnt[:, 1:]
    return -jnp.sum(chosen * counted) / jnp.maximum(jnp.sum(counted), 1)


class Learning:
    """AdamW over the adapters: https://arxiv.org/abs/1711.05101, with clipped gradients and a warm-up."""

    def __init__(self, shape: Shape, weights: Weights, rank: int, rate: float, warmup_steps: int, seed: int) -> None:
        self.adapted = adapters(weights, rank, seed)
        self._weights = jax.tree.map(jnp.asarray, weights)
        self._rank, self._rate, self._warmup = rank, rate, warmup_steps
        self._moments = jax.tree.map(np.zeros_like, self.adapted), jax.tree.map(np.zeros_like, self.adapted)
        self._steps = 0
        self._loss = jax.jit(partial(loss, shape))
        self._slope = jax.jit(jax.value_and_grad(partial(loss, shape)))
        self._change = jax.jit(_changed)

    def step(self, tokens: Any, learnt: Any) -> float:
        """The loss before it."""
        self._steps += 1
        rate = self._rate * min(1.0, self._steps / self._warmup) if self._warmup else self._rate
        found, slope = self._slope(self.adapted, self._weights, tokens, learnt)
        self.adapted, self._moments = self._change(self.adapted, slope, self._moments, rate, self._steps)
        return float(found)

    def loss(self, tokens: Any, learnt: Any) -> float:
        return float(self._loss(self.adapted, self._weights, tokens, learnt))

    def save(self, path: Path, architecture: str) -> None:
        """As llama.cpp reads adapters."""
        out = gguf.GGUFWriter(str(path), architecture)
        out.add_type("adapter")
        out.add_string("adapter.type", "lora")
        out.add_float32("adapter.lora.alpha", ALPHA_PER_RANK * self._rank)
        for name, (low, high) in self.adapted.items():
            for layer in range(low.shape[0]):
                out.add_tensor(f"blk.{layer}.{name}.weight.lora_a", np.asarray(low[layer], np.float32))
                out.add_tensor(f"blk.{layer}.{name}.weight.lora_b", np.asarray(high[layer], np.float32))
        out.write_header_to_file()
        out.write_kv_data_to_file()
        out.write_tensors_to_file()
        out.close()


def _changed(adapted: Weights, slope: Weights, moments: Any, rate: Any, steps: Any) -> Any:
    norm = jnp.sqrt(sum(jnp.sum(each * each) for each in jax.tree.leaves(slope)))
    slope = jax.tree.map(lambda each: each * jnp.minimum(1.0, NORM_MAX / (norm + 1e-6)), slope)
    first = jax.tree.map(lambda old, new: BETAS[0] * old + (1 - BETAS[0]) * new, moments[0], slope)
    second = jax.tree.map(lambda old, new: BETAS[1] * old + (1 - BETAS[1]) * new * new, moments[1], slope)

    def moved(weight: Any, mean: Any, square: Any) -> Any:
        mean, square = mean / (1 - BETAS[0] ** steps), square / (1 - BETAS[1] ** steps)
        return weight - rate * (mean / (jnp.sqrt(square) + 1e-8) + WEIGHT_DECAY * weight)

    return jax.tree.map(moved, adapted, first, second), (first, second)


def batches(
    examples: Sequence[tuple[Sequence[int], Sequence[bool]]], size: int, seed: int | None
) -> Iterator[tuple[Any, Any]]:
    """All of them, shuffled where there is a seed, filled up to a length that is a power of two: few to compile for."""
    order = np.arange(len(examples)) if seed is None else np.random.default_rng(seed).permutation(len(examples))
    for start in range(0, len(order), size):
        chosen = [examples[place] for place in order[start:start + size]]
        length = 1 << (max(len(tokens) for tokens, _ in chosen)).bit_length()
        tokens, learnt = np.zeros((size, length), np.int32), np.zeros((size, length), np.float32)
        for row, (said, marked) in enumerate(chosen):
            tokens[row, :len(said)], learnt[row, :len(said)] = said, marked
        yield tokens, learnt
