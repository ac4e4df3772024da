"""Work on strangers' bytes in processes of their own, which the kernel bounds and which end with whoever asked.

    workers = Workers(("-m", "actors.s3.engine.select.worker"), BOUNDS, limit=4)
    async with workers.ask(request) as worker:
        frame = await worker.frame()

A process costs the actor two pipes and is started in about 0.1 s; it gets no environment and no directory of ours.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog

from actors.runtime.bounded.worker import LENGTH, Frame
from bus.codec import pack, unpack

log = structlog.get_logger(__name__)


class Bounds(NamedTuple):
    """Of one process."""

    memory_bytes: int                     # of addresses, most of which are never touched
    processor_s: int                      # that it computes
    file_bytes: int                       # of each file it writes, one in memory too
    wait_s: float                         # from its start to its end
    frame_bytes: int                      # of a frame it tells

    def arguments(self) -> tuple[str, ...]:
        """Of its command: what `worker.serve` reads."""
        return tuple(map(str, (os.getpid(), self.memory_bytes, self.processor_s, self.file_bytes)))


class Full(Exception):
    """As many work and wait as may."""


class Ended(Exception):
    """The process ended without its last word: a bound was met, or it broke, and its log says how."""


class Workers:
    """Processes of one command of Python's: `limit` at a time, and `waiting` at most who wait for their turn."""

    def __init__(self, command: Sequence[str], bounds: Bounds, limit: int, waiting: int = 0) -> None:
        self._command, self._bounds = tuple(command), bounds
        self._turns = asyncio.Semaphore(limit)
        self._room = limit + waiting

    @asynccontextmanager
    async def ask(self, request: Frame) -> AsyncIterator["Worker"]:
        """A process that has been asked. Full; within, Ended."""
        if not self._room:
            raise Full
        self._room -= 1
        try:
            async with self._turns, asyncio.timeout(self._bounds.wait_s), self._started() as worker:
                await worker.tell(request)
                yield worker
        except TimeoutError as error:
            log.warning("worker_late", worker=self._command[-1])
            raise Ended from error
        finally:
            self._room += 1

    @asynccontextmanager
    async def _started(self) -> AsyncIterator["Worker"]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", *self._command, *self._bounds.arguments(),
            stdin=PIPE, stdout=PIPE, cwd="/", env={"PATH": os.defpath})
        try:
            yield Worker(process, self._command[-1], self._bounds.frame_bytes)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


class Worker:
    """One process under way."""

    def __init__(self, process: Process, name: str, frame_bytes: int) -> None:
        self._process, self._name, self._frame_bytes = process, name, frame_bytes

    async def tell(self, request: Frame) -> None:
        source = self._process.stdin
        assert source is not None
        data = pack(request)
        source.write(LENGTH.pack(len(data)) + data)
        try:
            await source.drain()
            source.close()
        except ConnectionError:
            log.warning("worker_gone", worker=self._name)     # its output tells

    async def frame(self, patience_s: float | None = None) -> Frame | None:
        """The next one; None: nothing for `patience_s`. Ended where none will come."""
        out = self._process.stdout
        assert out is not None
        try:
            async with asyncio.timeout(patience_s) as patience:
                head = await out.readexactly(LENGTH.size)
                patience.reschedule(None)
                [size] = LENGTH.unpack(head)
                assert size <= self._frame_bytes, "a worker bounds its frames"
                frame: Frame = unpack(await out.readexactly(size))
                return frame
        except TimeoutError:
            return None
        except asyncio.IncompleteReadError as error:
            log.warning("worker_ended", worker=self._name, code=await self._process.wait())
            raise Ended from error
