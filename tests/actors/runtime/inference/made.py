"""Tiny models of noise, written by hand: a reranker, adapters for the model in the box, a projector for images.

A GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The packages that write them need numpy, which
the suite has not; what is wanted here is a few thousand numbers of 32 bits.
"""

import math
import random
import struct
import zlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ALIGNMENT_BYTES = 32
Shape = tuple[int, ...]                   # as ggml has it: the fastest dimension first
Tensor = tuple[Shape, "array[float]"]


def write(path: Path, entries: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    head, body = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))), bytearray()
    for key, value in entries.items():
        head += _text(key) + _value(value)
    for name, (shape, numbers) in tensors.items():
        assert math.prod(shape) == len(numbers), name
        head += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body))
        body += numbers.tobytes()
        body += bytes(-len(body) % ALIGNMENT_BYTES)
    path.write_bytes(head + bytes(-len(head) % ALIGNMENT_BYTES) + body)


def noise(seed: int, shape: Shape, scale: float = 0.2) -> Tensor:
    chance = random.Random(f"{seed} {shape}")
    return shape, array("f", (chance.gauss(0, scale) for _ in range(math.prod(shape))))


def constant(value: float, shape: Shape) -> Tensor:
    return shape, array("f", [value]) * math.prod(shape)


def adapter(path: Path, seed: int, scale: float, width: int, layers: int = 1, rank: int = 2) -> None:
    """A LoRA of the attention's queries and outputs. `scale` 0 changes nothing."""
    tensors = {}
    for layer in range(layers):
        for name in ("attn_q", "attn_output"):
            tensors[f"blk.{layer}.{name}.weight.lora_a"] = noise(seed, (width, rank), 1.0)
            tensors[f"blk.{layer}.{name}.weight.lora_b"] = noise(seed + 1, (rank, width), scale)
    write(path, {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora",
                 "adapter.lora.alpha": float(rank)}, tensors)


def reranker(path: Path, width: int = 32, context: int = 128) -> None:
    """A BERT of one layer with a head of one score, that reads letters."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{each}" for each in letters), *letters]
    entries = {
        "general.architecture": "bert", "bert.context_length": context, "bert.embedding_length": width,
        "bert.block_count": 1, "bert.feed_forward_length": 2 * width, "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": 1e-5, "bert.attention.causal": False, "bert.pooling_type": 4,
        "tokenizer.ggml.model": "bert", "tokenizer.ggml.token_type_count": 2, "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 5 + [1] * (2 * len(letters)), "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1, "tokenizer.ggml.cls_token_id": 2, "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.seperator_token_id": 3, "tokenizer.ggml.eos_token_id": 3, "tokenizer.ggml.mask_token_id": 4,
    }
    tensors = {
        "token_embd.weight": noise(1, (width, len(tokens)), 1.0), "token_types.weight": noise(2, (width, 2)),
        "position_embd.weight": noise(3, (width, context)), "token_embd_norm.weight": constant(1, (width,)),
        "token_embd_norm.bias": constant(0, (width,)), "cls.weight": noise(4, (width, width)),
        "cls.bias": constant(0, (width,)), "cls.output.weight": noise(5, (width, 1), 1.0),
        "cls.output.bias": constant(0, (1,)),
    }
    shapes = {"attn_q": (width, width), "attn_k": (width, width), "attn_v": (width, width),
              "attn_output": (width, width), "ffn_up": (width, 2 * width), "ffn_down": (2 * width, width)}
    for number, (name, shape) in enumerate(shapes.items()):
        tensors |= {f"blk.0.{name}.weight": noise(10 + number, shape), f"blk.0.{name}.bias": constant(0, shape[1:])}
    for name in ("attn_output_norm", "layer_output_norm"):
        tensors |= {f"blk.0.{name}.weight": constant(1, (width,)), f"blk.0.{name}.bias": constant(0, (width,))}
    write(path, entries, tensors)


def projector(path: Path, into: int, width: int = 32, side: int = 28, patch: int = 14) -> None:
    """A CLIP of two layers and LLaVA's projection, for a language model of the width `into`."""
    patches = (side // patch) ** 2
    entries = {
        "general.architecture": "clip", "clip.has_vision_encoder": True, "clip.projector_type": "mlp",
        "clip.use_gelu": True, "clip.vision.image_size": side, "clip.vision.patch_size": patch,
        "clip.vision.embedding_length": width, "clip.vision.feed_forward_length": 2 * width,
        "clip.vision.projection_dim": into, "clip.vision.block_count": 2, "clip.vision.attention.head_count": 2,
        "clip.vision.attention.layer_norm_epsilon": 1e-5, "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.5, 0.5, 0.5],
    }
    tensors = {
        "v.class_embd": noise(1, (width,)), "v.patch_embd.weight": noise(2, (patch, patch, 3, width)),
        "v.position_embd.weight": noise(3, (width, patches + 1)), "v.pre_ln.weight": constant(1, (width,)),
        "v.pre_ln.bias": constant(0, (width,)), "mm.0.weight": noise(4, (width, into)),
        "mm.0.bias": constant(0, (into,)), "mm.2.weight": noise(5, (into, into)), "mm.2.bias": constant(0, (into,)),
    }
    for layer in range(2):
        for number, name in enumerate(("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down")):
            shape = {"ffn_up": (width, 2 * width), "ffn_down": (2 * width, width)}.get(name, (width, width))
            tensors |= {f"v.blk.{layer}.{name}.weight": noise(10 * layer + number, shape),
                        f"v.blk.{layer}.{name}.bias": constant(0, shape[1:])}
        for name in ("ln1", "ln2"):
            tensors |= {f"v.blk.{layer}.{name}.weight": constant(1, (width,)),
                        f"v.blk.{layer}.{name}.bias": constant(0, (width,))}
    write(path, entries, tensors)


def png(red: int, green: int, blue: int, side: int = 28) -> bytes:
    """A square of one colour. https://www.w3.org/TR/png/"""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((red, green, blue)) * side
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b"")


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> bytes:
    """With its type before it."""
    kind, data = _typed(value)
    return struct.pack("<I", kind) + data


def _typed(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, _text(value)
    assert isinstance(value, Sequence)
    members = [_typed(each) if not isinstance(each, int) else (5, struct.pack("<i", each)) for each in value]
    return 9, struct.pack("<IQ", members[0][0], len(members)) + b"".join(data for _, data in members)
