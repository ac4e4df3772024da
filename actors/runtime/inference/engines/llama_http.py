"""HTTP over a Unix socket to llama.cpp's own server in this process: JSON in, JSON out, one connection a request.

Its paths: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from actors.runtime.inference.engines.llama_stream import error_of

ANSWER_LIMIT_S = 60.0
ANSWER_LIMIT_BYTES = 256 * 1024 * 1024    # a megabyte of text as numbers of tokens


class LlamaHttp:
    def __init__(self, socket: Path, key: str) -> None:
        self.socket = socket
        self.key = key

    async def get(self, path: str) -> dict[str, Any]:
        return await self._ask("GET", path, b"")

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._ask("POST", path, json.dumps(body).encode())

    async def tokens(self, text: str, *, special: bool = True) -> list[int]:
        """Of a text. `special`: as a prompt begins, with those that mean something read as such."""
        answer = await self.post("/tokenize", {"content": text, "add_special": special, "parse_special": special})
        found: list[int] = answer["tokens"]
        return found

    async def _ask(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_unix_connection(str(self.socket))
            try:
                writer.write(
                    f"{method} {path} HTTP/1.1\r\nHost: llama\r\nAuthorization: Bearer {self.key}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
                )
                head = await reader.readuntil(b"\r\n\r\n")
                length = _length(head)
                answer: dict[str, Any] = json.loads(await reader.readexactly(length))
            finally:
                writer.close()
        if not head.startswith(b"HTTP/1.1 200"):
            raise error_of(answer.get("error", {}))
        return answer


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
            assert length <= ANSWER_LIMIT_BYTES, length
            return length
    raise ValueError("an answer without its length")
