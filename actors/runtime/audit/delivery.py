"""Takes a journal's records to CloudTrail's shard: at least once, in order, nothing waits for it.

The journal is the queue. The position is remembered in a file beside it after each chunk that CloudTrail has committed;
what is sent twice (a crash between the two) CloudTrail knows by its eventID.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import structlog

from actors.runtime import private_files
from actors.runtime.audit.journal import Journal, Position, Tail
from bus.backoff import backoff_s
from bus.transport import BusError

CHUNK_LIMIT_BYTES = 256 * 1024                     # of lines, in one message
GATHER_S = 0.05                                    # after the first record: those that follow go with it
RETRY_WAIT_S, RETRY_WAIT_LIMIT_S = 0.1, 10.0

Send = Callable[[list[bytes]], Awaitable[object]]  # returns when they are committed; BusError

log = structlog.get_logger(__name__)


class Delivery:
    """From `start` to `stop`."""

    def __init__(self, journal: Journal, send: Send) -> None:
        self._journal = journal
        self._send = send
        self._memory = journal.path.with_name(f"{journal.path.name}.delivered")
        self._tail = Tail(journal.path, journal.files_limit, _remembered(self._memory))
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._journal.appended = self._more.set
        self._task = asyncio.get_running_loop().create_task(self._deliver())

    async def stop(self) -> None:
        self._journal.appended = lambda: None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._tail.close()

    async def _deliver(self) -> None:
        attempts = 0
        while True:
            self._more.clear()
            try:
                delivered = await self._deliver_chunk()
            except Exception as error:
                attempts += 1
                expected = isinstance(error, BusError | TimeoutError | OSError)
                log.log(logging.INFO if expected else logging.ERROR, "audit_delivery_waits", reason=str(error),
                        attempts=attempts, exc_info=None if expected else error)
                await asyncio.sleep(backoff_s(attempts, RETRY_WAIT_S, RETRY_WAIT_LIMIT_S))
                continue
            attempts = 0
            if not delivered:
                await self._more.wait()
                await asyncio.sleep(GATHER_S)

    async def _deliver_chunk(self) -> bool:
        lines, position = self._tail.read(CHUNK_LIMIT_BYTES)
        if not lines:
            return False
        await self._send(lines)
        self._tail.advance(position)
        _remember(self._memory, position)
        return True


def _remembered(memory: Path) -> Position:
    """A position that cannot be read is none: everything is sent again, and known again."""
    try:
        file, offset = orjson.loads(memory.read_bytes())
        return Position(str(file), int(offset))
    except FileNotFoundError:
        return Position()
    except (OSError, ValueError) as error:
        log.warning("audit_position_unreadable", path=str(memory), reason=str(error))
        return Position()


def _remember(memory: Path, position: Position) -> None:
    private_files.write(memory, orjson.dumps(list(position)), durable=False)
