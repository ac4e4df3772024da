"""Work that blocks, in threads of its own: what waits for a network, or computes for longer than the loop may.

    digests = Threads("digests", limit=2, waiting=62)
    made = await digests.run(digest, password)

asyncio's own threads are everybody's and their queue has no end: work there keeps S3's files waiting.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from actors.runtime.bounded.process import Full

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Threads:
    """`limit` pieces of work at a time, and `waiting` at most that wait for their turn, first come, first served."""

    def __init__(self, name: str, limit: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(limit, name)               # its threads start when they are needed
        self._room = limit + waiting

    async def run(self, work: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs) -> Result:
        """What it returns or raises. Full. Work whose caller is cancelled takes its room until it is done."""
        if not self._room:
            raise Full
        self._room -= 1
        under_way = asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*arguments, **named))
        under_way.add_done_callback(self._left)
        return await asyncio.shield(under_way)

    def _left(self, _: object) -> None:
        self._room += 1
