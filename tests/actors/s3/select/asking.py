"""Asks a worker of its own, as the actor does, and puts its frames together."""

import subprocess
import sys
from typing import Any, NamedTuple

from actors.runtime.bounded.worker import LENGTH
from actors.s3.selecting import BOUNDS
from bus.codec import pack, unpack

USE = {"csv": {"header": "USE"}}
LINES = {"json": "LINES"}


class Found(NamedTuple):
    records: bytes
    error: str
    stats: list[int]


def ask(
    query: str, data: bytes, input_: dict[str, Any] | None = None, output: dict[str, Any] | None = None,
    compression: str = "NONE", span: list[int] | None = None,
) -> Found:
    asked = {"query": query, "data": data, "input": input_ or {"csv": {}}, "output": output or {"csv": {}},
             "folder": "", "compression": compression, "pieces": [], "head": [], "base": 0, "span": span,
             "progress": False}
    packed = pack(asked)
    done = subprocess.run([sys.executable, "-I", "-m", "actors.s3.engine.select.worker", *BOUNDS.arguments()],
                          check=True, timeout=60, input=LENGTH.pack(len(packed)) + packed, stdout=subprocess.PIPE)
    records, error, left = b"", "", done.stdout
    stats: list[int] = []
    while left:
        [size] = LENGTH.unpack(left[:LENGTH.size])
        frame = unpack(left[LENGTH.size:LENGTH.size + size])
        left = left[LENGTH.size + size:]
        records += frame.get("records", b"")
        error = frame.get("error", [error])[0]
        stats = frame.get("stats", stats)
    return Found(records, error, stats)
