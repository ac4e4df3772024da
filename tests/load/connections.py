"""Open HTTP connections that send requests which are bytes already: next to nothing of a client's own."""

import asyncio
from collections.abc import Sequence


class Connections:
    """`count` of them to a port, open until `close`."""

    def __init__(self, port: int, count: int) -> None:
        self._port, self._count = port, count
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def start(self) -> None:
        self._open = [await asyncio.open_connection("127.0.0.1", self._port) for _ in range(self._count)]

    async def close(self) -> None:
        for _, writer in self._open:
            writer.close()
            await writer.wait_closed()

    async def ask(self, requests: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """Status and body of each, in their order; on every connection one at a time."""
        answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)

        async def share(number: int) -> None:
            reader, writer = self._open[number]
            for at in range(number, len(requests), self._count):
                writer.write(requests[at])
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                answers[at] = int(head[9:12]), await reader.readexactly(int(length.split(b":")[1]))

        await asyncio.gather(*(share(number) for number in range(self._count)))
        return answers
